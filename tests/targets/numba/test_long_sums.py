"""Sums over millions of rows in single precision are right to 1e-6 of the sum of their terms."""

import itertools
from typing import Any

import numpy as np
import pytest
import sympy
from numpy.typing import NDArray

import symbp as bp
from symbp.compiler import module_source
from symbp.training.loading import module_of

pytestmark = pytest.mark.optimised

BOUND = 1e-6
MANY = [10**6, pytest.param(10**7, marks=pytest.mark.slow)]
KINDS = ["equal", "random"]
Sums = dict[str, tuple[Any, Any]]
"""A result in double precision and the sum of its terms' magnitudes, by name."""


def data(kind: str, rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    """Return rows of numbers that are not round, all the same or all different."""
    generator = np.random.default_rng(seed)
    count = 1 if kind == "equal" else rows
    made = generator.uniform(0.2, 1.3, size=(count, columns)).astype(np.float32)
    return np.array(np.broadcast_to(made, (rows, columns)))


def assert_sums(found: dict[str, Any], expected: Sums, scale: float = 1) -> None:
    """Compare results with those of double precision."""
    for name, (value, terms) in expected.items():
        errors = np.abs(np.asarray(found[name], np.float64) - scale * value)
        # Where nothing is added, the sum is zero.
        assert np.all(errors <= BOUND * abs(scale) * terms), f"{name}: errors of {errors}"


def by_hand(parameters: Any, x: NDArray[Any], y: NDArray[Any]) -> Sums:
    """Return cost and gradient of two linear layers, whose terms are right to some roundings."""
    W1, b1, W2, b2 = (np.asarray(p, np.float64) for p in parameters)
    x, y = x.astype(np.float64), y.astype(np.float64)
    a = x @ W1.T + b1
    delta2 = (a @ W2.T + b2 - y) / len(x)
    delta1 = delta2 @ W2
    cost = float(np.sum(delta2**2)) * len(x) / 2
    of = np.abs
    return {
        "cost": (cost, cost),
        "W1": (delta1.T @ x, of(delta1).T @ of(x)),
        "b1": (delta1.sum(axis=0), of(delta1).sum(axis=0)),
        "W2": (delta2.T @ a, of(delta2).T @ of(a)),
        "b2": (delta2.sum(axis=0), of(delta2).sum(axis=0)),
    }


def positive(parameters: Any) -> Any:
    """Return parameters with which nothing cancels on the way to a term."""
    return type(parameters)(*(np.abs(p) for p in parameters))


def dense(optimizer: Any = None) -> Any:
    """Return the module of a network of two layers."""
    network = bp.mlp(2, 3, 1, activation="identity", output="identity")
    return module_of(module_source(network, optimizer, dtype="float32"))


@pytest.mark.parametrize("rows", MANY)
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_of_dense_layers_and_its_cost(kind: str, rows: int) -> None:
    module = dense()
    x, y = data(kind, rows, 2, 1), -100 * data(kind, rows, 1, 2)
    parameters = positive(module.initial_parameters(3))
    expected = by_hand(parameters, x, y)
    cost, gradient = module.gradient(parameters, x, y)
    assert_sums({"cost": cost, **gradient._asdict()}, expected)
    assert_sums({"cost": module.loss(parameters, x, y)}, {"cost": expected["cost"]})


FEW, LARGE = 2**8 + 1, 10**6
# In every run, each pair of two of the three.
PAIRS = {(3, "equal", LARGE), (3, "random", FEW), (40, "equal", FEW), (40, "random", LARGE)}


@pytest.mark.parametrize(
    ("units", "kind", "rows"),
    [
        pytest.param(*case, marks=() if case in PAIRS else pytest.mark.slow)
        for case in itertools.product((3, 40), KINDS, (FEW, LARGE))
    ],
)
def test_an_epoch_of_one_large_batch(units: int, kind: str, rows: int) -> None:
    network = bp.mlp(2, units, 1, activation="identity", output="identity")
    rate = 1e3  # what the parameters were is lost beside the step
    module = module_of(module_source(network, bp.SGD(rate), dtype="float32"))
    x, y = data(kind, rows, 2, 1), -100 * data(kind, rows, 1, 2)
    before = positive(module.initial_parameters(3))
    trainer = module.Trainer(before)
    expected = by_hand(before, x, y)
    trainer.fit(x, y, epochs=1, batch_size=rows, shuffle=False)
    moved = {
        name: np.asarray(new, np.float64) - old
        for name, new, old in zip(before._fields, trainer.parameters, before, strict=True)
    }
    cost = expected.pop("cost")
    assert_sums(moved, expected, -rate)
    assert_sums({"cost": trainer.history[0]["cost"]}, {"cost": cost})


def embedding(places: int) -> bp.Program:
    """Return a program that reads two numbers of a table for each example."""
    n, t, d = bp.indices("n t d", "N", 3, 2)
    table = bp.parameter("E", bp.Index("v", places), d)
    token, y = bp.input("token", n, t, kind="integer"), bp.target("y", n)
    z, C = bp.tensor("z", n), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(z[n], bp.Sum(table[token[n, t], d] * (d + 1), t, d)),
            bp.Equation(C, bp.Mean((z[n] - y[n]) ** 2, n)),
        ],
        cost=C,
    )


