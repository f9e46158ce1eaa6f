r"""document: a derivation as a LaTeX document that pdflatex compiles with standard packages.

Displays are flush left, so that the room of a line is known, and broken by
:mod:`symbp.derivations.report.line_breaking`; pages may break between the lines of a display.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.languages import words_of
from symbp.derivations.markup import GREEK
from symbp.derivations.numbering import EquationLabels
from symbp.derivations.report.blocks import (
    Block,
    Equations,
    Heading,
    Prose,
    Row,
    Section,
    Table,
)
from symbp.derivations.report.contents import contents, plain_title
from symbp.derivations.report.formula import parsed, width
from symbp.derivations.report.line_breaking import broken_lines
from symbp.derivations.report.prose import rendered

__all__ = ["LINE", "aligned_lines", "latex_document"]

#: The width of a line in em of ten points: A4 with margins of 25 mm, less the indent.
LINE = 43.0
# Beyond this a left side stands on a line of its own, where the right sides begin.
_WIDE_LEFT = 16.0
# The sign of equality with its spaces.
_EQUAL = 1.35
# Between two columns of equations.
_BETWEEN = 2.5
# Rows from which on a table is halved.
_LONG_TABLE = 12

_PREAMBLE = r"""\documentclass[a4paper,fleqn]{article}
\usepackage[hmargin=25mm,vmargin=20mm]{geometry}
\usepackage{amsmath}
\usepackage{amssymb}
\setlength{\mathindent}{1.5em}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.6ex plus 0.4ex}
\setlength{\jot}{5pt}
\AtBeginDocument{%
  \setlength{\abovedisplayskip}{5pt plus 2pt}\setlength{\abovedisplayshortskip}{5pt plus 2pt}%
  \setlength{\belowdisplayskip}{7pt plus 3pt}\setlength{\belowdisplayshortskip}{7pt plus 3pt}}
