"""A recurrent network, and a small GPT."""

from functools import partial
from typing import Any

import numpy as np

import symbp as bp
from symbp.benchmarks.networks.training import Cost, Training, drawn

__all__ = ["gpt", "lstm"]


def lstm(steps: int) -> Training:
    """Return an LSTM of 64 units on 32 steps of 16 numbers, 32 sequences a batch, by descent."""
    net = bp.Network([bp.LSTM(64), bp.Dense(1)], input=(32, 16), loss="mean_squared_error")
    rows = 32 * steps
    arrays = drawn(rows, 32, 16), drawn(rows, 32, 1, seed=1)
    costs: dict[str, Cost] = {
        name: partial(_lstm_cost, unroll=unroll, outside=outside)
        for name, unroll, outside in (
            ("scan", 1, False), ("scan, inputs outside", 1, True),
            # All 32 at once take XLA four minutes to compile, and are slower.
            ("unrolled by 4, inputs outside", 4, True),
        )
    }  # fmt: skip
    return Training(net, bp.SGD(0.01), arrays, 32, steps, costs)


def _lstm_cost(p: Any, x: Any, y: Any, *, unroll: int, outside: bool) -> Any:
    import jax
    import jax.numpy as jnp

    w, u, b = p["W1_ih_l0"], p["W1_hh_l0"], p["b1_ih_l0"] + p["b1_hh_l0"]

    def step(carry: Any, given: Any) -> Any:
        h, c = carry
        z = h @ u.T + (given if outside else given @ w.T + b)
        i, f, g, o = jnp.split(z, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    given = x.transpose(1, 0, 2)
    given = given @ w.T + b if outside else given
    zero = jnp.zeros((x.shape[0], u.shape[1]), x.dtype)
    _, h = jax.lax.scan(step, (zero, zero), given, unroll=unroll)
    return jnp.mean((h @ p["W2"].T + p["b2"] - y.transpose(1, 0, 2)) ** 2)


def gpt(steps: int) -> Training:
    """Return two blocks of four heads on 64 numbers, 16 windows of 32 characters, by Adam."""
    width, window, characters = 64, 32, 65
    small = ("normal", 0.02)
    block = partial(bp.TransformerBlock, 4, 4 * width, activation="gelu", norm_first=True)
    layers: list[bp.Layer] = [
        bp.Embedding(characters, width, initial=small),
        bp.PositionalEncoding(learned=True, initial=small),
        block(causal=True), block(causal=True), bp.LayerNorm(), bp.Dense(characters),
    ]  # fmt: skip
    net = bp.Network(layers, input=(window,), loss="softmax_cross_entropy")
    generator = np.random.default_rng(0)
    x = generator.integers(0, characters, (16 * steps, window))
    y = np.eye(characters)[generator.integers(0, characters, (16 * steps, window))]
    return Training(net, bp.Adam(0.001), (x, y), 16, steps, {"written out": _gpt_cost})


def _gpt_cost(p: Any, x: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    def normal(a: Any, gamma: Any, beta: Any) -> Any:
        centred = a - a.mean(-1, keepdims=True)
        return gamma * centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) + beta

    a = p["E1"][x] + p["P2"]
    N, T, D = a.shape
    mask = jnp.tril(jnp.ones((T, T), bool))
    for n in (3, 4):
        h = normal(a, p[f"gamma{n}_1"], p[f"beta{n}_1"])
        z = h @ p[f"W{n}_in"].T + p[f"b{n}_in"]
        q, k, v = (part.reshape(N, T, 4, D // 4) for part in jnp.split(z, 3, axis=2))
        s = jnp.einsum("nthk,nshk->nhts", q, k) / (D // 4) ** 0.5
        w = jax.nn.softmax(jnp.where(mask, s, -jnp.inf), axis=-1)
        read = jnp.einsum("nhts,nshk->nthk", w, v).reshape(N, T, D)
        a = a + read @ p[f"W{n}_out"].T + p[f"b{n}_out"]
        h = normal(a, p[f"gamma{n}_2"], p[f"beta{n}_2"])
        h = jax.nn.gelu(h @ p[f"W{n}_1"].T + p[f"b{n}_1"], approximate=False)
        a = a + h @ p[f"W{n}_2"].T + p[f"b{n}_2"]
    out = normal(a, p["gamma5"], p["beta5"]) @ p["W6"].T + p["b6"]
    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(out), axis=2))
