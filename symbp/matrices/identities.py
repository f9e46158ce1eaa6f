"""The identities that hold inside a product, each a rule of a few lines.

A rule looks at a product and changes it, and says whether it did; the first that does is followed
by the first again. None knows a formula: ``x x = x²``, ``Q'Q = I``, ``X⁻¹X = I``,
``exp(x)/Σexp(x) = softmax(x)``, ``exp(x)(1 − σ(x)) = σ(x)``, and what is assumed of a symbol.
"""

from fractions import Fraction

from symbp.matrices.embedded import inverse_cancels, product_absorbed
from symbp.matrices.normal import (
    Product,
    as_factor,
    function_atom,
    product,
    register,
    reindexed,
    scaled,
    spliced,
    swapped,
)
from symbp.matrices.powers import added
from symbp.matrices.rectified import rectified
from symbp.matrices.terms import ONE, Atom, Expression, Factor, Power, Term

__all__ = ["function_atom", "one_minus"]


def _collect(work: Product) -> bool:
    """Collect powers: x x = x², x x⁻¹ = 1."""
    groups: dict[tuple[str, tuple[int, ...]], Factor] = {}
    for f in work.factors:
        indices = tuple(sorted(f.indices)) if f.atom.symmetric else f.indices
        at = f.atom.key, indices
        if at in groups:
            f = Factor(f.atom, indices, added(groups[at].power, f.power))
        groups[at] = f
    kept = [f for f in groups.values() if f.power != 0]
    if len(kept) == len(work.factors):
        return False
    work.factors = kept
    return True


def _values(work: Product) -> bool:
    """Use values: y² = 1 for signs, m² = m for zeros and ones."""
    for n, f in enumerate(work.factors):
        if not isinstance(f.power, Fraction) or f.power.denominator != 1:
            continue
        if "in {0,1}" in f.atom.facts and f.power > 1:
            work.factors[n] = f._replace(power=ONE)
            return True
        if "in {-1,1}" in f.atom.facts and f.power not in (0, 1):
            work.factors[n] = f._replace(power=f.power % 2)
            work.factors = [f for f in work.factors if f.power != 0]
            return True
        if f.atom.kind == "function" and f.atom.name == "step" and f.power > 1:
            work.factors[n] = f._replace(power=ONE)
            return True
        if f.atom.kind == "function" and f.atom.name == "abs" and f.power % 2 == 0:
            inner = f.atom.inner
            assert inner is not None
            scale, factor = as_factor(inner, f.indices, f.power)
            work.coefficient *= scale
            work.factors[n] = factor
            return True
    return False


def _inline(work: Product) -> bool:
    """Open a sum of one term, to the power 1: it is a product; (xy)² = x²y²."""
    for n, f in enumerate(work.factors):
        if f.atom.kind != "sum" or not isinstance(f.power, Fraction) or f.power.denominator != 1:
            continue
        inner = f.atom.inner
        assert inner is not None
        if len(inner.terms) != 1:
            continue
        term = inner.terms[0]
        summed = any(i >= inner.rank for g in term.factors for i in g.indices)
        if summed and (f.power != 1 or not inner.rank):
            continue
        if any(g.atom.kind == "eye" for g in term.factors) and f.power < 0:
            continue
        if f.power != 1 and not all(isinstance(g.power, Fraction) for g in term.factors):
            continue
        del work.factors[n]
        work.coefficient *= term.coefficient ** int(f.power)
        pairs = []
        for g in spliced(work, term, f.indices):
            if g.atom.kind == "eye":
                pairs.append((*g.indices, g.atom.extents[0]))
            else:
                power = g.power if f.power == 1 else g.power * f.power  # type: ignore[operator]
                work.factors.append(g._replace(power=power))
        if pairs:
            work.join(pairs)  # type: ignore[arg-type]
        return True
    return False


def _vanishes(work: Product) -> bool:
    """Σ (x − μ) = 0, μ the mean: a sum over an index that nothing else has, if terms cancel."""
    for n, f in enumerate(work.factors):
        inner = f.atom.inner
        if f.atom.kind != "sum" or f.power != 1 or inner is None or len(inner.terms) < 2:
            continue
        for slot, i in enumerate(f.indices):
            if not work.bound(i) or f.indices.count(i) != 1 or len(work.uses(i)) != 1:
                continue
            last = inner.rank - 1
            places = tuple(last if k == slot else k - (k > slot) for k in range(inner.rank))
            extents = tuple(x for k, x in enumerate(inner.extents) if k != slot)
            total = reindexed(inner, places, extents)
            if len(total.terms) > len(inner.terms) - 2:
                continue
            work.sizes.pop(i, None)
            if not total.terms:
                work.coefficient = Fraction(0)
                return True
            scale, factor = as_factor(total, tuple(j for j in f.indices if j != i))
            work.coefficient *= scale
            work.factors[n] = factor
            return True
    return False


