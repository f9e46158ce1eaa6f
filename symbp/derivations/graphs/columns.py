"""columns: which elements of a tensor are drawn, and which vertices stand for the others.

Of a long tensor the first few elements and the last are drawn, and one vertex that stands for
those between. Where a recurrence runs over steps, a tensor is drawn step by step: the first steps
and the last, so that neighbours are seen, with a few elements of each; one vertex stands for all
that a recurrence computes at the steps between.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from symbp.derivations.graphs.reading import Place, shape_of
from symbp.notation.dependence import components, predecessors, time_axis
from symbp.notation.equation import Equation
from symbp.notation.tensor import Tensor

__all__ = ["Column", "Fold", "Group", "columns_of", "key_of", "recurrences"]

# What stands in one column of the drawing: a tensor, or one step of it.
Group = Hashable
# Tensors up to this size are drawn whole; of others the first few elements and the last.
WHOLE, FIRST = 10, 4
# The same where a network has so many tensors that it would not be legible.
LEGIBLE, WHOLE_OF_MANY, FIRST_OF_MANY = 200, 4, 2
# The same for one step of a recurrence, and how many steps are drawn.
WHOLE_OF_STEP, LEGIBLE_STEPS = 3, 64
ALL_STEPS, FIRST_STEPS, LAST_STEPS = 5, 2, 2


@dataclass(frozen=True)
class Fold:
    """A vertex that stands for elements that are not drawn.

    Attributes
    ----------
    key, label : str
        Of its vertex.
    group : Group
        Where it stands.
    samples : tuple of tuple of int
        Some of the elements; the others read like them.
    """

    key: str
    label: str
    group: Group
    samples: tuple[Place, ...]


@dataclass(frozen=True)
class Column:
    """How a tensor is drawn.

    Attributes
    ----------
    tensor : Tensor
        Any.
    items : tuple of (tuple of int or Fold)
        Elements and what stands for others, in the order in which they stand.
    axis : int or None
        The axis of the steps of a recurrence.
    """

    tensor: Tensor
    items: tuple[Place | Fold, ...]
    axis: int | None = None
    drawn: frozenset[Place] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "drawn", frozenset(self.places))

    @property
    def places(self) -> list[Place]:
        """The elements that are drawn."""
        return [item for item in self.items if not isinstance(item, Fold)]

    @property
    def folds(self) -> list[Fold]:
        """What stands for the others."""
        return [item for item in self.items if isinstance(item, Fold)]

    def keys(self) -> list[str]:
        """Return the keys of its vertices."""
        return [i.key if isinstance(i, Fold) else key_of(self.tensor, i) for i in self.items]

    @property
    def steps(self) -> int:
        """How many steps are drawn; 1 where there are none."""
        return len({self.group(place) for place in self.places})

    def group(self, place: Place) -> Group:
        """Return where an element that is drawn stands."""
        return self.tensor if self.axis is None else (self.tensor, place[self.axis])

    def key(self, place: Place) -> str:
        """Return the key of the vertex that is an element or stands for it."""
        if place in self.drawn:
            return key_of(self.tensor, place)
        return self.fold(place).key

    def fold(self, place: Place) -> Fold:
        """Return what stands for an element that is not drawn."""
        folds = self.folds
        if self.axis is not None:
            wanted = (self.tensor, place[self.axis])
            # Of a step that is drawn it is the step's own, else that of the steps between.
            own = [fold for fold in folds if fold.group == wanted]
            return own[0] if own else next(f for f in folds if not _is_of_step(f, self.tensor))
        return folds[0]


def _is_of_step(fold: Fold, tensor: Tensor) -> bool:
    return isinstance(fold.group, tuple) and fold.group[0] is tensor


def key_of(tensor: Tensor, place: Place) -> str:
    """Return the key of an element's vertex."""
    return f"{tensor.name}[{','.join(map(str, place))}]"


