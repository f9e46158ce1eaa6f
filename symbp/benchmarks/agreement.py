"""Whether a peer computed the same as symbp: only then is its time worth comparing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TOLERANCES", "difference"]

# Of thousands of steps in another order of summation.
TOLERANCES = {"float32": 1e-3, "float64": 1e-8}


def difference(ours: Sequence[NDArray[Any]], theirs: Sequence[NDArray[Any]]) -> float:
    """Return the largest difference of two lists of arrays.

    Parameters
    ----------
    ours, theirs : sequence of ndarray
        Of the same shapes.

    Returns
    -------
    float
        The largest of ``max |a - b| / max |a|`` over the arrays; infinity where shapes differ or
        an entry is not finite.

    Examples
    --------
    >>> difference([np.array([1.0, 2.0])], [np.array([1.0, 2.5])])
    0.25
    """
    if [a.shape for a in ours] != [b.shape for b in theirs]:
        return float("inf")
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return float("inf")
        if a.size:
            scale = float(np.abs(a).max()) or 1.0
            worst = max(worst, float(np.abs(a - b).max()) / scale)
    return worst
