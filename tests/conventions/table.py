"""The points of ``table.toml``, and how a value with its derivatives is written there.

A point has a place (numbers for its variables, and data that nothing is differentiated by), and for
each library how one writes the formula there and what comes out: ``value; derivative, …``, one
derivative a variable, in parentheses where the variable is a vector.
"""

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

__all__ = ["LIBRARIES", "TABLE", "Point", "Section", "cell", "read", "rewritten"]

TABLE = Path(__file__).with_name("table.toml")
LIBRARIES = {
    "symbp": "symbp",
    "jax": "JAX",
    "torch": "PyTorch",
    "casadi": "CasADi",
    "sympy": "SymPy",
}
NAMED = {
    Fraction(1, 2): "½", Fraction(1, 3): "⅓", Fraction(2, 3): "⅔", Fraction(1, 4): "¼",
    Fraction(3, 4): "¾", Fraction(1, 6): "⅙",
}  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A kink or a singular point.

    Attributes
    ----------
    section, name : str
        Where it stands on the page, and what the page calls it.
    at, data : dict of str to number or list
        The variables to differentiate by, in order, and what else the formula reads.
    formulas, cells : dict of str to str
        For each library how the formula is written there and what it gives; a library that has
        no such function is missing from the first and has ``–`` in the second.
    """

    section: str
    name: str
    at: dict[str, Any]
    data: dict[str, Any]
    formulas: dict[str, str]
    cells: dict[str, str]

    def __str__(self) -> str:
        return f"{self.section}: {self.name}"


@dataclass(frozen=True)
class Section:
    """A group of points; its name is also that of its place on the page."""

    name: str
    points: tuple[Point, ...]


def read(path: Path = TABLE) -> tuple[Section, ...]:
    """Return the sections of the table, in order."""
    sections = []
    for name, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
        points = []
        for entry in entries:
            formulas = {key: entry[key][0] for key in LIBRARIES if key in entry}
            cells = {key: entry[key][1] if key in entry else "–" for key in LIBRARIES}
            at, data = entry["at"], entry.get("data", {})
            points.append(Point(name, entry["point"], at, data, formulas, cells))
        sections.append(Section(name, tuple(points)))
    return tuple(sections)


def cell(value: float, derivatives: Iterable[Any]) -> str:
    """Return a value and its derivatives (numbers, or nested lists of them) as one text."""
    return f"{_written(value)}; {', '.join(_written(each) for each in derivatives)}"


def _written(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        if len(value) == 1 and isinstance(value[0], (list, tuple)):
            value = value[0]
        return f"({', '.join(_written(each) for each in value)})"
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    fraction = Fraction(abs(number)).limit_denominator(6)
    sign = "−" if number < 0 else ""
    if fraction in NAMED and abs(abs(number) - fraction) < 1e-9:
        return sign + NAMED[fraction]
    text = f"{abs(number):.5g}"
    return sign + text if text != "0" else "0"


def rewritten(text: str, library: str, cells: dict[str, str]) -> str:
    """Return the table's text with one library's cells changed, point by point.

    Parameters
    ----------
    text : str
        Of the table.
    library : str
        A key of :data:`LIBRARIES`.
    cells : dict of str to str
        The new cell of each point, by ``str(point)``.
    """
    lines, section, point = [], "", ""
    for line in text.splitlines():
        if line.startswith("[["):
            section = line.strip("[]").strip('"')
        elif line.startswith("point = "):
            point = tomllib.loads(line)["point"]
        elif line.startswith(f"{library} = ") and f"{section}: {point}" in cells:
            formula = line.rpartition('", "')[0]
            line = f'{formula}", "{cells[f"{section}: {point}"]}"]'
        lines.append(line)
    return "\n".join(lines) + "\n"
