"""normalise: every reduction gets an equation of its own, and no value changes."""

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.notation.functions import where
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element
from tests import jax_oracle
from tests.calculus.accumulation import assert_accumulates
from tests.comparison import assert_close
from tests.programs import PROGRAMS
from tests.strategies import programs


def assert_normal(program: bp.Program) -> None:
    """Assert what the other passes rely on."""
    names = [tensor.name for tensor in program.tensors]
    assert len(set(names)) == len(names)
    assert_accumulates(program)
    for equation in program.equations:
        assert not equation.body.has(Reduction)
        assert len(set(equation.domain)) == len(equation.domain)
        assert equation.body.free_symbols <= {*equation.domain, program.batch}
        if equation.operation == "max":
            computed = [n for n in equation.body.args if n.has(Element)]
            assert isinstance(equation.body, (Element, where)) or not computed


def assert_no_value_changes(example: tuple[bp.Program, dict[str, Any]]) -> None:
    program, values = example
    normal = normalise(program)
    assert_normal(normal)
    result = interpret(normal, values)
    expected = jax_oracle.evaluate(program, values)
    assert_close({name: result[name] for name in expected}, expected)


@settings(max_examples=8)
@given(programs())
def test_normalising_changes_no_value(example: tuple[bp.Program, dict[str, Any]]) -> None:
    assert_no_value_changes(example)


@pytest.mark.slow
@settings(max_examples=30)
@given(programs())
def test_normalising_changes_no_value_of_many_programs(
    example: tuple[bp.Program, dict[str, Any]],
) -> None:
    assert_no_value_changes(example)


@settings(max_examples=20)
@given(programs())
def test_normalising_twice_is_normalising_once(example: tuple[bp.Program, Any]) -> None:
    once = normalise(example[0])
    assert [str(e) for e in normalise(once).equations] == [str(e) for e in once.equations]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_of_the_suite_are_normal_afterwards(name: str) -> None:
    assert_normal(normalise(PROGRAMS[name]()[0]))


def scalar_of(body: Any, x: Any) -> float:
    """Return the value of a scalar formula of the vector ``x[k]`` after normalisation."""
    f = bp.tensor("f")
    program = normalise(bp.Program([bp.Equation(f, body)]))
    assert_normal(program)
    return float(interpret(program, {"x": x})["f"])


k = bp.Index("k", 3)
x = bp.input("x", k)
X = np.array([0.5, -1.0, 2.0])
LSE = np.log(np.exp(X).sum())


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (-bp.Max(x[k], k), -2.0),
        (-2 * bp.LogSumExp(x[k], k), -2 * LSE),
        (bp.Max(x[k], k) + bp.Max(-x[k], k), 3.0),
        (3 * (bp.Sum(x[k], k) - bp.Max(x[k], k)), 3 * (1.5 - 2.0)),
        (bp.Sum(bp.Sum(x[k], k), k), 4.5),
        (bp.Sum(bp.Sum(x[k], k) * x[k], k), 2.25),
        (bp.Sum(x[k], k) * bp.Sum(x[k], k), 2.25),
        (bp.Sum(1, k), 3.0),
        (bp.Max(k, k), 2.0),
        (bp.Sum(bp.Max(x[k] * k, k), k), 12.0),
        (bp.Max(bp.Sum(x[k], k), k), 1.5),
        (bp.where(bp.Sum(x[k], k) > 1, bp.Sum(x[k] ** 2, k), 0), 5.25),
        (bp.Sum(bp.where(sympy.Gt(k, 0), bp.Sum(x[k], k), 0), k), 3.0),
        (bp.Sum(bp.where(sympy.Gt(k, 0), bp.Max(x[k - 1] * x[k], k.fresh()), 0), k), -2.5),
        (bp.Max(bp.where(sympy.Lt(k, 2), x[k], -sympy.oo), k), 0.5),
        (bp.LogSumExp(bp.where(sympy.Lt(k, 1), x[k], -sympy.oo), k), 0.5),
    ],
    ids=str,
)
def test_a_formula_keeps_its_value(body: Any, value: float) -> None:
    assert scalar_of(body, X) == pytest.approx(value, rel=1e-15)


