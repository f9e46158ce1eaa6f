"""A training's epochs in JAX: the batches under ``lax.scan``, what is carried donated."""

from typing import Any

import numpy as np

import symbp as bp
from symbp.benchmarks.networks.training import Array, Cost, Parameters, Runner, Training

__all__ = ["jax_epoch"]


def jax_epoch(
    training: Training, cost: Cost, parameters: Parameters, data: tuple[Array, ...]
) -> Runner:
    """Make the epochs of a cost ready, with the rule of the training's optimizer."""
    import jax
    import jax.numpy as jnp

    rule = training.optimizer
    rate = float(rule.learning_rate)  # type: ignore[attr-defined]  # no schedule is measured
    adam = isinstance(rule, bp.Adam)

    def step(kept: Any, batch: Any) -> Any:
        p, m, v, t = kept
        gradient = jax.grad(cost)(p, *batch)
        if not adam:
            return (jax.tree.map(lambda p, g: p - rate * g, p, gradient), m, v, t), None
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
        root = jnp.sqrt(1 - 0.999**t)
        scale, epsilon = rate * root / (1 - 0.9**t), 1e-8 * root
        p = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + epsilon), p, m, v)
        return (p, m, v, t), None

    epoch = jax.jit(lambda kept, batches: jax.lax.scan(step, kept, batches)[0], donate_argnums=0)
    batches = tuple(
        jnp.asarray(a.astype("int32") if a.dtype.kind == "i" else a).reshape(
            training.steps, training.batch, *a.shape[1:]
        )
        for a in data
    )
    p = {name: jnp.array(value) for name, value in parameters.items()}
    moments = [jax.tree.map(jnp.zeros_like, p) if adam else () for _ in range(2)]
    kept = [(p, *moments, jnp.zeros((), next(iter(p.values())).dtype))]

    def run(count: int) -> None:
        for _ in range(count):
            kept[0] = epoch(kept[0], batches)
        jax.block_until_ready(kept[0])

    return Runner(run, lambda: {name: np.asarray(value) for name, value in kept[0][0].items()})
