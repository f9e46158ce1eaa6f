"""Programs in whose equations derivatives stand, each as a user would write it.

Each function returns the program and an array for each input, target and parameter, by name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

import symbp as bp

D, E = bp.Derivative, bp.Equation

Example = tuple[bp.Program, dict[str, Any]]


def filled(program: bp.Program, batch: int = 4, seed: int = 3, **given: Any) -> Example:
    """Return the program and an array of normal variates for each of its arguments."""
    generator = np.random.default_rng(seed)
    values = {}
    for tensor in (*program.parameters, *program.inputs, *program.targets):
        shape = [extent if isinstance(extent, int) else batch for extent in tensor.shape]
        values[tensor.name] = given.get(tensor.name, generator.normal(size=shape) * 0.7)
    return program, values


def network(
    x: bp.Tensor, activation: Callable[..., Any] = bp.tanh, inputs: int = 2, units: int = 3
) -> tuple[list[bp.Equation], bp.Tensor]:
    """Return the equations of two layers and an output ``u[n]`` for points ``x[n, i]``."""
    n, i = x.indices
    j, k = bp.indices("j k", units, units)
    W1, b1 = bp.parameter("W1", j, i), bp.parameter("b1", j)
    W2, b2 = bp.parameter("W2", k, j), bp.parameter("b2", k)
    v, c = bp.parameter("v", k), bp.parameter("c")
    z1, a1 = bp.tensor("z1", n, j), bp.tensor("a1", n, j)
    z2, a2 = bp.tensor("z2", n, k), bp.tensor("a2", n, k)
    u = bp.tensor("u", n)
    return [
        E(z1[n, j], bp.Sum(W1[j, i] * x[n, i], i) + b1[j]),
        E(a1[n, j], activation(z1[n, j])),
        E(z2[n, k], bp.Sum(W2[k, j] * a1[n, j], j) + b2[k]),
        E(a2[n, k], activation(z2[n, k])),
        E(u[n], bp.Sum(v[k] * a2[n, k], k) + c),
    ], u


def points(inputs: int = 2) -> tuple[bp.Tensor, bp.Index, bp.Index]:
    """Return the input of all networks here and its indices."""
    n, i = bp.indices("n i", "N", inputs)
    return bp.input("x", n, i), n, i


def burgers(mode: str | None = None, activation: Callable[..., Any] = bp.tanh) -> Example:
    """The residual of Burgers' equation, ``u_t + u u_x - ν u_xx``, in one equation."""
    x, n, _ = points()
    equations, u = network(x, activation)
    r, C = bp.tensor("r", n), bp.tensor("C")
    t, s = x[n, 1], x[n, 0]
    residual = D(u[n], t, mode=mode) + u[n] * D(u[n], s, mode=mode) - 0.1 * D(
        u[n], (s, 2), mode=mode
    )  # fmt: skip
    equations += [E(r[n], residual), E(C, bp.Mean(r[n] ** 2, n))]
    return filled(bp.Program(equations, cost=C))


def burgers_with_sigmoid() -> Example:
    """Another activation."""
    return burgers(activation=bp.sigmoid)


def burgers_with_gelu() -> Example:
    """One whose derivatives are functions of their own."""
    return burgers(activation=bp.gelu)


def burgers_with_silu() -> Example:
    """Another such."""
    return burgers(activation=bp.silu)


def laplacian(mode: str | None = None) -> Example:
    """Poisson's equation in three dimensions: a sum over directions of second derivatives."""
    x, n, _ = points(3)
    equations, u = network(x, inputs=3)
    j = bp.Index("j", 3)
    f, C = bp.tensor("f", n), bp.tensor("C")
    equations += [
        E(f[n], bp.Sum(D(u[n], (x[n, j], 2), mode=mode), j) - bp.sin(x[n, 0])),
        E(C, bp.Mean(f[n] ** 2, n)),
    ]
    return filled(bp.Program(equations, cost=C))


def gradient_penalty() -> Example:
    """The norm of a critic's gradient, at points between data and samples (WGAN-GP)."""
    n, i, m = bp.indices("n i m", "N", 2, 2)
    real, fake, e = bp.input("real", n, i), bp.input("fake", n, i), bp.input("e", n)
    x = bp.tensor("x", n, i)
    equations, u = network(x)
    g, C = bp.tensor("g", n), bp.tensor("C")
    between = E(x[n, i], e[n] * real[n, i] + (1 - e[n]) * fake[n, i])
    equations = [
        between,
        *equations,
        E(g[n], bp.sqrt(bp.Sum(D(u[n], x[n, m]) ** 2, m))),
        E(C, bp.Mean((g[n] - 1) ** 2, n)),
    ]
    return filled(bp.Program(equations, cost=C))


def sobolev() -> Example:
    """Training on values and derivatives."""
    x, n, i = points()
    equations, u = network(x, bp.softplus)
    y, dy = bp.target("y", n), bp.target("dy", n, i)
    C = bp.tensor("C")
    equations += [
        E(
            C,
            bp.Mean((u[n] - y[n]) ** 2, n) + bp.Mean((D(u[n], x[n, i]) - dy[n, i]) ** 2, n, i),
        )
    ]
    return filled(bp.Program(equations, cost=C))


