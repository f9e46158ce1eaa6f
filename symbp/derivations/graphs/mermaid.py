"""mermaid: a graph as a Mermaid flowchart, which many Markdown viewers draw."""

from symbp.derivations.graphs.plain import PlainGraph, Vertex
from symbp.derivations.graphs.shapes import fold_lines

__all__ = ["mermaid"]

# What encloses a name, by kind.
BRACKETS = {
    "input": ("([", "])"), "target": ("([", "])"), "parameter": ("[", "]"), "constant": ("[", "]"),
    "operation": ("((", "))"), "neuron": ("((", "))"), "cost": ("((", "))"),
    "amplifier": (">", "]"), "fold": ("[", "]"),
}  # fmt: skip
STYLES = {"fold": "fill:none,stroke:none", "constant": "fill:none,stroke:none"}


def mermaid(graph: PlainGraph) -> str:
    """Return a graph as a Mermaid flowchart.

    Parameters
    ----------
    graph : PlainGraph
        The value of a vertex stands over its name, its gradient under it.

    Returns
    -------
    str
        A flowchart; its nodes are called v0, v1, …, so no name can be taken for syntax.
    """
    names = {vertex.key: f"v{number}" for number, vertex in enumerate(graph.vertices)}
    lines = [f"flowchart {'RL' if graph.leftwards else 'LR'}"]
    if graph.title:
        lines.append(f"    accTitle: {_title(graph.title)}")
    lines += [f"    {names[vertex.key]}{_vertex(vertex)}" for vertex in graph.vertices]
    for edge in graph.edges:
        texts = [text for text in (edge.above, edge.label, edge.below) if text]
        label = f"|{_quoted(chr(10).join(texts))}|" if texts else ""
        lines.append(f"    {names[edge.source]} -->{label} {names[edge.target]}")
    for kind, style in STYLES.items():
        members = [names[vertex.key] for vertex in graph.vertices if vertex.kind == kind]
        if members:
            lines += [f"    classDef {kind} {style}", f"    class {','.join(members)} {kind}"]
    return "\n".join(lines)


def _vertex(vertex: Vertex) -> str:
    opening, closing = BRACKETS[vertex.kind]
    label = "\n".join(fold_lines(vertex)) if vertex.kind == "fold" else vertex.label
    if vertex.function:
        label += f"\n{vertex.function}"
    if vertex.bias:
        label += f"\nbias {vertex.bias}"
    lines = [text for text in (vertex.above, label, vertex.below) if text]
    return f"{opening}{_quoted(chr(10).join(lines))}{closing}"


def _quoted(text: str) -> str:
    """Return a text in quotes, its special characters as entity codes of Mermaid's own.

    A backquote would begin Markdown, and so would a number with a full stop.
    """
    shown = ""
    for letter in text:
        if letter == "\n":
            shown += "<br/>"
        elif letter in '"<>&#;`\\*_~[]{}|':
            shown += f"#{ord(letter)};"
        else:
            shown += letter if letter.isprintable() else "�"
    return f'"{shown or " "}"'


def _title(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).replace(";", ",")
