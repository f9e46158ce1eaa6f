"""elements: a network of the elements of tensors, drawn from the equations that relate them.

The layer view and the reverse network are both made here; they differ in which tensors are drawn
and in which equations are read. Which elements are drawn is decided in :mod:`.columns`; only
these, and some of each group that one vertex stands for, are asked for what they read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import sympy
from sympy.core.expr import Expr

from symbp.derivations.graphs.columns import Column, Group, columns_of, key_of
from symbp.derivations.graphs.graph import Edge, Vertex
from symbp.derivations.graphs.reading import Place, Read, Values, solutions
from symbp.derivations.index_form import IndexForm
from symbp.derivations.printing import style_of
from symbp.derivations.style import NIELSEN, Style
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Element, Tensor

__all__ = ["Elements", "Link", "levels"]

# Edges between two columns that are few enough to be labelled, the same where dashed lines run
# between them, too, and the longest label.
MOST_LABELLED, MOST_BESIDE_FOLDS, LONGEST_LABEL = 24, 12, 16
# An element that reads another in more ways than this has no label for it.
MOST_WAYS = 3

# A group, one that reads it, and how many columns apart they are at the least.
Link = tuple[Group, Group, int]


@dataclass
class Elements:
    """Collects vertices and edges between elements.

    Parameters
    ----------
    cost : Tensor
        What is differentiated; names of adjoints print with it.
    is_label : callable
        Whether a factor may stand at an edge.
    style : Style
        How names print.
    """

    cost: Tensor
    is_label: Callable[[Expr], bool]
    style: Style = NIELSEN
    columns: dict[Tensor, Column] = field(default_factory=dict)
    edges: dict[tuple[str, str], list[str] | None] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.printer = IndexForm(style_of("text", self.style), self.cost)
        self.components: dict[tuple[Tensor, Place], Tensor] = {}

    def draw(self, tensors: Iterable[Tensor], recurrent: Mapping[Tensor, str]) -> None:
        """Decide which elements of the tensors are drawn, and in which groups they stand."""
        self.columns = columns_of(tensors, recurrent)
        for column in self.columns.values():
            self.groups |= {key_of(column.tensor, p): column.group(p) for p in column.places}
            self.groups |= {fold.key: fold.group for fold in column.folds}

    def vertices(
        self,
        tensor: Tensor,
        kind: str,
        level: Mapping[Group, int],
        bias: Callable[[Place], str] = lambda place: "",
        function: str = "",
    ) -> list[Vertex]:
        """Return the vertices of a tensor; what stands for several tensors is among the first's."""
        column = self.columns[tensor]
        made = []
        for item in column.items:
            if isinstance(item, tuple):
                key, rank = key_of(tensor, item), level.get(column.group(item))
                name = self.name(tensor, item)
                vertex = Vertex(key, name, kind, rank=rank, bias=bias(item), function=function)
            else:
                vertex = Vertex(item.key, item.label, "fold", rank=level.get(item.group))
            made.append(vertex)
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

    def connect(self, equation: Equation, reads: Iterable[Read], into: Tensor) -> None:
        """Draw the edges from the elements that an equation reads to those of a drawn tensor.

        Parameters
        ----------
        equation : Equation
            What defines `into`, or a tensor that is drawn as one with it.
        reads : iterable of Read
            The occurrences of drawn tensors.
        into : Tensor
            Where the edges end.
        """
        target = self.columns[into]
        for read in reads:
            source = self.columns[read.tensor]
            found = []
            for there in target.places:
                for here in source.places:
                    ways = list(islice(solutions(equation, there, read, here), MOST_WAYS + 1))
                    if ways:
                        found.append((here, there, ways))
            most = MOST_BESIDE_FOLDS if source.folds or target.folds else MOST_LABELLED
            labelled = len(found) <= most * target.steps
            for here, there, ways in found:
                labels = [self._label(read, way[0]) for way in ways] if labelled else []
                self._add(source.key(here), target.key(there), labels)
            self._connect_folds(equation, read, source, target)

    def _connect_folds(
        self, equation: Equation, read: Read, source: Column, target: Column
    ) -> None:
        pairs = []
        if target.folds:
            for place in source.places:
                found = solutions(equation, None, read, place)
                pairs += [(place, there) for _, there, _ in found if there not in target.drawn]
        if source.folds:
            samples = [sample for fold in target.folds for sample in fold.samples]
            for place in (*target.places, *samples):
                found = solutions(equation, place, read, None)
                pairs += [(here, place) for _, _, here in found if here not in source.drawn]
        for here, there in pairs:
            self._add(source.key(here), target.key(there), [])

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

    def links(self) -> list[Link]:
        """Return which groups read which, by the edges drawn."""
        found = dict.fromkeys((self.groups[s], self.groups[t]) for s, t in self.edges)
        return [(source, target, 1) for source, target in found if source != target]


def levels(links: Iterable[Link]) -> dict[Group, int]:
    """Return the column of each group: the longest way to it.

    Raises
    ------
    SymbpError
        The groups need each other in a circle.
    """
    given = list(links)
    level: dict[Group, int] = dict.fromkeys((g for link in given for g in link[:2]), 0)
    for _ in range(len(level) + 1):
        before = dict(level)
        for source, target, apart in given:
            level[target] = max(level[target], level[source] + apart)
        if level == before:
            return level
    raise SymbpError(
        "the recurrence cannot be drawn step by step, for steps need each other in a circle; "
        "view 'equations' draws its tensors"
    )
