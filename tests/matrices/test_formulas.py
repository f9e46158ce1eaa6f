"""Derivatives of matrix formulas are right, and as short as a textbook prints them."""

from typing import Any

import pytest

from symbp.matrices.parser import parse
from symbp.notation.errors import UnsupportedError
from tests.matrices import facts

TABLE = facts.entries("formulas.toml")
MORE = facts.entries("more_formulas.toml")


def by_id(entry: dict[str, Any]) -> str:
    return str(entry["id"])


@pytest.mark.parametrize("entry", TABLE, ids=by_id)
def test_a_textbook_formula_is_right_and_as_short(entry: dict[str, Any]) -> None:
    found = facts.derivative_of(entry)
    assert facts.largest_difference(found, entry["expected"]) <= 1e-9
    assert found.nodes <= parse(entry["expected"]).nodes, found.ascii()
    assert parse(found.ascii()) == found.tree


def sampled(entries: list[dict[str, Any]]) -> list[Any]:
    """Every fifth at once, the others with what is slow."""
    return [
        pytest.param(entry, marks=[] if n % 5 == 0 else pytest.mark.slow, id=by_id(entry))
        for n, entry in enumerate(entries)
    ]


@pytest.mark.parametrize("entry", sampled(MORE))
def test_another_formula_is_no_longer_than_it_was(entry: dict[str, Any]) -> None:
    # Each is compared with differences before it is returned.
    if "found" not in entry:
        with pytest.raises(UnsupportedError, match="an index would be needed"):
            facts.derivative_of(entry)
        return
    found = facts.derivative_of(entry)
    assert found.nodes <= parse(entry["found"]).nodes, found.ascii()
    assert facts.largest_difference(found, entry["found"], draws=1) <= 1e-9


def test_the_tables_hold_what_they_say() -> None:
    assert len(TABLE) == 126
    assert len({entry["chapter"] for entry in TABLE}) == 17
    assert len(MORE) >= 140
