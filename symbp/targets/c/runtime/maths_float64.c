/* Elementary functions of one number without branches, which a compiler vectorises.

   Written by `python -m symbp.targets.c.translate` from the vector maths of the Numba modules;
   what is pasted is what a translation unit uses. Bits are unsigned: their sums wrap around. */

/* Return 2^n from a number in whose lowest bits the exponent field of 2^n stands. */
static inline real symbp_power_of_two(real shifted)
{
    return symbp_from_bits(symbp_to_bits(shifted) << 52);
}

/* Return a number without a sign with the sign of another. */
static inline real symbp_with_sign_of(real magnitude, real x)
{
    return symbp_from_bits(symbp_to_bits(magnitude) | (symbp_to_bits(x) & UINT64_C(0x8000000000000000)));
}

static inline real symbp_polynomial_exp(real x)
{
    real result = 5.001692826206313e-08;
    result = result * x + 5.526100668902346e-07;
    result = result * x + 5.511511766932927e-06;
    result = result * x + 4.960298470742345e-05;
    result = result * x + 0.000396825390781875;
    result = result * x + 0.0027777777888796616;
    result = result * x + 0.01666666666695647;
    result = result * x + 0.08333333333305377;
    result = result * x + 0.3333333333333288;
    result = result * x + 1.0000000000000022;
    result = result * x + 2.0;
    result = result * x + 2.0;
    return result;
}

/* Return e^x: x = n log 2 + r, and 2 e^r is a polynomial. */
static inline real symbp_exp(real x)
{
    x = x > 710.0 ? 710.0 : x;
    x = x < -745.5 ? -745.5 : x;
    real shifted = x * 1.4426950408889634 + 6755399441056766.0;
    real n = shifted - 6755399441056766.0;
    real r = x - (n * 0.6931471805598903) - (n * 5.497923018708371e-14);
    int low = n < -1000.0;
    uint64_t bits = symbp_to_bits(shifted) << 52;
    bits = low ? (bits + UINT64_C(0x400000000000000)) : bits;
    real result = symbp_polynomial_exp(r) * symbp_from_bits(bits);
    return low ? (result * 5.421010862427522e-20) : result;
}

/* Return 2^64 e^(x + rest) for -745.5 <= x <= 0 and a tiny rest: a normal number. */
static inline real symbp_lifted_exp(real x, real rest)
{
    real shifted = x * 1.4426950408889634 + 6755399441056830.0;
    real n = shifted - 6755399441056830.0;
    real r = x - (n * 0.6931471805598903) - (n * 5.497923018708371e-14) + rest;
    return symbp_polynomial_exp(r) * symbp_power_of_two(shifted);
}

static inline real symbp_polynomial_expm1(real x)
{
    real result = 2.088620671503539e-09;
    result = result * x + 2.510913769689044e-08;
    result = result * x + 2.7557362704108385e-07;
    result = result * x + 2.7557243873245773e-06;
    result = result * x + 2.4801587227211232e-05;
    result = result * x + 0.00019841269886523922;
    result = result * x + 0.0013888888888928309;
    result = result * x + 0.008333333333321442;
    result = result * x + 0.0416666666666666;
    result = result * x + 0.16666666666666677;
    result = result * x + 0.5;
    return result;
}

/* Return e^x - 1, with full relative accuracy near zero. */
static inline real symbp_expm1(real x)
{
    real y = x > 710.0 ? 710.0 : x;
    y = y < -40.0 ? -40.0 : y;
    real shifted = y * 1.4426950408889634 + 6755399441056766.0;
    real n = shifted - 6755399441056766.0;
    real first = y - (n * 0.6931471805598903);
    real r = first - (n * 5.497923018708371e-14);
    real lost = first - r - (n * 5.497923018708371e-14);
    real half = symbp_power_of_two(shifted);
    real result = half * (r + (r * r * symbp_polynomial_expm1(r) + lost)) + (half - 0.5);
    return fabs(x) < 1e-20 ? x : (result + result);
}

static inline real symbp_polynomial_tanh(real x)
{
    real result = 3.3044357069446965e-05;
    result = result * x + 0.013887422272764707;
    result = result * x + 0.5;
    return result;
}

static inline real symbp_polynomial_tanh_denominator(real x)
{
    real result = 0.0009917702041606204;
    result = result * x + 0.1111081778788613;
    result = result * x + 1.0;
    return result;
}

