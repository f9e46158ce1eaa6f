"""Products in normal form: identities by rule, until none applies.

What goes in is a list of factors at indices of any names; what comes out is one term. Identities
are contracted, equal factors are collected as powers, products that are whole scalars become one
factor, and the rules of :mod:`symbp.matrices.identities` are applied.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import gcd

from symbp.matrices.terms import ONE, Atom, Expression, Factor, Indices, Power, Term, eye, letter

__all__ = [
    "Product", "as_factor", "function_atom", "oriented", "plus", "product", "reduced", "register",
    "reindexed", "scaled", "spliced", "swapped",
]  # fmt: skip

Joined = Sequence[tuple[int, int, str]]


class Product:
    """A term while it is being put in order: ``factors`` at ``rank`` free indices and others."""

    def __init__(self, coefficient: Fraction, rank: int) -> None:
        self.coefficient, self.rank = coefficient, rank
        self.factors: list[Factor] = []
        self.sizes: dict[int, str] = {}
        self.top = rank

    def fresh(self) -> int:
        """Return a summed index that is not used yet."""
        self.top += 1
        return self.top - 1

    def note(self, f: Factor) -> None:
        """Note the extents of a factor's indices."""
        for i, extent in zip(f.indices, f.atom.extents, strict=True):
            self.sizes[i] = extent
            self.top = max(self.top, i + 1)

    def uses(self, index: int) -> list[Factor]:
        """Return the factors at an index."""
        return [f for f in self.factors if index in f.indices]

    def bound(self, index: int) -> bool:
        """Whether an index is summed over."""
        return index >= self.rank

    def join(self, pairs: Iterable[tuple[int, int, str]]) -> None:
        """Make indices equal: the identity contracted; two free ones keep an identity."""
        parent: dict[int, int] = {}

        def root(i: int) -> int:
            while i in parent:
                i = parent[i]
            return i

        for i, j, extent in pairs:
            a, b = sorted((root(i), root(j)))
            self.sizes[a] = self.sizes[b] = extent
            if a != b:
                parent[b] = a
                if b >= self.rank:
                    self.sizes.pop(b)
        self.factors = [
            Factor(f.atom, tuple(root(i) for i in f.indices), f.power) for f in self.factors
        ]
        for i in sorted(parent):
            if i < self.rank:
                self.factors.append(Factor(eye(self.sizes[i]), (root(i), i)))

    def count_unused(self) -> None:
        """Replace sums over an index on which nothing depends by its extent."""
        used = {i for f in self.factors for i in f.indices}
        for i in [i for i in self.sizes if i >= self.rank and i not in used]:
            self.factors.append(Factor(letter(self.sizes.pop(i)), ()))


# A rule looks at a product, changes it, and says whether it did. The rules make products
# themselves, so they are handed over by symbp.matrices.identities and not imported from it.
_rules: list[Callable[[Product], bool]] = []


def register(rules: Iterable[Callable[[Product], bool]]) -> None:
    """Take the rules that put a product in normal form; the first that applies is the next."""
    _rules[:] = rules


def product(
    coefficient: Fraction,
    factors: Iterable[Factor],
    extents: tuple[str, ...],
    joined: Joined = (),
) -> Term | None:
    """Return a product as a term in normal form, or None if it is zero.

    Parameters
    ----------
    coefficient : Fraction
    factors : iterable of Factor
        At indices of which the first ``len(extents)`` are free.
    extents : tuple of str
        The extents of the free indices.
    joined : sequence of (int, int, str), optional
        Pairs of indices that are equal, and their extent.
    """
    work = Product(coefficient, len(extents))
    work.sizes.update(enumerate(extents))
    pairs = list(joined)
    for f in factors:
        if f.atom.kind == "eye" and isinstance(f.power, Fraction) and f.power > 0:
            pairs.append((f.indices[0], f.indices[1], f.atom.extents[0]))
            continue
        work.note(f)
        work.factors.append(f)
    work.top = max([work.top, *(max(i, j) + 1 for i, j, _ in pairs)])
    work.join(pairs)
    work.count_unused()
    while work.coefficient and any(rule(work) for rule in _rules):
        work.count_unused()
    if not work.coefficient:
        return None
    return Term(work.coefficient, work.factors, work.rank)


def spliced(work: Product, term: Term, indices: Indices) -> list[Factor]:
    """Return a term's factors with its free indices put at ``indices``, the others fresh."""
    names = dict(enumerate(indices))
    out = []
    for f in term.factors:
        for i in f.indices:
            if i not in names:
                names[i] = work.fresh()
        out.append(Factor(f.atom, tuple(names[i] for i in f.indices), f.power))
    for f in out:
        work.note(f)
    return out


