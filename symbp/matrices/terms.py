"""Index expressions: sums of products of tensors, in which equal things look equal.

``Aᵀ(Ax − b)`` is ``A[1,0] S[1]`` with ``S = A[0,1] x[1] − b[0]``: indices 0, 1, … up to the rank
are free, the others are summed over. Transposes, traces, diagonals, Hadamard and matrix products
are all products of this kind, and a repeated index can occur more than twice. A tensor (an atom)
is a symbol, an identity, an elementwise function of an expression, a sum that is a factor, or an
inverse or determinant.

Expressions have keys, which do not depend on the names of summed indices, on the order of factors
or on the sides of a symmetric matrix: two expressions with one key are equal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar, Union

__all__ = [
    "Atom", "Expression", "Factor", "Power", "Term", "alone", "connected", "eye", "letter",
    "renamed",
]  # fmt: skip

Power = Union[Fraction, "Expression"]
Indices = tuple[int, ...]
ONE = Fraction(1)


@dataclass(frozen=True, eq=False)
class Atom:
    """A tensor; ``kind`` is symbol, eye, function, sum, softmax, inverse, det or logdet."""

    kind: str
    name: str
    extents: tuple[str, ...]
    inner: "Expression | None" = None
    symmetric: bool = False
    facts: frozenset[str] = frozenset()

    @cached_property
    def key(self) -> str:
        """What tells it from others."""
        if self.kind in ("symbol", "eye"):
            return f"{self.name}:{len(self.extents)}" if self.kind == "symbol" else "eye"
        assert self.inner is not None
        return f"{self.kind}.{self.name}({self.inner.key})"

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The names in it."""
        if self.inner is not None:
            return self.inner.symbols
        return frozenset([self.name]) if self.kind == "symbol" else frozenset()

    @cached_property
    def nonnegative(self) -> bool:
        """Whether no value can be negative, as far as can be told."""
        if self.kind == "symbol":
            return "positive" in self.facts or "in {0,1}" in self.facts or "in (0,1)" in self.facts
        if self.kind == "function":
            return self.name in ("exp", "sigmoid", "abs", "softplus", "relu", "step", "cosh")
        if self.kind == "sum":
            assert self.inner is not None
            return all(
                term.coefficient > 0
                and all(
                    f.atom.nonnegative or (isinstance(f.power, Fraction) and f.power % 2 == 0)
                    for f in term.factors
                )
                for term in self.inner.terms
            )
        return self.kind == "softmax"

    @cached_property
    def positive(self) -> bool:
        """Whether all values are positive, so that every power and logarithm is real."""
        if self.kind == "symbol":
            return "positive" in self.facts or "in (0,1)" in self.facts
        return self.kind == "softmax" or (
            self.kind == "function" and self.name in ("exp", "sigmoid", "softplus", "cosh")
        )


class Factor(NamedTuple):
    """A tensor at some indices, to a power (element by element)."""

    atom: Atom
    indices: Indices
    power: Power = ONE


def letter(name: str) -> Atom:
    """Return the scalar that an extent is."""
    return Atom("symbol", name, (), facts=frozenset(["positive", "extent"]))


def eye(extent: str) -> Atom:
    """Return the identity of an extent."""
    return Atom("eye", "eye", (extent, extent), symmetric=True)


def power_key(power: Power) -> str:
    if isinstance(power, Fraction):
        return "" if power == 1 else f"^{power}"
    return f"^({power.key})"


class Term:
    """A coefficient times factors, whose summed indices are renamed in one fixed way."""

    __slots__ = ("coefficient", "factors", "key")

    def __init__(self, coefficient: Fraction, factors: Sequence[Factor], rank: int) -> None:
        self.coefficient = coefficient
        self.key, self.factors = _canonical(factors, rank)

    @classmethod
    def known(cls, coefficient: Fraction, like: "Term") -> "Term":
        """Return another multiple of a term."""
        term = object.__new__(cls)
        term.coefficient, term.key, term.factors = coefficient, like.key, like.factors
        return term


def _canonical(factors: Sequence[Factor], rank: int) -> tuple[str, tuple[Factor, ...]]:
    """Return the key and the factors with indices renamed: of all equal namings, one."""
    names = [f.atom.key + power_key(f.power) for f in factors]
    bound = sorted({i for f in factors for i in f.indices if i >= rank})
    colors = {i: i for f in factors for i in f.indices if i < rank}
    colors.update(dict.fromkeys(bound, rank))
    best: tuple[str, dict[int, int]] | None = None
    work = [colors]
    while work:
        colors = _refined(factors, names, work.pop())
        groups: dict[int, list[int]] = {}
        for i in bound:
            groups.setdefault(colors[i], []).append(i)
        tied = min((color for color, group in groups.items() if len(group) > 1), default=None)
        if tied is None:
            ranks = {color: rank + n for n, color in enumerate(sorted(groups))}
            naming = {i: i if i < rank else ranks[colors[i]] for i in colors}
            parts = sorted(
                f"{name}{_placed(f, naming)}" for name, f in zip(names, factors, strict=True)
            )
            text = " ".join(parts)
            if best is None or text < best[0]:
                best = text, naming
            continue
        for chosen in groups[tied][:6]:
            split = {i: 2 * color for i, color in colors.items()}
            split[chosen] -= 1
            work.append(split)
    assert best is not None
    naming = best[1]
    placed = [
        (f"{name}{_placed(f, naming)}", Factor(f.atom, _placed(f, naming), f.power))
        for name, f in zip(names, factors, strict=True)
    ]
    placed.sort(key=lambda pair: pair[0])
    return best[0], tuple(factor for _, factor in placed)


