"""From the text of a formula to the shortest tree of its derivative: the pipeline, in one function."""

from collections.abc import Iterable, Mapping

from symbp.matrices.build import Builder
from symbp.matrices.differentiate import differentiated
from symbp.matrices.parser import parse
from symbp.matrices.restate import restated
from symbp.matrices.shapes import Shapes
from symbp.matrices.tree import Tree, walk
from symbp.matrices.writer import Writer
from symbp.notation.errors import UnsupportedError

__all__ = ["derived"]

EQUALITIES = frozenset({
    "symmetric", "positive definite", "orthogonal", "diagonal", "sums to 1", "rows sum to 1",
    "in {0,1}", "in {-1,1}",
})  # fmt: skip


def facts_of(assumptions: Iterable[str]) -> dict[str, frozenset[str]]:
    from symbp.matrices.parser import NAME

    out: dict[str, frozenset[str]] = {}
    for text in assumptions:
        name, _, fact = text.partition(" ")
        if NAME.fullmatch(name):
            out[name] = out.get(name, frozenset()) | {fact}
    return out


def derived(text, shapes, wrt, order, assumptions=()):
    tree = parse(text)
    known = Shapes(shapes)
    node = known.infer(tree)
    facts = facts_of(assumptions)
    before = {**facts, wrt: facts.get(wrt, frozenset()) - EQUALITIES}
    matrix = Builder(known, before).build(node)
    x = tuple(shapes[wrt])
    e = matrix.e
    rows = len(x)
    if order == "jacobian":
        rows = matrix.rows
        flat = x[::-1]
        e = differentiated(e, wrt, x)
        e = vec_last(e, len(x))
    elif order == 2:
        e = differentiated(e, wrt, x)
        e = differentiated(e, wrt, x)
        e = vec_last(e, len(x), first=True)
        rows = len(x)
    else:
        e = differentiated(e, wrt, x)
        rows = min(len(x), 1)
    e = restated(e, facts)
    order_of = {}
    for part in walk(tree):
        if part.head == "symbol":
            order_of.setdefault(str(part.value), len(order_of))
    found = Writer(order_of).written(e, rows if e.rank > 2 or rows != 1 else None)
    if found is None:
        raise UnsupportedError("cannot be said: " + e.key)
    return found.plain


def vec_last(e, n, first=False):
    from symbp.matrices.normal import reindexed
    if n < 2:
        return e
    r = e.rank
    places = list(range(r))
    places[-2], places[-1] = places[-1], places[-2]
    if first:
        places[0], places[1] = 1, 0
    ex = list(e.extents)
    new = [None] * r
    for k, p in enumerate(places):
        new[p] = ex[k]
    return reindexed(e, tuple(places), tuple(new))
