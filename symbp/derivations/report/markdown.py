"""markdown: a derivation as Markdown with ``$$`` blocks, as GitHub and Jupyter render it."""

from collections.abc import Iterable

from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.report.blocks import (
    Block,
    Equations,
    Heading,
    Listing,
    Picture,
    Prose,
    Section,
    Table,
)
from symbp.derivations.report.contents import contents, plain_title
from symbp.derivations.report.document import aligned_lines
from symbp.derivations.report.macros import without_macros
from symbp.derivations.report.prose import rendered

__all__ = ["markdown_of", "markdown_report"]

# GitHub's column holds this many em of a formula.
_LINE = 44.0


def markdown_report(derivation: GradientEquations, form: str = "matrix", steps: bool = True) -> str:
    """Return a derivation in Markdown; see :meth:`Derivation.markdown`."""
    sections = contents(derivation, form, steps=steps, further=True)
    sections = without_macros(sections, derivation.style)
    return f"# {_words(plain_title(derivation))}\n\n" + "\n".join(map(_section, sections))


def markdown_of(blocks: Iterable[Block]) -> str:
    """Return blocks in Markdown, one below the other."""
    return "\n".join(_block(block) for block in blocks)


def _section(section: Section) -> str:
    return f"## {_text(section.title)}\n\n{markdown_of(section.blocks)}"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"### {_text(block.text)}\n"
    if isinstance(block, Prose):
        return _text(block.text) + "\n"
    if isinstance(block, Equations):
        return _equations(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return f"```mermaid\n{block.mermaid.strip()}\n```\n\n{_text(block.caption)}\n"
    assert isinstance(block, Listing)
    parts = [
        f"```python\n{passage.code}\n```\n\n{_equations(Equations(passage.equations))}"
        for passage in block.passages
    ]
    return "\n".join(parts)


def _equations(block: Equations) -> str:
    if not block.rows:
        return ""
    lines = [
        text + (rf" && \text{{({name})}}" if name else "")
        for text, name in aligned_lines(block.rows, _LINE)
    ]
    body = " \\\\\n".join(lines)
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$\n"


def _table(block: Table) -> str:
    rule = ["---:" if i in block.numeric else "---" for i in range(len(block.header))]
    rows = [[_text(cell) for cell in row] for row in (block.header, *block.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]]) + "\n"


def _text(text: str) -> str:
    return rendered(
        text,
        {
            "plain": _words,
            "formula": lambda formula: f"${formula}$",
            "code": lambda code: f"`{code}`",
        },
    )


def _words(text: str) -> str:
    # What Markdown or HTML inside it would read as a mark.
    marks = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    return "".join(
        rf"\{letter}" if letter in r"\*_[]|#~" else marks.get(letter, letter) for letter in text
    )
