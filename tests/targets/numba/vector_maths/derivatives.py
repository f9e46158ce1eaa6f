"""Derivatives of functions, of their products and of quotients: computed by a module, and exact.

One module computes all of them: it holds a parameter of its own for each formula f, and its cost is
the sum of f over the elements of it, so that the gradient is f' at these. Exact is mpmath with 60
digits. An error is counted in units of eps·(|f'(x)| + |x·f''(x)|), what a derivative changes by
when it and its argument are rounded, beside the smallest normal number.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from mpmath import mp, mpf

import symbp as bp
from symbp.notation.standard import cos, erf, exp, log, sin, sqrt, tanh

__all__ = ["FLAT", "FORMULAS", "derivatives", "error", "largest_errors", "points"]


def _clipped(x: mpf, limit: int = 3000) -> mpf:
    return max(min(x, mpf(limit)), mpf(-limit))


def _sigmoid(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-_clipped(x)))


def _sigmoid_prime(x: mpf) -> mpf:
    return _sigmoid(x) * _sigmoid(-x)


def _sech2(x: mpf) -> mpf:
    return mp.sech(_clipped(x)) ** 2


def _normal(x: mpf) -> mpf:
    return mp.erfc(-_clipped(x, 60) / mp.sqrt(2)) / 2


def _gelu_prime(x: mpf) -> mpf:
    return _normal(x) + _clipped(x, 60) * mp.npdf(_clipped(x, 60))


def _gelu_tanh_prime(x: mpf) -> mpf:
    x = _clipped(x, 60)
    scale, cubic = 2 * mp.sqrt(2 / mp.pi), mpf("0.044715")
    inner, slope = scale * (x + cubic * x**3), scale * (1 + 3 * cubic * x**2)
    return _sigmoid(inner) * (1 + x * slope * _sigmoid(-inner))


def _silu_prime(x: mpf) -> mpf:
    x = _clipped(x)
    return _sigmoid(x) * (1 + x * _sigmoid(-x))


def _mish_prime(x: mpf) -> mpf:
    x = _clipped(x)
    inner = mp.tanh(mp.log1p(mp.exp(x)))
    return inner + x * (1 - inner**2) * _sigmoid(x)


mish = bp.function("mish", lambda u: u * tanh(bp.softplus(u)))
softsign = bp.function("softsign", lambda u: u / (1 + abs(u)))

#: Each formula, its exact derivative, and where it is measured: everywhere, above 0 or above -1.
FORMULAS: dict[str, tuple[Callable[[Any], Any], Callable[[mpf], mpf], str]] = {
    "sigmoid": (bp.sigmoid, _sigmoid_prime, "all"),
    "tanh": (tanh, _sech2, "all"),
    "relu": (bp.relu, lambda x: mpf(x > 0), "all"),
    "leaky_relu": (bp.leaky_relu, lambda x: mpf(1) if x > 0 else mpf(0.01), "all"),
    "elu": (bp.elu, lambda x: mpf(1) if x > 0 else mp.exp(x), "all"),
    "gelu": (bp.gelu, _gelu_prime, "all"),
    "gelu_tanh": (bp.gelu_tanh, _gelu_tanh_prime, "all"),
    "silu": (bp.silu, _silu_prime, "all"),
    "softplus": (bp.softplus, _sigmoid, "all"),
    "exp": (exp, lambda x: mp.exp(_clipped(x)), "all"),
    "expm1": (bp.expm1, lambda x: mp.exp(_clipped(x)), "all"),
    "sin": (sin, mp.cos, "to 1000"),
    "cos": (cos, lambda x: -mp.sin(x), "to 1000"),
    "erf": (erf, lambda x: 2 * mp.exp(-(_clipped(x, 60) ** 2)) / mp.sqrt(mp.pi), "all"),
    "log": (log, lambda x: 1 / x, "positive"),
    "log1p": (bp.log1p, lambda x: 1 / (1 + x), "above -1"),
    "sqrt": (sqrt, lambda x: 1 / (2 * mp.sqrt(x)), "positive"),
    "z/(1+abs(z))": (lambda z: z / (1 + abs(z)), lambda x: 1 / (1 + abs(x)) ** 2, "finite"),
    "softsign(z)": (softsign, lambda x: 1 / (1 + abs(x)) ** 2, "finite"),
    "1/(1+z²)": (lambda z: 1 / (1 + z**2), lambda x: -2 * x / (1 + x**2) ** 2, "finite"),
    "z/(1+z²)": (lambda z: z / (1 + z**2), lambda x: (1 - x**2) / (1 + x**2) ** 2, "finite"),
    "z²/(1+z²)": (lambda z: z**2 / (1 + z**2), lambda x: 2 * x / (1 + x**2) ** 2, "finite"),
    "z/sqrt(1+z²)": (
        lambda z: z / sqrt(1 + z**2), lambda x: 1 / mp.sqrt(1 + x**2) ** 3, "finite"
    ),
    "(1-z)/(1+z)": (lambda z: (1 - z) / (1 + z), lambda x: -2 / (1 + x) ** 2, "positive"),
    "z/(3+z)": (lambda z: z / (3 + z), lambda x: 3 / (3 + x) ** 2, "positive"),
    "abs(z)/(1+abs(z))": (
        lambda z: abs(z) / (1 + abs(z)), lambda x: mp.sign(x) / (1 + abs(x)) ** 2, "finite"
    ),
    "z·sigmoid(z)": (lambda z: z * bp.sigmoid(z), _silu_prime, "finite"),
    "mish(z)": (mish, _mish_prime, "finite"),
    "sigmoid(z)·tanh(z)": (
        lambda z: bp.sigmoid(z) * tanh(z),
        lambda x: _sigmoid(x) * (_sech2(x) + _sigmoid(-x) * mp.tanh(_clipped(x))), "all",
    ),
    "sigmoid(z)/(1+sigmoid(z))": (
        lambda z: bp.sigmoid(z) / (1 + bp.sigmoid(z)),
        lambda x: _sigmoid_prime(x) / (1 + _sigmoid(x)) ** 2, "all",
    ),
    "tanh(z)/z": (
        lambda z: tanh(z) / z, lambda x: (x * _sech2(x) - mp.tanh(_clipped(x))) / x**2, "from 1"
    ),
    "gelu(z)/(1+z²)": (
        lambda z: bp.gelu(z) / (1 + z**2),
        lambda x: (_gelu_prime(x) * (1 + x**2) - 2 * x * x * _normal(x)) / (1 + x**2) ** 2,
        "z² finite",
    ),
    "exp(-z²)": (
        lambda z: exp(-(z**2)), lambda x: -2 * x * mp.exp(-(_clipped(x, 60) ** 2)), "finite"
    ),
    "z-softplus(z)": (lambda z: z - bp.softplus(z), lambda x: _sigmoid(-x), "finite"),
    "exp(z-softplus(z))": (lambda z: exp(z - bp.softplus(z)), _sigmoid_prime, "finite"),
    "log(1+z²)": (lambda z: log(1 + z**2), lambda x: 2 * x / (1 + x**2), "z² finite"),
    "exp(-z)·z": (lambda z: exp(-z) * z, lambda x: (1 - x) * mp.exp(-_clipped(x)), "positive"),
}  # fmt: skip
#: Those that hold the derivative of `sigmoid` or `tanh`, which has two forms.
FLAT = (
    "sigmoid", "tanh", "z·sigmoid(z)", "mish(z)", "sigmoid(z)·tanh(z)",
    "sigmoid(z)/(1+sigmoid(z))", "tanh(z)/z",
)  # fmt: skip
COUNT = 200


def points(domain: str, dtype: str) -> np.ndarray:
    """Return COUNT points: all magnitudes, where networks work, the tails, the ends.

    Parameters
    ----------
    domain : str
        As the formulas name it: "all", "finite", "positive", …
        Which of them to replace by ones that belong to it.
    dtype : {"float32", "float64"}
    """
    random = np.random.default_rng(5)
    largest = 36 if dtype == "float32" else 300
    decades = 10.0 ** np.linspace(-largest, largest, 25)
    tails = [-745.0, -700, -100, -88, -40, -38, -37, -20, -18, -12, -9, -5.5, -5, -4, -3, -2, -1]
    given = np.concatenate([
        [-np.inf, np.inf, 0.0, -0.0, 1e19, -1e19], decades, -decades, tails, -np.array(tails),
        np.linspace(-30, 30, 61),
    ])  # fmt: skip
    more = COUNT - len(given)
    x = np.concatenate([given, random.normal(size=more) * 3]).astype(dtype)
    inside = {
        "all": np.ones(COUNT, bool),
        "finite": np.isfinite(x),
        "z² finite": abs(x) < np.sqrt(np.finfo(dtype).max) / 2,
        "to 1000": abs(x) <= 1000,
        "positive": (x > 0) & np.isfinite(x),
        "above -1": (x > -1) & np.isfinite(x),
        "below 80": (x < 80) & np.isfinite(x),
        "from 1": (abs(x) >= 1) & np.isfinite(x),
    }[domain]
    return np.where(inside, x, np.asarray(1.5, dtype))


@cache
def derivatives(dtype: str, form: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for each formula its points and the derivatives there, by a generated module.

    With ``derivatives="accurate"`` only for those of FLAT; the others' code is the same.
    """
    i = bp.Index("i", COUNT)
    total = None
    values = []
    names = tuple(FORMULAS) if form == "fast" else FLAT
    for place, name in enumerate(names):
        formula, _, domain = FORMULAS[name]
        x = bp.parameter(f"x{place}", i)
        term = bp.Sum(formula(x[i]), i)
        total = term if total is None else total + term
        values.append(points(domain, dtype))
    cost = bp.tensor("C")
    program = bp.Program([bp.Equation(cost, total)], cost=cost)
    module = bp.compile(program, dtype=dtype, derivatives=form).module
    _, gradients = module.gradient(module.Parameters(*values))
    return {name: (x, np.asarray(g)) for name, x, g in zip(names, values, gradients, strict=True)}


