"""A product of tensors at indices, read as matrices: the shortest of all orders.

Pieces are vectors and matrices at one or two indices. Two that share an index are combined: a
matrix product where nothing else needs the index, a Hadamard product or ``diag(v)*M`` where
something does. The shortest form of each set of factors is made of those of its parts.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from symbp.matrices.forms import Forms, better, forms, multiplied, ones, squared_norm
from symbp.matrices.tree import Tree, call, negated, number, operation, transposed

__all__ = ["Leaf", "contraction"]

ONES = "ones"
MOST_FACTORS = 11


class Leaf(NamedTuple):
    """A factor as it prints: at one or two indices; ``under`` is 1/it, if that is shorter.

    ``matrix`` is the diagonal matrix of a vector, where it has a name. ``root`` is what a matrix
    is the elementwise square of.
    """

    indices: tuple[int, ...]
    forms: Forms | None
    under: Forms | None = None
    kind: str = ""
    matrix: Tree | None = None
    root: Forms | None = None


class Piece(NamedTuple):
    """A product at its open indices, in their order; forms are rows by the first."""

    open: tuple[int, ...]
    forms: Forms
    under: Forms | None
    kind: str = ""
    matrix: Tree | None = None
    root: Forms | None = None

    def tree(self, rows: int | None, minus: bool = False) -> Tree:
        """Return the tree with ``rows`` as index of the rows (None: a vector as a row)."""
        if not self.open:
            return self.forms.of(False, minus)
        return self.forms.of(rows != self.open[0], minus)


def contraction(leaves: Sequence[Leaf], free: Sequence[int]) -> Forms | None:
    """Return the shortest forms of a product, or None if matrices cannot say it.

    Parameters
    ----------
    leaves : sequence of Leaf
        The factors, each at one index at least.
    free : sequence of int
        No, one or two free indices: of the rows, of the columns. All others are summed over.
    """
    leaves = list(leaves)
    present = {i for leaf in leaves for i in leaf.indices}
    count: dict[int, int] = {}
    for leaf in leaves:
        for i in set(leaf.indices):
            count[i] = count.get(i, 0) + 1
    for i in sorted(present):
        if count[i] == 1 and i not in free:
            only = next(leaf for leaf in leaves if i in leaf.indices)
            if only.indices != (i, i):
                leaves.append(Leaf((i,), forms([ones(1)]), kind=ONES))
    for i in free:
        if i not in present:
            leaves.append(Leaf((i,), forms([ones(1)]), kind=ONES))
    piece = _shortest(_together(leaves), free)
    if piece is None:
        return None
    if len(free) == 2 and piece.open != tuple(free):
        return piece.forms.transposed() if piece.open == (free[1], free[0]) else None
    return piece.forms if piece.open == tuple(free) else None


def _together(leaves: list[Leaf]) -> list[Leaf]:
    """Return the leaves with the vectors at one index as one: nothing is gained between them."""
    at: dict[int, list[Leaf]] = {}
    for leaf in leaves:
        if len(leaf.indices) == 1 and leaf.kind != ONES and leaf.matrix is None:
            at.setdefault(leaf.indices[0], []).append(leaf)
    out = leaves
    for i, group in at.items():
        if len(group) > 1 and len(group) < len(out):
            piece = _shortest(group, (i,))
            if piece is not None:
                one = Leaf((i,), piece.forms, piece.under, piece.kind)
                first = next(n for n, leaf in enumerate(out) if leaf is group[0])
                rest = [leaf for leaf in out if not any(leaf is g for g in group)]
                before = sum(not any(leaf is g for g in group) for leaf in out[:first])
                out = [*rest[:before], one, *rest[before:]]
    return out


def _shortest(leaves: Sequence[Leaf], free: Sequence[int]) -> Piece | None:
    """Return the product of all leaves, of all orders the shortest."""
    if len(leaves) > MOST_FACTORS:
        return None
    whole = (1 << len(leaves)) - 1
    masks: dict[int, int] = {}
    for n, leaf in enumerate(leaves):
        for i in leaf.indices:
            masks[i] = masks.get(i, 0) | 1 << n
    table: dict[int, Piece | None] = {}

    def open_of(mask: int) -> tuple[int, ...]:
        return tuple(
            i for i in sorted(masks) if masks[i] & mask and (i in free or masks[i] & ~mask)
        )

    for size in range(1, len(leaves) + 1):
        for chosen in combinations(range(len(leaves)), size):
            mask = sum(1 << n for n in chosen)
            still = open_of(mask)
            if len(still) > 2:
                table[mask] = None
            elif size == 1:
                table[mask] = _single(leaves[chosen[0]], still)
            else:
                table[mask] = _best(mask, still, table, closing=mask == whole)
    return table[whole]


def _single(leaf: Leaf, still: tuple[int, ...]) -> Piece | None:
    value, under = leaf.forms, leaf.under
    indices = leaf.indices
    if value is None:
        assert under is not None
        value = _reciprocal(under, len(set(indices)))
    if len(indices) == 2 and indices[0] == indices[1]:
        if not still:
            return Piece((), forms([call("tr", value.plain)], scalar=True), None)
        inside = better([value.plain, value.turned])
        minus = better([value.minus, value.minus_turned])
        value, under = forms([call("diag", inside)], minus=[call("diag", minus)]), None
    elif len(indices) == 2 and indices != still:
        if set(indices) != set(still):
            return None
        value = value.transposed()
        under = under.transposed() if under is not None else None
        leaf = leaf._replace(root=leaf.root.transposed() if leaf.root is not None else None)
    elif len(indices) == 1 and not still:
        return None
    return Piece(still, value, under, leaf.kind, leaf.matrix, leaf.root)


def _reciprocal(under: Forms, rank: int) -> Forms:
    one = number(1) if rank == 0 else ones(rank)
    operator = "/" if rank == 0 else "./"
    made = [[operation(operator, one, tree)] for tree in under]
    if rank == 1:
        made[1], made[3] = [], []
    return forms(*made, scalar=rank == 0)


def _best(
    mask: int, still: tuple[int, ...], table: dict[int, Piece | None], *, closing: bool
) -> Piece | None:
    lists: tuple[list[Tree], list[Tree], list[Tree], list[Tree]] = ([], [], [], [])
    unders: list[Forms] = []
    kind = ""
    matrix: Tree | None = None
    lowest = mask & -mask
    sub = (mask - 1) & mask
    while sub:
        if sub & lowest:
            p, q = table[sub], table[mask ^ sub]
            if p is not None and q is not None:
                made = _combined(p, q, still, closing=closing)
                if made is not None:
                    for n in range(4):
                        lists[n].extend(made[0][n])
                    if made[1] is not None:
                        unders.append(made[1])
                    kind = kind or made[2]
                    if len(p.open) == 1 and p.open == q.open and p.matrix and q.matrix:
                        matrix = multiplied(p.matrix, q.matrix)
        sub = (sub - 1) & mask
    if not any(lists):
        return None
    found = forms(*lists, scalar=not still)
    under = min(unders, key=lambda f: f.plain.cost) if unders else None
    return Piece(still, found, under, kind, matrix if len(still) == 1 else None)


Lists = tuple[list[Tree], list[Tree], list[Tree], list[Tree]]
SIGNS = ((False, False), (True, False), (False, True))


def _combined(
    p: Piece, q: Piece, still: tuple[int, ...], *, closing: bool
) -> tuple[Lists, Forms | None, str] | None:
    """Return the forms of two pieces combined; which index stays open is in ``still``."""
    shared = [i for i in p.open if i in q.open]
    lists: Lists = ([], [], [], [])
    if not shared:
        if len(p.open) == 1 and len(q.open) == 1:
            _outer(p, q, still, lists)
            return lists, None, ""
        return None
    closed = [i for i in shared if i not in still]
    if len(shared) == 2:
        return _two_shared(p, q, closed, still, lists)
    if closed:
        _product(p, q, shared[0], still, lists)
        return lists, None, ""
    if len(p.open) == 2 and len(q.open) == 2:
        return None
    if len(p.open) == 1 and len(q.open) == 1:
        under = _hadamard(p, q, lists)
        return lists, under, ""
    _scaled(p, q, shared[0], still, lists)
    return lists, None, ""


def _outer(p: Piece, q: Piece, still: tuple[int, ...], lists: Lists) -> None:
    if still[0] == q.open[0]:
        p, q = q, p
    if p.kind == ONES and q.kind == ONES:
        lists[0].append(ones(2))
        lists[1].append(ones(2))
        return
    for a, b in SIGNS:
        minus = 2 * (a ^ b)
        lists[minus].append(multiplied(p.forms.of(False, a), q.forms.of(True, b)))
        lists[minus + 1].append(multiplied(q.forms.of(False, b), p.forms.of(True, a)))


def _product(p: Piece, q: Piece, s: int, still: tuple[int, ...], lists: Lists) -> None:
    """Multiply matrices over the index ``s``, which nothing else needs."""
    left = [i for i in p.open if i != s]
    right = [i for i in q.open if i != s]
    if not left and not right:
        _inner(p, q, lists)
        return
    if not left or (right and still[0] == right[0]):
        p, q, left, right = q, p, right, left
    for a, b in SIGNS:
        minus = 2 * (a ^ b)
        lists[minus].append(multiplied(p.tree(left[0], a), q.tree(s, b)))
        if q.kind == ONES and p.root is not None and not a:
            rooted = p.root.of(left[0] != p.open[0])
            across = p.root.of(left[0] == p.open[0])
            lists[0].append(call("diag", multiplied(rooted, across)))
        # Turned: the columns of the result are the rows of p.
        rows = right[0] if right else None
        lists[minus + 1].append(multiplied(q.tree(rows, b), p.tree(s, a)))


def _inner(p: Piece, q: Piece, lists: Lists) -> None:
    for one, other in ((p, q), (q, p)):
        if other.kind == ONES:
            if one.kind == ONES:
                lists[0].append(multiplied(transposed(ones(1)), ones(1)))
            for opposite in (False, True):
                inside = better([one.forms.of(False, opposite), one.forms.of(True, opposite)])
                lists[2 * opposite].append(_sum_of(_without_ones(inside)))
            return
    for a, b in SIGNS:
        minus = 2 * (a ^ b)
        lists[minus].append(multiplied(p.forms.of(True, a), q.forms.of(False, b)))
        lists[minus].append(multiplied(q.forms.of(True, b), p.forms.of(False, a)))
        if p.forms.of(False, a) == q.forms.of(False, b):
            lists[minus].append(squared_norm(p.forms.of(False, a)))


def _sum_of(tree: Tree) -> Tree:
    """Return the sum of all entries; of magnitudes, it is a norm."""
    if tree.head == "call" and tree.value == "abs":
        return call("norm1", tree.args[0])
    return call("sum", tree)


def _without_ones(tree: Tree) -> Tree:
    """Return M for M𝟏 or 𝟏'M: all have one sum."""
    if tree.head == "*" and tree.args[1] == ones(1):
        return tree.args[0]
    if tree.head == "*" and tree.args[0] == transposed(ones(1)):
        return tree.args[1]
    if tree.head == "'":
        return _without_ones(tree.args[0])
    return tree


