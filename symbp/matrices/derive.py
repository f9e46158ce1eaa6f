"""From a formula to the shortest tree of its derivative: the pipeline, in one function.

formula -> index expression      build
        -> its derivative        differentiate, once or twice
        -> as it is assumed      restate
        -> the shortest tree     write
"""

from collections.abc import Mapping

from symbp.matrices.assumptions import EQUALITIES
from symbp.matrices.build import Builder
from symbp.matrices.differentiate import differentiated
from symbp.matrices.normal import reindexed
from symbp.matrices.restate import restated
from symbp.matrices.shapes import Shaped, Shapes
from symbp.matrices.terms import Expression
from symbp.matrices.tree import Tree, negated, walk
from symbp.matrices.writer import Writer
from symbp.notation.errors import NotationError, UnsupportedError

__all__ = ["GRADIENT", "HESSIAN", "JACOBIAN", "derivative_tree"]

MOST_AGAIN = 260  # sums that are tried when an answer is written a second time
GRADIENT, HESSIAN, JACOBIAN = "gradient", "hessian", "jacobian"


def derivative_tree(
    shapes: Shapes, node: Shaped, facts: Mapping[str, frozenset[str]], wrt: str, kind: str
) -> Tree:
    """Return the shortest tree that is found for a derivative.

    Parameters
    ----------
    shapes : Shapes
    node : Shaped
        The formula, with its shapes.
    facts : mapping of str to frozenset of str
        What is assumed of each symbol.
    wrt : str
        The variable. What is assumed of it holds where the derivative is evaluated, but not
        while it is differentiated.
    kind : str
        "gradient", with the shape of the variable; "hessian", a row and a column for each entry;
        "jacobian", a row for each entry of the formula. Matrices count through vec.

    Raises
    ------
    UnsupportedError
        Products of matrices cannot say it.
    """
    free = {**facts, wrt: facts.get(wrt, frozenset()) - EQUALITIES}
    matrix = Builder(shapes, free).build(node)
    x = shapes.declared[wrt]
    if kind == JACOBIAN:
        if matrix.columns:
            raise NotationError(f"in {node.tree}: a Jacobian is of a column; use vec or a gradient")
        if not matrix.e.rank:
            raise NotationError(f"in {node.tree}: a Jacobian is of a column; use a gradient")
        e, rows = _stacked(differentiated(matrix.e, wrt, x), len(x)), matrix.rows
    elif matrix.e.rank:
        raise NotationError(
            f"in {node.tree}: a {kind} is of a scalar; use a Jacobian, or declare other shapes "
            f"than {_said(shapes.declared)}"
        )
    elif kind == HESSIAN:
        twice = differentiated(differentiated(matrix.e, wrt, x), wrt, x)
        e, rows = _stacked(twice, len(x), both=True), len(x)
    else:
        e, rows = differentiated(matrix.e, wrt, x), min(len(x), 1)
    order: dict[str, int] = {}
    for part in walk(node.tree):
        if part.head == "symbol":
            order.setdefault(str(part.value), len(order))
    order[wrt] = len(order)  # (b'x) a and 2 a ⊙ x: what varies comes last
    e = restated(e, facts)
    plain = e.rank <= 2 and rows == min(e.rank, 1)
    return _with_fewer_sigmoids(e, None if plain else rows, order)


def _said(declared: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(
        f"{name}=({', '.join(map(repr, shape))}{',' * (len(shape) == 1)})"
        for name, shape in declared.items()
    )


def _stacked(e: Expression, rank: int, *, both: bool = False) -> Expression:
    """Return the expression with its last two indices, the variable's, as vec has them."""
    if rank < 2:
        return e
    places = list(range(e.rank))
    places[-2], places[-1] = places[-1], places[-2]
    if both:
        places[0], places[1] = 1, 0
    extents = [""] * e.rank
    for k, place in enumerate(places):
        extents[place] = e.extents[k]
    return reindexed(e, tuple(places), tuple(extents))


def _with_fewer_sigmoids(e: Expression, rows: int | None, order: Mapping[str, int]) -> Tree:
    """σ(−u) for 1 − σ(u), unless σ(u) stands beside it: books print σ(u)(1 − σ(u))."""
    found = Writer(order).written(e, rows)
    if found is None:
        raise UnsupportedError(
            "the derivative cannot be said by products of matrices, Kronecker products and diag: "
            "an index would be needed"
        )
    answer = found.plain
    sigmas = [_terms(t.args[0]) for t in walk(answer) if t.value == "sigmoid" and t.args]
    if any({(not sign, part) for sign, part in one} in sigmas for one in sigmas):
        other = Writer(order, turn_sigmoids=False, most=MOST_AGAIN).written(e, rows)
        if other is not None:
            return other.plain
    return answer


def _terms(tree: Tree, minus: bool = False) -> set[tuple[bool, str]]:
    """Return the terms of a sum with their signs, in no order."""
    if tree.head == "neg":
        return _terms(tree.args[0], not minus)
    if tree.head in ("+", "-"):
        right = _terms(tree.args[1], minus ^ (tree.head == "-"))
        return _terms(tree.args[0], minus) | right
    first = tree
    while first.head in ("*", "/", ".*", "./"):
        first = first.args[0]
    if first.head == "neg":
        return _terms(negated(tree), not minus)
    return {(minus, str(tree))}
