"""Fit the constants of `runtime/vector_maths_float32.py` and `runtime/vector_maths_float64.py`.

Each elementary function is reduced to a short polynomial or rational function on a small interval.
This script finds those in the weighted minimax sense with mpmath, rounds the coefficients to the
element type one at a time, refitting the others after each, and prints them as Python source:
`python -m symbp.targets.numba.fit_vector_maths`. It needs mpmath; nothing at run time needs this
script.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf

mp.dps = 50

#: A real function of one real variable, in mpmath's arithmetic.
Function = Callable[[mpf], mpf]


@dataclass(frozen=True)
class Fit:
    """One approximation: what to fit, where, in which form.

    Attributes
    ----------
    name : str
        Prefix of the constants that are printed.
    function : callable
        The function to approximate.
    interval : tuple of float
        Where; both ends are included.
    weight : callable
        The error is multiplied by it before it is minimised (its inverse for relative error).
    numerator, denominator : dict of str to int
        Number of coefficients for each element type. The denominator's first coefficient is one and
        is not counted.
    """

    name: str
    function: Function
    interval: tuple[float, float]
    weight: Function
    numerator: dict[str, int]
    denominator: dict[str, int] | None = None


def chebyshev_nodes(interval: tuple[float, float], count: int) -> list[mpf]:
    """Return `count` Chebyshev nodes of the interval, its ends among them."""
    low, high = mpf(interval[0]), mpf(interval[1])
    return [
        (low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * k / (count - 1)) for k in range(count)
    ]


def weighted_least_squares(
    rows: list[list[mpf]], right: list[mpf], weights: list[mpf]
) -> list[mpf]:
    """Solve a small overdetermined system by its normal equations (50 digits leave ample room)."""
    unknowns = len(rows[0])
    matrix, vector = mp.matrix(unknowns, unknowns), mp.matrix(unknowns, 1)
    for row, value, weight in zip(rows, right, weights, strict=True):
        for i in range(unknowns):
            scaled = weight * row[i]
            vector[i] += scaled * value
            for j in range(i, unknowns):
                matrix[i, j] += scaled * row[j]
    for i in range(unknowns):
        for j in range(i):
            matrix[i, j] = matrix[j, i]
    return list(mp.lu_solve(matrix, vector))


def minimax(
    fit: Fit, numerator: int, denominator: int, fixed: Sequence[mpf] = ()
) -> tuple[list[mpf], mpf]:
    """Fit by Lawson's iteration: least squares whose weights grow where the error is large.

    Parameters
    ----------
    fit : Fit
        The function, interval and error weight.
    numerator, denominator : int
        Number of coefficients; the denominator is 1 + d_1 x + d_2 x^2 + ...
    fixed : sequence of mpf
        Values of the leading coefficients (in the order numerator, denominator) that are rounded
        already and must be kept.

    Returns
    -------
    tuple of (list of mpf, mpf)
        All the coefficients, and the largest weighted error.
    """
    count = numerator + denominator
    nodes = chebyshev_nodes(fit.interval, 5 * count + 17)
    values = [fit.function(x) for x in nodes]
    accuracy = [fit.weight(x) for x in nodes]
    lawson = [mpf(1)] * len(nodes)
    divisor = [mpf(1)] * len(nodes)
    best: tuple[list[mpf], mpf] | None = None
    for _ in range(12):
        rows, right = [], []
        for x, value in zip(nodes, values, strict=True):
            row = [x**k for k in range(numerator)]
            row += [-value * x ** (k + 1) for k in range(denominator)]
            right.append(value - mp.fsum(c * r for c, r in zip(fixed, row, strict=False)))
            rows.append(row[len(fixed) :])
        weights = [w * (a / d) ** 2 for w, a, d in zip(lawson, accuracy, divisor, strict=True)]
        free = weighted_least_squares(rows, right, weights) if len(fixed) < count else []
        coefficients = [*fixed, *free]
        errors = []
        for n, x in enumerate(nodes):
            divisor[n] = 1 + mp.fsum(
                c * x ** (k + 1) for k, c in enumerate(coefficients[numerator:])
            )
            top = mp.fsum(c * x**k for k, c in enumerate(coefficients[:numerator]))
            errors.append(abs(top / divisor[n] - values[n]) * accuracy[n])
        worst = max(errors)
        if best is None or worst < best[1]:
            best = coefficients, worst
        if len(fixed) == count:
            break
        lawson = [w * (e / worst + mpf("1e-6")) for w, e in zip(lawson, errors, strict=True)]
        total = mp.fsum(lawson)
        lawson = [w / total for w in lawson]
    assert best is not None
    return best


def rounded(fit: Fit, dtype: str) -> tuple[list[float], list[float], float]:
    """Fit with coefficients of the element type; return numerator, denominator, largest error."""
    numerator = fit.numerator[dtype]
    denominator = fit.denominator.get(dtype, 0) if fit.denominator else 0
    kept: list[mpf] = []
    for position in range(numerator + denominator):
        coefficients, _ = minimax(fit, numerator, denominator, kept)
        kept.append(mpf(float(np.dtype(dtype).type(mp.nstr(coefficients[position], 30)))))
    _, error = minimax(fit, numerator, denominator, kept)
    plain = [float(c) for c in kept]
    return plain[:numerator], [1.0, *plain[numerator:]] if denominator else [], float(error)


def split(value: mpf, parts: int, dtype: str, bits: int) -> list[float]:
    """Write a constant as a sum of `parts` numbers; all but the last have at most `bits` bits."""
    result = []
    for part in range(parts):
        if part == parts - 1:
            piece = mpf(float(np.dtype(dtype).type(mp.nstr(value, 40))))
        else:
            unit = mpf(2) ** (bits - 1 - int(mp.floor(mp.log(abs(value), 2))))
            piece = mp.nint(value * unit) / unit
        result.append(float(piece))
        value -= piece
    return result


def _hyperbolic_tangent_ratio(s: mpf) -> mpf:
    """tanh(r / 2) / r as a function of s = r^2."""
    r = mp.sqrt(s)
    return mp.tanh(r / 2) / r if r > mpf("1e-18") else mpf(1) / 2


def _hyperbolic_tangent_near(s: mpf) -> mpf:
    """x^3 / (x - tanh x) as a function of s = x^2."""
    x = mp.sqrt(s)
    return x * s / (x - mp.tanh(x)) if s > mpf("1e-12") else 3 + 6 * s / 5


def _hyperbolic_tangent_near_weight(s: mpf) -> mpf:
    """How much an error of the denominator moves x - x^3 / d(x^2), relative to tanh x."""
    x = mp.sqrt(s)
    return s / _hyperbolic_tangent_near(s) ** 2 * (x / mp.tanh(x) if x else mpf(1))


def _exponential_rest(r: mpf) -> mpf:
    """(exp(r) - 1 - r) / r^2."""
    return (mp.expm1(r) - r) / r**2 if abs(r) > mpf("1e-12") else mpf(1) / 2 + r / 6


def _logarithm_tail(s: mpf) -> mpf:
    """(log((1 + q) / (1 - q)) - 2 q) / q^3 as a function of s = q^2."""
    if s < mpf("1e-12"):
        return mpf(2) / 3 + 2 * s / 5 + 2 * s**2 / 7
    q = mp.sqrt(s)
    return (2 * mp.atanh(q) - 2 * q) / q**3


def _sine_tail(s: mpf) -> mpf:
    """(sin r - r) / r^3 as a function of s = r^2."""
    r = mp.sqrt(s)
    return (mp.sin(r) - r) / r**3 if s > mpf("1e-12") else -mpf(1) / 6 + s / 120


def _cosine_tail(s: mpf) -> mpf:
    """(cos r - 1 + r^2 / 2) / r^4 as a function of s = r^2."""
    if s < mpf("1e-8"):
        return mpf(1) / 24 - s / 720 + s**2 / 40320
    return (mp.cos(mp.sqrt(s)) - 1 + s / 2) / s**2


def _error_function_excess(s: mpf) -> mpf:
    """erf(x) / x - 1 as a function of s = x^2."""
    x = mp.sqrt(s)
    return (mp.erf(x) / x if x > mpf("1e-15") else 2 / mp.sqrt(mp.pi)) - 1


def _complement_exponent(x: mpf) -> mpf:
    """log(1 - erf(x)) / x."""
    return mp.log(mp.erfc(x)) / x


def _normal_tail_ratio(t: mpf) -> mpf:
    """Phi(-t) exp(t^2 / 2): the tail of the normal distribution without its exponential."""
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2)


#: Where erf changes from an odd polynomial to one minus an exponential.
ERF_SPLIT = 0.9
#: Where the hyperbolic tangent changes from x - x^3 / d(x^2) to one minus a quotient.
TANH_SPLIT = 0.625
#: Square of an eighth of a turn and of what the rounding of the number of turns adds to it.
SINE_RANGE = (0.0, 0.83**2)
HALF_LOG_2 = float(mp.log(2) / 2) * (1 + 2e-5)
LOGARITHM_RANGE = float(((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2) * 1.0001

FITS = (
    # 2 exp(r): the factor 2 lets the exponential reach the largest number without an extra scaling.
    Fit(
        "EXP",
        lambda r: 2 * mp.exp(r),
        (-HALF_LOG_2, HALF_LOG_2),
        lambda r: mp.exp(-r) / 2,
        {"float32": 7, "float64": 12},
    ),
    Fit(
        "EXPM1",
        _exponential_rest,
        (-HALF_LOG_2, HALF_LOG_2),
        lambda r: r / mp.expm1(r) * r if r else mpf(0),
        {"float32": 6, "float64": 11},
    ),
    Fit(
        "TANH",
        _hyperbolic_tangent_ratio,
        (0.0, HALF_LOG_2**2),
        lambda s: 1 / _hyperbolic_tangent_ratio(s),
        {"float32": 2, "float64": 3},
        {"float32": 1, "float64": 2},
    ),
    Fit(
        "TANH_NEAR",
        _hyperbolic_tangent_near,
        (0.0, TANH_SPLIT**2),
        _hyperbolic_tangent_near_weight,
        {"float32": 3, "float64": 7},
    ),
    Fit(
        "LOG",
        _logarithm_tail,
        (0.0, LOGARITHM_RANGE),
        lambda s: s + mpf("1e-3"),
        {"float32": 3, "float64": 7},
    ),
    Fit(
        "SOFTPLUS",
        _logarithm_tail,
        (0.0, 1 / 9),
        lambda s: s + mpf("1e-3"),
        {"float32": 4, "float64": 10},
    ),
    Fit(
        "ERF",
        _error_function_excess,
        (0.0, ERF_SPLIT**2),
        lambda s: 1 / (1 + _error_function_excess(s)),
        {"float32": 7, "float64": 12},
    ),
    # A relative error of 1 - erf(x) = exp(x p(x)) by d is an absolute one by d (1 - erf(x)).
    Fit(
        "ERF_TAIL",
        _complement_exponent,
        (ERF_SPLIT, 4.0),
        lambda x: x * mp.erfc(x),
        {"float32": 8},
    ),
    Fit(
        "ERF_TAIL",
        _complement_exponent,
        (ERF_SPLIT, 6.0),
        lambda x: x * mp.erfc(x),
        {"float64": 18},
    ),
    Fit("SIN", _sine_tail, SINE_RANGE, lambda s: s + mpf("1e-3"), {"float32": 3, "float64": 6}),
    Fit(
        "COS", _cosine_tail, SINE_RANGE, lambda s: s**2 + mpf("1e-3"), {"float32": 3, "float64": 6}
    ),
    Fit(
        "TAIL",
        _normal_tail_ratio,
        (0.0, 15.0),
        lambda t: 1 / _normal_tail_ratio(t),
        {"float32": 5},
        {"float32": 5},
    ),
    Fit(
        "TAIL",
        _normal_tail_ratio,
        (0.0, 39.0),
        lambda t: 1 / _normal_tail_ratio(t),
        {"float64": 10},
        {"float64": 10},
    ),
)


def split_constants(dtype: str) -> dict[str, float]:
    """Return the parts of log 2 and of pi / 2 by the names that they have in the runtime.

    The first part of log 2 times any exponent is exact; the first of pi / 2 is rounded down, and
    multiply-adds with it are fused.
    """
    single = dtype == "float32"
    logarithm = split(mp.log(2), 2, dtype, 15 if single else 42)
    digits = 24 if single else 53
    high = mp.floor(mp.ldexp(mp.pi / 2, digits - 1)) / mpf(2) ** (digits - 1)
    middle, low = split(mp.pi / 2 - high, 2, dtype, digits)
    names = ("LOG_2_HIGH", "LOG_2_LOW", "HALF_PI_HIGH", "HALF_PI_MIDDLE", "HALF_PI_LOW")
    return dict(zip(names, (*logarithm, float(high), middle, low), strict=True))


def print_tuple(name: str, values: Sequence[float], dtype: str) -> None:
    """Print one tuple of constants as Python source."""
    wrap = "np.float32({!r})".format if dtype == "float32" else "{!r}".format
    print(f"{name} = (")
    for value in values:
        print(f"    {wrap(value)},")
    print(")", flush=True)


def main() -> None:
    """Print the constants of both modules."""
    for dtype in ("float32", "float64"):
        print(f"# {dtype}")
        for fit in FITS:
            if dtype not in fit.numerator:
                continue
            numerator, denominator, error = rounded(fit, dtype)
            print(f"# {fit.name}: weighted error {error:.2e}")
            print_tuple(fit.name, numerator, dtype)
            if denominator:
                print_tuple(f"{fit.name}_DENOMINATOR", denominator, dtype)
        for name, value in split_constants(dtype).items():
            print(f"{name} = {value!r}")


if __name__ == "__main__":
    main()
