"""ordering: the order of the vertices in each column, with few crossings of edges.

Barycentre sweeps (Sugiyama, Tagawa and Toda 1981): a vertex goes where its neighbours are, forwards
and backwards in turn, and the best order seen is kept. Ties keep the order that was given.
"""

import itertools
from bisect import bisect_right, insort
from collections.abc import Sequence

__all__ = ["crossings", "ordered"]

SWEEPS = 12
# Exchanging neighbours is worth its time in drawings where a reader would see it.
MOST_EXCHANGED = 400

Columns = list[list[int]]
Links = Sequence[Sequence[int]]


def ordered(columns: Columns, after: Links, before: Links, kept: int = 0) -> Columns:
    """Return the columns in an order with few crossings.

    Parameters
    ----------
    columns : list of list of int
        Node numbers, column by column, in the order given.
    after, before : sequence of sequence of int
        For each node its neighbours in the next and in the previous column.
    kept : int
        Nodes below this number stay in their order; the others move between them.

    Returns
    -------
    list of list of int
        The same nodes; the order given, if no order with fewer crossings was found.
    """
    best, fewest = [list(column) for column in columns], crossings(columns, after)
    current = [list(column) for column in columns]
    small = sum(map(len, columns)) <= MOST_EXCHANGED
    for sweep in range(SWEEPS):
        if not fewest:
            break
        forwards = sweep % 2 == 0
        neighbours = before if forwards else after
        numbers = range(1, len(columns)) if forwards else range(len(columns) - 2, -1, -1)
        for number in numbers:
            fixed = current[number - 1 if forwards else number + 1]
            current[number] = _by_barycentre(current[number], fixed, neighbours)
            if small:
                _exchange(current[number], fixed, neighbours)
            if kept:
                current[number] = _in_order(current[number], columns[number], kept)
        count = crossings(current, after)
        if count < fewest:
            best, fewest = [list(column) for column in current], count
    return best


def crossings(columns: Columns, after: Links) -> int:
    """Return how many pairs of edges cross when drawn straight from column to column."""
    total = 0
    for column, following in itertools.pairwise(columns):
        place = {node: position for position, node in enumerate(following)}
        passed: list[int] = []
        for node in column:
            ends = sorted(place[other] for other in after[node])
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total


def _by_barycentre(column: list[int], fixed: list[int], neighbours: Links) -> list[int]:
    place = {node: position for position, node in enumerate(fixed)}
    wanted: dict[int, float] = {}
    for node in column:
        if neighbours[node]:
            wanted[node] = sum(place[other] for other in neighbours[node]) / len(neighbours[node])
    # A node without neighbours on that side keeps its position; the others fill the rest.
    movable = iter(sorted(wanted, key=wanted.__getitem__))
    return [next(movable) if node in wanted else node for node in column]


def _in_order(column: list[int], given: list[int], kept: int) -> list[int]:
    """Return a column with the nodes below a number in the order given, where they stand."""
    nodes = iter(node for node in given if node < kept)
    return [next(nodes) if node < kept else node for node in column]


def _exchange(column: list[int], fixed: list[int], neighbours: Links) -> None:
    """Exchange neighbours in a column as long as that removes crossings."""
    place = {node: position for position, node in enumerate(fixed)}
    ends = {node: sorted(place[other] for other in neighbours[node]) for node in column}
    for _ in range(4):
        improved = False
        for i in range(len(column) - 1):
            upper, lower = ends[column[i]], ends[column[i + 1]]
            now = sum(_below(lower, end) for end in upper)
            then = sum(_below(upper, end) for end in lower)
            if then < now:
                column[i], column[i + 1] = column[i + 1], column[i]
                improved = True
        if not improved:
            break


def _below(ends: list[int], end: int) -> int:
    """Return how many of the sorted ends come before one."""
    return sum(1 for other in ends if other < end)
