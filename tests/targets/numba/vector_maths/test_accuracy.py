"""The errors of the vectorised functions in ulp, as docs/vector_maths.md states them."""

import re
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf

from tests.targets.numba.vector_maths.float64_reference import exhaustive
from tests.targets.numba.vector_maths.functions import (
    BOUNDS,
    DTYPES,
    EXACT,
    SAMPLED,
    SCALED,
    TRIGONOMETRIC_LIMIT,
    error_in_ulp,
    largest_error,
    runtime_function,
    sample,
    values,
)

PAGE = Path(__file__).parents[4] / "docs" / "vector_maths.md"


@pytest.fixture(autouse=True)
def precision():
    with mp.workdps(40):
        yield


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_error_is_within_its_bound(name, dtype):
    error, place = largest_error(name, dtype, sample(name, dtype, 2000))
    assert error <= BOUNDS[name][dtype], f"{error} ulp at {place!r}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SAMPLED)
def test_error_of_what_is_sampled_is_within_its_bound(name, dtype):
    error, place = largest_error(name, dtype, sample(name, dtype, 500))
    assert error <= SAMPLED[name][dtype], f"{error} ulp at {place!r}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_angle_of_a_point_is_within_its_bound(dtype):
    random = np.random.default_rng(5)
    y, x = (random.choice([-1, 1], 500) * 2 ** random.uniform(-60, 60, 500) for _ in range(2))
    y[:100] = x[:100] * random.uniform(-3, 3, 100)
    y, x = y.astype(dtype), x.astype(dtype)
    function = runtime_function("atan2", dtype)
    for a, b in zip(y, x, strict=True):
        exact = mp.atan2(mpf(float(a)), mpf(float(b)))
        assert error_in_ulp(float(function(a, b)), exact, dtype) <= 2.2, (a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_angle_at_the_ends_of_the_numbers_is_that_of_numpy(dtype):
    number = np.finfo(dtype)
    ends = [0.0, number.smallest_subnormal, number.tiny, 1.0, number.max, np.inf]
    ends = np.asarray([*ends, *(-end for end in ends), np.nan], dtype)
    function = runtime_function("atan2", dtype)
    for a in ends:
        for b in ends:
            exact = np.arctan2(float(a), float(b))
            found = function(a, b)
            np.testing.assert_allclose(found, exact, rtol=3e-7, atol=number.smallest_subnormal)
            assert np.signbit(found) == np.signbit(exact) or np.isnan(exact)


@pytest.mark.parametrize("name", [*BOUNDS, *SAMPLED])
def test_page_states_the_bounds(name):
    row = re.search(rf"^\| {name} \|([^|]*)\|[^|]*\|([^|]*)\|", PAGE.read_text(), re.MULTILINE)
    assert row, f"no row for {name}"
    for measured, dtype in zip(row.groups(), DTYPES, strict=True):
        bound = {**BOUNDS, **SAMPLED}[name][dtype]
        assert float(measured) <= bound <= float(measured) * 1.1 + 0.1


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", BOUNDS)
def test_every_float32(name):
    limit = TRIGONOMETRIC_LIMIT["float32"] if name in ("sin", "cos") else np.inf
    error, place, undefined = exhaustive(name, limit)
    assert undefined == 0
    # The reference itself, at the worst of all numbers.
    exact = EXACT[name](mpf(place))
    _, y = values(name, "float32", [place])
    assert abs(error_in_ulp(float(y[0]), exact, "float32", name in SCALED) - error) < 1e-4
    assert error <= BOUNDS[name]["float32"], f"{error} ulp at {place!r}"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SAMPLED)
def test_error_of_what_is_sampled_at_many_points(name, dtype):
    error, place = largest_error(name, dtype, sample(name, dtype, 20_000, seed=3))
    assert error <= SAMPLED[name][dtype], f"{error} ulp at {place!r}"


@pytest.mark.slow
@pytest.mark.parametrize("name", BOUNDS)
def test_error_of_float64_at_many_points(name):
    error, place = largest_error(name, "float64", sample(name, "float64", 100_000, seed=3))
    assert error <= BOUNDS[name]["float64"], f"{error} ulp at {place!r}"
