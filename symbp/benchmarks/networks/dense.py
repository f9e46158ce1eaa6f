"""Networks of dense layers of other kinds: deep, normalised, with physics, with few units."""

from typing import Any

import numpy as np

import symbp as bp
from symbp.benchmarks.networks.training import Array, Training, drawn

__all__ = ["deep", "full_batch", "normalised", "pinn"]


def _labels(rows: int, classes: int) -> Array:
    return np.eye(classes)[np.random.default_rng(1).integers(0, classes, rows)]


def normalised(steps: int) -> Training:
    """Return three residual blocks of 128 units with batch normalisation, 64 examples a batch."""
    blocks = [bp.Residual(bp.Dense(128), bp.BatchNorm1d(), bp.Activation("relu")) for _ in range(3)]
    net = bp.Network([bp.Dense(128), *blocks, bp.Dense(10)], input=64, loss="softmax_cross_entropy")

    def cost(p: Any, x: Any, y: Any) -> Any:
        import jax
        import jax.numpy as jnp

        a = x @ p["W1"].T + p["b1"]
        for dense, norm in ((2, 3), (6, 7), (10, 11)):
            z = a @ p[f"W{dense}"].T + p[f"b{dense}"]
            centred = z - z.mean(0)
            scale = p[f"gamma{norm}"] / jnp.sqrt((centred**2).mean(0) + 1e-5)
            a = a + jax.nn.relu(centred * scale + p[f"beta{norm}"])
        out = a @ p["W14"].T + p["b14"]
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(out), axis=1))

    rows = 64 * steps
    arrays = drawn(rows, 64), _labels(rows, 10)
    return Training(net, bp.SGD(0.01), arrays, 64, steps, {"running means left out": cost})


def _layered(p: Any, x: Any, layers: int, function: Any, last: bool) -> Any:
    a = x
    for number in range(1, layers + 1):
        a = a @ p[f"W{number}"].T + p[f"b{number}"]
        if last or number < layers:
            a = function(a)
    return a


def deep(steps: int) -> Training:
    """Return 20 layers of 64 units, 64 examples a batch, by descent."""
    net = bp.mlp(*[64] * 20, 10, activation="relu", loss="softmax_cross_entropy")

    def cost(p: Any, x: Any, y: Any) -> Any:
        import jax
        import jax.numpy as jnp

        out = _layered(p, x, 20, jax.nn.relu, last=False)
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(out), axis=1))

    rows = 64 * steps
    arrays = drawn(rows, 64), _labels(rows, 10)
    return Training(net, bp.SGD(0.01), arrays, 64, steps, {"written out": cost})


def full_batch(steps: int) -> Training:
    """Return 4-32-16-4 with tanh, all of 10 000 examples in each step, by Adam."""
    net = bp.mlp(4, 32, 16, 4, activation="tanh", loss="quadratic")

    def cost(p: Any, x: Any, y: Any, *, turned: bool = False) -> Any:
        import jax.numpy as jnp

        if turned:  # units first: rows of 10 000 numbers
            a = x.T
            for number in (1, 2, 3):
                a = jnp.tanh(p[f"W{number}"] @ a + p[f"b{number}"][:, None])
            return 0.5 * jnp.mean(jnp.sum((a - y.T) ** 2, axis=0))
        return 0.5 * jnp.mean(jnp.sum((_layered(p, x, 3, jnp.tanh, last=True) - y) ** 2, axis=1))

    def turned(p: Any, x: Any, y: Any) -> Any:
        return cost(p, x, y, turned=True)

    rows = 10_000
    arrays = np.tile(drawn(rows, 4), (steps, 1)), np.tile(drawn(rows, 4, seed=1), (steps, 1))
    costs = {"examples first": cost, "units first": turned}
    return Training(net, bp.Adam(0.001), arrays, rows, steps, costs)


