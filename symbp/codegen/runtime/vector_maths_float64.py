"""Elementary functions of one float64 that LLVM vectorises inside a caller's loop.

Numba calls the scalar mathematical library, one element at a time; these are branch-free instead:
reduce the argument, evaluate a short polynomial, choose by selects. They are pasted, function by
function, into generated modules, so each refers to names of this file, `np` and Numba only. The
constants come from `symbp/codegen/fit_vector_maths.py`.

Results follow IEEE for NaN and infinities, with these exceptions, all chosen for speed: `exp` below
-708 and `sigmoid` below -709.4 flush to zero rather than through subnormal
numbers; the sign of a zero result is not kept; `sin` and `cos` beyond 1e12 return NaN.
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

ZERO = 0.0
HALF = 0.5
ONE = 1.0
TWO = 2.0
INFINITY = np.inf
NOT_A_NUMBER = np.nan
SQRT_2 = 1.4142135623730951
LOG2_E = 1.4426950408889634
# log 2 in two parts; the first times any exponent is exact.
LOG_2_HIGH = 0.6931471805598903
LOG_2_LOW = 5.497923018708371e-14
# Adding 1.5 2^52 to a small number rounds it to an integer that stands in the lowest bits; adding
# the exponent bias as well makes those bits the exponent field of a power of two.
INTEGER_SHIFT = 6755399441055744.0
EXP_SHIFT = 6755399441056766.0
TANH_SHIFT = 6755399441056767.0
INTEGER_SHIFT_BITS = 0x4338000000000000
EXPONENT_BIAS = 1023
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
# Where the power of two becomes infinite and zero.
EXP_HIGHEST = 710.475860073944
EXP_LOWEST = -708.3964185322641
SIGMOID_HIGHEST = 708.3964185322641
SIGMOID_LOWEST = -709.782712893384
LARGEST_EXPONENT = 709.782712893384
EXPM1_LOWEST = -40.0
TANH_HIGHEST = 44.0
SMALLEST_NORMAL = 2.2250738585072014e-308
SUBNORMAL_SCALE = 1.8014398509481984e16
SUBNORMAL_EXPONENT = -54.0
TAIL_HIGHEST = 39.0
NORMAL_DENSITY_AT_ZERO = 0.3989422804014327
GELU_TANH_LINEAR = 1.5957691216057308
GELU_TANH_CUBIC = 0.07135481627260025
TWO_OVER_PI = 0.6366197723675814
HALF_PI_HIGH = 1.5707963267948966
HALF_PI_MIDDLE = 6.123233995736766e-17
HALF_PI_LOW = -1.4973849048591698e-33
TRIGONOMETRIC_LIMIT = 1000000000000.0

# fmt: off
# 2 exp(r) for |r| <= log(2) / 2.
EXP = (
    2.0, 2.0, 1.0000000000000022, 0.3333333333333288, 0.08333333333305377, 0.01666666666695647,
    0.0027777777888796616, 0.000396825390781875, 4.960298470742345e-05, 5.511511766932927e-06,
    5.526100668902346e-07, 5.001692826206313e-08,
)
EXPM1 = EXP[1:]
# tanh(r / 2) / r, a rational function of r^2.
TANH = (0.5, 0.013887422272764707, 3.3044357069446965e-05)
TANH_REST = TANH[1:]
TANH_DENOMINATOR = (1.0, 0.1111081778788613, 0.0009917702041606204)
# (log((1 + q) / (1 - q)) - 2 q) / q^3 as a polynomial in q^2.
LOG = (
    0.6666666666666698, 0.3999999999961525, 0.28571428703034585, 0.22222202232467997,
    0.1818338897083886, 0.15318238253571437, 0.14756482289672876,
)
# log((1 + q) / (1 - q)) / q as a polynomial in q^2, for q <= 1 / 3.
SOFTPLUS = (
    2.0, 0.6666666666666631, 0.40000000000155705, 0.28571428548053707, 0.22222223957240267,
    0.18181744362239274, 0.15386550730042184, 0.13301092191178057, 0.12105166624366234,
    0.0834403422552021, 0.17011447389066295,
)
# erf(x) / x - 1 as a polynomial in x^2.
ERF = (
    0.12837916709551256, -0.3761263890318326, 0.11283791670913236, -0.026866170629805834,
    0.005223977331485254, -0.0008548294581065329, 0.0001205319721750485,
    -1.4842670562880113e-05, 1.4695712978594564e-06,
)
# (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 as polynomials in r^2.
SIN = (
    -0.1666666666666663, 0.008333333333321754, -0.00019841269829239954, 2.755731348393466e-06,
    -2.5050724099388763e-08, 1.5894750580888116e-10,
)
COS = (
    0.04166666666666665, -0.0013888888888882946, 2.4801587294905977e-05, -2.755731588142289e-07,
    2.0875924990515255e-09, -1.1369747638075867e-11,
)
# The normal tail beyond t divided by exp(-t^2 / 2), a rational function of t.
TAIL = (
    0.5, 0.7756296797143061, 0.5951411060093894, 0.2901143664728639, 0.09805001393124688,
    0.023729462648597138, 0.00411201777648774, 0.0004936941957038036, 3.75508695919123e-05,
    1.3988449797537037e-06,
)
TAIL_DENOMINATOR = (
    1.0, 2.3491439202314703, 2.5646278770756634, 1.7178952804171872, 0.7842500990233165,
    0.25589397393462965, 0.06071143748106522, 0.010401426085285536, 0.0012410142145355308,
    9.412607145410935e-05, 3.5063843780856023e-06,
)
# fmt: on


@intrinsic
def to_bits(typing_context: Any, x: Any) -> Any:
    """Reinterpret a float64 as an int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return types.int64(types.float64), generate


