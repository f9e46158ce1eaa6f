"""The text of generated modules, run as plain Python, computes what the interpreter computes.

The random programs are those that found what the networks' tests had missed; each mistake that
they found has a test of its own below.
"""

from typing import Any

import pytest
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.checking.check import random_values
from tests.emitted_text import assert_text_agrees
from tests.random_equations import FEATURES, random_equations, random_recurrence

EQUATIONS, RECURRENCES = 120, 12
# Of the random equations and recurrences, one in so many is tried in every run.
STEP, RECURRENCE_STEP = 4, 2

n, i, j, k = bp.indices("n i j k", "N", 5, 3, 4)
C = bp.tensor("C")


def seeds(count: int, step: int) -> list[Any]:
    """Return all seeds; those between the steps take their turn when there is time."""
    slow = pytest.mark.slow
    return [pytest.param(s, marks=[slow] if s % step else []) for s in range(count)]


@pytest.mark.parametrize("seed", seeds(EQUATIONS, STEP))
def test_random_equations_agree(seed: int) -> None:
    example = random_equations(seed)
    assert_text_agrees(example.program, example.optimizer, seed)


@pytest.mark.parametrize("seed", seeds(RECURRENCES, RECURRENCE_STEP))
def test_random_recurrences_agree(seed: int) -> None:
    example = random_recurrence(seed)
    assert_text_agrees(example.program, example.optimizer, seed)


def test_every_feature_occurs_in_several_random_equations() -> None:
    for step, least in ((1, 5), (STEP, 2)):
        examples = [random_equations(seed) for seed in range(0, EQUATIONS, step)]
        rare = {f for f in FEATURES if sum(f in example.features for example in examples) < least}
        assert not rare


def test_a_scalar_is_the_sum_of_its_contributions() -> None:
    p, q, s = bp.parameter("p"), bp.parameter("q"), bp.tensor("s")
    w = bp.parameter("w", j)
    equations = [bp.Equation(s, p * q + bp.Sum(w[j] ** 2, j)), bp.Equation(C, s**2 + s * p)]
    assert_text_agrees(bp.Program(equations, cost=C))


@pytest.mark.parametrize("subscript", ["2 - j", "2*j", "i + j"])
def test_a_scattered_contraction_sums_an_index_only_once(subscript: str) -> None:
    # The gradient Σ_kl A[j, k] B[k, l], added at the subscript: B is summed over l beforehand.
    place = {"2 - j": 2 - j, "2*j": 2 * j, "i + j": i + j}[subscript]
    l = bp.Index("l", 2)
    P, A, B = bp.parameter("P", bp.Index("p", 7)), bp.parameter("A", j, k), bp.parameter("B", k, l)
    summed = [index for index in (i, j) if index in place.free_symbols]
    cost = bp.Sum(P[place] * A[j, k] * B[k, l], *summed, k, l)
    assert_text_agrees(bp.Program([bp.Equation(C, cost)], cost=C))


def test_a_reduced_index_that_the_body_lacks_multiplies_by_its_extent() -> None:
    # A sum over nothing is refused, but each of these derivatives lacks an index of the sum.
    x, W, z = bp.input("x", n, i), bp.parameter("W", i, j), bp.tensor("z", n, j)
    v, b = bp.parameter("v", k), bp.parameter("b", j)
    equations = [
        bp.Equation(z[n, j], bp.Sum(x[n, i] * sympy.sin(W[i, j]) + v[k] * b[j], i, k)),
        bp.Equation(C, bp.Sum(z[n, j] ** 2, n, j)),
    ]
    assert_text_agrees(bp.Program(equations, cost=C))


def test_a_step_that_sums_a_function_of_the_parameter_reads_it_before_the_step() -> None:
    # W += Σ_n -η x cos(W x): each term takes the W from before the first was added.
    x, W = bp.input("x", n, j, k), bp.parameter("W", j, k)
    cost = bp.Sum(sympy.sin(W[j, k] * x[n, j, k]), n, j, k)
    assert_text_agrees(bp.Program([bp.Equation(C, cost)], cost=C), bp.SGD(0.1))


@pytest.mark.parametrize("otherwise", [0, 1])
def test_an_index_that_outruns_the_axis_is_tested_before_the_element_is_read(
    otherwise: int,
) -> None:
    T, y = bp.parameter("T", j), bp.tensor("y", i)
    equations = [
        bp.Equation(y[i], bp.where(i < 3, bp.sigmoid(T[i]), otherwise)),
        bp.Equation(C, bp.Sum(y[i] ** 2 * (i + 1), i)),
    ]
    assert_text_agrees(bp.Program(equations, cost=C))


def test_what_is_added_to_a_choice_is_added_to_both_of_its_sides() -> None:
    x, W, b = bp.input("x", n, k), bp.parameter("W", j, k), bp.parameter("b", j)
    z, a = bp.tensor("z", n, j), bp.tensor("a", n, j)
    equations = [
        bp.Equation(z[n, j], bp.Sum(W[j, k] * x[n, k], k) + bp.where(j < 2, b[j], -b[j])),
        bp.Equation(a[n, j], sympy.tanh(z[n, j])),
        bp.Equation(C, bp.Mean(a[n, j] ** 2, n, j)),
    ]
    assert_text_agrees(bp.Program(equations, cost=C))


def test_an_equation_may_sum_a_maximum() -> None:
    x, w = bp.input("x", n, j), bp.parameter("w", j)
    program = bp.Program([bp.Equation(C, bp.Max(w[j] * x[n, j], j), (n,))], cost=C)
    assert_text_agrees(program)
    # The interpreter starts from normalised equations, which is where the maximum over n and j
    # took the place of the sum over n.
    values = random_values(program)
    cost = interpret(normalise(program), values)["C"]
    assert cost == pytest.approx((values["w"] * values["x"]).max(axis=1).sum())


def test_a_scalar_multiplies_the_square_of_an_element_with_three_subscripts() -> None:
    # SymPy orders the factors, and has to find the two comparable.
    x, s, w = bp.input("x", n, i, j), bp.parameter("s"), bp.parameter("w", i, j, k)
    cost = bp.Mean(s * w[i, j, k] ** 2 * x[n, i, j] ** 2, n, i, j, k)
    assert_text_agrees(bp.Program([bp.Equation(C, cost)], cost=C))


def test_half_an_index_is_compared_as_a_fraction() -> None:
    T = bp.parameter("T", i)
    cost = bp.Sum(bp.where(i / 2 < sympy.Rational(3, 4), T[i] ** 2, T[i]), i)
    assert_text_agrees(bp.Program([bp.Equation(C, cost)], cost=C))


def test_an_input_may_have_the_name_of_another_ones_examples() -> None:
    # The epoch kernel takes all examples of x, a batch of which it copies.
    x, x_all, w = bp.input("x", n, j), bp.input("x_all", n, j), bp.parameter("w", j)
    cost = bp.Sum((w[j] * x[n, j] + x_all[n, j]) ** 2, n, j)
    assert_text_agrees(bp.Program([bp.Equation(C, cost)], cost=C))