/* Return 1 / (1 + e^-x), where e^-x = 2^n (b - a) / (b + a) and a / b = tanh(r / 2). */
static inline real symbp_sigmoid(real x)
{
    x = x > 40.0 ? 40.0 : x;
    x = x < -745.5 ? -745.5 : x;
    real shifted = 6755399441056255.0 - (x * 1.4426950408889634);
    real n = shifted - 6755399441056255.0;
    real r = x + (n * 0.6931471805598903) + (n * 5.497923018708371e-14);
    real a = r * symbp_polynomial_tanh(r * r);
    real b = symbp_polynomial_tanh_denominator(r * r);
    real top = symbp_from_bits(symbp_to_bits(b + a) - UINT64_C(0x2000000000000000));
    return top / (top + (symbp_power_of_two(shifted) * (b - a)));
}

static inline real symbp_polynomial_tanh_near(real x)
{
    real result = -2.740834916520856e-08;
    result = result * x + 5.974398228070584e-07;
    result = result * x + -1.2203243509111509e-05;
    result = result * x + 0.0002539681786462361;
    result = result * x + -0.005714285707151824;
    result = result * x + 1.1999999999996793;
    result = result * x + 3.000000000000005;
    return result;
}

/* Return the hyperbolic tangent: x - x^3 / d(x^2) below 0.625, 1 - 2 / (e^2x + 1) above. */
static inline real symbp_tanh(real x)
{
    real t = fabs(x);
    t = t > 20.0 ? 20.0 : t;
    int near = t < 0.625;
    real square = t * t;
    real y = t + t;
    real shifted = y * 1.4426950408889634 + 6755399441056766.0;
    real n = shifted - 6755399441056766.0;
    real r = y - (n * 0.6931471805598903) - (n * 5.497923018708371e-14);
    real a = r * symbp_polynomial_tanh(r * r);
    real b = symbp_polynomial_tanh_denominator(r * r);
    real bottom = symbp_power_of_two(shifted) * (b + a) + (0.5 * (b - a));
    real top = near ? (t * square) : (b - a);
    bottom = near ? symbp_polynomial_tanh_near(square) : bottom;
    return symbp_with_sign_of((near ? t : 1.0) - (top / bottom), x);
}

static inline real symbp_polynomial_log(real x)
{
    real result = 0.14756482289672876;
    result = result * x + 0.15318238253571437;
    result = result * x + 0.1818338897083886;
    result = result * x + 0.22222202232467997;
    result = result * x + 0.28571428703034585;
    result = result * x + 0.3999999999961525;
    result = result * x + 0.6666666666666698;
    return result;
}

/* Return the natural logarithm: x = 2^k (1 + f), and log(1 + f) is a series in f / (2 + f). */
static inline real symbp_log(real x)
{
    int subnormal = x < 2.2250738585072014e-308;
    real scaled = subnormal ? (x * 1.8014398509481984e+16) : x;
    real offset = subnormal ? -54.0 : 0.0;
    uint64_t bits = symbp_to_bits(scaled);
    uint64_t exponent = (uint64_t)((int64_t)(bits - UINT64_C(0x3fe6a09e667f3bcd)) >> 52);
    real f = symbp_from_bits(bits - (exponent << 52)) - 1.0;
    real k = symbp_from_bits(exponent + UINT64_C(0x4338000000000000)) - 6755399441055744.0 + offset;
    real s = f / (2.0 + f);
    real half_square = 0.5 * f * f;
    real tail = s * (half_square + (s * s * symbp_polynomial_log(s * s)));
    real result = k * 0.6931471805598903 - (half_square - (tail + (k * 5.497923018708371e-14)) - f);
    result = x < (real)INFINITY ? result : x;
    result = x > 0.0 ? result : (real)NAN;
    return x == 0.0 ? (-(real)INFINITY) : result;
}

/* Return log(1 + x): as `log`, with what rounding 1 + x loses added to f. */
static inline real symbp_log1p(real x)
{
    real u = 1.0 + x;
    real rest = u - 1.0;
    real lost = 1.0 - (u - rest) + (x - rest);
    uint64_t bits = symbp_to_bits(u);
    uint64_t exponent = (uint64_t)((int64_t)(bits - UINT64_C(0x3fe6a09e667f3bcd)) >> 52);
    real scale = symbp_from_bits((UINT64_C(0x400) - exponent) << 52);
    real f = symbp_from_bits(bits - (exponent << 52)) - 1.0 + (lost * (0.5 * scale));
    real k = symbp_from_bits(exponent + UINT64_C(0x4338000000000000)) - 6755399441055744.0;
    real s = f / (2.0 + f);
    real half_square = 0.5 * f * f;
    real tail = s * (half_square + (s * s * symbp_polynomial_log(s * s)));
    real result = k * 0.6931471805598903 - (half_square - (tail + (k * 5.497923018708371e-14)) - f);
    result = x < (real)INFINITY ? result : x;
    result = x > -1.0 ? result : (real)NAN;
    result = x == 0.0 ? x : result;
    return x == -1.0 ? (-(real)INFINITY) : result;
}

