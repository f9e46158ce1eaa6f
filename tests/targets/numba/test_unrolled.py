"""Small programs written out over everything but the batch compute what they did before."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.unrolled import MOST_OPERATIONS, Unrolled, operations, unrolled
from symbp.checking.check import random_values
from symbp.compiler import load_module, lowered, module_source
from symbp.networks.optimizers import Optimizer, optimise
from symbp.notation.program import Program
from symbp.targets.numba import module
from tests.comparison import assert_close
from tests.emitted_text import assert_text_agrees, load_as_python, trained
from tests.random_equations import random_equations, random_recurrence

ANY_SIZE = 10**6
n, i, j, k = bp.indices("n i j k", "N", 3, 4, 2)
C = bp.tensor("C")


def step_of(program: bp.Program, optimizer: Optimizer) -> Program:
    """Return a training step as it reaches the code generator."""
    updated = lower_logsumexp(lowered(program, optimizer)[1])
    assert updated.cost is not None
    return updated.prune([updated.cost, *(new for _, new in updated.updates)])


def of_components(small: Unrolled, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the components, by name, from those of the tensors."""
    result = dict(values)
    for tensor, components in small.components.items():
        for component in components:
            if tensor.name in values and component.component_of is not None:
                place = iter(component.component_of[1])
                where = tuple(next(place) if isinstance(e, int) else ... for e in tensor.shape)
                result[component.name] = np.asarray(values[tensor.name])[where]
    return result


def assert_unrolled_is_equivalent(program: bp.Program, optimizer: Optimizer, seed: int) -> None:
    step = step_of(program, optimizer)
    small = unrolled(step, [*step.inputs, *step.targets], ANY_SIZE)
    assert small is not None
    assert all(not isinstance(e, int) for t in small.program.tensors for e in t.shape)
    values = random_values(program, 3, seed)
    values |= {t.name: np.zeros(t.shape) for t in step.with_role("state")}
    before, after = interpret(step, values), interpret(small.program, of_components(small, values))
    expected = of_components(small, {new.name: before[new.name] for _, new in step.updates})
    names = [new.name for _, new in small.program.updates]
    assert step.cost is not None
    assert_close(
        {name: after[name] for name in [step.cost.name, *names]},
        {name: expected[name] for name in names} | {step.cost.name: before[step.cost.name]},
        1e-4 if isinstance(optimizer, bp.RMSProp | bp.Adam) else 1e-11,
    )


@pytest.mark.parametrize("seed", range(0, 120, 12))
def test_a_random_program_is_equivalent_when_it_is_written_out(seed: int) -> None:
    example = random_equations(seed)
    assert_unrolled_is_equivalent(example.program, example.optimizer, seed)


@pytest.mark.parametrize("seed", range(1, 3))
def test_a_random_recurrence_is_equivalent_when_it_is_written_out(seed: int) -> None:
    example = random_recurrence(seed)
    assert_unrolled_is_equivalent(example.program, example.optimizer, seed)


@pytest.fixture
def whatever_the_size() -> Iterator[None]:
    with patch.object(module, "LIMITS", replace(module.LIMITS, most_operations=ANY_SIZE)):
        yield


@pytest.mark.usefixtures("whatever_the_size")
@pytest.mark.parametrize("seed", range(1, 120, 40))
def test_the_text_of_a_random_program_agrees_when_it_is_written_out(seed: int) -> None:
    example = random_equations(seed)
    assert_text_agrees(example.program, example.optimizer, seed)


@pytest.mark.slow
@pytest.mark.usefixtures("whatever_the_size")
@pytest.mark.parametrize("seed", range(120))
def test_the_text_of_every_random_program_agrees_when_it_is_written_out(seed: int) -> None:
    example = random_equations(seed)
    assert_text_agrees(example.program, example.optimizer, seed)


@pytest.mark.slow
@pytest.mark.usefixtures("whatever_the_size")
@pytest.mark.parametrize("seed", range(12))
def test_the_text_of_every_random_recurrence_agrees_when_it_is_written_out(seed: int) -> None:
    example = random_recurrence(seed)
    assert_text_agrees(example.program, example.optimizer, seed)


def test_a_value_of_the_whole_batch_is_known_before_it_is_read() -> None:
    # Batch normalisation: three loops over the examples, and what lies between them is stored.
    x, y, w = bp.input("x", n, k), bp.target("y", n), bp.parameter("w", k)
    z, centred, out = bp.tensor("z", n), bp.tensor("centred", n), bp.tensor("out", n)
    mean, variance = bp.tensor("mean"), bp.tensor("variance")
    equations = [
        bp.Equation(z[n], bp.Sum(w[k] * x[n, k], k)),
        bp.Equation(mean, bp.Mean(z[n], n)),
        bp.Equation(centred[n], z[n] - mean),
        bp.Equation(variance, bp.Mean(centred[n] ** 2, n)),
        bp.Equation(out[n], centred[n] / (1 + variance)),
        bp.Equation(C, bp.Mean((out[n] - y[n]) ** 2, n)),
    ]
    program = bp.Program(equations, cost=C)
    assert "every index but" in epoch_text(module_source(program))
    assert_text_agrees(program, bp.Momentum(0.1))


