"""Matrix products in tiles against NumPy: forms, edges, strides, special values, caching."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numba.core import codegen
from numba.core.errors import TypingError

from symbp.schedules.product_rule import prefers_tiles
from symbp.targets.numba.paste import paste
from symbp.targets.numba.runtime.tile_builder import equal_blocks, vector_bits
from symbp.targets.numba.runtime.tiles import tiled, tiled_onto
from symbp.targets.numba.sections import TILES

pytestmark = pytest.mark.optimised

FORMS = list(itertools.product([False, True], repeat=2))
GUARD = 7.5


@njit
def call(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    tiled(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)


@njit
def call_with_literals(a, b, c, d, rows):
    tiled(False, True, rows, 30, 77, 1.0, a, 77, b, 77, 0.0, c, 30)
    tiled(False, True, rows, 10, 30, 1.0, c, 30, b, 77, 0.0, d, 10)
    tiled(False, False, rows, 30, 10, 0.5, d, 10, b, 77, 1.0, c, 30)
    tiled(True, False, 30, 77, rows, -0.25, c, 30, a, 77, 1, b, 77)


@njit
def call_onto(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, d, ldd, c, ldc):
    tiled_onto(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, d, ldd, c, ldc)


@njit
def call_picked(m, n, k, a, numbers, lda, b, ldb, d, c, ldc, by_dots):
    if by_dots:
        tiled_onto(False, True, m, n, k, 1.0, (a, numbers), lda, b, ldb, d, 0, c, ldc)
    else:
        tiled(False, False, m, n, k, 1.0, (a, numbers), lda, b, ldb, 0.0, c, ldc)


@njit
def call_pages_apart(m, n, k, a, lda, b, numbers, later, c, ldc):
    tiled(True, False, m, n, k, 1.0, a, lda, b, 1024, 0.0, c, ldc)
    tiled(True, False, m, n, k, -0.5, a, lda, (b, numbers), 1024, 1.0, c, ldc)
    tiled(True, False, m, n, k, -0.25, a, lda, (b, numbers, later), 1024, 1.0, c, ldc)


@njit
def call_picked_with_rows_apart(m, n, k, a, numbers, b, c):
    tiled(False, False, m, n, k, 1.0, (a, numbers), k, b, 1024, 0.0, c, n)


@njit
def call_picked_sum(m, n, k, a, lda, b, numbers, later, ldb, c, ldc):
    tiled(True, False, m, n, k, -0.5, a, lda, (b, numbers), ldb, 1.0, c, ldc)
    tiled(True, False, m, n, k, -0.5, a, lda, (b, numbers, later), ldb, 1.0, c, ldc)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


def stored(matrix, transposed, padding):
    """Return a matrix as stored, its rows `padding` apart, inside guard cells; and its view."""
    matrix = matrix.T if transposed else matrix
    height, width = matrix.shape
    cells = np.full(64 + height * (width + padding) + 64, GUARD, matrix.dtype)
    inner = cells[64 : 64 + height * (width + padding)]
    view = inner.reshape(height, width + padding)[:, :width]
    view[...] = matrix
    return cells, inner, view, width + padding


def check(random, dtype, m, n, k, form, alpha, beta):
    """Compare one product with NumPy's in float64, within the bound of rounding."""
    a, b, c = (random.normal(size=shape).astype(dtype) for shape in ((m, k), (k, n), (m, n)))
    product = alpha * (a.astype(float) @ b.astype(float))
    expected = product + beta * c if beta else product
    if not beta:
        c[...] = np.nan
    _, stored_a, _, lda = stored(a, form[0], int(random.integers(4)))
    _, stored_b, _, ldb = stored(b, form[1], int(random.integers(4)))
    cells, stored_c, view, ldc = stored(c, False, int(random.integers(4)))
    call(*form, m, n, k, alpha, stored_a, lda, stored_b, ldb, beta, stored_c, ldc)
    scale = abs(alpha) * (np.abs(a).astype(float) @ np.abs(b).astype(float)) + abs(beta) + 1
    assert (np.abs(view - expected) <= (k + 4) * np.finfo(dtype).eps * scale).all(), (m, n, k, form)
    view[...] = GUARD
    assert (cells == GUARD).all(), (m, n, k, form)


