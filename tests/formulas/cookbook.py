"""Formulas of Petersen and Pedersen, "The matrix cookbook" (2012), by their numbers there."""

from typing import Any

import jax.numpy as jnp
import numpy as np

import symbp as bp
from tests.formulas.table import E, Formula, definite, formula, given, var

i, j, k, l, m = bp.indices("i j k l m", 3, 3, 3, 3, 3)
p, q = bp.indices("p q", 4, 4)
S = bp.Sum
eye = np.eye(3)


def power(matrix: Any, times: int) -> Any:
    return np.linalg.matrix_power(matrix, times)


# Vectors and quadratic forms


@formula
def _() -> Formula:
    """(69) aᵀx"""
    a, x = given("a", i), var("x", i)
    return Formula(S(a[i] * x[i], i), x, lambda a, x: a @ x, lambda a, x: a)


@formula
def _() -> Formula:
    """(70) aᵀXb"""
    a, X, b = given("a", i), var("X", i, p), given("b", p)
    return Formula(
        S(a[i] * X[i, p] * b[p], i, p), X, lambda a, X, b: a @ X @ b,
        lambda a, X, b: np.outer(a, b),
    )  # fmt: skip


@formula
def _() -> Formula:
    """(71) aᵀXᵀb"""
    a, X, b = given("a", p), var("X", i, p), given("b", i)
    return Formula(
        S(a[p] * X[i, p] * b[i], i, p), X, lambda a, X, b: a @ X.T @ b,
        lambda a, X, b: np.outer(b, a),
    )  # fmt: skip


@formula
def _() -> Formula:
    """(72) aᵀXa"""
    a, X = given("a", i), var("X", i, j)
    return Formula(
        S(a[i] * X[i, j] * a[j], i, j), X, lambda a, X: a @ X @ a, lambda a, X: np.outer(a, a)
    )


@formula
def _() -> Formula:
    """(76) Σ X_kl X_mn"""
    X = var("X", i, p)
    return Formula(
        S(X[i, p], i, p) * S(X[j, q], j, q), X, lambda X: X.sum() ** 2,
        lambda X: 2 * X.sum() * np.ones_like(X),
    )  # fmt: skip


@formula
def _() -> Formula:
    """(77) bᵀXᵀXc"""
    b, X, c = given("b", p), var("X", i, p), given("c", q)
    return Formula(
        S(b[p] * X[i, p] * X[i, q] * c[q], i, p, q), X, lambda b, X, c: b @ X.T @ X @ c,
        lambda b, X, c: X @ (np.outer(b, c) + np.outer(c, b)),
    )  # fmt: skip


@formula
def _() -> Formula:
    """(78) (Bx + b)ᵀ C (Dx + d)"""
    B, b, C = given("B", i, p), given("b", i), given("C", i, j)
    F, d, x = given("F", j, p), given("d", j), var("x", p)
    left, right = bp.tensor("left", i), bp.tensor("right", j)
    return Formula(
        S(left[i] * C[i, j] * right[j], i, j), x,
        lambda B, b, C, F, d, x: (B @ x + b) @ C @ (F @ x + d),
        lambda B, b, C, F, d, x: B.T @ C @ (F @ x + d) + F.T @ C.T @ (B @ x + b),
        equations=[
            E(left[i], S(B[i, p] * x[p], p) + b[i]), E(right[j], S(F[j, p] * x[p], p) + d[j]),
        ],
    )  # fmt: skip


