/* Elementary functions of one number without branches, which a compiler vectorises.

   Written by `python -m symbp.targets.c.translate` from the vector maths of the Numba modules;
   what is pasted is what a translation unit uses. Bits are unsigned: their sums wrap around. */

/* Return 2^n from a number in whose lowest bits the exponent field of 2^n stands. */
static inline real symbp_power_of_two(real shifted)
{
    return symbp_from_bits(symbp_to_bits(shifted) << 23);
}

/* Return a number without a sign with the sign of another. */
static inline real symbp_with_sign_of(real magnitude, real x)
{
    return symbp_from_bits(symbp_to_bits(magnitude) | (symbp_to_bits(x) & 0x80000000u));
}

static inline real symbp_polynomial_exp(real x)
{
    real result = 0.0027641496f;
    result = result * x + 0.016737374f;
    result = result * x + 0.08333653f;
    result = result * x + 0.33333042f;
    result = result * x + 0.9999999f;
    result = result * x + 2.0f;
    result = result * x + 2.0f;
    return result;
}

/* Return e^x: x = n log 2 + r, and 2 e^r is a polynomial. */
static inline real symbp_exp(real x)
{
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    real shifted = x * 1.442695f + 12583038.0f;
    real n = shifted - 12583038.0f;
    real r = x - (n * 0.69314575f) - (n * 1.4286068e-06f);
    int low = n < -100.0f;
    uint32_t bits = symbp_to_bits(shifted) << 23;
    bits = low ? (bits + 0x20000000u) : bits;
    real result = symbp_polynomial_exp(r) * symbp_from_bits(bits);
    return low ? (result * 5.421011e-20f) : result;
}

/* Return 2^64 e^(x + rest) for -104.0 <= x <= 0 and a tiny rest: a normal number. */
static inline real symbp_lifted_exp(real x, real rest)
{
    real shifted = x * 1.442695f + 12583102.0f;
    real n = shifted - 12583102.0f;
    real r = x - (n * 0.69314575f) - (n * 1.4286068e-06f) + rest;
    return symbp_polynomial_exp(r) * symbp_power_of_two(shifted);
}

static inline real symbp_polynomial_expm1(real x)
{
    real result = 0.00019751093f;
    result = result * x + 0.0013929985f;
    result = result * x + 0.008333555f;
    result = result * x + 0.04166652f;
    result = result * x + 0.16666666f;
    result = result * x + 0.5f;
    return result;
}

/* Return e^x - 1, with full relative accuracy near zero. */
static inline real symbp_expm1(real x)
{
    real y = x > 89.0f ? 89.0f : x;
    y = y < -20.0f ? -20.0f : y;
    real shifted = y * 1.442695f + 12583038.0f;
    real n = shifted - 12583038.0f;
    real r = y - (n * 0.69314575f) - (n * 1.4286068e-06f);
    real half = symbp_power_of_two(shifted);
    real result = half * (r + (r * r * symbp_polynomial_expm1(r))) + (half - 0.5f);
    return fabsf(x) < 1e-10f ? x : (result + result);
}

static inline real symbp_polynomial_tanh(real x)
{
    real result = 0.00832339f;
    result = result * x + 0.5f;
    return result;
}

static inline real symbp_polynomial_tanh_denominator(real x)
{
    real result = 0.09998005f;
    result = result * x + 1.0f;
    return result;
}

/* Return 1 / (1 + e^-x), where e^-x = 2^n (b - a) / (b + a) and a / b = tanh(r / 2). */
static inline real symbp_sigmoid(real x)
{
    x = x > 20.0f ? 20.0f : x;
    x = x < -104.0f ? -104.0f : x;
    real shifted = 12582975.0f - (x * 1.442695f);
    real n = shifted - 12582975.0f;
    real r = x + (n * 0.69314575f) + (n * 1.4286068e-06f);
    real a = r * symbp_polynomial_tanh(r * r);
    real b = symbp_polynomial_tanh_denominator(r * r);
    real top = symbp_from_bits(symbp_to_bits(b + a) - 0x20000000u);
    return top / (top + (symbp_power_of_two(shifted) * (b - a)));
}

static inline real symbp_polynomial_tanh_near(real x)
{
    real result = -0.0055291955f;
    result = result * x + 1.1999587f;
    result = result * x + 3.0000026f;
    return result;
}

