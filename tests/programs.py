"""A fixed suite of programs that no layer of symbp is needed for, each as a user would write it.

Each function returns the program and an array for each input, target and parameter, by name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

import symbp as bp
from tests.derivative_programs import burgers, saliency

Values = dict[str, Any]
Example = tuple[bp.Program, Values]


def normal(seed: int, **shapes: tuple[int, ...]) -> Values:
    """Return arrays of normal variates of the given shapes, scaled for their last axis."""
    generator = np.random.default_rng(seed)
    return {
        name: generator.normal(size=shape) / np.sqrt(shape[-1] if len(shape) > 1 else 1)
        for name, shape in shapes.items()
    }


def convolution() -> Example:
    """A convolution of stride 2 and dilation 2, ReLU, 2×2 max-pooling, dense, squared error."""
    N, C, O, H, W, K, U = 3, 2, 4, 17, 15, 3, 5
    H1, W1 = (H - 2 * (K - 1) - 1) // 2 + 1, (W - 2 * (K - 1) - 1) // 2 + 1
    n, c, o, u = bp.indices("n c o u", "N", C, O, U)
    h, w, p, q = bp.indices("h w p q", H1, W1, K, K)
    h2, w2, r, s = bp.indices("h2 w2 r s", H1 // 2, W1 // 2, 2, 2)
    x = bp.input("x", n, c, bp.Index("y0", H), bp.Index("x0", W))
    y = bp.target("y", n, u)
    F, b = bp.parameter("F", o, c, p, q), bp.parameter("b", o)
    V, d = bp.parameter("V", u, o, h2, w2), bp.parameter("d", u)
    z, a = bp.tensor("z", n, o, h, w), bp.tensor("a", n, o, h, w)
    m, out, C_ = bp.tensor("m", n, o, h2, w2), bp.tensor("out", n, u), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(
                z[n, o, h, w],
                bp.Sum(F[o, c, p, q] * x[n, c, 2 * h + 2 * p, 2 * w + 2 * q], c, p, q) + b[o],
            ),
            bp.Equation(a[n, o, h, w], bp.relu(z[n, o, h, w])),
            bp.Equation(m[n, o, h2, w2], bp.Max(a[n, o, 2 * h2 + r, 2 * w2 + s], r, s)),
            bp.Equation(out[n, u], bp.Sum(V[u, o, h2, w2] * m[n, o, h2, w2], o, h2, w2) + d[u]),
            bp.Equation(C_, bp.Mean((out[n, u] - y[n, u]) ** 2, n, u)),
        ],
        cost=C_,
    )
    shapes = {
        "x": (N, C, H, W), "y": (N, U), "F": (O, C, K, K), "b": (O,),
        "V": (U, O, H1 // 2, W1 // 2), "d": (U,),
    }  # fmt: skip
    return program, normal(1, **shapes)


def attention() -> Example:
    """A causal attention head with layer normalisation before it and a residual around it."""
    N, T, D, K = 3, 6, 8, 4
    n, t, s, d, e, k = bp.indices("n t s d e k", "N", T, T, D, D, K)
    x, y = bp.input("x", n, t, d), bp.target("y", n, t, d)
    g, b = bp.parameter("g", d), bp.parameter("b", d)
    WQ, WK, WV = (bp.parameter(name, k, d) for name in ("WQ", "WK", "WV"))
    WO = bp.parameter("WO", d, k)
    mean, var = bp.tensor("mean", n, t), bp.tensor("var", n, t)
    u, Q, Ke, V = bp.tensor("u", n, t, d), *(bp.tensor(name, n, t, k) for name in "QKV")
    S, P, A = bp.tensor("S", n, t, s), bp.tensor("P", n, t, s), bp.tensor("A", n, t, k)
    R, C = bp.tensor("R", n, t, d), bp.tensor("C")
    kept = sympy.Le(s, t)
    program = bp.Program(
        [
            bp.Equation(mean[n, t], bp.Mean(x[n, t, d], d)),
            bp.Equation(var[n, t], bp.Mean((x[n, t, d] - mean[n, t]) ** 2, d)),
            bp.Equation(
                u[n, t, d],
                g[d] * (x[n, t, d] - mean[n, t]) / sympy.sqrt(var[n, t] + 1e-5) + b[d],
            ),
            bp.Equation(Q[n, t, k], bp.Sum(WQ[k, e] * u[n, t, e], e)),
            bp.Equation(Ke[n, t, k], bp.Sum(WK[k, e] * u[n, t, e], e)),
            bp.Equation(V[n, t, k], bp.Sum(WV[k, e] * u[n, t, e], e)),
            bp.Equation(
                S[n, t, s],
                bp.where(kept, bp.Sum(Q[n, t, k] * Ke[n, s, k], k) / sympy.sqrt(K), -1e9),
            ),
            bp.Equation(P[n, t, s], bp.softmax(S[n, t, s], s)),
            bp.Equation(A[n, t, k], bp.Sum(P[n, t, s] * V[n, s, k], s)),
            bp.Equation(R[n, t, d], x[n, t, d] + bp.Sum(WO[d, k] * A[n, t, k], k)),
            bp.Equation(C, bp.Sum((R[n, t, d] - y[n, t, d]) ** 2, n, t, d) / (2 * n.extent)),
        ],
        cost=C,
    )
    shapes = {
        "x": (N, T, D), "y": (N, T, D), "g": (D,), "b": (D,),
        "WQ": (K, D), "WK": (K, D), "WV": (K, D), "WO": (D, K),
    }  # fmt: skip
    return program, normal(2, **shapes)


def embedding() -> Example:
    """A token embedding with repeated tokens, its mean over time, dense, softmax, labels."""
    _N, T, V, D, L = 4, 5, 7, 6, 3
    n, t, v, d, l, _m = bp.indices("n t v d l m", "N", T, V, D, L, L)
    token = bp.input("token", n, t, kind="integer")
    label = bp.target("label", n, kind="integer")
    E, W, b = bp.parameter("E", v, d), bp.parameter("W", l, d), bp.parameter("b", l)
    h, z, q, C = bp.tensor("h", n, d), bp.tensor("z", n, l), bp.tensor("q", n, l), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(h[n, d], bp.Mean(E[token[n, t], d], t)),
            bp.Equation(z[n, l], bp.Sum(W[l, d] * h[n, d], d) + b[l]),
            bp.Equation(q[n, l], bp.log_softmax(z[n, l], l)),
            bp.Equation(C, -bp.Mean(q[n, label[n]], n)),
        ],
        cost=C,
    )
    values = normal(3, E=(V, D), W=(L, D), b=(L,))
    values["token"] = np.array([[1, 1, 2, 6, 1], [0, 3, 0, 0, 5], [4] * 5, [2, 3, 4, 5, 6]])
    values["label"] = np.array([0, 2, 2, 1])
    return program, values


def lstm() -> Example:
    """An LSTM over 12 steps with a cost at every step; the first state is zero."""
    N, T, D, H = 3, 12, 4, 5
    n, d, h, k = bp.indices("n d h k", "N", D, H, H)
    t = bp.Index("t", T, sequential=True)
    x, y = bp.input("x", n, t, d), bp.target("y", n, t)
    W = {gate: bp.parameter(f"W{gate}", h, d) for gate in "ifog"}
    U = {gate: bp.parameter(f"U{gate}", h, k) for gate in "ifog"}
    b = {gate: bp.parameter(f"b{gate}", h) for gate in "ifog"}
    v, p = bp.parameter("v", h), bp.tensor("p", n, t)
    s, c, C = bp.tensor("s", n, t, h), bp.tensor("c", n, t, h), bp.tensor("C")
    gate = {name: bp.tensor(f"gate_{name}", n, t, h) for name in "ifog"}
    before = sympy.Gt(t, 0)
    equations = [
        bp.Equation(
            gate[name][n, t, h],
            (sympy.tanh if name == "g" else bp.sigmoid)(
                bp.Sum(W[name][h, d] * x[n, t, d], d)
                + bp.where(before, bp.Sum(U[name][h, k] * s[n, t - 1, k], k), 0)
                + b[name][h]
            ),
        )
        for name in "ifog"
    ]
    i, f, o, g = (gate[name][n, t, h] for name in "ifog")
    equations += [
        bp.Equation(c[n, t, h], i * g + bp.where(before, f * c[n, t - 1, h], 0)),
        bp.Equation(s[n, t, h], o * sympy.tanh(c[n, t, h])),
        bp.Equation(p[n, t], bp.Sum(v[h] * s[n, t, h], h)),
        bp.Equation(C, bp.Sum((p[n, t] - y[n, t]) ** 2, n, t) / (2 * n.extent)),
    ]
    shapes: dict[str, tuple[int, ...]] = {"x": (N, T, D), "y": (N, T), "v": (H,)}
    for name in "ifog":
        shapes |= {f"W{name}": (H, D), f"U{name}": (H, H), f"b{name}": (H,)}
    return bp.Program(equations, cost=C), normal(4, **shapes)


def gram() -> Example:
    """The Gram matrix XᵀX of a parameter, its diagonal, and the diagonal A[i,i] of another."""
    M, D = 6, 4
    m, i, j, k = bp.indices("m i j k", M, D, D, D)
    X, A = bp.parameter("X", m, i), bp.parameter("A", i, j)
    G, d, C = bp.tensor("G", i, j), bp.tensor("d", i), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(G[i, j], bp.Sum(X[m, i] * X[m, j], m)),
            bp.Equation(d[i], A[i, i] * G[i, i]),
            bp.Equation(
                C,
                bp.Sum((G[i, j] - A[i, j]) ** 2, i, j)
                + bp.Sum(sympy.tanh(d[k]) * A[k, k] * d[k], k),
            ),
        ],
        cost=C,
    )
    return program, normal(5, X=(M, D), A=(D, D))


def bilinear() -> Example:
    """A bilinear form, then a function of the user's own with a derivative of its own."""
    N, K, I, J = 4, 3, 5, 2
    n, k, i, j = bp.indices("n k i j", "N", K, I, J)
    x, y = bp.input("x", n, i), bp.input("y", n, j)
    target, B = bp.target("target", n, k), bp.parameter("B", k, i, j)
    squash = bp.function(
        "squash", lambda u: u / sympy.sqrt(1 + u**2), lambda u: (1 + u**2) ** sympy.Rational(-3, 2)
    )
    z, a, C = bp.tensor("z", n, k), bp.tensor("a", n, k), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(z[n, k], bp.Sum(B[k, i, j] * x[n, i] * y[n, j], i, j)),
            bp.Equation(a[n, k], squash(z[n, k])),
            bp.Equation(C, bp.Sum((a[n, k] - target[n, k]) ** 2, n, k) / (2 * n.extent)),
        ],
        cost=C,
    )
    return program, normal(6, x=(N, I), y=(N, J), target=(N, K), B=(K, I, J))


