"""computational: a trace as a graph, like the classic figures of a computational graph."""

from symbp.derivations.graphs.graph import Edge, Graph, Vertex
from symbp.derivations.trace_nodes import EvaluationTrace, TraceNode
from symbp.derivations.trace_signs import name_of, rounded, sign_of

__all__ = ["computational_graph"]

# How many given values stand in one column.
FEW = 8
# Targets are held constant like numbers: no gradient stands below them.
KINDS = {
    "parameter": "parameter", "input": "input", "target": "constant", "constant": "constant",
    "state": "constant", "noise": "constant",
}  # fmt: skip


def computational_graph(trace: EvaluationTrace, digits: int = 2, local: bool = True) -> Graph:
    """Return the graph of a trace.

    Parameters
    ----------
    trace : EvaluationTrace
        The computation.
    digits : int, default 2
        How many decimals, and how many significant digits at the least, numbers have.
    local : bool, default True
        Whether the local derivatives stand at the edges.

    Returns
    -------
    Graph
        Each node with its value above and its gradient below; what is given stands at the left.
    """
    cost = trace.nodes[-1]
    ranks = _ranks(trace)
    vertices = tuple(
        Vertex(
            node.name,
            _label(node, cost),
            "cost" if node is cost else KINDS.get(node.tensor.role, "operation"),
            above=rounded(node.value, digits),
            below="" if node.gradient is None else rounded(node.gradient, digits),
            rank=ranks.get(node.name),
        )
        for node in trace.nodes
    )
    edges = tuple(
        Edge(e.source, e.target, label=rounded(e.value, digits) if local else "")
        for e in trace.edges
    )
    what = f"Computational graph of {trace.formula}" if trace.formula else "Computational graph"
    return Graph(vertices, edges, title=f"{what}, values above and gradients below")


def _label(node: TraceNode, cost: TraceNode) -> str:
    name = name_of(node.tensor, cost.tensor)
    if node.expression is None:
        return name
    sign = sign_of(node.expression)
    # An operation that the user named shows its name, too.
    return f"{sign}\n{name}" if node.named and node is not cost else sign


def _ranks(trace: EvaluationTrace) -> dict[str, int]:
    """Return the columns of what is given: by its first reader, if there is much of it.

    A few stand together at the left, as in the classic figures; the parameters of a network
    would make a column longer than the rest of the drawing.
    """
    given = [node.name for node in trace.nodes if node.expression is None]
    if len(given) <= FEW:
        return {}
    rank = dict.fromkeys(given, 0)
    readers: dict[str, list[str]] = {}
    for edge in trace.edges:
        readers.setdefault(edge.source, []).append(edge.target)
        # Edges come in the order of the forward pass.
        rank[edge.target] = max(rank.get(edge.target, 0), rank.get(edge.source, 0) + 1)
    for name in given:
        if name in readers:
            rank[name] = min(rank[target] for target in readers[name]) - 1
    return rank