static inline real symbp_polynomial_softplus(real x)
{
    real result = 0.169463886038048;
    result = result * x + 0.08381538357001769;
    result = result * x + 0.12095932363516683;
    result = result * x + 0.13302358576633716;
    result = result * x + 0.15386445004907323;
    result = result * x + 0.18181749874440614;
    result = result * x + 0.22222223780380967;
    result = result * x + 0.2857142855135192;
    result = result * x + 0.4000000000012426;
    result = result * x + 0.6666666666666642;
    return result;
}

/* Return log(1 + e^x) = max(x, 0) + log(1 + y) with y = e^-|x|. */
static inline real symbp_softplus(real x)
{
    real magnitude = fabs(x);
    magnitude = magnitude > 745.5 ? 745.5 : magnitude;
    real lifted = symbp_lifted_exp(-magnitude, 0.0);
    real y = lifted * 5.421010862427522e-20;
    real q = y / (2.0 + y);
    real rest = (x > 0.0 ? x : 0.0) - (q * (y - (q * q * symbp_polynomial_softplus(q * q))));
    return lifted * 5.421010862427522e-20 + rest;
}

static inline real symbp_polynomial_erf(real x)
{
    real result = -8.685449192395721e-10;
    result = result * x + 1.4141569775931395e-08;
    result = result * x + -1.629497460796458e-07;
    result = result * x + 1.645748442208949e-06;
    result = result * x + -1.4925465903467292e-05;
    result = result * x + 0.00012055328979745888;
    result = result * x + -0.0008548327003818177;
    result = result * x + 0.005223977626624696;
    result = result * x + -0.026866170645427116;
    result = result * x + 0.1128379167095798;
    result = result * x + -0.37612638903183865;
    result = result * x + 0.1283791670955126;
    return result;
}

static inline real symbp_polynomial_erf_tail(real x)
{
    real result = 1.7594220412101286e-12;
    result = result * x + -7.692472467874944e-11;
    result = result * x + 1.5755028233736486e-09;
    result = result * x + -2.0076799552704212e-08;
    result = result * x + 1.7810999928203806e-07;
    result = result * x + -1.1636917333490502e-06;
    result = result * x + 5.752884948516261e-06;
    result = result * x + -2.1573684702315382e-05;
    result = result * x + 5.92221568103454e-05;
    result = result * x + -0.00010201968137455277;
    result = result * x + 1.1538188437359592e-05;
    result = result * x + 0.0005612767837100634;
    result = result * x + -0.001679487100470962;
    result = result * x + 0.00020228715428893652;
    result = result * x + 0.01913026696579515;
    result = result * x + -0.10277281638832693;
    result = result * x + -0.63661979289176;
    result = result * x + -1.1283791601624078;
    return result;
}

/* Return the error function: an odd polynomial below 0.9, one minus e^p(|x|) above. */
static inline real symbp_erf(real x)
{
    real magnitude = fabs(x);
    real inner = x + (x * symbp_polynomial_erf(x * x));
    real t = magnitude > 6.0 ? 6.0 : magnitude;
    real outer = 1.0 - (symbp_lifted_exp(t * symbp_polynomial_erf_tail(t), 0.0) * 5.421010862427522e-20);
    return magnitude < 0.9 ? inner : symbp_with_sign_of(outer, x);
}

/* Return 2^64 exp(-t^2 / 2), with what rounding t^2 loses. */
static inline real symbp_lifted_gaussian(real t)
{
    real square = t * t;
    return symbp_lifted_exp(-0.5 * square, -0.5 * fma(t, t, -square));
}

static inline real symbp_polynomial_tail(real x)
{
    real result = 1.371562235965222e-06;
    result = result * x + 3.69372939029142e-05;
    result = result * x + 0.0004869339391137554;
    result = result * x + 0.004065257658250698;
    result = result * x + 0.023509302459730767;
    result = result * x + 0.09732949715064883;
    result = result * x + 0.2885095119217855;
    result = result * x + 0.5928951788950474;
    result = result * x + 0.7740805191377181;
    result = result * x + 0.5;
    return result;
}

static inline real symbp_polynomial_tail_denominator(real x)
{
    real result = 3.4379966810977557e-06;
    result = result * x + 9.258806528309667e-05;
    result = result * x + 0.0012240003765543583;
    result = result * x + 0.010282677843240308;
    result = result * x + 0.06014276909683912;
    result = result * x + 0.2539737709214893;
    result = result * x + 0.7797086910266608;
    result = result * x + 1.7106782982462247;
    result = result * x + 2.5576639202344236;
    result = result * x + 2.3460455990782956;
    result = result * x + 1.0;
    return result;
}

