"""Another order of straight-line code computes the same, sums in the same order too."""

import numpy as np
import pytest
import sympy

from symbp.loops.interleave import as_soon_as_possible, in_turn
from symbp.loops.interpret import interpret
from symbp.loops.nodes import Accumulate, Allocate, Argument, Assign, Function, Return, Statement
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

CELLS = Tensor("cells", (Index("i", 6),))


def straight(seed: int) -> list[Statement]:
    """Return random assignments and sums over the elements of an array and some registers."""
    rng = np.random.default_rng(seed)
    registers = [Tensor(f"r{k}", ()) for k in range(4)]
    places = [*(CELLS[k] for k in range(6)), *(register[()] for register in registers)]
    found: list[Statement] = []
    for register in registers:
        found += [Allocate(register, (), "register"), Assign(register[()], sympy.Float(1.5))]
    for _ in range(40):
        target, left, right = (places[k] for k in rng.integers(0, len(places), size=3))
        value = sympy.Float(0.5) * left + sympy.cos(right)
        found.append((Assign if rng.integers(2) else Accumulate)(target, value))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_same_is_computed_in_another_order(seed: int) -> None:
    before = straight(seed)
    early = list(np.random.default_rng(seed).integers(0, 2, size=len(before)) > 0)
    after = as_soon_as_possible(before, early)
    assert sorted(map(id, before)) == sorted(map(id, after))
    found = []
    for body in (before, after):
        cells = np.linspace(-1.0, 1.0, 6)
        interpret(
            Function("f", (Argument(CELLS, "inout"),), (), (*body, Return())), {"cells": cells}
        )
        found.append(cells)
    np.testing.assert_array_equal(*found)


def test_what_moves_stands_behind_what_it_needs() -> None:
    first, second, third = (
        Assign(CELLS[0], sympy.Float(1)),
        Assign(CELLS[1], sympy.Float(2)),
        Accumulate(CELLS[2], CELLS[0]),
    )
    assert as_soon_as_possible([first, second, third], [False, False, True]) == (
        first, third, second,
    )  # fmt: skip
    assert as_soon_as_possible([first, second, third], [False] * 3) == (first, second, third)


def test_equal_copies_take_turns() -> None:
    start = [Assign(CELLS[0], sympy.Float(1))]
    body = [Accumulate(CELLS[1], CELLS[0]), Accumulate(CELLS[2], CELLS[0])]
    assert [place for place, _ in in_turn([(start, 0), (body, 0), (body, 1)])] == [0, 1, 2, 1, 2]
