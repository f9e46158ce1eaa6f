"""shapes: how large each vertex and each label is, so that they can be placed before being drawn.

Nothing here measures a font: widths are those of a common sans serif, on the generous side.
"""

import unicodedata
from dataclasses import dataclass

from symbp.derivations.graphs.notation import pieces
from symbp.derivations.graphs.plain import Edge, Vertex

__all__ = [
    "LINE", "SCRIPT", "SMALL", "STUB", "TEXT", "Shape", "edge_lines", "fold_lines", "shape_of",
    "text_width",
]  # fmt: skip

# Font sizes: names, and what stands beside them.
TEXT, SMALL = 15.0, 12.0
LINE = 1.25
# How long the arrow of a bias is.
STUB = 14.0
# The least radius of a circle, and the longest text that a circle holds.
RADIUS, LONGEST_INSIDE = 19.0, 46.0
NARROW = set("ijlftr.,:;'′|!()[]{}⋮ ⁱʲˡᵢⱼₗ₁¹")
# How large scripts are, and how far they reach over and under a line.
SCRIPT = 0.72


@dataclass(frozen=True)
class Shape:
    """The box of a vertex, and what is in it from top to bottom.

    Attributes
    ----------
    outline : {"circle", "pill", "triangle", "none"}
        What is drawn around the label.
    width, height : float
        The size of the outline.
    lines : tuple of str
        The label's lines, the first large and the others small.
    above, below : float
        The room for text over and under the outline.
    bias : str
        What stands under an arrow that enters from below.
    total : float
        The width of everything.
    """

    outline: str
    width: float
    height: float
    lines: tuple[str, ...]
    above: float
    below: float
    total: float
    bias: str = ""

    @property
    def size(self) -> tuple[float, float, float]:
        """The width of the box, and how far it reaches above and below the outline's centre."""
        return self.total, self.height / 2 + self.above, self.height / 2 + self.below


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is, with scripts one over the other."""
    return sum(
        size * (_letters(piece.base) + SCRIPT * max(_letters(piece.below), _letters(piece.above)))
        for piece in pieces(text)
    )


def _letters(text: str) -> float:
    width = 0.0
    for letter in text:
        if unicodedata.combining(letter):
            continue
        if unicodedata.east_asian_width(letter) in "WF":
            width += 1.05
        elif letter in NARROW:
            width += 0.36
        elif "SUPERSCRIPT" in (name := unicodedata.name(letter, "")) or "SUBSCRIPT" in name:
            width += 0.44
        elif letter in "mwMW@%∂Σσ→…" or letter.isupper():
            width += 0.76
        else:
            width += 0.6
    return width


def shape_of(vertex: Vertex) -> Shape:
    """Return the outline and the size of a vertex."""
    lines = (*vertex.label.split("\n"), *([vertex.function] if vertex.function else []))
    widths = [text_width(line, SMALL if n else TEXT) for n, line in enumerate(lines)]
    height = TEXT * LINE + (len(lines) - 1) * SMALL * LINE
    above = SMALL * LINE if vertex.above else 0.0
    below = SMALL * LINE if vertex.below else 0.0
    beside = max(text_width(vertex.above, SMALL), text_width(vertex.below, SMALL))
    outline, width = "pill", max(widths) + 18
    if vertex.kind == "fold":
        lines, outline = fold_lines(vertex), "none"
        width = max(text_width(line, SMALL) for line in lines)
        height = TEXT * LINE + (len(lines) - 1) * SMALL * LINE + 8
    elif vertex.kind == "amplifier":
        # The label stands under the triangle: nothing much fits into it.
        outline, width, below = "triangle", 34.0, below + len(lines) * SMALL * LINE
        height = 36.0
        beside = max(beside, *(text_width(line, SMALL) for line in lines))
    elif vertex.kind in ("input", "target", "parameter", "constant"):
        width, height = max(max(widths) + 16, 30.0), height + 8
    elif max(widths) <= LONGEST_INSIDE:
        outline = "circle"
        diagonal = (max(widths) ** 2 + height**2) ** 0.5
        width = height = 2 * max(RADIUS, diagonal / 2 + 3)
    else:
        height += 14
    if vertex.bias:
        below += STUB + SMALL * LINE
        beside = max(beside, text_width(vertex.bias, SMALL))
    return Shape(outline, width, height, lines, above, below, max(width, beside), vertex.bias)


def fold_lines(vertex: Vertex) -> tuple[str, ...]:
    """Return the lines of a fold: dots, downwards if its label does not begin with others."""
    lines = tuple(vertex.label.split("\n"))
    return lines if lines[0] == "⋯" else ("⋮", *lines)


def edge_lines(edge: Edge) -> list[tuple[str, str]]:
    """Return the lines at an edge from top to bottom, each with its class."""
    lines = [("value", edge.above), ("edge-label", edge.label), ("gradient", edge.below)]
    return [(name, text) for name, text in lines if text]
