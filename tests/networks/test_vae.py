"""The variational autoencoder of the gallery: cost and gradient are JAX's, with the same noise."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from symbp.calculus.gradient_program import gradient_program
from symbp.calculus.interpreter import interpret
from symbp.entries.model import Model
from symbp.gallery import variational_autoencoder
from tests.comparison import assert_close


def reference(v: dict[str, Any]) -> Any:
    """Return minus the bound, with the divergence as an integral that is known."""
    h = jax.nn.relu(v["x"] @ v["W1"].T + v["b1"])
    mean, spread = h @ v["W2"].T + v["b2"], h @ v["W3"].T + v["b3"]
    z = mean + jnp.exp(spread) ** 0.5 * v["e"]
    logit = jax.nn.relu(z @ v["W4"].T + v["b4"]) @ v["W5"].T + v["b5"]
    p, rest = jax.nn.sigmoid(logit), jax.nn.sigmoid(-logit)
    likelihood = v["x"] * jnp.log(p) + (1 - v["x"]) * jnp.log(rest)
    divergence = (jnp.exp(spread) + mean**2 - 1 - spread) / 2
    return (divergence.sum(1) - likelihood.sum(1)).mean()


def test_its_cost_and_gradient_are_those_of_jax() -> None:
    jax.config.update("jax_enable_x64", True)
    program = variational_autoencoder(5, 4, 2)
    generator = np.random.default_rng(0)
    values = {p.name: generator.normal(size=p.shape) for p in program.parameters}
    values |= {"x": generator.uniform(size=(3, 5)), "e": generator.normal(size=(3, 2))}
    derived = gradient_program(program, stable=True).differentiated
    found = interpret(derived, values)
    names = [p.name for p in program.parameters]
    cost, gradients = jax.jit(jax.value_and_grad(lambda chosen: reference({**values, **chosen})))(
        {name: values[name] for name in names}
    )
    adjoints = {t.name: found[adjoint.name] for t, adjoint in derived.gradients}
    assert_close({"C": found["C"], **adjoints}, {"C": cost, **gradients}, 1e-12)


def test_in_use_the_noise_is_its_mean() -> None:
    program = variational_autoencoder(5, 4, 2)
    generator = np.random.default_rng(0)
    values = {p.name: generator.normal(size=p.shape) for p in program.parameters}
    values["x"] = generator.uniform(size=(3, 5))
    found = interpret(Model(program).inference.plain, values)
    np.testing.assert_array_equal(found["z"], found["z2"])
