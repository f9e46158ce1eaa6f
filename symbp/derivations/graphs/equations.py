"""equations: the graph of a program's equations: which tensor is computed from which."""

from dataclasses import replace

from symbp.derivations.graphs.graph import Edge, Graph, Vertex
from symbp.derivations.graphs.ranks import ranks
from symbp.derivations.index_form import IndexForm
from symbp.derivations.printing import style_of
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["equation_graph"]

KINDS = {
    "input": "input", "target": "input", "state": "input", "noise": "input",
    "parameter": "parameter", "constant": "constant", "intermediate": "operation",
}  # fmt: skip


def equation_graph(program: Program) -> Graph:
    """Return one vertex for each tensor and an edge from each that an equation reads.

    Parameters
    ----------
    program : Program
        A user's, a network's, or one that a pass made: the derived equations too.

    Returns
    -------
    Graph
        Names with shapes. What is given stands next to the first equation that reads it.

    Examples
    --------
    >>> import symbp as bp
    >>> [vertex.label for vertex in equation_graph(bp.mlp(2, 1)).vertices]
    ['w² (1, 2)', 'a¹ (N, 2)', 'b² (1)', 'z² (N, 1)', 'a² (N, 1)', 'y (N, 1)', 'C']
    """
    printer = IndexForm(style_of("text"), program.cost or program.tensors[-1])
    found: dict[tuple[Tensor, Tensor], None] = {}
    for equation in program.equations:
        for element in sorted(equation.reads(), key=lambda e: (e.serial, e.tensor.serial)):
            found.setdefault((element.tensor, equation.tensor))
    edges = tuple(Edge(source.name, target.name) for source, target in found)
    vertices = []
    for tensor in program.tensors:
        shape = f" ({', '.join(map(str, tensor.shape))})" if tensor.rank else ""
        kind = "cost" if tensor is program.cost else KINDS[tensor.role]
        vertices.append(Vertex(tensor.name, printer.tensor(tensor) + shape, kind))
    title = "Equations: which tensor is computed from which"
    graph = Graph(tuple(vertices), edges, title)
    column = ranks(graph)
    first: dict[str, int] = {}
    for edge in edges:
        first[edge.source] = min(first.get(edge.source, column[edge.target]), column[edge.target])
    given = {tensor.name for tensor in program.tensors if tensor.role in ("parameter", "target")}
    return replace(
        graph,
        vertices=tuple(
            replace(v, rank=first[v.key] - 1 if v.key in given and v.key in first else None)
            for v in vertices
        ),
    )
