"""Identities of step(u) and sign(u) beside u, |u| and relu(u)."""

from fractions import Fraction

from symbp.matrices.normal import Product, as_factor, function_atom, scaled
from symbp.matrices.terms import Expression, Factor

__all__ = ["rectified"]


def rectified(work: Product) -> bool:
    """relu(u) step(u) = relu(u), and with sign(u): a part of u at a time."""
    for f in work.factors:
        if f.atom.kind != "function" or f.atom.name not in ("step", "sign") or f.power != 1:
            continue
        inner = f.atom.inner
        assert inner is not None
        keys = {inner.key: 1, scaled(inner, -1).key: -1}
        scale, base = _one_factor(inner, f.indices)
        for n, g in enumerate(work.factors):
            if g is f or g.indices != f.indices or not isinstance(g.power, Fraction):
                continue
            if g.atom.key == base.atom.key:
                if g.power < 1:
                    continue
                # u = scale · base: base sign(u) = |base| sign(scale), base step(u) = relu(u)/scale.
                if f.atom.name == "step":
                    come, number = function_atom("relu", inner, f.indices), 1 / scale
                else:
                    positive = inner if scale > 0 else scaled(inner, -1)
                    come, number = function_atom("abs", positive, f.indices), 1 / scale
                work.factors[n] = g._replace(power=g.power - 1)
                work.coefficient *= number
                work.factors = [h for h in work.factors if h is not f and h.power != 0]
                work.factors.append(come)
                return True
            if g.atom.kind != "function" or g.atom.inner is None:
                continue
            side = keys.get(g.atom.inner.key)
            pair = f.atom.name, g.atom.name
            if side is None or g.power < 1:
                continue
            if pair == ("step", "relu") and side == 1:
                work.factors.remove(f)
                return True
            if pair in (("sign", "relu"), ("sign", "step")):
                work.factors.remove(f)
                work.coefficient *= side
                return True
            if pair == ("step", "abs"):
                work.factors[n] = g._replace(power=g.power - 1)
                work.factors = [h for h in work.factors if h is not f and h.power != 0]
                work.factors.append(function_atom("relu", inner, f.indices))
                return True
    return False


def _one_factor(e: Expression, indices: tuple[int, ...]) -> tuple[Fraction, Factor]:
    """Return a sum, or what it is a multiple of, as one factor, and the number."""
    term = e.terms[0]
    if len(e.terms) == 1 and len(term.factors) == 1 and term.factors[0].power == 1:
        f = term.factors[0]
        if all(i < e.rank for i in f.indices):
            return term.coefficient, f._replace(indices=tuple(indices[i] for i in f.indices))
    return as_factor(e, indices)