def _sums_to_one(work: Product) -> bool:
    """Σ y = 1 where it is assumed, or y is a softmax, and nothing else depends on the index."""
    for n, f in enumerate(work.factors):
        if f.power != 1 or not f.indices:
            continue
        is_softmax = f.atom.kind == "softmax"
        if not (
            is_softmax
            or (len(f.indices) == 1 and "sums to 1" in f.atom.facts)
            or (len(f.indices) == 2 and "rows sum to 1" in f.atom.facts)
        ):
            continue
        last = f.indices[-1]
        if work.bound(last) and f.indices.count(last) == 1 and len(work.uses(last)) == 1:
            del work.factors[n]
            work.sizes.pop(last, None)
            return True
    return False


def _orthogonal(work: Product) -> bool:
    """Q'Q = I and Q Q' = I."""
    ours = [f for f in work.factors if "orthogonal" in f.atom.facts and f.power == 1]
    for n, f in enumerate(ours):
        for g in ours[n + 1 :]:
            for slot in (0, 1):
                i, other = f.indices[slot], 1 - slot
                if (
                    f.atom.key == g.atom.key
                    and g.indices[slot] == i
                    and work.bound(i)
                    and len(work.uses(i)) == 2
                ):
                    work.factors = [h for h in work.factors if h is not f and h is not g]
                    work.sizes.pop(i, None)
                    work.join([(f.indices[other], g.indices[other], f.atom.extents[other])])
                    return True
    return False


def _softmax(work: Product) -> bool:
    """exp(x) / Σ exp(x) = softmax(x), exp(−x) / Σ exp(−x) = softmax(−x); of a matrix, by rows."""
    for f in work.factors:
        if f.atom.kind != "function" or f.atom.name != "exp":
            continue
        if not isinstance(f.power, Fraction) or abs(f.power) != 1:
            continue
        for g in work.factors:
            if g.atom.kind != "sum" or not isinstance(g.power, Fraction) or g.power > -1:
                continue
            for slot in range(len(f.indices)):
                others = tuple(i for k, i in enumerate(f.indices) if k != slot)
                if g.indices != others or g.atom.key != _total(f, slot):
                    continue
                assert f.atom.inner is not None
                inner = scaled(f.atom.inner, f.power)
                indices = f.indices
                if slot == 0 and len(indices) == 2:
                    inner, indices = swapped(inner), indices[::-1]
                work.factors.remove(f)
                work.factors.remove(g)
                if g.power != -1:
                    work.factors.append(g._replace(power=g.power + 1))
                atom = Atom("softmax", "", inner.extents, inner)
                work.factors.append(Factor(atom, indices))
                return True
    return False


def _softmax_within(work: Product) -> bool:
    """Open a'exp(x) beside 1 / Σ exp(x), so that it becomes a'softmax(x)."""
    below = [g for g in work.factors if g.atom.kind == "sum" and _whole(g.power) <= -1]
    for n, f in enumerate(work.factors if below else ()):
        inner = f.atom.inner
        if f.atom.kind != "sum" or f.indices or f.power != 1 or inner is None:
            continue
        if len(inner.terms) != 1:
            continue
        term = inner.terms[0]
        totals = {
            _total(g, 0)
            for g in term.factors
            if g.atom.name == "exp" and len(g.indices) == 1 and abs(_whole(g.power)) == 1
        }
        if any(g.atom.key in totals for g in below):
            del work.factors[n]
            work.coefficient *= term.coefficient
            work.factors += spliced(work, term, ())
            return True
    return False


def _whole(p: Power) -> Fraction:
    return p if isinstance(p, Fraction) else Fraction(0)


def _total(f: Factor, slot: int) -> str:
    """Return the key of the sum of a factor over one of its indices."""
    atom = f.atom
    extents = tuple(extent for k, extent in enumerate(atom.extents) if k != slot)
    places = tuple(len(extents) if k == slot else k - (k > slot) for k in range(len(atom.extents)))
    term = product(ONE, [Factor(atom, places, f.power)], extents)
    if term is None:
        return ""
    if not extents:
        return term.factors[0].atom.key if len(term.factors) == 1 else ""
    return as_factor(Expression.of(extents, [term]), tuple(range(len(extents))))[1].atom.key


