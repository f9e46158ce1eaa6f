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
