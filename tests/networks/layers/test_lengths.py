"""Lengths by example: each sequence as by itself, and as PyTorch's packed ones."""

from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.gradient_program import gradient_program
from symbp.calculus.interpreter import interpret
from symbp.notation.errors import SymbpError
from tests.comparison import assert_close
from tests.networks.layers.cases import TOLERANCE

T, F, H = 5, 2, 3
LENGTHS = np.array([3, 5, 1, 4])
N = len(LENGTHS)
n = bp.Index("n", "N")

RECURRENT: dict[str, tuple[str, dict[str, Any]]] = {
    "RNN": ("RNN", {}),
    "RNN, both directions": ("RNN", {"bidirectional": True}),
    "LSTM": ("LSTM", {}),
    "LSTM, last of both directions": ("LSTM", {"bidirectional": True, "last": True}),
    "LSTM, two layers of both": ("LSTM", {"bidirectional": True, "num_layers": 2}),
    "GRU, last": ("GRU", {"last": True}),
    "GRU, last of two layers of both": (
        "GRU", {"bidirectional": True, "num_layers": 2, "last": True},
    ),
}  # fmt: skip


def lengths_of() -> bp.Tensor:
    return bp.input("length", n, kind="integer")


def program_of(layer: Any, steps: int, length: bp.Tensor | None = None) -> bp.Program:
    """Return a layer whose output is weighed by a target; of one example, its lengths are gone."""
    m = n if length is not None else bp.Index("n", 1)
    x = bp.input("x", m, bp.Index("t", steps), bp.Index("k", F))
    equations, output = layer.equations(x, 1)
    r, C = bp.target("r", *output.indices), bp.tensor("C")
    cost = bp.Sum(output.element * r[output.indices], *output.indices)
    return bp.Program([*equations, bp.Equation(C, cost)], cost=C, output=output)


def evaluated(program: bp.Program, values: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    derived = gradient_program(program, stable=True).differentiated
    assert program.output is not None
    used = {t.name: values[t.name] for t in derived.tensors if t.name in values}
    found = interpret(derived, used)
    return found[program.output.name], {t.name: found[g.name] for t, g in derived.gradients}


def drawn(program: bp.Program, seed: int = 0) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    shapes = {
        t.name: [e if isinstance(e, int) else N for e in t.shape]
        for t in (*program.parameters, *program.inputs, *program.targets)
    }
    values = {name: generator.normal(size=shape) for name, shape in shapes.items()}
    return {**values, "length": LENGTHS}


# What these show is shown by few; the others take seconds each.
FEW = ("RNN, both directions", "LSTM, last of both directions", "GRU, last")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in FEW else [pytest.mark.slow]) for n in RECURRENT]
)
def test_each_sequence_is_as_by_itself(name: str) -> None:
    kind, options = RECURRENT[name]
    length = lengths_of()
    program = program_of(getattr(bp, kind)(H, lengths=length, **options), T, length)
    values = drawn(program)
    output, gradients = evaluated(program, values)
    sums = dict.fromkeys(gradients, 0.0)
    for row, steps in enumerate(LENGTHS):
        if steps == 1:  # a recurrence has two steps at least: what is behind the first is not read
            alone = program_of(getattr(bp, kind)(H, lengths=length, **options), 2, length)
        else:
            alone = program_of(getattr(bp, kind)(H, **options), int(steps))
        size = max(int(steps), 2)
        own = {**values, "x": values["x"][[row], :size], "length": LENGTHS[[row]]}
        own["r"] = values["r"][[row]] if options.get("last") else values["r"][[row], :size]
        found, slopes = evaluated(alone, own)
        if options.get("last"):
            assert_close({"h": output[row]}, {"h": found[0]}, TOLERANCE)
        else:
            assert_close({"h": output[row, :steps]}, {"h": found[0, :steps]}, TOLERANCE)
            assert not output[row, steps:].any()
        sums = {key: sums[key] + slopes[key] for key in sums}
    assert_close(gradients, sums, TOLERANCE)


