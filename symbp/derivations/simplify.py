"""Simplify a derived equation with what is known: definitions, sums of targets, arithmetic.

Three facts are used and nothing else: a tensor that is defined to be ``f(…)`` may be written for
``f(…)``; a target of kind ``distribution`` sums to one over its last axis; and fractions can be
reduced. Of the forms that they give, the one with least to read is kept, so ``σ'(z)`` stays in
``(a - y) σ'(z)``, and gives way to ``a (1 - a)`` where that cancels.
"""

import functools
from collections.abc import Iterable

import sympy
from sympy.core.expr import Expr

from symbp.calculus.algebra import Unknowns, ordinary, restored
from symbp.calculus.per_example import whole_body
from symbp.calculus.share import canonical
from symbp.derivations.order import with_common_number
from symbp.derivations.patterns import freshened, weight
from symbp.notation.arithmetic import Plus
from symbp.notation.collected import factors, product_of, sum_of, terms
from symbp.notation.equation import Equation, indices_of
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.prime import Prime, expand_primes
from symbp.notation.reductions import Reduction, Sum
from symbp.notation.standard import exp, log
from symbp.notation.tensor import Element, Tensor

__all__ = ["Definitions", "simplified"]

# Fractions of more unknowns, or longer ones, are left as they came.
LARGEST_FRACTION = 60
MOST_UNKNOWNS = 6
# Nobody reads a longer sum for what its terms have in common.
MOST_TERMS = 100


class Definitions:
    """Which function application each tensor of a program is defined to be.

    Parameters
    ----------
    equations : iterable of Equation
        The forward equations; their bodies may hold reductions.
    """

    def __init__(self, equations: Iterable[Equation]) -> None:
        self.known: dict[Expr, tuple[Element, tuple[Index, ...]]] = {}
        self.sums: dict[Expr, tuple[Expr, tuple[Index, ...]]] = {}
        for equation in equations:
            body = whole_body(equation)
            self._learn_sum(body, equation.lhs)
            if isinstance(body, (sympy.Function, sympy.Pow)) and set(indices_of(body)) == set(
                equation.lhs.args
            ):
                self._learn(body, equation.lhs)

    def _learn(self, body: Expr, lhs: Element) -> None:
        form, order = canonical(_guarded(freshened(body), {}))
        self.known.setdefault(form, (lhs, order))

    def _learn_sum(self, body: Expr, lhs: Element) -> None:
        """Learn that ``Σ_n x[n]`` is ``N μ`` where ``μ`` is defined as ``1/N Σ_n x[n]``."""
        parts = factors(body)
        sums = [part for part in parts if isinstance(part, Sum)]
        others = [part for part in parts if part not in sums]
        if len(sums) == 1 and not any(part.has(Index) for part in others):
            form, order = canonical(freshened(sums[0]))
            value = product_of(lhs, *(1 / part for part in others))
            self.sums.setdefault(form, (value, order))

    def sum_of(self, node: Sum) -> Expr | None:
        """Return a sum by the tensor that a definition makes of it, or None."""
        form, order = canonical(freshened(node))
        found = self.sums.get(form)
        return None if found is None else found[0].xreplace(dict(zip(found[1], order, strict=True)))

    def rewritten(self, body: Expr, defining: Tensor | None = None) -> Expr:
        """Return the expression with tensors written for what they are defined to be.

        Parameters
        ----------
        body : SymPy expression
            With or without reductions.
        defining : Tensor, optional
            The tensor whose own equation this is, which is left out.
        """
        if not self.known or isinstance(body, Prime) or not body.args:
            return body  # σ'(z) is a name: nothing is put in there
        value: Expr | None = None
        if isinstance(body, (sympy.Function, sympy.Pow)):
            value = self._find(body, defining)
        elif isinstance(body, sympy.Add) and body.has(Reduction):
            # log softmax(z) stands there without its logarithm: a = exp(E), so E = ln a.
            found = self._find(exp(body), defining)
            value = None if found is None else log(found)
        if value is not None:
            return value
        arguments = [self.rewritten(argument, defining) for argument in body.args]
        return body if arguments == list(body.args) else body.func(*arguments)

    def _find(self, node: Expr, defining: Tensor | None) -> Expr | None:
        # Two sums may share an index or not: they are renamed apart on both sides.
        form, order = canonical(_guarded(freshened(node), {}))
        found = self.known.get(form)
        if found is None or found[0].tensor is defining:
            return None
        lhs, names = found
        return lhs.xreplace(dict(zip(names, order, strict=True)))


def simplified(body: Expr, definitions: Definitions) -> Expr:
    """Return the form of an expression with least to read.

    Parameters
    ----------
    body : SymPy expression
        As the rule gave it, with derivatives by name.
    definitions : Definitions
        Of the forward equations.
    """
    plain = _tidy(_guarded(definitions.rewritten(body), {}), definitions)
    forms = [plain]
    if body.has(Prime):
        written_out = _tidy(_guarded(definitions.rewritten(expand_primes(body)), {}), definitions)
        forms += [written_out, *_fractions(written_out)]
    forms += _fractions(plain)
    shortest = min(forms, key=lambda form: (weight(form), forms.index(form)))
    if isinstance(shortest, sympy.Add) and shortest is not plain:
        # SymPy multiplies a number out: (a - y)/10 reads better than a/10 - y/10.
        number, parts = with_common_number(shortest)
        return shortest if number == 1 else product_of(number, Plus(*parts))
    return shortest


