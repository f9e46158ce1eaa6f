"""What an expression is by definition: tensors followed back through the equations.

:mod:`symbp.calculus.stabilise` matches its rules through this, so that a formula is recognised
whether it is written in one equation or in several.
"""

from collections.abc import Iterator
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.dependence import definitions
from symbp.notation.equation import Equation, Origin, elements_of, indices_of
from symbp.notation.functions import where
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["Definitions"]


class Definitions:
    """The equations rewritten so far, and what their tensors are by definition."""

    def __init__(self, program: Program) -> None:
        self.equations: list[Equation] = []
        self.names = {tensor.name for tensor in program.tensors}
        positions = definitions(program.equations)
        self.single = {tensor for tensor, where_ in positions.items() if len(where_) == 1}
        self.defined: dict[Tensor, Equation] = {}
        self.logarithms: dict[Tensor, tuple[Tensor, Expr] | None] = {}

    def add(self, equation: Equation) -> None:
        """Append an equation and remember what it defines."""
        self.equations.append(equation)
        if equation.tensor in self.single and equation.lhs.is_plain:
            self.defined[equation.tensor] = equation

    def views(self, node: Expr) -> Iterator[Expr]:
        """Yield an expression, then what it is by definition, as far as that can be followed."""
        yield node
        while isinstance(node, Element) and node.tensor in self.defined:
            equation = self.defined[node.tensor]
            if equation.reduce:
                return
            node = equation.body.xreplace(dict(zip(equation.lhs.args, node.args, strict=True)))
            if any(_is_mixed(element) for element in elements_of(node)):
                return
            yield node

    def view(self, node: Expr, operation: Any) -> Expr | None:
        """Return the argument if the expression is an application of a function."""
        for seen in self.views(node):
            if isinstance(seen, operation):
                return seen.args[0]
        return None

    def above_one(self, node: Expr) -> Expr | None:
        """Return x if the expression is 1 + x."""
        for seen in self.views(node):
            if isinstance(seen, sympy.Add):
                constant, rest = seen.as_coeff_Add()
                if float(constant) == 1:
                    return rest
        return None

    def logarithm_of_sum(self, node: Expr) -> Expr | None:
        """Return the logarithm of an expression that is a sum of exponentials."""
        for seen in self.views(node):
            if isinstance(seen, Element) and seen.tensor in self.defined:
                made = self.logarithm_of_tensor(seen.tensor)
                if made is not None:
                    tensor, factor = made
                    return Element(tensor, *seen.args) + sympy.log(factor)
        return None

    def logarithm_of_tensor(self, tensor: Tensor) -> tuple[Tensor, Expr] | None:
        """Return the log-sum-exp of a tensor's equation, a new tensor, and a constant factor."""
        if tensor not in self.logarithms:
            equation = self.defined[tensor]
            found = self.weighted_exponential(equation.body)
            if not equation.reduce or equation.operation != "sum" or found is None:
                self.logarithms[tensor] = None
            else:
                factor, exponent = found
                made = tensor.like(fresh_name(f"{tensor.name}_log", self.names))
                self.logarithms[tensor] = made, factor
                self.equations.append(
                    Equation(
                        made[equation.lhs.args],
                        exponent,
                        equation.reduce,
                        "logsumexp",
                        origin=Origin("stabilise", equation),
                    )
                )
        return self.logarithms[tensor]

    def weighted_exponential(self, body: Expr) -> tuple[Expr, Expr] | None:
        """Return c and u if the expression is c·exp(u), with c a positive constant."""
        for seen in self.views(body):
            if isinstance(seen, where) and seen.args[2] == 0 and not seen.args[0].atoms(Element):
                found = self.weighted_exponential(seen.args[1])
                if found is not None:
                    return found[0], where(seen.args[0], found[1], -sympy.oo)
            factors = sympy.Mul.make_args(seen)
            others = [f for f in factors if indices_of(f) or f.atoms(Element)]
            factor = sympy.Mul(*(f for f in factors if f not in others))
            if len(others) == 1 and factor.is_positive:
                exponent = self.view(others[0], sympy.exp)
                if exponent is not None:
                    return factor, exponent
        return None

    def has_logarithm(self, node: Expr) -> bool:
        """Whether an expression reads a log-sum-exp."""
        read = {element.tensor for element in elements_of(node)}
        return any(e.tensor in read and e.operation == "logsumexp" for e in self.equations)


def _is_mixed(element: Element) -> bool:
    """Whether a subscript holds data and something else, which no element may have."""
    return any(s.atoms(Element) and not isinstance(s, Element) for s in element.args)
