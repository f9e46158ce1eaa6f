"""svg: a graph as SVG, like the classic figures: values in green above, gradients in red below.

The text is a file of its own and an element that an HTML page may hold, so all its styles are
bound to the graph's own class, and its identifiers are made from what is drawn. Colours follow the
reader's light or dark scheme; the background is transparent.
"""

import hashlib

from symbp.derivations.graphs.layout import Curve, Layout, Point, layout
from symbp.derivations.graphs.motion import Motion, Still
from symbp.derivations.graphs.notation import pieces, spans
from symbp.derivations.graphs.plain import PlainGraph, Vertex
from symbp.derivations.graphs.shapes import (
    LINE,
    SCRIPT,
    SMALL,
    STUB,
    TEXT,
    Shape,
    edge_lines,
    shape_of,
    text_width,
)

__all__ = ["svg"]

FONT = "'STIX Two Text', 'Latin Modern Roman', 'Times New Roman', 'DejaVu Serif', serif"
# Black or white on these is at least 4.5 : 1, and so are values and gradients on the page.
LIGHT = {
    "ink": "#1f2328", "line": "#57606a", "faint": "#57606a", "paper": "#ffffff",
    "node": "#f6f8fa", "input": "#ddf4ff", "parameter": "#fff1cf", "cost": "#ffe3e0",
    "value": "#116329", "gradient": "#b3131f",
}  # fmt: skip
DARK = {
    "ink": "#e6edf3", "line": "#9198a1", "faint": "#9fa7b0", "paper": "#0d1117",
    "node": "#21262d", "input": "#0c2d4d", "parameter": "#3a2c05", "cost": "#4c1815",
    "value": "#56d364", "gradient": "#ff938a",
}  # fmt: skip
WIDEST_SHRUNK = 1000.0
# How far scripts are moved, in the size of the letter.
RAISED, LOWERED = 0.38, 0.22
GAP = 0.5
FILLS = {
    "input": "input",
    "target": "input",
    "parameter": "parameter",
    "constant": "paper",
    "cost": "cost",
}


def svg(graph: PlainGraph, animated: bool = False) -> str:
    """Return a graph as an SVG element.

    Parameters
    ----------
    graph : PlainGraph
        What is drawn, whole: see :meth:`Graph.folded`.
    animated : bool, default False
        Whether values appear from the first vertex on, then gradients from the last one back.
        Printed, and for readers who prefer less motion, all of it stands there at once.

    Returns
    -------
    str
        Well-formed XML, the same to the byte for the same graph.
    """
    shapes = {vertex.key: shape_of(vertex) for vertex in graph.vertices}
    sizes = tuple(_label_size(edge_lines(edge)) for edge in graph.edges)
    round_ = {key for key, shape in shapes.items() if shape.outline == "circle"}
    placed = layout(
        graph,
        {key: shape.size for key, shape in shapes.items()},
        {key: (shape.width, shape.height) for key, shape in shapes.items()},
        round_,
        sizes,
    )
    identity = "g" + hashlib.sha256(repr(_content(graph)).encode()).hexdigest()[:10]
    motion = Motion(graph) if animated else Still()
    title = graph.title or f"A graph of {len(graph.vertices)} vertices"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="symbp-graph {identity}" role="img" '
        f'aria-labelledby="{identity}-title" viewBox="0 0 {placed.width:g} {placed.height:g}" '
        f'width="{placed.width:g}" height="{placed.height:g}">',
        f'<title id="{identity}-title">{_escaped(title)}</title>',
        f"<style>{_style(identity, placed.width)}{motion.rules(identity)}</style>",
        f'<defs><marker id="{identity}-arrow" viewBox="0 0 10 10" refX="9" refY="5" '
        f'markerWidth="7" markerHeight="7" orient="auto-start-reverse">'
        f'<path class="arrow" d="M0 1L10 5L0 9z"/></marker></defs>',
    ]
    parts += _edges(graph, shapes, placed, identity, motion)
    for vertex in graph.vertices:
        centre = placed.centres[vertex.key]
        parts += _vertex(vertex, shapes[vertex.key], centre, graph.leftwards, motion)
        if vertex.bias:
            parts += _bias(shapes[vertex.key], centre, identity)
    # Labels last: nothing is drawn over them.
    parts += _edge_labels(graph, placed, motion)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _content(graph: PlainGraph) -> object:
    vertices = [
        (v.key, v.label, v.kind, v.above, v.below, v.rank, v.bias, v.function)
        for v in graph.vertices
    ]
    edges = [(e.source, e.target, e.label, e.above, e.below) for e in graph.edges]
    return vertices, edges, graph.title, graph.leftwards, graph.in_order, graph.aligned


