"""Every operation at the ends of the numbers: NaN, infinities, zeros, subnormal and huge ones.

After PyTorch's OpInfo inputs: all pairs of extremal values, through `predict` of one module for
each precision, in loops over thousands of rows, which LLVM vectorises, and one row at a time. What
is right says NumPy in float64, rounded to the module's precision: the bounds are those that
docs/vector_maths.md states.
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.special
import sympy
from mpmath import mp, mpf
from numpy.typing import NDArray

import symbp as bp
from symbp.notation.functions import OPERATIONS
from tests.targets.numba.vector_maths.functions import EXACT

Array = NDArray[Any]
#: Errors allowed, in units in the last place; what is not named here is rounded once.
ULPS = {
    "exp": 1, "expm1": 2, "log": 1, "log1p": 2, "tanh": 2, "sigmoid": 3, "silu": 4, "softplus": 2,
    "erf": 2, "gelu": 8, "gelu_tanh": 2000, "sin": 1, "cos": 1, "elu": 3, "x**2": 1, "x**3": 2,
    "x**4": 3, "1/x**2": 2, "x**-3": 3, "y/x**2": 2, "1/sqrt(x)": 2, "y/sqrt(x)": 2, "x**y": 2,
    "x**2.5": 2, "xlogy": 2, "xlog1py": 3, "tan": 2, "sinh": 2, "cosh": 2, "asin": 3, "acos": 3,
    "atan": 2, "atan2": 3, "asinh": 2, "acosh": 3, "atanh": 2, "erfc": 5, "log_ndtr": 6,
    "gammaln": 4, "digamma": 4, "trigamma": 4,
}  # fmt: skip
# Beyond it, sin and cos return NaN.
TRIGONOMETRIC_LIMIT = {"float32": 1e6, "float64": 1e15}


def _silu(x: Array) -> Array:
    # x expit(x) is NaN at -inf, and coarse where expit(x) is subnormal.
    below = np.minimum(x, 0)
    small = np.where(np.isinf(below), 0.0, below * np.exp(below / 2) * np.exp(below / 2))
    return np.where(x < -600, small, np.where(x < -600, 1, x) * scipy.special.expit(x))


def _sigmoid(x: Array) -> Array:
    # SciPy's is 0 where it should be subnormal.
    return np.where(x < -600, np.exp(x), scipy.special.expit(x))


def _by_mpmath(name: str, x: Array) -> Array:
    # SciPy has no function of this; ndtr and tanh lose digits in the tail.
    def at(value: float) -> float:
        if not np.isfinite(value) or value == 0:
            return np.inf if value == np.inf else -0.0 if value == -np.inf else value
        return float(EXACT[name](mpf(value)))

    values, places = np.unique(x, return_inverse=True, equal_nan=True)
    with mp.workdps(60):
        return np.where(x == 0, x, np.asarray([at(float(v)) for v in values])[places])


def _of_record(name: str, x: Array) -> Array:
    """Return a special function by mpmath, at the ends what its record states.

    SciPy's log_ndtr and gammaln lose digits, the second of them all near 1.
    """
    record = OPERATIONS[name].value
    assert record is not None

    def at(value: float) -> float:
        inside = np.isfinite(value) and (name == "log_ndtr" or value > 0)
        return float(EXACT[name](mpf(value))) if inside else float(record(value))

    values, places = np.unique(x, return_inverse=True, equal_nan=True)
    with mp.workdps(60), np.errstate(all="ignore"):
        return np.asarray([at(float(value)) for value in values])[places]


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.where(x > 0, 0, x)))


Formula = tuple[Callable[[Any, Any], Any], Callable[[Array, Array], Array]]

#: Functions of the notation, of x or of x and y: as they are written, and by NumPy.
FUNCTIONS: dict[str, Formula] = {
    "sigmoid": (lambda x, y: bp.sigmoid(x), lambda x, y: _sigmoid(x)),
    "tanh": (lambda x, y: sympy.tanh(x), lambda x, y: np.tanh(x)),
    "relu": (lambda x, y: bp.relu(x), lambda x, y: np.where(x <= 0, 0.0, x)),
    "leaky_relu": (
        lambda x, y: bp.leaky_relu(x, sympy.Rational(1, 4)),
        lambda x, y: np.where(x > 0, x, 0.25 * x),
    ),
    "elu": (lambda x, y: bp.elu(x), lambda x, y: _elu(x)),
    "gelu": (lambda x, y: bp.gelu(x), lambda x, y: _by_mpmath("gelu", x)),
    "gelu_tanh": (lambda x, y: bp.gelu_tanh(x), lambda x, y: _by_mpmath("gelu_tanh", x)),
    "silu": (lambda x, y: bp.silu(x), lambda x, y: _silu(x)),
    "softplus": (lambda x, y: bp.softplus(x), lambda x, y: np.logaddexp(0, x)),
    "sin": (lambda x, y: sympy.sin(x), lambda x, y: np.sin(x)),
    "cos": (lambda x, y: sympy.cos(x), lambda x, y: np.cos(x)),
    "exp": (lambda x, y: sympy.exp(x), lambda x, y: np.exp(x)),
    "expm1": (lambda x, y: bp.expm1(x), lambda x, y: np.expm1(x)),
    "log": (lambda x, y: sympy.log(x), lambda x, y: np.log(x)),
    "log1p": (lambda x, y: bp.log1p(x), lambda x, y: np.log1p(x)),
    "erf": (lambda x, y: sympy.erf(x), lambda x, y: scipy.special.erf(x)),
    "tan": (lambda x, y: sympy.tan(x), lambda x, y: np.tan(x)),
    "sinh": (lambda x, y: sympy.sinh(x), lambda x, y: np.sinh(x)),
    "cosh": (lambda x, y: bp.cosh(x), lambda x, y: np.cosh(x)),
    "asin": (lambda x, y: bp.asin(x), lambda x, y: np.arcsin(x)),
    "acos": (lambda x, y: bp.acos(x), lambda x, y: np.arccos(x)),
    "atan": (lambda x, y: bp.atan(x), lambda x, y: np.arctan(x)),
    "atan2": (lambda x, y: bp.atan2(y, x), lambda x, y: np.arctan2(y, x)),
    "asinh": (lambda x, y: bp.asinh(x), lambda x, y: np.arcsinh(x)),
    "acosh": (lambda x, y: bp.acosh(x), lambda x, y: np.arccosh(x)),
    "atanh": (lambda x, y: bp.atanh(x), lambda x, y: np.arctanh(x)),
    "erfc": (lambda x, y: bp.erfc(x), lambda x, y: scipy.special.erfc(x)),
    "log_ndtr": (lambda x, y: bp.log_ndtr(x), lambda x, y: _of_record("log_ndtr", x)),
    "gammaln": (lambda x, y: bp.gammaln(x), lambda x, y: _of_record("gammaln", x)),
    "digamma": (lambda x, y: bp.digamma(x), lambda x, y: _of_record("digamma", x)),
    "trigamma": (lambda x, y: bp.trigamma(x), lambda x, y: _of_record("trigamma", x)),
    "floor": (lambda x, y: bp.floor(x), lambda x, y: np.floor(x)),
    "ceil": (lambda x, y: bp.ceil(x), lambda x, y: np.ceil(x)),
    "round": (lambda x, y: bp.round(x), lambda x, y: np.rint(x)),
    "mod": (lambda x, y: bp.mod(x, y), np.mod),
    "heaviside": (lambda x, y: bp.heaviside(x, y), np.heaviside),
    "abs": (lambda x, y: sympy.Abs(x), lambda x, y: np.abs(x)),
    "sign": (lambda x, y: sympy.sign(x), lambda x, y: np.sign(x)),
    "maximum": (lambda x, y: bp.maximum(x, y), np.maximum),
    "minimum": (lambda x, y: bp.minimum(x, y), np.minimum),
    "xlogy": (lambda x, y: bp.xlogy(x, y), lambda x, y: scipy.special.xlogy(x, y)),
    "xlog1py": (lambda x, y: bp.xlog1py(x, y), lambda x, y: scipy.special.xlog1py(x, y)),
    "where": (lambda x, y: bp.where(x > y, x, y), lambda x, y: np.where(x > y, x, y)),
    "stop_gradient": (lambda x, y: bp.stop_gradient(x), lambda x, y: x),
}

#: Sums, products, quotients, roots and powers.
ARITHMETIC: dict[str, Formula] = {
    "x + y": (lambda x, y: x + y, np.add),
    "x - y": (lambda x, y: x - y, np.subtract),
    "x*y": (lambda x, y: x * y, np.multiply),
    "x/y": (lambda x, y: x / y, np.divide),
    "1/x": (lambda x, y: 1 / x, lambda x, y: 1 / x),
    "x**2": (lambda x, y: x**2, lambda x, y: x * x),
    "x**3": (lambda x, y: x**3, lambda x, y: x * x * x),
    "x**4": (lambda x, y: x**4, lambda x, y: (x * x) * (x * x)),
    "1/x**2": (lambda x, y: x**-2, lambda x, y: (1 / x) * (1 / x)),
    "x**-3": (lambda x, y: x**-3, lambda x, y: (1 / x) * (1 / x) * (1 / x)),
    "sqrt(x)": (lambda x, y: sympy.sqrt(x), lambda x, y: np.sqrt(x)),
    "1/sqrt(x)": (lambda x, y: 1 / sympy.sqrt(x), lambda x, y: 1 / np.sqrt(x)),
    "y/sqrt(x)": (lambda x, y: y / sympy.sqrt(x), lambda x, y: y / np.sqrt(x)),
    "x**y": (lambda x, y: x**y, np.power),
    "x**2.5": (lambda x, y: x ** sympy.Rational(5, 2), lambda x, y: np.power(x, 2.5)),
}


def extremal(dtype: str) -> Array:
    """Return the values of which all pairs are tried."""
    number = np.finfo(dtype)
    one = np.asarray(1, dtype)
    largest, log_max = float(number.max), float(np.log(np.asarray(number.max, float)))
    sizes = [
        float(number.smallest_subnormal), 3 * float(number.smallest_subnormal),
        float(number.tiny) / 2, float(number.tiny), 2 * float(number.tiny), 0.25, 0.5,
        float(np.nextafter(one, 0, dtype=dtype)), 1.0, float(np.nextafter(one, 2, dtype=dtype)),
        2.0, 3.0, 10.0, 20.5, 40.5, float(np.sqrt(number.max)) / 2, 2 * float(np.sqrt(number.max)),
        float(number.tiny) ** 0.5, log_max - 0.5, log_max + 0.5, -np.log(float(number.tiny)) + 8,
        largest / 2, largest, np.inf, 0.0, 1e19, 88.0, 104.5, 112.5,
    ]  # fmt: skip
    return np.asarray([*sizes, *(-s for s in sizes), np.nan], dtype)


FORMULAS = FUNCTIONS | ARITHMETIC
NAMES = list(FORMULAS)


# These call the mathematical library, beside which a loop is not vectorised.
CALLS = ["x**y", "x**2.5", "mod"]
# These have tests of their own in every run, of the functions that are pasted:
# runtime/test_vector_maths.py.
PASTED = [
    "sigmoid", "elu", "gelu", "gelu_tanh", "silu", "softplus", "sin", "cos", "exp", "expm1", "log",
    "log1p", "erf", "xlog1py", "tan", "sinh", "cosh", "asin", "acos", "atan", "atan2", "asinh",
    "acosh", "atanh", "erfc", "log_ndtr", "gammaln", "digamma", "trigamma",
]  # fmt: skip
# By what is tried in every run, in single precision, and what when there is time.
GROUPS = {"operators": [name for name in NAMES if name not in PASTED], "functions": PASTED}
MODULES = [
    pytest.param(
        (group, dtype),
        id=f"{group}-{dtype}",
        marks=() if (group, dtype) == ("operators", "float32") else pytest.mark.slow,
    )
    for group in GROUPS
    for dtype in ("float32", "float64")
]
BY_NAME = [
    pytest.param(*module.values, name, id=f"{name}-{module.id}", marks=module.marks)
    for module in MODULES
    for name in GROUPS[module.values[0][0]]
]


def program(names: list[str]) -> bp.Program:
    """Return one equation a formula, each a column of the output.

    Two more columns have a parameter w, which does not change in the loop: x / w and (x + w) - w.
    """
    n, j = bp.indices("n j", "N", len(names) + 2)
    x, y = bp.input("x", n), bp.input("y", n)
    output, C, w = bp.tensor("o", n, j), bp.tensor("C"), bp.parameter("w")
    columns, body = [], sympy.S.Zero
    shifted, quotient, difference = (bp.tensor(name, n) for name in ("s", "q", "d"))
    columns.append(bp.Equation(shifted[n], x[n] + w))
    columns.append(bp.Equation(quotient[n], x[n] / w))
    columns.append(bp.Equation(difference[n], shifted[n] - w))
    before = sympy.S.Zero
    for place, name in enumerate(names):
        # Each column waits for a count of the one before, which is never negative: so that each
        # has a loop of its own. LLVM does not vectorise a loop over dozens of arrays.
        column, count = bp.tensor(f"f{place}", n), bp.tensor(f"count{place}")
        value = bp.where(before < -1, 0, FORMULAS[name][0](x[n], y[n]))
        columns.append(bp.Equation(column[n], value))
        columns.append(bp.Equation(count, bp.Sum(bp.where(column[n] > 5, 1, 0), n)))
        before = count.element
        body = bp.where(sympy.Eq(j, place), column[n], body)
    for place, column in enumerate((quotient, difference), start=len(names)):
        body = bp.where(sympy.Eq(j, place), column[n], body)
    columns.append(bp.Equation(output[n, j], body))
    columns.append(bp.Equation(C, bp.Mean(difference[n], n)))
    return bp.Program(columns, cost=C, output=output)


@pytest.fixture
def found(request: pytest.FixtureRequest) -> Any:
    """Return what was found for a group of formulas and a precision."""
    return computed(*request.param)


@cache
def computed(group: str, dtype: str) -> Any:
    """Return the names, the precision, all pairs, and the columns that `predict` gives for them."""
    values = extremal(dtype)
    x, y = (a.ravel() for a in np.meshgrid(values, values))
    halves = [[name for name in GROUPS[group] if (name in CALLS) == calls] for calls in (0, 1)]
    trainers = [bp.compile(program(names), dtype=dtype) for names in halves if names]
    names = [name for half in halves for name in half]

    def predict(x: Array, y: Array) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.concatenate([t.predict(x, y)[:, :-2] for t in trainers], axis=1)

    return names, dtype, x, y, predict(x, y), predict, trainers[0]


def expected(name: str, dtype: str, x: Array, y: Array) -> tuple[Array, Array]:
    """Return the exact values, as nearly as float64 has them, and rounded."""
    with np.errstate(all="ignore"):
        exact = np.asarray(FORMULAS[name][1](x.astype(float), y.astype(float)))
        return exact, exact.astype(dtype)


def errors_in_ulp(value: Array, right: Array, exact: Array, dtype: str) -> Array:
    """Return distances in units in the last place, infinity being the next number."""
    number = np.finfo(dtype)
    top = float(number.max) * (1 + float(number.eps) / 2)
    with np.errstate(all="ignore"):
        a, b = (np.clip(v.astype(float), -top, top) for v in (value, exact))
        unit = np.maximum(
            np.spacing(
                np.abs(np.clip(b, -float(number.max), float(number.max))).astype(dtype)
            ).astype(float),
            float(number.smallest_subnormal),
        )
        # Near the end of float64 differences are taken in halves.
        return np.abs(a / 2 - b / 2) / unit * 2


@pytest.mark.parametrize(("found", "name"), BY_NAME, indirect=["found"])
def test_values_are_those_of_ieee(found: Any, name: str) -> None:
    names, dtype, x, y, result, *_ = found
    value = result[:, names.index(name)]
    exact, right = expected(name, dtype, x, y)
    if name in ("sin", "cos", "tan"):
        right = np.where(np.abs(x) > TRIGONOMETRIC_LIMIT[dtype], np.nan, right).astype(dtype)
    wrong = np.isnan(value) != np.isnan(right)
    number = ~(np.isnan(value) | np.isnan(right))
    error = errors_in_ulp(value, right, exact, dtype)
    # In float64 what NumPy gives is itself rounded.
    allowed = ULPS.get(name, 0.5) + (dtype == "float64" and name in ULPS) + 0.01
    wrong |= number & (error > allowed)
    wrong |= (
        number
        & np.isinf(right)
        & (np.abs(exact) > 2 * float(np.finfo(dtype).max))
        & (value != right)
    )
    cases = list(zip(x[wrong].tolist(), y[wrong].tolist(), value[wrong], right[wrong], strict=True))
    assert not cases, (name, len(cases), cases[:8])


SIGNED = [
    "tanh", "erf", "gelu", "gelu_tanh", "silu", "sin", "expm1", "log1p", "elu", "leaky_relu",
    "sqrt(x)", "x + y", "x - y", "x*y", "x/y", "1/x", "x**2", "x**3", "1/x**2", "1/sqrt(x)", "abs",
]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "name"), [case for case in BY_NAME if case.values[1] in SIGNED], indirect=["found"]
)
def test_signs_of_zeros_are_those_of_ieee(found: Any, name: str) -> None:
    names, dtype, x, y, result, *_ = found
    value = result[:, names.index(name)]
    _, right = expected(name, dtype, x, y)
    zero = (value == 0) & (right == 0) & np.isfinite(x)
    wrong = zero & (np.signbit(value) != np.signbit(right))
    cases = list(zip(x[wrong].tolist(), y[wrong].tolist(), value[wrong], right[wrong], strict=True))
    assert not cases, (name, len(cases), cases[:8])


@pytest.mark.parametrize("found", MODULES, indirect=True)
def test_one_row_gives_what_many_rows_give(found: Any) -> None:
    names, _, x, y, result, predict, _ = found
    chosen = np.random.default_rng(0).integers(0, len(x), 60)
    single = np.concatenate([predict(x[i : i + 1], y[i : i + 1]) for i in chosen])
    exact = [names.index(name) for name in names if name not in ULPS]
    np.testing.assert_array_equal(single[:, exact], result[np.ix_(chosen, exact)])
    np.testing.assert_array_equal(np.isnan(single), np.isnan(result[chosen]))


@pytest.mark.parametrize("found", MODULES, indirect=True)
def test_division_by_what_does_not_change_in_the_loop(found: Any) -> None:
    _, dtype, *_, trainer = found
    x = extremal(dtype)
    for w in x:
        quotient = trainer.module.predict({"w": w}, x, x)[:, -2]
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(quotient, x / w, err_msg=str(w))


@pytest.mark.parametrize("found", MODULES, indirect=True)
def test_a_sum_and_a_difference_are_computed_as_they_are_written(found: Any) -> None:
    _, dtype, *_, trainer = found
    values = extremal(dtype)
    for w in [np.asarray(1e17, dtype), *values]:
        with np.errstate(all="ignore"):
            right = (values + w) - w
        difference = trainer.module.predict({"w": w}, values, values)[:, -1]
        np.testing.assert_array_equal(difference, right, err_msg=str(w))
    ones = np.ones(1000, dtype)
    assert trainer.module.loss({"w": 1e17}, ones, ones) == 0


def test_every_function_of_the_notation_is_tried() -> None:
    # These two have no code of their own: they are what the reductions over an index become.
    assert set(OPERATIONS) - set(FUNCTIONS) <= {"identity", "largest", "log_sum_exp"}
