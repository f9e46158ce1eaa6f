"""Reverse mode: the one rule against jax.grad, central differences and forward mode."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings

import symbp as bp
from symbp.calculus.forward import forward
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from tests import jax_oracle
from tests.comparison import assert_close
from tests.programs import PROGRAMS
from tests.strategies import ELEMENTWISE, programs


def gradients(program: bp.Program, values: dict[str, Any]) -> dict[str, np.ndarray]:
    derived = reverse(normalise(program))
    result = interpret(derived, values)
    return {tensor.name: result[adjoint.name] for tensor, adjoint in derived.gradients}


def assert_gradients_of_jax(example: tuple[bp.Program, dict[str, Any]]) -> None:
    program, values = example
    assert_close(gradients(program, values), jax_oracle.gradients(program, values))


@settings(max_examples=6)
@given(programs())
def test_gradients_are_those_of_jax(example: tuple[bp.Program, dict[str, Any]]) -> None:
    assert_gradients_of_jax(example)


@pytest.mark.slow
@settings(max_examples=40)
@given(programs())
def test_gradients_of_many_programs_are_those_of_jax(
    example: tuple[bp.Program, dict[str, Any]],
) -> None:
    assert_gradients_of_jax(example)


@given(programs())
def test_gradients_are_central_differences(example: tuple[bp.Program, dict[str, Any]]) -> None:
    """Along one random direction, with the interpreter only; kinks are rare and stepped over."""
    program, values = example
    program = normalise(program)
    assert program.cost is not None
    name, step = program.cost.name, 1e-5
    generator = np.random.default_rng(0)
    found = gradients(program, values)
    direction = {n: generator.normal(size=g.shape) for n, g in found.items()}

    def slope(h: float) -> float:
        there = {n: values[n] + h * d for n, d in direction.items()}
        here = {n: values[n] - h * d for n, d in direction.items()}
        ahead = interpret(program, {**values, **there})[name]
        return float(ahead - interpret(program, {**values, **here})[name]) / (2 * h)

    # Where the two differences disagree, a kink lies between them.
    numeric = slope(step)
    assume(abs(numeric - slope(step / 2)) <= 1e-6 * (1 + abs(numeric)))
    assume(not _is_stopped(program))
    analytic = sum(float(np.sum(found[n] * d)) for n, d in direction.items())
    assert abs(analytic - numeric) <= 1e-5 * (1 + abs(numeric))


def _is_stopped(program: bp.Program) -> bool:
    return any(equation.body.has(bp.stop_gradient) for equation in program.equations)


@given(programs())
def test_what_reverse_returns_can_be_run_in_order(
    example: tuple[bp.Program, dict[str, Any]],
) -> None:
    derived = reverse(normalise(example[0]))
    defined = {equation.tensor for equation in derived.equations}
    started: set[Any] = set()
    for equation in derived.equations:
        assert equation.accumulate == (equation.tensor in started)
        started.add(equation.tensor)
        for element in equation.reads():
            assert element.tensor.role != "intermediate" or element.tensor in defined
    assert [tensor for tensor, _ in derived.gradients] == list(derived.parameters)


@settings(max_examples=5)
@given(programs(most=3))
def test_the_derived_equations_mean_the_same_to_the_oracle(
    example: tuple[bp.Program, dict[str, Any]],
) -> None:
    """The gradient's equations, evaluated by JAX, against the interpreter."""
    program, values = example
    derived = reverse(normalise(program))
    result = interpret(derived, values)
    expected = jax_oracle.evaluate(derived, values)
    assert_close({n: result[n] for n in expected}, expected)


@settings(max_examples=30)
@given(programs(most=3))
def test_the_hessian_is_symmetric(example: tuple[bp.Program, dict[str, Any]]) -> None:
    """Forward over reverse: (H u) · v = (H v) · u."""
    program, values = example
    assume(not _is_stopped(program))
    derived = reverse(normalise(program))
    generator = np.random.default_rng(0)
    shapes = {p: np.shape(values[p.name]) for p in derived.parameters}
    u, v = ({p: generator.normal(size=s) for p, s in shapes.items()} for _ in range(2))
    program_of_products, tangents = forward(derived)

    def product(
        direction: dict[Any, np.ndarray], other: dict[Any, np.ndarray]
    ) -> tuple[float, float]:
        named = {tangents[p].name: d for p, d in direction.items()}
        result = interpret(program_of_products, {**values, **named})
        terms = [
            result[tangents[adjoint].name] * other[p]
            for p, adjoint in derived.gradients
            if adjoint in tangents
        ]
        total = sum(float(np.sum(t)) for t in terms)
        return total, sum(float(np.sum(np.abs(t))) for t in terms)

    (one, size), (two, _) = product(u, v), product(v, u)
    assert abs(one - two) <= 1e-10 * (1 + size)


@pytest.mark.parametrize(
    "name", [pytest.param("attention", marks=pytest.mark.slow), "bilinear", "embedding", "gram"]
)
def test_hessian_vector_products_are_those_of_jax(name: str) -> None:
    program, values = PROGRAMS[name]()
    derived = reverse(normalise(program))
    products, tangents = forward(derived)
    generator = np.random.default_rng(0)
    direction = {p: generator.normal(size=np.shape(values[p.name])) for p in program.parameters}
    named = {tangents[p].name: d for p, d in direction.items()}
    result = interpret(products, {**values, **named})
    found = {p.name: result[tangents[a].name] for p, a in derived.gradients}

    def slope(chosen: dict[str, Any]) -> Any:
        def cost(c: dict[str, Any]) -> Any:
            return jax_oracle.Oracle(program, {**values, **c}).full(program.cost)

        along = {p.name: jnp.asarray(d) for p, d in direction.items()}
        return jax.jvp(cost, (chosen,), (along,))[1]

    chosen = {p.name: jnp.asarray(values[p.name], dtype=float) for p in program.parameters}
    expected = jax.jit(jax.grad(slope))(chosen)
    assert_close(found, {n: np.asarray(e) for n, e in expected.items()}, 1e-11)


