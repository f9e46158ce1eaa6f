"""elements: a network of the elements of tensors, drawn from the equations that relate them.

The layer view and the reverse network are both made here; they differ in which tensors are drawn
and in which equations are read. Of a long tensor the first few elements and the last are drawn,
and one vertex that stands for those between; only these are asked for what they read.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import sympy
from sympy.core.expr import Expr

from symbp.derivations.graphs.graph import Edge, Vertex
from symbp.derivations.graphs.reading import Place, Read, Values, reads_of, shape_of, solutions
from symbp.derivations.index_form import IndexForm
from symbp.derivations.printing import style_of
from symbp.notation.equation import Equation
from symbp.notation.tensor import Element, Tensor

__all__ = ["Column", "Elements", "column_of", "earlier", "key_of", "levels"]

# Tensors up to this size are drawn whole; of others the first few elements and the last. Targets
# take less room.
WHOLE, FIRST = 10, 4
# The same where a network has so many tensors that it would not be legible.
LEGIBLE, WHOLE_OF_MANY, FIRST_OF_MANY = 200, 4, 2
# Edges between two columns that are few enough to be labelled, and the longest label.
MOST_LABELLED, LONGEST_LABEL = 24, 16
# An element that reads another in more ways than this has no label for it.
MOST_WAYS = 3


@dataclass(frozen=True)
class Column:
    """The elements of a tensor that are drawn."""

    tensor: Tensor
    places: tuple[Place, ...]
    hidden: int
    sample: Place | None

    def keys(self) -> list[str]:
        """Return the keys of the vertices, that of those not drawn before the last."""
        keys = [key_of(self.tensor, place) for place in self.places]
        return [*keys[:-1], fold_of(self.tensor), keys[-1]] if self.hidden else keys


def column_of(tensor: Tensor, many: bool = False) -> Column:
    """Return which elements of a tensor are drawn, alone or as one of many tensors."""
    whole, first = (WHOLE_OF_MANY, FIRST_OF_MANY) if many else (WHOLE, FIRST)
    if tensor.role == "target":
        whole, first = 3, 1
    shape = shape_of(tensor)
    total = math.prod(shape)
    if total <= whole:
        return Column(tensor, tuple(_place(n, shape) for n in range(total)), 0, None)
    numbers = (*range(first), total - 1)
    sample = _place((first + total - 1) // 2, shape)
    return Column(tensor, tuple(_place(n, shape) for n in numbers), total - first - 1, sample)


def key_of(tensor: Tensor, place: Place) -> str:
    """Return the key of an element's vertex."""
    return f"{tensor.name}[{','.join(map(str, place))}]"


def fold_of(tensor: Tensor) -> str:
    """Return the key of the vertex that stands for the elements not drawn."""
    return f"{tensor.name}[…]"


def _place(number: int, shape: Sequence[int]) -> Place:
    place = []
    for size in reversed(shape):
        number, position = divmod(number, size)
        place.append(position)
    return tuple(reversed(place))


