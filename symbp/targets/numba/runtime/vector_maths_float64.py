"""Elementary functions of one float64 that LLVM vectorises inside a caller's loop.

Numba calls the scalar mathematical library, one element at a time; these are branch-free instead:
reduce the argument, evaluate a short polynomial, choose by selects. They are pasted, function by
function, into generated modules, so each refers to names of this file, `np` and Numba only. The
constants come from `symbp/targets/numba/fit_vector_maths.py`.

Results follow IEEE for NaN, infinities, subnormal numbers and signed zeros; `sin` and `cos` beyond
1e15 return NaN. Errors and speeds are measured in docs/vector_maths.md.
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

ZERO, HALF, ONE, TWO = 0.0, 0.5, 1.0, 2.0
INFINITY, NOT_A_NUMBER = np.inf, np.nan
SMALLEST_NORMAL, SIGN_BIT = 2.2250738585072014e-308, np.int64(-(2**63))
LOG2_E = 1.4426950408889634
# log 2 in two parts; the first times any exponent is exact.
LOG_2_HIGH, LOG_2_LOW = 0.6931471805598903, 5.497923018708371e-14
# Adding 1.5 2^52 to a small number rounds it to an integer n in the lowest bits; with the bias of
# exponents as well they are the exponent field of 2^n, with one less of 2^(n-1): unlike 2^n this
# is a number up to the overflow of e^x, and the factor 2 is in EXP.
INTEGER_SHIFT, INTEGER_SHIFT_BITS = 6755399441055744.0, 0x4338000000000000
HALF_POWER_SHIFT, LIFTED_POWER_SHIFT = 6755399441056766.0, 6755399441056830.0
# The factor that takes a lifted result back, in one rounding.
LIFT = 5.421010862427522e-20
# Where e^x is infinite, where it is zero, and below which power it is lifted and brought down.
EXP_HIGHEST, EXP_LOWEST = 710.0, -745.5
EXP_LOW_EXPONENT, EXP_LIFT = -1000.0, 64 << 52
EXPM1_LOWEST = -40.0
# Below it expm1 x and x are the same number.
TINY = 1e-20
SIGMOID_HIGHEST, SIGMOID_POWER_SHIFT, SIGMOID_DROP = 40.0, 6755399441056255.0, 512 << 52
TANH_SPLIT, TANH_HIGHEST = 0.625, 20.0
SQRT_HALF_BITS, EXPONENT_BIAS_AND_ONE = 0x3FE6A09E667F3BCD, 1024
SUBNORMAL_SCALE, SUBNORMAL_EXPONENT = 1.8014398509481984e16, -54.0
ERF_SPLIT, ERF_HIGHEST = 0.9, 6.0
TAIL_HIGHEST = 38.75
NORMAL_DENSITY_AT_ZERO = 0.3989422804014327
GELU_TANH_LOWEST = -30.0
GELU_TANH_LINEAR, GELU_TANH_CUBIC = 1.5957691216057308, 0.07135481627260025
TWO_OVER_PI = 0.6366197723675814
# pi / 2 in three parts, the first rounded down.
HALF_PI_HIGH = 1.5707963267948966
HALF_PI_MIDDLE, HALF_PI_LOW = 6.123233995736766e-17, -1.4973849048591698e-33
TRIGONOMETRIC_LIMIT = 1000000000000000.0

# fmt: off
# 2 exp(r) for |r| <= log(2) / 2.
EXP = (
    2.0, 2.0, 1.0000000000000022, 0.3333333333333288, 0.08333333333305377, 0.01666666666695647,
    0.0027777777888796616, 0.000396825390781875, 4.960298470742345e-05, 5.511511766932927e-06,
    5.526100668902346e-07, 5.001692826206313e-08,
)
# (exp(r) - 1 - r) / r^2.
EXPM1 = (
    0.5, 0.16666666666666677, 0.0416666666666666, 0.008333333333321442, 0.0013888888888928309,
    0.00019841269886523922, 2.4801587227211232e-05, 2.7557243873245773e-06,
    2.7557362704108385e-07, 2.510913769689044e-08, 2.088620671503539e-09,
)
# tanh(r / 2) / r, a rational function of r^2.
TANH = (0.5, 0.013887422272764707, 3.3044357069446965e-05)
TANH_DENOMINATOR = (1.0, 0.1111081778788613, 0.0009917702041606204)
# x^3 / (x - tanh x) as a polynomial in x^2, for |x| <= 0.625.
TANH_NEAR = (
    3.000000000000005, 1.1999999999996793, -0.005714285707151824, 0.0002539681786462361,
    -1.2203243509111509e-05, 5.974398228070584e-07, -2.740834916520856e-08,
)
# (log((1 + q) / (1 - q)) - 2 q) / q^3 as a polynomial in q^2.
LOG = (
    0.6666666666666698, 0.3999999999961525, 0.28571428703034585, 0.22222202232467997,
    0.1818338897083886, 0.15318238253571437, 0.14756482289672876,
)
# The same, up to q = 1 / 3.
SOFTPLUS = (
    0.6666666666666642, 0.4000000000012426, 0.2857142855135192, 0.22222223780380967,
    0.18181749874440614, 0.15386445004907323, 0.13302358576633716, 0.12095932363516683,
    0.08381538357001769, 0.169463886038048,
)
# erf(x) / x - 1 as a polynomial in x^2, for |x| <= 0.9.
ERF = (
    0.1283791670955126, -0.37612638903183865, 0.1128379167095798, -0.026866170645427116,
    0.005223977626624696, -0.0008548327003818177, 0.00012055328979745888, -1.4925465903467292e-05,
    1.645748442208949e-06, -1.629497460796458e-07, 1.4141569775931395e-08, -8.685449192395721e-10,
)
# log(1 - erf(x)) / x for x >= 0.9.
ERF_TAIL = (
    -1.1283791601624078, -0.63661979289176, -0.10277281638832693, 0.01913026696579515,
    0.00020228715428893652, -0.001679487100470962, 0.0005612767837100634, 1.1538188437359592e-05,
    -0.00010201968137455277, 5.92221568103454e-05, -2.1573684702315382e-05, 5.752884948516261e-06,
    -1.1636917333490502e-06, 1.7810999928203806e-07, -2.0076799552704212e-08,
    1.5755028233736486e-09, -7.692472467874944e-11, 1.7594220412101286e-12,
)
# (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 as polynomials in r^2.
SIN = (
    -0.166666666666666, 0.008333333333314279, -0.00019841269823382885, 2.755731150241785e-06,
    -2.5050422418333725e-08, 1.5877785388514758e-10,
)
COS = (
    0.04166666666666655, -0.001388888888886547, 2.4801587283850445e-05, -2.755731269250748e-07,
    2.0875496115620127e-09, -1.13479101152612e-11,
)
# The normal tail beyond t divided by exp(-t^2 / 2), a rational function of t.
TAIL = (
    0.5, 0.7740805191377181, 0.5928951788950474, 0.2885095119217855, 0.09732949715064883,
    0.023509302459730767, 0.004065257658250698, 0.0004869339391137554, 3.69372939029142e-05,
    1.371562235965222e-06,
)
TAIL_DENOMINATOR = (
    1.0, 2.3460455990782956, 2.5576639202344236, 1.7106782982462247, 0.7797086910266608,
    0.2539737709214893, 0.06014276909683912, 0.010282677843240308, 0.0012240003765543583,
    9.258806528309667e-05, 3.4379966810977557e-06,
)
# fmt: on


def reinterpret(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Generate the code of both functions below."""
    return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))


