"""checking: tables, targets and weights as scikit-learn checks them, and as arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

__all__ = ["SPARSE", "checked_table", "checked_weight", "dense"]

SPARSE = ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")


def dense(x: Any) -> NDArray[Any]:
    """Return a table as an array."""
    return x.toarray() if hasattr(x, "toarray") else x  # type: ignore[no-any-return]


def checked_table(
    estimator: Any, X: Any, y: Any, reset: bool, **options: Any
) -> tuple[NDArray[Any], Any]:
    """Return a table and its targets, checked by scikit-learn."""
    x, y = validate_data(
        estimator, X, y, accept_sparse=SPARSE, multi_output=True,
        dtype=(np.float64, np.float32), reset=reset, **options,
    )  # fmt: skip
    return dense(x), y


def checked_weight(weight: Any, x: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return weights of examples: finite, not negative, and not all zero."""
    if weight is None:
        return None
    result = np.asarray(weight, dtype=np.float64)
    if result.ndim == 0:
        result = np.full(len(x), float(result))
    if result.shape != (len(x),):
        raise ValueError(f"sample_weight.shape == {result.shape}, expected {(len(x),)}!")
    if not np.isfinite(result).all() or (result < 0).any():
        raise ValueError("sample_weight: expected finite numbers >= 0")
    if not result.any():
        raise ValueError("sample_weight: all weights are zero, there is nothing to learn from")
    return result
