"""Programs of linear algebra, each with its cost in JAX's own style and arrays by name.

Between them: right-hand sides of one matrix, many matrices, matrices that change from step to step,
factors, determinants of either sign, and solutions inside of nonlinear functions.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy

import symbp as bp

Values = dict[str, Any]
Example = tuple[bp.Program, Values, Callable[[dict[str, Any]], Any]]


def one(i: bp.Index, k: bp.Index) -> Any:
    """Return the element of the identity matrix."""
    return bp.where(sympy.Eq(i, k), 1, 0)


def ridge() -> Example:
    """Ridge regression by the normal equations; the penalty is learnt on data held out."""
    M, D, U = 7, 4, 2
    m, h, i, k, u = bp.indices("m h i k u", M, 3, D, D, U)
    X, Y = bp.input("X", m, i), bp.input("Y", m, u)
    V, T = bp.input("V", h, i), bp.input("T", h, u)
    s = bp.parameter("s")
    w, C = bp.tensor("w", k, u), bp.tensor("C")
    gram = bp.Sum(X[m, i] * X[m, k], m) + bp.exp(s) * one(i, k)
    program = bp.Program(
        [
            bp.Equation(w[k, u], bp.solve(gram, bp.Sum(X[m, i] * Y[m, u], m), i, k)),
            bp.Equation(C, bp.Sum((bp.Sum(V[h, k] * w[k, u], k) - T[h, u]) ** 2, h, u)),
        ],
        cost=C,
    )

    def cost(p: dict[str, Any]) -> Any:
        w = jnp.linalg.solve(p["X"].T @ p["X"] + jnp.exp(p["s"]) * jnp.eye(D), p["X"].T @ p["Y"])
        return jnp.sum((p["V"] @ w - p["T"]) ** 2)

    draw = np.random.default_rng(1).normal
    values = {"X": draw(size=(M, D)), "Y": draw(size=(M, U)), "V": draw(size=(3, D)),
              "T": draw(size=(3, U)), "s": np.array(0.3)}  # fmt: skip
    return program, values, cost


def gaussian_process(factorised: bool = False) -> Example:
    """The log marginal likelihood of a Gaussian process (Rasmussen and Williams, equation 2.30)."""
    M, D = 6, 2
    i, k, d = bp.indices("i k d", M, M, D)
    X, y = bp.input("X", i, d), bp.input("y", i)
    length, noise, height = bp.parameter("length", d), bp.parameter("noise"), bp.parameter("height")
    K, a, C = bp.tensor("K", i, k), bp.tensor("a", k), bp.tensor("C")
    squares = bp.Sum(((X[i, d] - X[k, d]) / length[d]) ** 2, d)
    equations = [
        bp.Equation(K[i, k], bp.exp(height - squares / 2) + (bp.exp(2 * noise) + 1e-6) * one(i, k))
    ]
    if factorised:
        L = bp.tensor("L", i, k)
        half = bp.log(2 * sympy.pi) * M / 2
        equations += [
            bp.Equation(L[i, k], bp.cholesky(K[i, k], i, k)),
            bp.Equation(a[k], bp.solve(L[i, k], y[i], i, k, assume_a="lower triangular")),
            bp.Equation(C, bp.Sum(a[k] ** 2, k) / 2 + bp.Sum(bp.log(L[i, i]), i) + half),
        ]
    else:
        equations += [
            bp.Equation(a[k], bp.solve(K[i, k], y[i], i, k)),
            bp.Equation(
                C,
                (bp.Sum(y[k] * a[k], k) + bp.logdet(K[i, k], i, k) + bp.log(2 * sympy.pi) * M) / 2,
            ),
        ]

    def cost(p: dict[str, Any]) -> Any:
        apart = (p["X"][:, None] - p["X"][None]) / p["length"]
        K = jnp.exp(p["height"] - jnp.sum(apart**2, axis=-1) / 2)
        K = K + (jnp.exp(2 * p["noise"]) + 1e-6) * jnp.eye(M)
        return -jax.scipy.stats.multivariate_normal.logpdf(p["y"], jnp.zeros(M), K)

    draw = np.random.default_rng(2).normal
    values = {"X": draw(size=(M, D)), "y": draw(size=M), "length": np.array([0.8, 1.3]),
              "noise": np.array(-0.7), "height": np.array(0.2)}  # fmt: skip
    return bp.Program(equations, cost=C), values, cost


def gaussian_process_by_cholesky() -> Example:
    """The same by a factor of the kernel's matrix, as it is computed in practice."""
    return gaussian_process(factorised=True)