def _style(identity: str, width: float) -> str:
    own = f".{identity}"
    # A drawing wider than a page scrolls in it, for shrunk it could not be read.
    fits = "max-width:100%;height:auto;" if width <= WIDEST_SHRUNK else ""
    rules = [
        f"{own}{{{fits}color-scheme:light dark}}",
        f"{own} text{{font-family:{FONT};font-size:{SMALL:g}px;text-anchor:middle;stroke:none}}",
        f"{own} .name{{font-size:{TEXT:g}px}}",
        f"{own} .i{{font-style:italic}}",
        # A rim of the page's colour keeps what stands at an edge legible on other edges.
        f"{own} .halo{{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}}",
        f"{own} .edge{{fill:none;stroke-width:1.2px}}",
        f"{own} .thin{{stroke-opacity:.45;stroke-dasharray:3 3}}",
        f"{own} .dense{{stroke-opacity:.6;stroke-width:1px}}",
        f"{own} .shape{{stroke-width:1.3px}}",
        _colours(own, LIGHT),
        f"@media (prefers-color-scheme:dark){{{_colours(own, DARK)}}}",
    ]
    return "".join(rules)


def _colours(own: str, colour: dict[str, str]) -> str:
    """Return the rules of one scheme, written out: many viewers know no variables."""
    rules = {
        "text": f"fill:{colour['ink']}",
        ".more": f"fill:{colour['faint']}",
        ".edge-label": f"fill:{colour['faint']}",
        ".value": f"fill:{colour['value']}",
        ".gradient": f"fill:{colour['gradient']}",
        ".halo": f"stroke:{colour['paper']}",
        ".edge": f"stroke:{colour['line']}",
        ".arrow": f"fill:{colour['line']};stroke:none",
        ".shape": f"stroke:{colour['ink']}",
    }
    rules |= {
        f".{name}": f"fill:{colour[name]}"
        for name in ("node", "input", "parameter", "cost", "paper")
    }
    return "".join(f"{own} {selector}{{{rule}}}" for selector, rule in rules.items())


def _edges(
    graph: PlainGraph,
    shapes: dict[str, Shape],
    placed: Layout,
    identity: str,
    motion: Motion | Still,
) -> list[str]:
    dense = " dense" if len(graph.edges) > 60 else ""
    lines = []
    for edge, curve in zip(graph.edges, placed.curves, strict=True):
        thin = "none" in (shapes[edge.source].outline, shapes[edge.target].outline)
        # A dashed line says "and so on": it has no one end to point at.
        style = " thin" if thin else dense
        arrow = "" if thin else f' marker-end="url(#{identity}-arrow)"'
        lines.append(
            f'<path class="edge{style}"{motion.passing(edge.target)}{arrow} d="{_path(curve)}"/>'
        )
    return lines


def _path(curve: Curve) -> str:
    def shown(point: Point) -> str:
        return f"{round(point[0], 1):g} {round(point[1], 1):g}"

    pieces = (curve[start : start + 3] for start in range(1, len(curve), 3))
    return f"M{shown(curve[0])}" + "".join("C" + ",".join(map(shown, piece)) for piece in pieces)


def _vertex(
    vertex: Vertex, shape: Shape, centre: Point, leftwards: bool, motion: Motion | Still
) -> list[str]:
    x, y = centre
    half, tall = shape.width / 2, shape.height / 2
    fill = FILLS.get(vertex.kind, "node")
    pulse = motion.pulse(vertex.key)
    lines = ["<g>"]
    if shape.outline == "circle":
        lines.append(f'<circle class="shape {fill}"{pulse} cx="{x:g}" cy="{y:g}" r="{half:g}"/>')
    elif shape.outline == "pill":
        round_ = 4.0 if vertex.kind in ("parameter", "constant") else min(tall, 14.0)
        lines.append(
            f'<rect class="shape {fill}"{pulse} x="{x - half:g}" y="{y - tall:g}" '
            f'width="{shape.width:g}" height="{shape.height:g}" rx="{round_:g}"/>'
        )
    elif shape.outline == "triangle":
        tip = -half if leftwards else half
        lines.append(
            f'<path class="shape {fill}"{pulse} d="M{x - tip:g} {y - tall:g}L{x + tip:g} {y:g}'
            f'L{x - tip:g} {y + tall:g}z"/>'
        )
    if shape.outline == "triangle":
        lines += [
            _text(x, y + tall + (n + 0.82) * SMALL * LINE, line, "halo")
            for n, line in enumerate(shape.lines)
        ]
    else:
        lines += _inside(shape, x, y)
    if vertex.above:
        lines.append(motion.shown(_text(x, y - tall - 4, vertex.above, "value halo"), vertex.key))
    if vertex.below:
        text = _text(x, y + tall + shape.below - 3, vertex.below, "gradient halo")
        lines.append(motion.shown(text, vertex.key, back=True))
    return [*lines, "</g>"]


