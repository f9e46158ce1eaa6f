"""Elementary functions of one float32 that LLVM vectorises inside a caller's loop.

Numba calls the scalar mathematical library, one element at a time; these are branch-free instead:
reduce the argument, evaluate a short polynomial, choose by selects. They are pasted, function by
function, into generated modules, so each refers to names of this file, `np` and Numba only. The
constants come from `symbp/targets/numba/fit_vector_maths.py`.

Results follow IEEE for NaN, infinities, subnormal numbers and signed zeros; `sin` and `cos` beyond
1e6 return NaN. Errors and speeds are measured in docs/vector_maths.md.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symbp.targets.numba.runtime.cache import always_njit

# The flags are given because Numba would inherit the caller's; more would undo the compensation of
# errors below. Forced inlining lets the caller's loop vectorise even at LLVM's first pass.
elementwise = always_njit(
    fastmath={"contract"}, error_model="numpy", forceinline=True, no_cfunc_wrapper=True
)

ZERO, HALF, ONE, TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
INFINITY, NOT_A_NUMBER = np.float32(np.inf), np.float32(np.nan)
SMALLEST_NORMAL, SIGN_BIT = np.float32(1.1754944e-38), np.int32(-(2**31))
LOG2_E = np.float32(1.442695)
LOG_2 = np.float32(0.6931472)
# log 2 in two parts; the first times any exponent is exact.
LOG_2_HIGH, LOG_2_LOW = np.float32(0.69314575), np.float32(1.4286068e-06)
# Adding 1.5 2^23 to a small number rounds it to an integer n in the lowest bits; with the bias of
# exponents as well they are the exponent field of 2^n, with one less of 2^(n-1): unlike 2^n this
# is a number up to the overflow of e^x, and the factor 2 is in EXP.
INTEGER_SHIFT, INTEGER_SHIFT_BITS = np.float32(12582912.0), 0x4B400000
HALF_POWER_SHIFT, LIFTED_POWER_SHIFT = np.float32(12583038.0), np.float32(12583102.0)
# The factor that takes a lifted result back, in one rounding.
LIFT = np.float32(5.421011e-20)
# Where e^x is infinite, where it is zero, and below which power it is lifted and brought down.
EXP_HIGHEST, EXP_LOWEST = np.float32(89.0), np.float32(-104.0)
EXP_LOW_EXPONENT, EXP_LIFT = np.float32(-100.0), 64 << 23
EXPM1_LOWEST = np.float32(-20.0)
# Below it expm1 x and x are the same number.
TINY = np.float32(1e-10)
SIGMOID_HIGHEST = np.float32(20.0)
SIGMOID_POWER_SHIFT = np.float32(12582975.0)
SIGMOID_DROP = 64 << 23
TANH_SPLIT, TANH_HIGHEST = np.float32(0.625), np.float32(10.0)
SQRT_HALF_BITS, EXPONENT_BIAS_AND_ONE = 0x3F3504F3, 128
SUBNORMAL_SCALE, SUBNORMAL_EXPONENT = np.float32(33554432.0), np.float32(-25.0)
ERF_SPLIT, ERF_HIGHEST = np.float32(0.9), np.float32(4.0)
TAIL_HIGHEST = np.float32(15.0)
NORMAL_DENSITY_AT_ZERO = np.float32(0.3989423)
GELU_TANH_LOWEST = np.float32(-15.0)
GELU_TANH_LINEAR, GELU_TANH_CUBIC = np.float32(1.5957692), np.float32(0.071354814)
TWO_OVER_PI = np.float32(0.63661975)
# pi / 2 in three parts, the first rounded down.
HALF_PI_HIGH = np.float32(1.5707963)
HALF_PI_MIDDLE, HALF_PI_LOW = np.float32(7.54979e-08), np.float32(-1.7151245e-15)
TRIGONOMETRIC_LIMIT = np.float32(1000000.0)

# fmt: off
# 2 exp(r) for |r| <= log(2) / 2.
EXP = tuple(np.float32(c) for c in (
    2.0, 2.0, 0.9999999, 0.33333042, 0.08333653, 0.016737374, 0.0027641496,
))
# (exp(r) - 1 - r) / r^2.
EXPM1 = tuple(np.float32(c) for c in (
    0.5, 0.16666666, 0.04166652, 0.008333555, 0.0013929985, 0.00019751093,
))
# tanh(r / 2) / r, a rational function of r^2.
TANH = tuple(np.float32(c) for c in (0.5, 0.00832339))
TANH_DENOMINATOR = tuple(np.float32(c) for c in (1.0, 0.09998005))
# x^3 / (x - tanh x) as a polynomial in x^2, for |x| <= 0.625.
TANH_NEAR = tuple(np.float32(c) for c in (3.0000026, 1.1999587, -0.0055291955))
# (log((1 + q) / (1 - q)) - 2 q) / q^3 as a polynomial in q^2.
LOG = tuple(np.float32(c) for c in (0.66666764, 0.39978746, 0.29844475))
# The same, up to q = 1 / 3.
SOFTPLUS = tuple(np.float32(c) for c in (0.66666424, 0.40021196, 0.28006032, 0.2799514))
# erf(x) / x - 1 as a polynomial in x^2, for |x| <= 0.9.
ERF = tuple(np.float32(c) for c in (
    0.12837917, -0.37612632, 0.112836815, -0.02685902, 0.005200712, -0.00081439916, 8.391347e-05,
))
# log(1 - erf(x)) / x for x >= 0.9.
ERF_TAIL = tuple(np.float32(c) for c in (
    -1.1285449, -0.6356563, -0.10520356, 0.022612927, -0.0028930174, 3.637982e-05, 4.8129226e-05,
    -5.1439583e-06,
))
# (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 as polynomials in r^2.
SIN = tuple(np.float32(c) for c in (-0.16666651, 0.008331911, -0.00019481318))
COS = tuple(np.float32(c) for c in (0.041666638, -0.0013886952, 2.4392402e-05))
# The normal tail beyond t divided by exp(-t^2 / 2), a rational function of t.
TAIL = tuple(np.float32(c) for c in (0.5, 0.43881088, 0.18359496, 0.040747926, 0.0041313237))
TAIL_DENOMINATOR = tuple(np.float32(c) for c in (
    1.0, 1.6755066, 1.2040467, 0.47041428, 0.10214611, 0.010355579,
))
# fmt: on


def reinterpret(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Generate the code of both functions below."""
    return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))


