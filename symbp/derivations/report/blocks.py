"""blocks: what a report is made of, before it is LaTeX, Markdown or HTML.

Text of a report is plain words in which formulas stand between dollars and code between
backquotes; a name that a user gave stands inside one or the other.
"""

from dataclasses import dataclass

__all__ = [
    "Block", "Equations", "Heading", "Listing", "Passage", "Picture", "Prose", "Row", "Section",
    "Table",
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One displayed equation: LaTeX of its two sides, and its name, such as ``BP1``.

    A row without a left side goes on from the one above: ``= …``, or without a sign ``+ …``. The
    key is what its label is made of, where equations have numbers; empty for one without.
    """

    left: str
    right: str
    name: str = ""
    sign: str = "="
    key: str = ""


@dataclass(frozen=True)
class Equations:
    """Equations below each other, aligned at their signs of equality."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table of texts; `numeric` are the columns that are set flush right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A drawing, as SVG to stand in a page and as Mermaid; `caption` says what it shows."""

    svg: str
    mermaid: str
    caption: str


@dataclass(frozen=True)
class Passage:
    """Lines of code beside what they compute.

    Attributes
    ----------
    lines : tuple of (int, str)
        Each with its number in the module.
    equations : tuple of Row
        What the code computes.
    note : str
        What the equations are part of, or what code without equations does.
    derived : tuple of Row
        The lines of the derivation that the equations are part of.
    """

    lines: tuple[tuple[int, str], ...]
    equations: tuple[Row, ...] = ()
    note: str = ""
    derived: tuple[Row, ...] = ()

    @property
    def code(self) -> str:
        """The text of the lines."""
        return "\n".join(line for _, line in self.lines)


@dataclass(frozen=True)
class Listing:
    """Code beside the equations that it computes."""

    passages: tuple[Passage, ...]


Block = Equations | Prose | Heading | Table | Picture | Listing


@dataclass(frozen=True)
class Section:
    """A part of a report with a title; `detailed` ones can be folded away by a reader.

    `anchor` names it in a link, the same in every language; the title does where it is empty.
    """

    title: str
    blocks: tuple[Block, ...]
    detailed: bool = False
    anchor: str = ""
