"""precise: programs in many digits are right, lazily evaluated, and bounded in their rounding."""

from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings

import symbp as bp
from symbp.calculus.expand import expand
from symbp.calculus.interpreter import interpret
from symbp.calculus.many_digits import FUNCTIONS, ManyDigits
from symbp.calculus.normalise import normalise
from symbp.calculus.precise import evaluate
from symbp.calculus.reverse import reverse
from symbp.calculus.rounding import Rounding
from symbp.calculus.share import share
from symbp.calculus.stabilise import stabilise
from symbp.checking.draws import random_values
from symbp.notation.functions import OPERATIONS, log_sum_exp
from symbp.notation.reductions import Reduction
from tests.programs import PROGRAMS
from tests.random_equations import random_equations, random_recurrence
from tests.strategies import programs

E, C = bp.Equation, bp.tensor("C")
mp = mpmath.MPContext()
mp.dps = 60


def floats(found: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(array).astype(np.float64) for name, array in found.items()}


def assert_as_interpreted(program: bp.Program, values: dict[str, Any]) -> None:
    """Compare every tensor of a program and its adjoints, and the raw equations' tensors."""
    derived = reverse(normalise(program))
    expected = interpret(derived, values)
    found = {**floats(evaluate(derived, values)), **floats(evaluate(program, values))}
    assert set(found) == set(expected)
    for name, array in expected.items():
        scale = max(1.0, float(np.max(np.abs(array), initial=0.0)))
        assert np.allclose(found[name], array, rtol=1e-9, atol=1e-11 * scale), name


@settings(max_examples=40)
@given(programs())
def test_random_programs_are_as_the_interpreter_has_them(drawn: Any) -> None:
    assert_as_interpreted(*drawn)


@pytest.mark.parametrize("seed", range(12))
def test_random_equations_and_recurrences_are_as_the_interpreter_has_them(seed: int) -> None:
    for make in (random_equations, random_recurrence):
        program = make(seed).program
        assert_as_interpreted(program, random_values(program, 3, seed))


@pytest.mark.parametrize("name", PROGRAMS)
def test_layers_are_as_the_interpreter_has_them(name: str) -> None:
    assert_as_interpreted(*PROGRAMS[name]())


def scalar(body: Any, **values: float) -> Any:
    """Return the value of a formula of scalar parameters."""
    program = bp.Program([E(C, body)], cost=C)
    return evaluate(program, values)["C"][()]


u, v = bp.parameter("u"), bp.parameter("v")
POINTS = (-300.0, -2.5, -1e-9, 0.0, 1e-30, 0.7, 40.0, 1e4)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"where"}))
@pytest.mark.parametrize("point", POINTS)
def test_every_function_is_its_definition_in_many_digits(name: str, point: float) -> None:
    record = OPERATIONS[name]
    assert name in FUNCTIONS or record.definition is not None
    pairs = (
        "atan2", "elu", "heaviside", "largest", "leaky_relu", "maximum", "minimum", "mod",
        "xlog1py", "xlogy",
    )  # fmt: skip
    count = 2 if name in pairs else 1
    arguments, elements = [point, 0.3][:count], [u[()], v[()]][:count]
    given_ = {"u": point, "v": 0.3} if count > 1 else {"u": point}
    if record.function(*elements).has(record.function):
        found = scalar(record.function(*elements), **given_)
    else:
        found = scalar(elements[0] + 0, **given_)
    if record.definition is not None:
        by_formula = scalar(record.definition(*elements), **given_)
        if mp.isfinite(by_formula):
            assert abs(found - by_formula) <= 1e-25 * max(1e-25, abs(by_formula)), name
    if record.value is not None:
        with np.errstate(all="ignore"):
            double = float(record.value(*map(np.float64, arguments)))
        if np.isfinite(double) and mp.isfinite(found):
            assert abs(float(found) - double) <= 1e-7 * abs(double) + 1e-15
        else:
            assert np.isnan(double) == bool(mp.isnan(found))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (sympy.log(sympy.exp(u[()]) / (1 + sympy.exp(u[()]))), 0.0),
        (sympy.log(u[()] - 5000), -mp.inf),
        (sympy.log(-u[()]), mp.nan),
        (1 / (u[()] - 5000), mp.inf),
        (sympy.sqrt(-u[()]), mp.nan),
        ((5000 - u[()]) ** v[()], 0.0),
        ((4999 - u[()]) ** 3, -1.0),
        ((4999 - u[()]) ** sympy.Rational(1, 3), mp.nan),
        (sympy.exp(sympy.exp(sympy.exp(u[()]))), mp.inf),
        (bp.where(u[()] > 0, 1, sympy.log(-u[()])), 1.0),
        (3 * (u[()] / 3) - u[()], 0.0),
    ],
)
def test_infinities_and_nan_are_those_of_ieee(body: Any, value: Any) -> None:
    body = body + 0 * v[()] if body.has(v[()]) else body
    given_ = {"u": 5000.0, "v": 2.5} if body.has(v[()]) else {"u": 5000.0}
    found = scalar(body, **given_)
    assert mp.isnan(found) if mp.isnan(value) else abs(found - value) < 1e-50 or found == value


