"""Results in more and more digits, and when they have settled.

A right value no longer changes with the digits. What shrinks with them is zero: only rounding.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Settled", "agree", "is_finite", "without_rounding"]


@dataclass(frozen=True)
class Settled:
    """The right values at a draw: the cost, the gradients, and with how many digits."""

    digits: int
    cost: Any
    gradients: dict[str, NDArray[Any]]


def agree(one: Settled, other: Settled) -> bool:
    """Whether more digits changed nothing, but for rounding where the result is zero."""
    if not _close(one.cost, other.cost, abs(other.cost)):
        return False
    for name, array in other.gradients.items():
        size = max((abs(g) for g in array.reshape(-1) if g - g == 0), default=0)
        for a, b in zip(one.gradients[name].reshape(-1), array.reshape(-1), strict=True):
            if not _close(a, b, size):
                return False
    return True


def is_finite(found: Settled) -> bool:
    """Whether neither the cost nor a gradient is infinite or NaN."""
    numbers = [found.cost, *(g for array in found.gradients.values() for g in array.reshape(-1))]
    return all(number - number == 0 for number in numbers)


def without_rounding(one: Settled, other: Settled) -> Settled:
    """Return the first with 0 for the gradients that are rounding, and shrink with the digits."""
    gradients = {
        name: np.where(_shrinks(array, other.gradients[name]), array * 0, array)
        for name, array in one.gradients.items()
    }
    return replace(one, gradients=gradients)


@partial(np.vectorize, otypes=[bool])
def _shrinks(a: Any, b: Any) -> bool:
    return bool(abs(b) <= 1e-20 * abs(a) <= 1e-60)


def _close(a: Any, b: Any, size: Any) -> bool:
    if a == b or (a != a and b != b):
        return True
    # What shrinks with the digits is zero.
    return bool(abs(a - b) <= 1e-20 * abs(b) or abs(a - b) <= 1e-40 * size or _shrinks(a, b))
