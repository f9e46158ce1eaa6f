r"""The operations of equations, counted: multiplications, additions and function calls.

What is counted is what a person counts who computes the equations as they are written, once for
each value of their indices; a sum is computed once for each value of the indices that are free in
it, so a denominator ``Σ_j e^{z_j}`` is not computed again for every element that it divides.

- Multiplications: products and quotients; a power with an integer exponent up to 16 by repeated
  squaring (``x³`` is 2), a reciprocal is 1.
- Additions: sums and differences. A sum of n terms is n - 1; what is added to a tensor that
  another equation has started is 1 for each value added, and so is a scatter, which adds to zeros.
- Function calls: σ, exp, roots and other powers, comparisons of a maximum, and derivatives
  that are left as ``σ'(z)``, each 1. Log-sum-exp is its exponentials, additions and one logarithm.
- Free: a sign, arithmetic with numbers, extents, indices and subscripts (known beforehand),
  conditions, and the choice of a ``where``, of which both branches are counted.

This is the cost model of Griewank and Walther, "Evaluating Derivatives" (2nd ed., 2008),
sections 2.5 and 3.3-3.4, with one kind of call for every elementary function.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.implicit import has_residual, residual
from symbp.calculus.partial import partial, scaled
from symbp.calculus.per_example import whole_body
from symbp.calculus.reverse import active_tensors, reduction_factor
from symbp.notation.equation import Equation, elements_of, indices_of
from symbp.notation.functions import stop_gradient, where
from symbp.notation.index import Index
from symbp.notation.linear_algebra import Factor, Implicit, Solve, Unknown
from symbp.notation.prime import Prime
from symbp.notation.program import Program
from symbp.notation.reductions import LogSumExp, Max, Reduction
from symbp.notation.singular import plainly
from symbp.notation.tensor import Element, Tensor

__all__ = ["Counts", "Size", "local_derivatives", "operations", "tangent_operations"]

# The size of an index: a number, or an element of a ring of polynomials.
Size = Callable[[Index], Any]

# Beyond this, a power is a call of a function.
LARGEST_POWER = 16


@dataclass(frozen=True)
class Counts:
    """Numbers of operations: integers, or polynomials in sizes."""

    multiplications: Any = 0
    additions: Any = 0
    calls: Any = 0

    @property
    def total(self) -> Any:
        """All operations."""
        return self.multiplications + self.additions + self.calls

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.multiplications + other.multiplications,
            self.additions + other.additions,
            self.calls + other.calls,
        )

    def times(self, factor: Any) -> "Counts":
        """Return the operations of as many repetitions."""
        return self.map(lambda count: count * factor)

    def map(self, function: Callable[[Any], Any]) -> "Counts":
        """Return the counts with a function applied to each."""
        return Counts(
            function(self.multiplications), function(self.additions), function(self.calls)
        )


def operations(equations: Iterable[Equation], size: Size) -> Counts:
    """Return the operations that it takes to compute equations as they are written.

    Parameters
    ----------
    equations : iterable of Equation
        Any equations, reductions in their bodies included.
    size : callable
        The size of an index, as a number or a polynomial.

    Examples
    --------
    >>> import symbp as bp
    >>> j, k = bp.indices("j k", 30, 784)
    >>> W, x, z = bp.parameter("W", j, k), bp.input("x", k), bp.tensor("z", j)
    >>> operations([bp.Equation(z[j], bp.Sum(W[j, k] * x[k], k))], lambda index: index.extent)
    Counts(multiplications=23520, additions=23490, calls=0)
    """
    total = Counts()
    for equation in equations:
        domain = [index for index in equation.domain if index not in equation.reduce]
        total += _of_body(whole_body(equation), domain, size)
        if equation.accumulate or equation.is_scatter:
            total += Counts(additions=_product(domain, size))
    return total


def local_derivatives(program: Program, size: Size) -> Counts:
    """Return the operations of all factors ``∂body/∂T[e]`` of the one rule, each computed once.

    Parameters
    ----------
    program : Program
        A normalised program with a cost.
    size : callable
        The size of an index, as a number or a polynomial.
    """
    total = Counts()
    for equation, helpers, derivatives in _rules(program):
        total += operations(helpers if helpers != [equation] else [], size)
        for p in derivatives:
            total += _of_body(p, equation.domain, size)
    return total


def tangent_operations(program: Program, size: Size) -> Counts:
    """Return the operations of one pass of tangents, with the local derivatives at hand.

    A tangent is the sum of those of what its equation reads, each times its local derivative.

    Parameters
    ----------
    program : Program
        A normalised program with a cost.
    size : callable
        The size of an index, as a number or a polynomial.
    """
    total = Counts()
    started: set[Tensor] = set()
    for equation, helpers, derivatives in _rules(program):
        if helpers == [equation]:  # a tangent is solved for, too
            total += operations(helpers, size)
            continue
        products = _product(equation.domain, size)
        left = _product([i for i in equation.domain if i not in equation.reduce], size)
        factors = sum(not _is_unit(p) for p in derivatives)
        # What is added to a tensor that is started, or that starts with zeros, is added once more.
        begun = equation.tensor in started or equation.is_scatter
        additions = len(derivatives) * products - (0 if begun else left)
        total += Counts(multiplications=factors * products, additions=additions)
        started.add(equation.tensor)
    return total


def _rules(program: Program) -> Iterator[tuple[Equation, list[Equation], list[Expr]]]:
    """Yield the equations that lead to the cost, with the factors of the one rule.

    And, between the two, the equations that these factors need.
    """
    active = active_tensors(program, program.parameters)
    names = {tensor.name for tensor in program.tensors}
    for equation in program.equations:
        occurrences = [e for e in elements_of(equation.body) if e.tensor in active]
        if not occurrences or equation.tensor not in active:
            continue
        if has_residual(equation):
            zero = residual(equation, names)
            for part in zero.equations:
                read = [e for e in elements_of(part.body) if e.tensor in active]
                slopes = [partial(part.body, e) for e in read if not zero.holds(e)]
                yield part, [], [p for p in slopes if p != 0]
            place = zero.equations[0].lhs
            for part in zero.tangent(place, equation.lhs):
                yield part, [part], []
            continue
        factor, helpers = reduction_factor(equation, names)
        found = [scaled(factor, partial(equation.body, occurrence)) for occurrence in occurrences]
        yield equation, helpers, [p for p in found if p != 0]


def _of_implicit(node: Implicit, size: Size) -> Counts:
    """Return the operations of an elimination, a substitution or a factorisation."""
    body = node.body
    matrix = getattr(body, "matrix", body)
    read = indices_of(matrix)
    batch = _product([i for i in indices_of(node) if i in read], size)
    n = size(node.rows)
    pairs, triples = _share(n * (n - 1), 2), _share(n * (n - 1) * (2 * n - 1), 6)
    total = _of_body(matrix, node.bound, size)
    if isinstance(body, Factor):
        inner = _share(n * (n - 1) * (n - 2), 6)
        total += Counts(inner + 2 * pairs + n * (n + 1), inner + 2 * pairs + n, n)
        return total.times(batch)
    if isinstance(node, Solve):
        assert isinstance(body, Unknown)
        free = [i for i in indices_of(node) if i is not body.place and i not in read]
        total += _of_body(body.right, (node.rows, *free), size)
        columns = _product(free, size)
        total += Counts(pairs + n, pairs).times(columns)
        if node.structure != "general":
            return total.times(batch)
        total += Counts(pairs, pairs).times(columns)
    else:
        total += Counts(additions=n - 1, calls=n)
    return (total + Counts(pairs + triples, triples)).times(batch)


def _share(count: Any, parts: int) -> Any:
    """Divide a number, or a polynomial in sizes, that is a multiple."""
    return count // parts if isinstance(count, int) else count / parts


def _is_unit(p: Expr) -> bool:
    """Whether a local derivative is 1 or -1 wherever something is read: a sign is free."""
    if isinstance(p, where):
        return all(branch == 0 or _is_unit(branch) for branch in p.args[1:])
    return p in (1, -1)


def _of_body(body: Expr, domain: Iterable[Index], size: Size) -> Counts:
    own, inner, _ = _of_node(body, size)
    return own.times(_product(domain, size)) + inner


def _product(indices: Iterable[Index], size: Size) -> Any:
    result: Any = 1
    for index in indices:
        result = result * size(index)
    return result


def _of_node(node: Any, size: Size) -> tuple[Counts, Counts, bool]:
    """Return the operations of one evaluation, those of all its sums, and whether it varies."""
    if isinstance(node, Element):
        return Counts(), Counts(), True
    if isinstance(node, Reduction):
        return Counts(), _of_reduction(node, size), True
    formula = plainly(node)
    if formula is not node:  # what is stated at singular points is not counted
        return _of_node(formula, size)
    if isinstance(node, Prime):
        # The arguments of the application are computed, the application is not.
        parts = [_of_node(argument, size) for argument in node.application.args]
    elif isinstance(node, where):
        parts = [_of_node(argument, size) for argument in node.args[1:]]
        own, inner = _together(parts)
        return own, inner, any(varies for _, _, varies in parts) or node.has(Element)
    else:
        parts = [_of_node(argument, size) for argument in node.args]
    varying = [varies for _, _, varies in parts]
    if not any(varying):
        return Counts(), Counts(), False
    own, inner = _together(parts)
    return own + _of_operation(node, varying), inner, True


def _together(parts: Iterable[tuple[Counts, Counts, bool]]) -> tuple[Counts, Counts]:
    own, inner = Counts(), Counts()
    for mine, below, _ in parts:
        own, inner = own + mine, inner + below
    return own, inner


def _of_operation(node: Any, varying: list[bool]) -> Counts:
    """Return the operations of the outermost node alone."""
    if isinstance(node, sympy.Add):
        # Numbers among the terms are one number.
        return Counts(additions=sum(varying) - (0 if not all(varying) else 1))
    if isinstance(node, sympy.Mul):
        return Counts(multiplications=_of_product(node, varying))
    if isinstance(node, sympy.Pow):
        return _of_power(node.args[1])
    if isinstance(node, stop_gradient):
        return Counts()
    return Counts(calls=1)


def _of_product(node: Any, varying: list[bool]) -> int:
    """Return the multiplications and divisions between the factors of a product."""
    coefficient = sympy.Mul(*(f for f, v in zip(node.args, varying, strict=True) if not v))
    below = sum(
        v and isinstance(f, sympy.Pow) and _is_reciprocal(f.args[1])
        for f, v in zip(node.args, varying, strict=True)
    )
    above = sum(varying) - below + int(coefficient not in (1, -1))
    # A power below was counted with its division, which is one of those between the factors.
    return int(above + below - 1 + int(not above)) - below


def _is_reciprocal(exponent: Any) -> bool:
    return bool(exponent.is_Integer and -LARGEST_POWER <= exponent < 0)


def _of_power(exponent: Any) -> Counts:
    if not exponent.is_Integer or abs(exponent) > LARGEST_POWER:
        return Counts(calls=1)
    steps = abs(int(exponent))
    squarings = steps.bit_length() - 1 + steps.bit_count() - 1
    return Counts(multiplications=squarings + int(bool(exponent.is_negative)))


def _of_reduction(node: Reduction, size: Size) -> Counts:
    if isinstance(node, Implicit):
        return _of_implicit(node, size)
    free = indices_of(node)
    own, inner, _ = _of_node(node.body, size)
    outside = _product(free, size)
    terms = outside * _product(node.bound, size)
    result = own.times(terms) + inner
    between = terms - outside
    if isinstance(node, Max):
        return result + Counts(calls=between)
    if isinstance(node, LogSumExp):
        return result + Counts(additions=between, calls=terms + outside)
    return result + Counts(additions=between)
