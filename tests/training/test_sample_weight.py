"""Weights of examples, by keyword: in whole batches, in shuffled ones, resumed, and minimised."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.compiler import module_source
from tests.emitted_text import load_as_python

generator = np.random.default_rng(5)
X, Y = generator.normal(size=(9, 3)), generator.integers(0, 2, size=9)
W = np.array([1, 0, 2, 1, 3, 0, 1, 2, 1])
OFTEN = np.repeat(np.arange(9), W)
LAYERS = [bp.Dense(4, "tanh"), bp.Dense(2)]


def network(**options: Any) -> bp.Network:
    return bp.Network(LAYERS, input=3, loss="softmax_cross_entropy", **options)


def made(program: bp.Program) -> Any:
    """Return a module whose kernels are run as Python."""
    return load_as_python(module_source(program, bp.SGD(0.5), "float64"))


@pytest.fixture(scope="module")
def weighted() -> Any:
    return made(network(sample_weight=True))


@pytest.fixture(scope="module")
def plain() -> Any:
    return made(network())


def parameters(trainer: Any) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in trainer.parameters])


def test_a_weight_counts_an_example_so_often(weighted: Any, plain: Any) -> None:
    trainer, repeated = weighted.Trainer(seed=1), plain.Trainer(seed=1)
    share = W.sum() / len(W)
    cost, gradient = trainer.gradient(X, Y, sample_weight=W)
    answer, slopes = repeated.gradient(X[OFTEN], Y[OFTEN])
    np.testing.assert_allclose(cost, share * answer, rtol=1e-13)
    for found, slope in zip(gradient, slopes, strict=True):
        np.testing.assert_allclose(found, share * slope, rtol=1e-10, atol=1e-15)
    assert trainer.loss(X, Y, sample_weight=W) == cost
    trainer.fit(X, Y, sample_weight=W / share, epochs=3, batch_size=9)
    repeated.fit(X[OFTEN], Y[OFTEN], epochs=3, batch_size=len(OFTEN))
    np.testing.assert_allclose(parameters(trainer), parameters(repeated), rtol=1e-12)
    assert trainer.accuracy(X, Y) == repeated.accuracy(X, Y)


def test_without_them_each_example_counts_once(weighted: Any, plain: Any) -> None:
    trainer, other = weighted.Trainer(), plain.Trainer()
    trainer.fit(X, Y, epochs=2, batch_size=4, validation=(X, Y))
    other.fit(X, Y, epochs=2, batch_size=4, validation=(X, Y))
    np.testing.assert_allclose(parameters(trainer), parameters(other), rtol=1e-14)
    assert trainer.history[-1].keys() == other.history[-1].keys()
    by_place = weighted.Trainer().fit(X, Y, W, epochs=2, batch_size=4)
    by_name = weighted.Trainer().fit(X, Y, sample_weight=W, epochs=2, batch_size=4)
    np.testing.assert_array_equal(parameters(by_place), parameters(by_name))


def test_weights_go_with_their_examples_through_shuffled_batches_and_a_pause(
    weighted: Any, tmp_path: Path
) -> None:
    """Batches of 4 in NumPy, in the same order; then the same training in two parts."""
    trainer = weighted.Trainer(seed=3)
    orders = weighted.Trainer(seed=3)._generator
    start = [array.copy() for array in trainer.parameters]
    for _ in range(2):
        order = orders.permutation(9)
        for rows in (order[:4], order[4:8], order[8:]):
            _, slopes = weighted.gradient(tuple(start), X[rows], Y[rows], W[rows])
            start = [array - 0.5 * slope for array, slope in zip(start, slopes, strict=True)]
    trainer.fit(X, Y, sample_weight=W, epochs=2, batch_size=4)
    np.testing.assert_allclose(parameters(trainer), np.concatenate([a.ravel() for a in start]))
    paused = weighted.Trainer(seed=3).fit(X, Y, sample_weight=W, epochs=1, batch_size=4)
    paused.save(tmp_path / "half.npz")
    resumed = weighted.Trainer.load(tmp_path / "half.npz")
    resumed.fit(X, Y, sample_weight=W, epochs=1, batch_size=4)
    np.testing.assert_array_equal(parameters(resumed), parameters(trainer))


def test_minimise_takes_them(weighted: Any, plain: Any) -> None:
    found = weighted.Trainer().minimise(X, Y, sample_weight=W, iterations=8)
    other = plain.Trainer().minimise(X[OFTEN], Y[OFTEN], iterations=8)
    share = W.sum() / len(W)
    # The search's first step depends on how great the cost is, so only its end is compared.
    assert abs(found.history[-1]["cost"] - share * other.history[-1]["cost"]) < 0.2
    assert found.history[-1]["cost"] < found.history[0]["cost"]


def test_a_cost_of_ones_own_has_a_target_of_weights() -> None:
    n, i = bp.indices("n i", "N", 3)
    x, y, s = bp.input("x", n, i), bp.target("y", n), bp.target("s", n, kind="weight")
    v, z, C = bp.parameter("v", i, initial=("constant", 0.3)), bp.tensor("z", n), bp.tensor("C")
    equations = [
        bp.Equation(z[n], bp.Sum(v[i] * x[n, i], i)),
        bp.Equation(C, bp.Sum(s[n] * bp.Abs(z[n] - y[n]), n) / bp.Sum(s[n], n)),
    ]
    trainer = made(bp.Program(equations, cost=C, output=z)).Trainer()
    errors = np.abs(X @ np.full(3, 0.3) - Y)
    found = trainer.loss(X, Y.astype(float), sample_weight=W)
    np.testing.assert_allclose(found, np.average(errors, weights=W))
    np.testing.assert_allclose(trainer.loss(X, Y.astype(float)), errors.mean())


MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "length": (
        lambda t: t.fit(X, Y, sample_weight=W[:3]), "sample_weight has 3 rows, y has 9"
    ),
    "sign": (
        lambda t: t.loss(X, Y, sample_weight=W - 1.0),
        "sample_weight[1] is -1.0, expected a weight of 0 or more",
    ),
    "a sign by place": (
        lambda t: t.fit(X, Y, W - 1.0), "sample_weight[1] is -1.0, expected a weight of 0 or more"
    ),
    "shape": (
        lambda t: t.fit(X, Y, sample_weight=np.ones((9, 1))),
        "sample_weight: expected shape (N,), got (9, 1)",
    ),
    "not a number": (
        lambda t: t.fit(X, Y, sample_weight=np.full(9, np.nan)),
        "sample_weight[0] is nan, expected a finite number",
    ),
    "text": (
        lambda t: t.fit(X, Y, sample_weight="balanced"),
        "sample_weight: expected real numbers, got dtype <U8",
    ),
    "twice": (
        lambda t: t.fit(X, Y, W, sample_weight=W),
        "fit: expected 2 arrays (x, y) beside sample_weight, got 3",
    ),
    "no target": (
        lambda t: t.fit(X, sample_weight=W),
        "fit: expected 2 arrays (x, y) beside sample_weight, got 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_has_one_line(mistake: str, weighted: Any) -> None:
    call, message = MISTAKES[mistake]
    with pytest.raises((TypeError, ValueError)) as caught:
        call(weighted.Trainer())
    assert str(caught.value) == message


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_tiny_network_is_taken_apart_with_its_weights(dtype: Any) -> None:
    tiny = bp.Network(
        [bp.Dense(3, "tanh"), bp.Dense(1)], input=2, loss="mean_squared_error", sample_weight=True
    )
    trainer = load_as_python(module_source(tiny, bp.SGD(0.5), dtype)).Trainer()
    x, y = X[:, :2], Y.astype(float)
    errors = np.square(trainer.predict(x)[:, 0] - y)
    found = trainer.loss(x, y, sample_weight=W)
    np.testing.assert_allclose(found, np.mean(W * errors), rtol=1e-5)
    before = trainer.loss(x, y, sample_weight=W)
    assert trainer.fit(x, y, sample_weight=W, epochs=5).loss(x, y, sample_weight=W) < before


def test_there_is_one_weight() -> None:
    n, C = bp.Index("n", "N"), bp.tensor("C")
    a, u, w = bp.parameter("a"), *(bp.target(name, n, kind="weight") for name in "uw")
    with pytest.raises(bp.NotationError, match="u and w: each is a target of kind 'weight'"):
        bp.Program([bp.Equation(C, bp.Mean(u[n] * w[n] * a**2, n))], cost=C)


def test_a_weight_is_a_target_of_one_index() -> None:
    n, j = bp.indices("n j", "N", 2)
    for declare in (
        lambda: bp.input("w", n, kind="weight"), lambda: bp.target("w", n, j, kind="weight")
    ):  # fmt: skip
        with pytest.raises(bp.NotationError, match="kind 'weight' is for targets with one index"):
            declare()
