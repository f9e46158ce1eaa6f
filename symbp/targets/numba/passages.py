"""passages: which lines of a function compute which equations."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from symbp.loops.nodes import Accumulate, Assign, For, Product, Statement
from symbp.loops.traverse import statements_in
from symbp.notation.by_identity import noted
from symbp.notation.equation import Equation
from symbp.notation.tensor import Element, Tensor
from symbp.targets.numba.kernel import Passage

__all__ = ["Passages"]


class Passages:
    """Collects the passages of one function.

    Parameters
    ----------
    body : iterable of Statement
        Of the function.
    """

    def __init__(self, body: Iterable[Statement]) -> None:
        self.found: list[Passage] = []
        self.last: dict[Equation, None] = {}
        leaves = [
            (leaf, equation) for leaf, equation in _leaves(body) if not _prepares(leaf, equation)
        ]
        self.computed = {equation for _, equation in leaves}
        self.held = {
            equation: leaf.target.tensor
            for leaf, equation in leaves
            if leaf.target.tensor.rank == equation.tensor.rank
        }

    def targets(self) -> dict[Equation, Tensor]:
        """Return for each equation what holds the tensor that it defines."""
        return self.held

    def said(self, statement: Statement) -> list[Equation]:
        """Return the equations to be named above a statement.

        Not what was named above the one before it: neighbours may be parts of one equation.
        """
        if self._joins(statement):
            return []
        equations = dict.fromkeys(map(_whole, self._equations(statement)))
        new = [equation for equation in equations if equation not in self.last]
        if equations:
            self.last = equations
        return new

    def add(self, statement: Statement, start: int, end: int) -> None:
        """Note the lines of a statement."""
        joins = self._joins(statement)
        equations = self._equations(statement)
        if not equations:
            equations = dict.fromkeys(equation for _, equation in _leaves([statement]))
        if equations:
            self.found.append(Passage(start, end, tuple(equations), joins))
        elif end > start and isinstance(statement, Assign | Accumulate | For):
            # A value that several of the next statements read.
            self.found.append(Passage(start, end, (), "next"))

    def moved(self, count: int) -> tuple[Passage, ...]:
        """Return the passages, for lines that stand further down.

        The first line of a loop over strips belongs to what stands first in it.
        """
        result: list[Passage] = []
        for passage in self.found:
            start = result[-1].end if result else passage.start + count
            result.append(replace(passage, start=start, end=passage.end + count))
        return tuple(result)

    def _equations(self, statement: Statement) -> dict[Equation, None]:
        return dict.fromkeys(
            equation for leaf, equation in _leaves([statement]) if not _prepares(leaf, equation)
        )

    def _joins(self, statement: Statement) -> Literal["", "next", "previous"]:
        leaves = list(_leaves([statement]))
        if leaves and all(_prepares(leaf, e) and e in self.computed for leaf, e in leaves):
            return "next"
        if leaves and all(_finishes(leaf, e) for leaf, e in leaves):
            return "previous"
        return ""


_Leaf = Assign | Accumulate | Product


def _leaves(statements: Iterable[Statement]) -> Iterator[tuple[_Leaf, Equation]]:
    for statement in statements:
        yield from _leaves_of(statement)


@noted
def _leaves_of(given: Statement) -> tuple[tuple[_Leaf, Equation], ...]:
    return tuple(_leaves_in(given))


def _leaves_in(given: Statement) -> Iterator[tuple[_Leaf, Equation]]:
    for statement in statements_in([given]):
        if isinstance(statement, Assign | Accumulate | Product):
            if statement.equation is not None:
                yield statement, statement.equation
            if isinstance(statement, Product) and statement.added is not None:
                yield statement, statement.added


def _whole(equation: Equation) -> Equation:
    """Return the equation of which one by elements is a part."""
    source = equation.origin.source if equation.origin.rule == "unroll" else None
    return equation if source is None else source


def _prepares(leaf: Statement, equation: Equation) -> bool:
    """Whether a statement only sets where a sum or a maximum starts."""
    return isinstance(leaf, Assign) and leaf.value.is_number and leaf.value != equation.body


def _finishes(leaf: Statement, equation: Equation) -> bool:
    """Whether a statement only stores what a reduction has come to."""
    return (
        isinstance(leaf, Assign | Accumulate)
        and isinstance(leaf.value, Element)
        and not leaf.value.args
        and bool(equation.reduce)
        and leaf.value != equation.body
    )
