"""derive: the derivation of a program's gradient, in a form fit for reading.

The equations are those of :mod:`symbp.calculus.gradient_program`, as those that are compiled are,
put together again where passes took them apart: contributions to one adjoint are added, tensors
that normalising made are put back into the formulas, and ∂C/∂a is put into the δ that needs it.
"""

import functools
from collections.abc import Iterable
from dataclasses import replace

from symbp.calculus.gradient_program import GradientProgram, gradient_program
from symbp.calculus.per_example import whole_body
from symbp.calculus.phases import training_form
from symbp.calculus.zero_weights import plain_program
from symbp.derivations.assemble import Assembler
from symbp.derivations.counting import checked_first
from symbp.derivations.derivation import Derivation
from symbp.derivations.distinct import with_distinct_symbols
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.jacobians import jacobians, tensor_of, variables_of
from symbp.derivations.operand_derivatives import with_derivatives
from symbp.derivations.put_in import put_in_readers
from symbp.derivations.simplify import Definitions, simplified
from symbp.derivations.textbook import textbook_forms
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
from symbp.notation.tensor import Tensor

__all__ = ["derive"]


def derive(
    program: Program,
    wrt: Tensor | str | Iterable[Tensor | str] | None = None,
    of: Tensor | str | None = None,
    *,
    count_from: int = 1,
) -> Derivation:
    """Derive the gradient of a program's cost with respect to every parameter.

    Parameters
    ----------
    program : Program
        A network, or a program of your own equations, with a cost.
    wrt : Tensor or str or iterable of them, optional
        What to differentiate by: inputs, parameters or any tensors of real numbers, by
        themselves or by name. By default all parameters.
    of : Tensor or str, optional
        What to differentiate, by default the cost. Of a tensor with indices the derivatives are
        its Jacobians, with its indices and those of what it is differentiated by; for a single
        example where examples do not depend on each other.
    count_from : {1, 0}, default 1
        What the first place of an axis is called in all that is printed: subscripts, entries,
        conditions. 1 as in books, 0 as in programs.

    Returns
    -------
    Derivation
        For a single example where the cost is a mean over examples, else for the batch.

    Raises
    ------
    NotationError
        The program has no cost, or nothing of that name can be differentiated, or by it.

    Examples
    --------
    >>> import symbp as bp
    >>> x, y, z = (bp.parameter(name) for name in "xyz")
    >>> q, f = bp.tensor("q"), bp.tensor("f")
    >>> program = bp.Program([bp.Equation(q, x + y), bp.Equation(f, q * z)], cost=f)
    >>> print(derive(program).gradient("z"))
    ∂f/∂z = q
    >>> n, k, i = bp.indices("n k i", "N", 3, 2)
    >>> W, x = bp.parameter("W", k, i), bp.input("x", n, i)
    >>> p, C = bp.tensor("p", n, k), bp.tensor("C")
    >>> softmax = bp.Equation(p[n, k], bp.softmax(bp.Sum(W[k, i] * x[n, i], i), k))
    >>> program = bp.Program([softmax, bp.Equation(C, bp.Mean(p[n, 0] ** 2, n))], cost=C)
    >>> print(derive(program, wrt="x", of="p").gradient("x"))
    ∂p/∂x = diag(p) W - p pᵀ W
    """
    if not isinstance(program, Program):
        raise NotationError(f"expected a Program or Network, got {no_program(program)}")
    first = checked_first(count_from)
    # What is differentiated is what training computes.
    program, renamed = with_distinct_symbols(training_form(program))
    variables = None if wrt is None else variables_of(program, wrt)
    if of is not None and tensor_of(program, of, "of") is not program.cost:
        return _counted(jacobians(program, tensor_of(program, of, "of"), variables), first)
    if program.cost is None:
        raise NotationError("nothing to differentiate: the program has no cost")
    gradient = gradient_program(program, textbook=True, named=_as_in_books, wrt=variables)
    shown = gradient.written
    forward = [
        e
        if e.is_scatter and e.operation == "sum"
        else Equation(e.lhs, whole_body(e), origin=e.origin)
        for e in shown.equations
    ]
    definitions = Definitions(e for e in forward if not e.is_scatter)
    printed: dict[Tensor, list[Equation]] = {}
    for e in forward:
        body = definitions.rewritten(e.body, e.tensor)
        line = e.replace(body=body, accumulate=e.tensor in printed, origin=Origin("print", e))
        printed.setdefault(e.tensor, []).append(line)
    groups = list(printed.values())
    order = _order(groups)
    # Where an exact 0 times what is not finite is 0, a product prints as any other.
    differentiated = plain_program(gradient.differentiated)
    adjoints = differentiated.equations[len(gradient.normal.equations) :]
    wanted = {adjoint for _, adjoint in differentiated.gradients}
    chains = Assembler(gradient.normal.equations, adjoints, wanted, program.cost).lines(forward)
    # Most lines stand among both: those into which nothing was put.
    simplify = functools.cache(functools.partial(_simplified, definitions=definitions))
    derivation = Derivation(
        program=program,
        per_example=gradient.per_example,
        forward=tuple(
            DerivedEquation(tuple(groups[p]), program.cost, shown.equations_of(groups[p][0].tensor))
            for p in order
        ),
        backward=tuple(map(simplify, put_in_readers(chains, simplify))),
        chains=tuple(chains),
        links=tuple(map(simplify, chains)),
        differentiated=differentiated,
        gradients=tuple((tensor, adjoint) for tensor, adjoint in differentiated.gradients),
        conventions=(
            *renamed,
            *_conventions(gradient),
            *conventions((e.body for e in program.equations), xlogy, xlog1py),
        ),
    )
    return _counted(derivation, first)


def _counted(derivation: Derivation, first: int) -> Derivation:
    """Return a derivation that prints, and each of whose lines prints, counted from 1 or 0."""

    def counted(lines: Iterable[DerivedEquation]) -> tuple[DerivedEquation, ...]:
        return tuple(replace(line, count_from=first) for line in lines)

    return replace(
        derivation,
        count_from=first,
        forward=counted(derivation.forward),
        backward=counted(derivation.backward),
        chains=counted(derivation.chains),
        links=counted(derivation.links),
    )


def _as_in_books(program: Program) -> Program:
    return textbook_forms(with_derivatives(program))


def _order(groups: list[list[Equation]]) -> list[int]:
    """Return the positions of lines in an order in which they can be computed."""
    flat = [equation for group in groups for equation in group]
    owner = [position for position, group in enumerate(groups) for _ in group]
    needs: list[set[int]] = [set() for _ in groups]
    for position, before in enumerate(predecessors(flat)):
        needs[owner[position]] |= {owner[p] for p in before}
    return [p for group in components([sorted(n) for n in needs]) for p in group]


def _conventions(gradient: GradientProgram) -> tuple[str, ...]:
    """Return in words what stands in the equations by convention, where it can be met."""
    bodies = [equation.body for equation in gradient.differentiated.equations]
    if any(equation.body.has(where) for equation in gradient.normal.equations):
        return conventions(bodies)  # what a choice hides may be not finite
    return conventions(bodies, half_reciprocal, power_slope, power_log)


def _simplified(line: DerivedEquation, definitions: Definitions) -> DerivedEquation:
    return replace(
        line,
        equations=tuple(e.replace(body=simplified(e.body, definitions)) for e in line.equations),
    )
