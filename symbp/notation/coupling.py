"""What carries an index from one tensor to another, and which equation couples two values of it.

``∂u[n]/∂x[n, 0]`` with one index n is the diagonal of ∂u[n]/∂x[m, 0]. Where each equation between
x and u computes what has n from what has n, the rest is 0, and the diagonal is the whole: the
derivative of Σ_n u[n]. That is what is proved here, equation by equation.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symbp.notation.dependence import components, needed_by, predecessors, time_axis
from symbp.notation.derivative import Derivative
from symbp.notation.equation import Equation
from symbp.notation.errors import NotationError
from symbp.notation.functions import stop_gradient
from symbp.notation.index import Index
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = [
    "carriers", "check_derivatives", "inner_needs", "is_step", "one_step", "recurrences",
    "shared_indices",
]  # fmt: skip


def shared_indices(of: Element, by: Element) -> tuple[Index, ...]:
    """Return the indices that stand in both elements."""
    return tuple(s for s in of.args if isinstance(s, Index) and s in by.args)


def check_derivatives(equations: Sequence[Equation]) -> None:
    """Raise :class:`NotationError` where a derivative in an equation has no one meaning.

    Parameters
    ----------
    equations : sequence of Equation
        Of a program, each after those that it needs.
    """
    if not any(equation.body.has(Derivative) for equation in equations):
        return
    _check_no_recurrence(equations)
    for equation in equations:
        for derivative in sorted(equation.body.atoms(Derivative), key=str):
            for by in derivative.by:
                for index in shared_indices(derivative.of, by):
                    _check_shared(equations, derivative, by, index)


def carriers(
    equations: Sequence[Equation], by: Element, index: Index, of: Tensor
) -> dict[Tensor, int]:
    """Return the axis of an index in each tensor between two, where nothing couples two values.

    Parameters
    ----------
    equations : sequence of Equation
        As they were written, or normalised.
    by : Element
        Where the path begins, with the index as one of its subscripts.
    index : Index
        What is carried.
    of : Tensor
        Where the path ends.

    Raises
    ------
    NotationError
        An equation on the path couples two values of the index.
    """
    found = {by.tensor: by.args.index(index)}
    needed = needed_by(equations, [of])
    changed = True
    while changed:  # a recurrence needs more than one sweep
        changed = False
        for equation in equations:
            if equation.tensor not in needed or equation.tensor is by.tensor:
                continue
            axis = _carried(equation, found)
            if axis is not None and equation.tensor not in found:
                found[equation.tensor] = axis
                changed = True
    return found


def is_step(of: Element, by: Element) -> bool:
    """Whether both elements are of one step: a sequential index is shared.

    Then what leads from one to the other is of that step alone. A recurrence does not come back to
    a step, so that what is read of others does not depend on ``by`` at this one.
    """
    return any(index.sequential for index in shared_indices(of, by))


def recurrences(equations: Sequence[Equation]) -> dict[Tensor, int]:
    """Return, for each tensor that is computed by a recurrence, a number for the recurrence."""
    edges = predecessors(equations)
    result: dict[Tensor, int] = {}
    for number, component in enumerate(components(edges)):
        if len(component) > 1 or component[0] in edges[component[0]]:
            result |= {equations[position].tensor: number for position in component}
    return result


def one_step(
    equations: Sequence[Equation], of: Element, by: Element, recurrent: Mapping[Tensor, int]
) -> tuple[list[Equation], dict[Tensor, Tensor]]:
    """Return the equations of one step of the recurrences, in which ``by`` is a variable.

    Parameters
    ----------
    equations : sequence of Equation
        As they were written, or normalised.
    of, by : Element
        What is differentiated, and by what; the latter's tensor has no equation in what is
        returned.
    recurrent : mapping of Tensor to int
        See :func:`recurrences`.

    Returns
    -------
    list of Equation
        Those that ``of`` needs. What recurrences read of other steps is read of tensors that
        nothing defines; not so where one recurrence goes upwards and another one downwards, which
        together come back to a step.
    dict of Tensor to Tensor
        What those stand for.
    """
    needed = needed_by(equations, [of.tensor])
    kept = [e for e in equations if e.tensor in needed and e.tensor is not by.tensor]
    others: dict[Tensor, Tensor] = {}
    directions = set()
    result = []
    for equation in kept:
        mapping = {}
        for element in equation.reads():
            steps = _steps_between(equation, element, recurrent)
            if steps:
                directions.add(steps > 0)
                tensor = element.tensor
                other = others.setdefault(tensor, tensor.like(f"{tensor.name}_of_another_step"))
                mapping[element] = Element(other, *element.args, serial=element.serial)
        result.append(equation.rename(mapping) if mapping else equation)
    if len(directions) > 1:
        return kept, {}
    return result, {other: tensor for tensor, other in others.items()}


def _steps_between(equation: Equation, element: Element, recurrent: Mapping[Tensor, int]) -> int:
    """Return how many steps ahead a recurrence reads an element, 0 where that is not known."""
    if recurrent.get(element.tensor, -1) != recurrent.get(equation.tensor):
        return 0
    now, then = time_axis(equation.tensor), time_axis(element.tensor)
    if now is None or then is None:
        return 0
    difference = element.args[then] - equation.lhs.args[now]
    return int(difference) if difference.is_Integer else 0


def inner_needs(equations: Sequence[Equation]) -> list[list[int]]:
    """Return, for each equation, the positions of what its derivatives of a step are of.

    Parameters
    ----------
    equations : sequence of Equation
        As they were written, or normalised.
    """
    recurrent = recurrences(equations)
    result = []
    for equation in equations:
        needed: set[Tensor] = set()
        for derivative in equation.body.atoms(Derivative):
            for by in derivative.by:
                if is_step(derivative.of, by):
                    step, _ = one_step(equations, derivative.of, by, recurrent)
                    needed |= needed_by(step, [derivative.of.tensor])
        result.append([p for p, other in enumerate(equations) if other.tensor in needed])
    return result


def _carried(equation: Equation, found: dict[Tensor, int]) -> int | None:
    """Return the axis of the left-hand side that has what is carried, or None where nothing is."""
    result = found.get(equation.tensor)
    reads = False
    for element, bound in _free_reads(equation.body, frozenset(equation.reduce)):
        axis = found.get(element.tensor)
        if axis is None:
            continue
        reads = True
        index = element.args[axis]
        if index in bound or not isinstance(index, Index) or index not in equation.lhs.args:
            raise _Coupled(equation)
        place = equation.lhs.args.index(index)
        if result not in (None, place):
            raise _Coupled(equation)
        result = place
    return result if reads else None


class _Coupled(NotationError):  # noqa: N818 - it is caught, and told in the words of the derivative
    def __init__(self, equation: Equation) -> None:
        super().__init__(f"coupled by {equation}")
        self.equation = equation


def _free_reads(node: Any, bound: frozenset[Index]) -> Iterator[tuple[Element, frozenset[Index]]]:
    """Yield the elements that a derivative passes through, with the indices bound around each."""
    if isinstance(node, Element):
        yield node, bound
        return
    if isinstance(node, stop_gradient):
        return
    if isinstance(node, Reduction):
        bound = bound | set(node.bound)
    for argument in node.args:
        yield from _free_reads(argument, bound)


def _check_shared(
    equations: Sequence[Equation], derivative: Derivative, by: Element, index: Index
) -> None:
    advice = (
        f"so {derivative} has no one value for each {index}; with an index of its own, "
        f"such as m = bp.Index('m', …), {by} is an axis of a Jacobian"
    )
    if is_step(derivative.of, by):
        equations, _ = one_step(equations, derivative.of, by, recurrences(equations))
    try:
        found = carriers(equations, by, index, derivative.of.tensor)
    except _Coupled as error:
        raise NotationError(
            f"{derivative}: {index} is shared, and {error.equation.lhs} = … couples two values of "
            f"it: {_shortened(error.equation)}; {advice}"
        ) from None
    place = derivative.of.args.index(index)
    if found.get(derivative.of.tensor, place) != place:
        raise NotationError(
            f"{derivative}: {index} stands on axis {place} of {derivative.of.tensor.name}, which "
            f"gets that of {by.tensor.name} on axis {found[derivative.of.tensor]}; {advice}"
        )


def _shortened(equation: Equation) -> str:
    text = str(equation)
    return text if len(text) <= 100 else f"{text[:99]}…"


def _check_no_recurrence(equations: Sequence[Equation]) -> None:
    """Raise where a derivative is of what is computed from it.

    Inside a recurrence ``∂f[t]/∂y[t]`` is fine where f[t] follows from y[t] without it, whatever
    the next y is computed from.
    """
    recurrent = recurrences(equations)
    for equation in equations:
        number = recurrent.get(equation.tensor)
        for derivative in equation.body.atoms(Derivative):
            if number is None or recurrent.get(derivative.of.tensor) != number:
                continue
            for by in derivative.by:
                step, _ = one_step(equations, derivative.of, by, recurrent)
                if is_step(derivative.of, by) and equation.tensor not in needed_by(
                    step, [derivative.of.tensor]
                ):
                    continue
                raise NotationError(
                    f"{equation.lhs}: {derivative} stands inside the recurrence that "
                    f"{derivative.of.tensor.name} is computed by; a derivative is of what is "
                    f"known before the recurrence, stands after it, or is of one step by the same "
                    f"step"
                )
