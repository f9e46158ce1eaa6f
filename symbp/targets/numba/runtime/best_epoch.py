"""When to stop a training early: the parameters of the best epoch, and how long ago that was.

The cost of held-out data after each epoch goes in, with what training changes; that comes back
as it was after the epoch in which the cost was lowest.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.arguments import check_count


class BestEpoch:
    """What training had made after the epoch with the lowest cost of held-out data.

    Parameters
    ----------
    patience : int
        How many epochs may pass without a lower cost, at least 1.
    min_delta : float
        By how much a cost has to be lower to count, at least 0.
    """

    def __init__(self, patience: int, min_delta: float) -> None:
        check_count("patience", patience, 1)
        is_number = isinstance(min_delta, int | float | np.number) and min_delta is not True
        if not is_number or not 0 <= min_delta < math.inf:
            raise ValueError(f"min_delta: expected a number >= 0, got {min_delta!r}")
        self.patience, self.min_delta = patience, min_delta
        self.cost, self.waited = math.inf, 0
        self.arrays: list[NDArray[Any]] = []

    def note(self, cost: float, *arrays: NDArray[Any]) -> bool:
        """Look at an epoch; return whether as many as there is patience for were no better."""
        if cost < self.cost - self.min_delta:
            self.cost, self.waited = cost, 0
            self.arrays = [array.copy() for array in arrays]
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self, *arrays: NDArray[Any]) -> None:
        """Write the best values into the arrays; if no cost was finite, leave them."""
        for array, best in zip(arrays, self.arrays, strict=False):
            np.copyto(array, best)
