"""A step in parts, over rows that lie with several ranks, is the step of the whole batch."""

import itertools
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.over_ranks import over_ranks
from symbp.entries.model import Model
from symbp.networks.optimizers import optimise
from symbp.notation.errors import UnsupportedError
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor
from tests.comparison import assert_close
from tests.random_networks import random_network


def updated(program: Program, optimizer: Any) -> Program:
    made = Model(program, lambda differentiated: optimise(differentiated, optimizer)).training
    step = made.updated.replace(gradients=(), output=None)
    return step.prune([t for t in (step.cost, *(new for _, new in step.updates)) if t is not None])


def as_given(program: Program, given: set[Tensor]) -> Program:
    """Return a program that takes what earlier parts computed as the interpreter takes inputs."""
    made = {t: t.like(t.name, "input") for t in program.tensors if t in given}
    equations = [
        e.replace(body=e.body.xreplace({
            element: Element(made[element.tensor], *element.args)
            for element in e.body.atoms(Element) if element.tensor in made
        }))
        for e in program.equations
    ]  # fmt: skip
    return program.replace(equations=tuple(equations), passed=program.passed)


def in_parts(step: Program, values: dict[str, Any], cuts: list[int]) -> dict[str, Any]:
    """Run the parts of a step on each rank's rows, and add up between them."""
    divided = over_ranks(step)
    batch = step.batch
    rowed = {t.name for t in step.tensors if t.shape[:1] == (batch,)}
    ends = list(itertools.pairwise(cuts))
    ranks = [
        {name: v[low:high] if name in rowed else v for name, v in values.items()}
        | {divided.rows.name: cuts[-1], divided.places.name: np.arange(low, high)}
        for low, high in ends
    ]
    found: dict[str, Any] = {}
    given: set[Tensor] = set()
    for part in divided.parts:
        program = as_given(part.program, given)
        made = [
            interpret(program, rank, {str(batch): high - low})
            for rank, (low, high) in zip(ranks, ends, strict=True)
        ]
        for rank, own in zip(ranks, made, strict=True):
            rank |= {tensor.name: own[tensor.name] for tensor in part.kept}
            rank |= {t.name: sum(each[t.name] for each in made) for t in part.sums}
        found |= made[0] | {t.name: ranks[0][t.name] for t in part.sums}
        given |= {*part.sums, *part.kept}
        assert set(part.reads) <= given
    return found


def assert_same_step(step: Program, values: dict[str, Any], cuts: list[int]) -> None:
    whole, parts = interpret(step, values), in_parts(step, values, cuts)
    names = [t.name for t in (step.cost, *(new for _, new in step.updates)) if t is not None]
    assert_close({n: parts[n] for n in names}, {n: whole[n] for n in names}, 1e-11)


