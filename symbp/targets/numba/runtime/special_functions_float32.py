"""Special functions of one float32: of the normal distribution, and the gamma function's.

How they are compiled, and what else holds for them, is said in `vector_maths_float32.py`; the
constants come from `symbp/targets/numba/fit_more_vector_maths.py`. Of the gamma function and its
derivatives only the positive half-axis is here: 0 is a pole, and below it they are NaN.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return"

from __future__ import annotations

import numpy as np

from symbp.targets.numba.runtime.vector_maths_float32 import (
    HALF,
    LIFT,
    NORMAL_DENSITY_AT_ZERO,
    NOT_A_NUMBER,
    ONE,
    TAIL,
    TAIL_DENOMINATOR,
    TAIL_HIGHEST,
    TWO,
    ZERO,
    elementwise,
    fused_multiply_add,
    lifted_exp,
    lifted_gaussian,
    log,
    log1p,
    polynomial,
)

# Where erfc is 0.
ERFC_HIGHEST = np.float32(10.19)
ROOT_TWO, ROOT_TWO_PI = np.float32(1.4142135), np.float32(2.5066283)
# From here on phi(x) / Phi(x) is -x.
MILLS_LINEAR = np.float32(100000.0)
# Where the gamma functions are those of x + 1, and where they are series in 1 / x.
LOWEST, HIGHEST = np.float32(0.7), np.float32(4.5)
# One less than the root of digamma, and what log Gamma(x) has beside (x - 1/2) (log x - 1).
ROOT_HIGH, ROOT_LOW = np.float32(0.46163213), np.float32(1.243815e-08)
STIRLING = np.float32(0.41893855)

# fmt: off
# The normal tail beyond t, times t sqrt(2 pi) exp(t^2 / 2), as a series in 1 / t^2.
MILLS = tuple(np.float32(c) for c in (1.0, -1.0, 3.0, -15.0))
# log Gamma(x) / ((x - 1) (x - 2)), a rational function of x - 1, up to HIGHEST.
GAMMALN = tuple(np.float32(c) for c in (
    0.5772157, 0.9474412, 0.47017244, 0.07341837, 0.0023589283,
))
GAMMALN_DENOMINATOR = tuple(np.float32(c) for c in (
    1.0, 2.0662858, 1.4232079, 0.37496722, 0.032550618, 0.0005365056,
))
# Times x, what Stirling's formula lacks above it: a function of 1 / x^2.
GAMMALN_FAR = tuple(np.float32(c) for c in (0.08333333, -0.0027767671, 0.00074813655))
# Digamma over the distance from its root, and x^2 (log x - 1 / (2 x) - digamma).
DIGAMMA = tuple(np.float32(c) for c in (
    1.2503802, 1.3932052, 0.4236109, 0.033127014, 0.00015201615,
))
DIGAMMA_DENOMINATOR = tuple(np.float32(c) for c in (
    1.0, 1.797772, 0.96585596, 0.17627586, 0.008199401,
))
DIGAMMA_FAR = tuple(np.float32(c) for c in (0.083333254, -0.008323478, 0.0036132566))
# Trigamma, and x^3 (trigamma - 1 / x - 1 / (2 x^2)).
TRIGAMMA = tuple(np.float32(c) for c in (1.644934, 2.9817262, 1.926587, 0.43622127, 3.025869e-06))
TRIGAMMA_DENOMINATOR = tuple(np.float32(c) for c in (
    1.0, 3.274198, 3.9826288, 2.1444044, 0.4362665,
))
TRIGAMMA_FAR = tuple(np.float32(c) for c in (0.16666608, -0.033258557, 0.021062884))
# fmt: on


@elementwise
def erfc(x: np.float32) -> np.float32:
    """Return 1 - erf(x): exp(-x^2), with what rounding x^2 loses, times twice the normal tail's."""
    t = abs(x)
    t = ERFC_HIGHEST if t > ERFC_HIGHEST else t
    square = t * t
    lifted = lifted_exp(-square, -fused_multiply_add(t, t, -square))
    u = t * ROOT_TWO
    tail = lifted * (polynomial(u, TAIL) / polynomial(u, TAIL_DENOMINATOR))
    tail = (tail + tail) * LIFT
    return TWO - tail if x < ZERO else tail


