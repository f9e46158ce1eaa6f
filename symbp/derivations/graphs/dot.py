"""dot: a graph in the language of Graphviz, for those who lay it out with ``dot``."""

import html

from symbp.derivations.graphs.plain import Edge, PlainGraph, Vertex
from symbp.derivations.graphs.shapes import fold_lines

__all__ = ["dot"]

SHAPES = {
    "input": "box", "target": "box", "parameter": "box", "constant": "plaintext",
    "operation": "ellipse", "cost": "doublecircle", "neuron": "circle", "fold": "plaintext",
}  # fmt: skip
VALUE, GRADIENT, LABEL = "#116329", "#b3131f", "#57606a"


def dot(graph: PlainGraph) -> str:
    """Return a graph in the language of Graphviz.

    Parameters
    ----------
    graph : PlainGraph
        Values and gradients of vertices stand over and under the names, in green and red.

    Returns
    -------
    str
        A digraph; its nodes are called v0, v1, …, so no name can be taken for syntax.
    """
    names = {vertex.key: f"v{number}" for number, vertex in enumerate(graph.vertices)}
    lines = [f"digraph {_quoted(graph.title)} {{" if graph.title else "digraph {"]
    lines.append(f"  rankdir={'RL' if graph.leftwards else 'LR'};")
    lines.append('  node [fontname="DejaVu Sans", fontsize=12];')
    lines.append(f'  edge [fontname="DejaVu Sans", fontsize=10, fontcolor="{LABEL}"];')
    lines += [
        f"  {names[vertex.key]} [{_vertex(vertex, graph.leftwards)}];" for vertex in graph.vertices
    ]
    for edge in graph.edges:
        label = _edge(edge)
        shown = f" [{label}]" if label else ""
        lines.append(f"  {names[edge.source]} -> {names[edge.target]}{shown};")
    return "\n".join([*lines, "}"]) + "\n"


def _vertex(vertex: Vertex, leftwards: bool) -> str:
    label = "\n".join(fold_lines(vertex)) if vertex.kind == "fold" else vertex.label
    if vertex.function:
        label += f"\n{vertex.function}"
    if vertex.bias:
        label += f"\nbias {vertex.bias}"
    shape = SHAPES.get(vertex.kind)
    turn = ""
    if shape is None:
        shape, turn = "triangle", f", orientation={90 if leftwards else 270}"
    if vertex.kind in ("input", "target"):
        turn = ", style=rounded"
    if vertex.above or vertex.below:
        shown = _coloured([(vertex.above, VALUE), (label, ""), (vertex.below, GRADIENT)])
    else:
        shown = _quoted(label)
    return f"label={shown}, shape={shape}{turn}"


def _edge(edge: Edge) -> str:
    if edge.above or edge.below:
        lines = [(edge.above, VALUE), (edge.label, ""), (edge.below, GRADIENT)]
        return f"label={_coloured(lines)}"
    return f"label={_quoted(edge.label)}" if edge.label else ""


def _coloured(lines: list[tuple[str, str]]) -> str:
    """Return a label of several lines, each with a colour or none, as Graphviz' HTML."""
    shown = []
    for text, colour in lines:
        if text:
            inner = "<br/>".join(html.escape(line) for line in _printable(text).split("\n"))
            shown.append(f'<font color="{colour}">{inner}</font>' if colour else inner)
    return f"<{'<br/>'.join(shown)}>"


def _quoted(text: str) -> str:
    escaped = _printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    # Graphviz reads entities such as &amp; in quoted strings too.
    return f'"{escaped.replace("&", "&amp;")}"'


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