/* Return the hyperbolic tangent: x - x^3 / d(x^2) below 0.625, 1 - 2 / (e^2x + 1) above. */
static inline real symbp_tanh(real x)
{
    real t = fabsf(x);
    t = t > 10.0f ? 10.0f : t;
    int near = t < 0.625f;
    real square = t * t;
    real y = t + t;
    real shifted = y * 1.442695f + 12583038.0f;
    real n = shifted - 12583038.0f;
    real r = y - (n * 0.6931472f);
    real bottom = 1.0f + (symbp_polynomial_exp(r) * symbp_power_of_two(shifted));
    real top = near ? (t * square) : 2.0f;
    bottom = near ? symbp_polynomial_tanh_near(square) : bottom;
    return symbp_with_sign_of((near ? t : 1.0f) - (top / bottom), x);
}

static inline real symbp_polynomial_log(real x)
{
    real result = 0.29844475f;
    result = result * x + 0.39978746f;
    result = result * x + 0.66666764f;
    return result;
}

/* Return the natural logarithm: x = 2^k (1 + f), and log(1 + f) is a series in f / (2 + f). */
static inline real symbp_log(real x)
{
    int subnormal = x < 1.1754944e-38f;
    real scaled = subnormal ? (x * 33554432.0f) : x;
    real offset = subnormal ? -25.0f : 0.0f;
    uint32_t bits = symbp_to_bits(scaled);
    uint32_t exponent = (uint32_t)((int32_t)(bits - 0x3f3504f3u) >> 23);
    real f = symbp_from_bits(bits - (exponent << 23)) - 1.0f;
    real k = symbp_from_bits(exponent + 0x4b400000u) - 12582912.0f + offset;
    real s = f / (2.0f + f);
    real half_square = 0.5f * f * f;
    real tail = s * (half_square + (s * s * symbp_polynomial_log(s * s)));
    real result = k * 0.69314575f - (half_square - (tail + (k * 1.4286068e-06f)) - f);
    result = x < (real)INFINITY ? result : x;
    result = x > 0.0f ? result : (real)NAN;
    return x == 0.0f ? (-(real)INFINITY) : result;
}

/* Return log(1 + x): as `log`, with what rounding 1 + x loses added to f. */
static inline real symbp_log1p(real x)
{
    real u = 1.0f + x;
    real rest = u - 1.0f;
    real lost = 1.0f - (u - rest) + (x - rest);
    uint32_t bits = symbp_to_bits(u);
    uint32_t exponent = (uint32_t)((int32_t)(bits - 0x3f3504f3u) >> 23);
    real scale = symbp_from_bits((0x80u - exponent) << 23);
    real f = symbp_from_bits(bits - (exponent << 23)) - 1.0f + (lost * (0.5f * scale));
    real k = symbp_from_bits(exponent + 0x4b400000u) - 12582912.0f;
    real s = f / (2.0f + f);
    real half_square = 0.5f * f * f;
    real tail = s * (half_square + (s * s * symbp_polynomial_log(s * s)));
    real result = k * 0.69314575f - (half_square - (tail + (k * 1.4286068e-06f)) - f);
    result = x < (real)INFINITY ? result : x;
    result = x > -1.0f ? result : (real)NAN;
    result = x == 0.0f ? x : result;
    return x == -1.0f ? (-(real)INFINITY) : result;
}

static inline real symbp_polynomial_softplus(real x)
{
    real result = 0.2799514f;
    result = result * x + 0.28006032f;
    result = result * x + 0.40021196f;
    result = result * x + 0.66666424f;
    return result;
}

/* Return log(1 + e^x) = max(x, 0) + log(1 + y) with y = e^-|x|. */
static inline real symbp_softplus(real x)
{
    real magnitude = fabsf(x);
    magnitude = magnitude > 104.0f ? 104.0f : magnitude;
    real lifted = symbp_lifted_exp(-magnitude, 0.0f);
    real y = lifted * 5.421011e-20f;
    real q = y / (2.0f + y);
    real rest = (x > 0.0f ? x : 0.0f) - (q * (y - (q * q * symbp_polynomial_softplus(q * q))));
    return lifted * 5.421011e-20f + rest;
}

