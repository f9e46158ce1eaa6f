"""More formulas of "The matrix cookbook": determinants, inverses, structure, densities."""

import math
from itertools import permutations
from typing import Any

import jax.numpy as jnp
import numpy as np

import symbp as bp
from tests.formulas.table import D, E, Formula, definite, formula, given, var

i, j, k, l = bp.indices("i j k l", 3, 3, 3, 3)
p, q = bp.indices("p q", 4, 4)
S, tr = bp.Sum, jnp.trace
eye = np.eye(3)
X = var("X", i, j)
A, B = given("A", i, j), given("B", i, j)


# Determinants by Leibniz' formula; inverses by Jacobi's, as a derivative of the determinant


def determinant(matrix: bp.Tensor, name: str = "det") -> tuple[list[bp.Equation], bp.Tensor]:
    """Return equations of a determinant of a matrix of three rows."""
    terms = []
    for columns in permutations(range(3)):
        sign = round(np.linalg.det(eye[list(columns)]))
        terms.append(sign * math.prod(matrix[row, c] for row, c in enumerate(columns)))
    det = bp.tensor(name)
    return [E(det, sum(terms[1:], terms[0]))], det


def inverse(matrix: bp.Tensor) -> tuple[list[bp.Equation], bp.Tensor, bp.Tensor]:
    """Return equations of a determinant and an inverse, ``∂det/∂X_ji / det``."""
    equations, det = determinant(matrix)
    made = bp.tensor("inverse", j, i)
    return [*equations, E(made[j, i], D(det, matrix[i, j]) / det)], made, det


inv, jdet = np.linalg.inv, np.linalg.det


@formula
def _() -> Formula:
    """(49) det X"""
    equations, det = determinant(X)
    return Formula(
        det, X, lambda X: jnp.linalg.det(X), lambda X: jdet(X) * inv(X).T, equations=equations
    )


@formula
def _() -> Formula:
    """(51) det AXB"""
    Y = bp.tensor("Y", i, l)
    equations, det = determinant(Y)
    return Formula(
        det, X, lambda X, A, B: jnp.linalg.det(A @ X @ B),
        lambda X, A, B: jdet(A @ X @ B) * inv(X).T,
        equations=[E(Y[i, l], S(A[i, j] * X[j, k] * B[k, l], j, k)), *equations],
    )  # fmt: skip


@formula
def _() -> Formula:
    """(53) det XᵀAX, X not square"""
    Z, F, Y = var("X", p, i), given("F", p, q), bp.tensor("Y", i, j)
    equations, det = determinant(Y)
    return Formula(
        det, Z, lambda X, F: jnp.linalg.det(X.T @ F @ X),
        lambda X, F: jdet(X.T @ F @ X)
        * (F @ X @ inv(X.T @ F @ X) + F.T @ X @ inv(X.T @ F.T @ X)),
        equations=[E(Y[i, j], S(Z[p, i] * F[p, q] * Z[q, j], p, q)), *equations],
    )  # fmt: skip


@formula
def _() -> Formula:
    """(55) ln det XᵀX, X not square"""
    Z, Y = var("X", p, i), bp.tensor("Y", i, j)
    equations, det = determinant(Y)
    return Formula(
        bp.log(det), Z, lambda X: jnp.linalg.slogdet(X.T @ X)[1],
        lambda X: 2 * np.linalg.pinv(X).T,
        equations=[E(Y[i, j], S(Z[p, i] * Z[p, j], p)), *equations],
    )  # fmt: skip


@formula
def _() -> Formula:
    """(57) ln |det X|"""
    equations, det = determinant(X)
    return Formula(
        bp.log(bp.Abs(det)), X, lambda X: jnp.linalg.slogdet(X)[1], lambda X: inv(X).T,
        equations=equations,
    )  # fmt: skip


@formula
def _() -> Formula:
    """(58) det X³"""
    equations, det = determinant(X)
    return Formula(
        det**3, X, lambda X: jnp.linalg.det(X @ X @ X), lambda X: 3 * jdet(X) ** 3 * inv(X).T,
        equations=equations,
    )  # fmt: skip


@formula
def _() -> Formula:
    """(60) (X⁻¹)_kl, by X_ij"""
    equations, Y, _ = inverse(X)
    return Formula(
        Y, X, lambda X: jnp.linalg.inv(X), lambda X: -np.einsum("ki,jl->klij", inv(X), inv(X)),
        equations=equations,
    )  # fmt: skip


@formula
def _() -> Formula:
    """(61) aᵀX⁻¹b"""
    a, b = given("a", i), given("b", i)
    equations, Y, _ = inverse(X)
    return Formula(
        S(a[i] * Y[i, j] * b[j], i, j), X, lambda X, a, b: a @ jnp.linalg.inv(X) @ b,
        lambda X, a, b: -inv(X).T @ np.outer(a, b) @ inv(X).T, equations=equations,
    )  # fmt: skip


@formula
def _() -> Formula:
    """(62) det X⁻¹"""
    equations, det = determinant(X)
    return Formula(
        1 / det, X, lambda X: jnp.linalg.det(jnp.linalg.inv(X)),
        lambda X: -jdet(inv(X)) * inv(X).T, equations=equations,
    )  # fmt: skip


