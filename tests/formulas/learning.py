"""Formulas of machine learning and of tensors.

Those that tensorgrad (thomasahle/tensorgrad) shows, in its README, its examples and its book, and
those that textbooks print: costs, softmaxes, normalisation, attention, products of tensors.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symbp as bp
from tests.formulas.table import E, Formula, definite, formula, given, var

n, d, i, j = bp.indices("n d i j", 4, 3, 3, 3)
c, h = bp.indices("c h", 2, 2)
S = bp.Sum
eye = np.eye(3)


def soft(z: Any) -> Any:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sig(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


# Linear models


def _residual() -> tuple[Any, ...]:
    X, Y, W = given("X", n, d), given("Y", n, c), var("W", d, c)
    r = bp.tensor("r", n, c)
    return W, [E(r[n, c], S(X[n, d] * W[d, c], d) - Y[n, c])], S(r[n, c] ** 2, n, c)


@formula
def _() -> Formula:
    """‖XW - Y‖², by W"""
    W, equations, body = _residual()
    return Formula(
        body, W, lambda X, Y, W: ((X @ W - Y) ** 2).sum(),
        lambda X, Y, W: 2 * X.T @ (X @ W - Y), equations=equations,
    )  # fmt: skip


@formula
def _() -> Formula:
    """‖XW - Y‖², by W twice: 2 XᵀX ⊗ I"""
    W, equations, body = _residual()
    return Formula(
        body, W, lambda X, Y, W: ((X @ W - Y) ** 2).sum(),
        lambda X, Y, W: 2 * np.einsum("de,cf->dcef", X.T @ X, np.eye(2)),
        order=2, equations=equations,
    )  # fmt: skip


@formula
def _() -> Formula:
    """‖Xw - y‖² + λ‖w‖², the ridge"""
    X, y, w, lam = given("X", n, d), given("y", n), var("w", d), given("lam")
    return Formula(
        S((S(X[n, d] * w[d], d) - y[n]) ** 2, n) + lam * S(w[d] ** 2, d), w,
        lambda X, y, w, lam: ((X @ w - y) ** 2).sum() + lam * w @ w,
        lambda X, y, w, lam: 2 * (X.T @ X + lam * eye) @ w - 2 * X.T @ y,
    )  # fmt: skip


def _logistic(order: int) -> Formula:
    X, y, w, z = given("X", n, d), given("y", n), var("w", d), bp.tensor("z", n)

    def closed(X: Any, y: Any, w: Any) -> Any:
        p = sig(X @ w)
        return X.T @ (p - y) if order == 1 else X.T @ np.diag(p * (1 - p)) @ X

    return Formula(
        S(bp.softplus(z[n]) - y[n] * z[n], n), w,
        lambda X, y, w: (jax.nn.softplus(X @ w) - y * (X @ w)).sum(), closed, order,
        [E(z[n], S(X[n, d] * w[d], d))], {"y": [0.0, 1.0, 1.0, 0.0]},
    )  # fmt: skip


@formula
def _() -> Formula:
    """The logistic cost: Xᵀ(p - y)"""
    return _logistic(1)


@formula
def _() -> Formula:
    """The logistic cost, twice: Xᵀ diag(p(1 - p)) X"""
    return _logistic(2)


@formula
def _() -> Formula:
    """The Poisson cost: Xᵀ(exp(Xw) - y)"""
    X, y, w, z = given("X", n, d), given("y", n), var("w", d), bp.tensor("z", n)
    return Formula(
        S(bp.exp(z[n]) - y[n] * z[n], n), w, lambda X, y, w: (jnp.exp(X @ w) - y * (X @ w)).sum(),
        lambda X, y, w: X.T @ (np.exp(X @ w) - y), equations=[E(z[n], S(X[n, d] * w[d], d))],
    )  # fmt: skip


# Softmax and cross-entropy


@formula
def _() -> Formula:
    """ln Σ exp z: the softmax"""
    z = var("z", i)
    return Formula(bp.logsumexp(z[i], i), z, lambda z: jax.nn.logsumexp(z), soft)


@formula
def _() -> Formula:
    """ln Σ exp z, twice: diag(p) - ppᵀ"""
    z = var("z", i)
    return Formula(
        bp.logsumexp(z[i], i), z, lambda z: jax.nn.logsumexp(z),
        lambda z: np.diag(soft(z)) - np.outer(soft(z), soft(z)), 2,
    )  # fmt: skip


@formula
def _() -> Formula:
    """The Jacobian of the softmax, written as a quotient: diag(p) - ppᵀ"""
    z, p = var("z", i), bp.tensor("p", i)
    return Formula(
        p, z, lambda z: jax.nn.softmax(z), lambda z: np.diag(soft(z)) - np.outer(soft(z), soft(z)),
        equations=[E(p[i], bp.exp(z[i]) / S(bp.exp(z[j]), j))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """The Jacobian of the logarithm of the softmax: I - 𝟏pᵀ"""
    z, p = var("z", i), bp.tensor("p", i)
    return Formula(
        p, z, lambda z: jax.nn.log_softmax(z), lambda z: eye - soft(z),
        equations=[E(p[i], bp.log_softmax(z[i], i))],
    )  # fmt: skip


def _cross_entropy(order: int) -> Formula:
    z, t, e, p = var("logits", i), given("target", i), bp.tensor("e", i), bp.tensor("p", i)

    def closed(logits: Any, target: Any) -> Any:
        p = soft(logits)
        if order == 1:
            return p * target.sum() - target
        return (np.diag(p) - np.outer(p, p)) * target.sum()

    return Formula(
        -S(t[i] * bp.log(p[i]), i), z,
        lambda logits, target: -target @ jax.nn.log_softmax(logits), closed, order,
        [E(e[i], bp.exp(z[i])), E(p[i], e[i] / S(e[j], j))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """The cross-entropy, as tensorgrad has it: p Σt - t"""
    return _cross_entropy(1)


@formula
def _() -> Formula:
    """The cross-entropy, as tensorgrad has it, twice: (diag(p) - ppᵀ) Σt"""
    return _cross_entropy(2)


@formula
def _() -> Formula:
    """KL(softmax(z) ‖ q), by z: p ⊙ (ln p - ln q - KL)"""
    z, q, p = var("z", i), given("q", i), bp.tensor("p", i)

    def closed(z: Any, q: Any) -> Any:
        p = soft(z)
        gap = np.log(p) - np.log(q)
        return p * (gap - p @ gap)

    return Formula(
        S(p[i] * (bp.log_softmax(z[i], i) - bp.log(q[i])), i), z,
        lambda z, q: jax.nn.softmax(z) @ (jax.nn.log_softmax(z) - jnp.log(q)), closed,
        equations=[E(p[i], bp.softmax(z[i], i))], values={"q": [0.2, 0.5, 0.3]},
    )  # fmt: skip


@formula
def _() -> Formula:
    """The entropy of a softmax: -p ⊙ (ln p + H)"""
    z, p = var("z", i), bp.tensor("p", i)

    def closed(z: Any) -> Any:
        p = soft(z)
        return -p * (np.log(p) - p @ np.log(p))

    return Formula(
        -S(p[i] * bp.log(p[i]), i), z,
        lambda z: -(jax.nn.softmax(z) @ jax.nn.log_softmax(z)), closed,
        equations=[E(p[i], bp.softmax(z[i], i))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """Attention, by the queries: (P ⊙ (G - (P ⊙ G)𝟏)) K / √d with G = UVᵀ"""
    Q, K, V, U = var("Q", i, h), given("K", j, h), given("V", j, c), given("U", i, c)
    s, P = bp.tensor("s", i, j), bp.tensor("P", i, j)

    def closed(Q: Any, K: Any, V: Any, U: Any) -> Any:
        P, G = soft(Q @ K.T / np.sqrt(2)), U @ V.T
        return P * (G - (P * G).sum(1, keepdims=True)) @ K / np.sqrt(2)

    return Formula(
        S(U[i, c] * P[i, j] * V[j, c], i, j, c), Q,
        lambda Q, K, V, U: (U * (jax.nn.softmax(Q @ K.T / jnp.sqrt(2.0)) @ V)).sum(), closed,
        equations=[
            E(s[i, j], S(Q[i, h] * K[j, h], h) / bp.sqrt(2)), E(P[i, j], bp.softmax(s[i, j], j)),
        ],
    )  # fmt: skip


# Normalisation


@formula
def _() -> Formula:
    """The Jacobian of layer normalisation: (I - 𝟏𝟏ᵀ/n - uuᵀ/n) / σ"""
    x, u, mean, std = var("x", i), bp.tensor("u", i), bp.tensor("mean"), bp.tensor("std")

    def closed(x: Any) -> Any:
        u = (x - x.mean()) / x.std()
        return (eye - 1 / 3 - np.outer(u, u) / 3) / x.std()

    return Formula(
        u, x, lambda x: (x - x.mean()) / x.std(), closed,
        equations=[
            E(mean, bp.Mean(x[i], i)), E(std, bp.sqrt(bp.Mean((x[i] - mean) ** 2, i))),
            E(u[i], (x[i] - mean) / std),
        ],
    )  # fmt: skip


@formula
def _() -> Formula:
    """The Jacobian of RMS normalisation: (I - uuᵀ/n) / r"""
    x, u, r = var("x", i), bp.tensor("u", i), bp.tensor("r")

    def closed(x: Any) -> Any:
        r = np.sqrt((x**2).mean())
        return (eye - np.outer(x, x) / r**2 / 3) / r

    return Formula(
        u, x, lambda x: x / jnp.sqrt((x**2).mean()), closed,
        equations=[E(r, bp.sqrt(bp.Mean(x[i] ** 2, i))), E(u[i], x[i] / r)],
    )  # fmt: skip


@formula
def _() -> Formula:
    """The variance of values, twice: 2 (I - 𝟏𝟏ᵀ/n) / n"""
    x = var("x", i)
    return Formula(bp.var(x[i], i), x, lambda x: x.var(), lambda x: 2 * (eye - 1 / 3) / 3, 2)


@formula
def _() -> Formula:
    """The cosine of two vectors: b/|a||b| - cos a/|a|²"""
    a, b = var("a", i), given("b", i)

    def closed(a: Any, b: Any) -> Any:
        la, lb = np.linalg.norm(a), np.linalg.norm(b)
        return b / la / lb - a @ b / la / lb * a / la**2

    return Formula(
        S(a[i] * b[i], i) / (bp.norm(a[i], i) * bp.norm(b[i], i)), a,
        lambda a, b: a @ b / jnp.linalg.norm(a) / jnp.linalg.norm(b), closed,
    )  # fmt: skip


@formula
def _() -> Formula:
    """The Rayleigh quotient: 2 (Ax - rx) / xᵀx"""
    A, x = given("A", i, j), var("x", i)
    return Formula(
        S(x[i] * A[i, j] * x[j], i, j) / S(x[i] ** 2, i), x, lambda A, x: x @ A @ x / (x @ x),
        lambda A, x: 2 * (A @ x - x @ A @ x / (x @ x) * x) / (x @ x), values={"A": definite(3)},
    )  # fmt: skip
