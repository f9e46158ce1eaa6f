/* Short functions of one or two numbers, the same in both precisions. */

static inline real symbp_square(real x)
{
    return x * x;
}

static inline real symbp_cube(real x)
{
    return x * x * x;
}

static inline real symbp_fourth_power(real x)
{
    return x * x * x * x;
}

static inline real symbp_relu(real x)
{
    return x <= 0 ? 0 : x;
}

static inline real symbp_leaky_relu(real x, real slope)
{
    return x > 0 ? x : slope * x;
}

static inline real symbp_elu(real x, real alpha)
{
    return x > 0 ? x : alpha * symbp_expm1(x);
}

/* -1, 0 or 1; NaN of NaN. */
static inline real symbp_sign(real x)
{
    return x > 0 ? 1 : (x < 0 ? -1 : x);
}

/* The larger of two numbers, NaN if either is. */
static inline real symbp_maximum(real a, real b)
{
    return a >= b || a != a ? a : b;
}

/* The smaller of two numbers, NaN if either is. */
static inline real symbp_minimum(real a, real b)
{
    return a <= b || a != a ? a : b;
}

/* What is left of a after whole multiples of b, with the sign of b. */
static inline real symbp_mod(real a, real b)
{
    real rest = symbp_rest_of_division(a, b);
    if (rest == 0) {
        return symbp_copysign(0, b);
    }
    return (b < 0) != (rest < 0) ? rest + b : rest;
}

/* 0 below 0, 1 above, a given number at 0; NaN of NaN. */
static inline real symbp_heaviside(real x, real at_zero)
{
    return x > 0 ? 1 : (x < 0 ? 0 : (x == 0 ? at_zero : x));
}

/* a b, but 0 at a = 0 for every b. */
static inline real symbp_absorbing_product(real a, real b)
{
    return a != 0 ? a * b : 0;
}

/* y x^(y - 1), but 0 at y = 0. */
static inline real symbp_power_slope(real x, real y)
{
    return y != 0 ? y * symbp_pow(x, y - 1) : 0;
}

/* x^y log x, but 0 at x = 0 for y >= 0. */
static inline real symbp_power_log(real x, real y)
{
    return x == 0 && y >= 0 ? 0 : symbp_pow(x, y) * symbp_log(x);
}

/* 1 / (2 r), but 0 at r = 0. */
static inline real symbp_half_reciprocal(real r)
{
    return r != 0 ? (real)0.5 / r : 0;
}

/* x log y, but 0 at x = 0 unless y is NaN. */
static inline real symbp_xlogy(real x, real y)
{
    return x != 0 || y != y ? x * symbp_log(y) : 0;
}

/* x log(1 + y), but 0 at x = 0 unless y is NaN. */
static inline real symbp_xlog1py(real x, real y)
{
    return x != 0 || y != y ? x * symbp_log1p(y) : 0;
}

/* The quotient of whole numbers, rounded down; b is positive. */
static inline ptrdiff_t symbp_quotient(ptrdiff_t a, ptrdiff_t b)
{
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/* What is left of a after multiples of b, from 0 on; b is positive. */
static inline ptrdiff_t symbp_remainder(ptrdiff_t a, ptrdiff_t b)
{
    return a - b * symbp_quotient(a, b);
}

static inline ptrdiff_t symbp_smaller(ptrdiff_t a, ptrdiff_t b)
{
    return a < b ? a : b;
}

static inline ptrdiff_t symbp_larger(ptrdiff_t a, ptrdiff_t b)
{
    return a > b ? a : b;
}