\renewcommand{\arraystretch}{1.25}
\allowdisplaybreaks
\raggedright
\raggedbottom
"""


def latex_document(derivation: GradientEquations, form: str = "matrix") -> str:
    """Return a whole document; see :meth:`Derivation.document`."""
    style = derivation.style
    words = words_of(style.language)
    title = _words(plain_title(derivation))
    head = _PREAMBLE + words.preamble + style.preamble + "\n" * bool(style.preamble)
    parts = [
        head + style.definitions(),
        "\n\\begin{document}",
        # Without the room for an author and a date.
        rf"\begin{{center}}\LARGE {words.say('report.title')}\\[0.7ex]",
        rf"\large {title}\end{{center}}",
    ]
    labels = EquationLabels() if style.numbered else None
    parts += [_section(section, labels) for section in contents(derivation, form)]
    return _ascii("\n".join([*parts, "\\end{document}\n"]), words.letters)


def aligned_lines(
    rows: Iterable[Row], line: float, beside: Iterable[Row] | None = None
) -> list[tuple[str, str]]:
    r"""Return rows as lines of an alignment, each with its name.

    Parameters
    ----------
    rows : iterable of Row
        The equations.
    line : float
        The width of a line in em.
    beside : iterable of Row, optional
        All rows of the alignment, if there are others.

    Returns
    -------
    list of (str, str)
        ``left &= right`` and what it is called.
    """
    rows = list(rows)
    lefts = [width(parsed(row.left)) for row in rows]
    others = lefts if beside is None else [width(parsed(row.left)) for row in beside]
    widest = max([left for left in others if left <= _WIDE_LEFT], default=0.0)
    lines = []
    for row, left in zip(rows, lefts, strict=True):
        name = 1.2 * len(row.name) + 2.0 if row.name else 0.0
        room = line - widest - _EQUAL
        sign, indent = row.sign, 0.0
        if not row.sign:
            sign, indent = r"\quad" + (" {}" if row.right.startswith(("+", "-")) else ""), 1.0
        start = row.left
        if left > _WIDE_LEFT:
            lines.append((f"&{row.left}", ""))
            start, sign, indent = "", rf"\quad {row.sign}", 1.0
        first, *rest = broken_lines(row.right, room - name - indent, room - 1.0)
        lines.append((f"{start} &{sign} {first.source}".strip(), row.name))
        for piece in rest:
            lines.append((r"&\quad" + r"\quad" * piece.depth + " " + piece.source, ""))
    return lines


def _section(section: Section, labels: EquationLabels | None) -> str:
    parts = [rf"\section*{{{_text(section.title)}}}"]
    before: Block | None = None
    for block in section.blocks:
        if isinstance(block, Equations) and not isinstance(before, Prose):
            # A display that no words lead to would begin with an empty line.
            parts.append(r"\nopagebreak\vspace{-0.6\baselineskip}")
        elif isinstance(before, Prose):
            parts.append("" if not isinstance(block, Equations) else r"\nopagebreak")
        # A step says again what has a number already.
        parts.append(_block(block, None if section.detailed else labels))
        before = block
    return "\n".join([*parts, ""])


def _block(block: Block, labels: EquationLabels | None) -> str:
    if isinstance(block, Heading):
        return rf"\subsection*{{{_text(block.text, display=True)}}}"
    if isinstance(block, Prose):
        return _text(block.text)
    if isinstance(block, Equations):
        return _equations(block, labels)
    if isinstance(block, Table):
        return _table(block)
    return ""  # drawings and listings are parts of a page


def _equations(block: Equations, labels: EquationLabels | None) -> str:
    rows = block.rows
    named = max((at + 1 for at, row in enumerate(rows) if row.name), default=0)
    # Numbers stand at the right, one a line.
    columns = 1 if labels is not None and any(row.key for row in rows) else _columns(rows[named:])
    if columns > 1:
        first = [_equations(Equations(rows[:named]), labels), r"\nopagebreak"] if named else []
        return "\n".join([*first, _side_by_side(rows[named:], columns)])
    lines = []
    numbered = False
    for row in rows:
        label = rf" \label{{{labels.of(row.key)}}}" if labels is not None and row.key else ""
        numbered = numbered or bool(label)
        for position, text in enumerate(aligned_lines([row], LINE, rows)):
            lines.append((text[0], text[1], label if not position else ""))
    # In a display with numbers, lines that go on have none.
    plain = r" \nonumber" if numbered else ""
    body = " \\\\\n".join(
        text + (rf" \tag{{{name}}}" if name else "") + (label or ("" if name else plain))
        for text, name, label in lines
    )
    star = "" if numbered else "*"
    return f"\\begin{{align{star}}}\n{body}\n\\end{{align{star}}}"


def _columns(rows: Sequence[Row]) -> int:
    """Return in how many columns equations fit beside one another; those with names need a line."""
    if len(rows) < 3 or any(row.name or not row.left or row.sign != "=" for row in rows):
        return 1
    widest = max(width(parsed(row.left)) for row in rows) + _EQUAL
    widest += max(width(parsed(row.right)) for row in rows) + _BETWEEN
    return max(1, min(3, len(rows), int((LINE + _BETWEEN) / widest)))


def _side_by_side(rows: Sequence[Row], columns: int) -> str:
    """Return short equations in columns, to be read one column after the other."""
    high = -(-len(rows) // columns)
    lines = []
    for first in range(high):
        beside = rows[first::high]
        lines.append(r" &\qquad ".join(f"{row.left} &= {row.right}" for row in beside))
    body = " \\\\\n".join(lines)
    return f"\\begin{{alignat*}}{{{columns}}}\n{body}\n\\end{{alignat*}}"


def _table(block: Table) -> str:
    # A long table stands in two halves, side by side.
    half = len(block.rows) if len(block.rows) < _LONG_TABLE else -(-len(block.rows) // 2)
    parts = [block.rows[at : at + half] for at in range(0, len(block.rows), half)] or [()]
    columns = "".join("r" if i in block.numeric else "l" for i in range(len(block.header)))
    tables = []
    for part in parts:
        rows = [" & ".join(map(_text, row)) + r" \\" for row in (block.header, *part)]
        body = "\n".join([rows[0] + r" \hline", *rows[1:]])
        tables.append("\\begin{tabular}[t]{" + columns + "}\n" + body + "\n\\end{tabular}")
    between = "\n\\quad\n"
    small = "\\small\n" if len(parts) > 1 else ""
    return f"\\begin{{center}}\n{small}{between.join(tables)}\n\\end{{center}}"


def _text(text: str, display: bool = False) -> str:
    style = r"\displaystyle " if display else ""
    return rendered(
        text,
        {
            "plain": _words,
            "formula": lambda formula: f"${style}{formula}$",
            "code": lambda code: rf"\texttt{{{_words(code)}}}",
        },
    )


_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": "$<$", ">": "$>$", "|": "$|$", '"': "''", "…": r"\dots{}", "–": "--", "—": "---",
    "×": r"$\times$", "·": r"$\cdot$", "≤": r"$\le$", "≥": r"$\ge$", "∂": r"$\partial$",
    "−": "$-$",
}  # fmt: skip


def _words(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
_LETTERS = {"ß": r"\ss", "ø": r"\o", "Ø": r"\O", "æ": r"\ae", "Æ": r"\AE", "œ": r"\oe",
            "ł": r"\l", "Ł": r"\L", "ı": r"\i", "¬": r"\ensuremath{\neg}"}  # fmt: skip
_GREEK = {letter: rf"\ensuremath{{\{name}}}" for name, letter in GREEK.items()}


def _ascii(text: str, letters: str = "") -> str:
    """Return text that the fonts have: accents as commands, other signs by their number.

    Letters of the document's own language stand as they are.
    """
    own = re.compile(letters or r"(?!)")
    return "".join(
        letter if letter.isascii() or own.match(letter) else _command(letter) for letter in text
    )


def _command(letter: str) -> str:
    if letter in _GREEK:
        return _GREEK[letter]
    if letter in _LETTERS:
        return rf"\text{{{_LETTERS[letter]}}}"
    plain, *marks = list(unicodedata.normalize("NFD", letter))
    if plain.isascii() and len(marks) == 1 and marks[0] in _ACCENTS:
        return rf"\text{{\{_ACCENTS[marks[0]]}{{{plain}}}}}"
    return rf"\text{{[U+{ord(letter):04X}]}}"
