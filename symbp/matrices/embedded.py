"""Identities that need a product found among other factors: X⁻¹X = I, (Wx)⁻²(Wx) = (Wx)⁻¹."""

from fractions import Fraction

from symbp.matrices.normal import Product, as_factor
from symbp.matrices.powers import added
from symbp.matrices.terms import ONE, Expression, Factor

__all__ = ["inverse_cancels", "product_absorbed"]


def inverse_cancels(work: Product) -> bool:
    """X⁻¹X = I and X X⁻¹ = I, X a symbol, a sum or a product."""
    for f in work.factors:
        if f.atom.kind != "inverse" or f.power != 1 or len(f.indices) != 2:
            continue
        inner = f.atom.inner
        assert inner is not None
        for slot in (0, 1):
            i = f.indices[slot]
            # inv[i, j] X[j, k] sums over slot 1 of the inverse and slot 0 of X.
            for symmetric in (False, True) if f.atom.symmetric else (False,):
                there = slot if symmetric else 1 - slot
                found = _match(work, inner, f, i, there)
                if found is not None:
                    used, end = found
                    start = f.indices[1 - slot]
                    kept = [g for g in work.factors if not any(g is u for u in used)]
                    work.factors = [g for g in kept if g is not f]
                    gone = {j for u in used for j in u.indices} | {i}
                    for j in gone:
                        if work.bound(j) and j not in (start, end):
                            work.sizes.pop(j, None)
                    work.join([(start, end, f.atom.extents[0])])
                    return True
    return False


def _match(
    work: Product, inner: Expression, inverse: Factor, i: int, there: int
) -> tuple[list[Factor], int] | None:
    """Find the factors that are ``inner`` with its free index ``there`` at ``i``."""
    if not work.bound(i):
        return None
    if len(inner.terms) > 1:
        wanted = [_whole_factor(inner)]
    elif inner.terms[0].coefficient != 1:
        return None
    else:
        wanted = list(inner.terms[0].factors)
    pool = [g for g in work.factors if g is not inverse]
    found = _embedded(wanted, pool, {there: i})
    if found is None or 1 - there not in found[0]:
        return None
    names, used = found
    end = names[1 - there]
    inside = {p for w, p in names.items() if w != 1 - there}
    if len(set(names.values())) != len(names) or end == i:
        return None
    for p in inside:
        if not work.bound(p):
            return None
        if any(p in g.indices for g in pool if not any(g is u for u in used)):
            return None
    if any(p in inverse.indices for p in inside if p != i) or inverse.indices.count(i) != 1:
        return None
    return used, end


def _embedded(
    wanted: list[Factor], pool: list[Factor], names: dict[int, int]
) -> tuple[dict[int, int], list[Factor]] | None:
    """Find factors that are those wanted, at indices of other names; return names and factors."""

    def extend(
        number: int, names: dict[int, int], used: list[Factor]
    ) -> tuple[dict[int, int], list[Factor]] | None:
        if number == len(wanted):
            return names, used
        want = wanted[number]
        for g in pool:
            if g.atom.key != want.atom.key or g.power != want.power:
                continue
            if any(g is u for u in used):
                continue
            placings = [g.indices, g.indices[::-1]] if g.atom.symmetric else [g.indices]
            for placing in placings:
                new = dict(names)
                if all(
                    new.setdefault(w, p) == p for w, p in zip(want.indices, placing, strict=True)
                ):
                    found = extend(number + 1, new, [*used, g])
                    if found is not None:
                        return found
        return None

    return extend(0, names, [])


def product_absorbed(work: Product) -> bool:
    """(Wx)⁻² (Wx) = (Wx)⁻¹, where the second is a product among the factors."""
    for n, f in enumerate(work.factors):
        inner = f.atom.inner
        if f.atom.kind != "sum" or not f.indices or inner is None or len(inner.terms) != 1:
            continue
        wanted = list(inner.terms[0].factors)
        pool = [g for g in work.factors if g is not f]
        found = _embedded(wanted, pool, dict(enumerate(f.indices)))
        if found is None or inner.terms[0].coefficient != 1:
            continue
        names, used = found
        inside = {p for w, p in names.items() if w >= inner.rank}
        others = [g for g in work.factors if not any(g is u for u in used)]
        if len(set(names.values())) != len(names) or not all(map(work.bound, inside)):
            continue
        if any(p in g.indices for p in inside for g in others):
            continue
        work.factors[n] = f._replace(power=added(f.power, ONE))
        work.factors = [g for g in work.factors if not any(g is u for u in used)]
        work.factors = [g for g in work.factors if g.power != 0]
        for p in inside:
            work.sizes.pop(p, None)
        return True
    return False


def _whole_factor(e: Expression) -> Factor:
    scale, factor = as_factor(e, (0, 1))
    return factor if scale == 1 else factor._replace(power=Fraction(0))  # matches nothing
