"""derive: the derivation of a program's gradient, in a form fit for reading.

The equations are those of :mod:`symbp.calculus.gradient_program`, as those that are compiled are,
put together again where passes took them apart: contributions to one adjoint are added, tensors
that normalising made are put back into the formulas, and ∂C/∂a is put into the δ that needs it.
"""

import functools
from collections.abc import Sequence
from dataclasses import replace

import sympy
from sympy.core.expr import Expr

from symbp.calculus.gradient_program import GradientProgram, gradient_program
from symbp.calculus.per_example import whole_body
from symbp.calculus.phases import training_form
from symbp.calculus.zero_weights import plain_program
from symbp.derivations.derivation import Derivation
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.order import in_order
from symbp.derivations.patterns import freshened
from symbp.derivations.simplify import Definitions, simplified
from symbp.derivations.statements import is_named
from symbp.notation.arguments import no_program
from symbp.notation.dependence import components, predecessors
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import NotationError
from symbp.notation.functions import where
from symbp.notation.program import Program
from symbp.notation.singular import (
    conventions,
    half_reciprocal,
    power_log,
    power_slope,
    xlog1py,
    xlogy,
)
from symbp.notation.tensor import Element, Tensor

__all__ = ["derive"]


def derive(program: Program) -> Derivation:
    """Derive the gradient of a program's cost with respect to every parameter.

    Parameters
    ----------
    program : Program
        A network, or a program of your own equations, with a cost.

    Returns
    -------
    Derivation
        For a single example where the cost is a mean over examples, else for the batch.

    Raises
    ------
    NotationError
        The program has no cost.

    Examples
    --------
    >>> import symbp as bp
    >>> x, y, z = (bp.parameter(name) for name in "xyz")
    >>> q, f = bp.tensor("q"), bp.tensor("f")
    >>> program = bp.Program([bp.Equation(q, x + y), bp.Equation(f, q * z)], cost=f)
    >>> print(derive(program).gradient("z"))
    ∂f/∂z = q
    """
    if not isinstance(program, Program):
        raise NotationError(f"expected a Program or Network, got {no_program(program)}")
    # What is differentiated is what training computes.
    program = training_form(program)
    if program.cost is None:
        raise NotationError("nothing to differentiate: the program has no cost")
    gradient = gradient_program(program, textbook=True)
    shown = gradient.written
    forward = [Equation(e.lhs, whole_body(e), origin=e.origin) for e in shown.equations]
    definitions = Definitions(forward)
    printed = [
        e.replace(body=definitions.rewritten(e.body, e.tensor), origin=Origin("print", e))
        for e in forward
    ]
    order = [position for group in components(predecessors(printed)) for position in group]
    # Where an exact 0 times what is not finite is 0, a product prints as any other.
    differentiated = plain_program(gradient.differentiated)
    chains = _Assembler(gradient.normal, differentiated, program.cost).lines(forward)
    # Most lines stand among both: those into which nothing was put.
    simplify = functools.cache(functools.partial(_simplified, definitions=definitions))
    return Derivation(
        program=program,
        per_example=gradient.per_example,
        forward=tuple(
            DerivedEquation((printed[p],), program.cost, (shown.equations[p],)) for p in order
        ),
        backward=tuple(map(simplify, _with_activations(chains))),
        chains=tuple(chains),
        links=tuple(map(simplify, chains)),
        differentiated=differentiated,
        gradients=tuple((tensor, adjoint) for tensor, adjoint in differentiated.gradients),
        conventions=(
            *_conventions(gradient),
            *conventions((e.body for e in program.equations), xlogy, xlog1py),
        ),
    )


def _conventions(gradient: GradientProgram) -> tuple[str, ...]:
    """Return in words what stands in the equations by convention, where it can be met."""
    bodies = [equation.body for equation in gradient.differentiated.equations]
    if any(equation.body.has(where) for equation in gradient.normal.equations):
        return conventions(bodies)  # what a choice hides may be not finite
    return conventions(bodies, half_reciprocal, power_slope, power_log)


class _Assembler:
    """Puts the equations of the adjoints together and the tensors of passes back in."""

    def __init__(self, normal: Program, differentiated: Program, cost: Tensor) -> None:
        self.cost = cost
        self.adjoints = differentiated.equations[len(normal.equations) :]
        self.wanted = {adjoint for _, adjoint in differentiated.gradients}
        self.inlined: dict[Tensor, tuple[Element, Expr]] = {}
        self.normal = normal

    def lines(self, forward: Sequence[Equation]) -> list[DerivedEquation]:
        """Return one line for each adjoint, in the order of the sweep."""
        kept = {equation.tensor: equation.defined for equation in forward}
        for equation in (*self.normal.equations, *self.adjoints):
            if equation.tensor not in kept and equation.tensor.adjoint_of is None:
                self.inlined[equation.tensor] = (equation.lhs, self._inline(whole_body(equation)))
        groups: dict[Tensor, list[Equation]] = {}
        for equation in self.adjoints:
            if equation.tensor.adjoint_of is not None:
                # Taken out and put in again, so that a group stands where it is complete.
                groups[equation.tensor] = [*groups.pop(equation.tensor, []), equation]
        lines = []
        for tensor, equations in groups.items():
            source = tensor.adjoint_of
            assert source is not None, "only adjoints are grouped"
            line = self._line(tensor, kept.get(source, source.element), equations)
            first = line.equations[0]
            helper = source in self.inlined
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


def _with_activations(lines: Sequence[DerivedEquation]) -> list[DerivedEquation]:
    """Put the adjoint of each tensor without a symbol into the one δ that reads it."""
    users: dict[Tensor, list[tuple[DerivedEquation, Element]]] = {}
    for line in lines:
        for equation in line.equations:
            for element in equation.body.atoms(Element):
                users.setdefault(element.tensor, []).append((line, element))
    values: dict[Tensor, DerivedEquation] = {}
    result = []
    for line in lines:
        source = line.tensor.adjoint_of
        reading = users.get(line.tensor, [])
        line = _put_in(line, values)
        if (
            source is not None
            and source.role == "intermediate"
            and not is_named(line.tensor)
            and len(line.equations) == 1
            and not line.equations[0].is_scatter
            and len(reading) == 1
            and is_named(reading[0][0].tensor)
            and reading[0][1].is_plain
        ):
            values[line.tensor] = line
        else:
            result.append(line)
    return result


def _put_in(line: DerivedEquation, values: dict[Tensor, DerivedEquation]) -> DerivedEquation:
    mapping: dict[Expr, Expr] = {}
    sources = line.sources
    for equation in line.equations:
        for element in equation.body.atoms(Element):
            value = values.get(element.tensor)
            if value is not None:
                lhs, body = value.equations[0].lhs, value.equations[0].body
                names = dict(zip(lhs.args, element.args, strict=True))
                mapping[element] = freshened(body).xreplace(names)
                sources = (*value.sources, *sources)
    if not mapping:
        return line
    equations = tuple(e.replace(body=e.body.xreplace(mapping)) for e in line.equations)
    return replace(line, equations=equations, sources=sources)


def _simplified(line: DerivedEquation, definitions: Definitions) -> DerivedEquation:
    return replace(
        line,
        equations=tuple(e.replace(body=simplified(e.body, definitions)) for e in line.equations),
    )