/* Return x Phi(x) = max(x, 0) - |x| Phi(-|x|); Phi is the normal distribution function. */
static inline real symbp_gelu(real x)
{
    real t = fabs(x);
    t = t > 38.75 ? 38.75 : t;
    real tail = symbp_lifted_gaussian(t) * (symbp_polynomial_tail(t) / symbp_polynomial_tail_denominator(t));
    return (x >= 0.0 ? x : -0.0) - (t * tail * 5.421010862427522e-20);
}

/* Return the derivative of `gelu`, Phi(x) + x phi(x). */
static inline real symbp_gelu_prime(real x)
{
    real t = fabs(x);
    t = t > 38.75 ? 38.75 : t;
    real ratio = symbp_polynomial_tail(t) / symbp_polynomial_tail_denominator(t);
    real tail = symbp_lifted_gaussian(t) * (ratio - (t * 0.3989422804014327)) * 5.421010862427522e-20;
    return x > 0.0 ? (1.0 - tail) : tail;
}

/* Return x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, which is x times a sigmoid. */
static inline real symbp_gelu_tanh(real x)
{
    real y = x < -30.0 ? -30.0 : x;
    return y * symbp_sigmoid(y * (1.5957691216057308 + (0.07135481627260025 * y * y)));
}

static inline real symbp_polynomial_sin(real x)
{
    real result = 1.5877785388514758e-10;
    result = result * x + -2.5050422418333725e-08;
    result = result * x + 2.755731150241785e-06;
    result = result * x + -0.00019841269823382885;
    result = result * x + 0.008333333333314279;
    result = result * x + -0.166666666666666;
    return result;
}

static inline real symbp_polynomial_cos(real x)
{
    real result = -1.13479101152612e-11;
    result = result * x + 2.0875496115620127e-09;
    result = result * x + -2.755731269250748e-07;
    result = result * x + 2.4801587283850445e-05;
    result = result * x + -0.001388888888886547;
    result = result * x + 0.04166666666666655;
    return result;
}

/* Return sin(x + turns pi / 2) for 0 <= x <= 1e15, else NaN. x = n pi/2 + r + lost; pi/2 is a
   sum of three numbers. Beyond the range n is no longer certain. */
static inline real symbp_sine_after_quarter_turns(real x, uint64_t turns)
{
    real shifted = fma(x, 0.6366197723675814, 6755399441055744.0);
    real n = shifted - 6755399441055744.0;
    real first = fma(-n, 1.5707963267948966, x);
    real second = fma(n, 6.123233995736766e-17, -0.0);
    real r = first - second;
    real lost = first - r - second - fma(n, 6.123233995736766e-17, -second);
    lost = fma(-n, -1.4973849048591698e-33, lost);
    real s = r * r;
    real sine = r + (r * s * symbp_polynomial_sin(s) + lost);
    real half = 0.5 * s;
    real w = 1.0 - half;
    real cosine = w + (s * s * symbp_polynomial_cos(s) + (1.0 - w - half - (r * lost)));
    uint64_t quadrant = symbp_to_bits(shifted) + turns;
    real result = quadrant & UINT64_C(0x1) ? cosine : sine;
    result = symbp_from_bits(symbp_to_bits(result) ^ ((quadrant & UINT64_C(0x2)) << 62));
    return x <= 1000000000000000.0 ? result : (real)NAN;
}

/* Return the sine for |x| <= 1e15, else NaN. */
static inline real symbp_sin(real x)
{
    real of_magnitude = symbp_sine_after_quarter_turns(fabs(x), UINT64_C(0x0));
    return symbp_from_bits(symbp_to_bits(of_magnitude) ^ (symbp_to_bits(x) & UINT64_C(0x8000000000000000)));
}

/* Return the cosine for |x| <= 1e15, else NaN. */
static inline real symbp_cos(real x)
{
    return symbp_sine_after_quarter_turns(fabs(x), UINT64_C(0x1));
}

/* Return the derivative of `tanh`, 4 e / (1 + e)^2 with e = exp(-2 |x|). */
static inline real symbp_tanh_prime(real x)
{
    real t = fabs(x);
    t = t > 375.0 ? 375.0 : t;
    real lifted = symbp_lifted_exp(-(t + t), 0.0);
    real bottom = 1.0 + (lifted * 5.421010862427522e-20);
    return (4.0 * lifted / (bottom * bottom)) * 5.421010862427522e-20;
}

