"""schedule: the order in which equations run, and which of them run step by step in time.

The strongly connected components of the dependence graph, in topological order (loop
distribution: Allen and Kennedy, "Optimizing Compilers for Modern Architectures", 2001). A
component without a cycle runs over all of its indices at once, time included; a component with
a cycle is carried by its sequential index: upwards when it reads earlier steps (a recurrence),
downwards when it reads later ones (the recurrence's adjoint).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from symbp.notation.dependence import components, offset, predecessors, time_axis
from symbp.notation.equation import Equation
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["Stage", "schedule"]


@dataclass(frozen=True)
class Stage:
    """Equations that run together.

    Attributes
    ----------
    equations : tuple of Equation
        In the order in which they run (in each step, for a recurrence).
    steps : tuple of Index
        For a recurrence, the sequential index of each equation; otherwise empty.
    upwards : bool
        Whether the steps run from first to last.
    """

    equations: tuple[Equation, ...]
    steps: tuple[Index, ...] = ()
    upwards: bool = True


def schedule(equations: Sequence[Equation]) -> list[Stage]:
    """Return the stages of a program in an order in which they can run."""
    needs = predecessors(equations)
    stages = []
    for component in components(needs):
        members = [equations[position] for position in component]
        inside = set(component)
        if any(p in inside for position in component for p in needs[position]):
            stages.append(_recurrence(members))
        else:
            stages.append(Stage(tuple(members)))
    return stages


def _recurrence(members: list[Equation]) -> Stage:
    inside = {equation.tensor for equation in members}
    steps = tuple(_step_index(equation, inside) for equation in members)
    writes: dict[Tensor, list[tuple[int, int]]] = {}
    for position, (equation, step) in enumerate(zip(members, steps, strict=True)):
        writes.setdefault(equation.tensor, []).append((position, _at(equation.lhs, step)))
    upwards: set[bool] = set()
    same_step: list[set[int]] = [set() for _ in members]
    for position, (equation, step) in enumerate(zip(members, steps, strict=True)):
        for element in equation.body.atoms(Element):
            for writer, written in writes.get(element.tensor, ()):
                distance = written - _at(element, step)
                if distance:
                    upwards.add(distance > 0)
                else:
                    same_step[position].add(writer)
    order = components([sorted(before) for before in same_step])
    if len(upwards) != 1 or any(len(c) > 1 or c[0] in same_step[c[0]] for c in order):
        names = ", ".join(sorted(tensor.name for tensor in inside))
        raise UnsupportedError(f"{names}: the recurrence does not run in one direction of time")
    positions = [component[0] for component in order]
    return Stage(
        tuple(members[p] for p in positions), tuple(steps[p] for p in positions), upwards.pop()
    )


def _step_index(equation: Equation, inside: set[Tensor]) -> Index:
    """Return the index of the equation's domain that counts the steps."""
    axis = time_axis(equation.tensor)
    accesses = [equation.lhs, *(e for e in equation.body.atoms(Element) if e.tensor in inside)]
    for index in equation.domain if axis is not None else ():
        if index.sequential and all(_offset(element, index) is not None for element in accesses):
            return index
    raise UnsupportedError(
        f"{equation.lhs}: expected the recurrence to refer to steps as t + number, "
        f"with t a sequential index"
    )


def _offset(element: Element, step: Index) -> int | None:
    axis = time_axis(element.tensor)
    return None if axis is None else offset(element.args[axis], step)


def _at(element: Element, step: Index) -> int:
    distance = _offset(element, step)
    assert distance is not None, "checked by _step_index"
    return distance
