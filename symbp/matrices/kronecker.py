"""Terms of several row or column indices: Kronecker products, and vec of rank one.

``kron(P, Q)`` has the rows (p, q) and the columns (r, s), the slower first, and is P[p, r] Q[q, s]:
so a term is one if its factors fall into two parts that share no summed index. A factor at all the
rows only scales them: ``diag(vec(D))*kron(P, Q)``.
"""

from collections.abc import Sequence

from symbp.matrices.contraction import Leaf, contraction
from symbp.matrices.forms import Forms, forms, multiplied
from symbp.matrices.terms import Expression, connected
from symbp.matrices.tree import EYE, Tree, call

__all__ = ["kronecker"]


def kronecker(leaves: Sequence[Leaf], e: Expression, rows: int) -> Forms | None:
    """Return a term with ``rows`` row indices, or None if Kronecker products cannot say it."""
    row, column = tuple(range(rows)), tuple(range(rows, e.rank))
    if len(row) > 2 or len(column) > 2:
        return None
    found = [made for made in (_split(leaves, row, column), _outer(leaves, row, column)) if made]
    if not found:
        return None
    return forms(*zip(*found, strict=True)) if len(found) > 1 else found[0]


def _split(leaves: Sequence[Leaf], row: tuple[int, ...], column: tuple[int, ...]) -> Forms | None:
    """Scalings of all rows or columns, and the rest in two parts."""
    free = {*row, *column}
    over_rows: list[Leaf] = []
    over_columns: list[Leaf] = []
    rest: list[Leaf] = []
    for part in connected(leaves, free):
        around = {i for leaf in part for i in leaf.indices if i in free}
        if len(row) == 2 and around == set(row):
            over_rows += part
        elif len(column) == 2 and around == set(column):
            over_columns += part
        else:
            rest += part
    # One row index of two columns can go with either of them.
    best = None
    for slow, fast in _pairings(row, column):
        made = _product(rest, slow, fast)
        if made is not None and (best is None or made.plain.cost < best.plain.cost):
            best = made
    if best is None:
        return None
    for scaling, indices, left in ((over_rows, row, True), (over_columns, column, False)):
        if scaling:
            matrix = contraction(scaling, indices)
            if matrix is None:
                return None
            best = _scaled(best, matrix, left=left)
    return best


def _pairings(
    row: tuple[int, ...], column: tuple[int, ...]
) -> list[tuple[tuple[int | None, int | None], tuple[int | None, int | None]]]:
    rows = [row] if len(row) == 2 else [(row[0], None), (None, row[0])]
    columns = [column] if len(column) == 2 else [(column[0], None), (None, column[0])]
    return [((r[0], c[0]), (r[1], c[1])) for r in rows for c in columns]


def _product(
    leaves: Sequence[Leaf],
    slow: tuple[int | None, int | None],
    fast: tuple[int | None, int | None],
) -> Forms | None:
    free = {i for i in (*slow, *fast) if i is not None}
    halves: tuple[list[Leaf], list[Leaf]] = ([], [])
    for part in connected(leaves, free):
        around = {i for leaf in part for i in leaf.indices if i in free}
        if around <= set(slow):
            halves[0].extend(part)
        elif around <= set(fast):
            halves[1].extend(part)
        else:
            return None
    sides = []
    for half, (r, c) in zip(halves, (slow, fast), strict=True):
        made = contraction(half, [i for i in (r, c) if i is not None])
        if made is None:
            return None
        sides.append(made.transposed() if r is None and c is not None else made)
    one, other = sides
    lists: list[list[Tree]] = [[], [], [], []]
    for a in (False, True):
        for b in (False, True):
            for turned in (False, True):
                lists[2 * (a ^ b) + turned].append(
                    call("kron", one.of(turned, a), other.of(turned, b))
                )
    return forms(*lists)


def _scaled(matrix: Forms, scaling: Forms, *, left: bool) -> Forms:
    lists: list[list[Tree]] = [[], [], [], []]
    # The columns are stacked, and the slower index came first: vec of the transpose.
    inside = call("diag", call("vec", scaling.turned))
    minus = call("diag", call("vec", scaling.minus_turned))
    for n, diagonal in ((0, inside), (2, minus)):
        for turned in (False, True):
            kron = matrix.of(turned)
            first = left ^ turned
            lists[n + turned].append(
                multiplied(diagonal, kron) if first else multiplied(kron, diagonal)
            )
    made = forms(*lists)
    if matrix.plain == call("kron", EYE, EYE):
        return forms([inside], [inside], [minus], [minus])
    return made


def _outer(leaves: Sequence[Leaf], row: tuple[int, ...], column: tuple[int, ...]) -> Forms | None:
    """vec(P)*vec(Q)'."""
    free = {*row, *column}
    halves: tuple[list[Leaf], list[Leaf]] = ([], [])
    for part in connected(leaves, free):
        around = {i for leaf in part for i in leaf.indices if i in free}
        if around <= set(row):
            halves[0].extend(part)
        elif around <= set(column):
            halves[1].extend(part)
        else:
            return None
    sides = []
    for half, indices in zip(halves, (row, column), strict=True):
        made = contraction(half, indices)
        if made is None:
            return None
        if len(indices) == 2:
            plain, minus = call("vec", made.turned), call("vec", made.minus_turned)
            made = forms([plain], minus=[minus])
        sides.append(made)
    one, other = sides
    lists: list[list[Tree]] = [[], [], [], []]
    for a in (False, True):
        for b in (False, True):
            lists[2 * (a ^ b)].append(multiplied(one.of(False, a), other.of(True, b)))
            lists[2 * (a ^ b) + 1].append(multiplied(other.of(False, b), one.of(True, a)))
    return forms(*lists)
