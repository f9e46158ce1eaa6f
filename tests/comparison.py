"""How numbers are compared: the largest difference relative to the largest entry, per tensor."""

from collections.abc import Mapping
from typing import Any

import numpy as np

TOLERANCE = 1e-12


def assert_close(
    got: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float = TOLERANCE
) -> None:
    """Assert that max |Δ| ≤ tolerance · max |expected| for every tensor.

    A tensor whose expected value is nothing but rounding (a gradient that cancels to zero) is
    measured against the rounding of the largest tensor instead.
    """
    assert set(got) == set(expected)
    largest = max((float(np.max(np.abs(v))) for v in expected.values()), default=0.0)
    floor = 64 * np.finfo(np.float64).eps * largest
    for name, reference in expected.items():
        value, reference = np.asarray(got[name]), np.asarray(reference)
        assert value.shape == reference.shape, name
        assert np.isfinite(reference).all(), f"{name}: the reference is not finite"
        assert np.isfinite(value).all(), f"{name} is not finite"
        error = float(np.max(np.abs(value - reference), initial=0.0))
        scale = float(np.max(np.abs(reference), initial=0.0))
        assert error <= tolerance * scale + floor, f"{name}: {error} relative to {scale}"
