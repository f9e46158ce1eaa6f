"""Products and running sums over an index: written as recurrences before anything else is done.

``Prod(x[n, i], i)`` is the last of the running products ``P[n, i] = P[n, i - 1]·x[n, i]``, and
``cumsum(x[n, t], t)`` is ``S[n, t] = S[n, t - 1] + x[n, t]``. A program that is made of equations
with them gets an equation for each, so that all else sees recurrences, which it knows: each takes
as many operations as the index has values, and the derivative of a product by a factor is the
product of the others, also where a factor is 0.
"""

from collections.abc import Callable, Iterable
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.collected import product_of, sum_of
from symbp.notation.equation import Equation, indices_of
from symbp.notation.errors import NotationError
from symbp.notation.extents import batch_of
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.numpy_operands import short
from symbp.notation.reductions import Prod, Scan, cumsum
from symbp.notation.tensor import Element, Tensor

__all__ = ["as_recurrences"]


def as_recurrences(equations: Iterable[Equation]) -> tuple[Equation, ...]:
    """Return equations with a recurrence of its own for each product and running sum in them.

    Parameters
    ----------
    equations : iterable of Equation
        As they were written.
    """
    given = tuple(equations)
    if not any(equation.body.has(Prod, Scan) for equation in given):
        return given
    tensors = {tensor for equation in given for tensor in _tensors(equation)}
    names = {tensor.name for tensor in tensors}
    batch = batch_of(tensors)
    result: list[Equation] = []
    for equation in given:
        if not equation.body.has(Prod, Scan):
            result.append(equation)
            continue
        writer = _Writer(equation, names, batch)
        body = writer.written(equation.body)
        result += [*writer.added, equation.replace(body=body)]
    return tuple(result)


def _tensors(equation: Equation) -> set[Tensor]:
    return {equation.tensor, *(element.tensor for element in equation.reads())}


class _Writer:
    """Writes the recurrences of one equation."""

    def __init__(self, equation: Equation, names: set[str], batch: sympy.Symbol | None) -> None:
        self.equation, self.batch = equation, batch
        self.names = names
        self.added: list[Equation] = []

    def written(self, node: Any) -> Any:
        """Return an expression with an element in place of each product and running sum."""
        if isinstance(node, Element) or not node.has(Prod, Scan):
            return node
        if isinstance(node, Prod):
            body = self.written(node.body)
            for index in reversed(node.bound):
                self.check(node, index)
                last = index.extent - 1
                body = self.recurrence("prod", product_of, sympy.S.One, body, index, last)
            return body
        if isinstance(node, Scan):
            body, index = self.written(node.args[0]), node.args[1]
            self.check(node, index)
            if isinstance(node, cumsum):
                return self.recurrence("cumsum", sum_of, sympy.S.Zero, body, index, index)
            return self.recurrence("cumprod", product_of, sympy.S.One, body, index, index)
        return node.func(*(self.written(argument) for argument in node.args))

    def check(self, node: Any, index: Index) -> None:
        """Refuse what runs over the examples, which have no order."""
        if index.extent == self.batch:
            raise NotationError(
                f"{self.equation.lhs}: {short(node)}: {index} has {index.extent} values, known at "
                f"run time only, and counts the examples; bp.{type(node).__name__} takes an index "
                f"of another size"
            )

    def recurrence(
        self,
        what: str,
        joined: Callable[..., Expr],
        start: Expr,
        body: Expr,
        index: Index,
        place: Any,
    ) -> Element:
        """Add the equation of a running sum or product, and return the element at a place."""
        free = [each for each in indices_of(body) if each is not index]
        left = [each for each in self.equation.lhs.args if each in free]
        free = [*left, *(each for each in free if each not in left)]
        step = Index(index.name, index.extent, sequential=True)
        name = fresh_name(f"{self.equation.tensor.name}_{what}", self.names)
        tensor = Tensor(name, (*free, step))
        before = where(step > 0, tensor[(*free, step - 1)], start)
        value = joined(before, body.xreplace({index: step}))
        self.added.append(Equation(tensor[(*free, step)], value))
        found: Element = tensor[(*free, place)]
        return found