def functions() -> Example:
    """Elementary and special functions, SymPy's among them, each weighted by its argument."""
    N, J = 5, 3
    n, j = bp.indices("n j", "N", J)
    x, W, C = bp.input("x", n, j), bp.parameter("W", j), bp.tensor("C")
    u, a, b = (bp.tensor(name, n, j) for name in "uab")
    v = u[n, j]
    turns = sympy.tan(v) + sympy.asin(v) + sympy.acos(v) + bp.atan2(v, x[n, j]) + sympy.sec(v)
    growing = bp.sinh(v) + bp.cosh(v) + bp.asinh(v) + bp.atanh(v) + bp.acosh(1 / v) + bp.atan(v)
    special = bp.erfc(v) * bp.log_ndtr(-v) + bp.gammaln(v) + sympy.gamma(1 + v)
    steps = bp.mod(7 * v, 2) + bp.floor(5 * v) * v + bp.ceil(3 * v) + bp.round(4 * v) * v**2
    program = bp.Program(
        [
            bp.Equation(u[n, j], bp.sigmoid(W[j] * x[n, j])),
            bp.Equation(a[n, j], turns * v + growing),
            bp.Equation(b[n, j], special * v + steps * bp.heaviside(x[n, j])),
            bp.Equation(C, bp.Mean(a[n, j] * b[n, j], n, j)),
        ],
        cost=C,
    )
    return program, normal(7, x=(N, J), W=(J,))