# Where it is used -------------------------------------------------------------------------------


def epoch_text(source: str) -> str:
    """Return the function of the epoch."""
    start = source.index("def _epoch")
    return source[start : source.index("# ---", start)]


def test_a_small_network_has_no_arrays_but_its_batch() -> None:
    text = epoch_text(module_source(bp.mlp(2, 4, 1, activation="tanh"), bp.Momentum(0.1)))
    assert "# Few enough operations: every index but that of the examples is written out." in text
    assert text.count("np.empty") == 3  # the columns of x and y
    assert "W1_3_0, W1_3_1, " in text
    assert "parameters[6], parameters[7], " in text
    # Nothing is stored before the last batch.
    assert text.index("    parameters[0], parameters[1], ") > text.index("total +=")


@pytest.mark.parametrize(
    ("sizes", "optimizer"), [((8, 32, 32, 2), bp.SGD(0.1)), ((4, 8, 3), bp.Adam(0.1))]
)
def test_a_network_beyond_the_budget_keeps_its_loops(
    sizes: tuple[int, ...], optimizer: Optimizer
) -> None:
    net = bp.mlp(*sizes, activation="tanh")
    step = step_of(net, optimizer)
    assert operations(step) > MOST_OPERATIONS
    assert unrolled(step, []) is None
    assert "written out" not in epoch_text(module_source(net, optimizer))


def test_where_the_data_decides_what_is_read_the_loops_stay() -> None:
    token, E = bp.input("token", n, kind="integer"), bp.parameter("E", j)
    program = bp.Program([bp.Equation(C, bp.Mean(E[token[n]] ** 2, n))], cost=C)
    assert unrolled(step_of(program, bp.SGD(0.1)), []) is None
    assert_text_agrees(program)


def test_operations_are_counted_for_each_element_that_is_written_out() -> None:
    x, W, a = bp.input("x", n, k), bp.parameter("W", j, k), bp.tensor("a", n, j)
    contraction = normalise(bp.Program([bp.Equation(a[n, j], bp.Sum(W[j, k] * x[n, k], k))]))
    assert operations(contraction) == 4 * 2 * 2  # a product and a sum each, for any batch
    scaled = normalise(bp.Program([bp.Equation(a[n, j], x[n, 0] * bp.sigmoid(W[j, 0]))]))
    assert operations(scaled) == 4 * (2 + 10)


# Compiled ---------------------------------------------------------------------------------------


def compiled(source: str, path: Path) -> Any:
    path.write_text(source, encoding="utf-8")
    return load_module(path, path.stem)


def after_two_steps(found: Any, values: dict[str, Any], names: list[str]) -> NDArray[Any]:
    trainer = found.Trainer({p: values[p] for p in found.Parameters._fields})
    # The second batch is short.
    trainer.fit(*(values[name] for name in names), epochs=1, batch_size=3, shuffle=False)
    return np.concatenate([np.ravel(p) for p in trainer.parameters])


NETS: dict[str, tuple[bp.Program, Optimizer, str]] = {
    "tanh": (bp.mlp(2, 4, 1, activation="tanh"), bp.SGD(0.5), "float64"),
    "softmax": (
        bp.mlp(3, 2, 3, activation="relu", loss="softmax_cross_entropy"),
        bp.Momentum(0.1),
        "float32",
    ),
    "adam": (bp.mlp(2, 2, 1), bp.Adam(0.01), "float64"),
}


