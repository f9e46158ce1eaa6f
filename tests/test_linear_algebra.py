"""Programs that solve equations, against JAX: cost, gradient, and a Hessian times a vector."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from symbp.calculus.forward import forward
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from tests import jax_oracle  # noqa: F401 - it sets JAX to float64
from tests.comparison import assert_close
from tests.linear_algebra_programs import LINEAR_ALGEBRA


@pytest.mark.parametrize("name", LINEAR_ALGEBRA)
def test_cost_gradient_and_hessian_are_those_of_jax(name: str) -> None:
    program, values, cost = LINEAR_ALGEBRA[name]()
    derived = reverse(stabilise(normalise(program)))
    moving, tangents = forward(derived)
    draw = np.random.default_rng(7).normal
    names = [p.name for p in program.parameters]
    directions = {p: draw(size=np.shape(values[p])) for p in names}
    given = {tangents[p].name: directions[p.name] for p in program.parameters}
    found = interpret(moving, {**values, **given})

    def of(varying: dict[str, Any]) -> Any:
        return cost({**values, **varying})

    at = {p: jnp.asarray(values[p], dtype=float) for p in names}
    expected, gradient = jax.value_and_grad(of)(at)
    _, curved = jax.jvp(jax.grad(of), (at,), ({p: jnp.asarray(directions[p]) for p in names},))
    adjoints = dict(derived.gradients)
    assert_close({"cost": found["C"]}, {"cost": expected}, 1e-12)
    mine = {p.name: found[adjoints[p].name] for p in program.parameters}
    assert_close(mine, {p: np.asarray(g) for p, g in gradient.items()}, 1e-11)
    second = {p.name: found[tangents[adjoints[p]].name] for p in program.parameters}
    assert_close(second, {p: np.asarray(g) for p, g in curved.items()}, 1e-10)
