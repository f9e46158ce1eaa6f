"""An index expression becomes the shortest matrix formula that is found.

A term is a contraction; a sum is its terms, or an equal expression of
:mod:`symbp.matrices.factoring` that is shorter; what is shorter still is looked for from there,
until nothing is. Everything is remembered by key, so equal parts are written alike.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import chain

from symbp.matrices.composed import content, divided, root, scalar_times, shorter, summed
from symbp.matrices.contraction import Leaf, contraction
from symbp.matrices.factoring import expanded, factored, rewritten
from symbp.matrices.forms import Forms, better, forms, squared_norm
from symbp.matrices.kronecker import kronecker
from symbp.matrices.normal import scaled
from symbp.matrices.quotients import requoted
from symbp.matrices.terms import Expression, Factor, Term
from symbp.matrices.tree import (
    EYE,
    Tree,
    call,
    negated,
    number,
    operation,
    symbol,
    transposed,
)

__all__ = ["Writer"]

NOT_SAID = 10**6  # the cost of a term that matrices cannot say
STEPS = 12
ODD = ("sign", "sin", "tan", "tanh", "sinh", "arctan")
EVEN = ("abs", "cos", "cosh")
# A sum that was multiplied out has to be shorter by more than a node: σ(1 − σ), not σ − σ².
MULTIPLIED_OUT = 120
# Sums in sums in sums are written as they stand, and so is all once so many sums were tried: an
# answer takes a second at most, and the bound is a count, so that it is always the same answer.
DEEPEST = 3
MOST_TRIED = 400


class Writer:
    """Writes the expressions of one answer; ``order`` is that of the symbols in the formula.

    ``most`` sums are tried.
    """

    def __init__(
        self, order: Mapping[str, int], *, turn_sigmoids: bool = True, most: int = MOST_TRIED
    ) -> None:
        self.order, self.turn_sigmoids, self.most = order, turn_sigmoids, most
        self.sums: dict[tuple[str, int | None, bool], Forms | None] = {}
        self.depth = self.tried = 0
        self.terms: dict[tuple[str, int], Forms | None] = {}

    # ------------------------------------------------ sums

    def written(self, e: Expression, rows: int | None = None) -> Forms | None:
        """Return the shortest forms, or None; ``rows`` is how many of the indices are rows'."""
        for found in ((e.key, rows, True), (e.key, rows, False)):
            if found in self.sums and (found[2] or self._exhausted()):
                return self.sums[found]
        search = not self._exhausted()
        self.depth += 1
        made = self._searched(e, rows) if search else self._joined(e, rows)[1]
        self.depth -= 1
        self.sums[e.key, rows, search] = made
        return made

    def _exhausted(self) -> bool:
        return self.depth >= DEEPEST or self.tried >= self.most

    def _searched(self, e: Expression, rows: int | None) -> Forms | None:
        most_open = 2 if e.rank <= 2 else 4
        best: tuple[int, Forms | None] = (2 * NOT_SAID * len(e.terms), None)
        extra = 0
        seen: set[str] = set()
        for start in chain([e], expanded(e)):
            if start.key in seen or not start.terms:
                if not start.terms:
                    return self._constant(e, Fraction(0))
                continue
            seen.add(start.key)
            state, made = start, self._joined(start, rows)
            for _ in range(STEPS):
                if made[0] + extra < best[0]:
                    best = made[0] + extra, made[1]
                improved = None
                for other in chain(factored(state, most_open), rewritten(state), requoted(state)):
                    if self.tried >= self.most:
                        break
                    if other.key in seen:
                        continue
                    seen.add(other.key)
                    found = self._joined(other, rows)
                    if found[0] < (improved or (made,))[0][0]:
                        improved = found, other
                if improved is None:
                    break
                made, state = improved
            extra = MULTIPLIED_OUT
        return best[1]

    def _joined(self, e: Expression, rows: int | None) -> tuple[int, Forms | None]:
        """Return the cost and the forms of a sum as it stands, with a common number or not."""
        self.tried += 1
        if not e.terms:
            made = self._constant(e, Fraction(0))
            return made.cost, made
        parts = [self.term(term, e, rows) for term in e.terms]
        missing = sum(part is None for part in parts)
        if missing:
            known = sum(part.cost for part in parts if part is not None)
            return NOT_SAID * missing + known, None
        natural = [term.coefficient < 0 for term in e.terms]
        made = summed([part for part in parts if part is not None], natural)
        if len(e.terms) > 1:
            common = content(e)
            if common != 1:
                inner = scaled(e, 1 / common)
                again = [self.term(term, inner, rows) for term in inner.terms]
                whole = summed([part for part in again if part is not None], natural)
                outside = self._times([], common, whole, e.rank)
                if min(outside.plain.cost, outside.minus.cost) < min(
                    made.plain.cost, made.minus.cost
                ):
                    made = outside
        return made.cost, made

    def _constant(self, e: Expression, value: Fraction) -> Forms:
        if e.rank == 0:
            return forms([number(value)], scalar=True)
        tree = call("vector" if e.rank == 1 else "matrix", number(value))
        return forms([tree], [tree] if e.rank == 2 else [])

    # ------------------------------------------------ terms

    def term(self, term: Term, e: Expression, rows: int | None) -> Forms | None:
        """Return the shortest forms of a term of ``e``."""
        at = f"{term.coefficient} {term.key}|{','.join(e.extents)}", -1 if rows is None else rows
        if at not in self.terms:
            self.terms[at] = self._term(term, e, rows)
        return self.terms[at]

    def _term(self, term: Term, e: Expression, rows: int | None) -> Forms | None:
        scalars: list[Leaf] = []
        leaves: list[Leaf] = []
        keys = {(f.atom.key, f.indices) for f in term.factors}
        for f in sorted(term.factors, key=self._place):
            leaf = self.leaf(f, keys)
            if leaf is None:
                return None
            (leaves if f.indices else scalars).append(leaf)
        if e.rank == 0:
            return self._times(scalars, term.coefficient, None, 0) if not leaves else None
        if e.rank > 2 or (rows is not None and rows != 1):
            matrix = kronecker(leaves, e, e.rank if rows is None else rows)
            return None if matrix is None else self._times(scalars, term.coefficient, matrix, 3)
        matrix = contraction(leaves, range(e.rank)) if leaves else None
        if leaves and matrix is None:
            return None
        return self._times(scalars, term.coefficient, matrix, e.rank)

    def _place(self, f: Factor) -> tuple[int, str]:
        return min((self.order.get(name, 999) for name in f.atom.symbols), default=999), f.atom.key

    def _times(
        self, scalars: Sequence[Leaf], coefficient: Fraction, matrix: Forms | None, rank: int
    ) -> Forms:
        """Return a number times scalars times a matrix (or ones, if there is none)."""
        above = [leaf.forms for leaf in scalars if leaf.forms is not None]
        below = [leaf.under for leaf in scalars if leaf.forms is None and leaf.under is not None]
        found = []
        for n in range(4):
            turned, minus = bool(n & 1), bool(n & 2) ^ (coefficient < 0)
            found.append(
                [self._signed(above, below, abs(coefficient), matrix, rank, turned, minus)]
            )
        return forms(*found, scalar=rank == 0)

    def _signed(
        self,
        above: Sequence[Forms],
        below: Sequence[Forms],
        coefficient: Fraction,
        matrix: Forms | None,
        rank: int,
        turned: bool,
        minus: bool,
    ) -> Tree:
        parts = [*above, *([] if matrix is None else [matrix]), *below]
        turns = [False] * len(above) + ([] if matrix is None else [turned]) + [False] * len(below)
        # Which parts take their other sign: the cheapest choice with the right sign in all.
        choice = [
            part.of(t, True).cost < part.of(t).cost for part, t in zip(parts, turns, strict=True)
        ]
        outer = False
        if sum(choice) % 2 != minus:
            costs = [
                abs(part.of(t, True).cost - part.of(t).cost)
                for part, t in zip(parts, turns, strict=True)
            ]
            least = min(costs, default=10**9)
            if least < 112:
                n = costs.index(least)
                choice[n] = not choice[n]
            else:
                outer = True
        trees = [p.of(t, c) for p, t, c in zip(parts, turns, choice, strict=True)]
        scalars, rest = trees[: len(above)], trees[len(above) :]
        top = None if coefficient.numerator == 1 else number(coefficient.numerator)
        for tree in scalars:
            top = tree if top is None else operation("*", top, tree)
        if matrix is not None:
            body = rest.pop(0)
            top = body if top is None else scalar_times(top, body)
        elif rank:
            value = number(1) if top is None else top
            top = call("vector" if rank == 1 else "matrix", value)
            if rank == 1 and turned:
                top = transposed(top)
        if top is None:
            top = number(1)
        bottom = None if coefficient.denominator == 1 else number(coefficient.denominator)
        for tree in rest:
            bottom = tree if bottom is None else operation("*", bottom, tree)
        tree = top if bottom is None else divided(top, bottom)
        return negated(tree) if outer else tree

    # ------------------------------------------------ factors

    def leaf(self, f: Factor, keys: set[tuple[str, tuple[int, ...]]]) -> Leaf | None:
        """Return a factor as it prints."""
        atom = f.atom
        if atom.kind == "eye":
            return Leaf(f.indices, forms([EYE], [EYE]), kind="eye")
        if atom.kind == "function" and atom.name == "exp" and f.power == -1:
            return self._reversed_exponential(f)
        base = self._base(f)
        if base is None:
            return None
        if atom.kind == "sum" and f.power == 1 and self.turn_sigmoids:
            sigma = self._other_sigmoid(f, keys)
            if sigma is not None:
                base = shorter(base, sigma)
        leaf = self._powered(f, base)
        if "diagonal" in atom.facts and f.power in (1, -1, 2):
            named = symbol(atom.name)
            matrix = {1: named, -1: call("inv", named), 2: operation("*", named, named)}
            return leaf and leaf._replace(matrix=matrix[int(f.power)])
        if len(f.indices) == 2 and f.power == 2:
            return leaf and leaf._replace(root=base)
        return leaf

    def _base(self, f: Factor) -> Forms | None:
        atom = f.atom
        scalar = not atom.extents
        if atom.kind == "symbol":
            tree = symbol(atom.name)
            if len(atom.extents) == 1 and "diagonal" in atom.facts:
                return forms([call("diag", tree)])
            return forms([tree], [tree] if atom.symmetric else [], scalar=scalar)
        inner = atom.inner
        assert inner is not None
        if atom.kind == "sum":
            if not atom.extents and len(inner.terms) == 1:
                return self._scalar(inner.terms[0])
            return self.written(inner)
        known = self.written(inner, 1 if atom.kind == "softmax" else None)
        if known is None:
            return None
        name = {"function": atom.name, "inverse": "inv"}.get(atom.kind, atom.kind)
        if atom.kind in ("det", "logdet"):
            return forms([call(name, better([known.plain, known.turned]))], scalar=True)
        if atom.kind == "softmax":
            return forms([call(name, known.plain)])
        if name in EVEN:
            known = Forms(*(better([known[n], known[n ^ 2]]) for n in (0, 1, 2, 3)))
        turned = [] if known.turned.head == "'" else [call(name, known.turned)]
        plain = call(name, known.plain)
        minus = [call(name, known.minus)] if name in ODD else []
        if atom.symmetric:
            return forms([plain, *turned], [plain, *turned], minus)
        return forms([plain], turned if len(atom.extents) == 2 else [], minus, scalar=scalar)

    def _scalar(self, term: Term) -> Forms | None:
        """Return a whole contraction, such as x'Ax or ‖x‖²."""
        leaves = []
        keys = {(f.atom.key, f.indices) for f in term.factors}
        for f in sorted(term.factors, key=self._place):
            leaf = self.leaf(f, keys)
            if leaf is None:
                return None
            leaves.append(leaf)
        found = contraction(leaves, ())
        halves = self._halves(term)
        options = [] if halves is None else [halves]  # first: of equals a norm
        if found is not None:
            options.append(found.plain)
        if not options:
            return None
        minus = [] if found is None else [found.minus]
        return forms(options, minus=minus, scalar=True)

    def _halves(self, term: Term) -> Tree | None:
        """Return the square of a norm, for a sum of squares of one product."""
        if not all(isinstance(f.power, Fraction) and f.power % 2 == 0 for f in term.factors):
            return None
        indices = sorted({i for f in term.factors for i in f.indices})
        if len(indices) > 2 or not indices:
            return None
        leaves = []
        for f in term.factors:
            leaf = self.leaf(f._replace(power=Fraction(f.power) / 2), set())  # type: ignore[arg-type]
            if leaf is None:
                return None
            leaves.append(leaf)
        inside = contraction(leaves, indices)
        if inside is None:
            return None
        name = "norm2" if len(indices) == 1 else "normF"
        options = [inside.plain, inside.minus]
        if len(indices) == 2:
            options += [inside.turned, inside.minus_turned]
        return squared_norm(better(options), name)

    def _other_sigmoid(self, f: Factor, keys: set[tuple[str, tuple[int, ...]]]) -> Forms | None:
        """1 − σ(u) is σ(−u), which is shorter where σ(u) is not printed anyway."""
        inner = f.atom.inner
        assert inner is not None
        sigmas = [g for t in inner.terms for g in t.factors if g.atom.name == "sigmoid"]
        if len(inner.terms) != 2 or len(sigmas) != 1 or f.atom.extents != sigmas[0].atom.extents:
            return None
        sigma = sigmas[0]
        number = next((t for t in inner.terms if not t.factors), None)
        whole = next((t for t in inner.terms if t.factors), None)
        if number is None or whole is None or len(whole.factors) != 1 or sigma.power != 1:
            return None
        if number.coefficient + whole.coefficient != 0 or abs(number.coefficient) != 1:
            return None
        if any(key == sigma.atom.key for key, _ in keys) or sigma.atom.inner is None:
            return None
        argument = self.written(sigma.atom.inner)
        if argument is None:
            return None
        made = forms(
            [call("sigmoid", argument.minus)],
            [call("sigmoid", argument.minus_turned)] if f.atom.extents[1:] else [],
            scalar=not f.atom.extents,
        )
        return made if number.coefficient == 1 else made.negated()

    def _reversed_exponential(self, f: Factor) -> Leaf | None:
        inner = f.atom.inner
        assert inner is not None
        known = self.written(inner)
        if known is None:
            return None
        rank = len(f.indices)
        value = forms(
            [call("exp", known.minus)],
            [call("exp", known.minus_turned)] if rank == 2 else [],
            scalar=not rank,
        )
        return Leaf(f.indices, value)

    # ------------------------------------------------ powers

    def _powered(self, f: Factor, base: Forms) -> Leaf | None:
        p = f.power
        if p == 1:
            return Leaf(f.indices, base)
        if isinstance(p, Expression):
            exponent = self.written(p)
            if exponent is None:
                return None
            operator = ".^" if f.indices else "^"
            return Leaf(
                f.indices, self._each(base, f, lambda b: operation(operator, b, exponent.plain))
            )
        if p < 0:
            return Leaf(f.indices, None, self._power_of(base, f, -p))
        return Leaf(f.indices, self._power_of(base, f, p))

    def _power_of(self, base: Forms, f: Factor, p: Fraction) -> Forms:
        if p == 1:
            return base
        if p.denominator == 1 and p % 2 == 0:
            base = Forms(*(better([base[n], base[n ^ 2]]) for n in range(4)))
        operator = ".^" if f.indices else "^"

        def raised(tree: Tree) -> Tree:
            norm = None if f.indices else root(tree)
            if norm is not None and (2 * p).denominator == 1:
                return norm if 2 * p == 1 else operation("^", norm, number(2 * p))
            if p.denominator == 2:
                half = call("sqrt", tree)
                return half if p == Fraction(1, 2) else operation(operator, half, number(2 * p))
            return operation(operator, tree, number(p))

        return self._each(base, f, raised)

    def _each(self, base: Forms, f: Factor, raised) -> Forms:  # type: ignore[no-untyped-def]
        return forms(
            [raised(base.plain)],
            [raised(base.turned)] if len(f.indices) == 2 else [],
            scalar=not f.indices,
        )
