"""formula: LaTeX of a formula as a tree of what prints, each node with its width.

It reads what the printers write (and what a user's symbols hold): signs, scripts, fractions,
roots, sums with limits, parentheses and cases. The tree is what lines are broken along.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from symbp.derivations.report.widths import (
    BIG_OPERATORS,
    COMMANDS,
    DELIMITER,
    NAMES,
    SCALES,
    SPACES,
    letter_width,
    text_width,
)

__all__ = ["Node", "is_tall", "parsed", "width"]

Kind = Literal[
    "sign", "binary", "relation", "operator", "fence", "fraction", "root", "cases", "space"
]

# Commands with their number of arguments, which print as text or as a formula.
_TEXT = {"mathrm", "mathbf", "mathit", "mathsf", "mathtt", "operatorname", "text", "textrm"}
_ACCENTS = {"hat", "tilde", "bar", "vec", "dot", "ddot", "overline", "mathcal", "mathbb", "widehat"}
_OPENING, _CLOSING = {"(", "[", r"\lVert", r"\lfloor"}, {")", "]", r"\rVert", r"\rfloor"}
_BINARY = {"+", "-", r"\odot", r"\oslash", r"\cdot", r"\times", r"\wedge", r"\vee"}
_RELATIONS = {"=", "<", ">", r"\le", r"\ge", r"\neq", r"\leq", r"\geq", r"\to", r"\approx"}


@dataclass(frozen=True)
class Node:
    """A part of a formula.

    Attributes
    ----------
    source : str
        Its LaTeX, scripts included.
    width : float
        In em.
    kind : str
        What it is to a line: ``"operator"`` belongs to what follows it.
    apart : bool
        Whether a space stands before it, which the printers put between factors only.
    parts : tuple of tuple of Node
        What a fence encloses; a fraction's two sides; what a root stands over; an exponent.
    brackets : tuple of str
        A fence's two delimiters.
    scripts : str
        What stands above and below, as in the source.
    """

    source: str
    width: float
    kind: Kind = "sign"
    apart: bool = False
    parts: "tuple[tuple[Node, ...], ...]" = ()
    brackets: tuple[str, str] = ("", "")
    scripts: str = ""


def width(nodes: Sequence[Node]) -> float:
    """Return the width of nodes beside each other, in em."""
    return sum(node.width for node in nodes)


def is_tall(source: str) -> bool:
    """Whether something is taller than a line, so that parentheses around it must grow."""
    return any(part in source for part in (r"\frac", r"\sum", r"\max_", r"\min_", r"\begin"))


def parsed(latex: str, level: int = 0) -> tuple[Node, ...]:
    """Return a formula's nodes.

    Parameters
    ----------
    latex : str
        Without delimiters. What cannot be read as a formula becomes signs: it never fails.
    level : int, default 0
        1 in a script, 2 in a script of a script.
    """
    return _Reader(latex, min(level, 2)).nodes()


class _Reader:
    def __init__(self, latex: str, level: int) -> None:
        self.text, self.at, self.level = latex, 0, level
        self.scale = SCALES[level]

    def nodes(self, closing: str = "") -> tuple[Node, ...]:
        """Read until a closing delimiter, which is passed over, or the end."""
        found: list[Node] = []
        apart = False
        while self.at < len(self.text):
            if self.text[self.at] == " ":
                apart = True
                self.at += 1
                continue
            token = self.token()
            if closing and token == closing:
                return tuple(found)
            node = self.scripted(self.node(token))
            found.append(replace(node, apart=apart and bool(found)))
            apart = False
        return tuple(found)

    def token(self) -> str:
        """Return a command, an escaped sign or a character, and pass over it."""
        start = self.at
        self.at += 1
        if self.text[start] == "\\" and self.at < len(self.text):
            self.at += 1
            while (
                self.text[start + 1].isalpha()
                and self.at < len(self.text)
                and self.text[self.at].isalpha()
            ):
                self.at += 1
        return self.text[start : self.at]

    def skip_spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def argument(self) -> str:
        """Return what a command or a script is applied to, without its braces."""
        self.skip_spaces()
        if self.at >= len(self.text):
            return ""
        if self.text[self.at] != "{":
            return self.token()
        start = self.at + 1
        self.to_matching_brace()
        return self.text[start : self.at - 1]

    def to_matching_brace(self) -> None:
        depth = 0
        while self.at < len(self.text):
            token = self.token()
            depth += (token == "{") - (token == "}")
            if depth == 0:
                return

    def node(self, token: str) -> Node:
        start = self.at - len(token)
        name = token[1:] if token.startswith("\\") else ""
        if token == "{":
            self.at -= 1
            inner = self.argument()
            return self.sign(start, width(parsed(inner, self.level)))
        if name in SPACES:
            return self.sign(start, SPACES[name], "space")
        if token in _BINARY:
            extra = 0.46 if self.level == 0 else 0.0
            wide = COMMANDS.get(name) or letter_width(token)
            return self.sign(start, wide + extra / self.scale, "binary")
        if token in _RELATIONS:
            extra = 0.56 if self.level == 0 else 0.0
            wide = COMMANDS.get(name) or letter_width(token)
            return self.sign(start, wide + extra / self.scale, "relation")
        if token == ",":
            return self.sign(start, 0.28 + 0.17)
        if name == "frac":
            sides = parsed(self.argument(), self.level), parsed(self.argument(), self.level)
            wide = max(map(width, sides)) + 0.24
            return Node(self.text[start : self.at], wide, "fraction", parts=sides)
        if name == "sqrt":
            inside = parsed(self.argument(), self.level)
            return Node(self.text[start : self.at], width(inside) + 1.0, "root", parts=(inside,))
        if name in _TEXT:
            operator = 0.34 if name == "operatorname" else 0.0
            plain = self.argument().replace("\\_", "_")
            return self.sign(start, text_width(plain) + operator)
        if name in _ACCENTS:
            return self.sign(start, width(parsed(self.argument(), self.level)) + 0.3)
        if name == "left":
            return self.growing_fence(start)
        if name == "begin" and self.argument() == "cases":
            return self.cases(start)
        if token in _OPENING:
            return self.fence(start, token)
        if name in BIG_OPERATORS and self.text[self.at : self.at + 1] == "_":
            return self.big_operator(start, BIG_OPERATORS[name])
        if name in NAMES:
            return self.sign(start, text_width(name) + 0.34, "operator")
        if name in ("partial", "nabla"):
            return self.sign(start, COMMANDS[name], "operator")
        if name:
            return self.sign(start, COMMANDS.get(name, 1.3))
        return self.sign(start, letter_width(token))

    def sign(self, start: int, wide: float, kind: Kind = "sign") -> Node:
        return Node(self.text[start : self.at], wide * self.scale, kind)

    def big_operator(self, start: int, wide: float) -> Node:
        self.at += 1
        below = parsed(self.argument(), self.level + 1)
        wide = max(wide * self.scale, width(below)) + 0.34
        return Node(self.text[start : self.at], wide, "operator", parts=(below,))

    def fence(self, start: int, opening: str) -> Node:
        closing = {"(": ")", "[": "]", r"\lVert": r"\rVert", r"\lfloor": r"\rfloor"}[opening]
        inner = self.nodes(closing)
        wide = (0.78 if "\\" not in opening else 1.0) * self.scale + width(inner)
        return Node(
            self.text[start : self.at], wide, "fence", parts=(inner,), brackets=(opening, closing)
        )

    def growing_fence(self, start: int) -> Node:
        self.skip_spaces()
        opening = self.token()
        first = self.at
        depth = 1
        while depth and self.at < len(self.text):
            before = self.at
            token = self.token()
            depth += (token == r"\left") - (token == r"\right")
        inner = parsed(self.text[first:before], self.level)
        self.skip_spaces()
        closing = self.token() if self.at < len(self.text) else "."
        wide = 2 * DELIMITER + 0.34 + width(inner)
        return Node(
            self.text[start : self.at], wide, "fence", parts=(inner,), brackets=(opening, closing)
        )

    def cases(self, start: int) -> Node:
        end = r"\end{cases}"
        first = self.at
        depth = 1
        while depth and self.at < len(self.text):
            if self.text.startswith(end, self.at):
                depth -= 1
                self.at += len(end)
            elif self.text.startswith(r"\begin{cases}", self.at):
                depth += 1
                self.at += len(r"\begin{cases}")
            else:
                self.at += 1
        rows = _split(self.text[first : self.at - len(end)], "\\\\")
        cells = [[parsed(cell, self.level) for cell in _split(row, "&")] for row in rows]
        columns = max(len(row) for row in cells)
        wide = sum(max(width(row[c]) for row in cells if c < len(row)) for c in range(columns))
        parts = tuple(cell for row in cells for cell in row)
        return Node(
            self.text[start : self.at], wide + 1.2 + 1.0 * (columns - 1), "cases", parts=parts
        )

    def scripted(self, node: Node) -> Node:
        """Return a node with the primes and scripts that follow it."""
        start = self.at
        primes = above = below = 0.0
        parts = node.parts
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "'":
                self.at += 1
                primes += 0.3
            elif sign in "^_":
                self.at += 1
                script = parsed(self.argument(), self.level + 1)
                if sign == "^":
                    above = width(script)
                    parts = (*parts, script)
                else:
                    below = width(script)
            else:
                break
        if self.at == start:
            return node
        scripts = self.text[start : self.at]
        wide = node.width + max(primes + above, below) + 0.06
        return replace(node, source=node.source + scripts, width=wide, parts=parts, scripts=scripts)


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator that stands in no braces and no environment."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(text):
        if text.startswith(separator, at) and depth == 0:
            parts.append(text[start:at])
            at += len(separator)
            start = at
            continue
        if text.startswith(("\\begin", "{"), at):
            depth += 1
        elif text.startswith(("\\end", "}"), at):
            depth -= 1
        at += 2 if text[at] == "\\" and at + 1 < len(text) else 1
    return [*parts, text[start:]]
