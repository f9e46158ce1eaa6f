"""Fit the constants of `runtime/more_maths_float32.py` and `runtime/more_maths_float64.py`.

As `fit_vector_maths` does those of the first functions, for the inverse tangent and the logarithm
of the gamma function with its derivatives: `python -m symbp.targets.numba.fit_more_vector_maths`.
"""

from __future__ import annotations

from mpmath import mp, mpf

from symbp.targets.numba.fit_vector_maths import Fit, print_tuple, rounded

#: Where the gamma functions change from a quotient of polynomials to a series in 1/x: below the
#: first they are those of x + 1.
LOWEST, HIGHEST = 0.7, 4.5
#: The tangent of an eighth of a half-turn, squared, and what roundings add to it.
EIGHTH = float(mp.tan(mp.pi / 8) ** 2) * 1.0001
#: Where digamma is 0.
ROOT = mp.findroot(lambda x: mp.psi(0, x), 1.46)
#: What log Gamma(x) has beside (x - 1/2) (log x - 1).
STIRLING = mp.log(2 * mp.pi) / 2 - mpf(1) / 2


def _arctangent_tail(s: mpf) -> mpf:
    """(atan r - r) / r^3 as a function of s = r^2."""
    r = mp.sqrt(s)
    return (mp.atan(r) - r) / r**3 if s > mpf("1e-12") else -mpf(1) / 3 + s / 5


def _log_gamma_near(v: mpf) -> mpf:
    """Log Gamma(x) / ((x - 1) (x - 2)) as a function of v = x - 1."""
    if abs(v) < mpf("1e-20"):
        return +mp.euler
    return mp.psi(0, 2) if abs(v - 1) < mpf("1e-20") else mp.loggamma(v + 1) / (v * (v - 1))


def _log_gamma_far(w: mpf) -> mpf:
    """X times what Stirling's formula lacks, as a function of w = 1 / x^2."""
    if w < mpf("1e-10"):
        return mpf(1) / 12 - w / 360
    x = 1 / mp.sqrt(w)
    return x * (mp.loggamma(x) - (x - mpf(1) / 2) * (mp.log(x) - 1) - STIRLING)


def _digamma_near(v: mpf) -> mpf:
    """Digamma over the distance from its root, as a function of v = x - 1."""
    away = v + 1 - ROOT
    return mp.psi(0, v + 1) / away if abs(away) > mpf("1e-20") else mp.psi(1, ROOT)


def _digamma_far(w: mpf) -> mpf:
    """X^2 times log x - 1 / (2 x) - digamma, as a function of w = 1 / x^2."""
    if w < mpf("1e-10"):
        return mpf(1) / 12 - w / 120
    x = 1 / mp.sqrt(w)
    return x * x * (mp.log(x) - 1 / (2 * x) - mp.psi(0, x))


def _trigamma_near(v: mpf) -> mpf:
    """Trigamma as a function of v = x - 1."""
    return mp.psi(1, v + 1)


def _trigamma_far(w: mpf) -> mpf:
    """X^3 times trigamma - 1 / x - 1 / (2 x^2), as a function of w = 1 / x^2."""
    if w < mpf("1e-10"):
        return mpf(1) / 6 - w / 30
    x = 1 / mp.sqrt(w)
    return x**3 * (mp.psi(1, x) - 1 / x - 1 / (2 * x * x))


NEAR = (LOWEST - 1, HIGHEST - 1)
FAR = (0.0, 1 / HIGHEST**2)
FITS = (
    Fit(
        "ATAN",
        _arctangent_tail,
        (0.0, EIGHTH),
        lambda s: s + mpf("1e-3"),
        {"float32": 4, "float64": 11},
    ),
    Fit(
        "GAMMALN",
        _log_gamma_near,
        NEAR,
        lambda v: 1 / _log_gamma_near(v),
        {"float32": 5, "float64": 10},
        {"float32": 5, "float64": 9},
    ),
    Fit(
        "GAMMALN_FAR",
        _log_gamma_far,
        FAR,
        lambda w: mp.sqrt(w),
        {"float32": 3, "float64": 5},
        {"float64": 2},
    ),
    Fit(
        "DIGAMMA",
        _digamma_near,
        NEAR,
        lambda v: 1 / _digamma_near(v),
        {"float32": 5, "float64": 9},
        {"float32": 4, "float64": 8},
    ),
    Fit(
        "DIGAMMA_FAR",
        _digamma_far,
        FAR,
        lambda w: w,
        {"float32": 3, "float64": 4},
        {"float64": 3},
    ),
    Fit(
        "TRIGAMMA",
        _trigamma_near,
        NEAR,
        lambda v: 1 / _trigamma_near(v),
        {"float32": 5, "float64": 9},
        {"float32": 4, "float64": 8},
    ),
    Fit(
        "TRIGAMMA_FAR",
        _trigamma_far,
        FAR,
        lambda w: w,
        {"float32": 3, "float64": 5},
        {"float64": 4},
    ),
)


def main() -> None:
    """Print the constants of both modules."""
    for dtype in ("float32", "float64"):
        print(f"# {dtype}")
        for fit in FITS:
            numerator, denominator, error = rounded(fit, dtype)
            print(f"# {fit.name}: weighted error {error:.2e}")
            print_tuple(fit.name, numerator, dtype)
            if denominator:
                print_tuple(f"{fit.name}_DENOMINATOR", denominator, dtype)


if __name__ == "__main__":
    main()
