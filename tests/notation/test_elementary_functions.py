"""The elementary and special functions: values, SymPy's own in their place, and what is refused."""

from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.many_digits import FUNCTIONS, ManyDigits
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.notation.operation import OPERATIONS

x, C = bp.parameter("x"), bp.tensor("C")
REFERENCES: dict[str, Any] = {
    "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "erfc": scipy.special.erfc, "log_ndtr": scipy.special.log_ndtr,
    "gammaln": scipy.special.gammaln, "digamma": scipy.special.digamma,
    "trigamma": lambda v: scipy.special.polygamma(1, v), "floor": np.floor, "ceil": np.ceil,
    "round": np.rint,
}  # fmt: skip


def value(body: Any, at: float) -> float:
    """Return a formula in x at a point."""
    return float(interpret(bp.Program([bp.Equation(C, body)], cost=C), {"x": at})["C"])


def slope(body: Any, at: float) -> float:
    """Return the derivative of a formula in x at a point."""
    program = reverse(normalise(bp.Program([bp.Equation(C, body)], cost=C)))
    ((_, gradient),) = program.gradients
    return float(interpret(program, {"x": at})[gradient.name])


@pytest.mark.parametrize("name", REFERENCES)
def test_values_are_those_of_numpy_and_scipy_and_of_many_digits(name: str) -> None:
    points = (0.3, 0.9, 1.4, 2.5, 7.0) if name != "atanh" else (-0.9, 0.0, 0.3, 0.99)
    digits = ManyDigits(40)
    for point in points:
        with np.errstate(invalid="ignore"):
            expected = float(REFERENCES[name](point))
        np.testing.assert_allclose(value(getattr(bp, name)(x), point), expected, rtol=1e-14)
        exact = FUNCTIONS[name](digits, digits.given(point))
        np.testing.assert_allclose(float(exact), expected, rtol=1e-13)


@pytest.mark.parametrize("name", sorted(set(REFERENCES) - {"floor", "ceil", "round", "trigamma"}))
def test_a_derivative_is_that_of_mpmath(name: str) -> None:
    point = 1.7 if name == "acosh" else 0.6
    digits = ManyDigits(150)
    with mpmath.workdps(40):
        expected = mpmath.diff(lambda v: FUNCTIONS[name](digits, v), point)
    np.testing.assert_allclose(slope(getattr(bp, name)(x), point), float(expected), rtol=1e-13)


@pytest.mark.parametrize("name", ["floor", "ceil", "round"])
def test_steps_have_the_derivative_0(name: str) -> None:
    assert slope(x**2 * getattr(bp, name)(x), 2.5) == 5 * np.rint(2.5 + {"ceil": 0.5}.get(name, 0))


def test_a_remainder_has_the_sign_of_the_divisor_and_both_derivatives() -> None:
    for a, b in ((7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (-7.5, -2.0)):
        assert value(bp.mod(x, b), a) == np.mod(a, b)
        assert slope(bp.mod(x, b), a) == 1
        assert slope(bp.mod(a, x), b) == -np.floor(a / b)


def test_the_step_at_0_is_one_half_or_what_is_given() -> None:
    for point, expected in ((-1.0, 0.0), (0.0, 0.5), (1e-300, 1.0)):
        assert value(bp.heaviside(x), point) == expected
    assert value(bp.heaviside(x, 1), 0.0) == 1
    assert slope(bp.heaviside(x) * x, 2.0) == 1


def test_the_angle_at_the_origin_has_the_derivatives_0() -> None:
    assert value(bp.atan2(x, x), 0.0) == 0
    assert slope(bp.atan2(x, 0), 0.0) == 0
    np.testing.assert_allclose(value(bp.atan2(x, -1), 0.5), np.arctan2(0.5, -1))
    np.testing.assert_allclose(slope(bp.atan2(x, 2), 3.0), 2 / 13)


def test_the_derivative_of_log_ndtr_has_its_digits_far_out() -> None:
    np.testing.assert_allclose(slope(bp.log_ndtr(x), -30.0), 30.03325967368379, rtol=1e-9)
    accurate = OPERATIONS["log_ndtr"].rule("fast")(x[()])[0]
    with mpmath.workdps(30):
        exact = mpmath.npdf(-30) / mpmath.ncdf(-30)
    np.testing.assert_allclose(value(accurate, -30.0), float(exact), rtol=1e-14)


OF_SYMPY = {
    "tan": sympy.tan, "atan2": lambda v: sympy.atan2(v, 2 + v), "loggamma": sympy.loggamma,
    "digamma": sympy.digamma, "polygamma": lambda v: sympy.polygamma(1, v), "sec": sympy.sec,
    "csc": sympy.csc, "cot": sympy.cot, "sech": sympy.sech, "csch": sympy.csch,
    "coth": sympy.coth, "acot": sympy.acot, "asec": lambda v: sympy.asec(2 + v),
    "acsc": lambda v: sympy.acsc(2 + v), "asech": sympy.asech, "acsch": sympy.acsch,
    "acoth": lambda v: sympy.acoth(2 + v), "sinc": sympy.sinc, "gamma": sympy.gamma,
    "factorial": sympy.factorial, "beta": lambda v: sympy.beta(v, 3 + v), "frac": sympy.frac,
    "ceiling": lambda v: sympy.ceiling(5 * v), "Mod": lambda v: sympy.Mod(5 * v, 2),
    "Heaviside": sympy.Heaviside, "erfc": sympy.erfc, "erf2": lambda v: sympy.erf2(v, 2 * v),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_SYMPY)
def test_a_function_of_sympys_is_translated_or_written_in_known_ones(name: str) -> None:
    symbol = sympy.Symbol("v", positive=True)
    formula = OF_SYMPY[name](symbol)
    if name == "erf2":  # SymPy's has no digits
        formula = sympy.erf(2 * symbol) - sympy.erf(symbol)
    expected = float(formula.subs(symbol, sympy.Rational(7, 10)).evalf(20))
    np.testing.assert_allclose(value(OF_SYMPY[name](x[()]), 0.7), expected, rtol=1e-14)


@pytest.mark.parametrize(
    "body",
    [
        sympy.besselj(0, x[()]), sympy.LambertW(x[()]), sympy.erfi(x[()]), sympy.zeta(x[()]),
        sympy.Ei(x[()]), sympy.polygamma(2, x[()]),
    ],
)  # fmt: skip
def test_what_has_no_code_is_refused_in_one_line(body: Any) -> None:
    with pytest.raises(bp.SymbpError, match=r"known functions|have code") as caught:
        value(body, 0.7)
    assert "\n" not in str(caught.value)


def test_the_second_derivative_of_digamma_is_refused() -> None:
    with pytest.raises(bp.UnsupportedError, match=r"polygamma\(2, x\), has no code"):
        slope(bp.trigamma(x), 0.7)


def test_arithmetic_of_indices_stays_whole() -> None:
    n, t = bp.indices("n t", "N", 6)
    a, y = bp.input("a", n, t), bp.tensor("y", n, t)
    equation = bp.Equation(y[n, t], a[n, t] * sympy.floor(t / 2) + sympy.Mod(t, 2))
    assert equation.body.has(sympy.floor, sympy.Mod)
    assert not equation.body.has(bp.floor, bp.mod)


def test_formulas_as_text_know_the_functions_and_what_textbooks_call_them() -> None:
    trace = bp.trace("arctan2(y, x) + tan(x)*heaviside(y)", {"x": 2.0, "y": 1.0})
    np.testing.assert_allclose(float(trace.value), np.arctan2(1, 2) + np.tan(2), rtol=1e-15)
