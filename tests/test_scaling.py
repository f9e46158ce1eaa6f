"""Long programs take time in proportion to their length: counted in calls, not in seconds."""

import cProfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import symbp as bp
from symbp.calculus.expand import expand
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.compiler import module_source
from symbp.notation.arithmetic import Plus
from symbp.targets.numba.labels import label


def calls(function: Callable[[], Any]) -> int:
    """Return how many calls of functions a call makes; unlike seconds, the same on any machine."""
    profile = cProfile.Profile()
    profile.runcall(function)
    return sum(entry.callcount for entry in profile.getstats())


def chain(length: int) -> bp.Program:
    """Equations that each read the one before, and all the same parameter."""
    x, w, C = bp.input("x"), bp.parameter("w"), bp.tensor("C")
    previous = w[()] * x[()]
    equations = []
    for number in range(length):
        v = bp.tensor(f"v{number}")
        other = previous * w[()] if number % 3 else previous / (1 + previous**2)
        equations.append(bp.Equation(v, bp.sin(previous) + other))
        previous = v[()]
    return bp.Program([*equations, bp.Equation(C, previous**2)], cost=C)


def layers(count: int) -> bp.Program:
    return bp.mlp(*[20] * (count + 1), activation="tanh", loss="quadratic")


def side_by_side(count: int) -> bp.Program:
    """Products of scalars that nothing orders, each with a parameter of its own."""
    C = bp.tensor("C")
    parameters = [bp.parameter(f"w{number}") for number in range(count)]
    values = [bp.tensor(f"v{number}") for number in range(count)]
    equations = [bp.Equation(v, bp.tanh(w[()])) for v, w in zip(values, parameters, strict=True)]
    total = sum((v[()] for v in values[1:]), values[0][()])
    return bp.Program([*equations, bp.Equation(C, total)], cost=C)


@pytest.mark.parametrize(
    ("program", "length"),
    [(chain, 30), (layers, 6), (side_by_side, 40)],
    ids=["chain", "layers", "side by side"],
)
def test_a_module_of_twice_the_equations_takes_twice_as_long(
    program: Callable[[int], bp.Program], length: int
) -> None:
    module_source(program(3))  # what is made once
    short, long = (calls(partial(module_source, program(n))) for n in (length, 2 * length))
    assert long < 2.5 * short


def test_a_label_takes_time_in_proportion_to_its_sum() -> None:
    # The gradient of a parameter that every equation reads is a sum of as many terms.
    def labelled(count: int) -> str:
        s = bp.tensor("s")
        values = [bp.parameter(f"w{number}")[()] for number in range(count)]
        return label(bp.Equation(s, Plus(*values)), lambda tensor: tensor.name)

    labelled(3)
    short, long = (calls(partial(labelled, count)) for count in (30, 60))
    assert long < 2.5 * short
    short, long = (calls(partial(labelled, count)) for count in (300, 600))
    assert long < 2.5 * short


@pytest.mark.parametrize("function", ["largest", "log_sum_exp"])
def test_a_function_of_many_arguments_is_traced_in_proportion_to_its_graph(function: str) -> None:
    # Each of n derivatives reads n values.
    def traced(count: int) -> bp.Trace:
        names = [f"x{number}" for number in range(count)]
        values = {name: number % 7 + number / 100 for number, name in enumerate(names)}
        return bp.trace(f"{function}({', '.join(names)})", values)

    traced(3)
    short, long = (calls(partial(traced, count)) for count in (10, 20))
    assert long < 6 * short


def test_the_gradient_of_largest_is_shared_among_ties() -> None:
    found = bp.trace("largest(x, y, z, w)", {"x": 3, "y": 1, "z": 3, "w": 3}).gradient
    assert [found[name] for name in "xyzw"] == [
        pytest.approx(1 / 3),
        0,
        *[pytest.approx(1 / 3)] * 2,
    ]


def test_terms_that_come_from_many_equations_are_added_as_they_are_read() -> None:
    program = reverse(normalise(chain(7)))
    values = {"x": 0.3, "w": 0.7}
    merged = expand(program)
    adjoint = dict(program.gradients)[program.parameters[0]]
    assert len(merged.equations_of(adjoint)) == 1 < len(program.equations_of(adjoint))
    before, after = (interpret(p, values)[adjoint.name] for p in (program, merged))
    assert after == pytest.approx(before, rel=1e-14)