@pytest.mark.parametrize("form", FORMS)
def test_product_is_numpys_and_nothing_else_is_written(dtype, form):
    random = np.random.default_rng(3)
    for _ in range(150):
        m, n, k = (int(extent) for extent in random.integers(0, 71, 3))
        alpha, beta = random.choice([0.0, 1.0, -0.5], 2)
        check(random, dtype, m, n, k, form, float(alpha), float(beta))
    small = itertools.product([0, 1, 2, 4, 8, 9], [0, 1, 3, 4, 8, 16, 17], [0, 1, 2, 4, 16])
    for m, n, k in small:
        check(random, dtype, m, n, k, form, 1.0, 1.0)
    for m, n, k in [(5, 33, 257), (3, 200, 300), (13, 1, 700), (2, 65, 1025)]:  # sums in blocks
        check(random, dtype, m, n, k, form, -0.5, 0.0)
        check(random, dtype, m, n, k, form, -0.5, 2.0)


def test_literal_extents_give_numpys_product(dtype):
    random = np.random.default_rng(5)
    for rows in [0, 1, 2, 5, 10, 16, 37]:
        a, b = random.normal(size=(rows, 77)), random.normal(size=(30, 77))
        c = a @ b.T
        d = c @ b[:10, :30].T
        after_c = c + 0.5 * d @ b[:10, :30]
        after_b = b - 0.25 * after_c.T @ a
        a, b = a.astype(dtype), b.astype(dtype)
        got_c, got_d = np.full((rows, 30), np.nan, dtype), np.full((rows, 10), np.nan, dtype)
        call_with_literals(a, b, got_c, got_d, rows)
        tolerance = 3000 * np.finfo(dtype).eps
        np.testing.assert_allclose(got_d, d, rtol=tolerance, atol=100 * tolerance)
        np.testing.assert_allclose(got_c, after_c, rtol=tolerance, atol=100 * tolerance)
        np.testing.assert_allclose(b, after_b, rtol=tolerance, atol=1000 * tolerance)


@pytest.mark.parametrize("form", FORMS)
def test_a_product_onto_a_matrix_or_onto_equal_rows(dtype, form):
    random = np.random.default_rng(11)
    extents = [(5, 33, 300), (13, 7, 9), (8, 64, 0), (0, 5, 3), (29, 16, 600)]
    for (m, n, k), equal in itertools.product(extents, [False, True]):
        a, b = (random.normal(size=s).astype(dtype) for s in ((m, k), (k, n)))
        d = random.normal(size=(1 if equal else m, n + 3)).astype(dtype)
        stored_a = np.ascontiguousarray(a.T if form[0] else a)
        stored_b = np.ascontiguousarray(b.T if form[1] else b)
        c = np.full((m, n + 2), GUARD, dtype)
        strides = (m if form[0] else k), (k if form[1] else n)
        call_onto(
            *form, m, n, k, 0.5, stored_a.ravel(), strides[0], stored_b.ravel(), strides[1],
            d.ravel(), 0 if equal else n + 3, c.ravel(), n + 2,
        )  # fmt: skip
        expected = d[:, :n].astype(float) + 0.5 * (a.astype(float) @ b.astype(float))
        tolerance = (k + 4) * np.finfo(dtype).eps
        scale = np.abs(d[:, :n]) + np.abs(a).astype(float) @ np.abs(b).astype(float)
        assert (np.abs(c[:, :n] - expected) <= tolerance * scale).all()
        assert (c[:, n:] == GUARD).all()