/* Return x / (1 + e^-x): as `sigmoid`, with x in the numerator, so that it rounds once. */
static inline real symbp_silu(real x)
{
    real y = x > 40.0 ? 40.0 : x;
    y = y < -752.0 ? -752.0 : y;
    real shifted = 6755399441056255.0 - (y * 1.4426950408889634);
    real n = shifted - 6755399441056255.0;
    real r = y + (n * 0.6931471805598903) + (n * 5.497923018708371e-14);
    real a = r * symbp_polynomial_tanh(r * r);
    real b = symbp_polynomial_tanh_denominator(r * r);
    real top = symbp_from_bits(symbp_to_bits(b + a) - UINT64_C(0x2000000000000000));
    real result = (y * (b + a) / (top + (symbp_power_of_two(shifted) * (b - a)))) * 7.458340731200207e-155;
    return x > 40.0 ? x : result;
}

/* Return the derivative of `silu`, which is e (1 + e - t) / (1 + e)^2 at -t, e = exp(-t). */
static inline real symbp_silu_prime(real x)
{
    real t = fabs(x);
    t = t > 752.0 ? 752.0 : t;
    real lifted = symbp_lifted_exp(-t, 0.0);
    real e = lifted * 5.421010862427522e-20;
    real bottom = 1.0 + e;
    real tail = (lifted * (1.0 - t + e) / (bottom * bottom)) * 5.421010862427522e-20;
    return x > 0.0 ? (1.0 - tail) : tail;
}

/* Return the derivative of `erf`, 2 exp(-x^2) / sqrt(pi), with what rounding x^2 loses. */
static inline real symbp_erf_prime(real x)
{
    real t = fabs(x);
    t = t > 27.4 ? 27.4 : t;
    real square = t * t;
    real lifted = symbp_lifted_exp(-square, -fma(t, t, -square));
    return 1.1283791670955126 * lifted * 5.421010862427522e-20;
}

/* Return the derivative of `gelu_tanh`, x sigmoid(u(x)); as that of `silu`, with t u'(t). */
static inline real symbp_gelu_tanh_prime(real x)
{
    real t = fabs(x);
    t = t > 21.592 ? 21.592 : t;
    real square = t * t;
    real lifted = symbp_lifted_exp(-t * (1.5957691216057308 + (0.07135481627260025 * square)), 0.0);
    real e = lifted * 5.421010862427522e-20;
    real bottom = 1.0 + e;
    real slope = t * (1.5957691216057308 + (0.21406444881780073 * square));
    real tail = (lifted * (1.0 - slope + e) / (bottom * bottom)) * 5.421010862427522e-20;
    return x > 0.0 ? (1.0 - tail) : tail;
}

/* Return the tangent, the sine over the cosine. */
static inline real symbp_tan(real x)
{
    return symbp_sin(x) / symbp_cos(x);
}

/* Return (e^x - e^-x) / 2, which is e + e / (1 + 2 e) with e = (e^|x| - 1) / 2. */
static inline real symbp_sinh(real x)
{
    real t = fabs(x);
    t = t > 710.5 ? 710.5 : t;
    real shifted = t * 1.4426950408889634 + 6755399441056765.0;
    real n = shifted - 6755399441056765.0;
    real first = t - (n * 0.6931471805598903);
    real r = first - (n * 5.497923018708371e-14);
    real lost = first - r - (n * 5.497923018708371e-14);
    real quarter = symbp_power_of_two(shifted);
    real e = quarter * (r + (r * r * symbp_polynomial_expm1(r) + lost)) + (quarter - 0.25);
    e = e + e;
    real rest = e / (1.0 + (e + e));
    real result = e + (e < (real)INFINITY ? rest : 0.0);
    return symbp_with_sign_of(t < 1e-20 ? t : result, x);
}

/* Return (e^x + e^-x) / 2, from a quarter of e^|x|, which does not overflow before it. */
static inline real symbp_cosh(real x)
{
    real t = fabs(x);
    t = t > 710.5 ? 710.5 : t;
    real shifted = t * 1.4426950408889634 + 6755399441056764.0;
    real n = shifted - 6755399441056764.0;
    real r = t - (n * 0.6931471805598903) - (n * 5.497923018708371e-14);
    real e = symbp_polynomial_exp(r) * symbp_power_of_two(shifted);
    return e + e + (0.125 / e);
}

