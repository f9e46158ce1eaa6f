"""What a notebook shows is cut where it is too long, and says so."""

import pytest
import sympy

import symbp as bp
from symbp.notation import display
from symbp.notation.display import MOST_EQUATIONS, MOST_TERMS, abbreviated, shown_equations

k = bp.Index("k", 2000)
x, f, g = bp.parameter("x", k), bp.tensor("f"), bp.tensor("g")
SHORT = bp.Equation(f, x[0] + 1)
LONG = bp.Equation(g, sum((x[i] * x[i + 1] for i in range(1, 1999)), x[0]))


def test_what_is_short_is_shown_whole() -> None:
    assert shown_equations([SHORT, SHORT], "print(p)") == ([(SHORT, ""), (SHORT, "")], "")


@pytest.mark.parametrize("equations", [[LONG], [LONG, SHORT], [SHORT, LONG]])
def test_a_sum_that_is_cut_is_followed_by_what_shows_all(
    equations: list[bp.Equation], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The two together have room, so that only the terms are cut.
    shown = [abbreviated(equation) for equation in equations]
    monkeypatch.setattr(display, "MOST_NODES", 3000)
    assert shown_equations(equations, "print(p)") == (shown, "print(p) shows all")
    ((cut, left_out),) = [pair for pair in shown if pair[0].tensor is g]
    assert len(cut.body.args) == MOST_TERMS
    assert left_out == f"{1999 - MOST_TERMS:,} more terms"
    assert cut.body.args[0] == x[0]


def test_equations_that_do_not_fit_are_counted() -> None:
    many = [SHORT] * (MOST_EQUATIONS + 2)
    shown, note = shown_equations(many, "print(p)")
    assert len(shown) == MOST_EQUATIONS
    assert note == "… 2 more equations; print(p) shows all"
    assert shown_equations(many[:-1], "print(p)")[1] == "… 1 more equation; print(p) shows all"


def test_equations_that_just_fit_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    size = sum(1 for _ in sympy.preorder_traversal(SHORT.body))
    many = [SHORT] * 3
    monkeypatch.setattr(display, "MOST_NODES", 3 * size)
    assert shown_equations(many, "print(p)") == ([(SHORT, "")] * 3, "")
    monkeypatch.setattr(display, "MOST_NODES", 3 * size - 1)
    assert shown_equations(many, "print(p)")[1] == "… 1 more equation; print(p) shows all"
