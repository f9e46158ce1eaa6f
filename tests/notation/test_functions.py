"""Functions of the notation: each argument has its derivative, learnable ones as well."""

from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.partial import partial
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from symbp.notation.derivative_functions import (
    erf_prime,
    gelu_prime,
    gelu_tanh_prime,
    silu_prime,
    tanh_prime,
)
from symbp.notation.equation import Origin
from symbp.notation.operation import OPERATIONS, operation_of
from symbp.notation.parser import parse_formula
from symbp.notation.prime import Prime, expand_primes

n, j = bp.indices("n j", "N", 3)
x, p, q = bp.input("x", n, j), bp.parameter("p", j), bp.parameter("q")
w, C = bp.parameter("w", j), bp.tensor("C")
X = np.array([[-2.0, 0.0, 3.0], [0.5, -0.1, -40.0]])
P = np.array([0.25, -0.5, 1.5])


def gradients(body: Any) -> dict[str, Any]:
    """Return the gradients of a sum over ``n`` and ``j`` after all of the passes."""
    program = bp.Program([bp.Equation(C, bp.Sum(body, n, j))], cost=C)
    derived = reverse(stabilise(normalise(program)))
    values = {"x": X, "p": P, "q": 0.7, "w": np.ones(3)}
    result = interpret(derived, values)
    return {tensor.name: result[adjoint.name] for tensor, adjoint in derived.gradients}


LEAKY = np.where(X > 0, 0.0, X)
ELU = np.where(X > 0, 0.0, np.expm1(np.minimum(X, 0.0)))


@pytest.mark.parametrize(
    ("function", "by_slope"), [(bp.leaky_relu, LEAKY), (bp.elu, ELU)], ids=["leaky_relu", "elu"]
)
def test_a_learnable_slope_has_its_derivative(function: Any, by_slope: Any) -> None:
    got = gradients(function(x[n, j], p[j]))
    np.testing.assert_allclose(got["p"], by_slope.sum(0), rtol=1e-15)
    got = gradients(function(x[n, j], q[()]))
    np.testing.assert_allclose(got["q"], by_slope.sum(), rtol=1e-15)
    # Through a function of the slope, times what it is multiplied by.
    got = gradients(function(x[n, j], q[()] ** 2) * x[n, j])
    np.testing.assert_allclose(got["q"], (1.4 * by_slope * X).sum(), rtol=1e-15)


def test_both_derivatives_of_a_rectifier_with_a_learnable_slope() -> None:
    got = gradients(bp.leaky_relu(w[j] * x[n, j], p[j]))
    np.testing.assert_allclose(got["w"], np.where(X > 0, X, P * X).sum(0), rtol=1e-15)
    np.testing.assert_allclose(got["p"], LEAKY.sum(0), rtol=1e-15)
    got = gradients(bp.elu(w[j] * x[n, j], p[j]))
    np.testing.assert_allclose(
        got["w"], (np.where(X > 0, 1.0, P * np.exp(np.minimum(X, 0))) * X).sum(0), rtol=1e-14
    )
    np.testing.assert_allclose(got["p"], ELU.sum(0), rtol=1e-15)


def test_a_slope_that_is_also_the_argument_gets_both_terms() -> None:
    got = gradients(bp.leaky_relu(q[()] * x[n, j], q[()]))
    assert got["q"] == pytest.approx(np.where(X > 0, X, 2 * 0.7 * X).sum())


def test_the_derivative_by_one_of_two_arguments_says_which() -> None:
    both = bp.leaky_relu(x[n, j], p[j])
    assert [str(Prime(both, i)) for i in (1, 2)] == [
        "leaky_relu'1(x[n, j], p[j])",
        "leaky_relu'2(x[n, j], p[j])",
    ]
    assert str(Prime(bp.sigmoid(x[n, j]))) == "sigmoid'(x[n, j])"


def test_a_derivative_within_a_derivative_is_written_out() -> None:
    inner = Prime(bp.sigmoid(x[n, j]))
    written = expand_primes(Prime(bp.sigmoid(inner)))
    a = bp.sigmoid(x[n, j])
    b = bp.sigmoid(a * (1 - a))
    assert written == b * (1 - b)


DERIVATIVES = (erf_prime, gelu_prime, gelu_tanh_prime, silu_prime, tanh_prime)
KNOWN = [*OPERATIONS.values(), *(operation_of(function) for function in DERIVATIVES)]
SIGNED = {
    "sigmoid", "tanh", "relu", "gelu", "gelu_tanh", "silu", "softplus", "sin", "cos", "exp",
    "expm1", "log1p", "erf", "abs", *(function.__name__ for function in DERIVATIVES),
}  # fmt: skip
OF_ONE = [record for record in KNOWN if record.name in {*SIGNED, "log", "sqrt"}]
# Away from kinks, inside of every domain.
INSIDE = (0.3, 0.9, 1.7)


