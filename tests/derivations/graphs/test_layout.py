"""The layout: nothing lies on anything else, edges lead onwards, the same every time."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import symbp as bp
from symbp.derivations.graphs import Edge, Graph, Vertex
from symbp.derivations.graphs.layout import Layout, layout
from symbp.derivations.graphs.ordering import crossings, ordered
from symbp.derivations.graphs.ranks import backward_edges, ranks
from symbp.derivations.graphs.shapes import shape_of


@st.composite
def graphs(draw: st.DrawFn, cycles: bool = False) -> Graph:
    """Any graph: several edges between two vertices, long edges, given columns, all the texts."""
    count = draw(st.integers(1, 25))
    texts = st.sampled_from(["", "x", "∂C/∂a²₁", "a long name of a tensor (64, 32)", "w_{12,3}"])
    vertices = [
        Vertex(
            f"v{n}",
            draw(texts),
            draw(st.sampled_from(["input", "operation", "neuron", "amplifier", "fold", "cost"])),
            above=draw(st.sampled_from(["", "-12.00", "0.123456789"])),
            below=draw(st.sampled_from(["", "1"])),
            bias=draw(st.sampled_from(["", "", "b²₁"])),
            rank=draw(st.sampled_from([None, None, None, 0, 3])),
        )
        for n in range(count)
    ]
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    pairs = draw(st.lists(ends, max_size=50))
    edges = [
        Edge(f"v{a}", f"v{b}", draw(texts))
        for a, b in (pair if cycles else sorted(pair) for pair in pairs)
        if cycles or a != b
    ]
    in_order, aligned = draw(st.booleans()), draw(st.booleans())
    return Graph(
        tuple(vertices),
        tuple(edges),
        leftwards=draw(st.booleans()),
        in_order=in_order,
        aligned=aligned,
    )


def placed(graph: Graph) -> Layout:
    shapes = {vertex.key: shape_of(vertex) for vertex in graph.vertices}
    return layout(
        graph,
        {key: shape.size for key, shape in shapes.items()},
        {key: (shape.width, shape.height) for key, shape in shapes.items()},
        {key for key, shape in shapes.items() if shape.outline == "circle"},
        tuple((7.0 * len(edge.label), 15.0) if edge.label else None for edge in graph.edges),
    )


@given(graphs(cycles=True))
def test_no_vertex_lies_on_another(graph: Graph) -> None:
    result = placed(graph)
    boxes = []
    for vertex in graph.vertices:
        (x, y), (width, up, down) = result.centres[vertex.key], shape_of(vertex).size
        boxes.append((x - width / 2, x + width / 2, y - up, y + down))
        # ... and all of it is in the picture.
        assert boxes[-1][0] >= 0
        assert boxes[-1][1] <= result.width
        assert boxes[-1][2] >= 0
        assert boxes[-1][3] <= result.height
    for (l0, r0, t0, b0), (l1, r1, t1, b1) in itertools.combinations(boxes, 2):
        assert r0 <= l1 or r1 <= l0 or b0 <= t1 or b1 <= t0


@given(graphs())
def test_every_edge_leads_onwards(graph: Graph) -> None:
    result = placed(graph)
    sign = -1 if graph.leftwards else 1
    for edge, curve in zip(graph.edges, result.curves, strict=True):
        assert result.columns[edge.source] < result.columns[edge.target]
        ends = result.centres[edge.source][0], result.centres[edge.target][0]
        assert sign * ends[0] < sign * ends[1]
        xs = [sign * x for x, _ in curve]
        assert xs == sorted(xs)


@given(graphs(cycles=True))
def test_only_edges_that_close_a_cycle_lead_back(graph: Graph) -> None:
    column, back = ranks(graph), backward_edges(graph)
    for position, edge in enumerate(graph.edges):
        if position not in back:
            assert column[edge.source] < column[edge.target]
    assert sorted(set(column.values())) == list(range(len(set(column.values()))))


def test_without_a_cycle_no_edge_leads_back() -> None:
    edges = tuple(Edge(f"v{a}", f"v{b}") for a, b in [(3, 1), (1, 0), (3, 2), (2, 0)])
    graph = Graph(tuple(Vertex(f"v{n}", "") for n in range(4)), edges)
    assert not backward_edges(graph)


@given(graphs())
def test_columns_in_order_stay_in_order(graph: Graph) -> None:
    result = placed(Graph(graph.vertices, graph.edges, in_order=True))
    for first, second in itertools.combinations(graph.vertices, 2):
        if result.columns[first.key] == result.columns[second.key]:
            assert result.centres[first.key][1] < result.centres[second.key][1]


@given(graphs(cycles=True))
def test_the_drawing_is_the_same_every_time(graph: Graph) -> None:
    assert graph.svg() == replace(graph, title=graph.title).svg()


@given(graphs())
def test_labels_avoid_the_vertices(graph: Graph) -> None:
    """A label may touch a vertex only where the edge is too short to hold it."""
    result = placed(graph)
    for edge, centre in zip(graph.edges, result.labels, strict=True):
        assert (centre is None) == (not edge.label)
        if centre is None or len(edge.label) > 1:
            continue
        for vertex in graph.vertices:
            (x, y), (width, up, down) = result.centres[vertex.key], shape_of(vertex).size
            apart_x = abs(centre[0] - x) - (7.0 + width) / 2
            apart_y = max(y - up - centre[1], centre[1] - y - down) - 7.5
            assert apart_x > -0.05 or apart_y > -0.05


def test_crossings_are_counted_and_removed() -> None:
    after = [[3], [2], [], []]
    before = [[], [], [1], [0]]
    columns = [[0, 1], [2, 3]]
    assert crossings(columns, after) == 1
    assert crossings(ordered(columns, after, before), after) == 0


def test_rows_of_a_network_are_level() -> None:
    """The weights from neuron to neuron of one row, and the way through an amplifier."""
    derivation = bp.derive(bp.mlp(3, 3, 3))
    for graph, rows in (
        (bp.draw(derivation, "layers"), ["x[{0}]", "a1[{0}]", "a2[{0}]"]),
        (
            bp.draw(derivation, "reverse"),
            ["a2_adjoint[{0}]", "z2_adjoint[{0}] amplifier", "z2_adjoint[{0}]", "a1_adjoint[{0}]"],
        ),
    ):
        centres = placed(graph).centres
        for number in range(3):
            heights = {centres[key.format(number)][1] for key in rows}
            assert max(heights) - min(heights) < 0.25  # pixels


@pytest.mark.parametrize("size", [1, 3, 4])
def test_a_symmetric_graph_is_drawn_symmetrically(size: int) -> None:
    left = [Vertex(f"l{n}", "x") for n in range(size)]
    graph = Graph(
        (*left, Vertex("C", "C", "cost")), tuple(Edge(vertex.key, "C") for vertex in left)
    )
    centres = placed(graph).centres
    ys = [centres[vertex.key][1] for vertex in left]
    assert sum(ys) / size == pytest.approx(centres["C"][1], abs=0.05)