def one_parameter(body: Any, value: Any) -> float:
    """Return df/dw of a scalar formula of the parameter ``w`` at a value."""
    f = bp.tensor("f")
    program = bp.Program([bp.Equation(f, body)], cost=f)
    return float(gradients(program, {"w": value})["w"])


w = bp.parameter("w")


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
@pytest.mark.parametrize(
    "value", [-2.3, 0.3, *(pytest.param(v, marks=pytest.mark.slow) for v in (-0.4, 1.9))]
)
def test_every_function_has_the_derivative_of_its_definition(name: str, value: float) -> None:
    f = bp.tensor("f")
    program = bp.Program([bp.Equation(f, ELEMENTWISE[name](w[()]) * w)], cost=f)
    values = {"w": np.asarray(value)}
    assert_close(gradients(program, values), jax_oracle.gradients(program, values))


@pytest.mark.parametrize(
    ("body", "derivative"),
    [
        (bp.relu(w[()]), 0.0),
        (bp.leaky_relu(w[()]), 0.01),
        (bp.elu(w[()], 2), 2.0),
        (sympy.Abs(w[()]), 0.0),
        (bp.maximum(w[()], 0), 0.5),
        (bp.minimum(w[()], 3 * w[()]), 2.0),
        (bp.softplus(w[()]), 0.5),
    ],
    ids=str,
)
def test_the_derivative_at_a_kink_is_the_one_documented(body: Any, derivative: float) -> None:
    assert one_parameter(body, 0.0) == derivative


@pytest.mark.parametrize(
    "function", [bp.sigmoid, bp.silu, bp.softplus, sympy.tanh, bp.gelu, bp.elu]
)
@pytest.mark.parametrize("value", [-800.0, -40.0, 40.0, 800.0])
def test_derivatives_are_finite_far_out(function: Any, value: float) -> None:
    limit = 0.0 if value < 0 or function in (sympy.tanh, bp.sigmoid) else 1.0
    assert one_parameter(function(w[()]), value) == pytest.approx(limit, abs=1e-15)


def test_ties_of_a_maximum_share_the_gradient() -> None:
    k = bp.Index("k", 4)
    v, f = bp.parameter("v", k), bp.tensor("f")
    program = bp.Program([bp.Equation(f, 6 * bp.Max(v[k], k))], cost=f)
    found = gradients(program, {"v": np.array([1.0, 3.0, 3.0, 3.0])})
    np.testing.assert_array_equal(found["v"], [0.0, 2.0, 2.0, 2.0])


def test_a_gradient_behind_stop_gradient_is_zero_and_defined() -> None:
    f, a = bp.tensor("f"), bp.tensor("a")
    program = bp.Program(
        [bp.Equation(a, w**3), bp.Equation(f, bp.stop_gradient(a[()]) ** 2)], cost=f
    )
    derived = reverse(normalise(program))
    assert float(interpret(derived, {"w": 2.0})["w_adjoint"]) == 0.0
    assert "a_adjoint" not in {tensor.name for tensor in derived.tensors}


def test_only_what_is_asked_for_is_differentiated() -> None:
    n, j, k = bp.indices("n j k", "N", 2, 3)
    x, W, z = bp.input("x", n, k), bp.parameter("W", j, k), bp.tensor("z", n, j)
    C = bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(z[n, j], bp.Sum(W[j, k] * x[n, k], k)),
            bp.Equation(C, bp.Sum(z[n, j] ** 2, n, j) / 2),
        ],
        cost=C,
    )
    derived = reverse(normalise(program), wrt=[x])
    assert [tensor.name for tensor, _ in derived.gradients] == ["x"]
    assert "W_adjoint" not in {tensor.name for tensor in derived.tensors}
    values = {"x": np.ones((4, 3)), "W": np.arange(6.0).reshape(2, 3)}
    expected = values["x"] @ values["W"].T @ values["W"]
    np.testing.assert_allclose(interpret(derived, values)["x_adjoint"], expected)


def test_a_guard_stays_around_what_it_guards() -> None:
    """An infinite adjoint outside of a guard writes nothing there."""
    t = bp.Index("t", 3)
    v, a, C = bp.parameter("v", t), bp.tensor("a", t), bp.tensor("C")
    body = bp.where(sympy.Gt(t, 0), v[t - 1], 0) * sympy.sqrt(v[t])
    program = bp.Program([bp.Equation(a[t], body), bp.Equation(C, bp.Sum(a[t], t))], cost=C)
    found = gradients(program, {"v": np.array([0.0, 4.0, 9.0])})
    assert np.isfinite(found["v"][1:]).all()


def test_a_program_without_a_cost_has_no_gradient() -> None:
    f = bp.tensor("f")
    with pytest.raises(bp.NotationError, match="nothing to differentiate"):
        reverse(bp.Program([bp.Equation(f, w**2)]))