@pytest.mark.parametrize("seed", range(0, 60, 4))
def test_random_networks(seed: int) -> None:
    example = random_network(seed)
    step = updated(example.program, bp.Momentum(0.1))
    if step.batch is None:
        with pytest.raises(UnsupportedError, match="no examples"):
            over_ranks(step)
        return
    given = [t for t in step.tensors if t.name in example.values and t.shape[:1] == (step.batch,)]
    rows = len(example.values[given[0].name])
    values = {
        **example.values,
        **{t.name: np.full(t.shape, 0.25) for t in step.with_role("state")},
    }
    assert_same_step(step, values, [0, rows // 3, rows // 3, rows])


def values_of(step: Program, rows: int, seed: int = 0) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    values = {}
    for tensor in step.tensors:
        if tensor.role in ("input", "target", "parameter", "state"):
            shape = [rows if e == step.batch else e for e in tensor.shape]
            values[tensor.name] = np.abs(generator.normal(size=shape))
    return values


def test_statistics_of_the_batch_are_those_of_all_ranks() -> None:
    layers = [bp.Dense(5), bp.BatchNorm1d(), bp.Activation("tanh"), bp.BatchNorm1d(), bp.Dense(3)]
    step = updated(bp.Network(layers, input=4), bp.Adam(0.01))
    divided = over_ranks(step)
    # Of each normalisation a mean, a variance and both their adjoints; the first layer; an update.
    assert len(divided.parts) == 8
    assert_same_step(step, values_of(step, 7), [0, 2, 7])


def test_a_sum_and_other_terms_are_added_once() -> None:
    n, k = bp.indices("n k", "N", 3)
    x, w, C = bp.input("x", n, k), bp.parameter("w", k), bp.tensor("C")
    body = bp.Sum((x[n, k] * w[k]) ** 2, n, k) + bp.Sum(w[k] ** 2, k) + 1
    step = updated(bp.Program([bp.Equation(C, body)], cost=C), bp.SGD(0.1))
    assert_same_step(step, values_of(step, 5), [0, 1, 3, 5])


def test_rows_scattered_into_a_table() -> None:
    n, v, k = bp.indices("n v k", "N", 6, 2)
    i = bp.input("i", n, kind="integer")
    E, y, C = bp.parameter("E", v, k), bp.target("y", n, k), bp.tensor("C")
    step = updated(
        bp.Program([bp.Equation(C, bp.Mean((E[i[n], k] - y[n, k]) ** 2, n, k))], cost=C),
        bp.SGD(0.1),
    )
    values = {**values_of(step, 6), "i": np.array([0, 5, 5, 1, 0, 2])}
    assert_same_step(step, values, [0, 2, 6])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lambda x, n, m, k: bp.Mean(bp.exp(x[n, k] * x[m, k]), n, m, k), "pairs of examples"),
        (lambda x, n, m, k: bp.Max(x[n, k], n, k) ** 2, "otherwise than by a sum"),
        (lambda x, n, m, k: bp.LogSumExp(x[n, k], n, k), "otherwise than by a sum"),
    ],
)
def test_what_no_sum_over_ranks_says_is_refused(body: Any, says: str) -> None:
    n, m, k = bp.indices("n m k", "N", "N", 2)
    x, w, C = bp.input("x", n, k), bp.parameter("w"), bp.tensor("C")
    program = bp.Program([bp.Equation(C, w * body(x, n, m, k))], cost=C)
    with pytest.raises(UnsupportedError, match=says):
        over_ranks(updated(program, bp.SGD(0.1)))


def test_a_program_without_examples_is_refused() -> None:
    w, C = bp.parameter("w"), bp.tensor("C")
    program = bp.Program([bp.Equation(C, w**2)], cost=C)
    with pytest.raises(UnsupportedError, match="no examples"):
        over_ranks(updated(program, bp.SGD(0.1)))


def test_a_system_of_equations_with_the_sums_of_all_rows() -> None:
    n, i, k = bp.indices("n i k", "N", 3, 3)
    x, y, s = bp.input("x", n, i), bp.target("y", n), bp.parameter("s")
    A, b, w, C = bp.tensor("A", i, k), bp.tensor("b", i), bp.tensor("w", k), bp.tensor("C")
    penalty = bp.where(sympy.Eq(i, k), bp.exp(s), 0)
    ridge = bp.Program(
        [
            bp.Equation(A[i, k], bp.Sum(x[n, i] * x[n, k], n) + penalty),
            bp.Equation(b[i], bp.Sum(x[n, i] * y[n], n)),
            bp.Equation(w[k], bp.solve(A[i, k], b[i], i, k)),
            bp.Equation(C, bp.Mean((bp.Sum(x[n, k] * w[k], k) - y[n]) ** 2, n)),
        ],
        cost=C,
    )
    step = updated(ridge, bp.SGD(0.1))
    assert_same_step(step, values_of(step, 9), [0, 4, 9])


def test_a_right_hand_side_for_each_row() -> None:
    n, i, k = bp.indices("n i k", "N", 3, 3)
    x, y, A = bp.input("x", n, i), bp.tensor("y", n, k), bp.parameter("A", i, k)
    C = bp.tensor("C")
    solved = bp.Program(
        [
            bp.Equation(y[n, k], bp.solve(A[i, k], x[n, i], i, k)),
            bp.Equation(C, bp.Mean(y[n, k] ** 2, n, k)),
        ],
        cost=C,
    )
    step = updated(solved, bp.SGD(0.1))
    assert_same_step(step, values_of(step, 5), [0, 2, 5])