def test_a_program_as_written_cancels_nothing_it_should_not() -> None:
    body = sympy.log(sympy.exp(u[()]) / (sympy.exp(u[()]) + sympy.exp(-u[()])))
    expected = -mp.log1p(mp.exp(-2 * mp.mpf(-1000)))
    assert abs(scalar(body, u=-1000.0) - expected) < 1e-50


def test_what_is_not_chosen_is_neither_read_nor_computed() -> None:
    n, j = bp.indices("n j", 4, 3)
    x, token, a, w = (
        bp.input("x", j), bp.input("token", n, kind="integer"), bp.tensor("a", n),
        bp.parameter("w"),
    )  # fmt: skip
    # token[n] lies outside of x where it is not chosen.
    guarded = bp.where(token[n] < 3, x[token[n]] * w[()], 7)
    program = bp.Program([E(a[n], guarded), E(C, bp.Sum(a[n], n))], cost=C)
    values = {"x": [1.0, 2, 3], "token": [0, 9, 2, -0], "w": 2.0}
    assert [float(y) for y in evaluate(program, values)["a"]] == [2, 7, 6, 2]
    with pytest.raises(bp.SymbpError, match=r"subscript token.* of x is 9, expected 0 to 2"):
        evaluate(bp.Program([E(a[n], x[token[n]] * w[()]), E(C, bp.Sum(a[n], n))], cost=C), values)
    # The first place outside is outside.
    with pytest.raises(bp.SymbpError, match=r"subscript token.* of x is 3, expected 0 to 2"):
        evaluate(
            bp.Program([E(a[n], x[token[n]] * w[()]), E(C, bp.Sum(a[n], n))], cost=C),
            {**values, "token": [0, 3, 2, 0]},
        )


def test_sums_inside_of_formulas_are_computed_as_written() -> None:
    n, j = bp.indices("n j", 2, 3)
    x, w = bp.input("x", n, j), bp.parameter("w")
    k = j.fresh()
    inner = bp.Sum(bp.where(k <= j, x[n, k] * w[()], 0), k)
    body = bp.Sum(bp.Max(inner * bp.Sum(x[n, k] ** 2, k), j), n) + bp.logsumexp(x[n, j], n, j)
    program = bp.Program([E(C, body)], cost=C)
    assert body.has(Reduction)
    X = np.arange(6.0).reshape(2, 3) - 1.5
    expected = sum(max(np.cumsum(r) * 2.0 * (r**2).sum()) for r in X) + np.log(np.exp(X).sum())
    assert float(evaluate(program, {"x": X, "w": 2.0})["C"][()]) == pytest.approx(expected)


def test_what_is_stopped_can_be_held() -> None:
    program = bp.Program([E(C, bp.stop_gradient(u[()] ** 2) * u[()])], cost=C)
    stopped: dict[Any, Any] = {}
    assert evaluate(program, {"u": 3.0}, stopped=stopped)["C"][()] == 27
    assert len(stopped) == 1
    assert evaluate(program, {"u": 4.0}, stopped=stopped)["C"][()] == 36
    assert evaluate(program, {"u": 4.0})["C"][()] == 64


def test_the_global_precision_is_not_touched() -> None:
    before = mpmath.mp.dps
    found = scalar(sympy.sin(u[()]) / 3, u=1.0)
    assert mpmath.mp.dps == before
    assert abs(found - mp.sin(1) / 3) < 1e-59