@elementwise
def normal_tail_ratio(t: np.float32) -> np.float32:
    """Return the normal tail beyond t >= 0, Phi(-t), divided by exp(-t^2 / 2)."""
    far = t > TAIL_HIGHEST
    y = TAIL_HIGHEST if far else t
    top = polynomial(y, TAIL)
    bottom = polynomial(y, TAIL_DENOMINATOR)
    inverse = ONE / t
    top = polynomial(inverse * inverse, MILLS) if far else top
    bottom = t * ROOT_TWO_PI if far else bottom
    return top / bottom


@elementwise
def log_ndtr(x: np.float32) -> np.float32:
    """Return log Phi(x): of the tail's ratio and exponent below 0, log(1 - Phi(-x)) above."""
    t = abs(x)
    ratio = normal_tail_ratio(t)
    y = TAIL_HIGHEST if t > TAIL_HIGHEST else t
    below = log(ratio) - HALF * t * t
    above = log1p(-(lifted_gaussian(y) * ratio * LIFT))
    return above if x > ZERO else below


@elementwise
def inverse_mills_ratio(x: np.float32) -> np.float32:
    """Return phi(x) / Phi(x), the derivative of log Phi(x)."""
    t = abs(x)
    ratio = normal_tail_ratio(t)
    y = TAIL_HIGHEST if t > TAIL_HIGHEST else t
    gaussian = lifted_gaussian(y)
    below = t if t > MILLS_LINEAR else NORMAL_DENSITY_AT_ZERO / ratio
    above = NORMAL_DENSITY_AT_ZERO * gaussian / (ONE - gaussian * ratio * LIFT) * LIFT
    return above if x > ZERO else below


@elementwise
def gammaln(x: np.float32) -> np.float32:
    """Return log Gamma(x): (x - 1) (x - 2) times a quotient, or Stirling's formula."""
    shifted = x < LOWEST
    logarithm = log(x)
    v = x if shifted else x - ONE
    near = v * (v - ONE) * (polynomial(v, GAMMALN) / polynomial(v, GAMMALN_DENOMINATOR))
    near = near - logarithm if shifted else near
    w = ONE / x
    s = w * w
    rest = polynomial(s, GAMMALN_FAR)
    far = (x - HALF) * (logarithm - ONE) + (STIRLING + w * rest)
    return far if x > HIGHEST else near


@elementwise
def digamma(x: np.float32) -> np.float32:
    """Return the derivative of log Gamma(x): its root times a quotient, or a series in 1 / x."""
    v = x if x < LOWEST else x - ONE
    away = (v - ROOT_HIGH) - ROOT_LOW
    w = ONE / abs(x)
    s = w * w
    near = away * (polynomial(v, DIGAMMA) / polynomial(v, DIGAMMA_DENOMINATOR))
    near = near - w if x < LOWEST else near
    far = log(x) - (HALF * w + s * polynomial(s, DIGAMMA_FAR))
    result = far if x > HIGHEST else near
    return result if x >= ZERO else NOT_A_NUMBER


@elementwise
def trigamma(x: np.float32) -> np.float32:
    """Return the derivative of digamma: a quotient, or a series in 1 / x."""
    v = x if x < LOWEST else x - ONE
    w = ONE / x
    s = w * w
    near = polynomial(v, TRIGAMMA) / polynomial(v, TRIGAMMA_DENOMINATOR)
    near = near + s if x < LOWEST else near
    far = w + s * (HALF + w * polynomial(s, TRIGAMMA_FAR))
    result = far if x > HIGHEST else near
    return result if x >= ZERO else NOT_A_NUMBER