@intrinsic
def from_bits(typing_context: Any, bits: Any) -> Any:
    """Reinterpret an int64 as a float64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return types.float64(types.int64), generate


@intrinsic
def fused_multiply_add(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c with a single rounding."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@intrinsic
def maximum(typing_context: Any, a: Any, b: Any) -> Any:
    """Return the larger of two numbers, NaN if either is.

    A reduction by Python's `max` or by a comparison is not vectorised; by this it is.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(arguments[0].type, [value.type for value in arguments])
        larger = cgutils.get_or_insert_function(builder.module, kind, "llvm.maximum.f64")
        return builder.call(larger, arguments)

    return types.float64(types.float64, types.float64), generate


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

    return types.float64(types.float64, coefficients), generate


@elementwise
def exp(x: float) -> float:
    """Return e^x: x = n log 2 + r, and 2 e^r is a polynomial.

    The factor 2 is in the polynomial because 2^(n-1), unlike 2^n, is a number up to the overflow.
    """
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    x = EXP_LOWEST if x < EXP_LOWEST else x
    # Adding 1.5 2^52 rounds to an integer, which then stands in the lowest bits.
    shifted = x * LOG2_E + EXP_SHIFT
    n = shifted - EXP_SHIFT
    r = x - n * LOG_2_HIGH - n * LOG_2_LOW
    return polynomial(r, EXP) * from_bits(to_bits(shifted) << 52)


@elementwise
def expm1(x: float) -> float:
    """Return e^x - 1, with full relative accuracy near zero."""
    y = LARGEST_EXPONENT if x > LARGEST_EXPONENT else x
    y = EXPM1_LOWEST if y < EXPM1_LOWEST else y
    shifted = y * LOG2_E + EXP_SHIFT
    n = shifted - EXP_SHIFT
    r = y - n * LOG_2_HIGH - n * LOG_2_LOW
    half_scale = from_bits(to_bits(shifted) << 52)
    half_offset = half_scale - HALF
    result = half_scale * (r * polynomial(r, EXPM1)) + half_offset + half_offset
    return INFINITY if x > LARGEST_EXPONENT else result


