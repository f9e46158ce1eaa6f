"""Solutions and factors of matrices in NumPy, with values that are not finite where there are none.

A loop program computes them element by element and raises nothing, so that neither does this.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cholesky_factor", "log_abs_det", "solution"]


def solution(matrix: NDArray[Any], right: NDArray[Any], operation: str) -> NDArray[Any]:
    """Return the solutions of linear equations.

    Parameters
    ----------
    matrix : array (…, n, n)
        Of which a triangle is read for ``"solve_lower"`` and ``"solve_upper"``.
    right : array (…, n, m)
        The right-hand sides.
    operation : {"solve", "solve_lower", "solve_upper"}
        As an equation has it.
    """
    if operation != "solve":
        matrix = np.tril(matrix) if operation == "solve_lower" else np.triu(matrix)
    return _each(np.linalg.solve, right.shape, matrix, right)


def cholesky_factor(matrix: NDArray[Any]) -> NDArray[Any]:
    """Return the lower Cholesky factors of the symmetric parts of matrices."""
    symmetric = 0.5 * (matrix + np.swapaxes(matrix, -1, -2))
    return _each(np.linalg.cholesky, matrix.shape, symmetric)


def log_abs_det(matrix: NDArray[Any]) -> NDArray[Any]:
    """Return the logarithms of the magnitudes of determinants."""
    found: NDArray[Any] = np.linalg.slogdet(matrix)[1]
    return found


def _each(function: Any, shape: tuple[int, ...], *given: NDArray[Any]) -> NDArray[Any]:
    """Apply a function of NumPy to each matrix; where there is no result, that is NaN."""
    result = np.full(shape, np.nan)
    for place in np.ndindex(shape[:-2]):
        matrix, *others = (each[place] for each in given)
        if not np.isfinite(matrix).all():
            continue
        try:
            result[place] = function(matrix, *others)
        except np.linalg.LinAlgError:  # singular, or not positive definite: no number
            continue
    return result
