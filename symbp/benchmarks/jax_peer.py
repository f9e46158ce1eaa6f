"""The same training epoch in JAX, the way its users write it for speed.

One jitted function for the epoch: the shuffled gather, then ``lax.scan`` over the batches with
the parameters donated.
"""

from collections.abc import Callable
from typing import Any

from symbp.benchmarks.workloads import Workload

__all__ = ["jax_epoch"]

Layers = list[tuple[Any, Any]]


def jax_epoch(workload: Workload, learning_rate: float) -> Callable[..., tuple[Layers, Any]]:
    """Return ``epoch(layers, x, y, order) -> layers, costs`` for plain gradient descent."""
    import jax
    import jax.numpy as jnp

    activation = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu}[workload.activation]
    softmax = workload.loss == "softmax_cross_entropy"

    def cost(layers: Layers, x: Any, y: Any) -> Any:
        a = x
        for number, (weights, biases) in enumerate(layers):
            z = a @ weights.T + biases
            last = number == len(layers) - 1
            a = z if last and softmax else activation(z)
        if softmax:
            return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(a), axis=1))
        return 0.5 * jnp.mean(jnp.sum((a - y) ** 2, axis=1))

    def step(layers: Layers, batch: tuple[Any, Any]) -> tuple[Layers, Any]:
        value, gradient = jax.value_and_grad(cost)(layers, *batch)
        return jax.tree.map(lambda p, g: p - learning_rate * g, layers, gradient), value

    def epoch(layers: Layers, x: Any, y: Any, order: Any) -> tuple[Layers, Any]:
        shape = (-1, workload.batch)
        batches = (
            x[order].reshape(*shape, x.shape[1]), y[order].reshape(*shape, y.shape[1])
        )  # fmt: skip
        last: tuple[Layers, Any] = jax.lax.scan(step, layers, batches)
        return last

    compiled: Callable[..., tuple[Layers, Any]] = jax.jit(epoch, donate_argnums=0)
    return compiled