static inline real symbp_polynomial_atan(real x)
{
    real result = -0.017993363981913497;
    result = result * x + 0.03814781233186321;
    result = result * x + -0.050427898378839056;
    result = result * x + 0.05848717014255008;
    result = result * x + -0.06663226696719343;
    result = result * x + 0.07692071958722019;
    result = result * x + -0.09090898485284368;
    result = result * x + 0.11111110811818936;
    result = result * x + -0.1428571428084804;
    result = result * x + 0.19999999999961304;
    result = result * x + -0.3333333333333323;
    return result;
}

/* Return the angle of the point (x, y), neither of them negative; of (-x, y) by the sign. It
   is atan(y / x), pi / 4 + atan((y - x) / (y + x)) or pi / 2 - atan(x / y): one division. */
static inline real symbp_angle(real y, real x, real sign)
{
    int near = y <= (0.41421356237309503 * x);
    int far = y > (2.414213562373095 * x);
    real top = near ? y : (y - x);
    real bottom = near ? x : (y + x);
    top = far ? -x : top;
    bottom = far ? y : bottom;
    bottom = bottom == 0.0 ? 1.0 : bottom;
    real r = top / bottom;
    int back = sign < 0.0;
    real high = back ? 3.141592653589793 : 0.0;
    real low = back ? 1.2246467991473532e-16 : 0.0;
    real between_high = back ? 2.356194490192345 : 0.7853981633974483;
    real between_low = back ? 9.184850993605148e-17 : 3.061616997868383e-17;
    high = near ? high : between_high;
    low = near ? low : between_low;
    high = far ? 1.5707963267948966 : high;
    low = far ? 6.123233995736766e-17 : low;
    r = back ? -r : r;
    real s = r * r;
    return high + (r + (r * s * symbp_polynomial_atan(s) + low));
}

/* Return the angle between -pi / 2 and pi / 2 whose tangent is x. */
static inline real symbp_atan(real x)
{
    return symbp_with_sign_of(symbp_angle(fabs(x), 1.0, 1.0), x);
}

/* Return the angle of the point (x, y), from -pi to pi; of the origin 0, or pi for x = -0. */
static inline real symbp_atan2(real y, real x)
{
    real a = fabs(y);
    real b = fabs(x);
    real least = b < a ? b : a;
    real most = b < a ? a : b;
    a = least == (real)INFINITY ? 1.0 : a;
    b = least == (real)INFINITY ? 1.0 : b;
    real scale = most > 1.0715086071862673e+301 ? 0.25 : 1.0;
    real result = symbp_with_sign_of(symbp_angle(a * scale, b * scale, symbp_with_sign_of(1.0, x)), y);
    result = x == x ? result : x;
    return y == y ? result : y;
}

/* Return the angle from -pi / 2 to pi / 2 whose sine is x. */
static inline real symbp_asin(real x)
{
    real t = fabs(x);
    return symbp_with_sign_of(symbp_angle(t, symbp_sqrt((1.0 - t) * (1.0 + t)), 1.0), x);
}

/* Return the angle from 0 to pi whose cosine is x. */
static inline real symbp_acos(real x)
{
    real t = fabs(x);
    return symbp_angle(symbp_sqrt((1.0 - t) * (1.0 + t)), t, symbp_with_sign_of(1.0, x));
}

/* Return log(x + sqrt(x^2 + 1)), as log1p of t + t^2 / (1 + sqrt(1 + t^2)) with t = |x|. */
static inline real symbp_asinh(real x)
{
    real t = fabs(x);
    real y = t > 1.152921504606847e+18 ? 1.0 : t;
    real square = y * y;
    real result = symbp_log1p(t + (square / (1.0 + symbp_sqrt(1.0 + square))));
    result = result + (t > 1.152921504606847e+18 ? 0.6931471805599453 : 0.0);
    return symbp_with_sign_of(result, x);
}

/* Return log(x + sqrt(x^2 - 1)), as log1p of t + sqrt(t (t + 2)) with t = x - 1. */
static inline real symbp_acosh(real x)
{
    real t = x - 1.0;
    real y = t > 1.152921504606847e+18 ? 0.0 : t;
    real result = symbp_log1p(t + symbp_sqrt(y * (y + 2.0)));
    result = result + (t > 1.152921504606847e+18 ? 0.6931471805599453 : 0.0);
    return x >= 1.0 ? result : (real)NAN;
}

/* Return log((1 + x) / (1 - x)) / 2, as half of log1p of 2 t / (1 - t) with t = |x|. */
static inline real symbp_atanh(real x)
{
    real t = fabs(x);
    return symbp_with_sign_of(0.5 * symbp_log1p((t + t) / (1.0 - t)), x);
}