@pytest.mark.parametrize(
    "name", ["tanh", *(pytest.param(name, marks=pytest.mark.slow) for name in ("softmax", "adam"))]
)
def test_a_compiled_epoch_agrees_with_the_interpreter(name: str, tmp_path: Path) -> None:
    net, optimizer, dtype = NETS[name]
    source = module_source(net, optimizer, dtype)
    assert "written out" in epoch_text(source)
    values = random_values(net, 5, seed=3)
    arguments = [t.name for t in (*net.inputs, *net.targets)]
    written_out = compiled(source, tmp_path / f"{name}_written_out.py")
    got = after_two_steps(written_out, values, arguments)
    updated = optimise(reverse(normalise(net)), optimizer)
    stepped = trained(updated, values, [slice(0, 3), slice(3, 5)])
    expected = np.concatenate([np.ravel(stepped[p]) for p in written_out.Parameters._fields])
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(got, expected, atol=tolerance * np.abs(expected).max(), rtol=0)
    # The same once more, to the bit; other batch sizes and rates need no other machine code.
    assert np.array_equal(got, after_two_steps(written_out, values, arguments))
    kernel = written_out._epoch_kernel
    assert len(kernel.signatures) == 1
    trainer = written_out.Trainer(seed=0)
    trainer.fit(*(np.tile(values[name].T, 9).T for name in arguments), epochs=2, batch_size=32)
    assert len(kernel.signatures) == 1
    # What is not a number is not hidden.
    data = [np.asarray(values[name], dtype) for name in arguments]
    data[0][4, 0] = np.nan
    flat = np.full_like(got, 0.1)
    states = np.zeros(written_out._STATE_SIZE, dtype)
    rates = np.array(list(written_out._HYPERPARAMETERS.values()), dtype)
    assert np.isnan(kernel(flat, states, rates, np.arange(5), 5, *data))
    assert np.isnan(flat).any()


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_a_compiled_epoch_agrees_with_the_loops(name: str, tmp_path: Path) -> None:
    net, optimizer, dtype = NETS[name]
    values = random_values(net, 5, seed=3)
    arguments = [t.name for t in (*net.inputs, *net.targets)]
    with patch.object(module, "LIMITS", replace(module.LIMITS, most_operations=0)):
        looped_source = module_source(net, optimizer, dtype)
    assert "written out" not in epoch_text(looped_source)
    looped = compiled(looped_source, tmp_path / f"{name}_looped.py")
    written_out = compiled(
        module_source(net, optimizer, dtype), tmp_path / f"{name}_written_out.py"
    )
    got, other = (after_two_steps(found, values, arguments) for found in (written_out, looped))
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(got, other, atol=tolerance * np.abs(other).max(), rtol=0)


BRANCHES: dict[str, Any] = {
    "squares of differences": lambda u, v: bp.where(u > 0, (u - v) ** 2, bp.where(v > 0, v**3, u)),
    "in a condition": lambda u, v: bp.where(bp.where(u > 0, (u + v) ** 2, v) > v, u, v),
    "maximum": lambda u, v: bp.maximum(u, bp.maximum(v, 0)) ** 2,
    "elu": lambda u, v: bp.elu(u * v + 1),
    "squares alone": lambda u, v: bp.exp(u) ** 2 / (1 + bp.exp(v)) ** 2,
}


# As Python in every run; in machine code one of them, the rest when there is time.
@pytest.mark.parametrize(
    ("name", "is_compiled"),
    [
        *((name, False) for name in BRANCHES),
        *(
            pytest.param(name, True, marks=() if name == "in a condition" else pytest.mark.slow)
            for name in BRANCHES
        ),
    ],
)
def test_what_takes_several_lines_is_written_by_element_too(name: str, is_compiled: bool) -> None:
    x, y, w = bp.input("x", n, i), bp.target("y", n, i), bp.parameter("w", i)
    a = bp.tensor("a", n, i)
    program = bp.Program([
        bp.Equation(a[n, i], BRANCHES[name](w[i] * x[n, i], x[n, i])),
        bp.Equation(C, bp.Mean(bp.Sum((a[n, i] - y[n, i]) ** 2, i), n)),
    ], cost=C, output=a)  # fmt: skip
    source = module_source(program, bp.SGD(0.1), entries=("hvp",))
    assert "is written out" in source
    made = (
        bp.compile(program, bp.SGD(0.1), entries=("hvp",)).module
        if is_compiled
        else load_as_python(source)
    )
    values = random_values(program, 5, 0)
    parameters = {"w": values["w"]}
    cost, gradient = made.gradient(parameters, values["x"], values["y"])
    given = interpret(reverse(normalise(program)), values)
    np.testing.assert_allclose(cost, given["C"], rtol=1e-12)
    np.testing.assert_allclose(gradient.w, given["w_adjoint"], rtol=1e-11, atol=1e-12)
    step = 1e-6 * np.ones(3)
    sides = [
        made.gradient({"w": values["w"] + s}, values["x"], values["y"])[1].w for s in (step, -step)
    ]
    product = made.hvp(parameters, {"w": np.ones(3)}, values["x"], values["y"]).w
    np.testing.assert_allclose(product, (sides[0] - sides[1]) / 2e-6, rtol=1e-5, atol=1e-6)


def test_a_logarithm_of_exponentials_is_there_in_single_precision() -> None:
    x, w, a = bp.input("x", n, i), bp.parameter("w", i), bp.tensor("a", n, i)
    program = bp.Program([
        bp.Equation(a[n, i], bp.log(bp.exp(w[i] * x[n, i]) + bp.exp(x[n, i]))),
        bp.Equation(C, bp.Mean(bp.Sum(a[n, i] ** 2, i), n)),
    ], cost=C, output=a)  # fmt: skip
    made = bp.compile(program, dtype="float32").module
    data = np.array([[1.0, -300.0, np.inf]])
    found = made.predict({"w": np.array([2.0, 0.5, 1.0])}, data)
    np.testing.assert_allclose(found, [[2 + np.log1p(np.exp(-1)), -150, np.inf]], rtol=1e-6)
