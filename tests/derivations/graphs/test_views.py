"""The views of a program: what they draw is what the equations say."""

import itertools
import math
import re
import sys
from pathlib import Path

import pytest
import sympy

import symbp as bp
from symbp.derivations.graphs import Graph, Vertex, equation_graph, layer_graph, reverse_graph
from symbp.derivations.graphs.elements import levels
from symbp.derivations.graphs.ranks import backward_edges, ranks
from symbp.derivations.graphs.reading import Read, reads_of, shape_of, solutions
from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Element

sys.path.insert(0, str(Path(__file__).parents[2]))
from programs import PROGRAMS


def drawn(graph: Graph) -> list[tuple[str, str, str]]:
    """Return the edges by the first lines of their ends' labels, and their own label."""
    names = {vertex.key: vertex.label.split("\n")[0] for vertex in graph.vertices}
    return [(names[edge.source], names[edge.target], edge.label) for edge in graph.edges]


def labels(graph: Graph, kind: str) -> list[str]:
    return [vertex.label for vertex in graph.vertices if vertex.kind == kind]


def biases(graph: Graph) -> list[str]:
    return [vertex.bias for vertex in graph.vertices if vertex.bias]


def convolution(kernel: int = 2, stride: int = 1, dilation: int = 1) -> bp.Program:
    """One dimension, no padding, with a shared weight and bias."""
    n, t, p = bp.indices("n t p", "N", 3, kernel)
    s = bp.Index("s", 2 * stride + dilation * (kernel - 1) + 1)
    x, w, b = bp.input("x", n, s), bp.parameter("w", p), bp.parameter("b")
    z, a, y, C = bp.tensor("z", n, t), bp.tensor("a", n, t), bp.target("y", n, t), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(z[n, t], bp.Sum(w[p] * x[n, stride * t + dilation * p], p) + b),
            bp.Equation(a[n, t], bp.tanh(z[n, t])),
            bp.Equation(C, bp.Mean((a[n, t] - y[n, t]) ** 2, n, t)),
        ],
        cost=C,
    )


def residual() -> bp.Program:
    n, j, k, i = bp.indices("n j k i", "N", 2, 2, 2)
    x, y = bp.input("x", n, k), bp.target("y", n, i)
    W, V = bp.parameter("W", j, k), bp.parameter("V", i, j)
    h, r, C = bp.tensor("h", n, j), bp.tensor("r", n, i), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(h[n, j], bp.relu(bp.Sum(W[j, k] * x[n, k], k))),
            bp.Equation(r[n, i], x[n, i] + bp.Sum(V[i, j] * h[n, j], j)),
            bp.Equation(C, bp.Mean((r[n, i] - y[n, i]) ** 2, n, i)),
        ],
        cost=C,
    )


def test_3_3_3_has_its_18_weights_at_the_edges_and_its_6_biases_at_the_neurons() -> None:
    graph = layer_graph(bp.derive(bp.mlp(3, 3, 3)))
    weights = [
        (f"a{below}_{k}", f"a{above}_{j}", f"w{above}_{j}{k}")
        for below, above in (("¹", "²"), ("²", "³"))
        for j, k in itertools.product(range(1, 4), repeat=2)
    ]
    digits = str.maketrans("123", "₁₂₃")
    expected = {tuple(text.replace("_", "").translate(digits) for text in w) for w in weights}
    assert {edge for edge in drawn(graph) if edge[2]} == expected
    assert labels(graph, "neuron") == [f"a{layer}{j}" for layer in "²³" for j in "₁₂₃"]
    assert biases(graph) == [f"b{layer}{j}" for layer in "²³" for j in "₁₂₃"]
    assert {(a, b) for a, b, label in drawn(graph) if not label} == {
        (name + j, "C") for name in ("a³", "y") for j in "₁₂₃"
    }


