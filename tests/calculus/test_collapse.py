"""Sums over directions are carried in place of the directions, where only the sums are read."""

from typing import Any

import pytest

import symbp as bp
from symbp.calculus.collapse import collapse
from symbp.calculus.derivative import define_derivatives
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise, separate
from symbp.calculus.reverse import reverse
from tests.comparison import assert_close
from tests.derivative_programs import DERIVATIVES, D, E, filled, network, points

TOLERANCE = 1e-11


def summed(what: str, inputs: int = 3, order: int = 2) -> tuple[bp.Program, dict[str, Any]]:
    """A sum over directions in one of several settings."""
    x, n, _ = points(inputs)
    equations, u = network(x, inputs=inputs)
    j, k = bp.Index("j", inputs), bp.Index("k", inputs)
    f, L, C = bp.tensor("f", n), bp.tensor("L", n, bp.Index("j", inputs)), bp.tensor("C")
    derivative = D(u[n], (x[n, j], order), mode="forward")
    equations += {
        "laplacian": [E(f[n], bp.Sum(derivative, j) - bp.sin(x[n, 0]))],
        "named": [E(L[n, j], derivative), E(f[n], bp.Sum(L[n, k], k) * u[n])],
        "weighted": [E(f[n], bp.Sum(derivative * x[n, j], j))],
        "of squares": [E(f[n], bp.Sum(derivative**2, j))],
        "read twice": [E(f[n], bp.Sum(derivative, j) * D(u[n], (x[n, 1], order), mode="forward"))],
    }[what]
    equations += [E(C, bp.Mean(f[n] ** 2, n))]
    return filled(bp.Program(equations, cost=C))


def products(program: bp.Program) -> int:
    """Return how often numbers of an example are multiplied with the weights W2."""
    count = 0
    for equation in program.equations:
        if equation.reduce and any(e.tensor.name == "W2" for e in equation.reads()):
            axes = [i.extent for i in equation.domain if isinstance(i.extent, int)]
            size = 1
            for extent in axes:
                size *= extent
            count += size // 9
    return count


SETTINGS = ["laplacian", "named", "weighted", "of squares", "read twice"]


@pytest.mark.parametrize("what", SETTINGS)
@pytest.mark.parametrize("order", [2, 3])
def test_values_and_gradients_stay(what: str, order: int) -> None:
    program, values = summed(what, order=order)
    normal = normalise(program)
    one, other = reverse(normal), reverse(collapse(normal))
    before, after = interpret(one, values), interpret(other, values)
    assert_close({"C": after["C"]}, {"C": before["C"]}, TOLERANCE)
    found = {t.name: after[a.name] for t, a in other.gradients}
    assert_close(found, {t.name: before[a.name] for t, a in one.gradients}, TOLERANCE)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_no_value_changes(name: str) -> None:
    program, values = DERIVATIVES[name]()
    normal = normalise(program)
    cost = program.cost.name
    found = interpret(collapse(normal), values)[cost]
    assert_close({"C": found}, {"C": interpret(normal, values)[cost]}, TOLERANCE)


@pytest.mark.parametrize("inputs", [2, 5])
def test_a_laplacian_takes_d_plus_2_products_for_2_d_plus_1(inputs: int) -> None:
    program, _ = summed("laplacian", inputs)
    normal = normalise(program)
    assert products(normal) == 2 * inputs + 1
    assert products(collapse(normal)) == inputs + 2


@pytest.mark.parametrize("what", ["weighted", "of squares"])
def test_directions_that_are_read_one_by_one_stay(what: str) -> None:
    program, _ = summed(what)
    normal = normalise(program)
    assert collapse(normal) is normal


def test_forward_mode_carries_taylor_coefficients() -> None:
    """Each order takes one product more with the weights of each layer."""
    for order in (1, 2, 3, 4):
        x, n, _ = points(2)
        equations, u = network(x)
        derivative = D(u[n], (x[n, 0], order), mode="forward")
        C = bp.tensor("C")
        program = bp.Program([*equations, E(C, bp.Mean(derivative**2, n))], cost=C)
        assert products(define_derivatives(separate(program))) == order + 1


def test_what_has_no_derivative_is_left_alone() -> None:
    normal = normalise(bp.mlp(3, 4, 2))
    assert collapse(normal) is normal