static inline real symbp_polynomial_erf(real x)
{
    real result = 8.391347e-05f;
    result = result * x + -0.00081439916f;
    result = result * x + 0.005200712f;
    result = result * x + -0.02685902f;
    result = result * x + 0.112836815f;
    result = result * x + -0.37612632f;
    result = result * x + 0.12837917f;
    return result;
}

static inline real symbp_polynomial_erf_tail(real x)
{
    real result = -5.1439583e-06f;
    result = result * x + 4.8129226e-05f;
    result = result * x + 3.637982e-05f;
    result = result * x + -0.0028930174f;
    result = result * x + 0.022612927f;
    result = result * x + -0.10520356f;
    result = result * x + -0.6356563f;
    result = result * x + -1.1285449f;
    return result;
}

/* Return the error function: an odd polynomial below 0.9, one minus e^p(|x|) above. */
static inline real symbp_erf(real x)
{
    real magnitude = fabsf(x);
    real inner = x + (x * symbp_polynomial_erf(x * x));
    real t = magnitude > 4.0f ? 4.0f : magnitude;
    real outer = 1.0f - (symbp_lifted_exp(t * symbp_polynomial_erf_tail(t), 0.0f) * 5.421011e-20f);
    return magnitude < 0.9f ? inner : symbp_with_sign_of(outer, x);
}

/* Return 2^64 exp(-t^2 / 2), with what rounding t^2 loses. */
static inline real symbp_lifted_gaussian(real t)
{
    real square = t * t;
    return symbp_lifted_exp(-0.5f * square, -0.5f * fmaf(t, t, -square));
}

static inline real symbp_polynomial_tail(real x)
{
    real result = 0.0041313237f;
    result = result * x + 0.040747926f;
    result = result * x + 0.18359496f;
    result = result * x + 0.43881088f;
    result = result * x + 0.5f;
    return result;
}

static inline real symbp_polynomial_tail_denominator(real x)
{
    real result = 0.010355579f;
    result = result * x + 0.10214611f;
    result = result * x + 0.47041428f;
    result = result * x + 1.2040467f;
    result = result * x + 1.6755066f;
    result = result * x + 1.0f;
    return result;
}

/* Return x Phi(x) = max(x, 0) - |x| Phi(-|x|); Phi is the normal distribution function. */
static inline real symbp_gelu(real x)
{
    real t = fabsf(x);
    t = t > 15.0f ? 15.0f : t;
    real tail = symbp_lifted_gaussian(t) * (symbp_polynomial_tail(t) / symbp_polynomial_tail_denominator(t));
    return (x >= 0.0f ? x : -0.0f) - (t * tail * 5.421011e-20f);
}

/* Return the derivative of `gelu`, Phi(x) + x phi(x). */
static inline real symbp_gelu_prime(real x)
{
    real t = fabsf(x);
    t = t > 15.0f ? 15.0f : t;
    real ratio = symbp_polynomial_tail(t) / symbp_polynomial_tail_denominator(t);
    real tail = symbp_lifted_gaussian(t) * (ratio - (t * 0.3989423f)) * 5.421011e-20f;
    return x > 0.0f ? (1.0f - tail) : tail;
}

/* Return x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, which is x times a sigmoid. */
static inline real symbp_gelu_tanh(real x)
{
    real y = x < -15.0f ? -15.0f : x;
    return y * symbp_sigmoid(y * (1.5957692f + (0.071354814f * y * y)));
}

static inline real symbp_polynomial_sin(real x)
{
    real result = -0.00019481318f;
    result = result * x + 0.008331911f;
    result = result * x + -0.16666651f;
    return result;
}

static inline real symbp_polynomial_cos(real x)
{
    real result = 2.4392402e-05f;
    result = result * x + -0.0013886952f;
    result = result * x + 0.041666638f;
    return result;
}

/* Return sin(x + turns pi / 2) for 0 <= x <= 1e6, else NaN. x = n pi/2 + r + lost; pi/2 is a
   sum of three numbers. Beyond the range n is no longer certain. */