def test_the_reverse_network_has_transposed_weights_and_amplifiers() -> None:
    graph = reverse_graph(bp.derive(bp.mlp(3, 2, 2)))
    assert graph.leftwards
    edges = drawn(graph)
    for j, k in itertools.product("₁₂", repeat=2):
        assert (f"δ³{j}", f"∂C/∂a²{k}", f"w³{j}{k}") in edges
    assert labels(graph, "amplifier") == [f"σ′(z{layer}{j})" for layer in "³²" for j in "₁₂"]
    for layer, j in itertools.product("²³", "₁₂"):
        amplifier = f"σ′(z{layer}{j})"
        assert (f"∂C/∂a{layer}{j}", amplifier, "") in edges
        assert (amplifier, f"δ{layer}{j}", "") in edges
    assert ("C", "∂C/∂a³₁", "a³₁ − y₁") in edges
    assert len(edges) == 4 + 2 * 4 + 2
    # The weights of the first layer carry nothing back: no adjoint of the inputs is needed.
    assert not [label for _, _, label in edges if label.startswith("w²")]


def test_a_convolution_shares_its_weights() -> None:
    edges = [edge for edge in drawn(layer_graph(bp.derive(convolution()))) if edge[2]]
    assert edges == [
        (f"x{'₁₂₃₄'[t + p]}", f"a{'₁₂₃'[t]}", f"w{'₁₂'[p]}") for t in range(3) for p in range(2)
    ]
    assert biases(layer_graph(bp.derive(convolution()))) == ["b"] * 3


def test_a_skip_connection_is_an_edge_without_a_weight() -> None:
    edges = drawn(layer_graph(bp.derive(residual())))
    assert ("x₁", "r₁", "") in edges
    assert ("x₁", "r₂", "") not in edges
    assert ("x₁", "h₂", "W₂₁") in edges
    assert ("h₂", "r₁", "V₁₂") in edges


def test_a_program_of_parameters_only_draws_them() -> None:
    graph = layer_graph(bp.derive(PROGRAMS["scalar_graph"]()[0]))
    expected = {("x", "q", ""), ("y", "q", ""), ("q", "f", "z"), ("z", "f", "q")}
    assert set(drawn(graph)) - {("z", "f", "")} == expected - {("z", "f", "q")}
    assert labels(graph, "parameter") == ["x", "y", "z"]


def test_few_edges_are_labelled_where_columns_are_folded() -> None:
    program, _ = PROGRAMS["convolution"]()
    kernels = [label for _, _, label in drawn(layer_graph(bp.derive(program))) if label]
    assert "F₁₁₁₁" in kernels


def test_targets_fold_like_the_outputs() -> None:
    graph = layer_graph(bp.derive(bp.mlp(784, 30, 10)))
    assert list(labels(graph, "target")) == [
        f"y{number}".translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")) for number in range(1, 11)
    ]


def test_sizes_do_not_matter() -> None:
    for sizes in ((784, 30, 10), (784, 1000, 1000, 10), (10**6, 10**6, 10)):
        graph = layer_graph(bp.derive(bp.mlp(*sizes)))
        stand_for = sum(
            int(vertex.label.split()[1]) if vertex.kind == "fold" else 1
            for vertex in graph.vertices
        )
        assert stand_for == sum(sizes) + sizes[-1] + 1
        assert len(graph.vertices) < 40
        # The first neuron reads the first inputs, the last one, and those between.
        keys = [edge.source for edge in graph.edges if edge.target == "a1[0]"]
        assert keys == [f"x[{k}]" for k in (0, 1, 2, 3, sizes[0] - 1)] + ["x[…]"]


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_program_of_the_suite_is_drawn(name: str) -> None:
    program, _ = PROGRAMS[name]()
    for graph in (layer_graph(bp.derive(program)), reverse_graph(bp.derive(program))):
        assert graph.edges
        ends = {key for edge in graph.edges for key in (edge.source, edge.target)}
        costs = [vertex for vertex in graph.vertices if vertex.kind == "cost"]
        assert len(costs) == 1
        assert costs[0].key in ends
        assert graph.svg().startswith("<svg")


@pytest.mark.parametrize("name", sorted({*PROGRAMS} - {"embedding", "attention", "turning"}))
def test_what_is_read_is_what_running_over_the_whole_domain_finds(name: str) -> None:
    """The linear equations' solutions against brute force, with shifts, strides and guards."""
    # That of the suite is too large for brute force.
    small = {"convolution": convolution(3, stride=2, dilation=2)}
    derivation = bp.derive(small.get(name) or PROGRAMS[name]()[0])
    compared = 0
    for equation in (e for line in derivation.forward for e in line.equations):
        for read in reads_of(equation.body):
            if math.prod(shape_of(equation.tensor)) * math.prod(shape_of(read.tensor)) > 3000:
                continue
            found = solved_pairs_of(equation, read)
            assert found == pairs_of(equation, read)
            compared += len(found)
    assert compared