def _two_shared(
    p: Piece, q: Piece, closed: list[int], still: tuple[int, ...], lists: Lists
) -> tuple[Lists, Forms | None, str] | None:
    i, j = p.open
    if not closed:
        return lists, _hadamard(p, q, lists), ""
    if len(closed) == 1:
        keep = i if closed[0] == j else j
        s = closed[0]
        for a, b in SIGNS:
            minus = 2 * (a ^ b)
            for one, x, other, y in ((p, a, q, b), (q, b, p, a)):
                inside = multiplied(one.tree(keep, x), other.tree(s, y))
                lists[minus].append(call("diag", inside))
                both = operation(".*", one.tree(keep, x), other.tree(keep, y))
                lists[minus].append(multiplied(both, ones(1)))
        return lists, None, ""
    for a, b in SIGNS:
        minus = 2 * (a ^ b)
        for rows, columns in ((i, j), (j, i)):
            for one, x, other, y in ((p, a, q, b), (q, b, p, a)):
                inside = multiplied(one.tree(rows, x), other.tree(columns, y))
                lists[minus].append(call("tr", inside))
                both = operation(".*", one.tree(rows, x), other.tree(rows, y))
                lists[minus].append(call("sum", both))
            if p.tree(rows, a) == q.tree(rows, b):
                lists[minus].append(squared_norm(p.tree(rows, a), "normF"))
    return lists, None, ""