@dataclass
class Elements:
    """Collects vertices and edges between elements.

    Parameters
    ----------
    cost : Tensor
        What is differentiated; names of adjoints print with it.
    is_label : callable
        Whether a factor may stand at an edge.
    """

    cost: Tensor
    is_label: Callable[[Expr], bool]
    columns: dict[Tensor, Column] = field(default_factory=dict)
    edges: dict[tuple[str, str], list[str] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.printer = IndexForm(style_of("text"), self.cost)
        self.components: dict[tuple[Tensor, Place], Tensor] = {}

    def draw(self, tensors: Iterable[Tensor]) -> None:
        """Decide which elements of the tensors are drawn."""
        shown = list(tensors)
        self.columns = {tensor: column_of(tensor) for tensor in shown}
        if sum(len(column.keys()) for column in self.columns.values()) > LEGIBLE:
            self.columns = {tensor: column_of(tensor, many=True) for tensor in shown}

    def vertices(
        self,
        tensor: Tensor,
        kind: str,
        rank: int | None,
        label: Callable[[Place], str] | None = None,
    ) -> list[Vertex]:
        """Return the vertices of a tensor."""
        column = self.columns[tensor]
        made = []
        for key, place in zip(
            [key_of(tensor, place) for place in column.places], column.places, strict=True
        ):
            text = self.name(tensor, place) if label is None else label(place)
            made.append(Vertex(key, text, kind, rank=rank))
        if column.hidden:
            text = f"… {column.hidden} more"
            made.insert(len(made) - 1, Vertex(fold_of(tensor), text, "fold", rank=rank))
        return made

    def name(self, tensor: Tensor, place: Place) -> str:
        """Return how an element prints."""
        return self.text(self.component(tensor, place).element)

    def text(self, expression: Expr) -> str:
        """Return how an expression without indices prints."""
        return self.printer.scalar(expression)[0].replace(" - ", " − ")

    def component(self, tensor: Tensor, place: Place) -> Tensor:
        """Return an element as a tensor of its own, which prints counted from 1."""
        if not tensor.rank:
            return tensor
        made = self.components.get((tensor, place))
        if made is None:
            source = tensor.adjoint_of
            made = Tensor(
                tensor.name,
                role=tensor.role,
                symbol=tensor.symbol,
                label=tensor.label,
                adjoint_symbol=tensor.adjoint_symbol,
                adjoint_of=None if source is None else self.component(source, place),
                component_of=(tensor, place),
            )
            self.components[tensor, place] = made
        return made

    def at(self, expression: Expr, values: Values) -> Expr | None:
        """Return an expression at values of its indices; None if they do not determine it."""
        known = expression.xreplace({i: sympy.Integer(value) for i, value in values.items()})
        named = {}
        for element in known.atoms(Element):
            if not all(subscript.is_Integer for subscript in element.args):
                return None
            place = tuple(map(int, element.args))
            component = self.component(element.tensor, place)
            # The serial keeps the order in which the terms were written.
            named[element] = Element(component, serial=element.serial)
        known = known.xreplace(named)
        return None if known.free_symbols else known

    def connect(
        self, equation: Equation, reads: Iterable[Read], into: Tensor, past: Iterable[Tensor] = ()
    ) -> None:
        """Draw the edges from the elements that an equation reads to those of a drawn tensor.

        Parameters
        ----------
        equation : Equation
            What defines `into`, or a tensor that is drawn as one with it.
        reads : iterable of Read
            The occurrences of drawn tensors.
        into : Tensor
            Where the edges end.
        past : iterable of Tensor
            What a recurrence reads of earlier steps: no edges from what is not drawn one by one,
            which would lead back.
        """
        target = self.columns[into]
        for read in reads:
            source = self.columns[read.tensor]
            labelled = len(source.places) * len(target.places) <= MOST_LABELLED
            labelled = labelled and not source.hidden and not target.hidden
            for there in target.places:
                for here in source.places:
                    ways = _first(solutions(equation, there, read, here), MOST_WAYS + 1)
                    if ways:
                        labels = [self._label(read, way[0]) for way in ways] if labelled else []
                        self._add(key_of(read.tensor, here), key_of(into, there), labels)
            if read.tensor not in past:
                self._connect_folds(equation, read, source, target)

    def _connect_folds(
        self, equation: Equation, read: Read, source: Column, target: Column
    ) -> None:
        if target.hidden:
            for here in source.places:
                found = solutions(equation, None, read, here)
                if any(there not in target.places for _, there, _ in found):
                    self._add(key_of(source.tensor, here), fold_of(target.tensor), [])
        if source.hidden:
            for there in target.places:
                found = solutions(equation, there, read, None)
                if any(here not in source.places for _, _, here in found):
                    self._add(fold_of(source.tensor), key_of(target.tensor, there), [])
        if source.hidden and target.hidden:
            found = solutions(equation, target.sample, read, None)
            if any(here not in source.places for _, _, here in found):
                self._add(fold_of(source.tensor), fold_of(target.tensor), [])

    def _label(self, read: Read, values: Values) -> str | None:
        factor = None if read.factor is None else self.at(read.factor, values)
        if factor is None or not self.is_label(factor):
            return None
        text = "" if factor == 1 else self.text(factor)
        return text if len(text) <= LONGEST_LABEL else None

    def _add(self, source: str, target: str, labels: Sequence[str | None]) -> None:
        if source == target:
            return
        known = self.edges.setdefault((source, target), [])
        if known is None or any(label is None for label in labels):
            self.edges[source, target] = None
        else:
            known += [label or "1" for label in labels]

    def drawn_edges(self) -> list[Edge]:
        """Return the edges; several factors between the same two elements are added."""
        result = []
        for (source, target), labels in self.edges.items():
            shown = ""
            if labels and len(labels) <= MOST_WAYS and labels != ["1"]:
                shown = " + ".join(labels)
            result.append(Edge(source, target, shown))
        return result


def levels(
    order: Sequence[Tensor], steps: Iterable[tuple[Tensor, Tensor, int]]
) -> dict[Tensor, int]:
    """Return the column of each tensor: the longest way to it.

    Parameters
    ----------
    order : sequence of Tensor
        What is drawn.
    steps : iterable of (Tensor, Tensor, int)
        A tensor, one that reads it, and how many columns apart they are at the least; no cycle.
    """
    given = list(steps)
    level = dict.fromkeys(order, 0)
    for _ in order:
        before = dict(level)
        for source, target, apart in given:
            level[target] = max(level[target], level[source] + apart)
        if level == before:
            break
    return level


def earlier(equations: Sequence[Equation]) -> dict[Tensor, set[Tensor]]:
    """Return, for each tensor, which tensors its equations read of earlier steps of a recurrence.

    These are the ones that are complete only after it, or with it.
    """
    complete = {equation.tensor: n for n, equation in enumerate(equations)}
    result: dict[Tensor, set[Tensor]] = {tensor: set() for tensor in complete}
    for equation in equations:
        into = equation.tensor
        for read in reads_of(equation.body):
            if complete.get(read.tensor, -1) >= complete[into]:
                result[into].add(read.tensor)
    return result


def _first(
    found: Iterable[tuple[Values, Place, Place]], count: int
) -> list[tuple[Values, Place, Place]]:
    result = []
    for item in found:
        result.append(item)
        if len(result) == count:
            break
    return result