def pinn(steps: int) -> Training:
    """Return Burgers' residual of a network 2-20-20-20-20-1, 256 points a batch, by Adam."""
    n, i = bp.indices("n i", "N", 2)
    x, y, w = bp.input("x", n, i), bp.target("y", n), bp.target("w", n)
    equations, h = [], x
    for number in range(1, 5):
        layer, h = bp.Dense(20, "tanh").equations(h, number)
        equations += layer
    last, z = bp.Dense(1).equations(h, 5)
    u, r, C = bp.tensor("u", n), bp.tensor("r", n), bp.tensor("C")
    u_x, u_t = bp.Derivative(u[n], x[n, 0]), bp.Derivative(u[n], x[n, 1])
    residual = u_t + u[n] * u_x - 0.003 * bp.Derivative(u[n], (x[n, 0], 2))
    equations += [
        *last,
        bp.Equation(u[n], z[n, 0]),
        bp.Equation(r[n], residual),
        bp.Equation(C, bp.Mean(r[n] ** 2 + w[n] * (u[n] - y[n]) ** 2, n)),
    ]
    rows = 256 * steps
    arrays = drawn(rows, 2), drawn(rows, seed=1), np.arange(rows) % 4 == 0
    costs = {"tangents by hand": _by_tangents, "nested jvp": _by_jvp, "nested grad": _by_grad}
    data = tuple(np.asarray(a, dtype=float) for a in arrays)
    return Training(
        bp.Program(equations, cost=C, output=u), bp.Adam(0.001), data, 256, steps, costs
    )


def _burgers(*given: Any) -> Any:
    u, u_x, u_t, u_xx, y, w = given
    return ((u_t + u * u_x - 0.003 * u_xx) ** 2 + w * (u - y) ** 2).mean()


def _by_tangents(p: Any, x: Any, y: Any, w: Any) -> Any:
    """Carry the value, two first derivatives and a second one through the layers."""
    import jax.numpy as jnp

    a = x
    a_x, a_t = (jnp.zeros_like(x).at[:, k].set(1) for k in (0, 1))
    a_xx = jnp.zeros_like(x)
    for n in range(1, 6):
        weights = p[f"W{n}"].T
        a, a_x, a_t, a_xx = a @ weights + p[f"b{n}"], a_x @ weights, a_t @ weights, a_xx @ weights
        if n < 5:
            value = jnp.tanh(a)
            slope = 1 - value**2
            a_xx = slope * a_xx - 2 * value * slope * a_x**2
            a, a_x, a_t = value, slope * a_x, slope * a_t
    return _burgers(a[:, 0], a_x[:, 0], a_t[:, 0], a_xx[:, 0], y, w)


def _value(p: Any, place: Any, time: Any) -> Any:
    import jax.numpy as jnp

    return _layered(p, jnp.stack([place, time]), 5, jnp.tanh, last=False)[0]


def _by_jvp(p: Any, x: Any, y: Any, w: Any) -> Any:
    import jax

    def at(place: Any, time: Any) -> Any:
        one = jax.numpy.ones_like(place)

        def along(a: Any) -> Any:
            return jax.jvp(lambda b: _value(p, b, time), (a,), (one,))

        (u, u_x), (_, u_xx) = jax.jvp(along, (place,), (one,))
        return u, u_x, jax.jvp(lambda s: _value(p, place, s), (time,), (one,))[1], u_xx

    return _burgers(*jax.vmap(at)(x[:, 0], x[:, 1]), y, w)


def _by_grad(p: Any, x: Any, y: Any, w: Any) -> Any:
    import jax

    def at(place: Any, time: Any) -> Any:
        def value(a: Any, s: Any) -> Any:
            return _value(p, a, s)

        first, second = jax.grad(value), jax.grad(jax.grad(value))
        u_t = jax.grad(value, 1)(place, time)
        return value(place, time), first(place, time), u_t, second(place, time)

    return _burgers(*jax.vmap(at)(x[:, 0], x[:, 1]), y, w)