/* Return 1 - erf(x): exp(-x^2), with what rounding x^2 loses, times twice the normal tail's. */
static inline real symbp_erfc(real x)
{
    real t = fabs(x);
    t = t > 27.3 ? 27.3 : t;
    real square = t * t;
    real lifted = symbp_lifted_exp(-square, -fma(t, t, -square));
    real u = t * 1.4142135623730951;
    real tail = lifted * (symbp_polynomial_tail(u) / symbp_polynomial_tail_denominator(u));
    tail = (tail + tail) * 5.421010862427522e-20;
    return x < 0.0 ? (2.0 - tail) : tail;
}

static inline real symbp_polynomial_mills(real x)
{
    real result = -945.0;
    result = result * x + 105.0;
    result = result * x + -15.0;
    result = result * x + 3.0;
    result = result * x + -1.0;
    result = result * x + 1.0;
    return result;
}

/* Return the normal tail beyond t >= 0, Phi(-t), divided by exp(-t^2 / 2). */
static inline real symbp_normal_tail_ratio(real t)
{
    int far = t > 38.75;
    real y = far ? 38.75 : t;
    real top = symbp_polynomial_tail(y);
    real bottom = symbp_polynomial_tail_denominator(y);
    real inverse = 1.0 / t;
    top = far ? symbp_polynomial_mills(inverse * inverse) : top;
    bottom = far ? (t * 2.5066282746310007) : bottom;
    return top / bottom;
}

/* Return log Phi(x): of the tail's ratio and exponent below 0, log(1 - Phi(-x)) above. */
static inline real symbp_log_ndtr(real x)
{
    real t = fabs(x);
    real ratio = symbp_normal_tail_ratio(t);
    real y = t > 38.75 ? 38.75 : t;
    real below = symbp_log(ratio) - (0.5 * t * t);
    real above = symbp_log1p(-(symbp_lifted_gaussian(y) * ratio * 5.421010862427522e-20));
    return x > 0.0 ? above : below;
}

/* Return phi(x) / Phi(x), the derivative of log Phi(x). */
static inline real symbp_inverse_mills_ratio(real x)
{
    real t = fabs(x);
    real ratio = symbp_normal_tail_ratio(t);
    real y = t > 38.75 ? 38.75 : t;
    real gaussian = symbp_lifted_gaussian(y);
    real below = t > 1000000000.0 ? t : (0.3989422804014327 / ratio);
    real above = (0.3989422804014327 * gaussian / (1.0 - (gaussian * ratio * 5.421010862427522e-20))) * 5.421010862427522e-20;
    return x > 0.0 ? above : below;
}

static inline real symbp_polynomial_gammaln(real x)
{
    real result = 3.134630622928066e-08;
    result = result * x + 2.7231317347744116e-05;
    result = result * x + 0.0015480732316112181;
    result = result * x + 0.028238887153229596;
    result = result * x + 0.231479125207156;
    result = result * x + 0.9861998529422188;
    result = result * x + 2.3271400964493516;
    result = result * x + 3.057227383446712;
    result = result * x + 2.0884751104950374;
    result = result * x + 0.5772156649015329;
    return result;
}

static inline real symbp_polynomial_gammaln_denominator(real x)
{
    real result = 6.204742612600672e-06;
    result = result * x + 0.0005432675676062427;
    result = result * x + 0.013998570599892715;
    result = result * x + 0.15824615521347227;
    result = result * x + 0.9301751800138799;
    result = result * x + 3.0918053755722155;
    result = result * x + 6.00831412044534;
    result = result * x + 6.745074916204925;
    result = result * x + 4.043075441162408;
    result = result * x + 1.0;
    return result;
}

static inline real symbp_polynomial_gammaln_far(real x)
{
    real result = 0.0005894972515970242;
    result = result * x + -0.005250991767165995;
    result = result * x + 0.2307320958134303;
    result = result * x + 0.35487717732603546;
    result = result * x + 0.08333333333333247;
    return result;
}

static inline real symbp_polynomial_gammaln_far_denominator(real x)
{
    real result = 2.9023233243000703;
    result = result * x + 4.291859461237254;
    result = result * x + 1.0;
    return result;
}

/* Return log Gamma(x): (x - 1) (x - 2) times a quotient, or Stirling's formula. */
static inline real symbp_gammaln(real x)
{
    int shifted = x < 0.7;
    real logarithm = symbp_log(x);
    real v = shifted ? x : (x - 1.0);
    real near = v * (v - 1.0) * (symbp_polynomial_gammaln(v) / symbp_polynomial_gammaln_denominator(v));
    near = shifted ? (near - logarithm) : near;
    real w = 1.0 / x;
    real s = w * w;
    real rest = symbp_polynomial_gammaln_far(s) / symbp_polynomial_gammaln_far_denominator(s);
    real far = (x - 0.5) * (logarithm - 1.0) + (0.4189385332046727 + (w * rest));
    return x > 4.5 ? far : near;
}