@formula
def _() -> Formula:
    """(79) (XᵀBX)_kl, by X_ij"""
    X, B, f = var("X", i, p), given("B", i, j), bp.tensor("f", p, q)
    return Formula(
        f, X, lambda X, B: X.T @ B @ X,
        lambda X, B: np.einsum("lj,ki->klij", np.eye(4), X.T @ B)
        + np.einsum("kj,il->klij", np.eye(4), B @ X),
        equations=[E(f[p, q], S(X[i, p] * B[i, j] * X[j, q], i, j))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """(81) xᵀBx"""
    x, B = var("x", i), given("B", i, j)
    return Formula(
        S(x[i] * B[i, j] * x[j], i, j), x, lambda x, B: x @ B @ x, lambda x, B: (B + B.T) @ x
    )


@formula
def _() -> Formula:
    """(82) bᵀXᵀDXc"""
    b, X, F, c = given("b", p), var("X", i, p), given("F", i, j), given("c", q)
    return Formula(
        S(b[p] * X[i, p] * F[i, j] * X[j, q] * c[q], i, j, p, q), X,
        lambda b, X, F, c: b @ X.T @ F @ X @ c,
        lambda b, X, F, c: F.T @ X @ np.outer(b, c) + F @ X @ np.outer(c, b),
    )  # fmt: skip


@formula
def _() -> Formula:
    """(83) (Xb + c)ᵀ D (Xb + c)"""
    X, b, c, F, r = (
        var("X", i, p),
        given("b", p),
        given("c", i),
        given("F", i, j),
        bp.tensor("r", i),
    )
    return Formula(
        S(r[i] * F[i, j] * r[j], i, j), X, lambda X, b, c, F: (X @ b + c) @ F @ (X @ b + c),
        lambda X, b, c, F: np.outer((F + F.T) @ (X @ b + c), b),
        equations=[E(r[i], S(X[i, p] * b[p], p) + c[i])],
    )  # fmt: skip


def _least_squares(by: str) -> Formula:
    make = {name: var if name == by else given for name in ("x", "A", "s")}
    x, A, s = make["x"]("x", i), make["A"]("A", i, p), make["s"]("s", p)
    W, r = given("W", i, j), bp.tensor("r", i)
    closed = {
        "s": lambda x, A, s, W: -2 * A.T @ W @ (x - A @ s),
        "x": lambda x, A, s, W: 2 * W @ (x - A @ s),
        "A": lambda x, A, s, W: -2 * W @ np.outer(x - A @ s, s),
    }
    return Formula(
        S(r[i] * W[i, j] * r[j], i, j), {"x": x, "A": A, "s": s}[by],
        lambda x, A, s, W: (x - A @ s) @ W @ (x - A @ s), closed[by],
        equations=[E(r[i], x[i] - S(A[i, p] * s[p], p))], values={"W": definite(3)},
    )  # fmt: skip


@formula
def _() -> Formula:
    """(84) (x - As)ᵀ W (x - As), by s"""
    return _least_squares("s")


@formula
def _() -> Formula:
    """(86) (x - As)ᵀ W (x - As), by x"""
    return _least_squares("x")


@formula
def _() -> Formula:
    """(88) (x - As)ᵀ W (x - As), by A"""
    return _least_squares("A")


@formula
def _() -> Formula:
    """(91) aᵀX³b"""
    a, X, b = given("a", i), var("X", i, j), given("b", i)
    return Formula(
        S(a[i] * X[i, j] * X[j, k] * X[k, l] * b[l], i, j, k, l), X,
        lambda a, X, b: a @ X @ X @ X @ b,
        lambda a, X, b: sum(
            power(X.T, r) @ np.outer(a, b) @ power(X.T, 2 - r) for r in range(3)
        ),
    )  # fmt: skip


@formula
def _() -> Formula:
    """(92) aᵀ(X²)ᵀX²b"""
    a, X, b, Y = given("a", i), var("X", i, j), given("b", i), bp.tensor("Y", i, j)

    def closed(a: Any, X: Any, b: Any) -> Any:
        first = sum(
            power(X, 1 - r) @ np.outer(a, b) @ power(X.T, 2) @ power(X, r) for r in range(2)
        )
        second = sum(
            power(X.T, r) @ power(X, 2) @ np.outer(a, b) @ power(X.T, 1 - r) for r in range(2)
        )
        return first.T + second

    return Formula(
        S(a[i] * Y[j, i] * Y[j, k] * b[k], i, j, k), X, lambda a, X, b: a @ (X @ X).T @ X @ X @ b,
        closed, equations=[E(Y[i, k], S(X[i, j] * X[j, k], j))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """(98) xᵀAx + bᵀx, twice"""
    x, A, b = var("x", i), given("A", i, j), given("b", i)
    return Formula(
        S(x[i] * A[i, j] * x[j], i, j) + S(b[i] * x[i], i), x, lambda x, A, b: x @ A @ x + b @ x,
        lambda x, A, b: A + A.T, order=2,
    )  # fmt: skip


# Traces


def trace(name: str, body: Any, by: bp.Tensor, jax: Any, closed: Any, **options: Any) -> None:
    """Enter a formula of a trace."""

    def make() -> Formula:
        return Formula(body, by, jax, closed, **options)

    make.__doc__ = name
    formula(make)


X, R = var("X", i, j), var("X", i, p)
A, B, C = given("A", i, j), given("B", i, j), given("C", i, j)
A4, B4 = given("A", p, i), given("B", p, q)
tr = jnp.trace

trace("(99) Tr X", S(X[i, i], i), X, lambda X: tr(X), lambda X: eye)
trace("(100) Tr XA", S(R[i, p] * A4[p, i], i, p), R, lambda X, A: tr(X @ A), lambda X, A: A.T)
trace(
    "(101) Tr AXB", S(A[i, j] * X[j, k] * B[k, i], i, j, k), X,
    lambda X, A, B: tr(A @ X @ B), lambda X, A, B: A.T @ B.T,
)  # fmt: skip
trace(
    "(102) Tr AXᵀB", S(A[i, j] * X[k, j] * B[k, i], i, j, k), X,
    lambda X, A, B: tr(A @ X.T @ B), lambda X, A, B: B @ A,
)  # fmt: skip
trace(
    "(105) Tr A ⊗ X", S(A[i, i] * X[j, j], i, j), X,
    lambda X, A: tr(jnp.kron(A, X)), lambda X, A: np.trace(A) * eye,
)  # fmt: skip
trace("(106) Tr X²", S(X[i, j] * X[j, i], i, j), X, lambda X: tr(X @ X), lambda X: 2 * X.T)
trace(
    "(107) Tr X²B", S(X[i, j] * X[j, k] * B[k, i], i, j, k), X,
    lambda X, B: tr(X @ X @ B), lambda X, B: (X @ B + B @ X).T,
)  # fmt: skip
trace(
    "(108) Tr XᵀBX", S(R[i, p] * B[i, j] * R[j, p], i, j, p), R,
    lambda X, B: tr(X.T @ B @ X), lambda X, B: (B + B.T) @ X,
)  # fmt: skip
trace(
    "(111) Tr XBXᵀ", S(R[i, p] * B4[p, q] * R[i, q], i, p, q), R,
    lambda X, B: tr(X @ B @ X.T), lambda X, B: X @ (B + B.T),
)  # fmt: skip
trace(
    "(114) Tr AXBX", S(A[i, j] * X[j, k] * B[k, l] * X[l, i], i, j, k, l), X,
    lambda X, A, B: tr(A @ X @ B @ X), lambda X, A, B: A.T @ X.T @ B.T + B.T @ X.T @ A.T,
)  # fmt: skip
trace("(115) Tr XᵀX", S(R[i, p] ** 2, i, p), R, lambda X: tr(X.T @ X), lambda X: 2 * X)
trace(
    "(117) Tr BᵀXᵀCXB",
    S(B[i, k] * X[j, i] * C[j, l] * X[l, m] * B[m, k], i, j, k, l, m), X,
    lambda X, B, C: tr(B.T @ X.T @ C @ X @ B), lambda X, B, C: (C.T + C) @ X @ B @ B.T,
)  # fmt: skip
trace(
    "(118) Tr AXBXᵀC",
    S(A[i, j] * X[j, k] * B[k, l] * X[m, l] * C[m, i], i, j, k, l, m), X,
    lambda X, A, B, C: tr(A @ X @ B @ X.T @ C),
    lambda X, A, B, C: A.T @ C.T @ X @ B.T + C @ A @ X @ B,
)  # fmt: skip
_Z = bp.tensor("Z", i, l)
trace(
    "(119) Tr (AXB + C)(AXB + C)ᵀ", S(_Z[i, l] ** 2, i, l), X,
    lambda X, A, B, C: tr((A @ X @ B + C) @ (A @ X @ B + C).T),
    lambda X, A, B, C: 2 * A.T @ (A @ X @ B + C) @ B.T,
    equations=[E(_Z[i, l], S(A[i, j] * X[j, k] * B[k, l], j, k) + C[i, l])],
)  # fmt: skip
trace(
    "(120) Tr X ⊗ X", S(X[i, i] * X[j, j], i, j), X,
    lambda X: tr(jnp.kron(X, X)), lambda X: 2 * np.trace(X) * eye,
)  # fmt: skip
trace(
    "(121) Tr X³", S(X[i, j] * X[j, k] * X[k, i], i, j, k), X,
    lambda X: tr(X @ X @ X), lambda X: 3 * (X @ X).T,
)  # fmt: skip
trace(
    "(122) Tr AX³", S(A[i, j] * X[j, k] * X[k, l] * X[l, i], i, j, k, l), X,
    lambda X, A: tr(A @ X @ X @ X),
    lambda X, A: sum((power(X, r) @ A @ power(X, 2 - r)).T for r in range(3)),
)  # fmt: skip
_Y = bp.tensor("Y", i, j)
trace(
    "(123) Tr BᵀXᵀCXXᵀCXB", S(_Y[i, k] * _Z[k, i], i, k), X,
    lambda X, B, C: tr(B.T @ X.T @ C @ X @ X.T @ C @ X @ B),
    lambda X, B, C: (
        C @ X @ X.T @ C @ X @ B @ B.T
        + C.T @ X @ B @ B.T @ X.T @ C.T @ X
        + C @ X @ B @ B.T @ X.T @ C @ X
        + C.T @ X @ X.T @ C.T @ X @ B @ B.T
    ),
    equations=[
        E(_Y[i, k], S(B[j, i] * X[l, j] * C[l, m] * X[m, k], j, l, m)),
        E(_Z[k, i], S(X[l, k] * C[l, m] * X[m, j] * B[j, i], j, l, m)),
    ],
)  # fmt: skip


# Norms


@formula
def _() -> Formula:
    """(129) ‖x - a‖"""
    x, a = var("x", i), given("a", i)
    return Formula(
        bp.norm(x[i] - a[i], i), x, lambda x, a: jnp.linalg.norm(x - a),
        lambda x, a: (x - a) / np.linalg.norm(x - a),
    )  # fmt: skip


@formula
def _() -> Formula:
    """(130) (x - a) / ‖x - a‖"""
    x, a, f = var("x", i), given("a", i), bp.tensor("f", i)

    def closed(x: Any, a: Any) -> Any:
        r, d = np.linalg.norm(x - a), x - a
        return eye / r - np.outer(d, d) / r**3

    return Formula(
        f, x, lambda x, a: (x - a) / jnp.linalg.norm(x - a), closed,
        equations=[E(f[i], (x[i] - a[i]) / bp.norm(x[j] - a[j], j))],
    )  # fmt: skip


@formula
def _() -> Formula:
    """(131) ‖x‖²"""
    x = var("x", i)
    return Formula(bp.norm(x[i], i) ** 2, x, lambda x: x @ x, lambda x: 2 * x)


@formula
def _() -> Formula:
    """(132) ‖X‖² of Frobenius"""
    X = var("X", i, p)
    return Formula(bp.norm(X[i, p], i, p) ** 2, X, lambda X: (X**2).sum(), lambda X: 2 * X)