@pytest.mark.parametrize("by_dots", [False, True])
def test_rows_of_a_are_picked_by_their_numbers(dtype, by_dots):
    random = np.random.default_rng(13)
    for m, n, k in [(10, 30, 784), (7, 3, 20), (1, 40, 8), (16, 5, 300), (0, 4, 4)]:
        every = random.normal(size=(50, k)).astype(dtype)
        numbers = random.integers(0, 50, m)
        b = random.normal(size=(n, k) if by_dots else (k, n)).astype(dtype)
        d = random.normal(size=n).astype(dtype)
        got, expected = (np.full((m, n), np.nan, dtype) for _ in range(2))
        rest = b.ravel(), k if by_dots else n, d
        call_picked(m, n, k, every.ravel(), numbers, k, *rest, got.ravel(), n, by_dots)
        copied = every[numbers].ravel()
        call_picked(m, n, k, copied, np.arange(m), k, *rest, expected.ravel(), n, by_dots)
        assert got.tobytes() == expected.tobytes()
        reference = every[numbers].astype(float) @ (b.T if by_dots else b).astype(float)
        reference += d if by_dots else 0
        np.testing.assert_allclose(got, reference, atol=3000 * np.finfo(dtype).eps)


def test_rows_of_b_are_picked_by_their_numbers(dtype):
    random = np.random.default_rng(17)
    for m, n, k in [(30, 784, 10), (3, 5, 7), (40, 17, 300), (2, 64, 0)]:
        every = random.normal(size=(50, n)).astype(dtype)
        numbers, later = random.integers(0, 50, (2, k))
        a = random.normal(size=(k, m)).astype(dtype)
        c = random.normal(size=(m, n)).astype(dtype)
        expected = c.astype(float) - a.T.astype(float) @ every[numbers].astype(float)
        call_picked_sum(m, n, k, a.ravel(), m, every.ravel(), numbers, later, n, c.ravel(), n)
        np.testing.assert_allclose(c, expected, atol=3000 * np.finfo(dtype).eps)


def test_rows_that_have_the_same_place_in_a_cache(dtype):
    # They are copied first; the last columns of a panel are not all there.
    random = np.random.default_rng(19)
    for m, n, k in [(37, 70, 300), (16, 64, 7), (3, 1024, 20), (20, 5, 1)]:
        every = random.normal(size=(max(50, k), 1024)).astype(dtype)
        numbers, later = random.integers(0, 50, (2, k))
        a = random.normal(size=(k, m)).astype(dtype)
        c = np.full((m, n + 1), GUARD, dtype)
        call_pages_apart(m, n, k, a.ravel(), m, every.ravel(), numbers, later, c.ravel(), n + 1)
        b = every.astype(float)
        expected = a.T.astype(float) @ (b[:k] - 0.75 * b[numbers])[:, :n]
        np.testing.assert_allclose(c[:, :n], expected, atol=3000 * np.finfo(dtype).eps)
        assert (c[:, n:] == GUARD).all()


def test_rows_of_a_are_picked_where_those_of_b_have_the_same_place_in_a_cache(dtype):
    random = np.random.default_rng(23)
    for m, n, k in [(40, 1024, 20), (33, 1000, 300), (16, 7, 5)]:
        every = random.normal(size=(50, k)).astype(dtype)
        numbers = random.integers(0, 50, m)
        b = random.normal(size=(k, 1024)).astype(dtype)
        c = np.full((m, n), np.nan, dtype)
        call_picked_with_rows_apart(m, n, k, every.ravel(), numbers, b.ravel(), c.ravel())
        expected = every[numbers].astype(float) @ b[:, :n].astype(float)
        np.testing.assert_allclose(c, expected, atol=3000 * np.finfo(dtype).eps)


def test_rows_that_cannot_be_picked_are_refused():
    a, numbers = np.ones(16), np.zeros(4, np.int64)

    @njit
    def turned(a, numbers):
        tiled(True, False, 4, 4, 4, 1.0, (a, numbers), 4, a, 4, 0.0, a, 4)

    @njit
    def both(a, numbers):
        tiled(False, False, 4, 4, 4, 1.0, (a, numbers), 4, (a, numbers), 4, 0.0, a, 4)

    @njit
    def by_reals(a, numbers):
        tiled(False, False, 4, 4, 4, 1.0, (a, a), 4, a, 4, 0.0, a, 4)

    for function, message in ((turned, "not transposed"), (both, "or from"), (by_reals, "int64")):
        with pytest.raises(TypingError, match=message):
            function(a, numbers)