def test_a_sum_that_is_reduced_by_maximum_is_stored_first() -> None:
    j = bp.Index("j", 2)
    m = bp.tensor("m", j)
    given_ = bp.Equation(m[j], bp.sigmoid(x[k]) * j, reduce=(k,), operation="max")
    program = normalise(bp.Program([given_]))
    assert_normal(program)
    expected = np.array([0.0, 1 / (1 + np.exp(-2.0))])
    np.testing.assert_allclose(interpret(program, {"x": X})["m"], expected)


t, u = bp.indices("t u", 3, 2)
c = bp.constant("c", 2.0)
S, Q = 1.5, 5.25  # of x, of its squares
AFTER, BEFORE = sympy.Gt(t, 0), sympy.Lt(t, 1)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (bp.Sum(bp.where(AFTER, 0, bp.Sum(x[k], k)), t), S),
        (bp.Sum(bp.where(AFTER, bp.Sum(x[k], k), 0), t), 2 * S),
        (bp.Sum(bp.where(AFTER, 5, bp.Sum(x[k], k)), t), 10 + S),
        (bp.Sum(bp.where(AFTER, bp.Sum(x[k] ** 2, k), bp.Sum(x[k], k)), t), 2 * Q + S),
        (bp.Sum(bp.where(AFTER, 0, bp.Max(x[k], k) + t), t), 2.0),
        (
            bp.Sum(bp.where(AFTER, bp.where(sympy.Gt(t, 1), 7, bp.Sum(x[k], k)), 1), t),
            1 + S + 7,
        ),
        (
            bp.Sum(bp.where(AFTER, bp.where(sympy.Gt(t, 1), bp.Sum(x[k], k), 7), 1), t),
            1 + 7 + S,
        ),
        (bp.Sum(bp.where(BEFORE, bp.where(sympy.Eq(t, 0), 0, bp.Sum(x[k], k)), 3), t), 6.0),
    ],
    ids=str,
)
def test_what_a_guard_does_not_choose_is_zero_in_the_lifted_equation(
    body: Any, value: float
) -> None:
    assert scalar_of(body, X) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    "body",
    [
        # Each reads x[-1] or x[3] outside of what is chosen.
        bp.Sum(bp.where(sympy.Gt(k, 0), bp.Sum(x[k - 1] * t, t), 0), k),
        bp.Sum(bp.where(sympy.Eq(k, 0), 0, bp.Sum(x[k - 1] * t, t)), k),
        bp.Sum(bp.where(sympy.Lt(k, 2), bp.Sum(x[k + 1] * t, t), 0), k),
        bp.Sum(bp.where(sympy.Eq(k, 2), 0, bp.Sum(x[k + 1] * t, t)), k),
    ],
    ids=str,
)
def test_the_guard_of_a_lifted_equation_is_the_one_it_stood_under(body: Any) -> None:
    inside = X[:-1] if "k - 1" in str(body) else X[1:]
    assert scalar_of(body, X) == pytest.approx(3 * inside.sum(), rel=1e-15)


s = bp.Index("s", 3, sequential=True)
h, q = bp.tensor("h", s), bp.tensor("q", s)
LATER = sympy.Ge(k, t)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # What only chooses a value stays where it was written: the sum can be a product.
        (bp.where(LATER, bp.Sum(x[k] * u, u), 0), "x[k]*u"),
        (bp.where(LATER, 1, bp.Sum((x[k] - t) ** 2, t)), "(x[k] - t)**2"),
        # What guards a read, or what may be no number, goes along.
        (bp.where(sympy.Gt(k, 0), bp.Sum(x[k - 1] * u, u), 0), "where(k > 0, x[k - 1]*u, 0)"),
        (bp.where(LATER, bp.Sum(bp.log(x[k] + u), u), 0), "where(k >= t, log(x[k] + u), 0)"),
        (bp.where(LATER, bp.Sum(u / x[k], u), 0), "where(k >= t, u/x[k], 0)"),
        (bp.where(sympy.Gt(x[k], 0), bp.Sum(x[k] * u, u), 0), "where(x[k] > 0, x[k]*u, 0)"),
    ],
    ids=str,
)
def test_a_guard_goes_along_where_it_is_needed(body: Any, expected: str) -> None:
    y = bp.tensor("y", k, t)
    program = normalise(bp.Program([bp.Equation(y[k, t], bp.exp(body) - 1)]))
    lifted = program.equations[0]
    assert str(lifted.body) == expected
    assert_normal(program)


