r"""line_breaking: a long right-hand side as several lines.

Lines break before + and −, then between factors, then inside parentheses, by an estimated width
that errs on the wide side (:mod:`symbp.derivations.report.widths`). What is opened keeps its
meaning: ``\left( … \right)`` becomes ``\biggl( … \biggr)``, a fraction that is too wide becomes a
factor before its numerator, and a product that goes on says so with a dot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from symbp.derivations.report.formula import Node, is_tall, parsed, width

__all__ = ["Line", "broken_lines"]

# What a dot adds before a product that goes on, and a sign with its spaces.
_DOT = 0.8


@dataclass(frozen=True)
class Line:
    """One line of a right-hand side.

    Attributes
    ----------
    source : str
        LaTeX that can stand in a cell of an alignment.
    depth : int
        How many parentheses are open where it starts.
    """

    source: str
    depth: int = 0


@dataclass(frozen=True)
class _Piece:
    """What is not broken, and how a line starts with it."""

    source: str
    width: float
    depth: int
    product: bool = False


def broken_lines(latex: str, first: float, rest: float | None = None) -> tuple[Line, ...]:
    r"""Return a formula as lines that are not wider than asked for.

    Parameters
    ----------
    latex : str
        A right-hand side, without delimiters.
    first, rest : float
        The widths of the first line and of the others, in em.

    Returns
    -------
    tuple of Line
        One if it fits. A part that cannot be broken, such as a long name, can be wider.

    Examples
    --------
    >>> for line in broken_lines("a + b (c + d)", 5):
    ...     print(line.source)
    a
    {} + b (c + d)
    """
    nodes = parsed(latex)
    if width(nodes) <= first:
        return (Line(latex),)
    room = max(first if rest is None else rest, 6.0)
    return tuple(_filled(_terms(nodes, room, 0), first, room))


def _filled(pieces: Sequence[_Piece], first: float, rest: float) -> list[Line]:
    """Put pieces into lines, as many into each as fit."""
    lines: list[Line] = []
    current, used, depth = "", 0.0, 0
    for piece in pieces:
        room = first if not lines else rest - 1.0 * depth
        if current and used + piece.width > room:
            lines.append(Line(current, depth))
            current, used = "", 0.0
        if not current:
            depth = piece.depth
            current, used = piece.source, piece.width
            if lines and piece.product:
                current, used = r"{} \cdot " + current, used + _DOT
            elif lines and piece.source.startswith(("+", "-", r"\odot", r"\oslash")):
                current = "{} " + current
            continue
        current, used = f"{current} {piece.source}", used + piece.width
    return [*lines, Line(current, depth)]


def _terms(nodes: Sequence[Node], room: float, depth: int) -> list[_Piece]:
    """Break before + and −."""
    pieces: list[_Piece] = []
    for term in _split_before(nodes, ("+", "-")):
        if width(term) <= room - depth - _DOT:
            pieces.append(_piece(term, depth))
        else:
            pieces += _factors(term, room, depth)
    return pieces


def _factors(nodes: Sequence[Node], room: float, depth: int) -> list[_Piece]:
    """Break before a factor; what is still too wide is opened."""
    pieces: list[_Piece] = []
    for factor in _split_factors(nodes):
        product = bool(pieces) and factor[0].kind != "binary"
        if width(factor) <= room - depth - _DOT:
            pieces.append(_piece(factor, depth, product))
        else:
            pieces += _opened(factor, room, depth, product)
    return pieces


def _opened(nodes: Sequence[Node], room: float, depth: int, product: bool) -> list[_Piece]:
    """Break inside the widest thing that can be opened; what stands around it stays with it."""
    candidates = [node for node in nodes if _can_open(node)]
    if not candidates:
        return [_piece(nodes, depth, product)]
    chosen = max(candidates, key=lambda node: node.width)
    at = next(i for i, node in enumerate(nodes) if node is chosen)
    before, after = list(nodes[:at]), list(nodes[at + 1 :])
    if chosen.kind == "operator":
        narrower = _with_stacked_limits(chosen)
        return [_piece([*before, narrower, *after], depth, product)]
    if chosen.kind == "cases":
        around = width(before) + width(after)
        shown = _narrow_cases(chosen, room - depth - around)
        text = f"{_source(before)} {shown} {_source(after)}".strip()
        return [_Piece(text, width(nodes), depth, product)]
    start, inner, end = _inside(chosen, room, depth)
    opening = f"{_source(before)} {start}".strip() if before else start
    closing = end + _source(after)
    # The delimiters that it now has are not wider than those that it had, but for a fraction.
    extra = width(before) + 1.6 + (3.0 if chosen.kind != "fence" else 0.0)
    head, *tail = inner
    pieces = [_Piece(f"{opening} {head.source}".strip(), head.width + extra, depth, product), *tail]
    last = pieces[-1]
    pieces[-1] = _Piece(
        f"{last.source} {closing}".strip(),
        last.width + 1.6 + width(after),
        last.depth,
        last.product,
    )
    return pieces


def _can_open(node: Node) -> bool:
    if node.kind == "operator":
        return bool(node.parts) and width(node.parts[0]) > 6.0
    return node.kind in ("fence", "fraction", "root", "cases") or _is_exponential(node)


def _is_exponential(node: Node) -> bool:
    return node.source.startswith("e^") and bool(node.parts)


def _inside(node: Node, room: float, depth: int) -> tuple[str, list[_Piece], str]:
    """Return how an opened node starts, the pieces inside it, and how it ends."""
    within = depth + 1
    if _is_exponential(node):
        start, end = _delimiters("(", ")", node.parts[0])
        return r"\exp" + start, _terms(node.parts[0], room, within), end
    if node.kind == "root":
        start, end = _delimiters("(", ")", node.parts[0])
        return start, _terms(node.parts[0], room, within), end + "^{1/2}"
    if node.kind == "fraction":
        return _opened_fraction(node, room, within)
    start, end = _delimiters(*node.brackets, node.parts[0])
    return start, _terms(node.parts[0], room, within), end + node.scripts


def _opened_fraction(node: Node, room: float, depth: int) -> tuple[str, list[_Piece], str]:
    above, below = node.parts[0], node.parts[1]
    start, end = _delimiters("(", ")", above)
    if width(below) <= room / 3:
        front = rf"\frac{{1}}{{{_source(below)}}} {start}"
        return front, _terms(above, room, depth), end + node.scripts
    under_start, under_end = _delimiters("(", ")", below)
    numerator = _terms(above, room, depth)
    denominator = _terms(below, room, depth)
    last = numerator[-1]
    numerator[-1] = _Piece(last.source + " " + end, last.width + 0.8, last.depth, last.product)
    head = denominator[0]
    denominator[0] = _Piece(
        rf"\Big/ {under_start} {head.source}", head.width + 1.8, depth - 1, False
    )
    return start, [*numerator, *denominator], under_end + node.scripts


def _narrow_cases(node: Node, room: float) -> str:
    """Return cases whose values are broken into lines of their own."""
    pairs = list(zip(node.parts[::2], node.parts[1::2], strict=False))
    beside = max(width(condition) for _, condition in pairs)
    rows = []
    for value, condition in pairs:
        lines = broken_lines(_source(value), max(room - beside - 5.0, 8.0))
        shown = lines[0].source
        if len(lines) > 1:
            rest = " \\\\ ".join(rf"\quad {line.source}" for line in lines[1:])
            shown = rf"\begin{{array}}{{l}} {lines[0].source} \\ {rest} \end{{array}}"
        rows.append(f"{shown} & {_source(condition)}")
    return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}" + node.scripts


def _with_stacked_limits(node: Node) -> Node:
    """Return a sum whose limits stand below each other."""
    name = node.source.split("_", 1)[0]
    rows = [_source(row).rstrip(", ") for row in _split_after_commas(node.parts[0])]
    stacked = r" \\ ".join(row.replace(r":\,", ":") for row in rows)
    widest = max(width(parsed(row, 1)) for row in rows) + 0.4
    return Node(rf"{name}_{{\substack{{{stacked}}}}}", widest, "operator", node.apart)


def _split_after_commas(nodes: Sequence[Node]) -> list[list[Node]]:
    rows: list[list[Node]] = [[]]
    for node in nodes:
        rows[-1].append(node)
        if node.source == "," and width(rows[-1]) > 3.0:
            rows.append([])
    return [row for row in rows if row]


def _delimiters(opening: str, closing: str, inner: Sequence[Node]) -> tuple[str, str]:
    """Return two delimiters of a fixed size, which may stand on different lines."""
    size = "bigg" if any(is_tall(node.source) for node in inner) else "big"
    return rf"\{size}l{opening}", rf"\{size}r{closing}"


def _split_before(nodes: Sequence[Node], signs: Sequence[str]) -> list[list[Node]]:
    groups: list[list[Node]] = [[]]
    for node in nodes:
        if node.source in signs and groups[-1]:
            groups.append([])
        groups[-1].append(node)
    return groups


def _split_factors(nodes: Sequence[Node]) -> list[list[Node]]:
    """Split before what a space sets apart, unless an operator or a sign belongs to it."""
    groups: list[list[Node]] = [[]]
    for node in nodes:
        last = groups[-1][-1] if groups[-1] else None
        begins = node.apart or node.kind == "binary"
        if last is not None and begins and last.kind not in ("operator", "binary", "relation"):
            groups.append([])
        groups[-1].append(node)
    return groups


def _piece(nodes: Sequence[Node], depth: int, product: bool = False) -> _Piece:
    return _Piece(_source(nodes), width(nodes), depth, product)


def _source(nodes: Sequence[Node]) -> str:
    text = ""
    for node in nodes:
        # A command needs a space before a letter, and a space sets factors apart.
        text += (" " if node.apart and text else "") + node.source
    return text