def _bias(shape: Shape, centre: Point, identity: str) -> list[str]:
    """Return an arrow that enters from below, and what it brings."""
    x, end = centre[0], centre[1] + shape.height / 2
    start = end + STUB
    return [
        f'<path class="edge" marker-end="url(#{identity}-arrow)" d="M{x:g} {start:g}V{end:g}"/>',
        _text(x, start + 0.9 * SMALL, shape.bias, "edge-label halo"),
    ]


def _inside(shape: Shape, x: float, y: float) -> list[str]:
    """Return the lines of a label, centred as a block."""
    sizes = [SMALL if n else TEXT for n in range(len(shape.lines))]
    top = y - sum(size * LINE for size in sizes) / 2
    lines = []
    for n, (line, size) in enumerate(zip(shape.lines, sizes, strict=True)):
        name = "name" if not n else "more"
        lines.append(_text(x, top + size * (LINE / 2 + 0.36), line, name))
        top += size * LINE
    return lines


def _edge_labels(graph: PlainGraph, placed: Layout, motion: Motion | Still) -> list[str]:
    lines = []
    for edge, centre in zip(graph.edges, placed.labels, strict=True):
        if centre is None:
            continue
        shown = edge_lines(edge)
        top = centre[1] - len(shown) * SMALL * LINE / 2
        size = _label_size(shown)
        assert size is not None, "a label that has a place has a size"
        # Where there is no letter, the edge would run through the label as a minus sign.
        made = [
            f'<rect class="paper" x="{round(centre[0] - size[0] / 2, 2):g}" y="{round(top, 2):g}" '
            f'width="{size[0]:g}" height="{size[1]:g}" rx="3"/>'
        ]
        for n, (name, text) in enumerate(shown):
            made.append(_text(centre[0], top + (n + 0.79) * SMALL * LINE, text, name))
        # A local derivative is what the gradient is multiplied with on its way back.
        lines.append(motion.shown("".join(made), edge.target, back=True))
    return lines


def _label_size(lines: list[tuple[str, str]]) -> tuple[float, float] | None:
    if not lines:
        return None
    return round(max(text_width(text, SMALL) for _, text in lines) + 4, 2), len(
        lines
    ) * SMALL * LINE


def _text(x: float, y: float, text: str, name: str) -> str:
    size = TEXT if name.startswith("name") else SMALL
    if name.endswith(" halo") and any(piece.below or piece.above for piece in pieces(text)):
        # The rim of a script would hide a part of its letter.
        rim = _text(x, y, text, f"{name} ").replace("<text ", '<text aria-hidden="true" ', 1)
        return rim + _text(x, y, text, name.removesuffix(" halo"))
    shown, across, along = "", 0.0, 0.0
    for piece in pieces(text):
        # Shifts are relative to the piece before; baseline-shift is not known to every viewer.
        if piece.base:
            shown += _spans(piece.base, across, along)
            across = along = 0.0
        wide = _script_width(piece.above, size * SCRIPT)
        across += GAP if piece.above or piece.below else 0.0
        if piece.above:
            shown += _spans(piece.above, across, along - RAISED * size, script=True)
            across, along = 0.0, RAISED * size
        if piece.below:
            # Under what stands above.
            shown += _spans(piece.below, across - wide, along + LOWERED * size, script=True)
            across = max(0.0, wide - _script_width(piece.below, size * SCRIPT))
            along = -LOWERED * size
    return f'<text class="{name}" x="{round(x, 2):g}" y="{round(y, 2):g}">{shown}</text>'


def _script_width(text: str, size: float) -> float:
    """Return how wide a script is in a serif, as nearly as can be said without the font."""
    narrow = {**dict.fromkeys(",.;:'′ij|", 0.28), **dict.fromkeys("()lft-", 0.34)}
    return size * sum(0.5 if c.isdigit() else narrow.get(c, 0.5) for c in text)


def _spans(text: str, across: float, along: float, script: bool = False) -> str:
    shown = ""
    for part, italic in spans(text, script):
        moved = f' dx="{round(across, 2):g}"' if across else ""
        moved += f' dy="{round(along, 2):g}"' if along else ""
        moved += ' class="i"' if italic else ""
        moved += f' font-size="{100 * SCRIPT:g}%"' if script else ""
        shown += f"<tspan{moved}>{_escaped(part)}</tspan>" if moved else _escaped(part)
        across = along = 0.0
    return shown


def _escaped(text: str) -> str:
    text = "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
