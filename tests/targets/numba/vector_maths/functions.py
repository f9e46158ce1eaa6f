"""The vectorised functions: in a compiled loop, as mpmath defines them, and how far they may err.

An error is counted in ulp: units in the last place of the exact result, in which a subnormal
number counts like the smallest normal one.
"""

import importlib
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
from mpmath import mp, mpf
from numba import njit

DTYPES = ("float32", "float64")
TINY = mpf("1e-400")


def _softplus(x: mpf) -> mpf:
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def _normal(x: mpf) -> mpf:
    return mp.erfc(-max(min(x, mpf(60)), mpf(-60)) / mp.sqrt(2)) / 2


def _gelu_tanh(x: mpf) -> mpf:
    inner = mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)
    return x / (1 + mp.exp(-2 * max(min(inner, mpf(1000)), mpf(-1000))))


def _silu_prime(x: mpf) -> mpf:
    x = max(min(x, mpf(2000)), mpf(-2000))
    return (1 + x / (1 + mp.exp(x))) / (1 + mp.exp(-x))


def _gelu_tanh_prime(x: mpf) -> mpf:
    x = max(min(x, mpf(60)), mpf(-60))
    scale, cubic = 2 * mp.sqrt(2 / mp.pi), mpf("0.044715")
    inner, slope = scale * (x + cubic * x**3), scale * (1 + 3 * cubic * x**2)
    return (1 + x * slope / (1 + mp.exp(inner))) / (1 + mp.exp(-inner))


def _tail_series(x: mpf) -> mpf:
    """Return what the far normal tail has beside its density over -x."""
    w = 1 / x**2
    return 1 - w + 3 * w**2 - 15 * w**3 + 105 * w**4 - 945 * w**5 + 10395 * w**6


def _log_ndtr(x: mpf) -> mpf:
    if x > 0:
        return mp.log1p(-_normal(-x))
    if x > -40:
        return mp.log(_normal(x))
    return mp.log(_tail_series(x)) - x**2 / 2 - mp.log(-x * mp.sqrt(2 * mp.pi))


def _inverse_mills_ratio(x: mpf) -> mpf:
    if x < -40:
        return -x / _tail_series(x)
    return mp.npdf(x) / _normal(x) if x < 60 else mpf(0)


def _angle(function: Callable[[mpf], mpf], x: mpf) -> mpf:
    return function(x) if abs(x) <= 1 else mp.nan


def _log_gamma(x: mpf) -> mpf:
    # mpmath takes long for huge numbers, where the first correction is enough.
    if x < 1e6:
        return mp.loggamma(x) if x > 1e-30 else -mp.log(x)
    return (
        (x - mpf(1) / 2) * mp.log(x) - x + mp.log(2 * mp.pi) / 2 + 1 / (12 * x) - 1 / (360 * x**3)
    )


def _digamma(x: mpf) -> mpf:
    return mp.psi(0, x) if x < 1e6 else mp.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4)


def _trigamma(x: mpf) -> mpf:
    if x < 1e6:
        return mp.psi(1, x)
    return 1 / x + 1 / (2 * x**2) + 1 / (6 * x**3) - 1 / (30 * x**5)


#: What each function computes, in mpmath's arithmetic.
EXACT: dict[str, Callable[[mpf], mpf]] = {
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "tanh": mp.tanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": _softplus,
    "erf": lambda x: mp.erf(max(min(x, mpf(10)), mpf(-10))),
    "gelu": lambda x: x * _normal(x),
    "sin": mp.sin,
    "cos": mp.cos,
    "gelu_prime": lambda x: _normal(x) + x * mp.npdf(x) if abs(x) < 60 else _normal(x),
    "gelu_tanh": _gelu_tanh,
    "silu": lambda x: x / (1 + mp.exp(-max(x, mpf(-2000)))),
    "tanh_prime": lambda x: mp.sech(min(abs(x), mpf(2000))) ** 2,
    "silu_prime": _silu_prime,
    "erf_prime": lambda x: 2 * mp.exp(-(min(abs(x), mpf(60)) ** 2)) / mp.sqrt(mp.pi),
    "gelu_tanh_prime": _gelu_tanh_prime,
    "tan": mp.tan,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "asin": lambda x: _angle(mp.asin, x),
    "acos": lambda x: _angle(mp.acos, x),
    "atan": mp.atan,
    "asinh": mp.asinh,
    "acosh": lambda x: mp.acosh(x) if x >= 1 else mp.nan,
    "atanh": lambda x: _angle(mp.atanh, x),
    "erfc": lambda x: mp.erfc(max(min(x, mpf(60)), mpf(-60))),
    "log_ndtr": _log_ndtr,
    "inverse_mills_ratio": _inverse_mills_ratio,
    "gammaln": _log_gamma,
    "digamma": _digamma,
    "trigamma": _trigamma,
}