def products() -> Example:
    """Products, one with factors of 0, running sums, the spread of values and their smallest."""
    N, J, K = 4, 3, 5
    n, j, k = bp.indices("n j k", "N", J, K)
    x, W, C = bp.input("x", n, k), bp.parameter("W", j, k), bp.tensor("C")
    z, s, p = bp.tensor("z", n, j, k), bp.tensor("s", n, j, k), bp.tensor("p", n, j)
    program = bp.Program(
        [
            bp.Equation(z[n, j, k], W[j, k] * x[n, k]),
            bp.Equation(s[n, j, k], bp.cumsum(z[n, j, k], k)),
            bp.Equation(
                p[n, j],
                bp.Prod(W[j, k] + z[n, j, k], k) + bp.Sum(bp.cumprod(s[n, j, k], k), k),
            ),
            bp.Equation(
                C,
                bp.Mean(bp.std(p[n, j], j, ddof=1) + bp.Min(p[n, j], j), n)
                + bp.Mean(bp.norm(s[n, j, k], k) + bp.var(z[n, j, k], k), n, j),
            ),
        ],
        cost=C,
    )
    values = normal(8, x=(N, K), W=(J, K))
    values["W"][0, 1] = values["W"][1, 2:4] = 0.0
    return program, values


def spread() -> Example:
    """Values written to places that are sums of indices: in a row, over one another, apart."""
    N, C, P, O = 3, 2, 3, 2
    n, c, p, o, q, r = bp.indices("n c p o q r", "N", C, P, O, 2, 2)
    flat, long, m = bp.indices("f l m", C * P, 2 * P + 1, 3)
    x, y = bp.input("x", n, c, p, m), bp.target("y", n, o, long)
    K, V, w = bp.parameter("K", o, flat, r), bp.parameter("V", c, m), bp.parameter("w", o, q)
    b = bp.parameter("b", long)
    u, a, out = bp.tensor("u", n, flat), bp.tensor("a", n, o, long), bp.tensor("out", n, o, long)
    C_ = bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(u[n, P * c + p], bp.tanh(bp.Sum(V[c, m] * x[n, c, p, m], m))),
            # Both taps of neighbours meet, and the last places are reached by none.
            bp.Equation(
                a[n, o, p + 2 * r],
                bp.Sum(K[o, P * c + p, r] * u[n, P * c + p], c) + bp.Max(w[o, q] * u[n, P + p], q),
            ),
            bp.Equation(out[n, o, long], bp.tanh(a[n, o, long]) + b[long]),
            bp.Equation(C_, bp.Mean((out[n, o, long] - y[n, o, long]) ** 2, n, o, long)),
        ],
        cost=C_,
    )
    shapes = {
        "x": (N, C, P, 3), "y": (N, O, 2 * P + 1), "K": (O, C * P, 2), "V": (C, 3), "w": (O, 2),
        "b": (2 * P + 1,),
    }  # fmt: skip
    return program, normal(7, **shapes)