@pytest.mark.parametrize("form", FORMS)
def test_rows_computed_apart_have_the_same_bits(dtype, form):
    random = np.random.default_rng(7)
    for m, n, k in [(29, 37, 50), (17, 10, 300), (23, 5, 41), (12, 70, 13)]:
        a, b = random.normal(size=(m, k)).astype(dtype), random.normal(size=(k, n)).astype(dtype)
        b = np.ascontiguousarray(b.T) if form[1] else b
        whole, parts = np.empty((m, n), dtype), np.empty((m, n), dtype)

        def product(start, stop, c, a=a, b=b, n=n, k=k):
            rows = np.ascontiguousarray(a[start:stop].T) if form[0] else a[start:stop]
            lda = stop - start if form[0] else k
            count = stop - start
            ldb = k if form[1] else n
            c_rows = c[start:stop].reshape(-1)
            call(*form, count, n, k, 1.0, rows.ravel(), lda, b.ravel(), ldb, 0.0, c_rows, n)

        product(0, m, whole)
        for start, stop in itertools.pairwise([0, 1, 3, 7, 8, m]):
            product(start, stop, parts)
        assert whole.tobytes() == parts.tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_nan_and_infinity_reach_exactly_their_rows_and_columns(dtype, form):
    for m, n, k in [(11, 19, 23), (6, 3, 230)]:
        a, b = np.ones((m, k), dtype), np.ones((k, n), dtype)
        a[2, k - 1], a[4, 5], b[7, 1] = np.nan, np.inf, np.nan
        with np.errstate(invalid="ignore"):
            expected = a @ b
        c = np.full((m, n), np.nan, dtype)
        stored_a, stored_b = (np.ascontiguousarray(x.T) for x in (a, b))
        stored_a, stored_b = stored_a if form[0] else a, stored_b if form[1] else b
        lda, ldb = stored_a.shape[1], stored_b.shape[1]
        call(
            *form, m, n, k, 1.0, stored_a.ravel(), lda, stored_b.ravel(), ldb, 0.0, c.reshape(-1), n
        )
        np.testing.assert_array_equal(c, expected)


def test_mixed_dtypes_are_refused():
    single, double = np.zeros((3, 3), "float32"), np.zeros((3, 3))
    with pytest.raises(TypingError, match="one dtype, float32 or float64"):
        call(False, False, 3, 3, 3, 1.0, single, 3, double, 3, 0.0, double, 3)


@njit
def square_by_itself(a, c):
    tiled(False, True, 9, 9, 9, 1.0, a, 9, a, 9, 0.0, c, 9)


@njit
def squares(a, c, d):
    square_by_itself(a, c)
    tiled(False, True, 9, 9, 9, 1.0, c, 9, c, 9, 0.0, d, 9)


def test_functions_that_call_each_other_may_hold_the_same_product():
    a = np.random.default_rng(1).normal(size=(9, 9))
    c, d = np.empty((9, 9)), np.empty((9, 9))
    squares(a, c, d)
    np.testing.assert_allclose(c, a @ a.T, rtol=1e-12)
    np.testing.assert_allclose(d, c @ c.T, rtol=1e-12)


@pytest.mark.parametrize("most", [1, 4, 6, 12])
def test_blocks_cover_an_extent_once(most):
    for extent in range(60):
        covered = []
        for start, size, count in equal_blocks(extent, most):
            assert 1 <= size <= most
            covered += range(start, start + size * count)
        assert covered == list(range(extent))
        assert len(equal_blocks(extent, most)) <= 2


