/* Compares the packed matrix product with sums as they are written; prints what differs. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef REAL real;

#include KERNEL

enum { LARGEST = 400, WIDEST = 71, DEEPEST = 300 };

static real a[WIDEST * DEEPEST], b[WIDEST * DEEPEST], d[LARGEST * 12], c[LARGEST * 12], e[LARGEST * 12];

static real any(void)
{
    return (real)rand() / (real)RAND_MAX;
}

static int differs(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int form)
{
    const symbp_matrix first = {a, form & 1 ? 1 : k, form & 1 ? m : 1};
    const symbp_matrix second = {b, form & 2 ? 1 : n, form & 2 ? k : 1};
    const symbp_matrix none = {NULL, 0, 0}, bias = {d, 0, 1}, same = {c, n, 1};
    const symbp_matrix added = form / 4 == 0 ? none : (form / 4 == 1 ? bias : same);
    /* Of its own size, so that a write beyond it is found. */
    real *const space = malloc((size_t)(k < 256 ? k : 256) * 128 + 64);
    double worst = 0;
    for (ptrdiff_t i = 0; i < m * n; ++i) {
        c[i] = any();
    }
    for (ptrdiff_t i = 0; i < m; ++i) {
        for (ptrdiff_t j = 0; j < n; ++j) {
            double sum = 0;
            for (ptrdiff_t p = 0; p < k; ++p) {
                sum += (double)first.start[i * first.row + p * first.column]
                    * (double)second.start[p * second.row + j * second.column];
            }
            const double start =
                added.start == NULL ? 0 : (double)added.start[i * added.row + j * added.column];
            e[i * n + j] = (real)(start + 0.5 * sum);
        }
    }
    c[m * n] = 77;
    symbp_product(m, n, k, (real)0.5, first, second, added, c, n, space);
    free(space);
    for (ptrdiff_t i = 0; i < m * n; ++i) {
        const double error = fabs((double)c[i] - (double)e[i]) / (double)(1 + k);
        worst = error > worst ? error : worst;
    }
    if (worst > LIMIT || c[m * n] != (real)77) {
        printf("%d x %d x %d, form %d: %g\n", (int)m, (int)n, (int)k, form, worst);
        return 1;
    }
    return 0;
}

int main(void)
{
    int wrong = 0;
    for (int i = 0; i < WIDEST * DEEPEST; ++i) {
        a[i] = any();
        b[i] = any();
    }
    for (int i = 0; i < LARGEST * 12; ++i) {
        d[i] = any();
    }
    for (ptrdiff_t m = 1; m <= 20; m += m < 5 ? 1 : 5) {
        for (ptrdiff_t n = 1; n < WIDEST; n += 1 + n / 9) {
            for (int form = 0; form < 12; ++form) {
                wrong += differs(m, n, 1, form) + differs(m, n, 13, form);
                wrong += differs(m, n, 257, form);
            }
        }
    }
    printf("%s\n", symbp_one == (real)1 ? "checked" : "one is not 1");
    return wrong;
}
