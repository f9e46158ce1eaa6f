"""page: a derivation as one HTML page that needs no network and no JavaScript."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.languages import words_of
from symbp.derivations.report.blocks import (
    Block,
    Equations,
    Heading,
    Listing,
    Passage,
    Picture,
    Prose,
    Row,
    Section,
    Table,
)
from symbp.derivations.report.contents import contents, plain_title
from symbp.derivations.report.formula import parsed, width
from symbp.derivations.report.line_breaking import broken_lines
from symbp.derivations.report.macros import without_macros
from symbp.derivations.report.mathml import mathml
from symbp.derivations.report.prose import rendered
from symbp.derivations.report.sections import further_sections
from symbp.derivations.report.stylesheet import STYLESHEET

__all__ = ["html_page"]

# The room of a line in em, in the text and beside code. Narrower screens scroll.
_LINE, _BESIDE = 46.0, 26.0
_WIDE_LEFT = 9.0


def html_page(derivation: GradientEquations, form: str = "matrix") -> str:
    """Return the report; see :meth:`Derivation.html`."""
    title, words = plain_title(derivation), words_of(derivation.style.language)
    sections = [*contents(derivation, form, further=True), *further_sections(derivation)]
    sections = without_macros(sections, derivation.style)
    # The functions stand last, as an appendix.
    sections.sort(key=lambda section: section.anchor == "functions")
    links = "".join(
        f'<li><a href="#{_anchor(section)}">{_text(section.title)}</a></li>' for section in sections
    )
    body = "\n".join(map(_section, sections))
    inside = escape(words.say("report.contents"))
    return (
        f'<!DOCTYPE html>\n<html lang="{words.tag}">\n<head>\n<meta charset="utf-8" />\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1" />\n'
        f"<title>{escape(title)}</title>\n<style>{STYLESHEET}</style>\n</head>\n<body>\n"
        '<div class="page">\n<header>\n<h1>'
        f"{words.say('report.title')}</h1>\n"
        f'<p class="subtitle">{escape(title)}</p>\n</header>\n'
        f'<nav aria-label="{inside}">\n<ol>{links}</ol>\n</nav>\n<main>\n{body}\n</main>\n'
        "</div>\n</body>\n</html>\n"
    )


def _anchor(section: Section) -> str:
    return section.anchor or section.title.lower().replace(" ", "-")


def _section(section: Section) -> str:
    groups = _groups(section.blocks) if section.detailed else [(None, section.blocks)]
    parts = []
    for heading, blocks in groups:
        inner = "\n".join(map(_block, blocks))
        if heading is None:
            parts.append(inner)
        else:
            summary = f"<summary>{_text(heading.text)}</summary>"
            parts.append(f'<details open="open">{summary}\n{inner}\n</details>')
    inner = "\n".join(parts)
    return (
        f'<section id="{_anchor(section)}">\n<h2>{_text(section.title)}</h2>\n{inner}\n</section>'
    )


def _groups(blocks: Iterable[Block]) -> list[tuple[Heading | None, list[Block]]]:
    """Return blocks under the heading that they stand under."""
    groups: list[tuple[Heading | None, list[Block]]] = [(None, [])]
    for block in blocks:
        if isinstance(block, Heading):
            groups.append((block, []))
        else:
            groups[-1][1].append(block)
    return groups


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h3>{_text(block.text)}</h3>"
    if isinstance(block, Prose):
        return f"<p>{_text(block.text)}</p>"
    if isinstance(block, Equations):
        return _equations(block.rows, _LINE)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return _picture(block)
    assert isinstance(block, Listing)
    return "\n".join(map(_passage, block.passages))


def _equations(rows: Sequence[Row], line: float) -> str:
    lefts = [width(parsed(row.left)) for row in rows]
    beside = max([left for left in lefts if left <= _WIDE_LEFT], default=0.0)
    parts = [
        _row(row, left > _WIDE_LEFT, line - beside) for row, left in zip(rows, lefts, strict=True)
    ]
    return f'<div class="equations">{"".join(parts)}</div>'


def _row(row: Row, wide: bool, room: float) -> str:
    kind = "left wide" if wide else "left"
    left = f'<div class="{kind}">{mathml(row.left, display=True)}</div>' if row.left else ""
    first, *rest = broken_lines(row.right, room, room - 2.0)
    indent = r"\quad " if not row.sign else ""
    plus = "{} " if row.right.startswith(("+", "-")) and not row.sign else ""
    lines = [f"{row.sign or indent} {plus}{first.source}"]
    lines += [r"\quad" + r"\quad" * piece.depth + " " + piece.source for piece in rest]
    right = "".join(f'<div class="line">{mathml(text, display=True)}</div>' for text in lines)
    name = f'<div class="name">({row.name})</div>' if row.name else ""
    return f'<div class="row">{left}<div class="right">{right}</div>{name}</div>'


def _table(block: Table) -> str:
    number = ' class="number"'

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{number if i in block.numeric else ''}>{_text(cell)}</{tag}>"
            for i, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in block.rows)
    head = f"<thead><tr>{cells(block.header, 'th')}</tr></thead>"
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'


def _picture(block: Picture) -> str:
    return (
        f'<figure><div class="scroll">{block.svg}</div>'
        f"<figcaption>{_text(block.caption)}</figcaption></figure>"
    )


def _passage(passage: Passage) -> str:
    # Each line is a block of its own, whose end hangs below its beginning where it is too long.
    lines = "".join(
        f'<span class="code-line"><span class="number">{number}</span>{escape(text)}\n</span>'
        for number, text in passage.lines
    )
    beside = _equations(passage.equations, _BESIDE) if passage.equations else ""
    if passage.note:
        beside += f"<p>{_text(passage.note)}</p>"
    if passage.derived:
        beside += _equations(passage.derived, _BESIDE)
    return (
        f'<div class="passage"><pre><code>{lines}</code></pre>'
        f'<div class="beside">{beside}</div></div>'
    )


_PUNCTUATED = re.compile(r"(<math(?:(?!<math).)*?</math>[,.;:)]+)")


def _text(text: str) -> str:
    shown = rendered(
        text,
        {
            "plain": escape,
            "formula": mathml,
            "code": lambda code: f"<code>{escape(code)}</code>",
        },
    )
    # Browsers would break a line between a formula and the comma behind it.
    return _PUNCTUATED.sub(r'<span class="whole">\1</span>', shown)
