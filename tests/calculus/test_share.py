"""share: what several equations need is computed once, what one needs stays where it is."""

from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.share import share

n = bp.Index("n", 4)
x, w = bp.input("x", n), bp.parameter("w")


def using(body: Any, times: int) -> bp.Program:
    """Return a program with as many equations that read a body, beside something else."""
    found = [bp.tensor(f"a{number}", n) for number in range(times)]
    equations = [bp.Equation(a[n], body * x[n] + place) for place, a in enumerate(found)]
    cost = bp.tensor("C")
    total = bp.Sum(sum((a[n] for a in found[1:]), found[0][n]), n)
    return normalise(bp.Program([*equations, bp.Equation(cost, total)], cost=cost))


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_an_application_that_several_equations_need_is_computed_once(times: int) -> None:
    given = using(bp.exp(w * x[n]), times)
    found = share(given)
    holding = [equation for equation in found.equations if equation.body.has(bp.exp)]
    assert len(holding) == 1
    # What only one needs gets no tensor of its own.
    assert len(found.equations) == len(given.equations) + (times > 1)
    values = {"x": [0.5, -1.0, 2.0, 0.0], "w": 0.7}
    for a in (equation.tensor.name for equation in given.equations):
        np.testing.assert_array_equal(interpret(found, values)[a], interpret(given, values)[a])