def test_values_are_checked() -> None:
    n = bp.Index("n", 3)
    x = bp.input("x", n)
    program = bp.Program([E(C, bp.Sum(x[n], n) * u[()])], cost=C)
    with pytest.raises(bp.SymbpError, match="no value given for the input x"):
        evaluate(program, {"u": 1.0})
    with pytest.raises(bp.SymbpError, match=r"x: expected shape \(3,\), got \(2,\)"):
        evaluate(program, {"u": 1.0, "x": [1, 2]})


# Bounds of rounding ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_doubles_and_singles_stay_within_their_bounds(seed: int, dtype: str) -> None:
    program = (random_equations if seed % 2 else random_recurrence)(seed).program
    derived = share(expand(reverse(stabilise(normalise(program)))))
    single = {
        name: array.astype(np.float32).astype(np.float64) if array.dtype.kind == "f" else array
        for name, array in random_values(program, 3, seed).items()
    }
    bounded = evaluate(derived, single, Rounding(60, dtype))
    double = interpret(derived, single)
    useful = []
    for name, array in bounded.items():
        for number, found in zip(array.reshape(-1), double[name].reshape(-1), strict=True):
            assert abs(number.value - float(found)) <= 4 * number.bound + 1e-300, name
            useful.append(
                number.bound <= 1e6 * float(np.finfo(dtype).eps) * (1 + abs(number.value))
            )
    assert np.mean(useful) > 0.9  # at ties, rounding can do anything


def bounded(body: Any, dtype: str = "float64", **values: float) -> tuple[float, float]:
    program = bp.Program([E(C, body)], cost=C)
    number = evaluate(program, values, Rounding(60, dtype))["C"][()]
    return float(number.value), float(number.bound)


EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize(
    ("body", "values", "least", "most"),
    [
        (u[()] + v[()], {"u": 1.0, "v": 2.0}, 0, 0),
        (u[()] * v[()], {"u": 3.0, "v": 0.5}, 0, 0),
        (u[()] * v[()], {"u": 0.1, "v": 0.3}, 0.1 * EPS * 0.03, EPS * 0.03),
        (sympy.exp(u[()] * v[()]), {"u": 0.1, "v": 1000.7}, 10 * EPS, 100 * EPS * np.exp(100.07)),
        (sympy.sin(u[()] * 1e9), {"u": 0.1}, 1e8 * EPS / 8, 1e9 * EPS),
        (1 / (u[()] * 10 - 1), {"u": 0.1}, np.inf, np.inf),
        (bp.where(u[()] * 10 > 1, 5, 2), {"u": 0.1}, 3, 3),
        (bp.where(u[()] > 0, 5, 2), {"u": 0.1}, 0, 0),
        (sympy.exp(u[()]) / sympy.exp(u[()] + 1), {"u": 1000.0}, np.inf, np.inf),
        (sympy.exp(-u[()]) + 1, {"u": 1000.0}, 0, EPS),
        # What a factor is off by is multiplied with the others.
        ((u[()] * 10 - 1) * v[()], {"u": 0.1, "v": 1e6}, 1e6 * EPS, 2e6 * EPS),
        # 7 is exact, but 0.7·10 can be above it.
        (bp.maximum(u[()] * 10, 7), {"u": 0.7}, EPS, 2 * EPS),
    ],
)
def test_a_bound_is_what_rounding_can_do(
    body: Any, values: dict[str, float], least: float, most: float
) -> None:
    _, bound = bounded(body, **values)
    assert least <= bound <= most


def test_a_tie_of_stored_numbers_is_no_matter_of_rounding() -> None:
    j = bp.Index("j", 3)
    x, s, w = bp.input("x", j), bp.tensor("s", j), bp.parameter("w")
    program = bp.Program([E(s[j], x[j] * w[()]), E(C, bp.Max(s[j], j))], cost=C)
    derived = reverse(normalise(program))
    apart = evaluate(derived, {"x": [0.1, 0.2, 0.3], "w": 0.7}, Rounding(60, "float64"))
    assert float(apart["w_adjoint"][()].bound) < 1e-15
    # A tie of computed numbers is one: here, a module may give either, or half of both.
    tied = evaluate(derived, {"x": [0.3, 0.2, 0.3], "w": 0.7}, Rounding(60, "float64"))
    assert float(tied["s_adjoint"][0].bound) >= 0.4 or not np.isfinite(
        float(tied["s_adjoint"][0].bound)
    )