@intrinsic
def to_bits(typing_context: Any, x: Any) -> Any:
    """Reinterpret a float32 as an int32."""
    return types.int32(types.float32), reinterpret


@intrinsic
def from_bits(typing_context: Any, bits: Any) -> Any:
    """Reinterpret an int32 as a float32."""
    return types.float32(types.int32), reinterpret


@intrinsic
def fused_multiply_add(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c with a single rounding."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


@intrinsic
def maximum(typing_context: Any, a: Any, b: Any) -> Any:
    """Return the larger of two numbers, NaN if either is.

    A reduction by Python's `max` or by a comparison is not vectorised; by this it is.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(arguments[0].type, [value.type for value in arguments])
        larger = cgutils.get_or_insert_function(builder.module, kind, "llvm.maximum.f32")
        return builder.call(larger, arguments)

    return types.float32(types.float32, types.float32), generate


@intrinsic
def polynomial(typing_context: Any, x: Any, coefficients: Any) -> Any:
    """Return c[0] + c[1] x + c[2] x^2 + ... by Horner's rule.

    An intrinsic, because typing and lowering the unrolled expression in Numba takes several times
    as long, and a loop over the tuple would have to be unrolled by LLVM.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        point, table = arguments
        result = builder.extract_value(table, coefficients.count - 1)
        for order in reversed(range(coefficients.count - 1)):
            product = builder.fmul(result, point, flags=("contract",))
            term = builder.extract_value(table, order)
            result = builder.fadd(product, term, flags=("contract",))
        return result

    return types.float32(types.float32, coefficients), generate


@elementwise
def power_of_two(shifted: np.float32) -> np.float32:
    """Return 2^n from a number in whose lowest bits the exponent field of 2^n stands."""
    return from_bits(np.int32(to_bits(shifted) << 23))


@elementwise
def with_sign_of(magnitude: np.float32, x: np.float32) -> np.float32:
    """Return a number without a sign with the sign of another."""
    return from_bits(np.int32(to_bits(magnitude) | (to_bits(x) & SIGN_BIT)))


@elementwise
def exp(x: np.float32) -> np.float32:
    """Return e^x: x = n log 2 + r, and 2 e^r is a polynomial."""
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    x = EXP_LOWEST if x < EXP_LOWEST else x
    shifted = x * LOG2_E + HALF_POWER_SHIFT
    n = shifted - HALF_POWER_SHIFT
    r = x - n * LOG_2_HIGH - n * LOG_2_LOW
    low = n < EXP_LOW_EXPONENT
    bits = np.int32(to_bits(shifted) << 23)
    bits = np.int32(bits + EXP_LIFT) if low else bits
    result = polynomial(r, EXP) * from_bits(bits)
    return result * LIFT if low else result


@elementwise
def lifted_exp(x: np.float32, rest: np.float32) -> np.float32:
    """Return 2^64 e^(x + rest) for -104.0 <= x <= 0 and a tiny rest: a normal number."""
    shifted = x * LOG2_E + LIFTED_POWER_SHIFT
    n = shifted - LIFTED_POWER_SHIFT
    r = x - n * LOG_2_HIGH - n * LOG_2_LOW + rest
    return polynomial(r, EXP) * power_of_two(shifted)


@elementwise
def expm1(x: np.float32) -> np.float32:
    """Return e^x - 1, with full relative accuracy near zero."""
    y = EXP_HIGHEST if x > EXP_HIGHEST else x
    y = EXPM1_LOWEST if y < EXPM1_LOWEST else y
    shifted = y * LOG2_E + HALF_POWER_SHIFT
    n = shifted - HALF_POWER_SHIFT
    r = y - n * LOG_2_HIGH - n * LOG_2_LOW
    # Half of it until the end, so that 2^n does not overflow before the result does.
    half = power_of_two(shifted)
    result = half * (r + r * r * polynomial(r, EXPM1)) + (half - HALF)
    return x if abs(x) < TINY else result + result


@elementwise
def sigmoid(x: np.float32) -> np.float32:
    """Return 1 / (1 + e^-x), where e^-x = 2^n (b - a) / (b + a) and a / b = tanh(r / 2)."""
    x = SIGMOID_HIGHEST if x > SIGMOID_HIGHEST else x
    x = EXP_LOWEST if x < EXP_LOWEST else x
    shifted = SIGMOID_POWER_SHIFT - x * LOG2_E
    n = shifted - SIGMOID_POWER_SHIFT
    r = x + n * LOG_2_HIGH + n * LOG_2_LOW
    a = r * polynomial(r * r, TANH)
    b = polynomial(r * r, TANH_DENOMINATOR)
    # Both times 2^-64, so that e^-x does not overflow where the result is subnormal; by
    # integers, because multiplications are what the loop waits for.
    top = from_bits(np.int32(to_bits(b + a) - SIGMOID_DROP))
    return top / (top + power_of_two(shifted) * (b - a))


@elementwise
def tanh(x: np.float32) -> np.float32:
    """Return the hyperbolic tangent: x - x^3 / d(x^2) below 0.625, 1 - 2 / (e^2x + 1) above."""
    t = abs(x)
    t = TANH_HIGHEST if t > TANH_HIGHEST else t
    near = t < TANH_SPLIT
    square = t * t
    y = t + t
    shifted = y * LOG2_E + HALF_POWER_SHIFT
    n = shifted - HALF_POWER_SHIFT
    # What log 2 lacks is multiplied by 2 e^2x / (e^2x + 1)^2.
    r = y - n * LOG_2
    bottom = ONE + polynomial(r, EXP) * power_of_two(shifted)
    top = t * square if near else TWO
    bottom = polynomial(square, TANH_NEAR) if near else bottom
    return with_sign_of((t if near else ONE) - top / bottom, x)


@elementwise
def log(x: np.float32) -> np.float32:
    """Return the natural logarithm: x = 2^k (1 + f), and log(1 + f) is a series in f / (2 + f)."""
    subnormal = x < SMALLEST_NORMAL
    scaled = x * SUBNORMAL_SCALE if subnormal else x
    offset = SUBNORMAL_EXPONENT if subnormal else ZERO
    bits = to_bits(scaled)
    exponent = np.int32(bits - SQRT_HALF_BITS) >> 23
    f = from_bits(np.int32(bits - (exponent << 23))) - ONE
    k = from_bits(np.int32(exponent + INTEGER_SHIFT_BITS)) - INTEGER_SHIFT + offset
    s = f / (TWO + f)
    half_square = HALF * f * f
    tail = s * (half_square + s * s * polynomial(s * s, LOG))
    result = k * LOG_2_HIGH - ((half_square - (tail + k * LOG_2_LOW)) - f)
    result = result if x < INFINITY else x
    result = result if x > ZERO else NOT_A_NUMBER
    return -INFINITY if x == ZERO else result


@elementwise
def log1p(x: np.float32) -> np.float32:
    """Return log(1 + x): as `log`, with what rounding 1 + x loses added to f."""
    u = ONE + x
    rest = u - ONE
    lost = (ONE - (u - rest)) + (x - rest)
    bits = to_bits(u)
    exponent = np.int32(bits - SQRT_HALF_BITS) >> 23
    # Twice 2^-k; zero for the largest k, where nothing is lost that counts.
    scale = from_bits(np.int32((EXPONENT_BIAS_AND_ONE - exponent) << 23))
    f = (from_bits(np.int32(bits - (exponent << 23))) - ONE) + lost * (HALF * scale)
    k = from_bits(np.int32(exponent + INTEGER_SHIFT_BITS)) - INTEGER_SHIFT
    s = f / (TWO + f)
    half_square = HALF * f * f
    tail = s * (half_square + s * s * polynomial(s * s, LOG))
    result = k * LOG_2_HIGH - ((half_square - (tail + k * LOG_2_LOW)) - f)
    result = result if x < INFINITY else x
    result = result if x > -ONE else NOT_A_NUMBER
    result = x if x == ZERO else result
    return -INFINITY if x == -ONE else result


@elementwise
def softplus(x: np.float32) -> np.float32:
    """Return log(1 + e^x) = max(x, 0) + log(1 + y) with y = e^-|x|."""
    magnitude = abs(x)
    magnitude = -EXP_LOWEST if magnitude > -EXP_LOWEST else magnitude
    lifted = lifted_exp(-magnitude, ZERO)
    y = lifted * LIFT
    # log(1 + y) = y - q (y - q^2 p(q^2)).
    q = y / (TWO + y)
    rest = (x if x > ZERO else ZERO) - q * (y - q * q * polynomial(q * q, SOFTPLUS))
    return lifted * LIFT + rest


@elementwise
def erf(x: np.float32) -> np.float32:
    """Return the error function: an odd polynomial below 0.9, one minus e^p(|x|) above."""
    magnitude = abs(x)
    inner = x + x * polynomial(x * x, ERF)
    t = ERF_HIGHEST if magnitude > ERF_HIGHEST else magnitude
    outer = ONE - lifted_exp(t * polynomial(t, ERF_TAIL), ZERO) * LIFT
    return inner if magnitude < ERF_SPLIT else with_sign_of(outer, x)


@elementwise
def lifted_gaussian(t: np.float32) -> np.float32:
    """Return 2^64 exp(-t^2 / 2), with what rounding t^2 loses."""
    square = t * t
    return lifted_exp(-HALF * square, -HALF * fused_multiply_add(t, t, -square))


@elementwise
def gelu(x: np.float32) -> np.float32:
    """Return x Phi(x) = max(x, 0) - |x| Phi(-|x|); Phi is the normal distribution function."""
    t = abs(x)
    t = TAIL_HIGHEST if t > TAIL_HIGHEST else t
    tail = lifted_gaussian(t) * (polynomial(t, TAIL) / polynomial(t, TAIL_DENOMINATOR))
    return (x if x >= ZERO else -ZERO) - t * tail * LIFT


@elementwise
def gelu_prime(x: np.float32) -> np.float32:
    """Return the derivative of `gelu`, Phi(x) + x phi(x)."""
    t = abs(x)
    t = TAIL_HIGHEST if t > TAIL_HIGHEST else t
    ratio = polynomial(t, TAIL) / polynomial(t, TAIL_DENOMINATOR)
    tail = lifted_gaussian(t) * (ratio - t * NORMAL_DENSITY_AT_ZERO) * LIFT
    return ONE - tail if x > ZERO else tail


@elementwise
def gelu_tanh(x: np.float32) -> np.float32:
    """Return x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, which is x times a sigmoid."""
    y = GELU_TANH_LOWEST if x < GELU_TANH_LOWEST else x
    return y * sigmoid(y * (GELU_TANH_LINEAR + GELU_TANH_CUBIC * y * y))


@elementwise
def sine_after_quarter_turns(x: np.float32, turns: int) -> np.float32:
    """Return sin(x + turns pi / 2) for 0 <= x <= 1e6, else NaN.

    x = n pi/2 + r + lost; pi/2 is a sum of three numbers. Beyond the range n is no longer certain.
    """
    shifted = x * TWO_OVER_PI + INTEGER_SHIFT
    n = shifted - INTEGER_SHIFT
    first = fused_multiply_add(-n, HALF_PI_HIGH, x)
    # Adding -0.0 keeps LLVM from fusing this product with the difference below.
    second = fused_multiply_add(n, HALF_PI_MIDDLE, -ZERO)
    r = first - second
    lost = ((first - r) - second) - fused_multiply_add(n, HALF_PI_MIDDLE, -second)
    lost = fused_multiply_add(-n, HALF_PI_LOW, lost)
    s = r * r
    # sin(r + lost) = r + (r^3 p + lost); cos(r + lost) = w + (r^4 q + rest), w = 1 - r^2 / 2.
    sine = r + (r * s * polynomial(s, SIN) + lost)
    half = HALF * s
    w = ONE - half
    cosine = w + (s * s * polynomial(s, COS) + (((ONE - w) - half) - r * lost))
    quadrant = to_bits(shifted) + turns
    result = cosine if quadrant & 1 else sine
    result = from_bits(np.int32(to_bits(result) ^ ((quadrant & 2) << 30)))
    return result if x <= TRIGONOMETRIC_LIMIT else NOT_A_NUMBER


@elementwise
def sin(x: np.float32) -> np.float32:
    """Return the sine for |x| <= 1e6, else NaN."""
    of_magnitude = sine_after_quarter_turns(abs(x), 0)
    return from_bits(np.int32(to_bits(of_magnitude) ^ (to_bits(x) & SIGN_BIT)))


@elementwise
def cos(x: np.float32) -> np.float32:
    """Return the cosine for |x| <= 1e6, else NaN."""
    return sine_after_quarter_turns(abs(x), 1)
