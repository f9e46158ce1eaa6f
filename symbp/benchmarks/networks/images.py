"""A convolutional network on images of 28 by 28, with 8 and 16 channels."""

from typing import Any

import numpy as np

import symbp as bp
from symbp.benchmarks.networks.training import Cost, Training, drawn

__all__ = ["cnn"]


def cnn(steps: int) -> Training:
    """Return two convolutions with max-pooling and a dense layer, 64 images a batch, by descent."""
    layers: list[bp.Layer] = [
        bp.Conv2d(8, 3), bp.Activation("relu"), bp.MaxPool2d(2),
        bp.Conv2d(16, 3), bp.Activation("relu"), bp.MaxPool2d(2),
        bp.Flatten(), bp.Dense(10),
    ]  # fmt: skip
    net = bp.Network(layers, input=(1, 28, 28), loss="softmax_cross_entropy")
    rows = 64 * steps
    labels = np.eye(10)[np.random.default_rng(1).integers(0, 10, rows)]
    costs = {"channels first": _cost("NCHW"), "channels last": _cost("NHWC")}
    return Training(net, bp.SGD(0.01), (drawn(rows, 1, 28, 28), labels), 64, steps, costs)


def _cost(layout: str) -> Cost:
    def cost(p: Any, x: Any, y: Any) -> Any:
        import jax
        import jax.numpy as jnp

        last = layout == "NHWC"
        names = (layout, "OIHW", layout)

        def convolved(a: Any, w: Any, b: Any) -> Any:
            z = jax.lax.conv_general_dilated(a, w, (1, 1), "VALID", dimension_numbers=names)
            return jax.nn.relu(z + (b if last else b[:, None, None]))

        def pooled(a: Any) -> Any:
            size = (1, 2, 2, 1) if last else (1, 1, 2, 2)
            return jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, size, size, "VALID")

        a = x.transpose(0, 2, 3, 1) if last else x
        a = pooled(convolved(a, p["W1"], p["b1"]))
        a = pooled(convolved(a, p["W3"], p["b3"]))
        a = (a.transpose(0, 3, 1, 2) if last else a).reshape(len(a), -1)
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(a @ p["W6"].T + p["b6"]), axis=1))

    return cost
