"""Special functions of one float64: of the normal distribution, and the gamma function's.

How they are compiled, and what else holds for them, is said in `vector_maths_float64.py`; the
constants come from `symbp/targets/numba/fit_more_vector_maths.py`. Of the gamma function and its
derivatives only the positive half-axis is here: 0 is a pole, and below it they are NaN.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return"

from __future__ import annotations

from symbp.targets.numba.runtime.vector_maths_float64 import (
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
ERFC_HIGHEST = 27.3
ROOT_TWO, ROOT_TWO_PI = 1.4142135623730951, 2.5066282746310007
# From here on phi(x) / Phi(x) is -x.
MILLS_LINEAR = 1000000000.0
# Where the gamma functions are those of x + 1, and where they are series in 1 / x.
LOWEST, HIGHEST = 0.7, 4.5
# One less than the root of digamma, and what log Gamma(x) has beside (x - 1/2) (log x - 1).
ROOT_HIGH, ROOT_LOW = 0.46163214496836236, -1.5522348162858677e-17
STIRLING = 0.4189385332046727

# fmt: off
# The normal tail beyond t, times t sqrt(2 pi) exp(t^2 / 2), as a series in 1 / t^2.
MILLS = (1.0, -1.0, 3.0, -15.0, 105.0, -945.0)
# log Gamma(x) / ((x - 1) (x - 2)), a rational function of x - 1, up to HIGHEST.
GAMMALN = (
    0.5772156649015329, 2.0884751104950374, 3.057227383446712, 2.3271400964493516,
    0.9861998529422188, 0.231479125207156, 0.028238887153229596, 0.0015480732316112181,
    2.7231317347744116e-05, 3.134630622928066e-08,
)
GAMMALN_DENOMINATOR = (
    1.0, 4.043075441162408, 6.745074916204925, 6.00831412044534, 3.0918053755722155,
    0.9301751800138799, 0.15824615521347227, 0.013998570599892715, 0.0005432675676062427,
    6.204742612600672e-06,
)
# Times x, what Stirling's formula lacks above it: a function of 1 / x^2.
GAMMALN_FAR = (
    0.08333333333333247, 0.35487717732603546, 0.2307320958134303, -0.005250991767165995,
    0.0005894972515970242,
)
GAMMALN_FAR_DENOMINATOR = (1.0, 4.291859461237254, 2.9023233243000703)
# Digamma over the distance from its root, and x^2 (log x - 1 / (2 x) - digamma).
DIGAMMA = (
    1.2503801375034054, 2.388516414442578, 1.7753548607031324, 0.6594383838062636,
    0.12962969348412726, 0.013053570737790994, 0.0005924498663502415, 8.705714819630066e-06,
    7.55118525166686e-09,
)
DIGAMMA_DENOMINATOR = (
    1.0, 2.593779025888863, 2.5910298824623097, 1.3090248811448806, 0.3629088309885958,
    0.05534915481945382, 0.00436514445020569, 0.0001523906764250871, 1.5944644468972249e-06,
)
DIGAMMA_FAR = (0.08333333333331139, 0.47205957964709544, 0.508739571071204, 0.06211617609393384)
DIGAMMA_FAR_DENOMINATOR = (1.0, 5.764714955615884, 6.6337273296110135, 1.1842539214348076)
# Trigamma, and x^3 (trigamma - 1 / x - 1 / (2 x^2)).
TRIGAMMA = (
    1.6449340668482264, 4.540778051573804, 5.3453440774237, 3.4218974193677316,
    1.2641749853261768, 0.2613856697453907, 0.02593418615436828, 0.0006828156026300247,
    6.269417817587564e-12,
)
TRIGAMMA_DENOMINATOR = (
    1.0, 4.221987979858514, 7.446203599060078, 7.150719597225281, 4.074687318758223,
    1.3970002689593544, 0.2744096995966986, 0.026275590627788246, 0.0006828158119154486,
)
TRIGAMMA_FAR = (
    0.1666666666666661, 2.1816397387446154, 7.366411910625102, 6.500592630907524,
    0.7270171729630465,
)
TRIGAMMA_FAR_DENOMINATOR = (
    1.0, 13.289838432464501, 46.71358200842434, 46.64772367186955, 9.221716929651452,
)
# fmt: on


@elementwise
def erfc(x: float) -> float:
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
def normal_tail_ratio(t: float) -> float:
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
def log_ndtr(x: float) -> float:
    """Return log Phi(x): of the tail's ratio and exponent below 0, log(1 - Phi(-x)) above."""
    t = abs(x)
    ratio = normal_tail_ratio(t)
    y = TAIL_HIGHEST if t > TAIL_HIGHEST else t
    below = log(ratio) - HALF * t * t
    above = log1p(-(lifted_gaussian(y) * ratio * LIFT))
    return above if x > ZERO else below


@elementwise
def inverse_mills_ratio(x: float) -> float:
    """Return phi(x) / Phi(x), the derivative of log Phi(x)."""
    t = abs(x)
    ratio = normal_tail_ratio(t)
    y = TAIL_HIGHEST if t > TAIL_HIGHEST else t
    gaussian = lifted_gaussian(y)
    below = t if t > MILLS_LINEAR else NORMAL_DENSITY_AT_ZERO / ratio
    above = NORMAL_DENSITY_AT_ZERO * gaussian / (ONE - gaussian * ratio * LIFT) * LIFT
    return above if x > ZERO else below


@elementwise
def gammaln(x: float) -> float:
    """Return log Gamma(x): (x - 1) (x - 2) times a quotient, or Stirling's formula."""
    shifted = x < LOWEST
    logarithm = log(x)
    v = x if shifted else x - ONE
    near = v * (v - ONE) * (polynomial(v, GAMMALN) / polynomial(v, GAMMALN_DENOMINATOR))
    near = near - logarithm if shifted else near
    w = ONE / x
    s = w * w
    rest = polynomial(s, GAMMALN_FAR) / polynomial(s, GAMMALN_FAR_DENOMINATOR)
    far = (x - HALF) * (logarithm - ONE) + (STIRLING + w * rest)
    return far if x > HIGHEST else near


@elementwise
def digamma(x: float) -> float:
    """Return the derivative of log Gamma(x): its root times a quotient, or a series in 1 / x."""
    v = x if x < LOWEST else x - ONE
    away = (v - ROOT_HIGH) - ROOT_LOW
    w = ONE / abs(x)
    s = w * w
    near = away * (polynomial(v, DIGAMMA) / polynomial(v, DIGAMMA_DENOMINATOR))
    near = near - w if x < LOWEST else near
    far = log(x) - (
        HALF * w + s * (polynomial(s, DIGAMMA_FAR) / polynomial(s, DIGAMMA_FAR_DENOMINATOR))
    )
    result = far if x > HIGHEST else near
    return result if x >= ZERO else NOT_A_NUMBER


@elementwise
def trigamma(x: float) -> float:
    """Return the derivative of digamma: a quotient, or a series in 1 / x."""
    v = x if x < LOWEST else x - ONE
    w = ONE / x
    s = w * w
    near = polynomial(v, TRIGAMMA) / polynomial(v, TRIGAMMA_DENOMINATOR)
    near = near + s if x < LOWEST else near
    far = w + s * (
        HALF + w * (polynomial(s, TRIGAMMA_FAR) / polynomial(s, TRIGAMMA_FAR_DENOMINATOR))
    )
    result = far if x > HIGHEST else near
    return result if x >= ZERO else NOT_A_NUMBER