def scalar_graph() -> Example:
    """The textbook graph f = (x + y)z (CS231n, optimization-2)."""
    x, y, z = (bp.parameter(name) for name in "xyz")
    q, f = bp.tensor("q"), bp.tensor("f")
    program = bp.Program([bp.Equation(q, x + y), bp.Equation(f, q * z)], cost=f)
    return program, {"x": -2.0, "y": 5.0, "z": -4.0}


def dropout() -> Example:
    """Two layers with dropout between them and noise of each law, some of it the same for all."""
    N, D, H, L = 4, 5, 6, 3
    n, d, h, l = bp.indices("n d h l", "N", D, H, L)
    x, y = bp.input("x", n, d), bp.target("y", n, l)
    W, b, V = bp.parameter("W", h, d), bp.parameter("b", h), bp.parameter("V", l, h)
    keep = bp.noise("keep", n, h, law="bernoulli", probability=0.75)
    shift = bp.noise("shift", n, d, mean=0.1, scale=0.5)
    gain = bp.noise("gain", h, law="uniform", low=0.5, high=1.5)
    a, z, C = bp.tensor("a", n, h), bp.tensor("z", n, l), bp.tensor("C")
    hidden = bp.tanh(bp.Sum(W[h, d] * (x[n, d] + shift[n, d]), d) + b[h])
    program = bp.Program(
        [
            bp.Equation(a[n, h], hidden * gain[h] * keep[n, h] / 0.75),
            bp.Equation(z[n, l], bp.Sum(V[l, h] * a[n, h], h)),
            bp.Equation(C, bp.Sum((z[n, l] - y[n, l]) ** 2, n, l) / (2 * n.extent)),
        ],
        cost=C,
    )
    values = normal(8, x=(N, D), y=(N, L), W=(H, D), b=(H,), V=(L, H))
    return program, {**values, **bp.replayed(program, N)}


