"""Formulas of networks, factors, kernels and tensors; `learning.py` has their sources."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symbp as bp
from tests.formulas.table import D, E, Formula, definite, formula, given, var

n, d, i, j, k = bp.indices("n d i j k", 4, 3, 3, 3, 3)
c, h = bp.indices("c h", 2, 2)
S = bp.Sum
eye = np.eye(3)


# Networks


def _two_layers(by: str, order: int) -> Formula:
    """‖V relu(Wx)‖², whose Hessians tensorgrad's README takes from Yaroslav Bulatov."""
    V = (var if by == "V" else given)("V", c, i)
    W = (var if by == "W" else given)("W", i, d)
    x, a, u = given("x", d), bp.tensor("a", i), bp.tensor("u", c)

    def closed(V: Any, W: Any, x: Any) -> Any:
        a, on = np.maximum(W @ x, 0), W @ x > 0
        if by == "V":
            return 2 * np.einsum("ce,i,j->ciej", np.eye(2), a, a)
        if order == 1:
            return 2 * np.outer(on * (V.T @ V @ a), x)
        return 2 * np.einsum("ij,i,j,d,e->idje", V.T @ V, on, on, x, x)

    return Formula(
        S(u[c] ** 2, c), V if by == "V" else W,
        lambda V, W, x: ((V @ jax.nn.relu(W @ x)) ** 2).sum(), closed, order,
        [E(a[i], bp.relu(S(W[i, d] * x[d], d))), E(u[c], S(V[c, i] * a[i], i))],
        {"x": [0.4, -1.0, 0.7], "W": np.eye(3) + 0.2},  # two units of three are on
    )  # fmt: skip


@formula
def _() -> Formula:
    """‖V relu(Wx)‖², by W"""
    return _two_layers("W", 1)


@formula
def _() -> Formula:
    """‖V relu(Wx)‖², by W twice"""
    return _two_layers("W", 2)


@formula
def _() -> Formula:
    """‖V relu(Wx)‖², by V twice"""
    return _two_layers("V", 2)


@formula
def _() -> Formula:
    """Σ tanh(Wx), by x twice: Wᵀ diag(tanh″) W"""
    W, x = given("W", i, d), var("x", d)

    def closed(W: Any, x: Any) -> Any:
        t = np.tanh(W @ x)
        return W.T @ np.diag(-2 * t * (1 - t**2)) @ W

    return Formula(
        S(bp.tanh(S(W[i, d] * x[d], d)), i), x, lambda W, x: jnp.tanh(W @ x).sum(), closed, 2
    )


