/* What the mathematical library and the representation of a number give. */

static inline uint32_t symbp_to_bits(real x)
{
    union { real value; uint32_t bits; } both;
    both.value = x;
    return both.bits;
}

static inline real symbp_from_bits(uint32_t bits)
{
    union { real value; uint32_t bits; } both;
    both.bits = bits;
    return both.value;
}

static inline real symbp_sqrt(real x)
{
    return sqrtf(x);
}

static inline real symbp_abs(real x)
{
    return fabsf(x);
}

static inline real symbp_pow(real x, real y)
{
    return powf(x, y);
}

static inline real symbp_floor(real x)
{
    return floorf(x);
}

static inline real symbp_ceil(real x)
{
    return ceilf(x);
}

static inline real symbp_round(real x)
{
    return rintf(x);
}

static inline real symbp_rest_of_division(real a, real b)
{
    return fmodf(a, b);
}

static inline real symbp_copysign(real x, real y)
{
    return copysignf(x, y);
}