def test_a_guard_goes_along_where_a_recurrence_reads_what_is_not_there_yet() -> None:
    step = bp.where(sympy.Gt(s, 0), bp.Sum(h[s] * u, u), 0)
    program = normalise(bp.Program([bp.Equation(h[s], x[0]), bp.Equation(q[s], bp.exp(step))]))
    assert "where(s > 0, h[s]*u, 0)" in str(program)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (bp.Sum(3 * bp.Sum(t * x[k], k), t), 9 * S),
        (2 * bp.Sum(3 * bp.Sum(t * x[k], k), t), 18 * S),
        (bp.Sum(-bp.Sum(t * x[k], k), t), -3 * S),
        (bp.Sum(bp.Sum(5 * bp.Sum(u * x[k] * t, k), u) / 4, t), 3.75 * S),
        (bp.Sum(2 * bp.Sum(3 * bp.Sum(5 * x[k] * u * t, k), u), t), 90 * S),
        (bp.Sum(c[()] * bp.Sum(x[k] * t, k), t), 6 * S),
        (7 * bp.Max(3 * bp.Sum(t * x[k], k), t), 42 * S),
        (bp.Sum(3 * bp.Max(t * x[k], k), t), 18.0),
        (bp.Sum((t + 2) * bp.Sum(x[k], k), t), 9 * S),
    ],
    ids=str,
)
def test_a_factor_of_an_inner_sum_is_kept(body: Any, value: float) -> None:
    assert scalar_of(body, X) == pytest.approx(value, rel=1e-15)


def reduced(body: Any, reduce: tuple[bp.Index, ...], *left: bp.Index) -> Any:
    """Return what an equation with a reduction of its own gives, after normalisation."""
    f = bp.tensor("f", *left)
    program = normalise(bp.Program([bp.Equation(f[left], body, reduce=reduce)]))
    assert_normal(program)
    return interpret(program, {"x": X})["f"]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (bp.Sum(x[k], k), 3 * S),
        (3 * bp.Sum(x[k], k), 9 * S),
        (bp.Sum(x[k], k) + k, 3 * S + 3),
        (x[k] + bp.Sum(x[k] * k, k), S + 9.0),
        (bp.Sum(2 * bp.Sum(x[k] * k, k), k), 54.0),
        (bp.Sum(bp.Sum(x[k] * k, k) * x[k], k), 3 * 3.0 * S),
        (x[k] * bp.Sum(x[k], k), S * S),
        (bp.Max(x[k], k) * (k + 1), 12.0),
    ],
    ids=str,
)
def test_an_inner_sum_may_bind_an_index_that_the_equation_reduces(body: Any, value: float) -> None:
    assert reduced(body, (k,)) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (x[k] * bp.Sum(x[k], k), X * S),
        (k + bp.Sum(2 * bp.Sum(x[k] * t, k), t), 6 * S + np.arange(3)),
        (x[k] + bp.Sum(t * bp.Sum(x[k], k), t), 3 * S + X),
        (bp.Sum(t * x[k] * bp.Sum(x[k], k), t), 3 * S * X),
        (bp.where(sympy.Gt(k, 0), bp.Sum(x[k], k), x[k]), np.array([0.5, S, S])),
    ],
    ids=str,
)
def test_an_inner_sum_may_bind_an_index_of_the_left_hand_side(body: Any, value: Any) -> None:
    np.testing.assert_allclose(reduced(body, (), k), value, rtol=1e-15)


@pytest.mark.parametrize("operation", ["sum", "max", "logsumexp"])
def test_what_is_normal_stays_the_same_equation(operation: Any) -> None:
    f = bp.tensor("f")
    bodies = [x[k], x[k] ** 2 + 1] if operation != "max" else [x[k]]
    for body in bodies:
        given_ = bp.Equation(f, body, reduce=(k,), operation=operation)
        (only,) = normalise(bp.Program([given_])).equations
        assert only is given_


def test_a_parameter_that_cancels_is_named():
    j = bp.Index("j", 3)
    u, w, C = bp.parameter("u", j), bp.parameter("w"), bp.tensor("C")
    body = bp.Sum(u[j] ** 2 * bp.sin(u[j]) * w / bp.sin(u[j]) / w, j)
    program = bp.Program([bp.Equation(C, body)], cost=C)
    for use in (bp.check, bp.compile, bp.derive):
        with pytest.raises(bp.SymbpError, match="parameter w cancels out of the equations"):
            use(program)