@elementwise
def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x).

    With -x = n log 2 - r and tanh(r / 2) = a / b, e^-x = 2^n (b - a) / (b + a): one division.
    """
    x = SIGMOID_HIGHEST if x > SIGMOID_HIGHEST else x
    x = SIGMOID_LOWEST if x < SIGMOID_LOWEST else x
    shifted = TANH_SHIFT - x * LOG2_E
    n = shifted - TANH_SHIFT
    r = x + n * LOG_2_HIGH + n * LOG_2_LOW
    scale = from_bits(to_bits(shifted) << 52)
    a = r * polynomial(r * r, TANH)
    b = polynomial(r * r, TANH_DENOMINATOR)
    return (b + a) / ((b + a) + scale * (b - a))


@elementwise
def tanh(x: float) -> float:
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
    scale = from_bits(to_bits(shifted) << 52)
    # r / 2 apart from the rest: at n = 1 the terms below cancel, which doubles the error of a.
    a = HALF * r + r * (r * r * polynomial(r * r, TANH_REST))
    b = polynomial(r * r, TANH_DENOMINATOR)
    minus, plus = scale - ONE, scale + ONE
    return (minus * b + plus * a) / (plus * b + minus * a)


@elementwise
def log(x: float) -> float:
    """Return the natural logarithm: x = 2^k (1 + f), and log(1 + f) is a series in f / (2 + f)."""
    subnormal = x < SMALLEST_NORMAL
    scaled = x * SUBNORMAL_SCALE if subnormal else x
    offset = SUBNORMAL_EXPONENT if subnormal else ZERO
    bits = to_bits(scaled)
    exponent = (bits - SQRT_HALF_BITS) >> 52
    f = from_bits(bits - (exponent << 52)) - ONE
    k = from_bits(exponent + INTEGER_SHIFT_BITS) - INTEGER_SHIFT + offset
    s = f / (TWO + f)
    half_square = HALF * f * f
    tail = s * (half_square + s * s * polynomial(s * s, LOG))
    result = k * LOG_2_HIGH - ((half_square - (tail + k * LOG_2_LOW)) - f)
    result = result if x < INFINITY else x
    result = result if x > ZERO else NOT_A_NUMBER
    return -INFINITY if x == ZERO else result


@elementwise
def log1p(x: float) -> float:
    """Return log(1 + x): as `log`, with what rounding 1 + x loses added to f."""
    u = ONE + x
    rest = u - ONE
    lost = (ONE - (u - rest)) + (x - rest)
    bits = to_bits(u)
    exponent = (bits - SQRT_HALF_BITS) >> 52
    scale = from_bits((EXPONENT_BIAS - exponent) << 52)
    f = (from_bits(bits - (exponent << 52)) - ONE) + lost * scale
    k = from_bits(exponent + INTEGER_SHIFT_BITS) - INTEGER_SHIFT
    s = f / (TWO + f)
    half_square = HALF * f * f
    tail = s * (half_square + s * s * polynomial(s * s, LOG))
    result = k * LOG_2_HIGH - ((half_square - (tail + k * LOG_2_LOW)) - f)
    result = result if x < INFINITY else x
    result = result if x > -ONE else NOT_A_NUMBER
    return -INFINITY if x == -ONE else result


@elementwise
def softplus(x: float) -> float:
    """Return log(1 + e^x) = max(x, 0) + log(1 + y), y = e^-|x|, a series in y / (2 + y) <= 1/3."""
    y = exp(-abs(x))
    s = y / (TWO + y)
    return (x if x > ZERO else ZERO) + s * polynomial(s * s, SOFTPLUS)


@elementwise
def erf(x: float) -> float:
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
def gelu(x: float) -> float:
    """Return x Phi(x), where Phi is the standard normal distribution function."""
    x = -TAIL_HIGHEST if x < -TAIL_HIGHEST else x
    t = TAIL_HIGHEST if x > TAIL_HIGHEST else abs(x)
    tail = exp(-HALF * x * x) * polynomial(t, TAIL) / polynomial(t, TAIL_DENOMINATOR)
    return x * (ONE - tail if x > ZERO else tail)


@elementwise
def gelu_prime(x: float) -> float:
    """Return the derivative of `gelu`, Phi(x) + x phi(x)."""
    x = TAIL_HIGHEST if x > TAIL_HIGHEST else x
    x = -TAIL_HIGHEST if x < -TAIL_HIGHEST else x
    exponential = exp(-HALF * x * x)
    tail = exponential * polynomial(abs(x), TAIL) / polynomial(abs(x), TAIL_DENOMINATOR)
    return (ONE - tail if x > ZERO else tail) + x * exponential * NORMAL_DENSITY_AT_ZERO


@elementwise
def gelu_tanh(x: float) -> float:
    """Return x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, which is x times a sigmoid."""
    x = -TAIL_HIGHEST if x < -TAIL_HIGHEST else x
    return x * sigmoid(x * (GELU_TANH_LINEAR + GELU_TANH_CUBIC * x * x))


@elementwise
def sine_after_quarter_turns(x: float, turns: int) -> float:
    """Return sin(x + turns pi / 2) for |x| <= 1e12, else NaN.

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
def sin(x: float) -> float:
    """Return the sine for |x| <= 1e12, else NaN."""
    return sine_after_quarter_turns(x, 0)


@elementwise
def cos(x: float) -> float:
    """Return the cosine for |x| <= 1e12, else NaN."""
    return sine_after_quarter_turns(x, 1)