def _guarded(node: Expr, known: dict[Expr, bool]) -> Expr:
    """Choose at once where a condition stands inside the same condition."""
    if not node.has(where):
        return node
    if isinstance(node, where):
        condition, chosen, other = node.args
        if condition in known:
            return _guarded(chosen if known[condition] else other, known)
        return where(
            condition,
            _guarded(chosen, {**known, condition: True}),
            _guarded(other, {**known, condition: False}),
        )
    if isinstance(node, Reduction):  # a bound index is not the one of that name outside
        known = {c: holds for c, holds in known.items() if not c.has(*node.bound)}
    return node.func(*(_guarded(argument, known) for argument in node.args))


def _tidy(body: Expr, definitions: Definitions) -> Expr:
    body = _tidy_sums(body, definitions)
    if not body.has(sympy.Add) or len(terms(body)) > MOST_TERMS:
        return body
    # Roots and functions stay as they are: SymPy would take 1/3 out of sqrt(s/3 + c).
    unknowns = Unknowns()
    factored = _factored_terms(ordinary(body, unknowns, roots=True))
    return _tidy_sums(restored(factored, unknowns), definitions)


@functools.lru_cache(maxsize=1024)
def _factored_terms(symbolic: Expr) -> Expr:
    return sympy.factor_terms(symbolic, clear=False, fraction=False)


def _tidy_sums(node: Expr, definitions: Definitions) -> Expr:
    """Replace ``Σ_k c·y[k]`` by ``c`` where ``y`` sums to one; take out what is not summed over."""
    if not node.has(Sum):
        return node
    if not isinstance(node, Sum):
        return node.func(*(_tidy_sums(argument, definitions) for argument in node.args))
    body, bound = _tidy(node.body, definitions), node.bound
    parts = factors(body)
    for factor in parts:
        if isinstance(factor, Element) and factor.tensor.kind == "distribution":
            last = factor.args[-1]
            rest = product_of(*(part for part in parts if part is not factor))
            if last in bound and factor.is_plain and not rest.has(last):
                remaining = tuple(index for index in bound if index is not last)
                return _tidy_sums(Sum(rest, *remaining), definitions) if remaining else rest
    outside = [f for f in parts if not f.has(*bound)]
    inside = product_of(*(part for part in parts if part not in outside))
    shorter = _by_known_sums(inside, bound, definitions)
    return product_of(*outside, Sum(inside, *bound) if shorter is None else shorter)


def _by_known_sums(body: Expr, bound: tuple[Index, ...], definitions: Definitions) -> Expr | None:
    """Return ``Σ_n (x[n] - μ)`` as ``N μ - N μ``, which is 0, where μ is defined as their mean."""
    if not isinstance(body, sympy.Add):
        return None
    sums: list[Expr] = []
    for term in terms(body):
        parts = factors(term)
        outside = [part for part in parts if not part.has(*bound)]
        inside = product_of(*(part for part in parts if part not in outside))
        if inside == 1:
            known: Expr | None = product_of(*(index.extent for index in bound))
        else:
            known = definitions.sum_of(Sum(inside, *bound))
        if known is None:
            return None
        sums.append(product_of(*outside, known))
    total = sum_of(*sums)
    return total if weight(total) <= weight(body) else None


def _fractions(body: Expr) -> list[Expr]:
    """Return an expression with its fractions reduced, in the forms that reading may prefer."""
    divides = any(
        power.args[1].is_negative and power.has(Element) for power in body.atoms(sympy.Pow)
    )
    if not divides or weight(body) > LARGEST_FRACTION:
        return []
    unknowns = Unknowns()
    symbolic = ordinary(body, unknowns)
    if len(unknowns.symbols) > MOST_UNKNOWNS:
        return []
    factored, expanded = (restored(form, unknowns) for form in _reduced(symbolic))
    # Factors are easier to read than powers, if they are not much longer.
    return [factored, expanded] if weight(expanded) + 2 < weight(factored) else [factored]


@functools.lru_cache(maxsize=1024)
def _reduced(symbolic: Expr) -> tuple[Expr, Expr]:
    """Return a fraction with nothing left to cancel, in factors and multiplied out."""
    reduced = sympy.cancel(symbolic)
    return _positive(sympy.factor(reduced)), reduced


def _positive(quotient: Expr) -> Expr:
    """Return ``(a - y)/(a (1 - a))`` for ``(y - a)/(a (a - 1))``: no sign in front, ``1 - a``."""
    above, below = quotient.as_numer_denom()
    flipped = [f for f in sympy.Mul.make_args(below) if _begins_negative(f)]
    for factor in flipped:
        below = below / factor * -factor
    number, _ = above.as_coeff_Mul()
    sums = [f for f in sympy.Mul.make_args(above) if isinstance(f, sympy.Add)]
    sign = -1 if len(flipped) % 2 else 1
    if (sign == -1) != bool(number.is_negative) and sums:
        above, sign = above / sums[0] * -sums[0], -sign
    return sign * above / below


def _begins_negative(factor: Expr) -> bool:
    number, _ = factor.as_coeff_Add()
    return isinstance(factor, sympy.Add) and bool(number.is_negative)