@formula
def _() -> Formula:
    """(63) Tr AX⁻¹B"""
    equations, Y, _ = inverse(X)
    return Formula(
        S(A[i, j] * Y[j, k] * B[k, i], i, j, k), X,
        lambda X, A, B: tr(A @ jnp.linalg.inv(X) @ B),
        lambda X, A, B: -(inv(X) @ B @ A @ inv(X)).T, equations=equations,
    )  # fmt: skip


@formula
def _() -> Formula:
    """(64) Tr (X + A)⁻¹"""
    Y = bp.tensor("Y", i, j)
    equations, Z, _ = inverse(Y)
    return Formula(
        S(Z[i, i], i), X, lambda X, A: tr(jnp.linalg.inv(X + A)),
        lambda X, A: -(inv(X + A) @ inv(X + A)).T,
        equations=[E(Y[i, j], X[i, j] + A[i, j]), *equations],
    )  # fmt: skip


# Structured matrices


@formula
def _() -> Formula:
    """(141) Tr AX of a symmetric X: the entry above the diagonal is that below"""
    low, sym = var("X", i, j), bp.tensor("sym", i, j)

    def full(X: Any) -> Any:
        return jnp.tril(X) + jnp.tril(X, -1).T

    return Formula(
        S(A[i, j] * sym[j, i], i, j), low, lambda X, A: tr(A @ full(X)),
        lambda X, A: np.tril(A + A.T - np.diag(np.diag(A))),
        equations=[E(sym[i, j], bp.where(i >= j, low[i, j], low[j, i]))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """(142) ln det X of a symmetric X"""
    low, sym = var("X", i, j), bp.tensor("sym", i, j)
    equations, det = determinant(sym)

    def closed(X: Any) -> Any:
        whole = inv(np.tril(X) + np.tril(X, -1).T)
        return np.tril(2 * whole - np.diag(np.diag(whole)))

    return Formula(
        bp.log(det), low,
        lambda X: jnp.linalg.slogdet(jnp.tril(X) + jnp.tril(X, -1).T)[1], closed,
        equations=[E(sym[i, j], bp.where(i >= j, low[i, j], low[j, i])), *equations],
        values={"X": definite(3)},
    )  # fmt: skip


@formula
def _() -> Formula:
    """(145) Tr AX of a diagonal X"""
    d = var("d", i)
    return Formula(
        S(A[i, i] * d[i], i), d, lambda d, A: tr(A @ jnp.diag(d)), lambda d, A: np.diag(A)
    )


@formula
def _() -> Formula:
    """(146) Tr AT of a Toeplitz T: sums along the diagonals of A"""
    t = var("t", bp.Index("d", 5))
    table = np.arange(3)[:, None] - np.arange(3) + 2
    return Formula(
        S(A[i, j] * t[j - i + 2], i, j), t, lambda t, A: tr(A @ t[table]),
        lambda t, A: np.array([np.trace(A.T, -offset) for offset in range(-2, 3)]),
    )  # fmt: skip


# Densities


def _gaussian(by: str) -> Formula:
    x, mean = given("x", i), (var if by == "mean" else given)("mean", i)
    cov = (var if by == "cov" else given)("cov", i, j)
    equations, Y, det = inverse(cov)
    quadratic = S((x[i] - mean[i]) * Y[i, j] * (x[j] - mean[j]), i, j)

    def log_density(x: Any, mean: Any, cov: Any) -> Any:
        d = x - mean
        return -(d @ jnp.linalg.solve(cov, d) + jnp.linalg.slogdet(2 * jnp.pi * cov)[1]) / 2

    def closed(x: Any, mean: Any, cov: Any) -> Any:
        P, d = inv(cov), x - mean
        return P @ d if by == "mean" else (P @ np.outer(d, d) @ P - P) / 2

    return Formula(
        -quadratic / 2 - bp.log(det) / 2 - 1.5 * math.log(2 * math.pi),
        mean if by == "mean" else cov, log_density, closed,
        equations=equations, values={"cov": definite(3)},
    )  # fmt: skip


@formula
def _() -> Formula:
    """(347) ln N(x; m, Σ), by m"""
    return _gaussian("mean")


@formula
def _() -> Formula:
    """(348) ln N(x; m, Σ), by Σ"""
    return _gaussian("cov")


@formula
def _() -> Formula:
    """(357) ln Σ_k ρ_k N(x; m_k, P_k⁻¹), by m: the share of each component"""
    kk = bp.Index("k", 2)
    x, means, rho = given("x", i), var("means", kk, i), given("rho", kk)
    P, s = given("P", kk, i, j), bp.tensor("s", kk)
    quadratic = S((x[i] - means[kk, i]) * P[kk, i, j] * (x[j] - means[kk, j]), i, j)
    precisions = np.stack([definite(3, 1), definite(3, 2)])

    def terms(x: Any, means: Any, rho: Any, P: Any) -> Any:
        d = x - means
        return np.log(rho) - jnp.einsum("ki,kij,kj->k", d, P, d) / 2

    def closed(x: Any, means: Any, rho: Any, P: Any) -> Any:
        s = np.exp(np.asarray(terms(x, means, rho, P)))
        return (s / s.sum())[:, None] * np.einsum("kij,kj->ki", P, x - means)

    return Formula(
        bp.logsumexp(s[kk], kk), means,
        lambda **v: jnp.log(jnp.exp(terms(**v)).sum()), closed,
        equations=[E(s[kk], bp.log(rho[kk]) - quadratic / 2)],
        values={"rho": [0.3, 0.7], "P": precisions},
    )  # fmt: skip