@intrinsic
def to_bits(typing_context: Any, x: Any) -> Any:
    """Reinterpret a float64 as an int64."""
    return types.int64(types.float64), reinterpret


@intrinsic
def from_bits(typing_context: Any, bits: Any) -> Any:
    """Reinterpret an int64 as a float64."""
    return types.float64(types.int64), reinterpret


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
def power_of_two(shifted: float) -> float:
    """Return 2^n from a number in whose lowest bits the exponent field of 2^n stands."""
    return from_bits(to_bits(shifted) << 52)


@elementwise
def with_sign_of(magnitude: float, x: float) -> float:
    """Return a number without a sign with the sign of another."""
    return from_bits(to_bits(magnitude) | (to_bits(x) & SIGN_BIT))


@elementwise
def exp(x: float) -> float:
    """Return e^x: x = n log 2 + r, and 2 e^r is a polynomial."""
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    x = EXP_LOWEST if x < EXP_LOWEST else x
    shifted = x * LOG2_E + HALF_POWER_SHIFT
    n = shifted - HALF_POWER_SHIFT
    r = x - n * LOG_2_HIGH - n * LOG_2_LOW
    low = n < EXP_LOW_EXPONENT
    bits = to_bits(shifted) << 52
    bits = bits + EXP_LIFT if low else bits
    result = polynomial(r, EXP) * from_bits(bits)
    return result * LIFT if low else result