def one_minus(atom: Atom) -> Expression:
    """Return 1 − t for an atom t."""
    rank = len(atom.extents)
    return Expression.of(
        atom.extents,
        [
            Term(ONE, [], rank),
            Term(-ONE, [Factor(atom, tuple(range(rank)))], rank),
        ],
    )


def _sigmoid(work: Product) -> bool:
    """exp(x) (1 − σ(x)) = σ(x), exp(−x) σ(x) = 1 − σ(x)."""
    for f in work.factors:
        if f.atom.kind != "function" or f.atom.name != "exp" or f.power not in (1, -1):
            continue
        sigma = Atom("function", "sigmoid", f.atom.extents, f.atom.inner, f.atom.symmetric)
        scale, other = as_factor(one_minus(sigma), f.indices)
        self = Factor(sigma, f.indices)
        gone, come = (other, self) if f.power == 1 else (self, other)
        for g in work.factors:
            if g.atom.key == gone.atom.key and g.indices == gone.indices and _at_least_one(g):
                work.factors.remove(f)
                work.factors.remove(g)
                if g.power != 1:
                    work.factors.append(g._replace(power=added(g.power, -ONE)))
                work.factors.append(come)
                work.coefficient *= scale
                return True
    return False


def _at_least_one(f: Factor) -> bool:
    return isinstance(f.power, Fraction) and f.power >= 1


def _branches(work: Product) -> bool:
    """(Ax)ᵢ (Ax)ᵢ = ((Ax)ᵢ)²: equal parts that hang at the same indices."""
    count: dict[int, int] = {}
    for f in work.factors:
        for i in set(f.indices):
            count[i] = count.get(i, 0) + 1
    ends = {i for i in count if not work.bound(i)}
    for extra in [set(), *({i} for i in sorted(count) if work.bound(i))]:
        hubs = ends | extra
        found: dict[tuple[str, tuple[int, ...]], list[Factor]] = {}
        for part in components(work.factors, hubs):
            if len(part) < 2:
                continue
            around = sorted({i for f in part for i in f.indices if i in hubs})
            if len(around) > 2 or not around:
                continue
            for places in {tuple(around), tuple(around[::-1])}:
                inner = _part(work, part, places)
                key = inner.key, places
                if key in found and found[key] is not part:
                    both = [*found[key], *part]
                    work.factors = [f for f in work.factors if not any(f is g for g in both)]
                    scale, factor = as_factor(inner, places, Fraction(2))
                    work.coefficient *= scale
                    work.factors.append(factor)
                    for i in {i for f in both for i in f.indices} - hubs:
                        work.sizes.pop(i, None)
                    return True
            places = tuple(around)
            found[_part(work, part, places).key, places] = part
    return False


def _part(work: Product, part: list[Factor], places: tuple[int, ...]) -> Expression:
    names = {i: n for n, i in enumerate(places)}
    top = len(places)
    factors = []
    for f in part:
        for i in f.indices:
            if i not in names:
                names[i], top = top, top + 1
        factors.append(Factor(f.atom, tuple(names[i] for i in f.indices), f.power))
    extents = tuple(work.sizes[i] for i in places)
    return Expression.of(extents, [Term(ONE, factors, len(places))])


def components(factors: list[Factor], hubs: set[int]) -> list[list[Factor]]:
    """Return the factors by how they hang together over the indices that are no hubs."""
    groups: list[tuple[set[int], list[Factor]]] = []
    for f in factors:
        own = set(f.indices) - hubs
        touching = [group for group in groups if group[0] & own]
        rest = [group for group in groups if not group[0] & own]
        merged = [g for group in touching for g in group[1]] + [f]
        groups = [*rest, (own.union(*(group[0] for group in touching)), merged)]
    return [group[1] for group in groups]


def _scalars(work: Product) -> bool:
    """Make one factor of each part without a free index: it is a scalar."""
    free = set(range(work.rank))
    for part in components(work.factors, set()):
        indices = {i for f in part for i in f.indices}
        if not indices or indices & free:
            continue
        inner = _part(work, part, ())
        work.factors = [f for f in work.factors if not any(f is g for g in part)]
        for i in indices:
            work.sizes.pop(i, None)
        work.factors.append(Factor(Atom("sum", "", (), inner), ()))
        return True
    return False


register(
    (
        _collect,
        _values,
        rectified,
        _inline,
        _vanishes,
        _sums_to_one,
        _orthogonal,
        inverse_cancels,
        product_absorbed,
        _softmax,
        _softmax_within,
        _sigmoid,
        _branches,
        _scalars,
    )
)