def solved_pairs_of(equation: bp.Equation, read: Read) -> set[tuple[object, object]]:
    """Return which elements read which, by asking for each pair of them."""
    return {
        (there, here)
        for there in itertools.product(*map(range, shape_of(equation.tensor)))
        for here in itertools.product(*map(range, shape_of(read.tensor)))
        if next(solutions(equation, there, read, here), None)
    }


def pairs_of(equation: bp.Equation, read: object) -> set[tuple[object, object]]:
    """Return which elements read which, by trying every value of every index."""
    elements = equation.lhs, read.element  # type: ignore[attr-defined]
    indices = sorted(
        {i for e in elements for a in e.args for i in a.free_symbols}, key=lambda i: i.dummy_index
    )
    result = set()
    for values in itertools.product(
        *(range(i.extent if isinstance(i.extent, int) else 2) for i in indices)
    ):
        at = dict(zip(indices, map(sympy.Integer, values), strict=True))
        if any(guard.xreplace(at) == sympy.false for guard in read.guards):  # type: ignore[attr-defined]
            continue
        there, here = (tuple(int(a.xreplace(at)) for a in e.args) for e in elements)
        if all(0 <= p < s for p, s in zip(here, shape_of(elements[1].tensor), strict=True)):
            result.add((there, here))
    return result


def test_a_remainder_is_read_where_it_leads() -> None:
    i, k = bp.Index("i", 5), bp.Index("k", 2)
    x, w, y, C = (bp.parameter("x", i), bp.parameter("w", k), bp.tensor("y", i), bp.tensor("C"))
    turned = bp.Equation(y[i], bp.Sum(w[k] * x[(i + 2 * k) % 5], k))
    derivation = bp.derive(bp.Program([turned, bp.Equation(C, bp.Sum(y[i] ** 2, i))], cost=C))
    ((equation,),) = [line.equations for line in derivation.forward if line.tensor.name == "y"]
    for read in reads_of(equation.body):
        assert solved_pairs_of(equation, read) == pairs_of(equation, read)


def test_labels_are_local_derivatives() -> None:
    """Each label is ∂(what the neuron sums)/∂(what it reads), as SymPy differentiates it."""
    derivation = bp.derive(residual())
    equation = next(e for line in derivation.forward for e in line.equations
                    if e.tensor.name == "r")  # fmt: skip
    for read in reads_of(equation.body):
        if read.tensor.role == "parameter":
            continue
        inner = equation.body.replace(lambda node: isinstance(node, bp.Sum), lambda node: node.body)
        symbols = {e: sympy.Symbol(f"s{n}") for n, e in enumerate(sorted(inner.atoms(Element),
                   key=str))}  # fmt: skip
        slope = inner.xreplace(symbols).diff(symbols[read.element])
        assert slope == sympy.sympify(read.factor, strict=True).xreplace(symbols)


