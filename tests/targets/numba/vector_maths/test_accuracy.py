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
    SCALED,
    TRIGONOMETRIC_LIMIT,
    error_in_ulp,
    largest_error,
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


@pytest.mark.parametrize("name", BOUNDS)
def test_page_states_the_bounds(name):
    row = re.search(rf"^\| {name} \|([^|]*)\|[^|]*\|([^|]*)\|", PAGE.read_text(), re.MULTILINE)
    assert row, f"no row for {name}"
    for measured, dtype in zip(row.groups(), DTYPES, strict=True):
        assert float(measured) <= BOUNDS[name][dtype] <= float(measured) * 1.1 + 0.1


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
@pytest.mark.parametrize("name", BOUNDS)
def test_error_of_float64_at_many_points(name):
    error, place = largest_error(name, "float64", sample(name, "float64", 100_000, seed=3))
    assert error <= BOUNDS[name]["float64"], f"{error} ulp at {place!r}"
