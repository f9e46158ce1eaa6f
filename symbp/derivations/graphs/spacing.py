"""spacing: the height of each node of a layout, given the order in each column.

Each column in turn is moved to where its neighbours are, as near as the sizes of its nodes
allow: least squares under the condition that neighbours keep their distance, which the
pool-adjacent-violators method solves exactly. Symmetric graphs stay symmetric.
"""

import itertools
from collections.abc import Collection, Sequence

__all__ = ["heights"]

SWEEPS = 16
# The only edge of both its ends is to be straight, rather than its ends to be in the middle of
# their other neighbours; where it passes a column, less so, or long edges would spread the graph.
STRAIGHT, PASSING = 40.0, 4.0
# How strongly a target pulls, beside the outputs that it stands under.
LIGHT = 1e-3

Links = Sequence[Sequence[int]]


def heights(
    columns: Sequence[Sequence[int]],
    after: Links,
    before: Links,
    size: Sequence[tuple[float, float]],
    gap: Sequence[float],
    real: int,
    aligned: bool = False,
    light: Collection[int] = (),
) -> list[float]:
    """Return the height of each node's centre.

    Parameters
    ----------
    columns : sequence of sequence of int
        The nodes of each column from top to bottom.
    after, before : sequence of sequence of int
        For each node its neighbours in the next and in the previous column.
    size : sequence of (float, float)
        For each node how far it reaches above and below its centre.
    gap : sequence of float
        For each node how much room it wants to its neighbours.
    real : int
        Nodes below this number are vertices; the others stand where an edge passes a column.
    aligned : bool
        Whether the first vertices of all columns that have several stand at one height.
    light : collection of int
        Nodes that give way to the others of their column, and by which no other places itself.

    Returns
    -------
    list of float
        In each column, nodes are at least their sizes and the smaller gap apart.
    """
    y = [0.0] * len(size)
    offsets: list[list[float]] = []
    fixed = [aligned and sum(node < real for node in column) > 1 for column in columns]
    for column in columns:
        offset = [0.0]
        for upper, lower in itertools.pairwise(column):
            apart = size[upper][1] + size[lower][0] + min(gap[upper], gap[lower])
            offset.append(offset[-1] + apart)
        offsets.append(offset)
        middle = offset[-1] / 2
        if fixed[len(offsets) - 1]:
            middle = next(p for n, p in zip(column, offset, strict=True) if n < real)
        for node, place in zip(column, offset, strict=True):
            y[node] = place - middle
    for sweep in range(SWEEPS):
        forwards = sweep % 2 == 0
        numbers = range(len(columns)) if forwards else range(len(columns) - 1, -1, -1)
        for number in (n for n in numbers if not fixed[n]):
            wanted, weights = [], []
            for node in columns[number]:
                # The last sweeps look both ways, so that neither side is neglected.
                both = sweep >= SWEEPS // 2
                pulls = []
                for asked, others, back in (
                    (forwards or both, before[node], after),
                    (not forwards or both, after[node], before),
                ):
                    heavy = [other for other in others if other not in light] or others
                    if asked and heavy:
                        pulls.append(_pull(node, heavy, back, y, real))
                if node in light:
                    pulls = [(place, LIGHT) for place, _ in pulls]
                total = sum(weight for _, weight in pulls)
                wanted.append(sum(p * w for p, w in pulls) / total if pulls else y[node])
                weights.append(total if pulls else 0.1)
            placed = _apart(wanted, weights, offsets[number])
            for node, place in zip(columns[number], placed, strict=True):
                y[node] = place
    return y


def _pull(
    node: int, others: Sequence[int], back: Links, y: Sequence[float], real: int
) -> tuple[float, float]:
    """Return where the neighbours on one side want a node to be, and how strongly."""
    place = sum(y[other] for other in others) / len(others)
    alone = len(others) == 1 and len(back[others[0]]) == 1
    if node >= real or others[0] >= real:
        return place, PASSING if alone else 1.0
    return place, STRAIGHT if alone else 1.0


def _apart(
    wanted: Sequence[float], weights: Sequence[float], offset: Sequence[float]
) -> list[float]:
    """Return the places nearest to those wanted whose distances are at least the offsets'."""
    # Pools of neighbours that touch: sum of weight times place, weight, count.
    pools: list[tuple[float, float, int]] = []
    for place, weight, shift in zip(wanted, weights, offset, strict=True):
        pool = ((place - shift) * weight, weight, 1)
        while pools and pools[-1][0] / pools[-1][1] >= pool[0] / pool[1]:
            last = pools.pop()
            pool = (last[0] + pool[0], last[1] + pool[1], last[2] + pool[2])
        pools.append(pool)
    level = [total / weight for total, weight, count in pools for _ in range(count)]
    return [place + shift for place, shift in zip(level, offset, strict=True)]