@pytest.mark.parametrize("rows", [20, *MANY])  # of so few, the loops of another branch
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_an_embedding_that_is_read_often(kind: str, rows: int) -> None:
    module = module_of(module_source(embedding(50), bp.SGD(1e3), dtype="float32"))
    y = data(kind, rows, 1, 4)[:, 0]
    token = np.full((rows, 3), 7)
    token[:, 2] = np.arange(rows) % 50
    parameters = module.initial_parameters(3)
    E = np.asarray(parameters.E, np.float64)
    slope = 2 * (E[token].sum(axis=1) @ [1.0, 2.0] - y) / rows
    places = np.zeros((2, 50))
    for sums, values in zip(places, (slope, np.abs(slope)), strict=True):
        for column in token.T:
            sums += np.bincount(column, values, 50)
    right = {"E": tuple(np.outer(sums, [1.0, 2.0]) for sums in places)}
    _, gradient = module.gradient(parameters, token, y)
    assert_sums(gradient._asdict(), right)
    trainer = module.Trainer(parameters)
    trainer.fit(token, y, epochs=1, batch_size=rows, shuffle=False)
    assert_sums({"E": np.asarray(trainer.parameters.E, np.float64) - E}, right, -1e3)


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_of_a_batch(kind: str) -> None:
    rows = 10**6
    n, j = bp.indices("n j", "N", 4)
    x, y = bp.input("x", n, j), bp.target("y", n, j)
    w, mean, variance = bp.parameter("w", j), bp.tensor("mean", j), bp.tensor("variance", j)
    u, C = bp.tensor("u", n, j), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(mean[j], bp.Mean(x[n, j], n)),
            bp.Equation(variance[j], bp.Mean((x[n, j] - mean[j]) ** 2, n)),
            bp.Equation(u[n, j], w[j] * (x[n, j] - mean[j]) / sympy.sqrt(variance[j] + 1)),
            bp.Equation(C, bp.Mean((u[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )
    module = module_of(module_source(program, dtype="float32"))
    values, wanted = data(kind, rows, 4, 5), data(kind, rows, 4, 6)
    parameters = module.initial_parameters(3)
    cost, gradient = module.gradient(parameters, values, wanted)
    exact = values.astype(np.float64)
    centred = exact - exact.mean(axis=0)
    scaled = centred / np.sqrt(centred.var(axis=0) + 1)
    rest = np.asarray(parameters.w, np.float64) * scaled - wanted
    terms = 2 * rest * scaled / rest.size
    # Where all rows are equal, what is left of them is the error of the mean.
    least = np.abs(exact * rest).sum(axis=0) * 2 / rest.size
    magnitudes = np.maximum(np.abs(terms).sum(axis=0), least)
    assert_sums(gradient._asdict(), {"w": (terms.sum(axis=0), magnitudes)})
    assert_sums({"cost": cost}, {"cost": (np.mean(rest**2), np.mean(rest**2))})


@pytest.mark.parametrize("rows", [5, 300])
def test_places_that_an_inner_loop_looks_up_are_right_for_few_rows_too(rows: int) -> None:
    n, p, j, v = bp.indices("n p j v", "N", 3, 2, 4)
    t, y = bp.input("t", n, p, kind="integer"), bp.target("y", n, j)
    E, a, C = bp.parameter("E", v, j), bp.tensor("a", n, j), bp.tensor("C")
    bag = bp.Program([
        bp.Equation(a[n, j], bp.tanh(bp.Sum(E[t[n, p], j], p))),
        bp.Equation(C, bp.Mean(bp.Sum((a[n, j] - y[n, j]) ** 2, j), n)),
    ], cost=C, output=a)  # fmt: skip
    generator = np.random.default_rng(0)
    table, target = generator.normal(size=(4, 2)), generator.normal(size=(rows, 2))
    words = generator.integers(0, 4, (rows, 3))
    found = bp.compile(bag, dtype="float32").module.gradient({"E": table}, words, target)[1].E
    a_ = np.tanh(table[words].sum(axis=1))
    expected = np.zeros((4, 2))
    np.add.at(expected, words, (2 / rows * (a_ - target) * (1 - a_**2))[:, None])
    np.testing.assert_allclose(found, expected, atol=1e-5)