static inline real symbp_sine_after_quarter_turns(real x, uint32_t turns)
{
    real shifted = fmaf(x, 0.63661975f, 12582912.0f);
    real n = shifted - 12582912.0f;
    real first = fmaf(-n, 1.5707963f, x);
    real second = fmaf(n, 7.54979e-08f, -0.0f);
    real r = first - second;
    real lost = first - r - second - fmaf(n, 7.54979e-08f, -second);
    lost = fmaf(-n, -1.7151245e-15f, lost);
    real s = r * r;
    real sine = r + (r * s * symbp_polynomial_sin(s) + lost);
    real half = 0.5f * s;
    real w = 1.0f - half;
    real cosine = w + (s * s * symbp_polynomial_cos(s) + (1.0f - w - half - (r * lost)));
    uint32_t quadrant = symbp_to_bits(shifted) + turns;
    real result = quadrant & 0x1u ? cosine : sine;
    result = symbp_from_bits(symbp_to_bits(result) ^ ((quadrant & 0x2u) << 30));
    return x <= 1000000.0f ? result : (real)NAN;
}

/* Return the sine for |x| <= 1e6, else NaN. */
static inline real symbp_sin(real x)
{
    real of_magnitude = symbp_sine_after_quarter_turns(fabsf(x), 0x0u);
    return symbp_from_bits(symbp_to_bits(of_magnitude) ^ (symbp_to_bits(x) & 0x80000000u));
}

/* Return the cosine for |x| <= 1e6, else NaN. */
static inline real symbp_cos(real x)
{
    return symbp_sine_after_quarter_turns(fabsf(x), 0x1u);
}

/* Return the derivative of `tanh`, 4 e / (1 + e)^2 with e = exp(-2 |x|). */
static inline real symbp_tanh_prime(real x)
{
    real t = fabsf(x);
    t = t > 57.0f ? 57.0f : t;
    real lifted = symbp_lifted_exp(-(t + t), 0.0f);
    real bottom = 1.0f + (lifted * 5.421011e-20f);
    return (4.0f * lifted / (bottom * bottom)) * 5.421011e-20f;
}

/* Return x / (1 + e^-x): as `sigmoid`, with x in the numerator, so that it rounds once. */
static inline real symbp_silu(real x)
{
    real y = x > 20.0f ? 20.0f : x;
    y = y < -115.0f ? -115.0f : y;
    real shifted = 12582975.0f - (y * 1.442695f);
    real n = shifted - 12582975.0f;
    real r = y + (n * 0.69314575f) + (n * 1.4286068e-06f);
    real a = r * symbp_polynomial_tanh(r * r);
    real b = symbp_polynomial_tanh_denominator(r * r);
    real top = symbp_from_bits(symbp_to_bits(b + a) - 0x20000000u);
    real result = (y * (b + a) / (top + (symbp_power_of_two(shifted) * (b - a)))) * 5.421011e-20f;
    return x > 20.0f ? x : result;
}

/* Return the derivative of `silu`, which is e (1 + e - t) / (1 + e)^2 at -t, e = exp(-t). */
static inline real symbp_silu_prime(real x)
{
    real t = fabsf(x);
    t = t > 115.0f ? 115.0f : t;
    real lifted = symbp_lifted_exp(-t, 0.0f);
    real e = lifted * 5.421011e-20f;
    real bottom = 1.0f + e;
    real tail = (lifted * (1.0f - t + e) / (bottom * bottom)) * 5.421011e-20f;
    return x > 0.0f ? (1.0f - tail) : tail;
}

/* Return the derivative of `erf`, 2 exp(-x^2) / sqrt(pi), with what rounding x^2 loses. */
static inline real symbp_erf_prime(real x)
{
    real t = fabsf(x);
    t = t > 10.5f ? 10.5f : t;
    real square = t * t;
    real lifted = symbp_lifted_exp(-square, -fmaf(t, t, -square));
    return 1.1283792f * lifted * 5.421011e-20f;
}

/* Return the derivative of `gelu_tanh`, x sigmoid(u(x)); as that of `silu`, with t u'(t). */
static inline real symbp_gelu_tanh_prime(real x)
{
    real t = fabsf(x);
    t = t > 11.0f ? 11.0f : t;
    real square = t * t;
    real lifted = symbp_lifted_exp(-t * (1.5957692f + (0.071354814f * square)), 0.0f);
    real e = lifted * 5.421011e-20f;
    real bottom = 1.0f + e;
    real slope = t * (1.5957692f + (0.21406445f * square));
    real tail = (lifted * (1.0f - slope + e) / (bottom * bottom)) * 5.421011e-20f;
    return x > 0.0f ? (1.0f - tail) : tail;
}

