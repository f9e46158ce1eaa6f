"""BLAS from Numba against NumPy: transposes, leading dimensions, empty matrices, NaN, caching."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from symbp.targets.numba.runtime import blas

TRANSPOSES = list(itertools.product([False, True], repeat=2))

gemm, gemv, ger, dot = blas.gemm, blas.gemv, blas.ger, blas.dot


@njit
def call_gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)


@njit
def call_gemv(transpose, m, n, alpha, a, lda, x, incx, beta, y, incy):
    gemv(transpose, m, n, alpha, a, lda, x, incx, beta, y, incy)


@njit
def call_ger(m, n, alpha, x, incx, y, incy, a, lda):
    ger(m, n, alpha, x, incx, y, incy, a, lda)


@njit
def call_dot(n, x, incx, y, incy):
    return dot(n, x, incx, y, incy)


@pytest.fixture(params=["float32", "float64"])
def draw(request):
    """Return a function that draws an array; its `tolerance` fits the dtype."""
    random = np.random.default_rng(11)

    def draw_array(*shape):
        return random.normal(size=shape).astype(request.param)

    draw_array.tolerance = {"float32": 2e-5, "float64": 1e-13}[request.param]
    return draw_array


def stored(matrix, transposed, padding):
    """Return the matrix as it would be stored: transposed or not, its rows `padding` apart."""
    matrix = matrix.T if transposed else matrix
    wide = np.full((matrix.shape[0], matrix.shape[1] + padding), np.nan, matrix.dtype)
    wide[:, : matrix.shape[1]] = matrix
    return wide, max(wide.shape[1], 0)


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize(("transpose_a", "transpose_b"), TRANSPOSES)
def test_gemm_is_the_row_major_product(draw, transpose_a, transpose_b, padding):
    for m, n, k in [(1, 1, 1), (3, 4, 5), (7, 2, 9), (10, 30, 64), (65, 33, 17)]:
        a, b, c = draw(m, k), draw(k, n), draw(m, n)
        stored_a, lda = stored(a, transpose_a, padding)
        stored_b, ldb = stored(b, transpose_b, padding)
        stored_c, ldc = stored(c, False, padding)
        arguments = (1.5, stored_a, lda, stored_b, ldb, 0.5, stored_c, ldc)
        call_gemm(transpose_a, transpose_b, m, n, k, *arguments)
        expected = 1.5 * a.astype(float) @ b.astype(float) + 0.5 * c
        np.testing.assert_allclose(
            stored_c[:, :n], expected, rtol=draw.tolerance, atol=draw.tolerance * k
        )
        assert np.isnan(stored_c[:, n:]).all()


def test_gemm_takes_whole_numbers_and_arrays_of_any_dimension(draw):
    a, b = draw(2, 3, 4), draw(4, 5)
    c = np.zeros(30, a.dtype)
    call_gemm(False, False, 6, 5, 4, 1, a, 4, b, 5, 0, c, 5)
    np.testing.assert_allclose(c, (a.reshape(6, 4) @ b).ravel(), rtol=1e-4, atol=1e-5)


def test_gemm_with_beta_zero_overwrites_nan(draw):
    a, b = draw(3, 4), draw(4, 5)
    for k in (4, 0):
        c = np.full((3, 5), np.nan, a.dtype)
        call_gemm(False, False, 3, 5, k, 1.0, a, 4, b, 5, 0.0, c, 5)
        np.testing.assert_allclose(c, a[:, :k] @ b[:k], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("transpose_a", "transpose_b"), TRANSPOSES)
def test_gemm_of_empty_matrices(draw, transpose_a, transpose_b, capfd):
    for m, n, k in itertools.product([0, 2], repeat=3):
        a, b, c = draw(m, k), draw(k, n), draw(m, n)
        expected = a @ b + 0.5 * c
        stored_a, lda = stored(a, transpose_a, 0)
        stored_b, ldb = stored(b, transpose_b, 0)
        call_gemm(transpose_a, transpose_b, m, n, k, 1.0, stored_a, lda, stored_b, ldb, 0.5, c, n)
        np.testing.assert_allclose(c, expected, rtol=1e-4, atol=1e-5)
    assert capfd.readouterr() == ("", "")  # BLAS prints when it is given illegal values


@pytest.mark.parametrize("transpose", [False, True])
def test_gemv_is_the_row_major_product(draw, transpose):
    for (m, n), beta in itertools.product([(3, 4), (20, 7), (0, 3), (3, 0)], [0.0, 0.5, 1.0]):
        a = draw(m, n + 2)
        x, y = draw(2 * (m if transpose else n)), draw(3 * (n if transpose else m))
        matrix = (a[:, :n].T if transpose else a[:, :n]).astype(float)
        expected = 1.5 * matrix @ x[::2] + beta * y[::3]
        if beta == 0:
            y[:] = np.nan
        call_gemv(transpose, m, n, 1.5, a, n + 2, x, 2, beta, y, 3)
        np.testing.assert_allclose(y[::3], expected, rtol=1e-4, atol=1e-5)


def test_ger_adds_the_outer_product(draw):
    for m, n in [(3, 4), (20, 7), (0, 3), (3, 0)]:
        x, y, a = draw(2 * m), draw(n), draw(m, n + 1)
        expected = a[:, :n] + 0.5 * np.outer(x[::2], y)
        call_ger(m, n, 0.5, x, 2, y, 1, a, n + 1)
        np.testing.assert_allclose(a[:, :n], expected, rtol=1e-4, atol=1e-5)


def test_dot_returns_the_element_type(draw):
    x, y = draw(2 * 50), draw(50)
    np.testing.assert_allclose(call_dot(50, x, 2, y, 1), x[::2] @ y, rtol=1e-4, atol=1e-4)
    assert call_dot(0, x, 2, y, 1) == 0


def test_mixed_dtypes_are_refused():
    with pytest.raises(TypingError, match="one dtype, float32 or float64"):
        call_dot(3, np.zeros(3, "float32"), 1, np.zeros(3), 1)


def test_calls_in_a_loop_do_not_grow_the_stack():
    @njit
    def repeat(count, x):
        total = 0.0
        for _ in range(count):
            total += dot(1, x, 1, x, 1)
        return total

    assert repeat(1_000_000, np.ones(1)) == 1_000_000


CACHED = """
import sys
import numpy as np
from numba import njit
from symbp.targets.numba.runtime.blas import gemm

@njit(cache=True)
def multiply(a, b, c):
    gemm(False, False, 2, 2, 2, 1.0, a, 2, b, 2, 0.0, c, 2)

a = np.arange(4.0).reshape(2, 2)
c = np.empty((2, 2))
multiply(a, a, c)
assert "scipy.linalg" not in sys.modules
import scipy.linalg
assert scipy.linalg.cython_blas is sys.modules["scipy.linalg.cython_blas"]
assert np.allclose(scipy.linalg.solve(a, c), a)
print(c.tolist(), len(multiply.stats.cache_hits))
"""


def test_cached_function_works_in_the_next_process(tmp_path):
    script = tmp_path / "cached.py"
    script.write_text(CACHED)
    root = Path(__file__).parents[4]
    environment = {**os.environ, "PYTHONPATH": str(root), "NUMBA_CACHE_DIR": str(tmp_path)}
    outputs = [
        subprocess.run(
            [sys.executable, script], env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()
        for _ in range(2)
    ]
    product = "[[2.0, 3.0], [6.0, 11.0]]"
    assert outputs == [f"{product} 0", f"{product} 1"]