@formula
def _() -> Formula:
    """The Laplacian of a network of one layer: Σ_i v_i σ″(w_i x) |w_i|², by W"""
    W, v, x, u = var("W", i, d), given("v", i), given("x", d), bp.tensor("u")

    def closed(W: Any, v: Any, x: Any) -> Any:
        t = np.tanh(W @ x)
        second, third = -2 * t * (1 - t**2), (1 - t**2) * (6 * t**2 - 2)
        return (v * second)[:, None] * 2 * W + np.outer(v * third * (W**2).sum(1), x)

    def laplacian(W: Any, v: Any, x: Any) -> Any:
        return jnp.trace(jax.hessian(lambda x: v @ jnp.tanh(W @ x))(x))

    return Formula(
        S(D(u, (x[d], 2)), d), W, laplacian, closed,
        equations=[E(u, S(v[i] * bp.tanh(S(W[i, d] * x[d], d)), i))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """A convolution, by its kernel: patches, [the place of the kernel]"""
    data, kernel = given("data", bp.Index("w", 5)), var("kernel", k)
    f = bp.tensor("f", i)
    return Formula(
        f, kernel, lambda data, kernel: jnp.convolve(data, kernel[::-1], "valid"),
        lambda data, kernel: np.lib.stride_tricks.sliding_window_view(data, 3),
        equations=[E(f[i], S(data[i + k] * kernel[k], k))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """A convolution, by its data: a Toeplitz matrix of the kernel"""
    data, kernel = var("data", bp.Index("w", 5)), given("kernel", k)
    f = bp.tensor("f", i)
    return Formula(
        f, data, lambda data, kernel: jnp.convolve(data, kernel[::-1], "valid"),
        lambda data, kernel: np.stack([np.roll([*kernel, 0, 0], s) for s in range(3)]),
        equations=[E(f[i], S(data[i + k] * kernel[k], k))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """The cost after a step of gradient descent, by where it starts: (I - ηA)² Aw"""
    w, A, v, f = var("w", i), given("A", i, j), bp.tensor("v", i), bp.tensor("f")
    return Formula(
        S(v[i] * A[i, j] * v[j], i, j) / 2, w,
        lambda w, A: (lambda v: v @ A @ v / 2)(w - 0.1 * A @ w),
        lambda w, A: (eye - 0.1 * A) @ A @ (eye - 0.1 * A) @ w,
        equations=[
            E(f, S(w[i] * A[i, j] * w[j], i, j) / 2), E(v[i], w[i] - 0.1 * D(f, w[i])),
        ],
        values={"A": definite(3)},
    )  # fmt: skip


# Factors and kernels


@formula
def _() -> Formula:
    """‖X - UVᵀ‖², by U: -2 (X - UVᵀ) V"""
    X, U, V = given("X", n, d), var("U", n, c), given("V", d, c)
    return Formula(
        S((X[n, d] - S(U[n, c] * V[d, c], c)) ** 2, n, d), U,
        lambda X, U, V: ((X - U @ V.T) ** 2).sum(), lambda X, U, V: -2 * (X - U @ V.T) @ V,
    )  # fmt: skip


@formula
def _() -> Formula:
    """‖X - XWWᵀ‖², a linear autoencoder: -2 (XᵀE + EᵀX) W"""
    X, W = given("X", n, d), var("W", d, c)
    code, r, e = bp.tensor("code", n, c), bp.tensor("r", n, d), bp.Index("d", 3)

    def closed(X: Any, W: Any) -> Any:
        left = X - X @ W @ W.T
        return -2 * (X.T @ left + left.T @ X) @ W

    return Formula(
        S(r[n, d] ** 2, n, d), W, lambda X, W: ((X - X @ W @ W.T) ** 2).sum(), closed,
        equations=[
            E(code[n, c], S(X[n, e] * W[e, c], e)),
            E(r[n, d], X[n, d] - S(code[n, c] * W[d, c], c)),
        ],
    )  # fmt: skip


@formula
def _() -> Formula:
    """‖L(x - y)‖², a learned metric: 2 L(x - y)(x - y)ᵀ"""
    L, x, y = var("L", c, d), given("x", d), given("y", d)
    return Formula(
        S(S(L[c, d] * (x[d] - y[d]), d) ** 2, c), L, lambda L, x, y: ((L @ (x - y)) ** 2).sum(),
        lambda L, x, y: 2 * L @ np.outer(x - y, x - y),
    )  # fmt: skip


@formula
def _() -> Formula:
    """Σ exp(-|x_i - x_j|²/2) y_i y_j, a kernel: -2 Σ_j K_ij y_i y_j (x_i - x_j)"""
    x, y, m = var("x", n, d), given("y", n), bp.Index("m", 4)
    K = bp.exp(-S((x[n, d] - x[m, d]) ** 2, d) / 2)

    def closed(x: Any, y: Any) -> Any:
        gap = x[:, None] - x
        weights = np.exp(-(gap**2).sum(2) / 2) * np.outer(y, y)
        return -2 * (weights[:, :, None] * gap).sum(1)

    def kernel(x: Any, y: Any) -> Any:
        return y @ jnp.exp(-((x[:, None] - x) ** 2).sum(2) / 2) @ y

    return Formula(S(K * y[n] * y[m], n, m), x, kernel, closed)


# Tensors


@formula
def _() -> Formula:
    """T(x, x, x): the sum over the three places"""
    T, x = given("T", i, j, k), var("x", i)
    return Formula(
        S(T[i, j, k] * x[i] * x[j] * x[k], i, j, k), x,
        lambda T, x: jnp.einsum("ijk,i,j,k", T, x, x, x),
        lambda T, x: np.einsum("ijk,j,k->i", T, x, x)
        + np.einsum("ijk,i,k->j", T, x, x) + np.einsum("ijk,i,j->k", T, x, x),
    )  # fmt: skip


@formula
def _() -> Formula:
    """T(x, x, x), twice: the sum over pairs of places"""
    T, x = given("T", i, j, k), var("x", i)

    def closed(T: Any, x: Any) -> Any:
        half = sum(np.einsum(f"{places},a->bc", T, x) for places in ("abc", "bac", "bca"))
        return half + half.T

    return Formula(
        S(T[i, j, k] * x[i] * x[j] * x[k], i, j, k), x,
        lambda T, x: jnp.einsum("ijk,i,j,k", T, x, x, x), closed, 2,
    )  # fmt: skip


@formula
def _() -> Formula:
    """vec(AXB), by X: Bᵀ ⊗ A"""
    A, X, B, f = given("A", c, i), var("X", i, j), given("B", j, h), bp.tensor("f", c, h)
    return Formula(
        f, X, lambda A, X, B: A @ X @ B, lambda A, X, B: np.einsum("ci,jh->chij", A, B),
        equations=[E(f[c, h], S(A[c, i] * X[i, j] * B[j, h], i, j))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """Tr A(B ⊙ X): Aᵀ ⊙ B"""
    A, B, X = given("A", j, i), given("B", i, j), var("X", i, j)
    return Formula(
        S(A[j, i] * B[i, j] * X[i, j], i, j), X, lambda A, B, X: jnp.trace(A @ (B * X)),
        lambda A, B, X: A.T * B,
    )  # fmt: skip


@formula
def _() -> Formula:
    """Tr A exp(X), elementwise: Aᵀ ⊙ exp(X)"""
    A, X = given("A", j, i), var("X", i, j)
    return Formula(
        S(A[j, i] * bp.exp(X[i, j]), i, j), X, lambda A, X: jnp.trace(A @ jnp.exp(X)),
        lambda A, X: A.T * np.exp(X),
    )  # fmt: skip


@formula
def _() -> Formula:
    """A tensor sketch, (Ax) ⊙ (Bx): diag(Ax) B + diag(Bx) A"""
    A, B, x, f = given("A", c, i), given("B", c, i), var("x", i), bp.tensor("f", c)
    return Formula(
        f, x, lambda A, B, x: (A @ x) * (B @ x),
        lambda A, B, x: np.diag(A @ x) @ B + np.diag(B @ x) @ A,
        equations=[E(f[c], S(A[c, i] * x[i], i) * S(B[c, j] * x[j], j))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """A tensor train of three, by its middle"""
    F, G, H = given("F", i, c), var("G", c, j, h), given("H", h, k)
    T = given("T", i, j, k)
    return Formula(
        S(F[i, c] * G[c, j, h] * H[h, k] * T[i, j, k], i, j, k, c, h), G,
        lambda F, G, H, T: jnp.einsum("ic,cjh,hk,ijk", F, G, H, T),
        lambda F, G, H, T: np.einsum("ic,hk,ijk->cjh", F, H, T),
    )  # fmt: skip


@formula
def _() -> Formula:
    """The greatest of a sum of maxima: a row of ones where each is"""
    X = var("X", i, j)
    return Formula(
        S(bp.Max(X[i, j], j), i), X, lambda X: X.max(1).sum(),
        lambda X: (X.max(1, keepdims=True) == X).astype(float),
    )  # fmt: skip