/* Return the tangent, the sine over the cosine. */
static inline real symbp_tan(real x)
{
    return symbp_sin(x) / symbp_cos(x);
}

/* Return (e^x - e^-x) / 2, which is e + e / (1 + 2 e) with e = (e^|x| - 1) / 2. */
static inline real symbp_sinh(real x)
{
    real t = fabsf(x);
    t = t > 89.5f ? 89.5f : t;
    real shifted = t * 1.442695f + 12583037.0f;
    real n = shifted - 12583037.0f;
    real r = t - (n * 0.69314575f) - (n * 1.4286068e-06f);
    real quarter = symbp_power_of_two(shifted);
    real e = quarter * (r + (r * r * symbp_polynomial_expm1(r))) + (quarter - 0.25f);
    e = e + e;
    real rest = e / (1.0f + (e + e));
    real result = e + (e < (real)INFINITY ? rest : 0.0f);
    return symbp_with_sign_of(t < 1e-10f ? t : result, x);
}

/* Return (e^x + e^-x) / 2, from a quarter of e^|x|, which does not overflow before it. */
static inline real symbp_cosh(real x)
{
    real t = fabsf(x);
    t = t > 89.5f ? 89.5f : t;
    real shifted = t * 1.442695f + 12583036.0f;
    real n = shifted - 12583036.0f;
    real r = t - (n * 0.69314575f) - (n * 1.4286068e-06f);
    real e = symbp_polynomial_exp(r) * symbp_power_of_two(shifted);
    return e + e + (0.125f / e);
}

static inline real symbp_polynomial_atan(real x)
{
    real result = 0.08069564f;
    result = result * x + -0.13883184f;
    result = result * x + 0.19978298f;
    result = result * x + -0.33332968f;
    return result;
}

/* Return the angle of the point (x, y), neither of them negative; of (-x, y) by the sign. It
   is atan(y / x), pi / 4 + atan((y - x) / (y + x)) or pi / 2 - atan(x / y): one division. */
static inline real symbp_angle(real y, real x, real sign)
{
    int near = y <= (0.41421357f * x);
    int far = y > (2.4142137f * x);
    real top = near ? y : (y - x);
    real bottom = near ? x : (y + x);
    top = far ? -x : top;
    bottom = far ? y : bottom;
    bottom = bottom == 0.0f ? 1.0f : bottom;
    real r = top / bottom;
    int back = sign < 0.0f;
    real high = back ? 3.1415927f : 0.0f;
    real low = back ? -8.742278e-08f : 0.0f;
    real between_high = back ? 2.3561945f : 0.7853982f;
    real between_low = back ? -5.9624403e-09f : -2.1855694e-08f;
    high = near ? high : between_high;
    low = near ? low : between_low;
    high = far ? 1.5707964f : high;
    low = far ? -4.371139e-08f : low;
    r = back ? -r : r;
    real s = r * r;
    return high + (r + (r * s * symbp_polynomial_atan(s) + low));
}

/* Return the angle between -pi / 2 and pi / 2 whose tangent is x. */
static inline real symbp_atan(real x)
{
    return symbp_with_sign_of(symbp_angle(fabsf(x), 1.0f, 1.0f), x);
}

/* Return the angle of the point (x, y), from -pi to pi; of the origin 0, or pi for x = -0. */
static inline real symbp_atan2(real y, real x)
{
    real a = fabsf(y);
    real b = fabsf(x);
    real least = b < a ? b : a;
    real most = b < a ? a : b;
    a = least == (real)INFINITY ? 1.0f : a;
    b = least == (real)INFINITY ? 1.0f : b;
    real scale = most > 1.329228e+36f ? 0.25f : 1.0f;
    real result = symbp_with_sign_of(symbp_angle(a * scale, b * scale, symbp_with_sign_of(1.0f, x)), y);
    result = x == x ? result : x;
    return y == y ? result : y;
}

/* Return the angle from -pi / 2 to pi / 2 whose sine is x. */
static inline real symbp_asin(real x)
{
    real t = fabsf(x);
    return symbp_with_sign_of(symbp_angle(t, symbp_sqrt((1.0f - t) * (1.0f + t)), 1.0f), x);
}

