"""Operations counted one by one: every equation evaluated at every point, with a counter.

It knows nothing of sizes: it walks over the points of each domain and each sum, and notes every
operation that it would carry out there.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy

from symbp.calculus.counts import LARGEST_POWER
from symbp.calculus.per_example import whole_body
from symbp.notation.equation import Equation, indices_of
from symbp.notation.functions import stop_gradient, where
from symbp.notation.index import Index
from symbp.notation.prime import Prime
from symbp.notation.reductions import LogSumExp, Max, Reduction
from symbp.notation.singular import plainly
from symbp.notation.tensor import Element

Point = dict[Index, int]


@dataclass
class Tally:
    """Notes operations."""

    multiplications: int = 0
    additions: int = 0
    calls: int = 0

    def as_tuple(self) -> tuple[int, int, int]:
        return self.multiplications, self.additions, self.calls


def points(indices: Iterable[Index]) -> Iterable[Point]:
    indices = list(indices)
    for values in itertools.product(*(range(int(index.extent)) for index in indices)):
        yield dict(zip(indices, values, strict=True))


def count(equations: Iterable[Equation]) -> tuple[int, int, int]:
    """Return the multiplications, additions and calls of computing the equations."""
    tally = Tally()
    for equation in equations:
        body = plainly(whole_body(equation))  # what is stated at singular points is not counted
        done: set[Any] = set()
        outer = [index for index in equation.domain if index not in equation.reduce]
        for point in points(outer):
            walk(body, point, tally, done, ())
            if equation.accumulate or equation.is_scatter:
                tally.additions += 1
    return tally.as_tuple()


def walk(node: Any, point: Point, tally: Tally, done: set[Any], path: tuple[int, ...]) -> None:
    """Note the operations of one evaluation; a sum that was computed before is at hand."""
    if not node.has(Element):
        return
    if isinstance(node, Element):
        return
    if isinstance(node, Reduction):
        key = (path, tuple(point[index] for index in indices_of(node)))
        if key in done:
            return
        done.add(key)
        for position, inner in enumerate(points(node.bound)):
            walk(node.body, {**point, **inner}, tally, done, (*path, 0))
            if isinstance(node, LogSumExp):
                tally.calls += 1
            if position and isinstance(node, Max):
                tally.calls += 1
            elif position:
                tally.additions += 1
        if isinstance(node, LogSumExp):
            tally.calls += 1
        return
    arguments = node.application.args if isinstance(node, Prime) else node.args
    for position, argument in enumerate(arguments):
        if not (isinstance(node, where) and position == 0):
            walk(argument, point, tally, done, (*path, position))
    if isinstance(node, sympy.Add):
        fixed = [a for a in node.args if not a.has(Element)]
        tally.additions += len(node.args) - max(len(fixed) - 1, 0) - 1
    elif isinstance(node, sympy.Mul):
        multiply(node, tally)
    elif isinstance(node, sympy.Pow):
        exponent = node.args[1]
        if not exponent.is_Integer or abs(exponent) > LARGEST_POWER:
            tally.calls += 1
        else:
            # Square and multiply, from the second binary digit on.
            for digit in bin(abs(int(exponent)))[3:]:
                tally.multiplications += 1 + (digit == "1")
            tally.multiplications += bool(exponent < 0)
    elif not isinstance(node, (where, stop_gradient)):
        tally.calls += 1


def multiply(node: Any, tally: Tally) -> None:
    """Multiply the factors of a product one after the other; a quotient was divided below."""
    started = False
    number = sympy.Mul(*(f for f in node.args if not f.has(Element)))
    factors = [f for f in node.args if f.has(Element)]
    divisors = [
        f for f in factors if isinstance(f, sympy.Pow) and f.args[1].is_Integer and f.args[1] < 0
    ]
    if number not in (1, -1):
        started = True
    for factor in factors:
        if factor in divisors:
            continue
        tally.multiplications += started
        started = True
    if divisors and not started:
        # 1/(y z): the reciprocal of the first, times the others.
        tally.multiplications += len(divisors) - 1