def variational() -> Example:
    """A variational autoencoder: its code is drawn as mean + scale · noise (Kingma, Welling)."""
    N, D, H, K = 5, 6, 4, 2
    n, d, e, h, g, k = bp.indices("n d e h g k", "N", D, D, H, H, K)
    x = bp.input("x", n, d)
    W, b = bp.parameter("W", h, d), bp.parameter("b", h)
    M, S = bp.parameter("M", k, h), bp.parameter("S", k, h)
    U, c, V = bp.parameter("U", g, k), bp.parameter("c", g), bp.parameter("V", e, g)
    noise = bp.noise("noise", n, k)
    a, mean, spread = bp.tensor("a", n, h), bp.tensor("mean", n, k), bp.tensor("spread", n, k)
    code, r, z = bp.tensor("code", n, k), bp.tensor("r", n, g), bp.tensor("z", n, e)
    apart, C = bp.tensor("apart", n), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(a[n, h], bp.tanh(bp.Sum(W[h, d] * x[n, d], d) + b[h])),
            bp.Equation(mean[n, k], bp.Sum(M[k, h] * a[n, h], h)),
            bp.Equation(spread[n, k], bp.Sum(S[k, h] * a[n, h], h)),
            bp.Equation(code[n, k], mean[n, k] + bp.exp(spread[n, k] / 2) * noise[n, k]),
            bp.Equation(r[n, g], bp.tanh(bp.Sum(U[g, k] * code[n, k], k) + c[g])),
            bp.Equation(z[n, e], bp.Sum(V[e, g] * r[n, g], g)),
            bp.Equation(
                apart[n],
                bp.Sum(mean[n, k] ** 2 + bp.exp(spread[n, k]) - spread[n, k] - 1, k) / 2,
            ),
            bp.Equation(C, bp.Mean(bp.Sum((z[n, e] - x[n, e]) ** 2, e) / 2 + apart[n], n)),
        ],
        cost=C,
        output=z,
    )
    shapes = {
        "x": (N, D), "W": (H, D), "b": (H,), "M": (K, H), "S": (K, H), "U": (H, K), "c": (H,),
        "V": (D, H),
    }  # fmt: skip
    return program, {**normal(9, **shapes), **bp.replayed(program, N)}


def running() -> Example:
    """States: a running mean, a memory, a moving average of the weights, the number of the step."""
    N, D, U = 5, 4, 3
    n, d, u = bp.indices("n d u", "N", D, U)
    x, y = bp.input("x", n, d), bp.target("y", n, u)
    W, b = bp.parameter("W", u, d), bp.parameter("b", u)
    m, h = bp.state("m", d), bp.state("h", u)
    e, count = bp.state("e", u, d, initial=0.5), bp.state("count")
    m_next, h_next = bp.tensor("m_next", d), bp.tensor("h_next", u)
    e_next, count_next = bp.tensor("e_next", u, d), bp.tensor("count_next")
    a, C = bp.tensor("a", n, u), bp.tensor("C")
    weight = 1 / (1 + count_next[()])
    program = bp.Program(
        [
            bp.Equation(a[n, u], bp.tanh(bp.Sum(W[u, d] * (x[n, d] - m[d]), d) + b[u] + h[u])),
            bp.Equation(count_next, count + 1),
            bp.Equation(m_next[d], m[d] + (bp.Mean(x[n, d], n) - m[d]) * weight),
            # Another element than the one that it replaces.
            bp.Equation(h_next[u], h[U - 1 - u] / 2 + bp.Mean(a[n, u], n)),
            bp.Equation(e_next[u, d], 0.9 * e[u, d] + 0.1 * W[u, d]),
            bp.Equation(
                C,
                bp.Mean((a[n, u] - y[n, u]) ** 2, n, u)
                + bp.Sum((W[u, d] - e[u, d]) ** 2, u, d) * weight / 10,
            ),
        ],
        cost=C,
        output=a,
        updates={m: m_next, h: h_next, e: e_next, count: count_next},
    )
    values = normal(8, x=(N, D), y=(N, U), W=(U, D), b=(U,), m=(D,), h=(U,), e=(U, D))
    return program, {**values, "count": np.array(2.0)}


