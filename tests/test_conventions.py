"""At kinks and singular points symbp gives what docs/conventions.md says, and so do its peers.

The table is ``tests/conventions/table.toml``. PyTorch's and CasADi's columns are measured by
``python -m tests.conventions.measure``, outside CI.
"""

import importlib.metadata
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import symbp as bp
from tests.conventions import libraries, own, page
from tests.conventions.table import Point, Section, read

SECTIONS = read()
POINTS = [point for section in SECTIONS for point in section.points]


def is_finite(point: Point) -> bool:
    return all(np.all(np.isfinite(value)) for value in (*point.at.values(), *point.data.values()))


def is_scalar(point: Point) -> bool:
    return all(np.ndim(value) == 0 for value in (*point.at.values(), *point.data.values()))


def by_section(library: str) -> list[Any]:
    """Return the points of a library's column, the first of each section; the others are slow.

    The column of a library is that of a version, and changes with that only.
    """
    points = [[p for p in section.points if library in p.formulas] for section in SECTIONS]
    return [
        pytest.param(point, marks=[pytest.mark.slow] if place else [])
        for group in points
        for place, point in enumerate(group)
    ]


def needs(package: str) -> pytest.MarkDecorator:
    """Skip where another version is installed than the column's."""
    found, measured = importlib.metadata.version(package), libraries.VERSIONS[package]
    return pytest.mark.skipif(
        not found.startswith(f"{measured}."), reason=f"{package} {found}; measured: {measured}"
    )


def differing(points: Iterable[Point], answer: Callable[[Point], str], column: str) -> list[str]:
    """Return the points at which an answer is not what a column says, with both."""
    return [
        f"{point}: {found}, expected {point.cells[column]}"
        for point in points
        if (found := answer(point)) != point.cells[column]
    ]


# All points of a section are one test: each takes milliseconds.
BY_SECTION = pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)


@BY_SECTION
def test_the_derived_equations_keep_the_convention(section: Section) -> None:
    points = [point for point in section.points if "symbp" in point.formulas]
    assert not differing(points, own.by_interpreter, "symbp")


# One point is straight-line code in a module, many are a loop. Modules take seconds to compile:
# every run tries a third of the points.
@pytest.mark.parametrize(
    "copies",
    [pytest.param(None, id="alone"), pytest.param(40, id="in a vector", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(
    "first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in (1, 2))]
)
@BY_SECTION
def test_a_generated_module_keeps_the_conventions(
    section: Section, first: int, copies: int | None
) -> None:
    points = [point for point in section.points if "symbp" in point.formulas]
    if copies is not None:
        points = list(filter(is_scalar, points))
    points = points[first::3]
    if not points:
        pytest.skip("no point here")
    found = own.by_module(points, copies)
    expected = [point.cells["symbp"] for point in points]
    wrong = [
        f"{point.name}: {there}, expected {here}"
        for point, there, here in zip(points, found, expected, strict=True)
        if there != here
    ]
    assert not wrong


@BY_SECTION
def test_a_trace_keeps_the_convention(section: Section) -> None:
    points = [point for point in section.points if "symbp" in point.formulas and is_finite(point)]
    assert not differing(points, own.by_trace, "symbp")


# Data are finite: a softmax of a row that is -∞ throughout has no value, and no zero hides that.
@BY_SECTION
def test_an_adjoint_of_zero_gives_a_gradient_of_zero(section: Section) -> None:
    points = [point for point in section.points if "symbp" in point.formulas and is_finite(point)]
    found = {str(point): own.by_interpreter(point, adjoint=0.0) for point in points}
    wrong = {
        name: answer
        for name, answer in found.items()
        if set(re.findall(r"[^(), ]+", answer.partition("; ")[2])) != {"0"}
    }
    assert not wrong


@needs("jax")
@pytest.mark.parametrize("point", by_section("jax"), ids=str)
def test_jax_gives_what_the_page_says(point: Point) -> None:
    assert libraries.of_jax(point) == point.cells["jax"]


@needs("sympy")
@BY_SECTION
def test_sympy_gives_what_the_page_says(section: Section) -> None:
    def answer(point: Point) -> str:
        try:
            return libraries.of_sympy(point)
        except TypeError:  # "cannot convert", of an answer that is no number
            return libraries.ERROR

    points = [point for point in section.points if "sympy" in point.formulas]
    assert not differing(points, answer, "sympy")


def test_the_rows_of_the_page_are_those_of_the_table() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.with_tables(text, SECTIONS)


def test_every_cell_is_filled_and_every_point_is_there_once() -> None:
    assert len({str(point) for point in POINTS}) == len(POINTS)
    assert not [str(point) for point in POINTS if "?" in "".join(point.cells.values())]


x, y = bp.parameter("x"), bp.parameter("y")
(k,) = bp.indices("k", 3)
v = bp.parameter("v", k)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (bp.relu(x), ["relu′(0) = 0"]),
        (abs(x), ["convention", "0 at 0"]),
        (bp.maximum(x, y), ["convention", "tie"]),
        (bp.Max(v[k], k), ["shared equally among ties"]),
        (x**y, ["convention", "0"]),
        (bp.sqrt(bp.Sum(v[k] ** 2, k)), ["convention", "derivative of a norm is 0"]),
    ],
    ids=str,
)
def test_a_derivation_prints_the_convention(formula: Any, words: list[str]) -> None:
    f = bp.tensor("f")
    derivation = bp.derive(bp.Program([bp.Equation(f, formula)], cost=f))
    said = " ".join(rule.text() for rule in derivation.rules)
    assert not [word for word in words if word not in said]


def test_numbers_are_written_as_the_page_shows_them() -> None:
    from tests.conventions.table import cell

    written = cell(-math.inf, [0.5, [1 / 3, -0.25], [[0.0, -0.0]], math.nan, 1e200, 123456.7])
    assert written == "−∞; ½, (⅓, −¼), (0, 0), NaN, 1e+200, 1.2346e+05"
