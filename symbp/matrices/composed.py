"""Trees of sums, quotients and multiples, made of the forms of their parts."""

from collections.abc import Sequence
from fractions import Fraction

from symbp.matrices.forms import Forms, better, forms, multiplied
from symbp.matrices.terms import Expression
from symbp.matrices.tree import EYE, Tree, call, negated, number, operation

__all__ = ["content", "divided", "root", "scalar_times", "shorter", "summed"]


def content(e: Expression) -> Fraction:
    """Return a number that all terms of a sum have in common, 1 if there is none."""
    values = [abs(term.coefficient) for term in e.terms]
    low = min(values)
    if all((value / low).denominator == 1 for value in values):
        return low
    if all((value * v.denominator).denominator == 1 for value in values for v in values[:1]):
        return Fraction(1, values[0].denominator)
    return Fraction(1)


def summed(parts: Sequence[Forms], natural: Sequence[bool]) -> Forms:
    """Return the forms of a sum; ``natural`` says which terms have a minus by themselves."""
    if len(parts) == 1:
        return parts[0]
    return forms(*([_chain(parts, natural, bool(n & 1), bool(n & 2))] for n in range(4)))


def _chain(parts: Sequence[Forms], natural: Sequence[bool], turned: bool, minus: bool) -> Tree:
    signed = []
    for part, negative in zip(parts, natural, strict=True):
        plain, opposite = part.of(turned, minus), part.of(turned, not minus)
        # Of equals, a − (x − y) z is better than a + (y − x) z: the sign that was there.
        leaning = (negative ^ minus) and plain.cost == opposite.cost
        better_so = plain.cost < opposite.cost or (plain.cost == opposite.cost and not leaning)
        signed.append((False, plain) if better_so else (True, opposite))
    # A sum begins with a term without a sign, if there is one.
    first = next((n for n, (negative, _) in enumerate(signed) if not negative), None)
    if first is None:
        costs = [part.of(turned, minus).cost - part.of(turned, not minus).cost for part in parts]
        first = costs.index(min(costs))
        signed[first] = False, parts[first].of(turned, minus)
    signed.insert(0, signed.pop(first))
    tree = signed[0][1]
    for negative, term in signed[1:]:
        tree = _added(tree, term, negative)
    return tree


def shorter(one: Forms, other: Forms) -> Forms:
    """Return the shorter of two forms, each by itself."""
    return Forms(*(better([a, b]) for a, b in zip(one, other, strict=True)))


def root(tree: Tree) -> Tree | None:
    """Return ‖v‖ for a tree that is ‖v‖², however it is written."""
    if tree.head == "^" and tree.args[1] == number(2):
        inside = tree.args[0]
        if inside.head == "call" and inside.value in ("norm2", "normF"):
            return inside
    if tree.head == "*" and tree.args[0].head == "'" and tree.args[0].args[0] == tree.args[1]:
        return call("norm2", tree.args[1])
    return None


def _added(tree: Tree, part: Tree, negative: bool) -> Tree:
    """Return tree ± (a ± b) without the parentheses."""
    if part.head not in ("+", "-"):
        operator = "-" if negative else "+"
        return operation(operator, tree, part)
    left = _added(tree, part.args[0], negative)
    minus = negative ^ (part.head == "-")
    return operation("-" if minus else "+", left, part.args[1])


def divided(top: Tree, bottom: Tree) -> Tree:
    """Return a quotient: of a quotient, one with the product below."""
    if top.head == "/":
        return operation("/", top.args[0], operation("*", top.args[1], bottom))
    return operation("/", top, bottom)


def scalar_times(scalar: Tree, matrix: Tree) -> Tree:
    """Return a scalar times a matrix: ``2*a.*x``, ``vector(c)``, ``2*A*x``."""
    if matrix.head in (".*", "./") and matrix.args[0].head != "*":
        return operation(matrix.head, scalar_times(scalar, matrix.args[0]), matrix.args[1])
    if (
        matrix.head == "call"
        and matrix.value in ("vector", "matrix")
        and matrix.args[0] == number(1)
    ):
        return call(str(matrix.value), scalar)
    if matrix.head == "neg":
        return negated(scalar_times(scalar, matrix.args[0]))
    if matrix.head == "/":
        return operation("/", scalar_times(scalar, matrix.args[0]), matrix.args[1])
    if matrix == EYE:
        return operation("*", scalar, matrix)
    return multiplied(scalar, matrix)