def _placed(f: Factor, naming: Mapping[int, int]) -> Indices:
    indices = tuple(naming[i] for i in f.indices)
    return tuple(sorted(indices)) if f.atom.symmetric and len(indices) == 2 else indices


def _refined(factors: Sequence[Factor], names: list[str], colors: dict[int, int]) -> dict[int, int]:
    count = -1
    while True:
        seen: dict[int, list[Any]] = {i: [] for i in colors}
        for name, f in zip(names, factors, strict=True):
            around = tuple(colors[i] for i in f.indices)
            if f.atom.symmetric:
                around = tuple(sorted(around))
            for slot, i in enumerate(f.indices):
                seen[i].append((name, 0 if f.atom.symmetric else slot, around))
        signs = {i: (colors[i], sorted(seen[i])) for i in colors}
        ordered: list[tuple[int, list[Any]]] = []
        for sign in sorted(signs.values()):
            if not ordered or sign != ordered[-1]:
                ordered.append(sign)
        # Free indices keep the smallest colors, since those come first in each sign.
        colors = {i: ordered.index(sign) for i, sign in signs.items()}
        if len(ordered) == count:
            return colors
        count = len(ordered)


@dataclass(frozen=True, eq=False)
class Expression:
    """A sum of terms with the same free indices, of which the extents are given."""

    extents: tuple[str, ...]
    terms: tuple[Term, ...]

    @classmethod
    def of(cls, extents: tuple[str, ...], terms: Iterable[Term]) -> "Expression":
        """Return the sum of terms; like ones are collected, in the order of the first."""
        found: dict[str, Term] = {}
        for term in terms:
            if term.key in found:
                both = found[term.key].coefficient + term.coefficient
                found[term.key] = Term.known(both, found[term.key])
            else:
                found[term.key] = term
        return cls(extents, tuple(term for term in found.values() if term.coefficient))

    @property
    def rank(self) -> int:
        """How many free indices there are."""
        return len(self.extents)

    @cached_property
    def key(self) -> str:
        """What tells it from others."""
        if not self.terms:
            return "0"
        return " + ".join(sorted(f"{term.coefficient} {term.key}" for term in self.terms))

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The names in it."""
        found: set[str] = set()
        for term in self.terms:
            for f in term.factors:
                found |= f.atom.symbols
                if isinstance(f.power, Expression):
                    found |= f.power.symbols
        return frozenset(found)

    @property
    def number(self) -> Fraction | None:
        """The value, if it is a number (the same at all free indices)."""
        if not self.terms:
            return Fraction(0)
        if len(self.terms) == 1 and not self.terms[0].factors:
            return self.terms[0].coefficient
        return None

    def used(self) -> set[int]:
        """Return the free indices on which the value depends."""
        rank = self.rank
        return {i for t in self.terms for f in t.factors for i in f.indices if i < rank}


def alone(atom: Atom, power: Power = ONE) -> Expression:
    """Return a tensor to a power as an expression with its own indices."""
    rank = len(atom.extents)
    return Expression.of(atom.extents, [Term(ONE, [Factor(atom, tuple(range(rank)), power)], rank)])


def renamed(factors: Iterable[Factor], names: dict[int, int], top: int) -> tuple[list[Factor], int]:
    """Return factors with other names of indices, and the first name that is free then.

    Parameters
    ----------
    factors : iterable of Factor
    names : dict of int to int
        The new names; indices that have none get ``top`` and those after it, and are noted.
    top : int
        The first name that is free.
    """
    made = []
    for f in factors:
        for i in f.indices:
            if i not in names:
                names[i], top = top, top + 1
        made.append(Factor(f.atom, tuple(names[i] for i in f.indices), f.power))
    return made, top


class AtIndices(Protocol):
    """What stands at indices."""

    @property
    def indices(self) -> Indices:
        """The indices."""


A = TypeVar("A", bound=AtIndices)


def connected(parts: Iterable[A], ends: set[int]) -> list[list[A]]:
    """Return factors by how they hang together over all indices but some."""
    groups: list[tuple[set[int], list[A]]] = []
    for part in parts:
        own = set(part.indices) - ends
        touching = [group for group in groups if group[0] & own]
        rest = [group for group in groups if not group[0] & own]
        merged = [each for group in touching for each in group[1]] + [part]
        groups = [*rest, (own.union(*(group[0] for group in touching)), merged)]
    return [group[1] for group in groups]
