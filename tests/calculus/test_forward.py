"""Forward mode: a tangent along any direction is the gradient times that direction."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symbp as bp
from symbp.calculus.forward import forward
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from tests.programs import PROGRAMS
from tests.strategies import programs


def assert_tangent_is_gradient_times_direction(
    program: bp.Program, values: dict[str, Any], seed: int
) -> None:
    program = normalise(program)
    assert program.cost is not None
    generator = np.random.default_rng(seed)
    with_tangents, tangents = forward(program)
    directions = {p: generator.normal(size=np.shape(values[p.name])) for p in program.parameters}
    given_ = {tangents[p].name: direction for p, direction in directions.items()}
    result = interpret(with_tangents, {**values, **given_})
    derived = reverse(program)
    adjoints = interpret(derived, values)
    terms = [
        float(np.sum(adjoints[adjoint.name] * directions[parameter]))
        for parameter, adjoint in derived.gradients
    ]
    tangent = tangents.get(program.cost)
    got = float(result[tangent.name]) if tangent is not None else 0.0
    scale = sum(
        float(np.sum(np.abs(adjoints[a.name] * directions[p]))) for p, a in derived.gradients
    )
    assert abs(got - sum(terms)) <= 1e-12 * scale


@given(programs(), st.integers(0, 99))
def test_the_tangent_is_the_gradient_times_the_direction(
    example: tuple[bp.Program, dict[str, Any]], seed: int
) -> None:
    assert_tangent_is_gradient_times_direction(*example, seed)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_tangents_of_the_suite(name: str) -> None:
    assert_tangent_is_gradient_times_direction(*PROGRAMS[name](), 0)