def turning() -> Example:
    """A circular convolution, upsampled, turned by data, backwards, and the last of so many."""
    N, D, I, K, U = 4, 3, 5, 3, 10
    n, d, i, k, u = bp.indices("n d i k u", "N", D, I, K, U)
    x, w = bp.input("x", n, d), bp.parameter("w", k)
    length = bp.input("length", n, kind="integer")
    shift = bp.input("shift", n, kind="integer")
    W, C = bp.parameter("W", i, d), bp.tensor("C")
    h, v, r, last = (bp.tensor(name, n, *axes) for name, *axes in (
        ("h", i), ("v", i), ("r", i), ("last",)))  # fmt: skip
    up, mixed = bp.tensor("up", n, u), bp.tensor("mixed", n, i)
    program = bp.Program(
        [
            bp.Equation(h[n, i], bp.tanh(bp.Sum(W[i, d] * x[n, d], d))),
            bp.Equation(v[n, i], bp.Sum(w[k] * h[n, (i - k) % I], k)),
            bp.Equation(up[n, u], v[n, u // 2] * bp.cos(v[n, (u + 1) // 2 % I])),
            bp.Equation(r[n, i], bp.where(i < length[n], v[n, length[n] - 1 - i], 0)),
            bp.Equation(mixed[n, i], r[n, i] * h[n, (i - shift[n]) % I]),
            bp.Equation(last[n], h[n, length[n] - 1]),
            bp.Equation(
                C,
                bp.Mean(
                    bp.Mean(up[n, u] ** 2, u) + bp.Mean(i * mixed[n, i] ** 2, i) + last[n] ** 2, n
                )
                / 10,
            ),
        ],
        cost=C,
    )
    values = normal(9, x=(N, D), W=(I, D), w=(K,))
    values["length"] = np.array([1, 5, 3, 2])
    values["shift"] = np.array([-3, 7, 0, 2])
    return program, values


def systems() -> Example:
    """Linear equations with a matrix for each example, and one for all; factors, determinants."""
    N, D, U = 5, 3, 2
    n, d, i, k, m, u = bp.indices("n d i k m u", "N", D, D, D, D, U)
    x, y = bp.input("x", n, d), bp.target("y", n, u)
    W, P, V = bp.parameter("W", i, k, d), bp.parameter("P", i, k), bp.parameter("V", i, u)
    A, S, L = bp.tensor("A", n, i, k), bp.tensor("S", n, i, k), bp.tensor("L", n, i, k)
    X, Z, r = bp.tensor("X", n, k, u), bp.tensor("Z", n, k), bp.tensor("r", n, k)
    z, c, C = bp.tensor("z", n, u), bp.tensor("c", n), bp.tensor("C")
    one = bp.where(sympy.Eq(i, k), 1, 0)
    # The largest of a column is not on the diagonal: rows have to be exchanged.
    turned = bp.where(sympy.Or(sympy.Eq(i, k + 1), sympy.Eq(i, k - D + 1)), 1, 0)
    program = bp.Program(
        [
            bp.Equation(A[n, i, k], turned + bp.tanh(bp.Sum(W[i, k, d] * x[n, d], d)) / 4),
            bp.Equation(S[n, i, k], one + bp.Sum(A[n, i, m] * A[n, k, m], m)),
            bp.Equation(L[n, i, k], bp.cholesky(S[n, i, k], i, k)),
            # One matrix for each example, and many right-hand sides of one matrix.
            bp.Equation(X[n, k, u], bp.solve(A[n, i, k], V[i, u], i, k)),
            bp.Equation(Z[n, k], bp.solve(bp.tanh(P[i, k]) / 4 + one, x[n, i], i, k)),
            bp.Equation(
                r[n, k],
                bp.solve(L[n, i, k], Z[n, i] + x[n, i], i, k, assume_a="lower triangular"),
            ),
            bp.Equation(z[n, u], bp.Sum(X[n, k, u] * r[n, k], k)),
            bp.Equation(
                c[n],
                bp.Sum((z[n, u] - y[n, u]) ** 2, u)
                + bp.logdet(A[n, i, k], i, k) ** 2
                + bp.Sum(bp.log(L[n, i, i]), i),
            ),
            bp.Equation(
                C,
                bp.Mean(c[n], n)
                + bp.Sum(bp.inverse(bp.tanh(P[i, k]) + 4 * one, i, k) * P[i, k] ** 2, i, k),
            ),
        ],
        cost=C,
        output=z,
    )
    return program, normal(12, x=(N, D), y=(N, U), W=(D, D, D), P=(D, D), V=(D, U))


_BUILDERS = (
    convolution, attention, embedding, lstm, gram, bilinear, spread, functions, products,
    scalar_graph, dropout, variational, running, systems, burgers, saliency, turning,
)  # fmt: skip
PROGRAMS: dict[str, Callable[[], Example]] = {build.__name__: build for build in _BUILDERS}