@pytest.mark.parametrize("name", RECURRENT)
def test_values_and_gradients_are_those_of_packed_sequences(name: str) -> None:
    torch = pytest.importorskip("torch")
    kind, options = RECURRENT[name]
    length = lengths_of()
    program = program_of(getattr(bp, kind)(H, lengths=length, **options), T, length)
    values = drawn(program, seed=1)
    output, gradients = evaluated(program, values)

    given = {key: value for key, value in options.items() if key != "last"}
    module = getattr(torch.nn, kind)(F, H, batch_first=True, **given).double()
    parameters = dict(zip(gradients, module.parameters(), strict=True))
    with torch.no_grad():
        for own, parameter in parameters.items():
            parameter.copy_(torch.from_numpy(values[own]))
    rnn = torch.nn.utils.rnn
    packed = rnn.pack_padded_sequence(
        torch.from_numpy(values["x"]), torch.from_numpy(LENGTHS), batch_first=True,
        enforce_sorted=False,
    )  # fmt: skip
    states, last = module(packed)
    if options.get("last"):
        last = last[0] if kind == "LSTM" else last
        expected = torch.cat(list(last[-(1 + options.get("bidirectional", False)) :]), dim=-1)
    else:
        expected, _ = rnn.pad_packed_sequence(states, batch_first=True, total_length=T)
    (expected * torch.from_numpy(values["r"])).sum().backward()
    assert_close({"h": output}, {"h": expected.detach().numpy()}, TOLERANCE)
    slopes = {own: parameter.grad.numpy() for own, parameter in parameters.items()}
    assert_close(gradients, slopes, TOLERANCE)


def padded(values: Any, steps: Any) -> Any:
    """Return arrays with other numbers behind each example's last step."""
    other = values.copy()
    for row, size in enumerate(steps):
        other[row, size:] = 7.0
    return other


@pytest.mark.parametrize(
    "layer",
    [
        lambda length: bp.MultiHeadAttention(1, lengths=length),
        lambda length: bp.TransformerBlock(2, 4, lengths=length, causal=True),
    ],
    ids=["attention", "block"],
)
def test_keys_behind_the_last_step_are_not_looked_at(layer: Any) -> None:
    length = lengths_of()
    program = program_of(layer(length), T, length)
    values = drawn(program)
    for row, steps in enumerate(LENGTHS):  # what is asked behind the last step does not count
        values["r"][row, steps:] = 0.0
    output, gradients = evaluated(program, values)
    others = {**values, "x": padded(values["x"], LENGTHS)}
    found, slopes = evaluated(program, others)
    assert_close(gradients, slopes, TOLERANCE)
    for row, steps in enumerate(LENGTHS):
        assert_close({"a": output[row, :steps]}, {"a": found[row, :steps]}, TOLERANCE)


def test_attention_is_that_of_a_key_padding_mask() -> None:
    torch = pytest.importorskip("torch")
    length = lengths_of()
    program = program_of(bp.MultiHeadAttention(1, lengths=length), T, length)
    values = drawn(program, seed=2)
    output, gradients = evaluated(program, values)
    module = torch.nn.MultiheadAttention(F, 1, batch_first=True).double()
    parameters = dict(zip(gradients, module.parameters(), strict=True))
    with torch.no_grad():
        for own, parameter in parameters.items():
            parameter.copy_(torch.from_numpy(values[own]))
    x = torch.from_numpy(values["x"])
    hidden = torch.from_numpy(np.arange(T) >= LENGTHS[:, None])
    expected, _ = module(x, x, x, key_padding_mask=hidden)
    (expected * torch.from_numpy(values["r"])).sum().backward()
    assert_close({"a": output}, {"a": expected.detach().numpy()}, TOLERANCE)
    slopes = {own: parameter.grad.numpy() for own, parameter in parameters.items()}
    assert_close(gradients, slopes, TOLERANCE)


