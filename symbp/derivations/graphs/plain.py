"""A graph as vertices and edges, without coordinates, formats or a word on where it came from.

The views of a program make graphs; :mod:`.layout` places them, and :mod:`.svg`, :mod:`.dot` and
:mod:`.mermaid` write them down. All of these know what is here, and nothing here knows them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from symbp.notation.errors import SymbpError, suggest

__all__ = ["KINDS", "Edge", "PlainGraph", "Vertex"]

KINDS = (
    "input", "target", "parameter", "constant", "operation", "cost", "neuron", "amplifier",
    "fold",
)  # fmt: skip


@dataclass(frozen=True)
class Vertex:
    """A vertex of a graph.

    Parameters
    ----------
    key : str
        Identifies the vertex in its graph.
    label : str
        What stands in the vertex, in Unicode text.
    kind : str
        One of "input", "target", "parameter", "constant", "operation", "cost", "neuron",
        "amplifier" and "fold": how the vertex is drawn. A target stands below its column, and what
        reads it beside what else it reads.
    above : str
        Drawn green above the vertex: the value of the forward pass.
    below : str
        Drawn red below the vertex: the gradient.
    rank : int, optional
        The column; by default as far along as the longest path to the vertex.
    bias : str
        Drawn small at an arrow that enters the vertex from below: what is added to what the edges
        bring.
    function : str
        Drawn small under the name: what a neuron does with what the edges bring.
    """

    key: str
    label: str
    kind: str = "operation"
    above: str = ""
    below: str = ""
    rank: int | None = None
    bias: str = ""
    function: str = ""

    def __post_init__(self) -> None:
        for name in ("key", "label", "kind", "above", "below", "bias", "function"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise SymbpError(
                    f"vertex {self.key}: {name} is a {type(value).__name__}, expected a string"
                )
        if not self.key:
            raise SymbpError(f"vertex {self.label!r}: expected a key that is not empty")
        if self.kind not in KINDS:
            raise SymbpError(f"vertex {self.key}: kind {self.kind!r}, {suggest(self.kind, KINDS)}")
        if self.rank is not None and not isinstance(self.rank, int):
            raise SymbpError(f"vertex {self.key}: rank {self.rank!r}, expected an integer or None")


@dataclass(frozen=True)
class Edge:
    """A directed edge of a graph.

    Parameters
    ----------
    source, target : str
        The keys of its ends.
    label : str
        Drawn small in grey at the edge: a weight, or a local derivative.
    above : str
        Drawn green at the edge: the value that it carries forward.
    below : str
        Drawn red at the edge: the gradient that it carries back.
    """

    source: str
    target: str
    label: str = ""
    above: str = ""
    below: str = ""

    def __post_init__(self) -> None:
        for name in ("source", "target", "label", "above", "below"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise SymbpError(
                    f"edge {self.source} → {self.target}: {name} is a {type(value).__name__}, "
                    f"expected a string"
                )


@dataclass(frozen=True)
class PlainGraph:
    """Vertices and the edges between them; :class:`.Graph` is one that can be written down.

    Parameters
    ----------
    vertices : tuple of Vertex
        In the order in which they were made; it decides where the layout has a choice.
    edges : tuple of Edge
        Between them.
    title : str
        Names the drawing for those who do not see it.
    leftwards : bool
        Whether the first column stands at the right, as for a backward pass.
    in_order : bool
        Whether the vertices of a column stand in the order given, whatever crosses.
    aligned : bool
        Whether columns begin at one height, as the steps of a simple recurrence do.

    Raises
    ------
    SymbpError
        Two vertices have one key, or an edge ends at no vertex.
    """

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    title: str = ""
    leftwards: bool = False
    in_order: bool = False
    aligned: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", _all_of(self.vertices, Vertex, "vertices"))
        object.__setattr__(self, "edges", _all_of(self.edges, Edge, "edges"))
        keys: set[str] = set()
        for vertex in self.vertices:
            if vertex.key in keys:
                raise SymbpError(f"two vertices have the key {vertex.key!r}, expected one")
            keys.add(vertex.key)
        for edge in self.edges:
            for end in (edge.source, edge.target):
                if end not in keys:
                    raise SymbpError(
                        f"edge {edge.source} → {edge.target}: there is no vertex {end!r}"
                    )

    def __repr__(self) -> str:
        title = f"{self.title!r}: " if self.title else ""
        counts = f"{len(self.vertices)} vertices, {len(self.edges)} edges"
        return f"{type(self).__name__}({title}{counts})"


def _all_of(values: Iterable[Any], kind: type, what: str) -> tuple[Any, ...]:
    result = tuple(values)
    for value in result:
        if not isinstance(value, kind):
            raise SymbpError(f"{what}: {value!r} is no {kind.__name__}")
    return result