def error(found: float, exact: mpf, change: mpf, dtype: str) -> float:
    """Return an error in units of eps·(|exact| + change), beside the smallest normal number.

    Parameters
    ----------
    found : float
        What was computed.
    exact, change : mpf
        The derivative, and by how much it changes when its argument doubles: |x·f''(x)|.
    dtype : {"float32", "float64"}
    """
    information = np.finfo(dtype)
    if not np.isfinite(found):
        return 0.0 if abs(exact) > float(information.max) else np.inf
    unit = float(information.eps) * (abs(exact) + change) + float(information.tiny)
    return float(abs(mpf(found) - exact) / unit)


def largest_errors(dtype: str, form: str) -> dict[str, tuple[float, float]]:
    """Return the largest error of each derivative, and the point where it is."""
    result = {}
    with mp.workdps(60):
        for name, (x, found) in derivatives(dtype, form).items():
            exact = FORMULAS[name][1]
            worst = (-1.0, 0.0)
            for point, value in zip(x.tolist(), found.tolist(), strict=True):
                worst = max(worst, (_error_at(exact, point, value, dtype), point))
            result[name] = worst
    return result


def _error_at(exact: Callable[[mpf], mpf], point: float, value: float, dtype: str) -> float:
    here = exact(mpf(point))
    change = mpf(0)
    if np.isfinite(point) and point:
        step = mpf(point) * mpf(10) ** -25
        change = abs(exact(mpf(point) + step) - here) * mpf(10) ** 25
    return error(value, here, change, dtype)
