"""What a case of one source cannot show: masks, two sources, ties, mistakes, compiled modules."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from tests.comparison import assert_close
from tests.networks.layers.cases import BATCH, TOLERANCE, Case, program_of, values_of
from tests.networks.layers.sequences import attention, masked
from tests.networks.layers.test_layers import CASES


@pytest.mark.parametrize("axes", ["ns", "ts", "nts"])
def test_attention_to_another_sequence_with_a_mask_is_that_of_jax(axes: str) -> None:
    mask, numbers = masked(tuple(axes))
    n, t, s, m = bp.indices("n t s m", BATCH, 4, 5, 6)
    x, y = bp.parameter("x", n, t, m), bp.parameter("y", n, s, m)
    equations, a = bp.MultiHeadAttention(2, mask=mask).equations((x, y), 1)
    r, C = bp.target("r", *a.indices), bp.tensor("C")
    total = bp.Sum(a.element * r[a.indices], *a.indices)
    program = bp.Program([*equations, bp.Equation(C, total)], cost=C, output=a)
    generator = np.random.default_rng(0)
    shapes = {T.name: T.shape for T in (*program.parameters, r)}
    values = {name: generator.normal(size=shape) for name, shape in shapes.items()}
    derived = reverse(normalise(program))
    found = interpret(derived, {**values, "mask": numbers})
    kept = {"ns": numbers[:, None, None], "ts": numbers, "nts": numbers[:, None]}[axes] > 0

    def cost(p: dict[str, Any]) -> Any:
        weights = (p["W1_in"], p["b1_in"], p["W1_out"], p["b1_out"])
        return (attention(p["x"], *weights, 2, p["y"], kept) * values["r"]).sum()

    given = {name: value for name, value in values.items() if name != "r"}
    expected, slopes = jax.jit(jax.value_and_grad(cost))(given)
    assert_close({"C": found["C"]}, {"C": expected}, TOLERANCE)
    gradients = {tensor.name: found[adjoint.name] for tensor, adjoint in derived.gradients}
    assert_close(gradients, slopes, TOLERANCE)


def test_equal_values_share_the_gradient_of_a_maximum() -> None:
    case = Case(bp.MaxPool2d(2), (1, 2, 2), jnp.max)
    program = program_of(case)
    derived = reverse(normalise(program))
    given = {"x": np.ones((BATCH, 1, 2, 2)), "r": np.ones((BATCH, 1, 1, 1))}
    found = interpret(derived, given)
    np.testing.assert_array_equal(found[derived.gradients[0][1].name], np.full((3, 1, 2, 2), 0.25))


def test_a_function_is_a_layer() -> None:
    def scaled(source: Any, number: int) -> Any:
        *outer, j = source.indices
        g, a = bp.parameter(f"g{number}", j), bp.tensor(f"a{number}", *outer, j)
        return [bp.Equation(a[(*outer, j)], g[j] * source[(*outer, j)])], a

    net = bp.Network([bp.Dense(3), scaled], input=2)
    assert [p.name for p in net.parameters] == ["W1", "b1", "g2"]
    assert repr(net) == "<Network 2: identity, scaled; quadratic; 12 parameters>"


def test_parameters_keep_the_order_of_a_state_dict() -> None:
    layers = [bp.Conv2d(4, 3), bp.GroupNorm(2), bp.Activation("relu"), bp.Flatten(), bp.Dense(2)]
    net = bp.Network(layers, input=(1, 5, 5))
    assert [(p.name, p.shape) for p in net.parameters] == [
        ("W1", (4, 1, 3, 3)), ("b1", (4,)), ("gamma2", (4,)), ("beta2", (4,)), ("W5", (2, 36)),
        ("b5", (2,)),
    ]  # fmt: skip


def test_layers_of_layers_are_numbered_through() -> None:
    inner = bp.Residual(bp.Dense(4, "tanh"), bp.Dense(4))
    net = bp.Network([bp.Dense(4), inner, bp.Dense(1)], input=2)
    names = [tensor.name for tensor in net.tensors if tensor.role == "intermediate"]
    assert names == ["z1", "z2", "a2", "z3", "r4", "z5", "C"]


# One of each layer.
ONE_EACH = list({type(case.layer): name for name, case in reversed(CASES.items())}.values())


@pytest.mark.parametrize("name", ONE_EACH)
def test_each_layer_prints_with_symbols_of_its_own(name: str) -> None:
    program = program_of(CASES[name], "N")
    derivation = bp.derive(program)
    names = [derivation.latex(form="index"), str(derivation)]
    for tensor in program.tensors:
        long = len(tensor.name) > 2 and tensor.name != "x"
        assert not (long and any(tensor.name in text for text in names)), tensor.name
    shown = [line for line in names[0].splitlines() if "by definition" not in line]
    lines = [line.split("&=")[0] for line in shown if "&=" in line]
    assert len(lines) == len(set(lines))


COMPILED = [
    "Conv2d stride", "ConvTranspose2d stride", "LSTM, last of both directions", "GRU",
    "GroupNorm", "TransformerBlock", "MixtureOfExperts, the largest",
]  # fmt: skip
SLOW = [name for name in COMPILED if name != "GroupNorm"]


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in COMPILED],
)
def test_a_compiled_layer_gives_what_its_equations_say(name: str) -> None:
    case = CASES[name]
    program = program_of(case, "N")
    values = values_of(program, case)
    derived = reverse(normalise(program))
    found = interpret(derived, values)
    module = bp.compile(program, bp.SGD(0.1), "float64").module
    parameters = {p.name: values[p.name] for p in program.parameters}
    cost, gradients = module.gradient(parameters, values["x"], values["r"])
    assert_close({"C": cost}, {"C": found["C"]}, TOLERANCE)
    expected = {tensor.name: found[adjoint.name] for tensor, adjoint in derived.gradients}
    assert_close(gradients._asdict(), expected, TOLERANCE)


def image(*shape: int) -> bp.Tensor:
    return bp.input("x", bp.Index("n", "N"), *(bp.Index("chwd"[i], s) for i, s in enumerate(shape)))


def made(layer: Any, *shape: int) -> Callable[[], Any]:
    return lambda: layer.equations(image(*shape), 1)


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "no equations": (
        lambda: bp.Network([bp.Dense(2), lambda source, number: ([1], source)], input=3),
        "layer <lambda>: expected equations, got 1",
    ),
    "no channels": (
        made(bp.Conv2d(3, 3), 28, 28),
        "Conv2d: expected a source of shape (N, channels, height, width), got (N, 28, 28)",
    ),
    "a vector": (made(bp.Conv2d(3, 3), 784), "input= takes a shape such as (1, 28, 28)"),
    "a window that is too large": (
        made(bp.Conv2d(3, 5), 1, 4, 4),
        "Conv2d kernel_size 5: its window of 5 is larger than the padded source, 4",
    ),
    "a window of a pool": (made(bp.MaxPool2d(5), 1, 4, 4), "MaxPool2d kernel_size 5: its window"),
    "groups": (
        made(bp.Conv2d(4, 3, groups=2), 3, 8, 8),
        "Conv2d groups: expected a divisor of the 3 channels of the source, got 2",
    ),
    "groups of the output": (
        made(bp.Conv2d(3, 3, groups=2), 4, 8, 8), "expected a divisor of the 3 out_channels, got 2"
    ),
    "a pair": (lambda: bp.Conv2d(3, (3, 3, 3)), "expected a positive int or 2 of them, got (3, 3"),
    "a size of 0": (lambda: bp.Conv1d(3, 0), "Conv1d kernel_size: expected a positive int, got 0"),
    "padding": (
        lambda: bp.Conv2d(3, 3, padding="full"), "padding 'full': expected 'same', 'valid' or a num"
    ),
    "padding same with a stride": (
        lambda: bp.Conv2d(3, 3, padding="same", stride=2), "'same': expected a stride of 1"
    ),
    "padding mode": (
        lambda: bp.Conv2d(3, 3, padding_mode="reflected"), "did you mean 'reflect'"
    ),
    "too much padding": (
        made(bp.Conv1d(3, 3, padding=4, padding_mode="reflect"), 1, 4),
        "padding 4 with padding_mode 'reflect': expected 3 at the most for an axis of 4",
    ),
    "padding of a pool": (
        lambda: bp.MaxPool2d(2, padding=2), "MaxPool2d padding 2: expected half of the window"
    ),
    "output padding": (
        lambda: bp.ConvTranspose2d(2, 3, output_padding=1),
        "output_padding 1: expected less than the stride or the dilation, 1",
    ),
    "an option": (lambda: bp.Conv2d(3, 3, pad=1), "Conv2d: no option 'pad'; did you mean 'padd"),
    "the number of inputs": (lambda: bp.LSTM(8, hidden=3), "LSTM: no option 'hidden'"),
    "axes to flatten": (made(bp.Flatten(0), 2, 2), "Flatten start_dim 0, end_dim -1: expected"),
    "a sequence": (
        made(bp.LSTM(3), 5), "LSTM: expected a source of shape (N, steps, features), got (N, 5)"
    ),
    "one step": (made(bp.GRU(3), 1, 5), "GRU: expected two steps at least, got 1"),
    "nonlinearity": (lambda: bp.RNN(3, nonlinearity="tan"), "did you mean 'tanh'"),
    "words": (made(bp.Embedding(5, 3), 4), "Embedding: it reads integers, but x holds real numbe"),
    "heads": (
        made(bp.MultiHeadAttention(4), 5, 6), "num_heads: expected a divisor of the 6 features, got"
    ),
    "a mask": (
        lambda: bp.MultiHeadAttention(2, mask=True), "mask: expected a tensor such as bp.input('ma"
    ),
    "the shape of a mask": (
        made(bp.MultiHeadAttention(2, mask=image(4)), 5, 6),
        "mask x: expected the shape (N, 5), (5, 5) or (N, 5, 5), got (N, 4)",
    ),
    "groups of channels": (
        made(bp.GroupNorm(4), 6, 2), "GroupNorm num_groups: expected a divisor of the 6 channels"
    ),
    "slopes": (made(bp.PReLU(2), 3), "PReLU num_parameters 2: expected 1 or the 3 channels"),
    "experts": (
        lambda: bp.MixtureOfExperts(2, 3, top_k=4), "top_k 4: expected at most 3, the number of"
    ),
    "a residual of another shape": (
        made(bp.Residual(bp.Dense(3)), 4),
        "Residual: its layers make (N, 3) of (N, 4); expected the same shape",
    ),
    "no residual": (lambda: bp.Residual(), "Residual: expected layers such as"),
    "one branch": (lambda: bp.Concatenate([]), "Concatenate: expected two lists of layers"),
    "branches that do not fit": (
        made(bp.Concatenate([bp.Flatten()], []), 2, 3),
        "Concatenate axis -1: expected the same extents",
    ),
    "branches and inputs": (
        lambda: bp.Network([bp.Concatenate([], [])], input={"a": 1, "b": 2, "c": 3}),
        "Concatenate: expected a branch for each of the 3 inputs, got 2",
    ),
    "several inputs and no branches": (
        lambda: bp.Network([bp.Dense(3)], input={"a": 1, "b": 2}),
        "Dense: it reads one tensor, got 2; bp.Concatenate takes several",
    ),
    "a function that is no layer": (
        lambda: bp.Network([bp.Dense(2), lambda source, number: 3], input=3),
        "layer <lambda>: equations(source, number) must return a list of equations",
    ),
    "an input's size": (
        lambda: bp.Network([bp.Conv2d(3, 3)], input=(1, 0, 5)), "Network input: expected a positive"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_said_in_one_line(case: str) -> None:
    call, message = MISTAKES[case]
    with pytest.raises(bp.SymbpError, match=re.escape(message)) as caught:
        call()
    assert "\n" not in str(caught.value)