/* Return the angle from 0 to pi whose cosine is x. */
static inline real symbp_acos(real x)
{
    real t = fabsf(x);
    return symbp_angle(symbp_sqrt((1.0f - t) * (1.0f + t)), t, symbp_with_sign_of(1.0f, x));
}

/* Return log(x + sqrt(x^2 + 1)), as log1p of t + t^2 / (1 + sqrt(1 + t^2)) with t = |x|. */
static inline real symbp_asinh(real x)
{
    real t = fabsf(x);
    real y = t > 1073741800.0f ? 1.0f : t;
    real square = y * y;
    real result = symbp_log1p(t + (square / (1.0f + symbp_sqrt(1.0f + square))));
    result = result + (t > 1073741800.0f ? 0.6931472f : 0.0f);
    return symbp_with_sign_of(result, x);
}

/* Return log(x + sqrt(x^2 - 1)), as log1p of t + sqrt(t (t + 2)) with t = x - 1. */
static inline real symbp_acosh(real x)
{
    real t = x - 1.0f;
    real y = t > 1073741800.0f ? 0.0f : t;
    real result = symbp_log1p(t + symbp_sqrt(y * (y + 2.0f)));
    result = result + (t > 1073741800.0f ? 0.6931472f : 0.0f);
    return x >= 1.0f ? result : (real)NAN;
}

/* Return log((1 + x) / (1 - x)) / 2, as half of log1p of 2 t / (1 - t) with t = |x|. */
static inline real symbp_atanh(real x)
{
    real t = fabsf(x);
    return symbp_with_sign_of(0.5f * symbp_log1p((t + t) / (1.0f - t)), x);
}

/* Return 1 - erf(x): exp(-x^2), with what rounding x^2 loses, times twice the normal tail's. */
static inline real symbp_erfc(real x)
{
    real t = fabsf(x);
    t = t > 10.19f ? 10.19f : t;
    real square = t * t;
    real lifted = symbp_lifted_exp(-square, -fmaf(t, t, -square));
    real u = t * 1.4142135f;
    real tail = lifted * (symbp_polynomial_tail(u) / symbp_polynomial_tail_denominator(u));
    tail = (tail + tail) * 5.421011e-20f;
    return x < 0.0f ? (2.0f - tail) : tail;
}

static inline real symbp_polynomial_mills(real x)
{
    real result = -15.0f;
    result = result * x + 3.0f;
    result = result * x + -1.0f;
    result = result * x + 1.0f;
    return result;
}

/* Return the normal tail beyond t >= 0, Phi(-t), divided by exp(-t^2 / 2). */
static inline real symbp_normal_tail_ratio(real t)
{
    int far = t > 15.0f;
    real y = far ? 15.0f : t;
    real top = symbp_polynomial_tail(y);
    real bottom = symbp_polynomial_tail_denominator(y);
    real inverse = 1.0f / t;
    top = far ? symbp_polynomial_mills(inverse * inverse) : top;
    bottom = far ? (t * 2.5066283f) : bottom;
    return top / bottom;
}

/* Return log Phi(x): of the tail's ratio and exponent below 0, log(1 - Phi(-x)) above. */
static inline real symbp_log_ndtr(real x)
{
    real t = fabsf(x);
    real ratio = symbp_normal_tail_ratio(t);
    real y = t > 15.0f ? 15.0f : t;
    real below = symbp_log(ratio) - (0.5f * t * t);
    real above = symbp_log1p(-(symbp_lifted_gaussian(y) * ratio * 5.421011e-20f));
    return x > 0.0f ? above : below;
}

/* Return phi(x) / Phi(x), the derivative of log Phi(x). */
static inline real symbp_inverse_mills_ratio(real x)
{
    real t = fabsf(x);
    real ratio = symbp_normal_tail_ratio(t);
    real y = t > 15.0f ? 15.0f : t;
    real gaussian = symbp_lifted_gaussian(y);
    real below = t > 100000.0f ? t : (0.3989423f / ratio);
    real above = (0.3989423f * gaussian / (1.0f - (gaussian * ratio * 5.421011e-20f))) * 5.421011e-20f;
    return x > 0.0f ? above : below;
}