def reindexed(
    e: Expression, places: Indices, extents: tuple[str, ...], joined: Joined = ()
) -> Expression:
    """Return an expression with its free index ``k`` renamed to ``places[k]``.

    Two places can be equal: the diagonal. Places from ``len(extents)`` on are summed over.
    """
    start = max([len(extents), *(p + 1 for p in places), *(max(i, j) + 1 for i, j, _ in joined)])
    terms = []
    for term in e.terms:
        names = dict(enumerate(places))
        top = start
        factors = []
        for f in term.factors:
            for i in f.indices:
                if i not in names:
                    names[i], top = top, top + 1
            factors.append(Factor(f.atom, tuple(names[i] for i in f.indices), f.power))
        used = {i for f in factors for i in f.indices} | {i for pair in joined for i in pair[:2]}
        lost = [
            Factor(letter(e.extents[k]), ())
            for k, p in enumerate(places)
            if p >= len(extents) and p not in used and p not in places[:k]
        ]
        terms.append(product(term.coefficient, factors + lost, extents, joined))
    return Expression.of(extents, (term for term in terms if term is not None))


def plus(*parts: Expression) -> Expression:
    """Return the sum of expressions with the same free indices."""
    return Expression.of(parts[0].extents, (term for part in parts for term in part.terms))


def scaled(e: Expression, by: Fraction | int) -> Expression:
    """Return an expression times a number."""
    by = Fraction(by)
    if by == 1:
        return e
    return Expression.of(e.extents, (Term.known(t.coefficient * by, t) for t in e.terms))


def as_factor(e: Expression, indices: Indices, power: Power = ONE) -> tuple[Fraction, Factor]:
    """Return a sum as one factor, times a number: equal up to sign and scale is equal.

    Raises
    ------
    ValueError
        The expression is zero.
    """
    if not e.terms:
        raise ValueError("zero is no factor")
    e, indices = reduced(e, indices)
    scale = ONE
    if isinstance(power, Fraction) and power.denominator == 1:
        e, scale = _primitive(e)
        scale = scale ** int(power)
    e, indices, symmetric = oriented(e, indices)
    return scale, Factor(Atom("sum", "", e.extents, e, symmetric), indices, power)


def _primitive(e: Expression) -> tuple[Expression, Fraction]:
    numerator = denominator = 0
    for term in e.terms:
        numerator = gcd(numerator, term.coefficient.numerator)
        denominator = (
            term.coefficient.denominator
            if not denominator
            else denominator
            * term.coefficient.denominator
            // gcd(denominator, term.coefficient.denominator)
        )
    content = Fraction(numerator, denominator)
    first = min(e.terms, key=lambda term: term.key)
    if first.coefficient < 0:
        content = -content
    return scaled(e, 1 / content), content


def reduced(e: Expression, indices: Indices) -> tuple[Expression, Indices]:
    """Return an expression without the free indices on which it does not depend."""
    used = sorted(e.used())
    if len(used) == e.rank:
        return e, indices
    extents = tuple(e.extents[i] for i in used)
    names = {i: n for n, i in enumerate(used)}
    shift = e.rank
    terms = []
    for term in e.terms:
        factors = [
            Factor(f.atom, tuple(names.get(i, i + shift) for i in f.indices), f.power)
            for f in term.factors
        ]
        terms.append(Term(term.coefficient, factors, len(extents)))
    return Expression.of(extents, terms), tuple(indices[i] for i in used)


def swapped(e: Expression) -> Expression:
    """Return the transpose of a matrix."""
    return reindexed(e, (1, 0), (e.extents[1], e.extents[0]))


def oriented(e: Expression, indices: Indices) -> tuple[Expression, Indices, bool]:
    """Return a matrix or its transpose, whichever comes first; and whether they are equal."""
    if e.rank != 2:
        return e, indices, False
    other = swapped(e)
    if other.key == e.key and e.extents[0] == e.extents[1]:
        return e, indices, True
    if other.key < e.key:
        return other, (indices[1], indices[0]), False
    return e, indices, False


def function_atom(name: str, e: Expression, indices: tuple[int, ...]) -> Factor:
    """Return an elementwise function of an expression at some indices."""
    e, indices = reduced(e, indices)
    e, indices, symmetric = oriented(e, indices)
    return Factor(Atom("function", name, e.extents, e, symmetric), indices)
