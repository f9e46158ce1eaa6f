"""Programs with tables of which a batch looks up a few rows, drawn at random."""

import random
from typing import Any

import numpy as np

import symbp as bp

__all__ = ["classifier", "factorisation", "table_programs", "values_for"]

STEPS = 2


def factorisation(users: int = 90, items: int = 70, rank: int = 3) -> bp.Program:
    """Return a matrix factorisation with a bias for each user, and one for all."""
    n, k, u, v = bp.indices("n k u v", "N", rank, users, items)
    user, item = (bp.input(name, n, kind="integer") for name in ("user", "item"))
    r, p, C = bp.target("r", n), bp.tensor("p", n), bp.tensor("C")
    U, V = bp.parameter("U", u, k), bp.parameter("V", v, k)
    b, c = bp.parameter("b", u), bp.parameter("c")
    product = bp.Sum(U[user[n], k] * V[item[n], k], k)
    equations = [
        bp.Equation(p[n], product + b[user[n]] + c),
        bp.Equation(C, bp.Sum((p[n] - r[n]) ** 2, n) / n.extent),
    ]
    return bp.Program(equations, cost=C)


def classifier(words: int = 200) -> bp.Program:
    """Return a classifier of sentences by the mean of the rows of their words."""
    n, t, j, h, w = bp.indices("n t j h w", "N", STEPS, 8, 6, words)
    word, y = bp.input("word", n, t, kind="integer"), bp.target("y", n)
    E, W1, b1 = bp.parameter("E", w, j), bp.parameter("W1", h, j), bp.parameter("b1", h)
    W2, C = bp.parameter("W2", h), bp.tensor("C")
    m, a, z = bp.tensor("m", n, j), bp.tensor("a", n, h), bp.tensor("z", n)
    equations = [
        bp.Equation(m[n, j], bp.Sum(E[word[n, t], j], t) / STEPS),
        bp.Equation(a[n, h], bp.tanh(bp.Sum(W1[h, j] * m[n, j], j) + b1[h])),
        bp.Equation(z[n], bp.Sum(W2[h] * a[n, h], h)),
        bp.Equation(C, bp.Sum(bp.softplus(z[n]) - y[n] * z[n], n) / n.extent),
    ]
    return bp.Program(equations, cost=C, output=z)


def table_programs(seed: int) -> bp.Program:
    """Return a program that looks up rows of some tables, one of them perhaps in several lists."""
    draw = random.Random(seed)
    n, t, j = bp.indices("n t j", "N", STEPS, draw.choice((1, 2, 3)))
    r, C = bp.target("r", n), bp.tensor("C")
    tables = [
        bp.parameter(f"E{number}", bp.Index("m", draw.choice((70, 150, 300))), j)
        for number in range(draw.choice((1, 2)))
    ]
    terms: list[Any] = []
    for number in range(draw.choice((1, 2, 3)) + len(tables) - 1):
        # Each table is read, some of them again.
        table = tables[number] if number < len(tables) else draw.choice(tables)
        if draw.random() < 0.5:
            word = bp.input(f"word{number}", n, t, kind="integer")
            terms.append(bp.Sum(table[word[n, t], j], t) / STEPS)
        else:
            one = bp.input(f"one{number}", n, kind="integer")
            terms.append(table[one[n], j])
    w, h, y = bp.parameter("w", j), bp.tensor("h", n, j), bp.tensor("y", n)
    body = terms[0]
    for term in terms[1:]:
        body = body * term if draw.random() < 0.5 else body + bp.tanh(term)
    equations = [
        bp.Equation(h[n, j], body),
        bp.Equation(y[n], bp.Sum(w[j] * bp.tanh(h[n, j]), j)),
    ]
    cost = bp.Sum((y[n] - r[n]) ** 2, n) / n.extent
    if draw.random() < 0.2:
        m, i = (index.fresh() for index in tables[0].indices)
        cost = cost + bp.Sum(tables[0][m, i] ** 2, m, i) / 100
    return bp.Program([*equations, bp.Equation(C, cost)], cost=C)


def values_for(program: bp.Program, seed: int, rows: int = 5) -> dict[str, Any]:
    """Return values; rows of tables are looked up several times."""
    generator = np.random.default_rng(seed)
    values: dict[str, Any] = {}
    for tensor in (*program.inputs, *program.targets, *program.parameters):
        shape = [extent if isinstance(extent, int) else rows for extent in tensor.shape]
        if tensor.kind == "integer":
            below = program.integer_limits[tensor].below
            some = generator.integers(0, below, size=3)
            values[tensor.name] = generator.choice([*some, below - 1], size=shape)
        else:
            values[tensor.name] = generator.normal(size=shape)
    return values