def recurrences(equations: Sequence[Equation]) -> dict[Tensor, str]:
    """Return the tensors that are computed step by step, each with the name of its recurrence."""
    needed = predecessors(equations)
    result: dict[Tensor, str] = {}
    for component in components(needed):
        # Equations that add to one tensor do not need each other; a cycle is of different steps.
        inside = {p for p in component if set(needed[p]) & set(component)}
        tensors = [equations[p].tensor for p in component if p in inside]
        timed = [tensor for tensor in tensors if time_axis(tensor) is not None]
        result |= dict.fromkeys(timed, timed[0].name if timed else "")
    return result


def columns_of(tensors: Iterable[Tensor], recurrent: Mapping[Tensor, str]) -> dict[Tensor, Column]:
    """Return how each tensor is drawn.

    Parameters
    ----------
    tensors : iterable of Tensor
        What is drawn.
    recurrent : dict of Tensor to str
        Those that are computed step by step; if there is one, all tensors that have steps are
        drawn step by step.
    """
    shown = list(tensors)

    def column_of(tensor: Tensor, many: bool) -> Column:
        axis = time_axis(tensor) if recurrent else None
        return (
            _plain(tensor, many)
            if axis is None
            else _by_steps(tensor, axis, recurrent.get(tensor), many)
        )

    columns = {tensor: column_of(tensor, many=False) for tensor in shown}
    legible = LEGIBLE_STEPS if recurrent else LEGIBLE
    if sum(len(column.items) for column in columns.values()) > legible:
        columns = {tensor: column_of(tensor, many=True) for tensor in shown}
    return columns


def _plain(tensor: Tensor, many: bool) -> Column:
    whole, first = (WHOLE_OF_MANY, FIRST_OF_MANY) if many else (WHOLE, FIRST)
    shape = shape_of(tensor)
    total = math.prod(shape)
    if total <= whole:
        return Column(tensor, tuple(_place(n, shape) for n in range(total)))
    places = [_place(n, shape) for n in (*range(first), total - 1)]
    sample = _place((first + total - 1) // 2, shape)
    fold = Fold(f"{tensor.name}[…]", f"… {total - first - 1} more", tensor, (sample,))
    return Column(tensor, (*places[:-1], fold, places[-1]))


def _by_steps(tensor: Tensor, axis: int, recurrence: str | None, many: bool) -> Column:
    shape = shape_of(tensor)
    length, inner = shape[axis], (*shape[:axis], *shape[axis + 1 :])
    total = math.prod(inner)
    first, last = (1, LAST_STEPS) if many else (FIRST_STEPS, LAST_STEPS)
    hidden = range(first, length - last) if length > (ALL_STEPS - many) else range(0)
    ends = range(total)
    if total > WHOLE_OF_STEP:
        ends = range(1) if many else range(0, total, total - 1)

    def at(step: int, number: int) -> Place:
        place = _place(number, inner)
        return (*place[:axis], step, *place[axis:])

    items: list[Place | Fold] = []
    for step in range(length):
        if step in hidden:
            if step == hidden[0]:
                steps = sorted({hidden[0], hidden[len(hidden) // 2], hidden[-1]})
                samples = tuple(at(s, total // 2) for s in steps)
                items.append(_steps_between(tensor, recurrence, hidden, total, samples))
            continue
        places = [at(step, number) for number in ends]
        items += places[:1]
        if len(ends) < total:
            label = f"… {total - len(ends)} more"
            key = f"{tensor.name}[{step},…]"
            items.append(Fold(key, label, (tensor, step), (at(step, total // 2),)))
        items += places[1:]
    return Column(tensor, tuple(items), axis)


def _steps_between(
    tensor: Tensor, recurrence: str | None, hidden: range, total: int, samples: tuple[Place, ...]
) -> Fold:
    """Return what stands for steps that are not drawn: of a whole recurrence, or of one tensor."""
    if recurrence is None:
        key = f"{tensor.name}[…]"
        return Fold(key, f"… {total * len(hidden)} more", key, samples)
    only = f"step {hidden[0] + 1}"
    steps = only if len(hidden) == 1 else f"steps {hidden[0] + 1}–{hidden[-1] + 1}"
    key = f"{recurrence} {steps}"
    return Fold(key, f"⋯\n{steps}", key, samples)


def _place(number: int, shape: Sequence[int]) -> Place:
    place = []
    for size in reversed(shape):
        number, position = divmod(number, size)
        place.append(position)
    return tuple(reversed(place))
