"""Random spellings of log-sums, softmaxes and sigmoids, composed from a grammar."""

import random
from typing import Any

import numpy as np

import symbp as bp

SIZE = 3

Expr = Any


class Spelling:
    """A program ``f = …`` of a vector x and scalars u, v, in one to four equations.

    ``y`` are positive weights that are data. The grammar is of positive quantities, over an index
    or without, and of real numbers made of them.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.j = bp.Index("j", SIZE)
        self.x = bp.parameter("x", self.j)
        self.u, self.v = bp.parameter("u"), bp.parameter("v")
        self.y = bp.target("y", self.j)
        self.equations: list[bp.Equation] = []
        # How many equations there may be before that of f.
        self.spare = self.random.randrange(4)
        f = bp.tensor("f")
        body = self.real()
        # Everything is read, so that every spelling has the same inputs.
        body = body + 0 * 0
        self.equations.append(bp.Equation(f, body))
        self.program = bp.Program(self.equations, cost=f)
        self.reads = {t.name for t in self.program.tensors}

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)()

    # Exponents -------------------------------------------------------------------------------

    def exponent(self, index: bp.Index | None) -> Expr:
        x = self.u[()] if index is None else self.x[index]
        v = self.v[()]
        return self.pick(
            lambda: x, lambda: x, lambda: x, lambda: -x, lambda: x / 2, lambda: x - v,
            lambda: 2 * x, lambda: v - x, lambda: x + 1, lambda: -(x**2) / 1000,
        )  # fmt: skip

    # Positive quantities ---------------------------------------------------------------------

    def positive(self, index: bp.Index | None, depth: int) -> Expr:
        """Return a positive quantity that depends on an index, or on none."""
        made = self.composed(index, depth) if depth > 0 else self.plain(index)
        return self.named(made, index)

    def named(self, body: Expr, index: bp.Index | None) -> Expr:
        """Return a body, or an element of a new tensor that is defined by it."""
        if not self.spare or self.random.random() < 0.6 or not hasattr(body, "atoms"):
            return body
        if not body.atoms(bp.Tensor) and not body.has(type(self.u[()])):
            return body
        self.spare -= 1
        name = f"q{len(self.equations)}"
        if index is None:
            q = bp.tensor(name)
            self.equations.append(bp.Equation(q, body))
            return q[()]
        q = bp.tensor(name, self.j)
        self.equations.append(bp.Equation(q[self.j], body.xreplace({index: self.j})))
        return q[index]

    def plain(self, index: bp.Index | None) -> Expr:
        e = self.exponent(index)
        return self.pick(
            lambda: bp.exp(e), lambda: bp.exp(e), lambda: bp.sigmoid(e),
            lambda: 1 / (1 + bp.exp(-e)), lambda: bp.exp(e) / (1 + bp.exp(e)),
            lambda: self.total(lambda k: bp.exp(self.exponent(k))),
            lambda: self.softmax(index), lambda: self.softmax(index),
        )  # fmt: skip

    def total(self, body: Any) -> Expr:
        k = self.j.fresh()
        reduction = self.pick(lambda: bp.Sum, lambda: bp.Sum, lambda: bp.Mean)
        return self.named(reduced(reduction, body(k), k), None)

    def softmax(self, index: bp.Index | None) -> Expr:
        """Return an entry of a softmax, or a weighted mean of one."""
        k = self.j.fresh()
        t = self.random.choice([1, 1, 2])
        if index is None:
            i = self.j.fresh()
            p = self.softmax(i)
            return bp.Sum(self.y[i] * p, i)
        e, s = bp.exp(self.x[index] / t), bp.Sum(bp.exp(self.x[k] / t), k)
        return self.pick(
            lambda: e / s, lambda: e / s, lambda: e * self.named(1 / s, None),
            lambda: e / self.named(s, None),
            lambda: bp.exp(self.x[index] / t - bp.log(s)),
        )  # fmt: skip

    def composed(self, index: bp.Index | None, depth: int) -> Expr:
        def part() -> Expr:
            return self.positive(index, depth - 1)

        return self.pick(
            lambda: part() * part(), lambda: part() / part(), lambda: part() / part(),
            lambda: part() ** self.random.choice([2, -1, 3, -2]),
            lambda: bp.sqrt(part()), lambda: part() ** 0.3,
            lambda: part() + part(), lambda: 1 + part(),
            lambda: self.random.choice([2, 0.5, 3]) * part(),
            lambda: 1 / (1 + part()), lambda: part() / (part() + 1),
            lambda: self.total(lambda k: self.positive(k, depth - 1)),
            lambda: self.total(lambda k: self.y[k] * self.positive(k, depth - 1)),
            lambda: 1 - bp.sigmoid(self.exponent(index)),
            lambda: 1 - bp.tanh(self.exponent(index)) ** 2,
            lambda: part() + bp.exp(-self.exponent(index)),
        )  # fmt: skip

    # Real numbers ----------------------------------------------------------------------------

    def real(self) -> Expr:
        def p(depth: int = 2) -> Expr:
            return self.positive(None, self.random.randrange(depth + 1))

        def summed(body: Any) -> Expr:
            k = self.j.fresh()
            return reduced(bp.Sum, body(k), k)

        def q(k: bp.Index) -> Expr:
            return self.positive(k, self.random.randrange(2))

        def entropy(k: bp.Index) -> Expr:
            s = self.softmax(k)
            return -s * bp.log(s)

        def bernoulli() -> Expr:
            s = bp.sigmoid(self.exponent(None))
            return -s * bp.log(s) - (1 - s) * bp.log(1 - s)

        return self.pick(
            lambda: bp.log(p()), lambda: bp.log(p()), lambda: bp.log(p()), lambda: p(),
            lambda: bp.log(p()) - bp.log(p()),
            lambda: summed(lambda k: self.y[k] * bp.log(q(k))),
            lambda: summed(lambda k: bp.log(q(k))),
            lambda: summed(entropy), bernoulli,
            lambda: bp.log(bp.sqrt(p())), lambda: bp.log(p() ** 2 * p()),
            lambda: (1 - bp.sigmoid(self.u[()])) ** 2 * bp.log(bp.sigmoid(self.u[()])),
            lambda: bp.softplus(self.exponent(None)) - self.v[()],
        )  # fmt: skip


def point(seed: int) -> dict[str, Any]:
    """Return values of x, u, v and y, up to 1000 in size."""
    generator = np.random.default_rng(seed)
    scale = generator.choice([1000.0, 1000.0, 300.0, 40.0, 3.0])

    def number() -> float:
        kind = generator.integers(8)
        if kind == 0:
            return float(generator.choice([0.0, scale, -scale, 40.0, -40.0]))
        return float(generator.uniform(-scale, scale))

    return {
        "x": np.array([number() for _ in range(SIZE)]),
        "u": number(),
        "v": number(),
        "y": generator.uniform(0.1, 2.0, SIZE),
    }


def reduced(reduction: Any, body: Expr, index: bp.Index) -> Expr:
    """Return a sum or a mean, also of what does not depend on the index, which is refused."""
    if body.has(index):
        return reduction(body, index)
    return body * index.extent if reduction is bp.Sum else body
