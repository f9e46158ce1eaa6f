"""Minimisers of SciPy over all parameters as one vector, in double precision.

A cost with its gradient goes in, or residuals with their Jacobian; each iterate comes out as it
is found, so that whoever asked can look at it, keep it, and end the search there.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.entry_points import EntryPoints

LEAST_SQUARES = ("lm", "trf", "dogbox")
# Given an iterate and its cost, where that is known: whether the search ends there.
Found = Callable[[NDArray[Any], float | None], bool]


class EndedEarly(Exception):  # noqa: N818 - it is none
    """Raised through SciPy's code when no more iterates are wanted."""


def scipy_optimize() -> Any:
    """Return `scipy.optimize`, which nothing else in a module needs."""
    try:
        return importlib.import_module("scipy.optimize")
    except ImportError:
        raise ImportError("minimise: this needs SciPy, pip install scipy") from None


def minimise_cost(
    network: EntryPoints, start: NDArray[Any], arrays: Sequence[NDArray[Any]], method: str,
    found: Found, options: dict[str, Any],
) -> str:  # fmt: skip
    """Search for parameters of the least cost; return why the search ended.

    Parameters
    ----------
    network : EntryPoints
        Whose cost it is.
    start : ndarray
        Where to begin.
    arrays : sequence of ndarray
        As the kernels take them.
    method : str
        Of `scipy.optimize.minimize`.
    found : callable
        Called with each iterate and its cost; the search ends there if it returns True.
    options : dict
        What else `scipy.optimize.minimize` takes.
    """
    flat, gradients = np.empty_like(start), np.empty_like(start)
    last, last_cost = np.full(start.shape, np.nan), 0.0

    def cost_and_gradient(vector: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        nonlocal last_cost
        flat[:] = vector
        last[:] = vector
        last_cost = float(network.gradient_kernel(flat, gradients, *arrays))
        return last_cost, gradients.astype(np.float64)

    # A line search mostly ends where it looked last.
    def known(iterate: NDArray[Any]) -> float | None:
        return last_cost if np.array_equal(iterate, last) else None

    # Some methods call it with a second argument.
    def note(iterate: NDArray[Any], *_: Any) -> None:
        if found(iterate, known(iterate)):
            raise EndedEarly

    begin = start.astype(np.float64)
    minimize = scipy_optimize().minimize
    try:
        result = minimize(
            cost_and_gradient, begin, jac=True, method=method, callback=note, **options
        )
    except EndedEarly:
        return ""
    found(result.x, known(result.x))
    return str(result.message)


def minimise_squares(
    network: EntryPoints, jacobian: Callable[..., NDArray[Any]], start: NDArray[Any],
    arrays: Sequence[NDArray[Any]], method: str, found: Found, options: dict[str, Any],
) -> str:  # fmt: skip
    """Search for parameters of the least sum of squares of output - target, as `minimise_cost`.

    Parameters
    ----------
    network, start, arrays, found
        As for `minimise_cost`.
    jacobian : callable
        Maps parameters and inputs to the derivatives of the output, (…, parameters).
    method : str
        Of `scipy.optimize.least_squares`.
    options : dict
        What else that takes.
    """
    given = list(zip(network.arguments, arrays, strict=True))
    inputs = [array for argument, array in given if argument[1] == "input"]
    targets = [array for argument, array in given if argument[1] == "target"]
    if len(targets) != 1 or given[-1][0][2] != network.output:
        raise TypeError(f"minimise: method {method!r} needs one target, of the output's shape")
    flat, output = np.empty_like(start), np.empty_like(targets[0])

    def residuals(vector: NDArray[Any]) -> NDArray[Any]:
        flat[:] = vector
        network.predict_kernel(flat, output, *inputs)  # type: ignore[misc]
        difference: NDArray[Any] = output - targets[0]
        return difference.astype(np.float64).ravel()

    def derivatives(vector: NDArray[Any]) -> NDArray[Any]:
        # It is asked for once at each iterate, and first where the search begins.
        if not np.array_equal(vector, begin) and found(vector, None):
            raise EndedEarly
        flat[:] = vector
        columns: NDArray[Any] = jacobian(flat, *inputs).astype(np.float64)
        columns = columns.reshape(-1, len(start))
        if frozen is not None:
            columns[:, frozen] = 0.0
        return columns

    # Which parameters stay as they are, in a module that has such.
    frozen = getattr(network, "frozen", None)
    begin = start.astype(np.float64)
    _check_squares(network, residuals, start, arrays, method)
    try:
        result = scipy_optimize().least_squares(
            residuals, begin, derivatives, method=method, **options
        )
    except EndedEarly:
        return ""
    found(result.x, None)
    return str(result.message)


def _check_squares(
    network: EntryPoints, residuals: Callable[[NDArray[Any]], NDArray[Any]],
    start: NDArray[Any], arrays: Sequence[NDArray[Any]], method: str,
) -> None:  # fmt: skip
    """Refuse a cost that is no multiple of the sum of squares, judged at two points."""
    factors = []
    for point in (start, start + start.dtype.type(0.01)):
        cost = float(network.loss_kernel(point, *arrays))
        if abs(network.training_cost(point, arrays) - cost) > 1e-4 * abs(cost):
            raise ValueError(
                f"minimise: method {method!r} needs an output that is the same in training as in "
                f"use; choose another, such as 'L-BFGS-B'"
            )
        squares = float(np.sum(residuals(point) ** 2))
        factors.append(cost / squares if squares else 0.0)
    if abs(factors[0] - factors[1]) > 1e-3 * abs(factors[0]):
        raise ValueError(
            f"minimise: method {method!r} is for a cost that is a multiple of the sum of "
            f"(output - target)**2, which this one is not; choose another, such as 'L-BFGS-B'"
        )
