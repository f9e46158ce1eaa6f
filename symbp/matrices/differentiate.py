"""The derivative of an index expression: the product rule, and the chain rule of each tensor.

The derivative by a symbol has the free indices of the expression, then those of the symbol. A
gradient, a Hessian and a Jacobian are this, once or twice.
"""

from collections.abc import Callable
from fractions import Fraction

from symbp.matrices.algebra import (
    contracted,
    function,
    identity,
    inverse,
    power,
    times,
)
from symbp.matrices.normal import plus, scaled
from symbp.matrices.powers import added, constant
from symbp.matrices.terms import ONE, Atom, Expression, Factor, Term, alone
from symbp.notation.errors import UnsupportedError

__all__ = ["differentiated"]


def _squared(name: str) -> Callable[[Expression], Expression]:
    return lambda e: power(function(name, e), Fraction(2))


def _one(e: Expression) -> Expression:
    return constant(e.extents, 1)


DERIVATIVE: dict[str, Callable[[Expression], Expression]] = {
    "exp": lambda e: function("exp", e),
    "log": lambda e: power(e, -ONE),
    "abs": lambda e: function("sign", e),
    "sign": lambda e: constant(e.extents, 0),
    "sin": lambda e: function("cos", e),
    "cos": lambda e: scaled(function("sin", e), -1),
    "tan": lambda e: plus(_one(e), _squared("tan")(e)),
    "tanh": lambda e: plus(_one(e), scaled(_squared("tanh")(e), -1)),
    "sinh": lambda e: function("cosh", e),
    "cosh": lambda e: function("sinh", e),
    "arctan": lambda e: power(plus(_one(e), power(e, Fraction(2))), -ONE),
    "sigmoid": lambda e: times(
        function("sigmoid", e), plus(_one(e), scaled(function("sigmoid", e), -1))
    ),
    "softplus": lambda e: function("sigmoid", e),
    "relu": lambda e: function("step", e),
    "step": lambda e: constant(e.extents, 0),
}


def differentiated(e: Expression, name: str, extents: tuple[str, ...]) -> Expression:
    """Return ∂e/∂x, with the free indices of ``e`` and then those of the symbol ``name``."""
    out = e.extents + extents
    own, new = tuple(range(e.rank)), tuple(range(e.rank, len(out)))
    parts = [Expression.of(out, [])]
    for term in e.terms:
        # x log(x) gives log(x) + 1, not 1 + log(x): symbols first.
        numbered = sorted(enumerate(term.factors), key=lambda pair: pair[1].atom.kind != "symbol")
        for number, f in numbered:
            rest = term.factors[:number] + term.factors[number + 1 :]
            shift = len(out) - e.rank
            if name in f.atom.symbols:
                inner = _of_atom(f.atom, name, extents)
                scale = [f._replace(power=added(f.power, -ONE))] if f.power != 1 else []
                parts.append(
                    _linked(
                        term, (*rest, *scale), f, f.power, (inner, f.indices), own, new, out, shift
                    )
                )
            if isinstance(f.power, Expression) and name in f.power.symbols:
                inner = differentiated(f.power, name, extents)
                log = function("log", alone(f.atom))
                parts.append(
                    _linked(term, (*rest, f), f, ONE, (inner, ()), own, new, out, shift, log)
                )
    return plus(*parts)


def _linked(
    term: Term,
    rest: tuple[Factor, ...],
    f: Factor,
    times_power: Fraction | Expression,
    inner: tuple[Expression, tuple[int, ...]],
    own: tuple[int, ...],
    new: tuple[int, ...],
    out: tuple[str, ...],
    shift: int,
    extra: Expression | None = None,
) -> Expression:
    """Return the other factors of a term times the derivative of one."""

    def moved(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(i if i < len(own) else i + shift for i in indices)

    pieces: list[tuple[Expression, tuple[int, ...]]] = []
    coefficient = term.coefficient
    if isinstance(times_power, Fraction):
        coefficient *= times_power
    else:
        pieces.append((times_power, ()))
    pieces.append((constant((), coefficient), ()))
    for g in rest:
        pieces.append((alone(g.atom, g.power), moved(g.indices)))
    if extra is not None:
        pieces.append((extra, moved(f.indices)))
    pieces.append((inner[0], moved(inner[1]) + new))
    return contracted(pieces, out, distribute=[len(pieces) - 1])


def _of_atom(atom: Atom, name: str, extents: tuple[str, ...]) -> Expression:
    """Return the derivative of a tensor, with its own indices and then those of the symbol."""
    if atom.kind == "symbol":
        n = len(extents)
        parts = [(identity(x), (i, n + i)) for i, x in enumerate(extents)]
        return contracted(parts, extents * 2) if n else constant((), 1)
    inner = atom.inner
    assert inner is not None
    d = differentiated(inner, name, extents)
    rank, more = len(atom.extents), len(extents)
    own, new = tuple(range(rank)), tuple(range(rank, rank + more))
    out = atom.extents + extents
    if atom.kind == "sum":
        return d
    if atom.kind == "function":
        if atom.name.rstrip("'") not in DERIVATIVE:
            outer = function(atom.name + "'", inner)
        else:
            outer = DERIVATIVE[atom.name](inner)
        return contracted([(outer, own), (d, own + new)], out, distribute=[1])
    if atom.kind == "softmax":
        p = alone(atom)
        first = contracted([(p, own), (d, own + new)], out, distribute=[1])
        other = (*own[:-1], rank + more)
        second = contracted([(p, own), (p, other), (d, other + new)], out, distribute=[2])
        return plus(first, scaled(second, -1))
    square = inner.extents
    half = len(square) // 2
    inv = inverse(inner)
    if atom.kind == "inverse":
        a = tuple(range(rank + more, rank + more + half))
        b = tuple(range(rank + more + half, rank + more + 2 * half))
        product = contracted(
            [(inv, own[:half] + a), (d, a + b + new), (inv, b + own[half:])], out, distribute=[1]
        )
        return scaled(product, -1)
    a, b = tuple(range(more, more + half)), tuple(range(more + half, more + 2 * half))
    free = tuple(range(more))
    if atom.kind == "logdet":
        return contracted([(inv, b + a), (d, a + b + free)], extents, distribute=[1])
    if atom.kind == "det":
        return contracted(
            [(alone(atom), ()), (inv, b + a), (d, a + b + free)], extents, distribute=[2]
        )
    raise UnsupportedError(f"the derivative of {atom.kind}")
