"""The order in which equations can be computed, and which of them may need each other."""

from collections.abc import Sequence

from symbp.notation.dependence import components, offset, predecessors, time_axis
from symbp.notation.equation import Equation
from symbp.notation.errors import NotationError

__all__ = ["check_cycles", "in_order"]


def in_order(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
    """Return the equations with each after those it needs, keeping the given order if it will."""
    needs = predecessors(equations)
    if all(p < i for i, before in enumerate(needs) for p in before):
        return equations
    return tuple(equations[i] for component in components(needs) for i in component)


def check_cycles(equations: Sequence[Equation]) -> None:
    """Raise :class:`NotationError` where equations need each other and are no recurrence."""
    for component in components(predecessors(equations)):
        members = [equations[i] for i in component]
        inside = {equation.tensor for equation in members}
        if any(e.tensor in inside for equation in members for e in equation.reads()) and not (
            _is_recurrence(members)
        ):
            names = ", ".join(equation.tensor.name for equation in members)
            raise NotationError(
                f"{names}: the equations need each other and are no recurrence; in a recurrence "
                f"every tensor has a sequential index (Index(…, sequential=True)) and reads "
                f"itself at earlier steps, such as h[n, t - 1], or at later ones, but not at both"
            )


def _is_recurrence(members: Sequence[Equation]) -> bool:
    """Whether equations that need each other can run step by step, in one direction of time."""
    position = {equation.tensor: i for i, equation in enumerate(members)}
    same_step: list[list[int]] = [[] for _ in members]
    directions: set[bool] = set()
    for equation in members:
        axis = time_axis(equation.tensor)
        if axis is None:
            return False
        for element in equation.reads():
            if element.tensor not in position:
                continue
            there = time_axis(element.tensor)
            step = None if there is None else offset(element.args[there], equation.lhs.args[axis])
            if step is None:
                return False
            if step:
                directions.add(step > 0)
            else:
                same_step[position[equation.tensor]].append(position[element.tensor])
    ordered = all(
        len(component) == 1 and component[0] not in same_step[component[0]]
        for component in components([sorted(needs) for needs in same_step])
    )
    return ordered and len(directions) == 1
