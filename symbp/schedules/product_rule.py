"""product_rule: BLAS or tiles in the module's own code, by the sizes of a matrix product."""

__all__ = ["FEW_ROWS", "prefers_tiles"]

# BLAS shares out among threads what is this large (`LARGE_PRODUCT` in runtime/threads.py); tiles
# run in the thread that calls them, and are hardly faster than one thread of BLAS by then.
LARGE = 32_000_000
# Unless there are so few rows that BLAS takes longer to copy the other matrix than to multiply:
# times of one thread, BLAS / tiles, of a layer with 512 inputs and 1024 units, float32 and float64:
# 64 examples 1.23 and 1.31, 256 examples 1.01 and 1.00, 4096 examples 0.89 and 0.95.
FEW_ROWS = 64
# Rows of C this short fill less than half of a vector.
NARROW_COLUMNS, NARROW_BYTES = 4, 32
# Below this many terms for each column, a call of BLAS takes longer than its work.
FEW = 512


def prefers_tiles(
    transpose_a: bool, transpose_b: bool, m: int, n: int, k: int, itemsize: int
) -> bool:
    """Return whether `tiled` is the faster way to compute C = alpha op(A) op(B) + beta C.

    Measured on one core of a Zen 4 (AVX-512) against OpenBLAS 0.3.30, for the three products of a
    layer with N examples; the fastest of 60 interleaved runs, time of BLAS / time of tiles. The
    layers are from 1 x 64 to 1024 x 1024 (units x inputs), N is 16, 64 and 256:

    ============================================  ============  ============
    product                                       float32       float64
    ============================================  ============  ============
    below 32 million multiplications, not narrow  0.9 to 5      0.8 to 5
    ... from 64 x 64 on                           0.9 to 3.2    0.9 to 2.6
    more than 32 million                          1.0 to 1.2    0.9 to 1.2
    op(B) = B with 1 column                       0.14 to 0.33  0.27 to 0.41
    op(B) = B with 3 columns                      0.32 to 0.73  0.60 to 0.85
    op(B) = B with 4 columns                      0.28 to 0.85  0.54 to 1.1
    op(B) = B with 8 columns                      0.62 to 1.9   1.0 to 1.2
    op(B) = B^T with 1 to 8 columns               0.9 to 3.5    1.0 to 4.9
    ============================================  ============  ============

    Parameters
    ----------
    transpose_a, transpose_b : bool
        Whether op(A), op(B) are the transposes of what is stored.
    m, n, k : int
        op(A) is m by k, op(B) is k by n. A typical size stands for one known at run time only.
    itemsize : int
        Bytes of an element: 4 or 8.

    Returns
    -------
    tiles : bool
        False where BLAS is faster.

    Examples
    --------
    >>> prefers_tiles(False, True, 64, 30, 784, 4)
    True
    >>> prefers_tiles(False, False, 4096, 512, 1024, 4)
    False
    """
    if m * n * k >= LARGE:
        return False
    narrow = not transpose_b and (n <= NARROW_COLUMNS or n * itemsize < NARROW_BYTES)
    return not narrow or m * k <= FEW
