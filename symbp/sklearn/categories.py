"""categories: columns of codes 0, 1, 2, …, which a network reads as vectors that it learns.

A table goes in; what the network takes comes out: the numbers, and an array of codes for each such
column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.networks.options import checked_size
from symbp.notation.errors import SymbpError, suggest

__all__ = ["Categories", "category_columns", "size_of_embedding"]

# Codes are subscripts of a table of numbers; beyond this it is no longer one of categories.
_MOST = 10_000_000


@dataclass(frozen=True)
class Categories:
    """Which columns hold codes.

    Attributes
    ----------
    places : tuple of int
        Their places in the table.
    counts : tuple of int
        How many categories each has.
    sizes : tuple of int
        How long the vectors of each are.
    names : tuple of str
        What they are called in messages.
    """

    places: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    def numbers(self, width: int) -> list[int]:
        """Return the places of the other columns of a table."""
        return [place for place in range(width) if place not in self.places]

    def sources(self, x: NDArray[Any]) -> list[NDArray[Any]]:
        """Return a table as the network reads it: numbers if there are any, then codes."""
        if not self.places:
            return [x]
        others = self.numbers(x.shape[1])
        found = [np.ascontiguousarray(x[:, others])] if others else []
        for place, count, name in zip(self.places, self.counts, self.names, strict=True):
            column = x[:, place]
            wrong = (column < 0) | (column >= count) | (column % 1 != 0)
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise SymbpError(
                    f"X: row {row}, {name} is {column[row]:g}, expected a code from 0 to "
                    f"{count - 1}; categorical_features={{column: count}} says how many there are"
                )
            found.append(column.astype(np.int64)[:, np.newaxis])
        return found


def category_columns(
    x: NDArray[Any], names: Sequence[str] | None, given: Any, size: int | None
) -> Categories:
    """Return which columns of a table hold codes.

    Parameters
    ----------
    x : ndarray of shape (examples, columns)
        The table that is learnt from.
    names : sequence of str or None
        Those of its columns.
    given : sequence of int or str, mask of bool, mapping of a column to a count, or None
        The columns; of a mapping also how many categories they have, else as many as occur.
    size : int or None
        How long the vectors are, see :func:`size_of_embedding`.
    """
    if given is None:
        return Categories()
    if not isinstance(given, Mapping | Sequence | np.ndarray) or isinstance(given, str):
        raise SymbpError(
            f"categorical_features: expected a list of columns, or a dict of a column and its "
            f"number of categories, got {given!r}"
        )
    chosen: list[Any] = list(given)
    if chosen and all(isinstance(each, bool | np.bool_) for each in chosen):
        if len(chosen) != x.shape[1]:
            raise SymbpError(
                f"categorical_features: expected {x.shape[1]} of True and False, got {len(chosen)}"
            )
        chosen = [int(place) for place in np.flatnonzero(chosen)]
    counted = dict(given) if isinstance(given, Mapping) else {}
    found: dict[int, tuple[int, str]] = {}
    for column in chosen:
        place = _place(column, x.shape[1], names)
        label = f"column {column!r}" if isinstance(column, str) else f"column {place}"
        if column in counted:
            count = checked_size(f"categorical_features: {label}", counted[column])
        else:
            highest = float(x[:, place].max())
            count = int(min(max(highest, 0), _MOST)) + 1
        if count > _MOST:
            raise SymbpError(f"categorical_features: {label} holds no codes of categories")
        found[place] = count, label
    places = tuple(sorted(found))
    counts = tuple(found[place][0] for place in places)
    if size is not None:
        size = checked_size("embedding_size", size)
    sizes = tuple(size_of_embedding(count) if size is None else size for count in counts)
    return Categories(places, counts, sizes, tuple(found[place][1] for place in places))


def size_of_embedding(count: int) -> int:
    """Return how long the vectors of so many categories are, unless it is said.

    Parameters
    ----------
    count : int
        The number of categories. The rule is fastai's, ``1.6 · count^0.56``, at most 50.
    """
    return int(min(50, max(1, round(1.6 * float(count) ** 0.56))))


def _place(column: Any, width: int, names: Sequence[str] | None) -> int:
    if isinstance(column, str):
        known = [] if names is None else list(names)
        if column not in known:
            told = suggest(column, known) if known else "the table has no names of columns"
            raise SymbpError(f"categorical_features: no column {column!r}; {told}")
        return known.index(column)
    if not isinstance(column, int | np.integer) or not -width <= column < width:
        raise SymbpError(
            f"categorical_features: expected a column from 0 to {width - 1}, got {column!r}"
        )
    return int(column) % width
