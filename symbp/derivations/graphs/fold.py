"""fold: a graph too large to be read, with the middle of its long columns gathered.

Of each column that is too long, the first few vertices and the last remain; one vertex stands
for all those between, and says how many they are. Edges to and from these go to it, and several
edges between the same two vertices become one that says how many they were.
"""

from dataclasses import replace
from typing import TypeVar

from symbp.derivations.graphs.plain import Edge, PlainGraph, Vertex
from symbp.derivations.graphs.ranks import ranks
from symbp.notation.errors import SymbpError

__all__ = ["folded"]

SomeGraph = TypeVar("SomeGraph", bound=PlainGraph)

# A column keeps this many vertices at the least, the one that stands for the others among them.
LEAST = 3


def folded(graph: SomeGraph, limit: int = 200) -> SomeGraph:
    """Return a graph of about that many vertices at the most.

    Parameters
    ----------
    graph : PlainGraph
        Any.
    limit : int
        How many vertices are to be drawn; at least 3 a column remain, however many columns.

    Returns
    -------
    PlainGraph
        Of the same class; the graph itself if it is small enough.

    Raises
    ------
    SymbpError
        The limit is no positive number.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise SymbpError(f"limit {limit!r}: expected a positive number of vertices")
    if len(graph.vertices) <= limit:
        return graph
    column_of = ranks(graph)
    columns: dict[int, list[Vertex]] = {}
    for vertex in graph.vertices:
        columns.setdefault(column_of[vertex.key], []).append(vertex)
    longest = _longest([len(column) for column in columns.values()], limit)
    into: dict[str, str] = {}
    made: dict[str, Vertex] = {}
    taken = {vertex.key for vertex in graph.vertices}
    for number, column in sorted(columns.items()):
        if len(column) <= longest:
            continue
        gathered = column[longest - 2 : -1]
        key = f"fold {number}"
        while key in taken:
            key += "'"
        count = sum(_count(vertex) for vertex in gathered)
        made[gathered[0].key] = Vertex(key, f"… {count} more", "fold", rank=number)
        into |= dict.fromkeys((vertex.key for vertex in gathered), key)
    vertices = []
    for vertex in graph.vertices:
        if vertex.key in made:
            vertices.append(made[vertex.key])
        elif vertex.key not in into:
            vertices.append(vertex)
    return replace(graph, vertices=tuple(vertices), edges=_edges(graph, into))


def _longest(lengths: list[int], limit: int) -> int:
    """Return how long a column may be so that all of them keep to the limit."""
    longest = max(lengths)
    while longest > LEAST and sum(min(length, longest) for length in lengths) > limit:
        longest -= 1
    return longest


def _count(vertex: Vertex) -> int:
    """Return how many vertices one stands for: a fold may be folded again."""
    if vertex.kind == "fold":
        words = vertex.label.split()
        if len(words) == 3 and words[1].isdigit():
            return int(words[1])
    return 1


def _edges(graph: PlainGraph, into: dict[str, str]) -> tuple[Edge, ...]:
    counts: dict[tuple[str, str], int] = {}
    result: list[Edge | tuple[str, str]] = []
    for edge in graph.edges:
        ends = into.get(edge.source, edge.source), into.get(edge.target, edge.target)
        if ends == (edge.source, edge.target):
            result.append(edge)
            continue
        if ends[0] == ends[1]:
            continue
        if ends not in counts:
            result.append(ends)
        counts[ends] = counts.get(ends, 0) + 1
    return tuple(
        item
        if isinstance(item, Edge)
        else Edge(*item, label=f"{counts[item]} edges" if counts[item] > 1 else "")
        for item in result
    )
