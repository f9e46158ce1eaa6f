"""storage: a tensor has memory only for the axes that outlive an iteration."""

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.contract import contract
from symbp.calculus.normalise import normalise
from symbp.codegen.plan import plan
from symbp.codegen.storage import dropped_axes, unread_stores
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

n, j, k = bp.indices("n j k", "N", 3, 2)
x = bp.input("x", n, j)


def dropped(program: Program, *kept: Tensor) -> dict[str, frozenset[int]]:
    program = contract(normalise(program))
    given = {t for t in program.tensors if t.role != "intermediate"}
    axes = dropped_axes(plan(program.equations, {}), {*given, *kept})
    return {tensor.name: gone for tensor, gone in axes.items() if tensor not in given}


def chain() -> tuple[Program, Tensor, Tensor]:
    a, b = bp.tensor("a", n, j), bp.tensor("b", n, j)
    equations = [
        bp.Equation(a[n, j], bp.sigmoid(x[n, j])),
        bp.Equation(b[n, j], a[n, j] ** 2 + a[n, j]),
    ]
    return bp.Program(equations), a, b


def test_a_value_used_in_its_own_iteration_is_a_local_variable() -> None:
    program, _, b = chain()
    assert dropped(program, b) == {"a": {0, 1}, "b": frozenset()}


def test_what_is_kept_keeps_every_axis() -> None:
    program, a, b = chain()
    assert dropped(program, a, b) == {"a": frozenset(), "b": frozenset()}


def test_a_value_that_a_later_iteration_reads_has_memory() -> None:
    a, b = bp.tensor("a", n, j), bp.tensor("b", n, j)
    equations = [
        bp.Equation(a[n, j], bp.sigmoid(x[n, j])),
        bp.Equation(b[n, j], a[n, 2 - j]),
    ]
    assert dropped(bp.Program(equations), b)["a"] == {0}


def test_a_sum_over_examples_that_all_examples_read_outlives_their_loop() -> None:
    s, b = bp.tensor("s", j), bp.tensor("b", n, j)
    equations = [
        bp.Equation(s[j], bp.Sum(x[n, j], n)),
        bp.Equation(b[n, j], x[n, j] - s[j]),
    ]
    assert dropped(bp.Program(equations), b)["s"] == frozenset()


def test_operands_of_a_matrix_product_have_memory() -> None:
    W = bp.parameter("W", k, j)
    a, z, out = bp.tensor("a", n, j), bp.tensor("z", n, k), bp.tensor("out", n, k)
    equations = [
        bp.Equation(a[n, j], bp.sigmoid(x[n, j])),
        bp.Equation(z[n, k], bp.Sum(W[k, j] * a[n, j], j)),
        bp.Equation(out[n, k], bp.sigmoid(z[n, k])),
    ]
    assert dropped(bp.Program(equations), out) == {
        "a": frozenset(), "z": frozenset(), "out": frozenset(),
    }  # fmt: skip


def test_the_steps_of_a_recurrence_have_memory() -> None:
    t = bp.Index("t", 3, sequential=True)
    h, b = bp.tensor("h", n, t), bp.tensor("b", n, t)
    before = bp.where(t > 0, h[n, t - 1], 0)
    equations = [
        bp.Equation(h[n, t], bp.sigmoid(before + x[n, t])),
        bp.Equation(b[n, t], 2 * h[n, t]),
    ]
    assert dropped(bp.Program(equations), b)["h"] == frozenset()


def test_a_store_that_is_read_in_the_same_iteration_stays_in_a_register() -> None:
    program, _a, b = chain()
    program = normalise(program)
    blocks = plan(program.equations, {})
    assert len(unread_stores(blocks, {b})) == 1
    assert unread_stores(blocks, set(program.tensors)) == set()


@pytest.mark.parametrize("examples", [1, 2, 7])
def test_locals_and_buffers_give_the_same_numbers(examples: int) -> None:
    W, C = bp.parameter("W", j), bp.tensor("C")
    chained, a, b = chain()
    rest = [bp.Equation(C, bp.Sum(W[j] * b[n, j], n, j))]
    values = np.random.default_rng(0).normal(size=(examples, 3))
    found = [
        bp.compile(bp.Program([*chained.equations, *rest], cost=C, output=output)).module
        for output in (a, b)
    ]
    one, two = (module.gradient([np.arange(3.0)], values)[1].W for module in found)
    sigmoid = 1 / (1 + np.exp(-values))
    np.testing.assert_allclose(one, (sigmoid**2 + sigmoid).sum(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(one, two)


def test_a_scalar_parameter_that_is_updated_in_two_parts_is_stored() -> None:
    """Its start and its sum are two equations; the last of them holds what is kept."""
    W, s = bp.parameter("W", k, j), bp.parameter("s")
    a, z, C = bp.tensor("a", n, j), bp.tensor("z", n, k), bp.tensor("C")
    equations = [
        bp.Equation(a[n, j], s * bp.sigmoid(x[n, j])),
        bp.Equation(z[n, k], bp.Sum(W[k, j] * a[n, j], j)),
        bp.Equation(C, bp.Mean(z[n, k] ** 2, n, k)),
    ]
    module = bp.compile(bp.Program(equations, cost=C), bp.SGD(0.5)).module
    generator = np.random.default_rng(0)
    start = {"W": generator.normal(size=(2, 3)), "s": np.array(0.75)}
    values = generator.normal(size=(4, 3))
    _, gradient = module.gradient(start, values)
    trainer = module.Trainer(start).fit(values, epochs=1, batch_size=4)
    np.testing.assert_allclose(trainer.parameters.s, 0.75 - 0.5 * gradient.s, rtol=1e-14)
    np.testing.assert_allclose(trainer.parameters.W, start["W"] - 0.5 * gradient.W, rtol=1e-14)