def test_vectors_are_as_wide_as_the_processor_allows():
    assert vector_bits("+sse2,+avx,+avx512f,+avx512vl") == 512
    assert vector_bits("+sse2,+avx,-avx512f,-avx512vl") == 256
    assert vector_bits("+sse2,-avx") == vector_bits("") == vector_bits("+neon") == 128


def test_rule_chooses_by_sizes():
    assert prefers_tiles(False, True, 64, 30, 784, 4)
    assert prefers_tiles(True, False, 30, 784, 64, 8)
    assert not prefers_tiles(False, True, 4096, 4096, 4096, 4)
    assert not prefers_tiles(True, False, 1024, 1, 1024, 4)  # C is one column
    assert prefers_tiles(True, False, 4, 2, 64, 8)
    assert prefers_tiles(False, True, 1024, 1, 1024, 4)
    assert prefers_tiles(True, False, 32, 8, 64, 4)
    assert not prefers_tiles(True, False, 32, 7, 64, 4)


CACHED = """
import sys
import numpy as np
from numba import njit
from symbp.targets.numba.runtime.tiles import tiled

@njit(cache=True)
def multiply(n, a, b, c):
    tiled(False, True, n, 20, 17, 1.0, a, 17, b, 17, 0.0, c, 20)

a, b, c = np.ones((9, 17)), np.full((20, 17), 2.0), np.empty((9, 20))
multiply(9, a, b, c)
assert (c == 34).all()
print(len(multiply.stats.cache_hits))
"""


def run(script, folder, **environment):
    root = Path(__file__).parents[3]
    settings = {"PYTHONPATH": str(root), "NUMBA_CACHE_DIR": str(folder), **environment}
    command = [sys.executable, script]
    done = subprocess.run(
        command, env={**os.environ, **settings}, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_cached_function_works_in_the_next_process(tmp_path):
    script = tmp_path / "cached.py"
    script.write_text(CACHED)
    assert [run(script, tmp_path), run(script, tmp_path)] == ["0", "1"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processor", "features", "bits"),
    [("nehalem", "+sse,+sse2,+sse4.2", 128), ("haswell", "+sse2,+avx,+avx2,+fma", 256)],
)
def test_older_processors_get_narrower_vectors(tmp_path, processor, features, bits):
    if vector_bits(codegen.get_host_cpu_features()) < bits:
        pytest.skip(f"this processor has no vectors of {bits} bits")
    script = tmp_path / "narrow.py"
    tests = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import numpy as np
import test_tiles
from symbp.targets.numba.runtime.tile_builder import VECTOR_BITS
for dtype in (np.dtype("float32"), np.dtype("float64")):
    for form in test_tiles.FORMS:
        test_tiles.test_product_is_numpys_and_nothing_else_is_written(dtype, form)
        test_tiles.test_rows_computed_apart_have_the_same_bits(dtype, form)
        test_tiles.test_a_product_onto_a_matrix_or_onto_equal_rows(dtype, form)
    for by_dots in (False, True):
        test_tiles.test_rows_of_a_are_picked_by_their_numbers(dtype, by_dots)
    test_tiles.test_rows_of_b_are_picked_by_their_numbers(dtype)
    test_tiles.test_rows_that_have_the_same_place_in_a_cache(dtype)
    test_tiles.test_rows_of_a_are_picked_where_those_of_b_have_the_same_place_in_a_cache(dtype)
print(VECTOR_BITS)
"""
    script.write_text(tests)
    chosen = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features}
    assert run(script, tmp_path, **chosen) == str(bits)


def test_pasted_files_name_everything_that_they_use(tmp_path):
    parts = [paste(file) for file in TILES]
    imports = parts[0].imports
    for part in parts[1:]:
        imports.add(part.imports)
    lines = ["import numpy as np", "from numba import njit", imports.text()]
    call_text = CACHED[CACHED.index("@njit") :]
    script = tmp_path / "pasted.py"
    future = "from __future__ import annotations\n"
    script.write_text(future + "\n".join([*lines, *(part.text for part in parts), call_text]))
    assert run(script, tmp_path) == "0"
