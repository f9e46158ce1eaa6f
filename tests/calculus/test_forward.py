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
from tests.calculus.accumulation import assert_accumulates
from tests.programs import PROGRAMS
from tests.strategies import programs


def assert_tangent_is_gradient_times_direction(
    program: bp.Program, values: dict[str, Any], seed: int
) -> None:
    program = normalise(program)
    assert program.cost is not None
    generator = np.random.default_rng(seed)
    with_tangents, tangents = forward(program)
    assert_accumulates(with_tangents)
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


k = bp.Index("k", 3)
w, v = bp.parameter("w"), bp.parameter("v", k)
f, a, z = bp.tensor("f"), bp.tensor("a"), bp.tensor("z", k)
V, DV = np.array([0.5, -1.0, 2.0]), np.array([1.0, 10.0, 100.0])


def tangents_of(equations: list[bp.Equation], *names: str) -> list[Any]:
    """Return tangents by name at w = 2, v = V in the direction ẇ = 3, v̇ = DV."""
    program, tangents = forward(normalise(bp.Program(equations)))
    assert_accumulates(program)
    values = {"w": 2.0, "v": V, "w_tangent": 3.0, "v_tangent": DV}
    result = interpret(program, values)
    by_name = {tensor.name: tangent.name for tensor, tangent in tangents.items()}
    return [result[by_name[name]] for name in names]


@pytest.mark.parametrize(
    ("body", "tangent"),
    [
        # Of each, normalise makes two or three equations, the later ones added to the first.
        (bp.Sum(v[k], k) + w[()] ** 2, 111.0 + 12.0),
        (w[()] ** 2 + bp.Sum(v[k], k), 12.0 + 111.0),
        (bp.Sum(v[k], k) + bp.Sum(v[k] ** 2, k) - w[()], 111.0 + (1 - 20 + 400) - 3.0),
        (bp.Sum(v[k], k) - bp.Sum(bp.stop_gradient(v[k]), k), 111.0),
        (bp.Sum(bp.stop_gradient(v[k]), k) + w[()], 3.0),
        (bp.Sum(bp.stop_gradient(v[k]), k) + w[()] + bp.Sum(v[k], k), 114.0),
        # One equation reads several elements.
        (w[()] * v[0] + v[1] * v[2], 3 * 0.5 + 2 * 1 + 10 * 2.0 - 1 * 100.0),
        (w[()] * bp.sin(w[()]), 3 * (np.sin(2.0) + 2 * np.cos(2.0))),
    ],
    ids=str,
)
def test_tangents_add_up_over_equations_and_elements(body: Any, tangent: float) -> None:
    assert tangents_of([bp.Equation(f, body)], "f") == [pytest.approx(tangent, rel=1e-14)]


def test_a_zero_tangent_is_an_equation_too() -> None:
    stopped = bp.Equation(a, bp.stop_gradient(w[()]) + 1)
    assert tangents_of([stopped, bp.Equation(f, a[()] * w[()])], "a", "f") == [0.0, 9.0]


def test_a_zero_tangent_of_a_vector_is_zero_everywhere() -> None:
    equations = [
        bp.Equation(z[k], bp.stop_gradient(v[k])),
        bp.Equation(f, bp.Sum(z[k] * v[k], k)),
    ]
    of_z, of_f = tangents_of(equations, "z", "f")
    np.testing.assert_array_equal(of_z, np.zeros(3))
    assert of_f == pytest.approx((V * DV).sum())


def test_what_does_not_vary_has_no_tangent() -> None:
    equations = [bp.Equation(a, w[()] ** 2), bp.Equation(f, bp.Sum(v[k], k) * a[()])]
    program, tangents = forward(normalise(bp.Program(equations)), wrt=[v])
    assert {tensor.name for tensor in tangents} >= {"v", "f"}
    assert not {tensor.name for tensor in tangents} & {"w", "a"}
    result = interpret(program, {"w": 2.0, "v": V, "v_tangent": DV})
    assert result[tangents[f].name] == pytest.approx(4 * 111.0)


def test_what_comes_after_a_zero_tangent_has_its_tangent() -> None:
    g = bp.tensor("g")
    equations = [
        bp.Equation(f, bp.Sum(v[k], k) - bp.Sum(bp.stop_gradient(v[k]), k)),
        bp.Equation(g, w[()] + f[()]),
    ]
    assert tangents_of(equations, "f", "g") == [111.0, 114.0]
