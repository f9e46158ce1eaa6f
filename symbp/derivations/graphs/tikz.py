r"""tikz: a graph as a LaTeX document of its own, which pdflatex and lualatex compile.

Everything stands where it stands in the SVG; names are mathematics, so that they look like those
of the text around: take the ``tikzpicture`` out, or include the PDF.
"""

from symbp.derivations.graphs.layout import Curve, Layout, Point, layout
from symbp.derivations.graphs.notation import Piece, pieces, spans
from symbp.derivations.graphs.plain import PlainGraph, Vertex
from symbp.derivations.graphs.shapes import (
    LINE,
    SMALL,
    STUB,
    TEXT,
    Shape,
    edge_lines,
    shape_of,
    text_width,
)
from symbp.derivations.markup import GREEK

__all__ = ["tikz"]

# A unit of the drawing in points.
UNIT = 0.75
_HEAD = r"""\documentclass[tikz,border=4pt]{standalone}
\usepackage{amsmath}
\usepackage{amssymb}
\usetikzlibrary{arrows.meta}
\definecolor{inputfill}{HTML}{DDF4FF}
\definecolor{parameterfill}{HTML}{FFF1CF}
\definecolor{costfill}{HTML}{FFE3E0}
\definecolor{nodefill}{HTML}{F6F8FA}
\definecolor{value}{HTML}{116329}
\definecolor{gradient}{HTML}{B3131F}
\definecolor{faint}{HTML}{57606A}
\begin{document}
"""
_FILLS = {
    "input": "inputfill", "target": "inputfill", "parameter": "parameterfill",
    "constant": "white", "cost": "costfill",
}  # fmt: skip
_COMMANDS = {
    **{letter: rf"\{name} " for name, letter in GREEK.items()},
    "×": r"\times ", "·": r"\cdot ", "−": "-", "′": "'", "⋯": r"\cdots ", "⋮": r"\vdots ",
    "…": r"\dots ", "∂": r"\partial ", "Σ": r"\Sigma ", "⊙": r"\odot ", "∘": r"\circ ",
    "√": r"\surd ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "→": r"\to ",
    "½": r"\tfrac12 ", "∞": r"\infty ", "∧": r"\wedge ", "∨": r"\vee ", "¬": r"\neg ",
    "÷": r"\div ",
    "‖": r"\|", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "~": r"\sim ", "^": r"\wedge ", "ᵀ": r"^{T}",
    "²": "^2",
}  # fmt: skip
_SPECIAL = {"_": r"\_", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#"}


def tikz(graph: PlainGraph) -> str:
    """Return a graph as a document with one ``tikzpicture``.

    Parameters
    ----------
    graph : PlainGraph
        What is drawn, whole: see :meth:`Graph.folded`.

    Returns
    -------
    str
        ASCII only. What mathematics has no sign for is printed by its number in Unicode.
    """
    shapes = {vertex.key: shape_of(vertex) for vertex in graph.vertices}
    labels = [edge_lines(edge) for edge in graph.edges]
    placed = layout(
        graph,
        {key: shape.size for key, shape in shapes.items()},
        {key: (shape.width, shape.height) for key, shape in shapes.items()},
        {key for key, shape in shapes.items() if shape.outline == "circle"},
        tuple(_label_size(lines) for lines in labels),
    )
    parts = [
        _HEAD + r"\begin{tikzpicture}[x=0.75pt,y=-0.75pt,line width=0.5pt,"
        r"edge/.style={-{Stealth[length=4.5pt]},draw=faint},"
        r"small/.style={inner sep=1pt,font=\scriptsize}]"
    ]
    parts += _edges(graph, shapes, placed)
    for vertex in graph.vertices:
        parts += _vertex(vertex, shapes[vertex.key], placed.centres[vertex.key], graph.leftwards)
    for lines, centre in zip(labels, placed.labels, strict=True):
        if centre is not None:
            parts += _label(lines, centre)
    return "\n".join([*parts, r"\end{tikzpicture}", r"\end{document}"]) + "\n"


def _label_size(lines: list[tuple[str, str]]) -> tuple[float, float] | None:
    if not lines:
        return None
    return max(text_width(text, SMALL) for _, text in lines) + 4, len(lines) * SMALL * LINE


def _at(x: float, y: float) -> str:
    return f"({round(x, 2):g},{round(y, 2):g})"


def _edges(graph: PlainGraph, shapes: dict[str, Shape], placed: Layout) -> list[str]:
    lines = []
    for edge, curve in zip(graph.edges, placed.curves, strict=True):
        thin = "none" in (shapes[edge.source].outline, shapes[edge.target].outline)
        style = "draw=faint!60,dashed" if thin else "edge"
        lines.append(rf"\draw[{style}] {_path(curve)};")
    return lines


def _path(curve: Curve) -> str:
    path = _at(*curve[0])
    for start in range(1, len(curve), 3):
        first, second, end = (_at(*point) for point in curve[start : start + 3])
        path += f" .. controls {first} and {second} .. {end}"
    return path


def _vertex(vertex: Vertex, shape: Shape, centre: Point, leftwards: bool) -> list[str]:
    x, y = centre
    half, tall = shape.width / 2, shape.height / 2
    fill = _FILLS.get(vertex.kind, "nodefill")
    lines = []
    if shape.outline == "circle":
        lines.append(rf"\draw[fill={fill}] {_at(x, y)} circle[radius={round(half * UNIT, 2):g}pt];")
    elif shape.outline == "pill":
        corner = 3.0 if vertex.kind in ("parameter", "constant") else min(tall, 14.0) * UNIT
        lines.append(
            rf"\draw[fill={fill},rounded corners={round(corner, 2):g}pt] "
            rf"{_at(x - half, y - tall)} rectangle {_at(x + half, y + tall)};"
        )
    elif shape.outline == "triangle":
        tip = -half if leftwards else half
        lines.append(
            rf"\draw[fill={fill}] {_at(x - tip, y - tall)} -- {_at(x + tip, y)} -- "
            rf"{_at(x - tip, y + tall)} -- cycle;"
        )
    sizes = [SMALL if n else TEXT for n in range(len(shape.lines))]
    top = y - sum(size * LINE for size in sizes) / 2
    if shape.outline == "triangle":
        sizes, top = [SMALL] * len(shape.lines), y + tall
    for line, size in zip(shape.lines, sizes, strict=True):
        style = "inner sep=0pt" if size == TEXT else "small"
        lines.append(_node(x, top + size * LINE / 2, line, style))
        top += size * LINE
    if vertex.above:
        lines.append(_node(x, y - tall - 0.6 * SMALL, vertex.above, "small,text=value"))
    if vertex.below:
        end = y + tall + shape.below - 0.6 * SMALL
        lines.append(_node(x, end, vertex.below, "small,text=gradient"))
    if vertex.bias:
        end = y + tall
        lines.append(rf"\draw[edge] {_at(x, end + STUB)} -- {_at(x, end)};")
        lines.append(_node(x, end + STUB + 0.6 * SMALL, shape.bias, "small,text=faint"))
    return lines


def _label(lines: list[tuple[str, str]], centre: Point) -> list[str]:
    colours = {"value": "value", "edge-label": "faint", "gradient": "gradient"}
    top = centre[1] - len(lines) * SMALL * LINE / 2
    return [
        _node(
            centre[0],
            top + (n + 0.5) * SMALL * LINE,
            text,
            f"small,fill=white,text={colours[name]}",
        )
        for n, (name, text) in enumerate(lines)
    ]


def _node(x: float, y: float, text: str, style: str) -> str:
    return rf"\node[{style}] at {_at(x, y)} {{{_formula(text)}}};"


def _formula(text: str) -> str:
    return f"${''.join(map(_piece, pieces(text)))}$" if text.strip() else ""


def _piece(piece: Piece) -> str:
    shown = _letters(piece.base) or "{}"
    shown += f"_{{{_letters(piece.below, True)}}}" if piece.below else ""
    return shown + (f"^{{{_letters(piece.above, True)}}}" if piece.above else "")


def _letters(text: str, script: bool = False) -> str:
    return "".join(
        "".join(map(_sign, part)) if italic or not _is_word(part) else _words(part)
        for part, italic in spans(text, script)
    )


def _is_word(part: str) -> bool:
    return any(letter.isalpha() and letter not in _COMMANDS for letter in part)


def _words(part: str) -> str:
    """Return a name of several letters, upright, with the signs around it as mathematics."""
    shown, word = "", ""
    for letter in [*part, ""]:
        if letter and letter.isascii() and (letter.isalnum() or letter == " "):
            word += letter
            continue
        shown += rf"\text{{{word}}}" if word else ""
        word = ""
        shown += _sign(letter) if letter else ""
    return shown


def _sign(letter: str) -> str:
    if letter in _COMMANDS:
        return _COMMANDS[letter]
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if letter.isascii():
        return letter if letter.isprintable() else ""
    return rf"\text{{[U+{ord(letter):04X}]}}"