#: The largest error in ulp, float32 (over all numbers) and float64 (over samples). Functions with
#: zeros inside their range that are not reduced to are measured in ulp of max(1, |result|).
BOUNDS: dict[str, dict[str, float]] = {
    "exp": {"float32": 0.9, "float64": 0.9},
    "expm1": {"float32": 1.45, "float64": 1.55},
    "log": {"float32": 0.85, "float64": 0.85},
    "log1p": {"float32": 1.4, "float64": 1.4},
    "tanh": {"float32": 1.4, "float64": 1.5},
    "sigmoid": {"float32": 2.7, "float64": 2.7},
    "softplus": {"float32": 2.0, "float64": 1.85},
    "erf": {"float32": 1.1, "float64": 1.2},
    "gelu": {"float32": 6.6, "float64": 7.5},
    "sin": {"float32": 0.95, "float64": 0.95},
    "cos": {"float32": 0.95, "float64": 0.95},
    "gelu_prime": {"float32": 1.25, "float64": 1.1},
    "gelu_tanh": {"float32": 1.95, "float64": 1.9},
    "silu": {"float32": 4.0, "float64": 3.3},
    "tanh_prime": {"float32": 4.3, "float64": 4.1},
    "silu_prime": {"float32": 1.2, "float64": 1.0},
    "erf_prime": {"float32": 2.4, "float64": 1.65},
    "gelu_tanh_prime": {"float32": 1.2, "float64": 1.1},
}
#: The same of functions that are measured in samples only, in either precision.
SAMPLED: dict[str, dict[str, float]] = {
    "tan": {"float32": 2.45, "float64": 2.15},
    "sinh": {"float32": 2.15, "float64": 2.05},
    "cosh": {"float32": 1.5, "float64": 1.4},
    "asin": {"float32": 2.8, "float64": 2.65},
    "acos": {"float32": 2.35, "float64": 2.45},
    "atan": {"float32": 2.1, "float64": 1.9},
    "asinh": {"float32": 1.75, "float64": 1.7},
    "acosh": {"float32": 2.25, "float64": 1.95},
    "atanh": {"float32": 2.15, "float64": 1.95},
    "erfc": {"float32": 4.65, "float64": 6.9},
    "log_ndtr": {"float32": 4.85, "float64": 6.4},
    "inverse_mills_ratio": {"float32": 5.05, "float64": 6.95},
    "gammaln": {"float32": 3.9, "float64": 6.8},
    "digamma": {"float32": 3.4, "float64": 4.15},
    "trigamma": {"float32": 3.3, "float64": 5.55},
}
SCALED = ("gelu_prime", "gelu_tanh", "silu_prime", "gelu_tanh_prime")
#: Functions of angles; beyond the limit they return NaN.
TURNS = ("sin", "cos", "tan")
TRIGONOMETRIC_LIMIT = {"float32": 1e6, "float64": 1e15}


def runtime_function(name: str, dtype: str) -> Callable[..., Any]:
    """Return a function of the runtime, which has two files of them for each element type."""
    for file in ("vector_maths", "activations", "trigonometry", "special_functions"):
        found = getattr(
            importlib.import_module(f"symbp.targets.numba.runtime.{file}_{dtype}"), name, None
        )
        if found is not None:
            return found
    raise AssertionError(f"no {name} for {dtype}")


