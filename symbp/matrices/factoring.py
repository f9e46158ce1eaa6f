"""Other ways to say a sum: common factors taken out, sums multiplied out.

Each way is an equal expression; which is shortest is not asked here.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from symbp.matrices.algebra import contracted
from symbp.matrices.normal import plus, product
from symbp.matrices.powers import added, constant
from symbp.matrices.terms import ONE, Expression, Factor, Power, Term, alone

__all__ = ["expanded", "factored", "rewritten"]


class Common(NamedTuple):
    """A factor that several terms have: its power taken out, and its place in each term."""

    power: Power
    places: tuple[int, ...]
    indices: tuple[tuple[int, ...], ...]


def factored(e: Expression, most_open: int) -> Iterator[Expression]:
    """Yield the expression with common factors of two or more terms taken out."""
    if not 2 <= len(e.terms) <= 9:
        return
    seen = {e.key}
    for a, b in combinations(range(len(e.terms)), 2):
        for seed in _seeds(e.terms[a], e.terms[b]):
            groups = [[seed], _extended(e, (a, b), seed)]
            for group in groups[: 1 if len(groups[1]) == 1 else 2]:
                chosen, whole = _everywhere(e, (a, b), group)
                ways: list[tuple[tuple[int, ...], list[Common]]] = [((a, b), group)]
                if len(chosen) > 2:
                    ways.insert(0, (chosen, whole))
                for terms, common in ways:
                    made = _taken_out(e, terms, common, most_open)
                    if made is not None and made.key not in seen:
                        seen.add(made.key)
                        yield made


def _seeds(s: Term, t: Term) -> Iterator[Common]:
    for i, f in enumerate(s.factors):
        if f.atom.kind == "eye" and s.factors[i].indices == ():
            continue
        for j, g in enumerate(t.factors):
            if f.atom.key != g.atom.key:
                continue
            for power in _powers(f.power, g.power):
                yield Common(power, (i, j), (f.indices, g.indices))
                if f.atom.symmetric and len(f.indices) == 2:
                    yield Common(power, (i, j), (f.indices, g.indices[::-1]))


def _powers(p: Power, q: Power) -> list[Power]:
    """Return the powers that two powers of one factor have in common."""
    if isinstance(p, Fraction) and isinstance(q, Fraction):
        if p == q:
            return [p]
        return [min(p, q), max(p, q)] if (p > 0) == (q > 0) or min(p, q) < 0 else []
    return [p] if isinstance(p, Expression) and isinstance(q, Expression) and p.key == q.key else []


def _columns(commons: Sequence[Common], count: int, rank: int) -> list[tuple[int, ...]] | None:
    """Return which indices of the terms are one index; None if that contradicts itself."""
    found: list[tuple[int, ...]] = []
    for common in commons:
        for column in zip(*common.indices, strict=True):
            if column in found:
                continue
            for other in found:
                for term in range(count):
                    if column[term] == other[term]:
                        return None
            found.append(column)
    return found


def _extended(e: Expression, terms: tuple[int, ...], seed: Common) -> list[Common]:
    """Return all common factors that agree with one about which indices are one."""
    group = [seed]
    first, *others = (e.terms[t] for t in terms)
    for i, f in enumerate(first.factors):
        if any(i == common.places[0] for common in group):
            continue
        options: list[Common] = []
        for other in others:
            for j, g in enumerate(other.factors):
                if g.atom.key != f.atom.key or not _equal(f.power, g.power):
                    continue
                if any(j == common.places[1] for common in group):
                    continue
                turns = [g.indices] + ([g.indices[::-1]] if g.atom.symmetric else [])
                for indices in turns:
                    common = Common(f.power, (i, j), (f.indices, indices))
                    columns = _columns([*group, common], 2, e.rank)
                    # An index that is free in one term and summed in another splits the rest.
                    if columns is not None and all(
                        c[0] == c[1] or min(c) >= e.rank for c in columns[-len(indices) :]
                    ):
                        options.append(common)
        if options:
            group.append(options[0])
    return group


def _equal(p: Power, q: Power) -> bool:
    if isinstance(p, Expression) or isinstance(q, Expression):
        return isinstance(p, Expression) and isinstance(q, Expression) and p.key == q.key
    return p == q


def _everywhere(
    e: Expression, terms: tuple[int, int], group: Sequence[Common]
) -> tuple[tuple[int, ...], list[Common]]:
    """Return the terms that have the factors of a group, and the group over all of them."""
    chosen: tuple[int, ...] = terms
    commons = list(group)
    for t, term in enumerate(e.terms):
        if t in chosen:
            continue
        options: list[list[Common]] = [[]]
        for common in commons:
            f = e.terms[chosen[0]].factors[common.places[0]]
            grown: list[list[Common]] = []
            for done in options:
                used = {c.places[-1] for c in done}
                for j, g in enumerate(term.factors):
                    if j in used or g.atom.key != f.atom.key or not _divides(common.power, g.power):
                        continue
                    turns = [g.indices] + ([g.indices[::-1]] if g.atom.symmetric else [])
                    for indices in turns:
                        new = Common(common.power, (*common.places, j), (*common.indices, indices))
                        if _columns([*done, new], len(chosen) + 1, e.rank) is not None:
                            grown.append([*done, new])
            options = grown[:4]
        if options:
            chosen, commons = (*chosen, t), options[0]
    return chosen, commons


def _divides(p: Power, q: Power) -> bool:
    if isinstance(p, Fraction) and isinstance(q, Fraction):
        return (p > 0) == (q > 0) and abs(q) >= abs(p) if p > 0 else True
    return _equal(p, q)


def _taken_out(
    e: Expression, chosen: tuple[int, ...], group: Sequence[Common], most_open: int
) -> Expression | None:
    columns = _columns(group, len(chosen), e.rank)
    if columns is None:
        return None
    top = max([e.rank, *(i + 1 for t in chosen for f in e.terms[t].factors for i in f.indices)])
    labels: dict[tuple[int, ...], int] = {}
    for column in columns:
        if len(set(column)) == 1 and column[0] < e.rank:
            labels[column] = column[0]
        else:
            labels[column], top = top, top + 1
    sizes = dict(enumerate(e.extents))
    for common in group:
        atom = e.terms[chosen[0]].factors[common.places[0]].atom
        for column, extent in zip(zip(*common.indices, strict=True), atom.extents, strict=True):
            sizes[labels[column]] = extent
    rests: list[tuple[Fraction, list[Factor], list[tuple[int, int, str]]]] = []
    used: set[int] = set()
    for n, t in enumerate(chosen):
        names: dict[int, int] = {}
        joined: list[tuple[int, int, str]] = []
        for column, label in labels.items():
            if column[n] < e.rank:
                if column[n] != label:
                    joined.append((label, column[n], sizes[label]))
            else:
                names[column[n]] = label
        gone = {common.places[n]: common.power for common in group}
        factors = []
        for k, f in enumerate(e.terms[t].factors):
            if k in gone:
                f = f._replace(power=added(f.power, _negative(gone[k])))
                if f.power == 0:
                    continue
            indices = []
            for i in f.indices:
                if i >= e.rank and i not in names:
                    names[i], top = top, top + 1
                indices.append(names.get(i, i))
            factors.append(f._replace(indices=tuple(indices)))
        used |= {i for f in factors for i in f.indices} | {i for p in joined for i in p[:2]}
        rests.append((e.terms[t].coefficient, factors, joined))
    shared = set(labels.values()) | set(range(e.rank))
    still = tuple(sorted(used & shared))
    if len(still) > most_open:
        return None
    rest = _sum_of(rests, still, sizes)
    if rest is None or not rest.terms:
        return None
    parts = [(rest, still)]
    for common in group:
        f = e.terms[chosen[0]].factors[common.places[0]]
        own = tuple(labels[column] for column in zip(*common.indices, strict=True))
        parts.append((alone(f.atom, common.power), own))
    new = contracted(parts, e.extents)
    others = [term for t, term in enumerate(e.terms) if t not in chosen]
    at = min(chosen)
    before = [term for t, term in enumerate(e.terms) if t < at]
    after = [term for term in others if term not in before]
    return Expression.of(e.extents, [*before, *new.terms, *after])


def _negative(p: Power) -> Power:
    if isinstance(p, Fraction):
        return -p
    return Expression.of(p.extents, (Term.known(-t.coefficient, t) for t in p.terms))


def _sum_of(
    rests: Sequence[tuple[Fraction, list[Factor], list[tuple[int, int, str]]]],
    still: tuple[int, ...],
    sizes: dict[int, str],
) -> Expression | None:
    """Return the sum of what is left of the terms, with the indices ``still`` free."""
    extents = tuple(sizes[i] for i in still)
    terms = []
    for coefficient, factors, joined in rests:
        names = {i: n for n, i in enumerate(still)}
        shift = len(still)
        moved = [
            f._replace(indices=tuple(names.get(i, i + shift) for i in f.indices)) for f in factors
        ]
        pairs = [(names.get(i, i + shift), names.get(j, j + shift), x) for i, j, x in joined]
        terms.append(product(coefficient, moved, extents, pairs))
    return Expression.of(extents, (term for term in terms if term is not None))


def expanded(e: Expression) -> Iterator[Expression]:
    """Yield the expression with each sum multiplied out, then with all of them."""
    keys: dict[str, None] = {}
    for term in e.terms:
        for f in term.factors:
            if _expandable(f):
                keys[f.atom.key] = None
    if not keys:
        return
    everything = _expanded(e, set(keys))
    for key in keys if len(keys) > 1 else ():
        yield _expanded(e, {key})
    yield everything


def _expandable(f: Factor) -> bool:
    inner = f.atom.inner
    return (
        f.atom.kind == "sum"
        and inner is not None
        and 1 < len(inner.terms) <= 4
        and f.power in (1, 2)
    )


def _expanded(e: Expression, keys: set[str]) -> Expression:
    total = Expression.of(e.extents, [])
    for term in e.terms:
        pieces: list[tuple[Expression, tuple[int, ...]]] = []
        multiply = []
        for f in term.factors:
            if f.atom.key in keys and _expandable(f) and f.atom.inner is not None:
                for _ in range(int(f.power)):  # type: ignore[arg-type]
                    multiply.append(len(pieces))
                    pieces.append((f.atom.inner, f.indices))
            else:
                pieces.append((alone(f.atom, f.power), f.indices))
        number = constant((), term.coefficient)
        total = plus(total, contracted([*pieces, (number, ())], e.extents, distribute=multiply))
    return total


def rewritten(e: Expression) -> Iterator[Expression]:
    """Yield the expression with sign(u) |u|ᵖ written as u |u|ᵖ⁻¹."""
    for n, term in enumerate(e.terms):
        for f in term.factors:
            if f.atom.kind != "function" or f.atom.name != "sign" or f.power != 1:
                continue
            for g in term.factors:
                if g.atom.name != "abs" or g.indices != f.indices or g.atom.inner is None:
                    continue
                if f.atom.inner is None or g.atom.inner.key != f.atom.inner.key:
                    continue
                rest = [h for h in term.factors if h is not f and h is not g]
                rest.append(g._replace(power=added(g.power, -ONE)))
                pieces = [(f.atom.inner, f.indices)]
                pieces += [(alone(h.atom, h.power), h.indices) for h in rest]
                number = constant((), term.coefficient)
                new = contracted([*pieces, (number, ())], e.extents)
                yield Expression.of(e.extents, [*e.terms[:n], *new.terms, *e.terms[n + 1 :]])
