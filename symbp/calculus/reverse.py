"""reverse: differentiate a program in reverse mode. This file is all of backpropagation.

The one rule. For an equation ``lhs[f] = reduce_r body`` and each occurrence ``T[e]`` of a tensor
in its body, with ``p = ∂body/∂T[e]``::

    T̄[e] += Σ over the indices of (f ∪ r) that are not in e of  lhs̄[f] · p

where ``T̄`` is ∂C/∂T, the adjoint of T. Sweep the equations in reverse order and apply it; of an
equation that is solved for its left-hand side, to what that makes zero (see :mod:`.implicit`).
When ``e`` is a list of distinct plain indices the result is a gather, otherwise a scatter over
the forward domain; :attr:`Equation.is_scatter` tells. No layer, cost or function is named here.
"""

from collections.abc import Iterable

import sympy
from sympy.core.expr import Expr

from symbp.calculus.implicit import has_residual, residual, slope_of_logdet
from symbp.calculus.norms import mark_norms
from symbp.calculus.partial import partial, scaled
from symbp.calculus.ranges import Ranges
from symbp.notation.dependence import components, predecessors
from symbp.notation.equation import Equation, Origin, elements_of, indices_of
from symbp.notation.errors import NotationError
from symbp.notation.forms import Form, check_door
from symbp.notation.functions import where
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.standard import exp
from symbp.notation.tensor import Element, Tensor

__all__ = ["active_tensors", "reduction_factor", "reverse"]


def reverse(program: Program, wrt: Iterable[Tensor] | None = None) -> Program:
    """Return the program followed by the equations of its adjoints.

    An adjoint that is exactly 0 stays 0 in a product with a derivative that may be not finite.

    Parameters
    ----------
    program : Program
        A normalised program with a cost.
    wrt : iterable of Tensor, optional
        What to differentiate with respect to; by default the parameters that are trained.

    Returns
    -------
    Program
        Its ``gradients`` name, for each tensor of ``wrt``, the tensor of ∂cost/∂it.
    """
    if program.cost is None:
        raise NotationError("nothing to differentiate: the program has no cost")
    check_door("reverse", program.forms, Form.NORMALISED)
    program = mark_norms(program)
    ranges = Ranges(program)
    wanted = tuple(program.trained if wrt is None else wrt)
    active = active_tensors(program, wanted)
    names = {tensor.name for tensor in program.tensors}
    adjoints: dict[Tensor, Tensor] = {}
    equations: list[Equation] = []
    between: set[Tensor] = set()  # what adjoints are computed by

    def adjoint(element: Element) -> Expr:
        if element.tensor is program.cost:
            return sympy.S.One
        return adjoint_tensor(element.tensor)[element.args]

    def adjoint_tensor(tensor: Tensor) -> Tensor:
        if tensor not in adjoints:
            name = fresh_name(f"{tensor.name}_adjoint", names)
            adjoints[tensor] = tensor.like(name, adjoint_of=tensor)
        return adjoints[tensor]

    for equation in reversed(program.equations):
        if equation.tensor not in active and equation.tensor is not program.cost:
            continue
        occurrences = [e for e in elements_of(equation.body) if e.tensor in active]
        if not occurrences:
            continue
        parts: tuple[Equation, ...] = (equation,)
        of_lhs, zero = adjoint(equation.lhs), None
        if has_residual(equation):
            zero = residual(equation, names)
            parts = zero.equations
            of_lhs, solved = zero.adjoint(of_lhs)
            equations.extend(solved)
            ranges.learn(solved)
            between.update(each.tensor for each in solved)
        factor, helpers = reduction_factor(parts[0], names)
        equations.extend(helpers)
        ranges.learn(helpers)
        for part in parts:
            for occurrence in elements_of(part.body):
                # What an equation is solved for is held constant in what that makes zero.
                if occurrence.tensor not in active or (zero and zero.holds(occurrence)):
                    continue
                p = ranges.relaxed(partial(part.body, occurrence))
                if p == 0:
                    continue
                target = adjoint_tensor(occurrence.tensor)
                inside = set(indices_of(occurrence))
                equations.append(
                    Equation(
                        target[occurrence.args],
                        scaled(ranges.product(of_lhs, factor), p, ranges.product),
                        tuple(index for index in part.domain if index not in inside),
                        origin=Origin("reverse", part, occurrence),
                    )
                )
    equations = _without_zeros(equations, {*adjoints.values(), *between})
    reached = {equation.tensor for equation in equations}
    for tensor in wanted:
        if adjoint_tensor(tensor) not in reached:
            # The cost depends on it only through what stop_gradient hides, or not at all.
            none = Equation(adjoint_tensor(tensor).element, sympy.S.Zero, origin=Origin("reverse"))
            equations.append(none)
    return program.replace(
        equations=(*program.equations, *_accumulating(_before_use(equations))),
        gradients=tuple((tensor, adjoints[tensor]) for tensor in wanted),
        passed=program.passed & Form.STABLE | Form.NORMALISED | Form.DIFFERENTIATED,
    )