def test_numbers_of_another_context_are_taken() -> None:
    assert ManyDigits(80).given(mp.mpf(1) / 3) == mp.mpf(1) / 3


def test_a_function_without_a_formula_here_has_sympys_value() -> None:
    record = replace(OPERATIONS["exp"], name="hyperbolic", function=sympy.cosh)
    found = ManyDigits(60).apply(record, [mp.mpf(1) / 3])
    assert abs(found - mp.cosh(mp.mpf(1) / 3)) < 1e-58


def test_roots_of_negative_numbers_are_nan_and_of_zero_zero() -> None:
    for point, value in ((-2.0, np.nan), (0.0, 0.0), (2.25, 1.5)):
        np.testing.assert_equal(float(scalar(bp.sqrt(bp.parameter("x")[()]), x=point)), value)


def test_the_root_among_the_functions_is_nan_below_zero() -> None:
    arithmetic = ManyDigits(60)
    root = FUNCTIONS["sqrt"]
    assert mp.isnan(root(arithmetic, arithmetic.given(-2.0)))
    assert root(arithmetic, arithmetic.given(0.0)) == 0
    assert root(arithmetic, arithmetic.given(2.25)) == 1.5


def test_fractions_in_front_of_a_product_and_behind_it_both_count() -> None:
    third, far = sympy.Rational(1, 3), sympy.Rational(1, 2**40)
    body = (third * u[()] * v[()]) * far
    assert len([factor for factor in body.args if factor.is_Rational]) == 2
    assert scalar(body, u=3.0, v=2.0**40) == 1


def test_a_function_that_is_known_is_not_written_out() -> None:
    # By its formula, log(1 + exp(x)), it is 0 in 60 digits.
    assert scalar(bp.softplus(u[()]), u=-500.0) == pytest.approx(np.exp(-500.0), rel=1e-12, abs=0)
    assert scalar(bp.expm1(u[()]), u=1e-90) == pytest.approx(1e-90, rel=1e-12, abs=0)
    assert scalar(bp.softplus(u[()]), u=1e300) == 1e300
    assert scalar(bp.sigmoid(u[()] ** 2), u=1e300) == 1
    assert scalar(bp.sigmoid(-(u[()] ** 2)), u=1e300) == 0


def test_a_remainder_of_an_index_is_exact_with_rounding_too() -> None:
    j = bp.Index("j", 5)
    x = bp.input("x", j)
    even = bp.where(sympy.Eq(sympy.Mod(j, 2), 0), x[j], 0)
    program = bp.Program([E(C, bp.Sum(even, j))])
    for arithmetic in (ManyDigits(60), Rounding(60, "float64")):
        found = evaluate(program, {"x": [1.0, 10.0, 100.0, 1000.0, 10000.0]}, arithmetic)
        assert float(getattr(found["C"][()], "value", found["C"][()])) == 10101.0


def test_zero_by_zero_is_nan_and_a_number_by_zero_has_its_sign() -> None:
    arithmetic = ManyDigits(60)
    zero, nan = arithmetic.zero, arithmetic.given(np.nan)
    assert mp.isnan(arithmetic.quotient(zero, zero))
    assert mp.isnan(arithmetic.quotient(nan, zero))
    assert arithmetic.quotient(arithmetic.given(2.0), zero) == mp.inf
    assert arithmetic.quotient(arithmetic.given(-2.0), zero) == -mp.inf


@pytest.mark.parametrize("arithmetic", [ManyDigits(60), Rounding(60, "float64")])
def test_a_value_beside_an_infinity_keeps_its_digits(arithmetic: Any) -> None:
    x, f = bp.parameter("x"), bp.tensor("f")
    masked = bp.where(x[()] > 100, x[()], -sympy.oo)
    body = bp.maximum(x[()] / 3, masked) + log_sum_exp(x[()] / 3, masked)
    found = evaluate(bp.Program([E(f, body)], cost=f), {"x": 1.0}, arithmetic)["f"]
    value = getattr(found.item(), "value", found.item())
    assert abs(value - mp.mpf(2) / 3) < mp.mpf(10) ** -50
