"""Layers that hold others, and dense layers of other kinds, beside JAX's and PyTorch's."""

from typing import Any

import jax
import jax.numpy as jnp

import symbp as bp
from tests.networks.layers.cases import Case


def prelu(x: Any, s: Any) -> Any:
    return jnp.where(x > 0, x, s.reshape(-1, *(1,) * (x.ndim - 2)) * x)


def experts(x: Any, W: Any, b: Any, V: Any, top: int | None = None) -> Any:
    z = jnp.tanh(jnp.einsum("ejk,nk->nej", W, x) + b)
    s = x @ V.T
    if top is not None:
        s = jnp.where(s >= jax.lax.top_k(s, top)[0][:, -1:], s, -jnp.inf)
    return jnp.einsum("ne,nej->nj", jax.nn.softmax(s, axis=-1), z)


CASES: dict[str, Case] = {
    "PReLU": Case(bp.PReLU(), (2, 3), prelu, lambda nn: nn.PReLU()),
    "PReLU of channels": Case(bp.PReLU(3), (3, 2), prelu, lambda nn: nn.PReLU(3)),
    "Maxout": Case(
        bp.Maxout(3, 4),
        (5,),
        lambda x, W, b: jnp.max(jnp.einsum("pjk,nk->npj", W, x) + b, axis=1),
    ),
    "MixtureOfExperts": Case(bp.MixtureOfExperts(2, 3, "tanh"), (4,), experts),
    "MixtureOfExperts, the largest": Case(
        bp.MixtureOfExperts(2, 5, "tanh", top_k=2), (4,), lambda x, *p: experts(x, *p, top=2)
    ),
    "Residual": Case(
        bp.Residual(bp.Dense(4, "tanh"), bp.Dense(4, bias=False)),
        (3, 4),
        lambda x, W, b, V: x + jnp.tanh(x @ W.T + b) @ V.T,
        lambda nn: (
            nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4, bias=False)),
            lambda m, x: x + m(x),
        ),
    ),
    "Residual in a residual": Case(
        bp.Residual(bp.Residual(bp.Activation("tanh")), bp.Dense(3)),
        (3,),
        lambda x, W, b: x + (x + jnp.tanh(x)) @ W.T + b,
    ),
    "Concatenate": Case(
        bp.Concatenate([bp.Dense(2, "tanh")], [], [bp.Dense(3)]),
        (4,),
        lambda x, W, b, V, d: jnp.concatenate([jnp.tanh(x @ W.T + b), x, x @ V.T + d], axis=-1),
    ),
    "Concatenate channels": Case(
        bp.Concatenate([bp.Conv2d(2, 1, bias=False)], [], axis=1),
        (3, 2, 2),
        lambda x, W: jnp.concatenate([jnp.einsum("oc,nchw->nohw", W[:, :, 0, 0], x), x], axis=1),
    ),
}