def recurrent(steps: int, units: int = 5) -> bp.Program:
    """h[t] = tanh(U h[t-1] + W x[t]), with a cost on the last step, as in the guide."""
    n, j, k, i = bp.indices("n j k i", "N", units, units, 3)
    t = bp.Index("t", steps, sequential=True)
    x, y = bp.input("x", n, t, i), bp.target("y", n, j)
    U, W = bp.parameter("U", j, k), bp.parameter("W", j, i)
    h, C = bp.tensor("h", n, t, j), bp.tensor("C")
    before = bp.where(t > 0, bp.Sum(U[j, k] * h[n, t - 1, k], k), 0)
    return bp.Program(
        [
            bp.Equation(h[n, t, j], bp.tanh(before + bp.Sum(W[j, i] * x[n, t, i], i))),
            bp.Equation(C, bp.Mean((h[n, steps - 1, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
        output=h,
    )


def reached(graph: Graph, start: str) -> set[str]:
    """Return all that can be reached along edges."""
    found = {start}
    while more := {e.target for e in graph.edges if e.source in found} - found:
        found |= more
    return found


def test_a_short_recurrence_is_drawn_whole() -> None:
    edges = {*drawn(layer_graph(bp.derive(recurrent(3, 2))))}
    for step, j, k in itertools.product(range(2, 4), (1, 2), (1, 2)):
        below = str.maketrans("123", "₁₂₃")
        ends = [f"h{step - 1}{k}", f"h{step}{j}", f"U{j}{k}"]
        assert tuple(text.translate(below) for text in ends) in edges
    back = {*drawn(reverse_graph(bp.derive(recurrent(3, 2))))}
    assert ("∂C/∂h₃₁", "∂C/∂h₂₂", "U₁₂ (1 − h₃₁²)") in back
    assert ("∂C/∂h₂₂", "∂C/∂h₁₂", "U₂₂ (1 − h₂₂²)") in back


@pytest.mark.parametrize("program", [recurrent(7), recurrent(1000, 100), PROGRAMS["lstm"]()[0]])
def test_a_recurrence_leads_step_by_step_through_time(program: bp.Program) -> None:
    derivation = bp.derive(program)
    for graph in (layer_graph(derivation), reverse_graph(derivation)):
        assert len(graph.vertices) < 80
        assert not backward_edges(graph)
        ends = {key for edge in graph.edges for key in (edge.source, edge.target)}
        assert ends == {vertex.key for vertex in graph.vertices}
        column = ranks(graph)
        step_of: dict[tuple[str, int], int] = {}
        for vertex in graph.vertices:
            name, _, place = vertex.key.removesuffix(" amplifier").partition("[")
            if vertex.kind == "neuron" and "," in place and name[:1] in "hcs":
                key = name, int(place.split(",")[0])
                # All elements of one step stand in one column.
                assert step_of.setdefault(key, column[vertex.key]) == column[vertex.key]
        forwards = -1 if graph.leftwards else 1
        for (name, step), (other, later) in itertools.combinations(step_of, 2):
            if name == other:
                apart = step_of[other, later] - step_of[name, step]
                assert apart * (later - step) * forwards > 0


def test_the_error_flows_back_through_time_and_the_input_forwards() -> None:
    derivation = bp.derive(recurrent(7))
    back = reached(reverse_graph(derivation), "C[]")
    assert {"h_adjoint[6,0]", "h_adjoint[5,4]", "h steps 3–5", "h_adjoint[0,0]"} <= {
        key.replace("h_adjoint steps", "h steps") for key in back
    }
    on = reached(layer_graph(derivation), "x[0,0]")
    assert {"h[0,0]", "h[1,4]", "h steps 3–5", "h[5,0]", "h[6,4]", "C[]"} <= on


def test_two_directions_through_time_are_both_drawn() -> None:
    n, j, k = bp.indices("n j k", "N", 2, 2)
    t = bp.Index("t", 9, sequential=True)
    x, C = bp.input("x", n, t, j), bp.tensor("C")
    U, V = bp.parameter("U", j, k), bp.parameter("V", j, k)
    f, g, r = (bp.tensor(name, n, t, j) for name in "fgr")
    before = bp.where(t > 0, bp.Sum(U[j, k] * f[n, t - 1, k], k), 0)
    after = bp.where(t < 8, bp.Sum(V[j, k] * g[n, t + 1, k], k), 0)
    program = bp.Program(
        [
            bp.Equation(f[n, t, j], bp.tanh(before + x[n, t, j])),
            bp.Equation(g[n, t, j], bp.tanh(after + f[n, t, j])),
            bp.Equation(r[n, t, j], f[n, t, j] * g[n, t, j]),
            bp.Equation(C, bp.Mean(bp.Sum(r[n, t, j] ** 2, t, j), n)),
        ],
        cost=C,
    )
    graph = layer_graph(bp.derive(program))
    assert not backward_edges(graph)
    assert {"f[8,0]", "g[0,0]", "C[]"} <= reached(graph, "x[0,0]")
    back = reverse_graph(bp.derive(program))
    assert not backward_edges(back)
    assert {"f_adjoint[0,0]", "g_adjoint[8,0]"} <= reached(back, "C[]")


def test_steps_that_need_each_other_in_a_circle_are_refused() -> None:
    assert levels([("x", "h", 1), ("h", "C", 1), ("x", "C", 1)]) == {"x": 0, "h": 1, "C": 2}
    with pytest.raises(SymbpError, match="cannot be drawn step by step"):
        levels([("x", "h", 1), ("h", "g", 1), ("g", "h", 1)])


def test_a_bias_enters_from_below() -> None:
    graph = Graph((Vertex("a", "a", "neuron", bias="b²₁"),), ())
    assert 'label="a\\nbias b²₁"' in graph.dot()
    assert '"a<br/>bias b²₁"' in graph.mermaid()
    text = graph.svg()
    assert text.count("marker-end") == 1
    # Scripts are set as such: one above, one below.
    assert re.sub("<[^>]*>", "", re.findall(r"<text.*?</text>", text)[-1]) == "b21"


def test_what_is_read_twice_is_a_vertex_of_its_own() -> None:
    n, j, k = bp.indices("n j k", "N", 2, 2)
    x, W, y = bp.input("x", n, k), bp.parameter("W", j, k), bp.target("y", n, j)
    z, a, r = (bp.tensor(name, n, j) for name in "zar")
    C = bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(z[n, j], bp.Sum(W[j, k] * x[n, k], k)),
            bp.Equation(a[n, j], bp.tanh(z[n, j])),
            bp.Equation(r[n, j], a[n, j] + z[n, j]),
            bp.Equation(C, bp.Mean((r[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )
    edges = drawn(layer_graph(bp.derive(program)))
    assert {("x₁", "z₁", "W₁₁"), ("z₁", "a₁", ""), ("z₁", "r₁", ""), ("a₁", "r₁", "")} <= {*edges}


def test_equations_are_drawn_with_shapes_and_roles() -> None:
    graph = equation_graph(bp.mlp(3, 2))
    assert {(v.label, v.kind) for v in graph.vertices} == {
        ("a¹ (N, 3)", "input"), ("w² (2, 3)", "parameter"), ("b² (2)", "parameter"),
        ("z² (N, 2)", "operation"), ("a² (N, 2)", "operation"), ("y (N, 2)", "input"),
        ("C", "cost"),
    }  # fmt: skip
    assert {(edge.source, edge.target) for edge in graph.edges} == {
        ("x", "z1"), ("W1", "z1"), ("b1", "z1"), ("z1", "a1"), ("a1", "C"), ("y", "C"),
    }  # fmt: skip


def test_a_recurrence_is_drawn_as_a_cycle_of_tensors() -> None:
    graph = equation_graph(PROGRAMS["lstm"]()[0])
    assert ("c", "c") in {(edge.source, edge.target) for edge in graph.edges}
    assert graph.svg().startswith("<svg")


def test_draw_chooses_the_view_and_writes_the_file(tmp_path: Path) -> None:
    network = bp.mlp(2, 2)
    assert bp.draw(network) == layer_graph(bp.derive(network))
    assert bp.draw(bp.derive(network), "reverse") == reverse_graph(bp.derive(network))
    assert bp.draw(network, "equations", tmp_path / "g.dot") == equation_graph(network)
    assert (tmp_path / "g.dot").read_text(encoding="utf-8") == equation_graph(network).dot()
    trace = bp.trace("(x + y) * z", {"x": -2, "y": 5, "z": -4})
    assert bp.draw(trace) == trace.graph()
    assert len(bp.draw(bp.mlp(*[10] * 40), limit=120).vertices) <= 3 * 41


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "draw: expected a Network, Program, Derivation, Trace or Graph, got int"),
        ((bp.mlp(2, 1), "layer"), "did you mean 'layers'"),
        ((bp.mlp(2, 1), "trace"), "view 'trace' needs numbers"),
        ((Graph((), ()), "reverse"), "expected a Network, Program or Derivation, got Graph"),
        ((bp.mlp(2, 1), None, "g.pdf"), "g.pdf: a drawing's name ends in '.pdf'"),
    ],
)
def test_what_cannot_be_drawn_is_said(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(SymbpError) as raised:
        bp.draw(*arguments)  # type: ignore[arg-type]
    assert message in str(raised.value)
