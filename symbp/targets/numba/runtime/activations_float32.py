"""Activations and derivatives of one float32, made of the functions beside this file.

They are functions of their own where a formula of others would lose digits or be NaN at infinity.
How they are compiled, and what else holds for them, is said in `vector_maths_float32.py`.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return"

from __future__ import annotations

import numpy as np

from symbp.targets.numba.runtime.vector_maths_float32 import (
    GELU_TANH_CUBIC,
    GELU_TANH_LINEAR,
    LIFT,
    LOG2_E,
    LOG_2_HIGH,
    LOG_2_LOW,
    ONE,
    SIGMOID_DROP,
    SIGMOID_HIGHEST,
    SIGMOID_POWER_SHIFT,
    TANH,
    TANH_DENOMINATOR,
    ZERO,
    elementwise,
    from_bits,
    fused_multiply_add,
    lifted_exp,
    polynomial,
    power_of_two,
    to_bits,
)

# The factor that undoes SIGMOID_DROP.
SIGMOID_LIFT = np.float32(5.421011e-20)
# Where what decreases as e^-t, e^-2t, e^-t^2 and e^-u(t) is zero, with a factor t or t u'(t).
DECAY_HIGHEST, HALF_DECAY_HIGHEST = np.float32(115.0), np.float32(57.0)
ERF_PRIME_HIGHEST, GELU_TANH_HIGHEST = np.float32(10.5), np.float32(11.0)
FOUR, TWO_OVER_ROOT_PI = np.float32(4.0), np.float32(1.1283792)
GELU_TANH_SLOPE = np.float32(0.21406445)


@elementwise
def tanh_prime(x: np.float32) -> np.float32:
    """Return the derivative of `tanh`, 4 e / (1 + e)^2 with e = exp(-2 |x|)."""
    t = abs(x)
    t = HALF_DECAY_HIGHEST if t > HALF_DECAY_HIGHEST else t
    lifted = lifted_exp(-(t + t), ZERO)
    bottom = ONE + lifted * LIFT
    return (FOUR * lifted / (bottom * bottom)) * LIFT


@elementwise
def silu(x: np.float32) -> np.float32:
    """Return x / (1 + e^-x): as `sigmoid`, with x in the numerator, so that it rounds once."""
    y = SIGMOID_HIGHEST if x > SIGMOID_HIGHEST else x
    y = -DECAY_HIGHEST if y < -DECAY_HIGHEST else y
    shifted = SIGMOID_POWER_SHIFT - y * LOG2_E
    n = shifted - SIGMOID_POWER_SHIFT
    r = y + n * LOG_2_HIGH + n * LOG_2_LOW
    a = r * polynomial(r * r, TANH)
    b = polynomial(r * r, TANH_DENOMINATOR)
    top = from_bits(np.int32(to_bits(b + a) - SIGMOID_DROP))
    result = y * (b + a) / (top + power_of_two(shifted) * (b - a)) * SIGMOID_LIFT
    return x if x > SIGMOID_HIGHEST else result


@elementwise
def silu_prime(x: np.float32) -> np.float32:
    """Return the derivative of `silu`, which is e (1 + e - t) / (1 + e)^2 at -t, e = exp(-t)."""
    t = abs(x)
    t = DECAY_HIGHEST if t > DECAY_HIGHEST else t
    lifted = lifted_exp(-t, ZERO)
    e = lifted * LIFT
    bottom = ONE + e
    # What it is at x and at -x adds up to one.
    tail = (lifted * ((ONE - t) + e) / (bottom * bottom)) * LIFT
    return ONE - tail if x > ZERO else tail


@elementwise
def erf_prime(x: np.float32) -> np.float32:
    """Return the derivative of `erf`, 2 exp(-x^2) / sqrt(pi), with what rounding x^2 loses."""
    t = abs(x)
    t = ERF_PRIME_HIGHEST if t > ERF_PRIME_HIGHEST else t
    square = t * t
    lifted = lifted_exp(-square, -fused_multiply_add(t, t, -square))
    return (TWO_OVER_ROOT_PI * lifted) * LIFT


@elementwise
def gelu_tanh_prime(x: np.float32) -> np.float32:
    """Return the derivative of `gelu_tanh`, x sigmoid(u(x)); as that of `silu`, with t u'(t)."""
    t = abs(x)
    t = GELU_TANH_HIGHEST if t > GELU_TANH_HIGHEST else t
    square = t * t
    lifted = lifted_exp(-t * (GELU_TANH_LINEAR + GELU_TANH_CUBIC * square), ZERO)
    e = lifted * LIFT
    bottom = ONE + e
    slope = t * (GELU_TANH_LINEAR + GELU_TANH_SLOPE * square)
    tail = (lifted * ((ONE - slope) + e) / (bottom * bottom)) * LIFT
    return ONE - tail if x > ZERO else tail
