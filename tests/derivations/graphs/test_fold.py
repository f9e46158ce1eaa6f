"""Folding: the drawing gets small, and the counts add up to what was there."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from symbp.derivations.graphs import Edge, Graph, Vertex
from symbp.derivations.graphs.ranks import ranks


def layered(*sizes: int) -> Graph:
    """Every vertex of a column is joined to every one of the next."""
    columns = [[f"{n}.{i}" for i in range(size)] for n, size in enumerate(sizes)]
    edges = [Edge(a, b) for left, right in itertools.pairwise(columns) for a in left for b in right]
    vertices = [Vertex(key, key, rank=n) for n, column in enumerate(columns) for key in column]
    return Graph(tuple(vertices), tuple(edges), "layers", leftwards=True)


def stands_for(vertex: Vertex) -> int:
    return int(vertex.label.split()[1]) if vertex.kind == "fold" else 1


def edges_of(edge: Edge) -> int:
    return int(re.match(r"\d+", edge.label)[0]) if edge.label else 1  # type: ignore[index]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(1, 120))
def test_counts_add_up(sizes: list[int], limit: int) -> None:
    graph = layered(*sizes)
    small = graph.folded(limit)
    assert sum(map(stands_for, small.vertices)) == len(graph.vertices)
    assert sum(map(edges_of, small.edges)) == len(graph.edges)
    assert len(small.vertices) <= max(limit, 3 * len(sizes))
    if len(graph.vertices) <= limit:
        assert small == graph
    assert (small.title, small.leftwards) == (graph.title, graph.leftwards)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_the_first_and_the_last_of_a_column_remain(sizes: list[int]) -> None:
    keys = {vertex.key for vertex in layered(*sizes).folded(20).vertices}
    for n, size in enumerate(sizes):
        assert {f"{n}.0", f"{n}.{size - 1}"} <= keys


def test_folding_twice_counts_what_was_folded_before() -> None:
    graph = layered(500, 300)
    twice = graph.folded(100).folded(10)
    assert sum(map(stands_for, twice.vertices)) == 800


def test_columns_stay_what_they_were() -> None:
    graph = layered(50, 2, 40).folded(20)
    column = ranks(graph)
    assert [column[f"{n}.0"] for n in range(3)] == [0, 1, 2]
    folds = [vertex for vertex in graph.vertices if vertex.kind == "fold"]
    assert [column[vertex.key] for vertex in folds] == [0, 2]