@cache
def loop(name: str, dtype: str) -> Callable[[np.ndarray, np.ndarray], None]:
    """Return a compiled loop ``y[i] = f(x[i])`` with the flags of a generated module's kernels."""
    function = runtime_function(name, dtype)

    @njit(error_model="numpy", fastmath={"contract"})
    def apply(x: np.ndarray, y: np.ndarray) -> None:
        for i in range(x.shape[0]):
            y[i] = function(x[i])

    return apply


def values(name: str, dtype: str, points: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return points in an element type, and a function there."""
    with np.errstate(over="ignore"):
        x = np.asarray(points, dtype)
    y = np.empty_like(x)
    loop(name, dtype)(x, y)
    return x, y


def error_in_ulp(value: float, exact: mpf, dtype: str, scaled: bool = False) -> float:
    """Return how far a value is from an exact result; infinity counts as the next power of two."""
    information = np.finfo(dtype)
    if np.isinf(value):
        value = mp.sign(value) * mpf(2) ** int(information.maxexp)
    exact = max(-(mpf(2) ** int(information.maxexp)), min(exact, mpf(2) ** int(information.maxexp)))
    size = max(mpf(1), abs(exact)) if scaled else abs(exact)
    exponent = mp.frexp(size)[1] - 1 if size > TINY else information.minexp
    exponent = min(max(exponent, int(information.minexp)), int(information.maxexp) - 1)
    return float(abs(value - exact) / mpf(2) ** (exponent - int(information.nmant)))


def largest_error(name: str, dtype: str, points: Iterable[float]) -> tuple[float, float]:
    """Return the largest error in ulp among points, and where it is."""
    x, y = values(name, dtype, points)
    worst, place = 0.0, 0.0
    for point, value in zip(x.tolist(), y.tolist(), strict=True):
        error = error_in_ulp(value, EXACT[name](mpf(point)), dtype, name in SCALED)
        if not error <= worst:
            worst, place = error, point
    return worst, place


def sample(name: str, dtype: str, count: int, seed: int = 7) -> np.ndarray:
    """Return about `count` points of a function's domain.

    A part is uniform in the exponent, a part lies in the ranges where networks work, a part near
    the seams of the argument's reduction and near roots, a part where results are subnormal.
    """
    random = np.random.default_rng(seed)
    part = count // 8
    information = np.finfo(dtype)
    low, high = float(information.minexp) - information.nmant, float(information.maxexp)
    sign = random.choice([-1.0, 1.0], part)
    points = [sign * 2 ** random.uniform(low, high, part)]
    points += [random.uniform(-s, s, part) for s in (0.6, 1.5, 8.0, 40.0)]
    far = 104.0 if dtype == "float32" else 746.0
    points.append(random.uniform(-far, far, part))
    spread = 1 + 2 ** random.uniform(-information.nmant, -1, part) * sign
    step = np.pi / 2 if name in TURNS else np.log(2) / 2
    points.append(random.integers(-200, 200, part) * step * spread)
    points.append(random.choice([0.35, 0.41, 0.55, 0.9, 0.7518, 4.0], part) * spread)
    if name in TURNS:
        limit = TRIGONOMETRIC_LIMIT[dtype]
        turns = np.floor(2 ** random.uniform(0, np.log2(limit / 2), part))
        points += [turns * (np.pi / 2), random.uniform(-limit, limit, part)]
    x = np.concatenate(points)
    if name in ("asin", "acos", "atanh"):
        ends = 1 - 2.0 ** random.uniform(-information.nmant - 1, 0, 2 * part)
        x = np.concatenate([x[np.abs(x) < 1], ends, -ends])
    elif name == "acosh":
        x = 1 + np.abs(x)
    elif name in ("gammaln", "digamma", "trigamma"):
        near = random.choice([0.7, 1.0, 1.4616321449683622, 2.0, 4.5], part)
        x = np.abs(np.concatenate([x, near * spread, random.uniform(0.5, 6, part)]))
        x = x[x.astype(dtype) > 0]
    elif name == "log":
        x = np.abs(x)
    elif name == "log1p":
        x = np.where(x > -1, x, -x)
    elif name in TURNS:
        x = x[np.abs(x) <= TRIGONOMETRIC_LIMIT[dtype]]
    return x.astype(dtype).astype(float)