def number_of(formula: Any, value: float) -> float:
    f = bp.tensor("f")
    equation = bp.Equation(f, formula, origin=Origin("test"))
    return float(interpret(bp.Program([equation]), {"q": value})["f"])


@pytest.mark.parametrize("record", OF_ONE, ids=lambda record: record.name)
@pytest.mark.parametrize("form", ["textbook", "fast", "accurate"])
def test_every_form_of_a_derivative_is_the_slope_of_the_function(record: Any, form: Any) -> None:
    for value in INSIDE:
        (formula,) = record.rule(form)(q[()])
        step = 1e-5
        slope = (record.value(value + step) - record.value(value - step)) / (2 * step)
        assert number_of(formula, value) == pytest.approx(float(slope), rel=1e-8)


@pytest.mark.parametrize("record", OF_ONE, ids=lambda record: record.name)
def test_the_definition_of_a_function_has_its_value(record: Any) -> None:
    if record.definition is not None:
        for value in (*INSIDE, -0.6) if record.name in SIGNED else INSIDE:
            got = number_of(record.definition(q[()]), value)
            assert got == pytest.approx(float(record.value(value)), rel=1e-12)


@pytest.mark.parametrize(
    ("function", "a", "b", "expected"),
    [
        (bp.maximum, 1.0, 2.0, (0, 1)), (bp.maximum, 2.0, 1.0, (1, 0)),
        (bp.maximum, 2.0, 2.0, (0.5, 0.5)), (bp.minimum, 1.0, 2.0, (1, 0)),
        (bp.minimum, 2.0, 1.0, (0, 1)), (bp.minimum, 2.0, 2.0, (0.5, 0.5)),
    ],
)  # fmt: skip
def test_the_smaller_or_larger_of_two_has_both_of_its_derivatives(
    function: Any, a: float, b: float, expected: tuple[float, float]
) -> None:
    first, second = bp.parameter("first"), bp.parameter("second")
    program = bp.Program([bp.Equation(C, function(first[()], second[()]))], cost=C)
    derived = reverse(normalise(program))
    result = interpret(derived, {"first": a, "second": b})
    assert tuple(float(result[adjoint.name]) for _, adjoint in derived.gradients) == expected
    f = bp.tensor("f")
    for form in ("textbook", "fast", "accurate"):
        rule = operation_of(function).rule(form)(first[()], second[()])
        for partial_, value in zip(rule, expected, strict=True):
            equation = bp.Equation(f, partial_, origin=Origin("test"))
            found = interpret(bp.Program([equation]), {"first": a, "second": b})["f"]
            assert float(found) == value


def test_elements_and_what_is_made_of_them_are_real() -> None:
    for value in (q, x[n, j], bp.sigmoid(x[n, j]), bp.relu(q[()]), bp.exp(q[()])):
        assert value.is_real


def test_what_is_stopped_has_no_derivative_that_a_step_would_name() -> None:
    held = bp.stop_gradient(q[()] ** 2)
    assert partial(held * q[()], q[()]) == held
    assert partial(held, q[()]) == 0
    assert not partial(held + q[()], q[()]).has(Prime)


def test_derivatives_that_are_functions_of_their_own_have_no_name_in_formulas() -> None:
    for function in DERIVATIVES:
        with pytest.raises(bp.NotationError, match="no function"):
            parse_formula(f"{function.__name__}(x)")


@pytest.mark.parametrize("function", [bp.leaky_relu, bp.elu])
def test_a_rectifier_at_zero_takes_the_second_formula(function: Any) -> None:
    record = operation_of(function)
    u, slope = bp.parameter("u")[()], bp.parameter("slope")[()]
    program = bp.Program([bp.Equation(C, record.definition(u, slope))], cost=C)
    for value in (2.0, -0.5, np.inf, np.nan):
        with np.errstate(invalid="ignore"):
            found = record.value(np.float64(0.0), np.float64(value))
            by_formula = interpret(program, {"u": 0.0, "slope": value})["C"]
        np.testing.assert_array_equal(found, by_formula)


def test_the_logarithm_of_zero_is_minus_infinity() -> None:
    for zero in (0, 0.0, sympy.S.Zero):
        assert bp.log(zero) is -sympy.oo
    masked = bp.Equation(bp.tensor("f"), bp.where(q[()] > 0, bp.log(q[()]), bp.log(0)))
    assert str(masked) == "f = where(q > 0, log(q), -oo)"
