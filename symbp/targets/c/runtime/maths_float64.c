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