@pytest.mark.parametrize("loss", ["mean_squared_error", "softmax_cross_entropy", "huber"])
def test_a_mean_over_the_steps_is_one_over_those_that_there_are(loss: str) -> None:
    length = lengths_of()
    layers = [bp.RNN(H, lengths=length), bp.Dense(2)]
    net = bp.Network(layers, input=(T, F), loss=bp.ValidSteps(loss, length))
    flat = bp.Network([bp.Dense(2)], input=H, loss=loss)
    values = drawn(net)
    if loss == "softmax_cross_entropy":
        values["y"] = np.eye(2)[np.random.default_rng(0).integers(0, 2, (N, T))]
    cost = gradient_program(net, stable=True).normal
    found = interpret(cost, values)
    # The same cost of a batch of all steps that there are.
    valid = np.arange(T) < LENGTHS[:, None]
    own = {"x": found["h1_l0"][valid], "y": values["y"][valid]}
    own |= {"W1": values["W2"], "b1": values["b2"]}
    assert np.isclose(found["C"], interpret(gradient_program(flat).normal, own)["C"], rtol=1e-13)


def test_lengths_count_no_steps_that_there_are_not() -> None:
    length = lengths_of()
    layers = [bp.MultiHeadAttention(1, lengths=length), bp.RNN(H, lengths=length), bp.Dense(2)]
    loss = bp.ValidSteps("mean_squared_error", length)
    derived = gradient_program(
        bp.Network(layers, input=(T, F), loss=loss), stable=True
    ).differentiated
    values = drawn(derived)
    first, odd = (
        interpret(derived, {**values, "length": np.array(given)})
        for given in ([0, T, 1, 4], [-2, T + 3, 1, 4])
    )
    rows = {name: values[name][1:] for name in ("x", "y")}
    without = interpret(derived, {**values, **rows, "length": np.array([T, 1, 4])})
    for found in (first, odd):
        assert np.isclose(found["C"], without["C"], rtol=1e-13)
        for _, gradient in derived.gradients:
            assert np.allclose(found[gradient.name], without[gradient.name], rtol=1e-11, atol=1e-13)


def test_a_module_takes_lengths() -> None:
    length = lengths_of()
    net = bp.Network(
        [bp.GRU(H, bidirectional=True, last=True, lengths=length), bp.Dense(1)], input=(T, F)
    )
    trainer = bp.compile(net, bp.SGD(0.1), dtype="float64")
    values = drawn(net)
    parameters = trainer.module.Parameters(**{t.name: values[t.name] for t in net.parameters})
    given = LENGTHS, values["x"], values["y"]
    cost, found = trainer.module.gradient(parameters, *given)
    derived = gradient_program(net, stable=True).differentiated
    expected = interpret(derived, values)
    assert np.isclose(cost, expected["C"], rtol=1e-13)
    slopes = {tensor.name: expected[g.name] for tensor, g in derived.gradients}
    assert_close(found._asdict(), slopes, TOLERANCE)
    history = trainer.fit(*given, epochs=3, batch_size=2).history
    assert history[-1]["cost"] < history[0]["cost"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bp.LSTM(3, lengths=4), "LSTM lengths: expected an integer tensor such as"),
        (lambda: bp.LSTM(3, lengths=bp.input("l", n)), "LSTM lengths: expected an integer tensor"),
        (
            lambda: bp.GRU(3, lengths=bp.input("l", n, bp.Index("t", 4), kind="integer")),
            r"GRU lengths l: expected one for each of N examples, got the shape \(N, 4\)",
        ),
        (
            lambda: bp.Network(
                [bp.RNN(3, lengths=bp.input("l", bp.Index("n", 4), kind="integer"))], input=(T, F)
            ),
            r"RNN lengths l: expected one for each of N examples, got the shape \(4,\)",
        ),
        (
            lambda: bp.Network(
                [bp.Dense(3)], input=2, loss=bp.ValidSteps("quadratic", lengths_of())
            ),
            r"ValidSteps: expected an output of shape \(N, steps, …\), got \(N, 3\)",
        ),
        (lambda: bp.ValidSteps("quadratic", None), "ValidSteps: expected lengths, got None"),
        (
            lambda: bp.Network(
                [bp.Dense(3)], input=(T, F), loss=bp.ValidSteps(bp.CTC(2), lengths_of())
            ),
            "ValidSteps: ctc is no sum over the examples and the steps",
        ),
    ],
)  # fmt: skip
def test_mistakes(make: Any, message: str) -> None:
    with pytest.raises(SymbpError, match=message):
        make()
