/* Matrix products C = D + alpha A B: some columns of B are copied side by side, then tiles of C are
   summed up in registers. Tiles are loops of a constant length, which a compiler unrolls at -O3. */

/* The bytes of a vector register, where the compiler has arithmetic of vectors. */
#if defined(__GNUC__) && defined(__AVX512F__)
#define SYMBP_REGISTER 64
#elif defined(__GNUC__) && defined(__AVX__)
#define SYMBP_REGISTER 32
#elif defined(__GNUC__) && (defined(__SSE2__) || defined(__ARM_NEON) || defined(__ALTIVEC__))
#define SYMBP_REGISTER 16
#endif

/* The rows of a tile: two vectors for each, and some for what is loaded, fill the registers. */
#if defined(__AVX512F__)
#define SYMBP_TILE 8
#else
#define SYMBP_TILE 4
#endif

#if defined(__GNUC__)
#define SYMBP_INLINE static inline __attribute__((always_inline))
#else
#define SYMBP_INLINE static inline
#endif

/* A vector anywhere among numbers, and how many it holds; without vectors it is one number. */
#if defined(SYMBP_REGISTER)
typedef real symbp_vector
    __attribute__((vector_size(SYMBP_REGISTER), aligned(sizeof(real)), may_alias));
#define SYMBP_LANES (SYMBP_REGISTER / (ptrdiff_t)sizeof(real))
#else
typedef real symbp_vector;
#define SYMBP_LANES ((ptrdiff_t)1)
#endif

/* Where a matrix begins, and how far apart its rows and its columns are. */
typedef struct {
    const real *start;
    ptrdiff_t row, column;
} symbp_matrix;

SYMBP_INLINE symbp_vector symbp_load(const real *place)
{
    return *(const symbp_vector *)place;
}

SYMBP_INLINE void symbp_store(real *place, symbp_vector value)
{
    *(symbp_vector *)place = value;
}

/* Sum up a tile of C: some rows, one or two vectors wide. The second vector of C begins `second`
   columns after the first and may overlap it, that of B `next` numbers after its first. Of less
   than a vector, `partial` columns are stored. */
SYMBP_INLINE void symbp_tile(
    const ptrdiff_t rows, const ptrdiff_t width, ptrdiff_t k, real alpha, const real *a,
    ptrdiff_t a_row, ptrdiff_t a_column, const real *b, ptrdiff_t b_row, ptrdiff_t next, const real *d,
    ptrdiff_t d_row, real *c, ptrdiff_t c_row, ptrdiff_t second, ptrdiff_t partial)
{
    const symbp_vector zero = {0};
    symbp_vector sum[SYMBP_TILE][2];
    for (ptrdiff_t i = 0; i < rows; ++i) {
        for (ptrdiff_t v = 0; v < width; ++v) {
            sum[i][v] = zero;
        }
    }
    for (ptrdiff_t p = 0; p < k; ++p) {
        symbp_vector term[2];
        for (ptrdiff_t v = 0; v < width; ++v) {
            term[v] = symbp_load(b + p * b_row + v * next);
        }
        for (ptrdiff_t i = 0; i < rows; ++i) {
            const real factor = a[i * a_row + p * a_column];
            for (ptrdiff_t v = 0; v < width; ++v) {
                sum[i][v] += factor * term[v];
            }
        }
    }
    for (ptrdiff_t i = 0; i < rows; ++i) {
        real *const here = c + i * c_row;
        const real *const there = d == NULL ? d : d + i * d_row;
        if (width == 1 && partial > 0) {
            real parts[SYMBP_LANES];
            symbp_store(parts, alpha * sum[i][0]);
            for (ptrdiff_t j = 0; j < partial; ++j) {
                here[j] = d == NULL ? parts[j] : there[j] + parts[j];
            }
            continue;
        }
        for (ptrdiff_t v = 0; v < width; ++v) {
            sum[i][v] = alpha * sum[i][v];
            if (d != NULL) {
                sum[i][v] += symbp_load(there + v * second);
            }
        }
        for (ptrdiff_t v = 0; v < width; ++v) {
            symbp_store(here + v * second, sum[i][v]);
        }
    }
}