def _hadamard(p: Piece, q: Piece, lists: Lists) -> Forms | None:
    """Elementwise products and quotients of two pieces at the same indices."""
    turns = (False,) if len(p.open) == 1 else (False, True)
    for one, other in ((p, q), (q, p)):
        for t in turns:
            for a, b in SIGNS:
                minus = 2 * (a ^ b) + int(t)
                x, y = one.forms.of(t, a), other.forms.of(t, b)
                if x.head == "neg" and y.head != "neg" and y.head in ("+", "-"):
                    continue
                if x == y:
                    lists[minus].append(operation(".^", x, number(2)))
                lists[minus].append(elementwise(".*", x, y))
                if other.under is not None:
                    lists[minus].append(operation("./", x, other.under.of(t, b)))
                if one.matrix is not None and not a:
                    lists[minus].append(multiplied(one.matrix, y))
        if len(p.open) == 2 and one.kind == "eye":
            inside = better([other.forms.plain, other.forms.turned])
            lists[0].append(call("diag", call("diag", inside)))
    if p.under is None or q.under is None:
        return None
    made = forms(
        [elementwise(".*", p.under.plain, q.under.plain),
         elementwise(".*", q.under.plain, p.under.plain)],
        [elementwise(".*", p.under.turned, q.under.turned)],
    )  # fmt: skip
    whole = _reciprocal(made, len(p.open))
    for n in range(4):
        lists[n].append(whole[n])
    return made


def elementwise(operator: str, left: Tree, right: Tree) -> Tree:
    """Return ``left .* right``, from the left."""
    if right.head == operator and operator == ".*":
        return elementwise(operator, elementwise(operator, left, right.args[0]), right.args[1])
    return operation(operator, left, right)


def _scaled(p: Piece, q: Piece, s: int, still: tuple[int, ...], lists: Lists) -> None:
    """Scale the rows or columns of a matrix by a vector."""
    v, m = (p, q) if len(p.open) == 1 else (q, p)
    for a, b in SIGNS:
        minus = 2 * (a ^ b)
        diagonal = call("diag", v.forms.of(False, a))
        if v.matrix is not None:
            diagonal = negated(v.matrix) if a else v.matrix
        for turned in (False, True):
            rows = still[turned]
            matrix = m.tree(rows, b)
            made = multiplied(diagonal, matrix) if rows == s else multiplied(matrix, diagonal)
            lists[minus + turned].append(made)
