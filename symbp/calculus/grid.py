"""Points at which :mod:`symbp.calculus.precise` evaluates an expression.

Any set of points, so that what is guarded is evaluated only where its guard holds; an expression
that varies with some of the indices is evaluated at the distinct points over these.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.notation.index import Index

__all__ = ["Grid"]

Array = NDArray[Any]


class Grid:
    """Points at which an expression is evaluated: a value of each index, and what is known."""

    def __init__(self, indices: dict[Index, Array], points: int) -> None:
        self.indices, self.points = indices, points
        self.known: dict[Any, Array] = {}
        self.narrower: dict[frozenset[Index], tuple[Grid, Array]] = {}

    def onto(self, free: frozenset[Index]) -> "tuple[Grid, Array]":
        """Return the distinct points over some of the indices, and which each point is of them."""
        if free not in self.narrower:
            kept = [index for index in self.indices if index in free]
            if kept:
                columns = np.stack([self.indices[index] for index in kept], axis=1)
                distinct, inverse = np.unique(columns, axis=0, return_inverse=True)
                narrow = dict(zip(kept, distinct.T, strict=True))
                made = Grid(narrow, len(distinct)), inverse.reshape(-1)
            else:
                made = Grid({}, 1), np.zeros(self.points, dtype=np.int64)
            self.narrower[free] = made
        return self.narrower[free]

    def where(self, mask: Array) -> "Grid":
        """Return the points of a mask."""
        return Grid({i: at[mask] for i, at in self.indices.items()}, int(mask.sum()))

    def product(self, bound: tuple[Index, ...], sizes: list[int]) -> "Grid":
        """Return each point with every value of some more indices, which vary fastest."""
        count = math.prod(sizes)
        indices = {i: np.repeat(at, count) for i, at in self.indices.items()}
        for index, at in zip(bound, np.indices(sizes).reshape(len(sizes), count), strict=True):
            indices[index] = np.tile(at, self.points)
        return Grid(indices, self.points * count)