static inline real symbp_polynomial_digamma(real x)
{
    real result = 7.55118525166686e-09;
    result = result * x + 8.705714819630066e-06;
    result = result * x + 0.0005924498663502415;
    result = result * x + 0.013053570737790994;
    result = result * x + 0.12962969348412726;
    result = result * x + 0.6594383838062636;
    result = result * x + 1.7753548607031324;
    result = result * x + 2.388516414442578;
    result = result * x + 1.2503801375034054;
    return result;
}

static inline real symbp_polynomial_digamma_denominator(real x)
{
    real result = 1.5944644468972249e-06;
    result = result * x + 0.0001523906764250871;
    result = result * x + 0.00436514445020569;
    result = result * x + 0.05534915481945382;
    result = result * x + 0.3629088309885958;
    result = result * x + 1.3090248811448806;
    result = result * x + 2.5910298824623097;
    result = result * x + 2.593779025888863;
    result = result * x + 1.0;
    return result;
}

static inline real symbp_polynomial_digamma_far(real x)
{
    real result = 0.06211617609393384;
    result = result * x + 0.508739571071204;
    result = result * x + 0.47205957964709544;
    result = result * x + 0.08333333333331139;
    return result;
}

static inline real symbp_polynomial_digamma_far_denominator(real x)
{
    real result = 1.1842539214348076;
    result = result * x + 6.6337273296110135;
    result = result * x + 5.764714955615884;
    result = result * x + 1.0;
    return result;
}

/* Return the derivative of log Gamma(x): its root times a quotient, or a series in 1 / x. */
static inline real symbp_digamma(real x)
{
    real v = x < 0.7 ? x : (x - 1.0);
    real away = v - 0.46163214496836236 - -1.5522348162858677e-17;
    real w = 1.0 / fabs(x);
    real s = w * w;
    real near = away * (symbp_polynomial_digamma(v) / symbp_polynomial_digamma_denominator(v));
    near = x < 0.7 ? (near - w) : near;
    real far = symbp_log(x) - (0.5 * w + (s * (symbp_polynomial_digamma_far(s) / symbp_polynomial_digamma_far_denominator(s))));
    real result = x > 4.5 ? far : near;
    return x >= 0.0 ? result : (real)NAN;
}

static inline real symbp_polynomial_trigamma(real x)
{
    real result = 6.269417817587564e-12;
    result = result * x + 0.0006828156026300247;
    result = result * x + 0.02593418615436828;
    result = result * x + 0.2613856697453907;
    result = result * x + 1.2641749853261768;
    result = result * x + 3.4218974193677316;
    result = result * x + 5.3453440774237;
    result = result * x + 4.540778051573804;
    result = result * x + 1.6449340668482264;
    return result;
}

static inline real symbp_polynomial_trigamma_denominator(real x)
{
    real result = 0.0006828158119154486;
    result = result * x + 0.026275590627788246;
    result = result * x + 0.2744096995966986;
    result = result * x + 1.3970002689593544;
    result = result * x + 4.074687318758223;
    result = result * x + 7.150719597225281;
    result = result * x + 7.446203599060078;
    result = result * x + 4.221987979858514;
    result = result * x + 1.0;
    return result;
}

static inline real symbp_polynomial_trigamma_far(real x)
{
    real result = 0.7270171729630465;
    result = result * x + 6.500592630907524;
    result = result * x + 7.366411910625102;
    result = result * x + 2.1816397387446154;
    result = result * x + 0.1666666666666661;
    return result;
}

static inline real symbp_polynomial_trigamma_far_denominator(real x)
{
    real result = 9.221716929651452;
    result = result * x + 46.64772367186955;
    result = result * x + 46.71358200842434;
    result = result * x + 13.289838432464501;
    result = result * x + 1.0;
    return result;
}

/* Return the derivative of digamma: a quotient, or a series in 1 / x. */
static inline real symbp_trigamma(real x)
{
    real v = x < 0.7 ? x : (x - 1.0);
    real w = 1.0 / x;
    real s = w * w;
    real near = symbp_polynomial_trigamma(v) / symbp_polynomial_trigamma_denominator(v);
    near = x < 0.7 ? (near + s) : near;
    real far = w + (s * (0.5 + (w * (symbp_polynomial_trigamma_far(s) / symbp_polynomial_trigamma_far_denominator(s)))));
    real result = x > 4.5 ? far : near;
    return x >= 0.0 ? result : (real)NAN;
}
