"""Elementary functions of one float32 that LLVM vectorises inside a caller's loop.

Numba calls the scalar mathematical library, one element at a time; these are branch-free instead:
reduce the argument, evaluate a short polynomial, choose by selects. They are pasted, function by
function, into generated modules, so each refers to names of this file, `np` and Numba only. The
constants come from `symbp/codegen/fit_vector_maths.py`.

Results follow IEEE for NaN and infinities, with these exceptions, all chosen for speed: `exp` below
-87 and `sigmoid` below -88.3 flush to zero rather than through subnormal
numbers; the sign of a zero result is not kept; `sin` and `cos` beyond 1e5 return NaN.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

# The flags are given because Numba would inherit the caller's: its `reassoc` would undo the error
# compensation below. Forced inlining lets the caller's loop vectorise even at LLVM's first pass.
elementwise = njit(fastmath={"contract"}, error_model="numpy", forceinline=True)

ZERO = np.float32(0.0)
HALF = np.float32(0.5)
ONE = np.float32(1.0)
TWO = np.float32(2.0)
INFINITY = np.float32(np.inf)
NOT_A_NUMBER = np.float32(np.nan)
SQRT_2 = np.float32(1.4142135)
LOG2_E = np.float32(1.442695)
# log 2 in two parts; the first times any exponent is exact.
LOG_2_HIGH = np.float32(0.69314575)
LOG_2_LOW = np.float32(1.4286068e-06)
# Adding 1.5 2^23 to a small number rounds it to an integer that stands in the lowest bits; adding
# the exponent bias as well makes those bits the exponent field of a power of two.
INTEGER_SHIFT = np.float32(1.2582912e07)
EXP_SHIFT = np.float32(1.2583038e07)
TANH_SHIFT = np.float32(1.2583039e07)
INTEGER_SHIFT_BITS = 0x4B400000
EXPONENT_BIAS = 127
SQRT_HALF_BITS = 0x3F3504F3
# Where the power of two becomes infinite and zero.
EXP_HIGHEST = np.float32(89.415985)
EXP_LOWEST = np.float32(-87.33655)
SIGMOID_HIGHEST = np.float32(87.33655)
SIGMOID_LOWEST = np.float32(-88.72284)
LARGEST_EXPONENT = np.float32(88.72284)
EXPM1_LOWEST = np.float32(-20.0)
TANH_HIGHEST = np.float32(20.0)
SMALLEST_NORMAL = np.float32(1.1754944e-38)
SUBNORMAL_SCALE = np.float32(3.3554432e07)
SUBNORMAL_EXPONENT = np.float32(-25.0)
TAIL_HIGHEST = np.float32(15.0)
NORMAL_DENSITY_AT_ZERO = np.float32(0.3989423)
GELU_TANH_LINEAR = np.float32(1.5957692)
GELU_TANH_CUBIC = np.float32(0.071354814)
TWO_OVER_PI = np.float32(0.63661975)
HALF_PI_HIGH = np.float32(1.5707964)
HALF_PI_MIDDLE = np.float32(-4.371139e-08)
HALF_PI_LOW = np.float32(-1.7151245e-15)
TRIGONOMETRIC_LIMIT = np.float32(100000.0)

# fmt: off
# 2 exp(r) for |r| <= log(2) / 2.
EXP = tuple(np.float32(c) for c in (
    2.0, 2.0, 0.9999999, 0.33333042, 0.08333653, 0.016737374, 0.0027641496,
))
EXPM1 = EXP[1:]
# tanh(r / 2) / r, a rational function of r^2.
TANH = tuple(np.float32(c) for c in (0.5, 0.00832339))
TANH_REST = TANH[1:]
TANH_DENOMINATOR = tuple(np.float32(c) for c in (1.0, 0.09998005))
# (log((1 + q) / (1 - q)) - 2 q) / q^3 as a polynomial in q^2.
LOG = tuple(np.float32(c) for c in (0.66666764, 0.39978746, 0.29844475))
# log((1 + q) / (1 - q)) / q as a polynomial in q^2, for q <= 1 / 3.
SOFTPLUS = tuple(np.float32(c) for c in (2.0, 0.6666642, 0.4002144, 0.28002918, 0.28007582))
# erf(x) / x - 1 as a polynomial in x^2.
ERF = tuple(np.float32(c) for c in (0.12837917, -0.3761261, 0.11282854, -0.026758656, 0.004720347))
# (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 as polynomials in r^2.
SIN = tuple(np.float32(c) for c in (-0.16666655, 0.008332182, -0.00019516615))
COS = tuple(np.float32(c) for c in (0.041666657, -0.0013887804, 2.4483852e-05))
# The normal tail beyond t divided by exp(-t^2 / 2), a rational function of t.
TAIL = tuple(np.float32(c) for c in (0.5, 0.45940024, 0.19927458, 0.046148375, 0.004961839))
TAIL_DENOMINATOR = tuple(np.float32(c) for c in (
    1.0, 1.716686, 1.2682543, 0.51188815, 0.11567843, 0.012437468,
))
# fmt: on


@intrinsic
def to_bits(typing_context: Any, x: Any) -> Any:
    """Reinterpret a float32 as an int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return types.int32(types.float32), generate


