"""Other ways to say quotients and sums of sums: 1 + q/c over c, one denominator, one sum.

Each way is an equal expression; which is shortest is not asked here.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations

from symbp.matrices.algebra import contracted, power
from symbp.matrices.powers import added
from symbp.matrices.terms import ONE, Expression, Factor, Term

__all__ = ["requoted"]

Part = tuple[Expression, tuple[int, ...]]
Below = dict[tuple[str, tuple[int, ...]], Factor]
MOST_TERMS = 4


def requoted(e: Expression) -> Iterator[Expression]:
    """Yield the expression with quotients inside quotients, or quotients or sums, made one."""
    for n, term in enumerate(e.terms):
        made = _cleared(term, e)
        if made is not None:
            yield _replaced(e, (n,), made)
    if 2 <= len(e.terms) <= MOST_TERMS:
        for a, b in combinations(range(len(e.terms)), 2):
            for way in (_over_one(e.terms[a], e.terms[b], e), _one_sum(e.terms[a], e.terms[b], e)):
                if way is not None:
                    yield _replaced(e, (a, b), way)


def _replaced(e: Expression, gone: Sequence[int], new: Expression) -> Expression:
    before = e.terms[: gone[0]]
    after = [term for n, term in enumerate(e.terms) if n > gone[0] and n not in gone]
    return Expression.of(e.extents, [*before, *new.terms, *after])


def _parts(factors: Sequence[Factor]) -> list[Part]:
    found: list[Part] = []
    for f in factors:
        rank = len(f.indices)
        own = Term(ONE, [f._replace(indices=tuple(range(rank)))], rank)
        found.append((Expression.of(f.atom.extents, [own]), f.indices))
    return found


def _number(value: Fraction) -> Part:
    return Expression.of((), [Term(value, [], 0)] if value else []), ()


def _below(term: Term, rank: int) -> Below:
    """Return what a term is divided by, each with its power, at free indices."""
    return {
        (f.atom.key, f.indices): f
        for f in term.factors
        if isinstance(f.power, Fraction)
        and f.power < 0
        and f.atom.kind in ("symbol", "sum", "function")
        and not (f.atom.kind == "function" and f.atom.name == "exp")
        and all(i < rank for i in f.indices)
    }


def _cleared(term: Term, e: Expression) -> Expression | None:
    """1 / (1 + q/c) = c / (c + q), whole powers only."""
    for f in term.factors:
        inner = f.atom.inner
        if f.atom.kind != "sum" or inner is None or len(inner.terms) < 2:
            continue
        if not isinstance(f.power, Fraction) or f.power >= 0 or f.power.denominator != 1:
            continue
        dividing: Below = {}
        for part in inner.terms:
            for at, g in _below(part, inner.rank).items():
                least = dividing.get(at)
                if least is None or g.power < least.power:  # type: ignore[operator]
                    dividing[at] = g
        if not dividing:
            continue
        own = tuple(range(inner.rank))
        raised = [g._replace(power=-g.power) for g in dividing.values()]  # type: ignore[operator]
        whole = contracted([(inner, own), *_parts(raised)], inner.extents, distribute=[0])
        if len(whole.terms) < 2:
            continue
        outside = [
            Factor(g.atom, tuple(f.indices[i] for i in g.indices), g.power * f.power)  # type: ignore[operator]
            for g in dividing.values()
        ]
        rest = [g for g in term.factors if g is not f]
        denominator = power(whole, f.power)
        return contracted(
            [*_parts([*rest, *outside]), (denominator, f.indices), _number(term.coefficient)],
            e.extents,
        )
    return None


def _over_one(s: Term, t: Term, e: Expression) -> Expression | None:
    """a/p + b/q = (a q + b p) / (p q), the numerator multiplied out."""
    below, other = _below(s, e.rank), _below(t, e.rank)
    if not below or not other or below.keys() == other.keys():
        return None
    common = dict(below)
    for at, g in other.items():
        if at not in common or g.power < common[at].power:  # type: ignore[operator]
            common[at] = g
    total: list[Term] = []
    for term, mine in ((s, below), (t, other)):
        times = [f for f in term.factors if (f.atom.key, f.indices) not in mine]
        for at, g in common.items():
            up = added(-g.power, mine[at].power if at in mine else Fraction(0))  # type: ignore[operator]
            if up != 0:
                times.append(g._replace(power=up))
        pieces = _multiplied_out(times, e.rank)
        opened = [n for n, (piece, _) in enumerate(pieces) if len(piece.terms) > 1]
        made = contracted([*pieces, _number(term.coefficient)], e.extents, distribute=opened)
        total += made.terms
    numerator = Expression.of(e.extents, total)
    if not 1 <= len(numerator.terms) <= 3:
        return None
    return contracted(
        [(numerator, tuple(range(e.rank))), *_parts(list(common.values()))], e.extents
    )


def _multiplied_out(factors: Sequence[Factor], rank: int) -> list[Part]:
    found: list[Part] = []
    for f, part in zip(factors, _parts(factors), strict=True):
        inner = f.atom.inner
        if f.atom.kind == "sum" and f.power == 1 and inner is not None and f.indices:
            found.append((inner, f.indices) if all(i < rank for i in f.indices) else part)
        elif f.atom.kind == "sum" and f.power == 1 and inner is not None and len(inner.terms) > 1:
            found.append((inner, ()))
        else:
            found.append(part)
    return found


def _one_sum(s: Term, t: Term, e: Expression) -> Expression | None:
    """Σ a + Σ b = Σ (a + b), over an index that one factor has alone."""
    if e.rank > 1:
        return None
    opened: list[Term] = []
    extent = ""
    for term in (s, t):
        found = _loose(term, e.rank)
        if found is None or (extent and found[1] != extent):
            return None
        factors, extent = found
        opened.append(Term(term.coefficient, factors, e.rank + 1))
    both = Expression.of((*e.extents, extent), opened)
    if len(both.terms) < 2:
        return None
    return contracted([(both, tuple(range(e.rank + 1)))], e.extents)


def _loose(term: Term, rank: int) -> tuple[list[Factor], str] | None:
    """Return the factors with an index that is summed alone made free, and its extent."""
    factors: Sequence[Factor] = term.factors
    if rank == 0:
        # A whole scalar is one factor: look inside.
        if len(factors) != 1 or factors[0].power != 1 or factors[0].atom.kind != "sum":
            return None
        inner = factors[0].atom.inner
        if inner is None or len(inner.terms) != 1 or inner.terms[0].coefficient != 1:
            return None
        factors = inner.terms[0].factors
    for f in factors:
        for slot, i in enumerate(f.indices):
            if i < rank or f.indices.count(i) != 1:
                continue
            if any(i in g.indices for g in factors if g is not f):
                continue

            def moved(j: int, i: int = i) -> int:
                return j if j < rank else rank if j == i else j + 1

            return (
                [g._replace(indices=tuple(moved(j) for j in g.indices)) for g in factors],
                f.atom.extents[slot],
            )
    return None
