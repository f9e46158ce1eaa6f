"""What reports say: each symbol by name, from where places count, each kind of step, each rule."""

from typing import get_args

import pytest

import symbp as bp
from symbp.derivations.counting import counted_from
from symbp.derivations.report.blocks import Equations, Heading, Prose, Section, Table
from symbp.derivations.report.contents import contents
from symbp.derivations.report.places import counts_from_zero
from symbp.derivations.step import Kind
from tests.programs import PROGRAMS

NETWORKS = {
    "mlp": lambda: bp.mlp(3, 3, 3),
    **{name: lambda make=make: make()[0] for name, make in PROGRAMS.items()},
}


def section(program: bp.Program, title: str) -> Section:
    (found,) = [s for s in contents(bp.derive(program)) if s.title == title]
    return found


def table(program: bp.Program) -> Table:
    (found,) = [b for b in section(program, "Network").blocks if isinstance(b, Table)]
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_every_tensor_of_the_program_is_in_the_table(name: str) -> None:
    program = NETWORKS[name]()
    listed = [row[1] for row in table(program).rows]
    assert sorted(listed) == sorted(f"`{tensor.name}`" for tensor in program.tensors)


def test_a_long_table_has_a_row_for_each_family() -> None:
    rows = table(bp.mlp(*[10] * 21)).rows
    (row,) = [row for row in rows if "z1" in row[1]]
    assert row[:3] == ("$z^{2}$, $z^{3}$, …, $z^{21}$", "`z1`, `z2`, …, `z20`", "computed")
    # Layers of another size have rows of their own.
    rows = table(bp.mlp(*[10] * 8, 20, *[10] * 8)).rows
    assert [row[0] for row in rows if row[1].startswith("`b")] == [
        "$b^{2}$, $b^{3}$, …, $b^{8}$",
        "$b^{9}$",
        "$b^{10}$, $b^{11}$, …, $b^{17}$",
    ]


# With subscripts that are numbers, or sums of indices.
COUNTED = (
    "convolution", "lstm", "spread", "products", "running", "systems", "burgers", "saliency",
    "turning",
)  # fmt: skip


def test_where_places_are_numbers_it_is_said_from_where_they_count() -> None:
    for name, make in NETWORKS.items():
        expected = name in COUNTED
        assert counts_from_zero(make()) == expected
        for first in (1, 0):  # from 1 as in books, nothing needs to be said
            with counted_from(first):
                made = contents(bp.derive(make(), count_from=first))
            texts = [b.text for s in made for b in s.blocks if hasattr(b, "text")]
            said = any("count from 0" in text for text in texts)
            assert said == (expected and first == 0)


def test_every_kind_of_step_is_shown_with_its_words() -> None:
    seen: set[str] = set()
    classifier = bp.mlp(2, 3, 2, loss="softmax_cross_entropy")
    for program in (*(make() for make in NETWORKS.values()), classifier):
        derivation = bp.derive(program)
        blocks = iter(section(program, "Step by step").blocks)
        for step in derivation.steps():
            block = next(blocks)
            if isinstance(block, Heading):
                block = next(blocks)
            assert isinstance(block, Prose)
            assert block.text.startswith(step.explanation("latex"))
            seen.add(step.kind)
            if block.text.endswith("."):  # short formulas stand in the sentence
                assert step.kind in ("equation", "local derivative")
                assert all(f"${formula}$" in block.text for formula in step.flat())
                continue
            assert block.text == step.explanation("latex") + ":"
            equations = next(blocks)
            assert isinstance(equations, Equations)
            assert [(row.left, row.right) for row in equations.rows] == step.sides()
    assert seen == set(get_args(Kind))


@pytest.mark.parametrize("name", NETWORKS)
def test_each_rule_stands_in_the_report_once(name: str) -> None:
    program = NETWORKS[name]()
    derivation = bp.derive(program)
    sections = contents(derivation)
    rows = [
        (row.left, row.right)
        for found in sections
        if found.title == "Functions"
        for block in found.blocks
        if isinstance(block, Equations)
        for row in block.rows
    ]
    assert len(rows) == len(set(rows))
    for rule in derivation.rules:
        if rule.prime is not None:
            assert rows.count(rule.sides("latex")) == 1
