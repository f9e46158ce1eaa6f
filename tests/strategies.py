"""Hypothesis strategies for random programs, with values for their inputs and parameters.

A program is grown from an input ``x[n, j]`` by moves. Each takes a pool of tensors over (example,
feature), appends equations for a new one, and may reuse parameters, so that shared parameters and
skip connections arise by themselves. Every move keeps its values moderate.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

import symbp as bp
from symbp.notation.functions import leaky_relu
from symbp.notation.tensor import Tensor

WIDTHS = (2, 3, 4)
OWN = bp.function("own", lambda u: u / sympy.sqrt(1 + u**2))
OWN_WITH_RULE = bp.function(
    "own_with_rule",
    lambda u, v: u * v / (1 + u**2),
    lambda u, v: (v * (1 - u**2) / (1 + u**2) ** 2, u / (1 + u**2)),
    arguments=2,
)

# Every function of the notation, brought to a moderate argument where it needs one.
ELEMENTWISE: dict[str, Callable[[Any], Any]] = {
    "identity": bp.identity,
    "sigmoid": bp.sigmoid,
    "tanh": sympy.tanh,
    "relu": bp.relu,
    "leaky_relu": bp.leaky_relu,
    "leaky_relu with a slope": lambda u: leaky_relu(u, sympy.Rational(1, 5)),
    "elu": bp.elu,
    "elu with alpha": lambda u: bp.elu(u, 1.5),
    "gelu": bp.gelu,
    "gelu_tanh": bp.gelu_tanh,
    "silu": bp.silu,
    "softplus": bp.softplus,
    "sin": sympy.sin,
    "cos": lambda u: sympy.cos(2 * u),
    "exp": lambda u: sympy.exp(-(u**2)),
    "expm1": lambda u: bp.expm1(sympy.tanh(u)),
    "log": lambda u: sympy.log(2 + u**2),
    "log1p": lambda u: bp.log1p(u**2),
    "erf": sympy.erf,
    "abs": sympy.Abs,
    "sign": lambda u: u + sympy.sign(u) / 2,
    "sqrt": lambda u: sympy.sqrt(1 + u**2),
    "reciprocal": lambda u: 1 / (1 + u**2),
    "power": lambda u: (1 + u**2) ** sympy.Rational(-3, 4),
    "cube": lambda u: sympy.tanh(u) ** 3,
    "power of itself": lambda u: (1 + u**2) ** sympy.sin(u),
    "maximum": lambda u: bp.maximum(u, 1 - u),
    "minimum": lambda u: bp.minimum(sympy.sin(3 * u), u / 2),
    "where": lambda u: bp.where(u > sympy.Rational(1, 7), u**2 / (1 + u**2), -u / 3),
    "stop_gradient": lambda u: bp.stop_gradient(u) * sympy.tanh(u),
    "own": OWN,
    "own_with_rule": lambda u: OWN_WITH_RULE(u, sympy.cos(u)),
}


class Growing:
    """A program being grown: its equations, its values and the tensors to take from."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.generator = np.random.default_rng(draw(st.integers(0, 2**16)))
        self.batch = draw(st.sampled_from([1, 2, 3]))
        self.n = bp.Index("n", draw(st.sampled_from(["N", self.batch])))
        self.equations: list[bp.Equation] = []
        self.values: dict[str, Any] = {}
        self.parameters: list[Tensor] = []
        self.count = 0
        width = self.choice(WIDTHS)
        self.pool = [self.given(bp.input, "x", self.n, bp.Index("j", width))]

    def choice(self, options: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def given(self, declare: Callable[..., Tensor], stem: str, *axes: bp.Index) -> Tensor:
        made = declare(self.name(stem), *axes)
        shape = [i.extent if isinstance(i.extent, int) else self.batch for i in axes]
        scale = 1 / np.sqrt(shape[-1]) if len(shape) > 1 else 1
        self.values[made.name] = self.generator.normal(size=shape) * scale
        return made

    def parameter(self, *axes: bp.Index) -> Tensor:
        shape = tuple(i.extent for i in axes)
        fitting = [p for p in self.parameters if p.shape == shape]
        if fitting and self.draw(st.booleans()):
            return self.choice(fitting)  # a shared parameter
        made = self.given(bp.parameter, "P", *axes)
        self.parameters.append(made)
        return made

    def tokens(self, *axes: bp.Index, below: int) -> Tensor:
        made = bp.input(self.name("token"), *axes, kind="integer")
        shape = [i.extent if isinstance(i.extent, int) else self.batch for i in axes]
        self.values[made.name] = self.generator.integers(0, below, size=shape)
        return made

    def define(self, body: Any, *axes: bp.Index, stem: str = "a") -> Tensor:
        made = bp.tensor(self.name(stem), *axes)
        self.equations.append(bp.Equation(made[axes], body))
        return made

    def take(self) -> tuple[Tensor, bp.Index, int]:
        """Return a tensor over (n, j), a fresh index for its features and their number."""
        tensor = self.choice(self.pool[-3:] if len(self.pool) > 1 else self.pool)
        width = tensor.indices[1].extent
        return tensor, bp.Index("j", width), width

    def function(self) -> Callable[[Any], Any]:
        return ELEMENTWISE[self.choice(sorted(ELEMENTWISE))]


Move = Callable[[Growing], Tensor]


def dense(g: Growing) -> Tensor:
    a, k, _width = g.take()
    j = bp.Index("j", g.choice(WIDTHS))
    W, b = g.parameter(j, k), g.parameter(j)
    z = bp.Sum(W[j, k] * a[g.n, k], k) + b[j]
    if g.draw(st.booleans()):
        return g.define(g.function()(z), g.n, j)
    z_ = g.define(z, g.n, j, stem="z")
    return g.define(g.function()(z_[g.n, j]), g.n, j)


def elementwise(g: Growing) -> Tensor:
    a, j, _ = g.take()
    return g.define(g.function()(a[g.n, j]), g.n, j)


def skip(g: Growing) -> Tensor:
    a, j, width = g.take()
    b = g.choice([t for t in g.pool if t.indices[1].extent == width])
    p = g.parameter(j)
    combine = g.choice(["sum", "product", "weighted", "quotient"])
    u, v = a[g.n, j], b[g.n, j]
    bodies = {
        "sum": u + v / 2,
        "product": sympy.tanh(u) * v,
        "weighted": p[j] * u + (1 - p[j]) * v,
        "quotient": u / (1 + v**2),
    }
    return g.define(bodies[combine], g.n, j)


def normalised(g: Growing) -> Tensor:
    """A sum under a nonlinear node: layer normalisation, softmax and the like."""
    a, j, _ = g.take()
    k = j.fresh()
    u, v = a[g.n, j], a[g.n, k]
    bodies = {
        "root mean square": u / sympy.sqrt(bp.Mean(v**2, k) + 1),
        "layer normalisation": (u - bp.Mean(v, k))
        / sympy.sqrt(bp.Mean((v - bp.Mean(a[g.n, j], j)) ** 2, k) + 1),
        "softmax": bp.softmax(u, j),
        "log-softmax": bp.log_softmax(u, j),
        "softmin of logsumexp": sympy.tanh(u - 2 * bp.logsumexp(-v, k)),
        "maximum": u - 2 * bp.Max(v, k),
        "maximum of a formula": u + bp.Max(sympy.sin(3 * v) * v, k) ** 2 / 4,
        "softmax by hand": sympy.exp(u) / bp.Sum(sympy.exp(v), k),
        "captured": u * bp.Sum(a[g.n, j] ** 2, j),
        "nested": u * sympy.sin(bp.Sum(v * sympy.cos(bp.Sum(a[g.n, j], j)), k)),
        "sum of a sum": u + bp.Sum(bp.Sum(v * a[g.n, j], j) / 3, k),
        "terms": 2 * (u + bp.Sum(v, k) - bp.Sum(sympy.tanh(v), k)) / 3,
    }
    return g.define(bodies[g.choice(sorted(bodies))], g.n, j)


def gram(g: Growing) -> Tensor:
    a, j, _ = g.take()
    i = j.fresh()
    G = g.define(bp.Mean(a[g.n, i] * a[g.n, j], g.n), i, j, stem="G")
    use = g.choice(["diagonal", "product", "transpose"])
    bodies = {
        "diagonal": sympy.tanh(G[j, j]) + a[g.n, j],
        "product": bp.Sum(G[j, i] * a[g.n, i], i) / 2,
        "transpose": bp.Sum((G[i, j] - G[j, i] + G[i, j]) * a[g.n, i], i) / 2,
    }
    return g.define(bodies[use], g.n, j)


def diagonal(g: Growing) -> Tensor:
    a, j, _ = g.take()
    A = g.parameter(j, j.fresh())
    return g.define(sympy.sin(A[j, j] * a[g.n, j]) + A[0, j], g.n, j)


def convolution(g: Growing) -> Tensor:
    """Stride and dilation, without padding or with one made by a guard."""
    a, _, width = g.take()
    taps = g.choice([1, 2])
    stride, dilation = g.choice([1, 2]), g.choice([1, 2])
    d = bp.Index("d", taps)
    K = g.parameter(d)
    if g.draw(st.booleans()):
        i = bp.Index("i", max(2, -(-width // stride)))
        place = stride * i + dilation * d - 1
        inside = sympy.And(sympy.Ge(place, 0), sympy.Lt(place, width))
        return g.define(bp.Sum(bp.where(inside, K[d] * a[g.n, place], 0), d), g.n, i)
    reach = dilation * (taps - 1) + 1
    if width < reach:
        return elementwise(g)
    i = bp.Index("i", (width - reach) // stride + 1)
    return g.define(bp.Sum(K[d] * a[g.n, stride * i + dilation * d], d), g.n, i)


def pooling(g: Growing) -> Tensor:
    a, _, width = g.take()
    if width < 2:
        return elementwise(g)
    i, r = bp.Index("i", width // 2), bp.Index("r", 2)
    reduce = g.choice([bp.Max, bp.Sum, bp.LogSumExp])
    return g.define(reduce(a[g.n, 2 * i + r], r), g.n, i)


def backwards(g: Growing) -> Tensor:
    a, j, width = g.take()
    return g.define(a[g.n, width - 1 - j] * a[g.n, 0] / 2 + a[g.n, j], g.n, j)


def embedding(g: Growing) -> Tensor:
    a, j, _ = g.take()
    rows, t = g.choice([2, 5]), bp.Index("t", g.choice([1, 3]))
    E = g.parameter(bp.Index("v", rows), j)
    token = g.tokens(g.n, t, below=rows)
    bodies = {
        "mean": bp.Mean(E[token[g.n, t], j], t) + a[g.n, j],
        "nonlinear": bp.Sum(sympy.tanh(E[token[g.n, t], j] * a[g.n, j]), t),
        "first": E[token[g.n, 0], j] * a[g.n, j],
    }
    return g.define(bodies[g.choice(sorted(bodies))], g.n, j)


def gather(g: Growing) -> Tensor:
    """An intermediate tensor read at data-dependent places, repeated ones among them."""
    a, j, width = g.take()
    place = g.tokens(j, below=width)
    return g.define(sympy.tanh(a[g.n, place[j]]) + a[g.n, j] / 2, g.n, j)


def masked(g: Growing) -> Tensor:
    a, j, _ = g.take()
    i = j.fresh()
    A = g.parameter(j, i)
    u = a[g.n, i]
    bodies = {
        "causal": bp.Sum(bp.where(sympy.Le(i, j), A[j, i] * u, 0), i),
        "strict": bp.Sum(bp.where(sympy.Lt(i, j), sympy.sin(A[j, i] * u), 0), i),
        "logsumexp": bp.logsumexp(bp.where(sympy.Le(i, j), A[j, i] + u, -50), i),
        "maximum": bp.Max(bp.where(sympy.Le(i, j), u, -50), i) + A[0, j],
        "captured": bp.where(sympy.Gt(j, 0), bp.Sum(a[g.n, j] ** 2, j), a[g.n, j]),
        "outer guard": bp.where(sympy.Gt(j, 0), bp.Sum(A[j - 1, i] * u, i), a[g.n, j]),
        "position": a[g.n, j] * sympy.sin(j + 1) / (j + 1) + j,
        "even": bp.where(sympy.Eq(sympy.Mod(j, 2), 0), u.xreplace({i: j}), A[j, j]),
    }
    return g.define(bodies[g.choice(sorted(bodies))], g.n, j)


def recurrence(g: Growing) -> Tensor:
    """h[n, t] from h[n, t-1] (or t+1), of one equation or two, scalar or vector state."""
    a, _, width = g.take()
    t = bp.Index("t", width, sequential=True)
    up = g.draw(st.booleans())
    guard = sympy.Gt(t, 0) if up else sympy.Lt(t, width - 1)
    near = t - 1 if up else t + 1
    kind = g.choice(["scalar", "vector", "pair", "summed"])
    if kind == "vector":
        s, k = bp.indices("s k", 2)
        U, v = g.parameter(s, k), g.parameter(s)
        h = bp.tensor(g.name("h"), g.n, t, s)
        before = bp.where(guard, bp.Sum(U[s, k] * h[g.n, near, k], k), 0)
        g.equations.append(bp.Equation(h[g.n, t, s], g.function()(before + v[s] * a[g.n, t]) / 2))
        return g.define(bp.Sum(v[s] * h[g.n, t, s], s), g.n, t)
    w = g.parameter()
    h = bp.tensor(g.name("h"), g.n, t)
    before = bp.where(guard, h[g.n, near], g.choice([0, 1]))
    if kind == "pair":
        c = bp.tensor(g.name("c"), g.n, t)
        g.equations += [
            bp.Equation(c[g.n, t], bp.sigmoid(before) * w[()] + a[g.n, t]),
            bp.Equation(h[g.n, t], sympy.tanh(c[g.n, t]) + before / 3),
        ]
    elif kind == "summed":  # linear: a plain prefix sum with a decay
        g.equations.append(bp.Equation(h[g.n, t], a[g.n, t] + before / 2))
    else:
        g.equations.append(bp.Equation(h[g.n, t], g.function()(w[()] * before + a[g.n, t]) / 2))
    return h


def scalar(g: Growing) -> Tensor:
    """Scalars from the tensors, combined, and spread over them again."""
    a, j, _ = g.take()
    p, q = g.parameter(), g.parameter()
    s = g.define((p[()] + bp.Mean(a[g.n, j], g.n, j)) * q[()], stem="s")
    r = g.define(g.function()(s[()]) + s[()] ** 2 / 4, stem="s")
    return g.define(sympy.tanh(r[()]) * a[g.n, j], g.n, j)


def stopped(g: Growing) -> Tensor:
    a, j, _ = g.take()
    b = g.define(bp.stop_gradient(a[g.n, j] ** 2), g.n, j)
    return g.define(sympy.cos(b[g.n, j]) * a[g.n, j], g.n, j)


MOVES: tuple[Move, ...] = (
    dense, elementwise, skip, normalised, gram, diagonal, convolution, pooling, backwards,
    embedding, gather, masked, recurrence, scalar, stopped,
)  # fmt: skip


@st.composite
def programs(
    draw: Any, moves: Sequence[Move] = MOVES, most: int = 4
) -> tuple[bp.Program, dict[str, Any]]:
    """Draw a program with a cost, and values for its inputs, targets and parameters."""
    g = Growing(draw)
    first = dense(g) if draw(st.booleans()) else None
    g.pool += [first] if first is not None else []
    for _ in range(draw(st.integers(1, most))):
        g.pool.append(draw(st.sampled_from(list(moves)))(g))
    last = g.pool[-1]
    j = bp.Index("j", last.indices[1].extent)
    n, C = g.n, bp.tensor("C")
    y = g.given(bp.target, "y", n, j)
    W = g.parameter(j)
    out = last[n, j]
    costs = {
        "quadratic": bp.Sum((out - y[n, j]) ** 2, n, j) / (2 * n.extent),
        "mean squared error": bp.Mean((W[j] * out - y[n, j]) ** 2, n, j),
        "cross-entropy": -bp.Mean(bp.sigmoid(y[n, j]) * bp.log_softmax(out, j), n, j),
        "logistic": bp.Mean(bp.softplus(out) - y[n, j] * out, n, j),
        "penalised": bp.Sum(sympy.tanh(out) * y[n, j], n, j) + bp.Sum(W[j] ** 2, j) / 10,
    }
    cost = costs[g.choice(sorted(costs))]
    # Each parameter has to reach the cost; those of tensors that went unused do so here.
    program = bp.Program([*g.equations, bp.Equation(C, cost)])
    reached = program.depends_on([C])
    for parameter in g.parameters:
        if parameter not in reached:
            own = tuple(i.fresh() for i in parameter.indices)
            term = parameter[own] ** 2 / 8
            cost += bp.Sum(term, *own) if own else term
    program = bp.Program([*g.equations, bp.Equation(C, cost)], cost=C)
    named = {tensor.name for tensor in program.tensors}
    return program, {name: value for name, value in g.values.items() if name in named}
