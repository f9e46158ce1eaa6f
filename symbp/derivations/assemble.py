"""assemble: lines for a reader from the equations that differentiation gave.

Contributions to one derivative are added, and tensors that normalising made are put back into the
formulas.
"""

from collections.abc import Sequence

import sympy
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.order import in_order
from symbp.derivations.patterns import freshened
from symbp.notation.equation import Equation, Origin
from symbp.notation.tensor import Element, Tensor

__all__ = ["Assembler"]


class Assembler:
    """Puts derived equations together, and the tensors of passes back in.

    Parameters
    ----------
    normal : sequence of Equation
        The normalised equations that were differentiated.
    derived : sequence of Equation
        What the rule made of them.
    wanted : set of Tensor
        Each gets a line, also where that says a number.
    cost : Tensor
        What is differentiated in the end.
    """

    def __init__(
        self,
        normal: Sequence[Equation],
        derived: Sequence[Equation],
        wanted: set[Tensor],
        cost: Tensor,
    ) -> None:
        self.cost, self.wanted = cost, wanted
        self.normal, self.adjoints = tuple(normal), tuple(derived)
        self.inlined: dict[Tensor, tuple[Element, Expr]] = {}

    def lines(self, forward: Sequence[Equation]) -> list[DerivedEquation]:
        """Return one line for each adjoint, in the order of the sweep."""
        kept = {e.tensor: e.defined for e in forward}
        for equation in (*self.normal, *self.adjoints):
            if equation.tensor not in kept and not _sources(equation.tensor):
                self.inlined[equation.tensor] = (equation.lhs, self._inline(whole_body(equation)))
        groups: dict[Tensor, list[Equation]] = {}
        for equation in self.adjoints:
            if _sources(equation.tensor):
                # Taken out and put in again, so that a group stands where it is complete.
                groups[equation.tensor] = [*groups.pop(equation.tensor, []), equation]
        lines = []
        for tensor, equations in groups.items():
            like = tensor.element
            if tensor.adjoint_of is not None:
                like = kept.get(tensor.adjoint_of, tensor.adjoint_of.element)
            line = self._line(tensor, like, equations)
            first = line.equations[0]
            helper = any(source in self.inlined for source in _sources(tensor))
            trivial = first.body.is_number and tensor not in self.wanted
            if len(line.equations) == 1 and not first.is_scatter and (helper or trivial):
                self.inlined[tensor] = (first.lhs, first.body)
            else:
                lines.append(line)
        return lines

    def _line(
        self, tensor: Tensor, like: Element, contributions: Sequence[Equation]
    ) -> DerivedEquation:
        lhs = tensor[like.args]
        parts: list[Expr] = []
        scatters: list[Equation] = []
        gathers: list[Equation] = []
        for equation in contributions:
            if equation.is_scatter:
                # All renamed: no index may be one of those that the left side is printed with.
                apart = equation.rename({index: index.fresh() for index in equation.domain})
                body = self._inline(apart.body)
                scatters.append(apart.replace(body=body, origin=Origin("print", equation)))
                continue
            # Renamed apart first: an index on the left here may be summed over there.
            body = freshened(whole_body(equation))
            names = dict(zip(equation.lhs.args, lhs.args, strict=True))
            parts.append(self._inline(body.xreplace(names)))
            gathers.append(equation)
        equations = list(scatters)
        if gathers or not scatters:
            # Nobody wrote this sum, so that its terms stand as people write them.
            total = sum(in_order(parts), sympy.S.Zero)
            equations.insert(0, Equation(lhs, total, origin=Origin("print", contributions[0])))
        equations = [e.replace(accumulate=position > 0) for position, e in enumerate(equations)]
        return DerivedEquation(tuple(equations), self.cost, tuple(contributions))

    def _inline(self, body: Expr) -> Expr:
        mapping: dict[Expr, Expr] = {}
        for element in body.atoms(Element):
            found = self.inlined.get(element.tensor)
            if found is not None:
                lhs, value = found
                names = dict(zip(lhs.args, element.args, strict=True))
                mapping[element] = freshened(value).xreplace(names)
        return body.xreplace(mapping) if mapping else body


def _sources(tensor: Tensor) -> tuple[Tensor, ...]:
    """Return what a derivative is of and by; nothing for any other tensor."""
    if tensor.adjoint_of is not None:
        return (tensor.adjoint_of,)
    return tuple(element.tensor for element in tensor.partial_of or ())
