"""What an expression is by definition: tensors followed back through the equations.

:mod:`symbp.calculus.stabilise` looks through this, so that a formula is recognised whether it is
written in one equation or in several.
"""

from collections.abc import Iterable
from typing import Any

from sympy.core.expr import Expr

from symbp.notation.dependence import definitions
from symbp.notation.derivative import differentiated_by
from symbp.notation.equation import Equation, Origin, elements_of
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.reductions import ReduceOperation
from symbp.notation.tensor import Element, Tensor

__all__ = ["Definitions", "is_mixed", "unified"]


class Definitions:
    """The equations rewritten so far, and what their tensors are by definition."""

    def __init__(self, program: Program) -> None:
        self.equations: list[Equation] = []
        self.names = {tensor.name for tensor in program.tensors}
        # Nothing looks through what is differentiated by: it stands for itself.
        variables = differentiated_by(program.equations)
        positions = {
            tensor: places
            for tensor, places in definitions(program.equations).items()
            if tensor not in variables
        }
        self.single = {tensor for tensor, where_ in positions.items() if len(where_) == 1}
        self.several = {tensor: len(p) for tensor, p in positions.items() if len(p) > 1}
        self.defined: dict[Tensor, Equation] = {}
        self.added: dict[Tensor, list[Equation]] = {}
        self.made: set[Tensor] = set()

    def add(self, equation: Equation) -> None:
        """Append an equation and remember what it defines."""
        self.equations.append(equation)
        if equation.tensor in self.single and equation.lhs.is_plain:
            self.defined[equation.tensor] = equation
        elif equation.tensor in self.several:
            self.added.setdefault(equation.tensor, []).append(equation)

    def contributions(self, tensor: Tensor) -> list[Equation]:
        """Return the equations that add up to a tensor, at the same indices; none if unknown."""
        if tensor in self.defined:
            return [self.defined[tensor]]
        found = self.added.get(tensor, [])
        if len(found) < self.several.get(tensor, 0) or not all(e.lhs.is_plain for e in found):
            return []
        names = [dict(zip(e.lhs.args, found[0].lhs.args, strict=True)) for e in found]
        return [e.rename(n) for e, n in zip(found, names, strict=True)]

    def arguments(self, tensor: Tensor) -> tuple[Expr, ...]:
        """Return the indices at which the equations of a tensor are read."""
        return tuple(self.contributions(tensor)[0].lhs.args)

    def make(
        self,
        name: str,
        indices: tuple[Index, ...],
        body: Expr,
        reduce: tuple[Index, ...] = (),
        operation: ReduceOperation = "sum",
        source: Equation | None = None,
    ) -> Element:
        """Append an equation of a new tensor and return its element."""
        tensor = Tensor(fresh_name(name, self.names), indices)
        origin = Origin("stabilise", source)
        equation = Equation(tensor.element, body, reduce, operation, origin=origin)
        self.equations.append(equation)
        self.made.add(tensor)
        if operation == "logsumexp":
            self.defined[tensor] = equation
        return tensor.element

    def needed(self) -> Iterable[Equation]:
        """Return the equations without those of new tensors that nothing reads."""
        read: set[Tensor] = set()
        kept = []
        for equation in reversed(self.equations):
            if equation.tensor not in self.made or equation.tensor in read:
                kept.append(equation)
                read |= {element.tensor for element in equation.reads()}
        return reversed(kept)


def is_mixed(expressions: Iterable[Expr]) -> bool:
    """Whether a subscript holds data and something else: other data may not fit."""
    return any(
        subscript.atoms(Element) and not isinstance(subscript, Element)
        for expression in expressions
        for element in elements_of(expression)
        for subscript in element.args
    )


def unified(pattern: Any, node: Any, bound: tuple[Index, ...]) -> dict[Any, Any] | None:
    """Return what the bound indices of a pattern stand for in an expression of its shape."""
    found: dict[Any, Any] = {}

    def visit(left: Any, right: Any) -> bool:
        if left in bound:
            return bool(found.setdefault(left, right) == right)
        if left == right and not (left.free_symbols & set(bound)):
            return True
        if isinstance(left, Element) != isinstance(right, Element):
            return False
        if isinstance(left, Element):
            if left.tensor is not right.tensor:
                return False
        elif left.func is not right.func or not left.args:
            return False
        return len(left.args) == len(right.args) and all(
            visit(a, b) for a, b in zip(left.args, right.args, strict=True)
        )

    return found if visit(pattern, node) else None