def kalman() -> Example:
    """A Kalman filter's log likelihood: each step solves with a matrix that the last one gave."""
    N, T, D, O = 3, 4, 2, 2
    n = bp.Index("n", "N")
    t = bp.Index("t", T, sequential=True)
    i, k, a, b, o, p, q = bp.indices("i k a b o p q", D, D, D, D, O, O, O)
    y = bp.input("y", n, t, o)
    F, H = bp.parameter("F", i, a), bp.parameter("H", o, i)
    r, s = bp.parameter("r", o), bp.parameter("s", i)
    M, P = bp.tensor("M", n, t, i), bp.tensor("P", n, t, i, k)
    ahead, spread = bp.tensor("ahead", n, t, i), bp.tensor("spread", n, t, i, k)
    error, S = bp.tensor("error", n, t, o), bp.tensor("S", n, t, o, p)
    G, C = bp.tensor("G", n, t, p, i), bp.tensor("C")
    u = bp.tensor("u", n, t, p)
    before = bp.where(t > 0, P[n, t - 1, a, b], one(a, b))
    program = bp.Program(
        [
            bp.Equation(ahead[n, t, i], bp.Sum(F[i, a] * bp.where(t > 0, M[n, t - 1, a], 0), a)),
            bp.Equation(
                spread[n, t, i, k],
                bp.Sum(F[i, a] * before * F[k, b], a, b) + bp.exp(s[i]) * one(i, k),
            ),
            bp.Equation(error[n, t, o], y[n, t, o] - bp.Sum(H[o, i] * ahead[n, t, i], i)),
            bp.Equation(
                S[n, t, o, p],
                bp.Sum(H[o, i] * spread[n, t, i, k] * H[p, k], i, k) + bp.exp(r[o]) * one(o, p),
            ),
            # The gain, transposed.
            bp.Equation(
                G[n, t, p, i],
                bp.solve(S[n, t, o, p], bp.Sum(H[o, k] * spread[n, t, k, i], k), o, p),
            ),
            bp.Equation(M[n, t, i], ahead[n, t, i] + bp.Sum(G[n, t, p, i] * error[n, t, p], p)),
            bp.Equation(
                P[n, t, i, k],
                spread[n, t, i, k] - bp.Sum(G[n, t, p, i] * H[p, a] * spread[n, t, a, k], p, a),
            ),
            bp.Equation(u[n, t, p], bp.solve(S[n, t, o, p], error[n, t, o], o, p)),
            bp.Equation(
                C,
                bp.Mean(
                    bp.Sum(bp.Sum(error[n, t, q] * u[n, t, q], q), t)
                    + bp.Sum(bp.logdet(S[n, t, o, p], o, p), t),
                    n,
                ),
            ),
        ],
        cost=C,
    )

    def of_one(p: dict[str, Any], y: Any) -> Any:
        mean, cov, total = jnp.zeros(D), jnp.eye(D), 0.0
        for step in range(T):
            mean = p["F"] @ mean
            cov = p["F"] @ cov @ p["F"].T + jnp.diag(jnp.exp(p["s"]))
            error = y[step] - p["H"] @ mean
            S = p["H"] @ cov @ p["H"].T + jnp.diag(jnp.exp(p["r"]))
            gain = cov @ p["H"].T @ jnp.linalg.inv(S)
            mean = mean + gain @ error
            cov = cov - gain @ p["H"] @ cov
            total += error @ jnp.linalg.solve(S, error) + jnp.linalg.slogdet(S)[1]
        return total

    def cost(p: dict[str, Any]) -> Any:
        return jnp.mean(jax.vmap(lambda y: of_one(p, y))(p["y"]))

    draw = np.random.default_rng(3).normal
    values = {"y": draw(size=(N, T, O)), "F": draw(size=(D, D)) / 2, "H": draw(size=(O, D)),
              "r": draw(size=O) / 2, "s": draw(size=D) / 2}  # fmt: skip
    return program, values, cost


def mixture() -> Example:
    """A mixture of Gaussians with full covariances, its parameters' prior a Wishart's."""
    N, K, D = 6, 3, 2
    n, c, i, k, m = bp.indices("n c i k m", "N", K, D, D, D)
    x = bp.input("x", n, i)
    w, mean, A = bp.parameter("w", c), bp.parameter("mean", c, i), bp.parameter("A", c, i, k)
    S, e, C = bp.tensor("S", c, i, k), bp.tensor("e", n, c, k), bp.tensor("C")
    density, each = bp.tensor("density", n, c), bp.tensor("each", n)
    weights = w[c] - bp.logsumexp(w[c], c)
    program = bp.Program(
        [
            bp.Equation(S[c, i, k], bp.Sum(A[c, i, m] * A[c, k, m], m) + one(i, k) / 2),
            bp.Equation(e[n, c, k], bp.solve(S[c, i, k], x[n, i] - mean[c, i], i, k)),
            bp.Equation(
                density[n, c],
                weights
                - (bp.Sum((x[n, k] - mean[c, k]) * e[n, c, k], k) + bp.logdet(S[c, i, k], i, k))
                / 2,
            ),
            bp.Equation(each[n], -bp.logsumexp(density[n, c], c)),
            bp.Equation(
                C,
                bp.Mean(each[n], n)
                + bp.Sum(bp.Sum(bp.inverse(S[c, i, k], i, k) * one(i, k), i, k), c) / 2
                + bp.Sum(bp.logdet(S[c, i, k], i, k), c),
            ),
        ],
        cost=C,
    )

    def cost(p: dict[str, Any]) -> Any:
        S = p["A"] @ p["A"].transpose(0, 2, 1) + jnp.eye(D) / 2
        r = p["x"][:, None] - p["mean"]
        squares = jnp.einsum("nci,cik,nck->nc", r, jnp.linalg.inv(S), r)
        logs = jnp.linalg.slogdet(S)[1]
        density = jax.nn.log_softmax(p["w"]) - (squares + logs) / 2
        each = -jax.scipy.special.logsumexp(density, axis=1)
        return each.mean() + jnp.trace(jnp.linalg.inv(S), axis1=1, axis2=2).sum() / 2 + logs.sum()

    draw = np.random.default_rng(4).normal
    values = {"x": draw(size=(N, D)), "w": draw(size=K), "mean": draw(size=(K, D)),
              "A": draw(size=(K, D, D))}  # fmt: skip
    return program, values, cost


