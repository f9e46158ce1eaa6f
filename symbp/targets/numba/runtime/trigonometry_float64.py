"""Trigonometric and hyperbolic functions of one float64, made of the functions beside this file.

How they are compiled, and what else holds for them, is said in `vector_maths_float64.py`; the
constants come from `symbp/targets/numba/fit_more_vector_maths.py`.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return"

from __future__ import annotations

import numpy as np

from symbp.targets.numba.runtime.vector_maths_float64 import (
    EXP,
    EXPM1,
    HALF,
    INFINITY,
    LOG2_E,
    LOG_2_HIGH,
    LOG_2_LOW,
    NOT_A_NUMBER,
    ONE,
    TINY,
    TWO,
    ZERO,
    cos,
    elementwise,
    log1p,
    polynomial,
    power_of_two,
    sin,
    with_sign_of,
)

# As HALF_POWER_SHIFT, for 2^(n-2) and 2^(n-3); where sinh and cosh are infinite.
QUARTER_POWER_SHIFT = 6755399441056765.0
EIGHTH_POWER_SHIFT = 6755399441056764.0
SINH_HIGHEST = 710.5
QUARTER, EIGHTH = 0.25, 0.125
# Where one beside a square does not count, and log 2.
LARGE = 1.152921504606847e18
LOG_TWO = 0.6931471805599453
# The tangents of an eighth and of three eighths of a half-turn.
TAN_EIGHTH, TAN_THREE_EIGHTHS = 0.41421356237309503, 2.414213562373095
# pi / 4, pi / 2, 3 pi / 4 and pi, each in two parts.
QUARTER_PI_HIGH, QUARTER_PI_LOW = 0.7853981633974483, 3.061616997868383e-17
RIGHT_ANGLE_HIGH, RIGHT_ANGLE_LOW = 1.5707963267948966, 6.123233995736766e-17
THREE_QUARTERS_HIGH, THREE_QUARTERS_LOW = 2.356194490192345, 9.184850993605148e-17
PI_HIGH, PI_LOW = 3.141592653589793, 1.2246467991473532e-16
# Beyond it the sum of two numbers may overflow.
HUGE = 1.0715086071862673e301

# fmt: off
# (atan r - r) / r^3 as a polynomial in r^2, for r up to tan(pi / 8).
ATAN = (
    -0.3333333333333323, 0.19999999999961304, -0.1428571428084804, 0.11111110811818936,
    -0.09090898485284368, 0.07692071958722019, -0.06663226696719343, 0.05848717014255008,
    -0.050427898378839056, 0.03814781233186321, -0.017993363981913497,
)
# fmt: on


@elementwise
def tan(x: float) -> float:
    """Return the tangent, the sine over the cosine."""
    return sin(x) / cos(x)


@elementwise
def sinh(x: float) -> float:
    """Return (e^x - e^-x) / 2, which is e + e / (1 + 2 e) with e = (e^|x| - 1) / 2."""
    t = abs(x)
    t = SINH_HIGHEST if t > SINH_HIGHEST else t
    shifted = t * LOG2_E + QUARTER_POWER_SHIFT
    n = shifted - QUARTER_POWER_SHIFT
    first = t - n * LOG_2_HIGH
    r = first - n * LOG_2_LOW
    lost = (first - r) - n * LOG_2_LOW
    # Half of it until the end, so that 2^n does not overflow before the result does.
    quarter = power_of_two(shifted)
    e = quarter * (r + (r * r * polynomial(r, EXPM1) + lost)) + (quarter - QUARTER)
    e = e + e
    rest = e / (ONE + (e + e))
    result = e + (rest if e < INFINITY else ZERO)
    return with_sign_of(t if t < TINY else result, x)


@elementwise
def cosh(x: float) -> float:
    """Return (e^x + e^-x) / 2, from a quarter of e^|x|, which does not overflow before it."""
    t = abs(x)
    t = SINH_HIGHEST if t > SINH_HIGHEST else t
    shifted = t * LOG2_E + EIGHTH_POWER_SHIFT
    n = shifted - EIGHTH_POWER_SHIFT
    r = t - n * LOG_2_HIGH - n * LOG_2_LOW
    e = polynomial(r, EXP) * power_of_two(shifted)
    return (e + e) + EIGHTH / e


@elementwise
def angle(y: float, x: float, sign: float) -> float:
    """Return the angle of the point (x, y), neither of them negative; of (-x, y) by the sign.

    It is atan(y / x), pi / 4 + atan((y - x) / (y + x)) or pi / 2 - atan(x / y): one division.
    """
    near = y <= TAN_EIGHTH * x
    far = y > TAN_THREE_EIGHTHS * x
    top = y if near else y - x
    bottom = x if near else y + x
    top = -x if far else top
    bottom = y if far else bottom
    bottom = ONE if bottom == ZERO else bottom
    r = top / bottom
    back = sign < ZERO
    high = PI_HIGH if back else ZERO
    low = PI_LOW if back else ZERO
    between_high = THREE_QUARTERS_HIGH if back else QUARTER_PI_HIGH
    between_low = THREE_QUARTERS_LOW if back else QUARTER_PI_LOW
    high = high if near else between_high
    low = low if near else between_low
    high = RIGHT_ANGLE_HIGH if far else high
    low = RIGHT_ANGLE_LOW if far else low
    r = -r if back else r
    s = r * r
    return high + (r + (r * s * polynomial(s, ATAN) + low))


@elementwise
def atan(x: float) -> float:
    """Return the angle between -pi / 2 and pi / 2 whose tangent is x."""
    return with_sign_of(angle(abs(x), ONE, ONE), x)


@elementwise
def atan2(y: float, x: float) -> float:
    """Return the angle of the point (x, y), from -pi to pi; of the origin 0, or pi for x = -0."""
    a = abs(y)
    b = abs(x)
    least = b if b < a else a
    most = a if b < a else b
    a = ONE if least == INFINITY else a
    b = ONE if least == INFINITY else b
    scale = QUARTER if most > HUGE else ONE
    result = with_sign_of(angle(a * scale, b * scale, with_sign_of(ONE, x)), y)
    result = result if x == x else x
    return result if y == y else y


@elementwise
def asin(x: float) -> float:
    """Return the angle from -pi / 2 to pi / 2 whose sine is x."""
    t = abs(x)
    return with_sign_of(angle(t, np.sqrt((ONE - t) * (ONE + t)), ONE), x)


@elementwise
def acos(x: float) -> float:
    """Return the angle from 0 to pi whose cosine is x."""
    t = abs(x)
    return angle(np.sqrt((ONE - t) * (ONE + t)), t, with_sign_of(ONE, x))


@elementwise
def asinh(x: float) -> float:
    """Return log(x + sqrt(x^2 + 1)), as log1p of t + t^2 / (1 + sqrt(1 + t^2)) with t = |x|."""
    t = abs(x)
    y = ONE if t > LARGE else t
    square = y * y
    result = log1p(t + square / (ONE + np.sqrt(ONE + square)))
    result = result + (LOG_TWO if t > LARGE else ZERO)
    return with_sign_of(result, x)


@elementwise
def acosh(x: float) -> float:
    """Return log(x + sqrt(x^2 - 1)), as log1p of t + sqrt(t (t + 2)) with t = x - 1."""
    t = x - ONE
    y = ZERO if t > LARGE else t
    result = log1p(t + np.sqrt(y * (y + TWO)))
    result = result + (LOG_TWO if t > LARGE else ZERO)
    return result if x >= ONE else NOT_A_NUMBER


@elementwise
def atanh(x: float) -> float:
    """Return log((1 + x) / (1 - x)) / 2, as half of log1p of 2 t / (1 - t) with t = |x|."""
    t = abs(x)
    return with_sign_of(HALF * log1p((t + t) / (ONE - t)), x)
