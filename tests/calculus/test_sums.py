"""Sums that are 0, sums that are equal, and powers of roots: less to compute, the same values."""

import random
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.common_sums import common_sums
from symbp.calculus.deviations import without_deviations
from symbp.calculus.expand import expand
from symbp.calculus.half_powers import half_powers
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.notation.program import Program
from tests.comparison import assert_close

ROWS = 5


def normalised(seed: int) -> tuple[bp.Program, dict[str, Any]]:
    """Return a program that normalises x[n, t, j] over some of its axes, in one of some forms."""
    drawn = random.Random(seed)
    n, t, j = bp.indices("n t j", "N", 3, 4)
    over = drawn.choice([(n,), (t,), (j,), (n, t), (t, j), (n, t, j)])
    kept = [index for index in (n, t, j) if index not in over]
    x, y = bp.input("x", n, t, j), bp.target("y", n, t, j)
    w, gamma, beta = bp.parameter("w", j), bp.parameter("g", j), bp.parameter("b", j)
    u, m, v, a = (
        bp.tensor("u", n, t, j), bp.tensor("m", *kept), bp.tensor("v", *kept),
        bp.tensor("a", n, t, j),
    )  # fmt: skip
    power = sympy.Rational(drawn.choice([-3, -1, 1, 3, 5]), 2)
    deviation = u[n, t, j] - m.element
    if drawn.random() < 0.3:
        deviation = m.element - u[n, t, j]
    C = bp.tensor("C")
    equations = [
        bp.Equation(u[n, t, j], sympy.tanh(w[j] * x[n, t, j]) + x[n, t, j]),
        bp.Equation(m.element, bp.Mean(u[n, t, j], *over)),
        bp.Equation(v.element, bp.Mean((u[n, t, j] - m.element) ** 2, *over)),
        bp.Equation(a[n, t, j], gamma[j] * deviation * (v.element + 0.1) ** power + beta[j]),
        bp.Equation(C, bp.Mean((sympy.sin(a[n, t, j]) - y[n, t, j]) ** 2, n, t, j)),
    ]
    generator = np.random.default_rng(seed)
    shape = (ROWS, 3, 4)
    values = {"x": generator.normal(size=shape), "y": generator.normal(size=shape)}
    values |= {name: generator.normal(size=4) for name in "wgb"}
    return bp.Program(equations, cost=C), values


def differentiated(program: bp.Program) -> Program:
    return expand(reverse(normalise(program)))


def gradients(program: Program, values: dict[str, Any]) -> dict[str, Any]:
    found = interpret(program, values)
    return {tensor.name: found[made.name] for tensor, made in program.gradients}


@pytest.mark.parametrize("seed", range(12))
def test_a_normalisation_has_the_same_gradient(seed: int) -> None:
    program, values = normalised(seed)
    given = differentiated(program)
    expected = gradients(given, values)
    for change in (without_deviations, common_sums, half_powers):
        given = change(given)
        assert_close(gradients(given, values), expected)


def of_batch_norm() -> Program:
    net = bp.Network([bp.Dense(3), bp.BatchNorm1d(track_running_stats=False), bp.Dense(2)], input=2)
    return differentiated(net)


def test_the_mean_of_a_batch_has_no_sum_of_deviations() -> None:
    given = of_batch_norm()
    before, after = (
        [e for e in program.equations if e.tensor.name == "mean2_adjoint"]
        for program in (given, without_deviations(given))
    )
    assert [len(before), len(after)] == [2, 1]
    assert str(after[0]) == str(before[0])


def test_a_sum_of_other_deviations_stays() -> None:
    n, j = bp.indices("n j", "N", 3)
    x, w = bp.input("x", n, j), bp.parameter("w", j)
    m, C = bp.tensor("m", j), bp.tensor("C", j)
    mean = bp.Equation(m[j], bp.Mean(x[n, j], n))
    for body in (
        bp.Sum(w[j] * x[n, j] * (x[n, j] - m[j]), n),  # weighted
        bp.Sum(x[n, j] - 2 * m[j], n),
        bp.Sum(x[n, j] - m[0], n),  # another's mean
    ):
        program = normalise(bp.Program([mean, bp.Equation(C[j], body)]))
        assert without_deviations(program) is program
    program = normalise(bp.Program([mean, bp.Equation(C[j], bp.Sum(w[j] * (x[n, j] - m[j]), n))]))
    assert str(without_deviations(program).equations[-1]) == "C[j] = 0"


def test_two_parameters_and_two_statistics_of_a_batch_need_two_sums() -> None:
    made = common_sums(without_deviations(of_batch_norm()))
    backward = [e for e in made.equations if "_adjoint" in e.tensor.name]
    names = ("mean2_adjoint", "variance2_adjoint", "gamma2_adjoint", "beta2_adjoint")
    assert all(not e.reduce for e in backward if e.tensor.name in names)
    assert [e.tensor.name for e in backward if e.tensor.name.endswith("_common")] == [
        "mean2_adjoint_common", "variance2_adjoint_common",
    ]  # fmt: skip


def test_a_number_in_front_of_equal_sums_stays_in_them() -> None:
    n, j = bp.indices("n j", "N", 3)
    x, a, b = bp.input("x", n, j), bp.tensor("a", j), bp.tensor("b", j)
    program = bp.Program(
        [
            bp.Equation(a[j], 2 * bp.Sum(x[n, j], n)),
            bp.Equation(b[j], -bp.Sum(x[n, j], n)),
        ]
    )
    assert common_sums(normalise(program)).equations == normalise(program).equations


def test_a_variance_has_one_root_and_no_broken_power() -> None:
    made = half_powers(of_batch_norm())
    powers = {
        power.exp
        for equation in made.equations
        for power in equation.body.atoms(sympy.Pow)
        if power.exp.is_Rational and not power.exp.is_Integer
    }
    assert powers == {sympy.Rational(-1, 2)}
    assert sum(e.tensor.name.startswith("root") for e in made.equations) == 1


def test_a_power_of_each_element_stays_a_power() -> None:
    n = bp.indices("n", "N")[0]
    x, a = bp.input("x", n), bp.tensor("a", n)
    program = normalise(bp.Program([bp.Equation(a[n], (1 + x[n] ** 2) ** sympy.Rational(3, 2))]))
    assert half_powers(program) is program