def implicit_layer() -> Example:
    """Three Newton steps towards the fixed point z = tanh(W z + x), and a determinant there."""
    N, D = 4, 3
    n, i, k, m = bp.indices("n i k m", "N", D, D, D)
    x, y, W = bp.input("x", n, i), bp.target("y", n, i), bp.parameter("W", i, k)
    equations = []
    before: Any = 0
    for step in range(3):
        z, a = bp.tensor(f"z{step + 1}", n, i), bp.tensor(f"a{step + 1}", n, i)
        J, move = bp.tensor(f"J{step + 1}", n, i, k), bp.tensor(f"move{step + 1}", n, k)
        inner = bp.Sum(W[i, k] * before[n, k], k) + x[n, i] if step else x[n, i]
        here = before[n, i] if step else 0
        equations += [
            bp.Equation(a[n, i], bp.tanh(inner)),
            bp.Equation(J[n, i, k], one(i, k) - (1 - a[n, i] ** 2) * W[i, k]),
            bp.Equation(move[n, k], bp.solve(J[n, i, k], a[n, i] - here, i, k)),
            bp.Equation(z[n, i], here + move[n, i]),
        ]
        before, last = z, J
    C = bp.tensor("C")
    equations.append(
        bp.Equation(
            C,
            bp.Mean(
                bp.Sum((before[n, m] - y[n, m]) ** 2, m)
                + bp.exp(bp.logdet(last[n, i, k], i, k)) / 10,
                n,
            ),
        )
    )

    def cost(p: dict[str, Any]) -> Any:
        z = jnp.zeros_like(p["x"])
        for _ in range(3):
            a = jnp.tanh(z @ p["W"].T + p["x"])
            J = jnp.eye(D) - (1 - a**2)[:, :, None] * p["W"]
            z = z + jnp.linalg.solve(J, (a - z)[:, :, None])[:, :, 0]
        return jnp.mean(jnp.sum((z - p["y"]) ** 2, axis=1) + jnp.abs(jnp.linalg.det(J)) / 10)

    draw = np.random.default_rng(5).normal
    values = {"x": draw(size=(N, D)), "y": draw(size=(N, D)), "W": draw(size=(D, D)) / 3}
    return bp.Program(equations, cost=C), values, cost


def permuted() -> Example:
    """Matrices with zeros on their diagonals, which cannot be solved without exchanging rows."""
    D = 4
    i, k, u = bp.indices("i k u", D, D, 2)
    A, B, V = bp.parameter("A", i, k), bp.parameter("B", i, u), bp.tensor("V", i, k)
    X, C = bp.tensor("X", k, u), bp.tensor("C")
    hollow = bp.where(sympy.Eq(i, k), 0, A[i, k])
    program = bp.Program(
        [
            bp.Equation(X[k, u], bp.solve(hollow, bp.tanh(B[i, u]), i, k)),
            bp.Equation(V[i, k], bp.inverse(hollow, i, k)),
            bp.Equation(
                C,
                bp.Sum(X[k, u] ** 2, k, u)
                + bp.Sum(bp.sin(V[i, k]), i, k) * bp.logdet(hollow, i, k),
            ),
        ],
        cost=C,
    )

    def cost(p: dict[str, Any]) -> Any:
        A = p["A"] * (1 - jnp.eye(D))
        X = jnp.linalg.solve(A, jnp.tanh(p["B"]))
        return jnp.sum(X**2) + jnp.sum(jnp.sin(jnp.linalg.inv(A))) * jnp.linalg.slogdet(A)[1]

    draw = np.random.default_rng(6).normal
    return program, {"A": draw(size=(D, D)), "B": draw(size=(D, 2))}, cost


_BUILDERS = (
    ridge, gaussian_process, gaussian_process_by_cholesky, kalman, mixture, implicit_layer,
    permuted,
)  # fmt: skip
LINEAR_ALGEBRA: dict[str, Callable[[], Example]] = {b.__name__: b for b in _BUILDERS}
