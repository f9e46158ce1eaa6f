"""Trigonometric and hyperbolic functions of one float32, made of the functions beside this file.

How they are compiled, and what else holds for them, is said in `vector_maths_float32.py`; the
constants come from `symbp/targets/numba/fit_more_vector_maths.py`.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return"

from __future__ import annotations

import numpy as np

from symbp.targets.numba.runtime.vector_maths_float32 import (
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
QUARTER_POWER_SHIFT = np.float32(1.2583037e07)
EIGHTH_POWER_SHIFT = np.float32(1.2583036e07)
SINH_HIGHEST = np.float32(89.5)
QUARTER, EIGHTH = np.float32(0.25), np.float32(0.125)
# Where one beside a square does not count, and log 2.
LARGE = np.float32(1.0737418e09)
LOG_TWO = np.float32(0.6931472)
# The tangents of an eighth and of three eighths of a half-turn.
TAN_EIGHTH, TAN_THREE_EIGHTHS = np.float32(0.41421357), np.float32(2.4142137)
# pi / 4, pi / 2, 3 pi / 4 and pi, each in two parts.
QUARTER_PI_HIGH, QUARTER_PI_LOW = np.float32(0.7853982), np.float32(-2.1855694e-08)
RIGHT_ANGLE_HIGH, RIGHT_ANGLE_LOW = np.float32(1.5707964), np.float32(-4.371139e-08)
THREE_QUARTERS_HIGH, THREE_QUARTERS_LOW = np.float32(2.3561945), np.float32(-5.9624403e-09)
PI_HIGH, PI_LOW = np.float32(3.1415927), np.float32(-8.742278e-08)
# Beyond it the sum of two numbers may overflow.
HUGE = np.float32(1.329228e36)

# fmt: off
# (atan r - r) / r^3 as a polynomial in r^2, for r up to tan(pi / 8).
ATAN = tuple(np.float32(c) for c in (-0.33332968, 0.19978298, -0.13883184, 0.08069564))
# fmt: on


@elementwise
def tan(x: np.float32) -> np.float32:
    """Return the tangent, the sine over the cosine."""
    return sin(x) / cos(x)


@elementwise
def sinh(x: np.float32) -> np.float32:
    """Return (e^x - e^-x) / 2, which is e + e / (1 + 2 e) with e = (e^|x| - 1) / 2."""
    t = abs(x)
    t = SINH_HIGHEST if t > SINH_HIGHEST else t
    shifted = t * LOG2_E + QUARTER_POWER_SHIFT
    n = shifted - QUARTER_POWER_SHIFT
    r = t - n * LOG_2_HIGH - n * LOG_2_LOW
    # Half of it until the end, so that 2^n does not overflow before the result does.
    quarter = power_of_two(shifted)
    e = quarter * (r + r * r * polynomial(r, EXPM1)) + (quarter - QUARTER)
    e = e + e
    rest = e / (ONE + (e + e))
    result = e + (rest if e < INFINITY else ZERO)
    return with_sign_of(t if t < TINY else result, x)


@elementwise
def cosh(x: np.float32) -> np.float32:
    """Return (e^x + e^-x) / 2, from a quarter of e^|x|, which does not overflow before it."""
    t = abs(x)
    t = SINH_HIGHEST if t > SINH_HIGHEST else t
    shifted = t * LOG2_E + EIGHTH_POWER_SHIFT
    n = shifted - EIGHTH_POWER_SHIFT
    r = t - n * LOG_2_HIGH - n * LOG_2_LOW
    e = polynomial(r, EXP) * power_of_two(shifted)
    return (e + e) + EIGHTH / e


@elementwise
def angle(y: np.float32, x: np.float32, sign: np.float32) -> np.float32:
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
def atan(x: np.float32) -> np.float32:
    """Return the angle between -pi / 2 and pi / 2 whose tangent is x."""
    return with_sign_of(angle(abs(x), ONE, ONE), x)


@elementwise
def atan2(y: np.float32, x: np.float32) -> np.float32:
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
def asin(x: np.float32) -> np.float32:
    """Return the angle from -pi / 2 to pi / 2 whose sine is x."""
    t = abs(x)
    return with_sign_of(angle(t, np.sqrt((ONE - t) * (ONE + t)), ONE), x)


@elementwise
def acos(x: np.float32) -> np.float32:
    """Return the angle from 0 to pi whose cosine is x."""
    t = abs(x)
    return angle(np.sqrt((ONE - t) * (ONE + t)), t, with_sign_of(ONE, x))


@elementwise
def asinh(x: np.float32) -> np.float32:
    """Return log(x + sqrt(x^2 + 1)), as log1p of t + t^2 / (1 + sqrt(1 + t^2)) with t = |x|."""
    t = abs(x)
    y = ONE if t > LARGE else t
    square = y * y
    result = log1p(t + square / (ONE + np.sqrt(ONE + square)))
    result = result + (LOG_TWO if t > LARGE else ZERO)
    return with_sign_of(result, x)


@elementwise
def acosh(x: np.float32) -> np.float32:
    """Return log(x + sqrt(x^2 - 1)), as log1p of t + sqrt(t (t + 2)) with t = x - 1."""
    t = x - ONE
    y = ZERO if t > LARGE else t
    result = log1p(t + np.sqrt(y * (y + TWO)))
    result = result + (LOG_TWO if t > LARGE else ZERO)
    return result if x >= ONE else NOT_A_NUMBER


@elementwise
def atanh(x: np.float32) -> np.float32:
    """Return log((1 + x) / (1 - x)) / 2, as half of log1p of 2 t / (1 - t) with t = |x|."""
    t = abs(x)
    return with_sign_of(HALF * log1p((t + t) / (ONE - t)), x)