def hamiltonian() -> Example:
    """A Hamiltonian network: q' = ∂H/∂p and p' = -∂H/∂q, with q and p one array."""
    x, n, _ = points()
    equations, u = network(x, bp.sin)
    y, C = bp.target("y", n, bp.Index("i", 2)), bp.tensor("C")
    equations += [
        E(
            C,
            bp.Mean((D(u[n], x[n, 1]) - y[n, 0]) ** 2 + (-D(u[n], x[n, 0]) - y[n, 1]) ** 2, n),
        )
    ]
    return filled(bp.Program(equations, cost=C))


def hessian(mode: str | None = None) -> Example:
    """The whole Hessian by the inputs, whose determinant is fitted (Monge–Ampère)."""
    x, n, _ = points()
    equations, u = network(x)
    i, j = bp.indices("i j", 2, 2)
    H, C = bp.tensor("H", n, i, j), bp.tensor("C")
    determinant = H[n, 0, 0] * H[n, 1, 1] - H[n, 0, 1] * H[n, 1, 0]
    equations += [
        E(H[n, i, j], D(u[n], x[n, i], x[n, j], mode=mode)),
        E(C, bp.Mean((determinant - 1) ** 2, n)),
    ]
    return filled(bp.Program(equations, cost=C))


def score_matching() -> Example:
    """Hyvärinen's cost: the trace of the score's Jacobian and half its squared norm."""
    x, n, i = points()
    equations, u = network(x, bp.softplus)
    j = bp.Index("j", 2)
    s, C = bp.tensor("s", n, i), bp.tensor("C")
    # The score is itself a derivative, and is differentiated again.
    equations += [
        E(s[n, i], D(u[n], x[n, i])),
        E(C, bp.Mean(D(s[n, 0], x[n, 0]) + D(s[n, 1], x[n, 1]) + bp.Sum(s[n, j] ** 2, j) / 2, n)),
    ]
    return filled(bp.Program(equations, cost=C))


def jacobian_of_softmax(mode: str | None = None) -> Example:
    """The squared Jacobian of probabilities by the inputs, for each example."""
    n, i, k, m = bp.indices("n i k m", "N", 2, 3, 3)
    x, W, C = bp.input("x", n, i), bp.parameter("W", k, i), bp.tensor("C")
    z, p, J = bp.tensor("z", n, k), bp.tensor("p", n, k), bp.tensor("J", n, m, i)
    equations = [
        E(z[n, k], bp.Sum(W[k, i] * x[n, i], i)),
        E(p[n, k], bp.softmax(z[n, k], k)),
        E(J[n, m, i], D(p[n, m], x[n, i], mode=mode)),
        E(C, bp.Mean(J[n, m, i] ** 2, n, m, i)),
    ]
    return filled(bp.Program(equations, cost=C))


def through_logsumexp() -> Example:
    """An energy that is a logarithm of a sum of exponentials, and the field that it gives."""
    n, i, k = bp.indices("n i k", "N", 3, 4)
    x, W, b = bp.input("x", n, i), bp.parameter("W", k, i), bp.parameter("b", k)
    u, C = bp.tensor("u", n), bp.tensor("C")
    equations = [
        E(u[n], bp.logsumexp(bp.Sum(W[k, i] * x[n, i], i) + b[k], k)),
        E(C, bp.Mean((D(u[n], x[n, i]) - x[n, i]) ** 2, n, i)),
    ]
    return filled(bp.Program(equations, cost=C))


def through_max() -> Example:
    """The steepest of several planes, squared so that the slope depends on the place."""
    n, i, k = bp.indices("n i k", "N", 2, 4)
    x, W = bp.input("x", n, i), bp.parameter("W", k, i)
    u, C = bp.tensor("u", n), bp.tensor("C")
    equations = [
        E(u[n], bp.Max(bp.Sum(W[k, i] * x[n, i], i), k) ** 3),
        E(C, bp.Mean(D(u[n], x[n, i]) ** 2, n, i)),
    ]
    return filled(bp.Program(equations, cost=C))


def saliency() -> Example:
    """The saliency of a small network of windows: ∂u/∂x at every place."""
    n, o, h, p, t = bp.indices("n o h p t", "N", 2, 4, 3, 6)
    x, F, v = bp.input("x", n, t), bp.parameter("F", o, p), bp.parameter("v", o, h)
    z, u, C = bp.tensor("z", n, o, h), bp.tensor("u", n), bp.tensor("C")
    equations = [
        E(z[n, o, h], bp.Sum(F[o, p] * x[n, h + p], p)),
        E(u[n], bp.Sum(v[o, h] * bp.tanh(z[n, o, h]), o, h)),
        E(C, bp.Mean(D(u[n], x[n, t]) ** 2, n, t)),
    ]
    return filled(bp.Program(equations, cost=C))


