"""Recurrences, normalisations, embeddings and attention beside JAX's and PyTorch's."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symbp as bp
from tests.networks.layers.cases import BATCH, Case


def stepped(kind: str, x: Any, W: Any, U: Any, b: Any, d: Any, nonlinearity: str) -> Any:
    """Return the states of one layer in one direction, step by step."""
    H = U.shape[1]

    def rnn(carry: Any, x: Any) -> Any:
        function = {"tanh": jnp.tanh, "relu": jax.nn.relu}[nonlinearity]
        h = function(x @ W.T + b + carry[0] @ U.T + d)
        return (h, h), h

    def lstm(carry: Any, x: Any) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(x @ W.T + b + h @ U.T + d, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def gru(carry: Any, x: Any) -> Any:
        h = carry[0]
        p, q = jnp.split(x @ W.T + b, 3, axis=-1), jnp.split(h @ U.T + d, 3, axis=-1)
        r, z = jax.nn.sigmoid(p[0] + q[0]), jax.nn.sigmoid(p[1] + q[1])
        h = (1 - z) * jnp.tanh(p[2] + r * q[2]) + z * h
        return (h, h), h

    start = jnp.zeros((x.shape[0], H))
    step: Callable[..., Any] = {"RNN": rnn, "LSTM": lstm, "GRU": gru}[kind]
    _, states = jax.lax.scan(step, (start, start), x.transpose(1, 0, 2))
    return states.transpose(1, 0, 2)


def recurrent(kind: str, units: int, steps: int, features: int, **given: Any) -> Case:
    two, layers = given.get("bidirectional", False), given.get("num_layers", 1)
    biased = given.get("bias", True)
    last = given.pop("last", False)

    def in_jax(x: Any, *weights: Any) -> Any:
        left = list(weights)
        for layer in range(layers):
            found = []
            for backwards in (False, True)[: 1 + two]:
                W, U = left.pop(0), left.pop(0)
                b, d = (left.pop(0), left.pop(0)) if biased else (0.0, 0.0)
                y = x[:, ::-1] if backwards else x
                h = stepped(kind, y, W, U, b, d, given.get("nonlinearity", "tanh"))
                found.append(h[:, ::-1] if backwards else h)
            if last and layer + 1 == layers:
                found = [found[0][:, -1], *(h[:, 0] for h in found[1:])]
            x = jnp.concatenate(found, axis=-1)
        return x

    def in_torch(nn: Any) -> Any:
        module = getattr(nn, kind)(features, units, batch_first=True, **given)

        def call(module: Any, x: Any) -> Any:
            output, state = module(x)
            if not last:
                return output
            state = state[0] if kind == "LSTM" else state
            import torch

            return torch.cat(list(state[-(1 + two) :]), dim=-1)

        return module, call

    return Case(getattr(bp, kind)(units, last=last, **given), (steps, features), in_jax, in_torch)


def normalised(x: Any, axes: Any, eps: float) -> Any:
    mean = x.mean(axis=axes, keepdims=True)
    return (x - mean) / jnp.sqrt(x.var(axis=axes, keepdims=True) + eps)


def groups_normalised(x: Any, count: int, eps: float, gamma: Any = None, beta: Any = None) -> Any:
    parts = x.reshape(len(x), count, -1)
    x = normalised(parts, -1, eps).reshape(x.shape)
    if gamma is None:
        return x
    shape = (-1, *(1,) * (x.ndim - 2))
    return x * gamma.reshape(shape) + beta.reshape(shape)


def attention(
    x: Any, W: Any, b: Any, V: Any, d: Any, heads: int, memory: Any = None, mask: Any = None
) -> Any:
    memory = x if memory is None else memory
    E = x.shape[-1]

    def split(z: Any) -> Any:
        return z.reshape(*z.shape[:2], heads, E // heads).swapaxes(1, 2)

    q = split(x @ W[:E].T + b[:E])
    k, v = (split(memory @ W[i * E : (i + 1) * E].T + b[i * E : (i + 1) * E]) for i in (1, 2))
    S = q @ k.swapaxes(2, 3) / np.sqrt(E // heads)
    if mask is not None:
        S = jnp.where(mask, S, -jnp.inf)
    A = jax.nn.softmax(S, axis=-1) @ v
    return A.swapaxes(1, 2).reshape(x.shape) @ V.T + d


def tril(steps: int) -> Any:
    return np.tril(np.ones((steps, steps), bool))


def self_attention(E: int, heads: int, steps: int, causal: bool, bias: bool) -> Case:
    mask = tril(steps) if causal else None

    def in_torch(nn: Any) -> Any:
        module = nn.MultiheadAttention(E, heads, bias=bias, batch_first=True)

        def call(m: Any, x: Any) -> Any:
            import torch

            hidden = None if mask is None else torch.from_numpy(~mask)
            return m(x, x, x, attn_mask=hidden, need_weights=False)[0]

        return module, call

    def in_jax(x: Any, *p: Any) -> Any:
        W, b, V, d = p if bias else (p[0], jnp.zeros(3 * E), p[1], jnp.zeros(E))
        return attention(x, W, b, V, d, heads, mask=mask)

    layer = bp.MultiHeadAttention(heads, bias=bias, causal=causal)
    return Case(layer, (steps, E), in_jax, in_torch)


def block(E: int, heads: int, hidden: int, steps: int, **given: Any) -> Case:
    causal, bias = given.pop("causal", False), given.get("bias", True)
    first, eps = given.get("norm_first", False), given.get("layer_norm_eps", 1e-5)
    functions = {"relu": jax.nn.relu, "gelu": lambda x: jax.nn.gelu(x, approximate=False)}
    function = functions[given.get("activation", "relu")]
    mask = tril(steps) if causal else None

    def in_jax(x: Any, *p: Any) -> Any:
        if bias:
            W, b, V, d, W1, b1, W2, b2, g1, h1, g2, h2 = p
        else:
            W, V, W1, W2, g1, g2 = p
            b, d, b1, b2, h1, h2 = jnp.zeros(3 * E), 0.0, 0.0, 0.0, 0.0, 0.0

        def attended(x: Any) -> Any:
            return attention(x, W, b, V, d, heads, mask=mask)

        def fed(x: Any) -> Any:
            return function(x @ W1.T + b1) @ W2.T + b2

        for part, g, h in ((attended, g1, h1), (fed, g2, h2)):
            if first:
                x = x + part(normalised(x, -1, eps) * g + h)
            else:
                x = normalised(x + part(x), -1, eps) * g + h
        return x

    def in_torch(nn: Any) -> Any:
        module = nn.TransformerEncoderLayer(
            E, heads, hidden, dropout=0.0, batch_first=True, **given
        )

        def call(m: Any, x: Any) -> Any:
            import torch

            return m(x, src_mask=None if mask is None else torch.from_numpy(~mask))

        return module, call

    layer = bp.TransformerBlock(heads, hidden, causal=causal, **given)
    return Case(layer, (steps, E), in_jax, in_torch)


def waves(steps: int, features: int) -> Any:
    t, j = np.arange(steps)[:, None], np.arange(features)
    angle = t / 10000 ** ((j - j % 2) / features)
    return np.where(j % 2 == 0, np.sin(angle), np.cos(angle))


CASES: dict[str, Case] = {
    "RNN": recurrent("RNN", 3, 4, 2),
    "RNN relu, two layers, both directions": recurrent(
        "RNN", 2, 4, 3, num_layers=2, bidirectional=True, nonlinearity="relu"
    ),
    "RNN without a bias": recurrent("RNN", 3, 4, 2, bias=False),
    "LSTM": recurrent("LSTM", 3, 5, 2),
    "LSTM, two layers, both directions": recurrent(
        "LSTM", 2, 4, 3, num_layers=2, bidirectional=True
    ),
    "LSTM, last of both directions": recurrent("LSTM", 2, 4, 2, bidirectional=True, last=True),
    "LSTM, last of two layers": recurrent("LSTM", 2, 3, 2, num_layers=2, last=True, bias=False),
    "GRU": recurrent("GRU", 3, 5, 2),
    "GRU, both directions": recurrent("GRU", 2, 4, 2, bidirectional=True),
    "GRU, two layers, last": recurrent("GRU", 2, 4, 2, num_layers=2, last=True),
    "GRU without a bias": recurrent("GRU", 2, 3, 2, bias=False),
    "LayerNorm": Case(
        bp.LayerNorm(),
        (4, 5),
        lambda x, g, b: normalised(x, -1, 1e-5) * g + b,
        lambda nn: nn.LayerNorm(5),
    ),
    "LayerNorm of two axes": Case(
        bp.LayerNorm(2, eps=1e-3, bias=False),
        (2, 3, 4),
        lambda x, g: normalised(x, (-1, -2), 1e-3) * g,
        lambda nn: nn.LayerNorm((3, 4), eps=1e-3, bias=False),
    ),
    "LayerNorm alone": Case(
        bp.LayerNorm(elementwise_affine=False),
        (4,),
        lambda x: normalised(x, -1, 1e-5),
        lambda nn: nn.LayerNorm(4, elementwise_affine=False),
    ),
    "RMSNorm": Case(
        bp.RMSNorm(),
        (3, 4),
        lambda x, g: x * g / jnp.sqrt((x**2).mean(-1, keepdims=True) + 2.0**-52),
        lambda nn: nn.RMSNorm(4),
    ),
    "RMSNorm of two axes": Case(
        bp.RMSNorm(2, eps=1e-3, elementwise_affine=False),
        (3, 4),
        lambda x: x / jnp.sqrt((x**2).mean((-1, -2), keepdims=True) + 1e-3),
        lambda nn: nn.RMSNorm((3, 4), eps=1e-3, elementwise_affine=False),
    ),
    "GroupNorm": Case(
        bp.GroupNorm(2),
        (6, 2, 3),
        lambda x, g, b: groups_normalised(x, 2, 1e-5, g, b),
        lambda nn: nn.GroupNorm(2, 6),
    ),
    "GroupNorm of each channel": Case(
        bp.GroupNorm(4, eps=0.1),
        (4, 3),
        lambda x, g, b: groups_normalised(x, 4, 0.1, g, b),
        lambda nn: nn.GroupNorm(4, 4, eps=0.1),
    ),
    "GroupNorm alone": Case(
        bp.GroupNorm(1, affine=False),
        (4,),
        lambda x: groups_normalised(x, 1, 1e-5),
        lambda nn: nn.GroupNorm(1, 4, affine=False),
    ),
    "Embedding": Case(
        bp.Embedding(5, 3), (4,), lambda x, E: E[x], lambda nn: nn.Embedding(5, 3), words=5
    ),
    "PositionalEncoding": Case(bp.PositionalEncoding(), (4, 6), lambda x: x + waves(4, 6)),
    "PositionalEncoding of an odd width": Case(
        bp.PositionalEncoding(), (3, 5), lambda x: x + waves(3, 5)
    ),
    "PositionalEncoding learned": Case(
        bp.PositionalEncoding(learned=True),
        (4, 3),
        lambda x, P: x + P,
        lambda nn: (nn.Embedding(4, 3), lambda m, x: x + m.weight),
    ),
    "MultiHeadAttention": self_attention(6, 2, 4, causal=False, bias=True),
    "MultiHeadAttention causal": self_attention(6, 3, 4, causal=True, bias=True),
    "MultiHeadAttention of one head": self_attention(4, 1, 3, causal=True, bias=False),
    "TransformerBlock": block(4, 2, 5, 3),
    "TransformerBlock, normalised first": block(
        4, 2, 5, 3, norm_first=True, activation="gelu", causal=True, layer_norm_eps=1e-3
    ),
    "TransformerBlock without biases": block(4, 1, 3, 3, bias=False),
}


def masked(shape: tuple[str, ...]) -> tuple[Any, np.ndarray]:
    """Return a mask's tensor by what its axes are, and numbers for it; each step sees something."""
    extents = {"n": BATCH, "t": 4, "s": 5}
    indices = [bp.Index(letter, extents[letter]) for letter in shape]
    numbers = np.random.default_rng(3).integers(0, 2, [extents[letter] for letter in shape])
    numbers[..., 0] = 1
    return bp.input("mask", *indices), numbers.astype(float)