@intrinsic
def from_bits(typing_context: Any, bits: Any) -> Any:
    """Reinterpret an int32 as a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return types.float32(types.int32), generate


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
def exp(x: np.float32) -> np.float32:
    """Return e^x: x = n log 2 + r, and 2 e^r is a polynomial.

    The factor 2 is in the polynomial because 2^(n-1), unlike 2^n, is a number up to the overflow.
    """
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    x = EXP_LOWEST if x < EXP_LOWEST else x
    # Adding 1.5 2^23 rounds to an integer, which then stands in the lowest bits.
    shifted = x * LOG2_E + EXP_SHIFT
    n = shifted - EXP_SHIFT
    r = x - n * LOG_2_HIGH - n * LOG_2_LOW
    return polynomial(r, EXP) * from_bits(np.int32(to_bits(shifted) << 23))


@elementwise
def expm1(x: np.float32) -> np.float32:
    """Return e^x - 1, with full relative accuracy near zero."""
    y = LARGEST_EXPONENT if x > LARGEST_EXPONENT else x
    y = EXPM1_LOWEST if y < EXPM1_LOWEST else y
    shifted = y * LOG2_E + EXP_SHIFT
    n = shifted - EXP_SHIFT
    r = y - n * LOG_2_HIGH - n * LOG_2_LOW
    half_scale = from_bits(np.int32(to_bits(shifted) << 23))
    half_offset = half_scale - HALF
    result = half_scale * (r * polynomial(r, EXPM1)) + half_offset + half_offset
    return INFINITY if x > LARGEST_EXPONENT else result


@elementwise
def sigmoid(x: np.float32) -> np.float32:
    """Return 1 / (1 + e^-x).

    With -x = n log 2 - r and tanh(r / 2) = a / b, e^-x = 2^n (b - a) / (b + a): one division.
    """
    x = SIGMOID_HIGHEST if x > SIGMOID_HIGHEST else x
    x = SIGMOID_LOWEST if x < SIGMOID_LOWEST else x
    shifted = TANH_SHIFT - x * LOG2_E
    n = shifted - TANH_SHIFT
    r = x + n * LOG_2_HIGH + n * LOG_2_LOW
    scale = from_bits(np.int32(to_bits(shifted) << 23))
    a = r * polynomial(r * r, TANH)
    b = polynomial(r * r, TANH_DENOMINATOR)
    return (b + a) / ((b + a) + scale * (b - a))


@elementwise
def tanh(x: np.float32) -> np.float32:
    """Return the hyperbolic tangent.

    With 2 x = n log 2 + r and tanh(r / 2) = a / b, the addition theorem gives
    ((2^n - 1) b + (2^n + 1) a) / ((2^n + 1) b + (2^n - 1) a): exact in a for small x, where n = 0.
    """
    y = x + x
    y = TANH_HIGHEST if y > TANH_HIGHEST else y
    y = -TANH_HIGHEST if y < -TANH_HIGHEST else y
    shifted = y * LOG2_E + TANH_SHIFT
    n = shifted - TANH_SHIFT
    r = y - n * LOG_2_HIGH - n * LOG_2_LOW
    scale = from_bits(np.int32(to_bits(shifted) << 23))
    # r / 2 apart from the rest: at n = 1 the terms below cancel, which doubles the error of a.
    a = HALF * r + r * (r * r * polynomial(r * r, TANH_REST))
    b = polynomial(r * r, TANH_DENOMINATOR)
    minus, plus = scale - ONE, scale + ONE
    return (minus * b + plus * a) / (plus * b + minus * a)


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
    scale = from_bits(np.int32((EXPONENT_BIAS - exponent) << 23))
    f = (from_bits(np.int32(bits - (exponent << 23))) - ONE) + lost * scale
    k = from_bits(np.int32(exponent + INTEGER_SHIFT_BITS)) - INTEGER_SHIFT
    s = f / (TWO + f)
    half_square = HALF * f * f
    tail = s * (half_square + s * s * polynomial(s * s, LOG))
    result = k * LOG_2_HIGH - ((half_square - (tail + k * LOG_2_LOW)) - f)
    result = result if x < INFINITY else x
    result = result if x > -ONE else NOT_A_NUMBER
    return -INFINITY if x == -ONE else result


@elementwise
def softplus(x: np.float32) -> np.float32:
    """Return log(1 + e^x) = max(x, 0) + log(1 + y), y = e^-|x|, a series in y / (2 + y) <= 1/3."""
    y = exp(-abs(x))
    s = y / (TWO + y)
    return (x if x > ZERO else ZERO) + s * polynomial(s * s, SOFTPLUS)


@elementwise
def erf(x: np.float32) -> np.float32:
    """Return the error function: an odd polynomial below 1/2, one minus the tail above."""
    magnitude = abs(x)
    t = magnitude * SQRT_2
    t = TAIL_HIGHEST if t > TAIL_HIGHEST else t
    tail = exp(-x * x) * polynomial(t, TAIL) / polynomial(t, TAIL_DENOMINATOR)
    outer = ONE - TWO * tail
    inner = x + x * polynomial(x * x, ERF)
    outer = outer if x > ZERO else -outer
    return inner if magnitude < HALF else outer


@elementwise
def gelu(x: np.float32) -> np.float32:
    """Return x Phi(x), where Phi is the standard normal distribution function."""
    x = -TAIL_HIGHEST if x < -TAIL_HIGHEST else x
    t = TAIL_HIGHEST if x > TAIL_HIGHEST else abs(x)
    tail = exp(-HALF * x * x) * polynomial(t, TAIL) / polynomial(t, TAIL_DENOMINATOR)
    return x * (ONE - tail if x > ZERO else tail)


@elementwise
def gelu_prime(x: np.float32) -> np.float32:
    """Return the derivative of `gelu`, Phi(x) + x phi(x)."""
    x = TAIL_HIGHEST if x > TAIL_HIGHEST else x
    x = -TAIL_HIGHEST if x < -TAIL_HIGHEST else x
    exponential = exp(-HALF * x * x)
    tail = exponential * polynomial(abs(x), TAIL) / polynomial(abs(x), TAIL_DENOMINATOR)
    return (ONE - tail if x > ZERO else tail) + x * exponential * NORMAL_DENSITY_AT_ZERO


@elementwise
def gelu_tanh(x: np.float32) -> np.float32:
    """Return x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, which is x times a sigmoid."""
    x = -TAIL_HIGHEST if x < -TAIL_HIGHEST else x
    return x * sigmoid(x * (GELU_TANH_LINEAR + GELU_TANH_CUBIC * x * x))


@elementwise
def sine_after_quarter_turns(x: np.float32, turns: int) -> np.float32:
    """Return sin(x + turns pi / 2) for |x| <= 1e5, else NaN.

    x = n pi/2 + r; pi/2 is a sum of three numbers and multiply-adds are fused, so that r is right
    to its last bits. Beyond the range n is no longer certain.
    """
    shifted = x * TWO_OVER_PI + INTEGER_SHIFT
    n = shifted - INTEGER_SHIFT
    r = fused_multiply_add(-n, HALF_PI_HIGH, x)
    r = fused_multiply_add(-n, HALF_PI_MIDDLE, r)
    r = fused_multiply_add(-n, HALF_PI_LOW, r)
    s = r * r
    sine = r + r * s * polynomial(s, SIN)
    cosine = ONE - (HALF * s - s * s * polynomial(s, COS))
    quadrant = to_bits(shifted) + turns
    result = cosine if quadrant & 1 else sine
    result = -result if quadrant & 2 else result
    return result if abs(x) <= TRIGONOMETRIC_LIMIT else NOT_A_NUMBER


@elementwise
def sin(x: np.float32) -> np.float32:
    """Return the sine for |x| <= 1e5, else NaN."""
    return sine_after_quarter_turns(x, 0)


@elementwise
def cos(x: np.float32) -> np.float32:
    """Return the cosine for |x| <= 1e5, else NaN."""
    return sine_after_quarter_turns(x, 1)