@elementwise
def lifted_exp(x: float, rest: float) -> float:
    """Return 2^64 e^(x + rest) for -745.5 <= x <= 0 and a tiny rest: a normal number."""
    shifted = x * LOG2_E + LIFTED_POWER_SHIFT
    n = shifted - LIFTED_POWER_SHIFT
    r = x - n * LOG_2_HIGH - n * LOG_2_LOW + rest
    return polynomial(r, EXP) * power_of_two(shifted)


@elementwise
def expm1(x: float) -> float:
    """Return e^x - 1, with full relative accuracy near zero."""
    y = EXP_HIGHEST if x > EXP_HIGHEST else x
    y = EXPM1_LOWEST if y < EXPM1_LOWEST else y
    shifted = y * LOG2_E + HALF_POWER_SHIFT
    n = shifted - HALF_POWER_SHIFT
    first = y - n * LOG_2_HIGH
    r = first - n * LOG_2_LOW
    lost = (first - r) - n * LOG_2_LOW
    # Half of it until the end, so that 2^n does not overflow before the result does.
    half = power_of_two(shifted)
    result = half * (r + (r * r * polynomial(r, EXPM1) + lost)) + (half - HALF)
    return x if abs(x) < TINY else result + result


@elementwise
def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x), where e^-x = 2^n (b - a) / (b + a) and a / b = tanh(r / 2)."""
    x = SIGMOID_HIGHEST if x > SIGMOID_HIGHEST else x
    x = EXP_LOWEST if x < EXP_LOWEST else x
    shifted = SIGMOID_POWER_SHIFT - x * LOG2_E
    n = shifted - SIGMOID_POWER_SHIFT
    r = x + n * LOG_2_HIGH + n * LOG_2_LOW
    a = r * polynomial(r * r, TANH)
    b = polynomial(r * r, TANH_DENOMINATOR)
    # Both times 2^-512, so that e^-x does not overflow where the result is subnormal; by
    # integers, because multiplications are what the loop waits for.
    top = from_bits(to_bits(b + a) - SIGMOID_DROP)
    return top / (top + power_of_two(shifted) * (b - a))


@elementwise
def tanh(x: float) -> float:
    """Return the hyperbolic tangent: x - x^3 / d(x^2) below 0.625, 1 - 2 / (e^2x + 1) above."""
    t = abs(x)
    t = TANH_HIGHEST if t > TANH_HIGHEST else t
    near = t < TANH_SPLIT
    square = t * t
    y = t + t
    shifted = y * LOG2_E + HALF_POWER_SHIFT
    n = shifted - HALF_POWER_SHIFT
    r = y - n * LOG_2_HIGH - n * LOG_2_LOW
    # With tanh(r / 2) = a / b, e^r = (b + a) / (b - a).
    a = r * polynomial(r * r, TANH)
    b = polynomial(r * r, TANH_DENOMINATOR)
    bottom = power_of_two(shifted) * (b + a) + HALF * (b - a)
    top = t * square if near else b - a
    bottom = polynomial(square, TANH_NEAR) if near else bottom
    return with_sign_of((t if near else ONE) - top / bottom, x)


@elementwise
def log(x: float) -> float:
    """Return the natural logarithm: x = 2^k (1 + f), and log(1 + f) is a series in f / (2 + f)."""
    subnormal = x < SMALLEST_NORMAL
    scaled = x * SUBNORMAL_SCALE if subnormal else x
    offset = SUBNORMAL_EXPONENT if subnormal else ZERO
    bits = to_bits(scaled)
    exponent = bits - SQRT_HALF_BITS >> 52
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
    exponent = bits - SQRT_HALF_BITS >> 52
    # Twice 2^-k; zero for the largest k, where nothing is lost that counts.
    scale = from_bits((EXPONENT_BIAS_AND_ONE - exponent) << 52)
    f = (from_bits(bits - (exponent << 52)) - ONE) + lost * (HALF * scale)
    k = from_bits(exponent + INTEGER_SHIFT_BITS) - INTEGER_SHIFT
    s = f / (TWO + f)
    half_square = HALF * f * f
    tail = s * (half_square + s * s * polynomial(s * s, LOG))
    result = k * LOG_2_HIGH - ((half_square - (tail + k * LOG_2_LOW)) - f)
    result = result if x < INFINITY else x
    result = result if x > -ONE else NOT_A_NUMBER
    result = x if x == ZERO else result
    return -INFINITY if x == -ONE else result


@elementwise
def softplus(x: float) -> float:
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
def erf(x: float) -> float:
    """Return the error function: an odd polynomial below 0.9, one minus e^p(|x|) above."""
    magnitude = abs(x)
    inner = x + x * polynomial(x * x, ERF)
    t = ERF_HIGHEST if magnitude > ERF_HIGHEST else magnitude
    outer = ONE - lifted_exp(t * polynomial(t, ERF_TAIL), ZERO) * LIFT
    return inner if magnitude < ERF_SPLIT else with_sign_of(outer, x)


@elementwise
def lifted_gaussian(t: float) -> float:
    """Return 2^64 exp(-t^2 / 2), with what rounding t^2 loses."""
    square = t * t
    return lifted_exp(-HALF * square, -HALF * fused_multiply_add(t, t, -square))


@elementwise
def gelu(x: float) -> float:
    """Return x Phi(x) = max(x, 0) - |x| Phi(-|x|); Phi is the normal distribution function."""
    t = abs(x)
    t = TAIL_HIGHEST if t > TAIL_HIGHEST else t
    tail = lifted_gaussian(t) * (polynomial(t, TAIL) / polynomial(t, TAIL_DENOMINATOR))
    return (x if x >= ZERO else -ZERO) - t * tail * LIFT


@elementwise
def gelu_prime(x: float) -> float:
    """Return the derivative of `gelu`, Phi(x) + x phi(x)."""
    t = abs(x)
    t = TAIL_HIGHEST if t > TAIL_HIGHEST else t
    ratio = polynomial(t, TAIL) / polynomial(t, TAIL_DENOMINATOR)
    tail = lifted_gaussian(t) * (ratio - t * NORMAL_DENSITY_AT_ZERO) * LIFT
    return ONE - tail if x > ZERO else tail


@elementwise
def gelu_tanh(x: float) -> float:
    """Return x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, which is x times a sigmoid."""
    y = GELU_TANH_LOWEST if x < GELU_TANH_LOWEST else x
    return y * sigmoid(y * (GELU_TANH_LINEAR + GELU_TANH_CUBIC * y * y))


@elementwise
def sine_after_quarter_turns(x: float, turns: int) -> float:
    """Return sin(x + turns pi / 2) for 0 <= x <= 1e15, else NaN.

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
    result = from_bits(to_bits(result) ^ ((quadrant & 2) << 62))
    return result if x <= TRIGONOMETRIC_LIMIT else NOT_A_NUMBER


@elementwise
def sin(x: float) -> float:
    """Return the sine for |x| <= 1e15, else NaN."""
    of_magnitude = sine_after_quarter_turns(abs(x), 0)
    return from_bits(to_bits(of_magnitude) ^ (to_bits(x) & SIGN_BIT))


@elementwise
def cos(x: float) -> float:
    """Return the cosine for |x| <= 1e15, else NaN."""
    return sine_after_quarter_turns(abs(x), 1)
