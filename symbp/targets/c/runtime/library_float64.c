/* What the mathematical library and the representation of a number give. */

static inline uint64_t symbp_to_bits(real x)
{
    union { real value; uint64_t bits; } both;
    both.value = x;
    return both.bits;
}

static inline real symbp_from_bits(uint64_t bits)
{
    union { real value; uint64_t bits; } both;
    both.bits = bits;
    return both.value;
}

static inline real symbp_sqrt(real x)
{
    return sqrt(x);
}

static inline real symbp_abs(real x)
{
    return fabs(x);
}

static inline real symbp_pow(real x, real y)
{
    return pow(x, y);
}

static inline real symbp_floor(real x)
{
    return floor(x);
}

static inline real symbp_ceil(real x)
{
    return ceil(x);
}

static inline real symbp_round(real x)
{
    return rint(x);
}

static inline real symbp_rest_of_division(real a, real b)
{
    return fmod(a, b);
}

static inline real symbp_copysign(real x, real y)
{
    return copysign(x, y);
}