/* Sum up the columns of a panel, one or two vectors of them. */
SYMBP_INLINE void symbp_panel(
    const ptrdiff_t width, ptrdiff_t m, ptrdiff_t k, real alpha, symbp_matrix a, const real *b,
    ptrdiff_t b_row, ptrdiff_t next, const real *d, ptrdiff_t d_row, real *c, ptrdiff_t c_row,
    ptrdiff_t second, ptrdiff_t partial)
{
    ptrdiff_t i = 0;
    for (; i + SYMBP_TILE <= m; i += SYMBP_TILE) {
        symbp_tile(
            SYMBP_TILE, width, k, alpha, a.start + i * a.row, a.row, a.column, b, b_row, next,
            d == NULL ? d : d + i * d_row, d_row, c + i * c_row, c_row, second, partial);
    }
    for (; i + 2 <= m; i += 2) {
        symbp_tile(
            2, width, k, alpha, a.start + i * a.row, a.row, a.column, b, b_row, next,
            d == NULL ? d : d + i * d_row, d_row, c + i * c_row, c_row, second, partial);
    }
    for (; i < m; ++i) {
        symbp_tile(
            1, width, k, alpha, a.start + i * a.row, a.row, a.column, b, b_row, next,
            d == NULL ? d : d + i * d_row, d_row, c + i * c_row, c_row, second, partial);
    }
}

/* Copy the columns of B that one or two vectors take, side by side. */
SYMBP_INLINE void symbp_pack(
    const ptrdiff_t width, ptrdiff_t k, symbp_matrix b, ptrdiff_t second, ptrdiff_t partial,
    real *packed)
{
    const ptrdiff_t count = partial > 0 ? partial : SYMBP_LANES;
    for (ptrdiff_t v = 0; v < width; ++v) {
        const real *from = b.start + v * second * b.column;
        for (ptrdiff_t p = 0; p < k; ++p) {
            real *const to = packed + (p * width + v) * SYMBP_LANES;
            for (ptrdiff_t j = 0; j < count; ++j) {
                to[j] = from[p * b.row + j * b.column];
            }
            for (ptrdiff_t j = count; j < SYMBP_LANES; ++j) {
                to[j] = 0;
            }
        }
    }
}

/* Sum up some columns; those of B are read where they are if they lie side by side. */
SYMBP_INLINE void symbp_columns(
    const ptrdiff_t width, ptrdiff_t m, ptrdiff_t k, real alpha, symbp_matrix a, symbp_matrix b,
    const real *d, ptrdiff_t d_row, real *c, ptrdiff_t c_row, ptrdiff_t second, ptrdiff_t partial,
    real *space)
{
    if (b.column == 1 && partial == 0) {
        symbp_panel(
            width, m, k, alpha, a, b.start, b.row, second, d, d_row, c, c_row, second, partial);
    } else {
        symbp_pack(width, k, b, second, partial, space);
        symbp_panel(
            width, m, k, alpha, a, space, width * SYMBP_LANES, SYMBP_LANES, d, d_row, c, c_row, second,
            partial);
    }
}

/* The products that are summed up before the next ones are packed: they stay in the cache. */
#define SYMBP_DEPTH ((ptrdiff_t)256)

/* C = D + alpha A B for at most SYMBP_DEPTH terms; see below. */
static void symbp_part(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, real alpha, symbp_matrix a, symbp_matrix b, symbp_matrix d,
    real *c, ptrdiff_t c_row, real *space)
{
    const ptrdiff_t vectors = (n + SYMBP_LANES - 1) / SYMBP_LANES;
    ptrdiff_t first = 0;
    if (vectors % 2 == 1) {
        const ptrdiff_t partial = n < SYMBP_LANES ? n : 0;
        symbp_columns(1, m, k, alpha, a, b, d.start, d.row, c, c_row, 0, partial, space);
        first = SYMBP_LANES;
    }
    for (; first < n; first += 2 * SYMBP_LANES) {
        /* The last vector ends with the last column, and may repeat some of the one before. */
        const ptrdiff_t left = n - first;
        const ptrdiff_t second = left < 2 * SYMBP_LANES ? left - SYMBP_LANES : SYMBP_LANES;
        symbp_matrix columns = b;
        columns.start += first * b.column;
        symbp_columns(
            2, m, k, alpha, a, columns, d.start == NULL ? d.start : d.start + first, d.row, c + first,
            c_row, second, 0, space);
    }
}

/* C = D + alpha A B with m rows and n columns, those of C and of D side by side, and k terms. D is 0
   if it begins nowhere, and may be C. There is space for SYMBP_DEPTH or k times 128 bytes, and 64. */
static void symbp_product(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, real alpha, symbp_matrix a, symbp_matrix b, symbp_matrix d,
    real *c, ptrdiff_t c_row, real *space)
{
    real *const aligned = space + (64 - (uintptr_t)space % 64) % 64 / sizeof(real);
    for (ptrdiff_t p = 0; p < k; p += SYMBP_DEPTH) {
        const ptrdiff_t left = k - p < SYMBP_DEPTH ? k - p : SYMBP_DEPTH;
        const symbp_matrix sum = {c, c_row, 1};
        symbp_matrix rows = a, columns = b;
        rows.start += p * a.column;
        columns.start += p * b.row;
        symbp_part(m, n, left, alpha, rows, columns, p == 0 ? d : sum, c, c_row, aligned);
    }
}

/* The factor of a sum. */
static const real symbp_one = 1;
