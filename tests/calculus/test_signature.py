"""signature: one program, one signature; another program, another."""

from typing import Any

import pytest
import sympy

import symbp as bp
from symbp.calculus.signature import signature
from tests.programs import PROGRAMS


def network(
    names: str = "n j k", units: int = 3, inputs: int = 2, **changes: Any
) -> bp.Program:  # fmt: skip
    n, j, k = bp.indices(names, "N", units, inputs)
    x, y = bp.input("x", n, k), bp.target("y", n, j, kind=changes.get("kind", "real"))
    W = bp.parameter("W", j, k, initial=changes.get("initial"))
    a, C = bp.tensor("a", n, j), bp.tensor("C")
    rate = bp.constant("rate", changes.get("value", 0.5))
    function = changes.get("function", bp.sigmoid)
    return bp.Program(
        [
            bp.Equation(a[n, j], function(rate * bp.Sum(W[j, k] * x[n, k], k))),
            bp.Equation(C, bp.Mean((a[n, j] - y[n, j]) ** changes.get("power", 2), n, j)),
        ],
        cost=C,
        output=changes.get("output", lambda a: a)(a),
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_declared_twice_has_one_signature(name: str) -> None:
    first, second = (signature(PROGRAMS[name]()[0]) for _ in range(2))
    assert first == second
    assert len(first) == 16


def test_programs_of_the_suite_have_different_signatures() -> None:
    assert len({signature(build()[0]) for build in PROGRAMS.values()}) == len(PROGRAMS)


def test_the_names_of_indices_do_not_matter() -> None:
    assert signature(network("n j k")) == signature(network("i unit feature"))


@pytest.mark.parametrize(
    "changes",
    [
        {"units": 4}, {"inputs": 5}, {"kind": "classes"}, {"initial": ("normal", 0.1)},
        {"value": 0.25}, {"function": sympy.tanh}, {"power": 4},
    ],
    ids=str,
)  # fmt: skip
def test_everything_else_does(changes: dict[str, Any]) -> None:
    assert signature(network()) != signature(network(**changes))


def test_options_matter() -> None:
    assert signature(network(), ["float32"]) != signature(network(), ["float64"])


def test_swapped_indices_matter() -> None:
    i, j = bp.indices("i j", 3, 3)
    A, f = bp.parameter("A", i, j), bp.tensor("f")
    given = [bp.Sum(A[i, j] * A[i, j], i, j), bp.Sum(A[i, j] * A[j, i], i, j)]
    assert len({signature(bp.Program([bp.Equation(f, b)], cost=f)) for b in given}) == 2


def test_the_bounds_of_nested_sums_matter() -> None:
    """Equal but for which index a sum binds."""
    i, j = bp.indices("i j", 3, 3)
    A, B, f = bp.parameter("A", i, j), bp.parameter("B", i), bp.tensor("f")
    given = [
        bp.Sum(B[i] * bp.Max(A[i, j], j), i),
        bp.Sum(B[i] * bp.Max(A[j, i], j), i),
    ]
    assert len({signature(bp.Program([bp.Equation(f, b)], cost=f)) for b in given}) == 2
