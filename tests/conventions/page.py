"""The tables of ``docs/conventions.md``, from ``table.toml``.

The page is written by hand but for what follows a mark such as ``<!-- table: Powers -->``.
``python -m tests.conventions.page`` writes these parts anew; a test compares them.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.conventions.table import LIBRARIES, Point, Section, read

__all__ = ["PAGE", "with_tables"]

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"
_PART = re.compile(r"<!-- (table|count): ?(.*?) -->\n\n(?:.+\n)*")


def with_tables(text: str, sections: Sequence[Section]) -> str:
    """Return the page with its marked parts as the table has them."""
    parts = {section.name: section for section in sections}
    marks = _PART.findall(text)
    missing = set(parts) - {name for kind, name in marks if kind == "table"}
    if missing:
        raise ValueError(f"the page has no table for {', '.join(sorted(missing))}")

    def part(match: re.Match[str]) -> str:
        kind, name = match.groups()
        content = _count(sections) if kind == "count" else _table(parts[name].points)
        return f"<!-- {kind}: {name} -->\n\n{content}"

    return _PART.sub(part, text)


def _table(points: Sequence[Point]) -> str:
    lines = ["| at | " + " | ".join(LIBRARIES.values()) + " |", "|---" * 6 + "|"]
    for point in points:
        cells = []
        for library, cell in point.cells.items():
            cells.append(f"**{cell}**" if _differs(point, library) else cell)
        lines.append("| " + " | ".join(_escaped(text) for text in (point.name, *cells)) + " |")
    return "\n".join(lines) + "\n"


def _count(sections: Sequence[Section]) -> str:
    points = [point for section in sections for point in section.points]
    said = []
    for library, name in LIBRARIES.items():
        if library != "symbp":
            both = [p for p in points if {library, "symbp"} <= p.formulas.keys()]
            different = sum(_differs(point, library) for point in both)
            said.append(f"{name} at {different} of {len(both)}")
    return f"Other than symbp: {', '.join(said)} points.\n"


def _differs(point: Point, library: str) -> bool:
    return {library, "symbp"} <= point.formulas.keys() and point.cells[library] != point.cells[
        "symbp"
    ]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), read()), encoding="utf-8")