def through_recurrence(mode: str | None = None) -> Example:
    """How the last state of a recurrence depends on every input."""
    n, j, m = bp.indices("n j m", "N", 2, 2)
    t = bp.Index("t", 4, sequential=True)
    s = bp.Index("s", 4)
    x, W, w = bp.input("x", n, t), bp.parameter("W", j, m), bp.parameter("w", j)
    h, u, C = bp.tensor("h", n, t, j), bp.tensor("u", n), bp.tensor("C")
    before = bp.where(sympy.Gt(t, 0), bp.Sum(W[j, m] * h[n, t - 1, m], m), 0)
    equations = [
        E(h[n, t, j], bp.tanh(before + w[j] * x[n, t])),
        E(u[n], bp.Sum(h[n, 3, j] ** 2, j)),
        E(C, bp.Mean(D(u[n], x[n, s], mode=mode) ** 2, n, s)),
    ]
    return filled(bp.Program(equations, cost=C))


def of_each_step(mode: str | None = None) -> Example:
    """What each input does to the state of its own step, in a recurrence and in one above it."""
    n = bp.Index("n", "N")
    t = bp.Index("t", 4, sequential=True)
    x, w = bp.input("x", n, t), bp.parameter("w")
    h, g, C = bp.tensor("h", n, t), bp.tensor("g", n, t), bp.tensor("C")
    equations = [
        E(h[n, t], bp.tanh(bp.where(t > 0, w * h[n, t - 1], 0) + w * x[n, t])),
        E(g[n, t], bp.sin(bp.where(t > 0, g[n, t - 1], 0) + h[n, t] ** 2 * x[n, t])),
        E(C, bp.Mean(D(g[n, t], x[n, t], mode=mode) ** 2 * D(h[n, t], x[n, t]), n, t)),
    ]
    return filled(bp.Program(equations, cost=C))


def step_ahead() -> Example:
    """The cost after a step of gradient descent that is part of the equations (MAML)."""
    n, i, k, m = bp.indices("n i k m", "N", 3, 3, 3)
    x, y, W = bp.input("x", n, i), bp.target("y", n), bp.parameter("W", k)
    L, V, C = bp.tensor("L"), bp.tensor("V", k), bp.tensor("C")
    equations = [
        E(L, bp.Mean((bp.tanh(bp.Sum(W[i] * x[n, i], i)) - y[n]) ** 2, n)),
        E(V[k], W[k] - 0.5 * D(L, W[k])),
        E(C, bp.Mean((bp.tanh(bp.Sum(V[m] * x[n, m], m)) - y[n]) ** 2, n)),
    ]
    return filled(bp.Program(equations, cost=C))


def gauss_newton() -> Example:
    """A diagonal Gauss–Newton step: the Jacobian of the residuals by the parameters."""
    n, i, k = bp.indices("n i k", "N", 3, 3)
    x, y, W = bp.input("x", n, i), bp.target("y", n), bp.parameter("W", k)
    r, J, V = bp.tensor("r", n), bp.tensor("J", n, k), bp.tensor("V", k)
    m, C = bp.Index("m", 3), bp.tensor("C")
    equations = [
        E(r[n], bp.tanh(bp.Sum(W[i] * x[n, i], i)) - y[n]),
        E(J[n, k], D(r[n], W[k])),
        E(V[k], W[k] - bp.Sum(J[n, k] * r[n], n) / (bp.Sum(J[n, k] ** 2, n) + 0.1)),
        E(C, bp.Mean((bp.Sum(V[m] * x[n, m], m) - y[n]) ** 2, n)),
    ]
    return filled(bp.Program(equations, cost=C))


def third_derivative(mode: str | None = None) -> Example:
    """The equation of Korteweg and de Vries: u_t + 6 u u_x + u_xxx."""
    x, n, _ = points()
    equations, u = network(x)
    C = bp.tensor("C")
    s = x[n, 0]
    residual = D(u[n], x[n, 1], mode=mode) + 6 * u[n] * D(u[n], s, mode=mode) + D(
        u[n], (s, 3), mode=mode
    )  # fmt: skip
    equations += [E(C, bp.Mean(residual**2, n))]
    return filled(bp.Program(equations, cost=C))


def of_scalars() -> Example:
    """A textbook's graph, with a slope in it."""
    x, y, f, C = bp.parameter("x"), bp.parameter("y"), bp.tensor("f"), bp.tensor("C")
    equations = [E(f, bp.sin(x * y) * x), E(C, (f - 1) ** 2 + D(f, x) * D(f, x, y))]
    return filled(bp.Program(equations, cost=C))


DERIVATIVES: dict[str, Callable[[], Example]] = {
    build.__name__: build
    for build in (
        burgers, burgers_with_sigmoid, burgers_with_gelu, burgers_with_silu, laplacian,
        gradient_penalty, sobolev, hamiltonian, hessian, score_matching, jacobian_of_softmax,
        through_logsumexp, through_max, saliency, through_recurrence, of_each_step, step_ahead,
        gauss_newton, third_derivative, of_scalars,
    )
}  # fmt: skip
