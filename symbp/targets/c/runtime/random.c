/* Random numbers of a place: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, SC'11). */

#define SYMBP_LOW_WORD UINT64_C(0xFFFFFFFF)

/* A round: four words of a counter, two of a key. */
#define SYMBP_ROUND \
    a = UINT64_C(0xD2511F53) * c0; \
    b = UINT64_C(0xCD9E8D57) * c2; \
    c0 = (b >> 32) ^ c1 ^ k0; \
    c2 = (a >> 32) ^ c3 ^ k1; \
    c1 = b & SYMBP_LOW_WORD; \
    c3 = a & SYMBP_LOW_WORD; \
    k0 = (k0 + UINT64_C(0x9E3779B9)) & SYMBP_LOW_WORD; \
    k1 = (k1 + UINT64_C(0xBB67AE85)) & SYMBP_LOW_WORD;

/* The first 64 random bits of an element of a tensor, or the others; a seed and a step are given
   in parts of 22 bits. */
static inline uint64_t symbp_random_bits(
    int others, ptrdiff_t place, uint64_t tensor, real seed_low, real seed_middle, real seed_high,
    real step_low, real step_high)
{
    uint64_t seed = (uint64_t)seed_low + ((uint64_t)seed_middle << 22) + ((uint64_t)seed_high << 44);
    uint64_t step = (uint64_t)step_low + ((uint64_t)step_high << 22);
    uint64_t at = (uint64_t)place;
    uint64_t c0 = at & SYMBP_LOW_WORD, c1 = (tensor + (at >> 32)) & SYMBP_LOW_WORD;
    uint64_t c2 = step & SYMBP_LOW_WORD, c3 = step >> 32;
    uint64_t k0 = seed & SYMBP_LOW_WORD, k1 = seed >> 32;
    uint64_t a, b;
    SYMBP_ROUND SYMBP_ROUND SYMBP_ROUND SYMBP_ROUND SYMBP_ROUND
    SYMBP_ROUND SYMBP_ROUND SYMBP_ROUND SYMBP_ROUND SYMBP_ROUND
    return others ? (c2 << 32) + c3 : (c0 << 32) + c1;
}

/* A number in [0, 1) of as many of these bits as a number has digits. */
static inline real symbp_random_fraction(uint64_t bits)
{
    return sizeof(real) == 4 ? (real)(int64_t)(bits >> 40) * (real)5.9604644775390625e-8
                             : (real)(int64_t)(bits >> 11) * (real)1.1102230246251565e-16;
}

/* A random number in [0, 1). */
static inline real symbp_random_unit(
    ptrdiff_t place, uint64_t tensor, real seed_low, real seed_middle, real seed_high,
    real step_low, real step_high)
{
    return symbp_random_fraction(symbp_random_bits(
        0, place, tensor, seed_low, seed_middle, seed_high, step_low, step_high));
}

/* Another one of the same element. */
static inline real symbp_random_turn(
    ptrdiff_t place, uint64_t tensor, real seed_low, real seed_middle, real seed_high,
    real step_low, real step_high)
{
    return symbp_random_fraction(symbp_random_bits(
        1, place, tensor, seed_low, seed_middle, seed_high, step_low, step_high));
}

/* The first 24 bits of the first. */
static inline real symbp_random_coarse(
    ptrdiff_t place, uint64_t tensor, real seed_low, real seed_middle, real seed_high,
    real step_low, real step_high)
{
    uint64_t bits = symbp_random_bits(
        0, place, tensor, seed_low, seed_middle, seed_high, step_low, step_high);
    return (real)(int64_t)(bits >> 40) * (real)5.9604644775390625e-8;
}