def active_tensors(program: Program, wrt: Iterable[Tensor]) -> set[Tensor]:
    """Return the tensors on a path from ``wrt`` to the cost."""
    reached = set(wrt)
    changed = True
    while changed:  # a recurrence needs more than one sweep
        changed = False
        for equation in program.equations:
            if equation.tensor not in reached and any(
                element.tensor in reached for element in equation.reads()
            ):
                reached.add(equation.tensor)
                changed = True
    assert program.cost is not None
    return reached & (program.depends_on([program.cost]) | set(wrt))


def reduction_factor(equation: Equation, names: set[str]) -> tuple[Expr, list[Equation]]:
    """Return ∂lhs/∂body of an equation's reduction, and the equations that it needs.

    A sum passes the adjoint on unchanged; a maximum passes it to where the maximum is taken,
    in equal shares at a tie (as ``jax.numpy.max`` does); log-sum-exp weighs it by the softmax, the
    logarithm of a determinant by the transposed inverse.
    """
    if equation.operation == "sum":
        return sympy.S.One, []
    if equation.operation == "logsumexp":
        return exp(equation.body - equation.lhs), []
    if equation.operation == "logdet":
        return slope_of_logdet(equation, names)
    hit = where(sympy.Eq(equation.body, equation.lhs), 1, 0)
    ties = equation.tensor.like(fresh_name(f"{equation.tensor.name}_ties", names))
    count = Equation(ties[equation.lhs.args], hit, equation.reduce, origin=Origin("ties", equation))
    return hit / ties[equation.lhs.args], [count]


def _without_zeros(equations: list[Equation], adjoints: set[Tensor]) -> list[Equation]:
    """Return the equations whose adjoints start from the cost; stop_gradient leaves others."""
    kept: set[int] = set()
    reached: set[Tensor] = set()
    changed = True
    while changed:  # a recurrence needs more than one sweep
        changed = False
        for position, equation in enumerate(equations):
            needed = {element.tensor for element in equation.reads()} & adjoints
            if position not in kept and needed <= reached:
                kept.add(position)
                reached.add(equation.tensor)
                changed = True
    return [equation for position, equation in enumerate(equations) if position in kept]


def _accumulating(equations: list[Equation]) -> list[Equation]:
    """Return the equations with each but the first of a tensor marked as adding to it."""
    started: set[Tensor] = set()
    result = []
    for equation in equations:
        result.append(equation.replace(accumulate=equation.tensor in started))
        started.add(equation.tensor)
    return result


def _before_use(equations: list[Equation]) -> list[Equation]:
    """Return the adjoint equations with those of one tensor before the first that reads it."""
    needs = predecessors(equations)
    if all(p < i for i, before in enumerate(needs) for p in before):
        return equations
    return [equations[i] for component in components(needs) for i in component]