static inline real symbp_polynomial_gammaln(real x)
{
    real result = 0.0023589283f;
    result = result * x + 0.07341837f;
    result = result * x + 0.47017244f;
    result = result * x + 0.9474412f;
    result = result * x + 0.5772157f;
    return result;
}

static inline real symbp_polynomial_gammaln_denominator(real x)
{
    real result = 0.0005365056f;
    result = result * x + 0.032550618f;
    result = result * x + 0.37496722f;
    result = result * x + 1.4232079f;
    result = result * x + 2.0662858f;
    result = result * x + 1.0f;
    return result;
}

static inline real symbp_polynomial_gammaln_far(real x)
{
    real result = 0.00074813655f;
    result = result * x + -0.0027767671f;
    result = result * x + 0.08333333f;
    return result;
}

/* Return log Gamma(x): (x - 1) (x - 2) times a quotient, or Stirling's formula. */
static inline real symbp_gammaln(real x)
{
    int shifted = x < 0.7f;
    real logarithm = symbp_log(x);
    real v = shifted ? x : (x - 1.0f);
    real near = v * (v - 1.0f) * (symbp_polynomial_gammaln(v) / symbp_polynomial_gammaln_denominator(v));
    near = shifted ? (near - logarithm) : near;
    real w = 1.0f / x;
    real s = w * w;
    real rest = symbp_polynomial_gammaln_far(s);
    real far = (x - 0.5f) * (logarithm - 1.0f) + (0.41893855f + (w * rest));
    return x > 4.5f ? far : near;
}

static inline real symbp_polynomial_digamma(real x)
{
    real result = 0.00015201615f;
    result = result * x + 0.033127014f;
    result = result * x + 0.4236109f;
    result = result * x + 1.3932052f;
    result = result * x + 1.2503802f;
    return result;
}

static inline real symbp_polynomial_digamma_denominator(real x)
{
    real result = 0.008199401f;
    result = result * x + 0.17627586f;
    result = result * x + 0.96585596f;
    result = result * x + 1.797772f;
    result = result * x + 1.0f;
    return result;
}

static inline real symbp_polynomial_digamma_far(real x)
{
    real result = 0.0036132566f;
    result = result * x + -0.008323478f;
    result = result * x + 0.083333254f;
    return result;
}

/* Return the derivative of log Gamma(x): its root times a quotient, or a series in 1 / x. */
static inline real symbp_digamma(real x)
{
    real v = x < 0.7f ? x : (x - 1.0f);
    real away = v - 0.46163213f - 1.243815e-08f;
    real w = 1.0f / fabsf(x);
    real s = w * w;
    real near = away * (symbp_polynomial_digamma(v) / symbp_polynomial_digamma_denominator(v));
    near = x < 0.7f ? (near - w) : near;
    real far = symbp_log(x) - (0.5f * w + (s * symbp_polynomial_digamma_far(s)));
    real result = x > 4.5f ? far : near;
    return x >= 0.0f ? result : (real)NAN;
}

static inline real symbp_polynomial_trigamma(real x)
{
    real result = 3.025869e-06f;
    result = result * x + 0.43622127f;
    result = result * x + 1.926587f;
    result = result * x + 2.9817262f;
    result = result * x + 1.644934f;
    return result;
}

static inline real symbp_polynomial_trigamma_denominator(real x)
{
    real result = 0.4362665f;
    result = result * x + 2.1444044f;
    result = result * x + 3.9826288f;
    result = result * x + 3.274198f;
    result = result * x + 1.0f;
    return result;
}

static inline real symbp_polynomial_trigamma_far(real x)
{
    real result = 0.021062884f;
    result = result * x + -0.033258557f;
    result = result * x + 0.16666608f;
    return result;
}

/* Return the derivative of digamma: a quotient, or a series in 1 / x. */
static inline real symbp_trigamma(real x)
{
    real v = x < 0.7f ? x : (x - 1.0f);
    real w = 1.0f / x;
    real s = w * w;
    real near = symbp_polynomial_trigamma(v) / symbp_polynomial_trigamma_denominator(v);
    near = x < 0.7f ? (near + s) : near;
    real far = w + (s * (0.5f + (w * symbp_polynomial_trigamma_far(s))));
    real result = x > 4.5f ? far : near;
    return x >= 0.0f ? result : (real)NAN;
}
