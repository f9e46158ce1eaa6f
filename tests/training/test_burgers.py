"""A network that solves Burgers' equation, against the solution by Hopf's and Cole's formula."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import qmc

import symbp as bp
from symbp.gallery import burgers

NU = 0.01 / np.pi


def exact(x: NDArray[Any], t: NDArray[Any], nodes: int = 100) -> NDArray[Any]:
    """Return the solution by Gauss–Hermite quadrature (Basdevant et al., Computers & Fluids 14)."""
    node, weight = np.polynomial.hermite.hermgauss(nodes)
    y = x[:, None] - np.sqrt(4 * NU * t)[:, None] * node
    logarithm = -np.cos(np.pi * y) / (2 * np.pi * NU)
    kernel = weight * np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    return -np.sum(np.sin(np.pi * y) * kernel, axis=1) / np.sum(kernel, axis=1)


def points(inside: int, known: int, seed: int = 1) -> tuple[NDArray[Any], ...]:
    """Return points, the values that are known at the last of them, and the weights of these."""
    places = qmc.LatinHypercube(2, seed=seed).random(inside) * [2, 1] - [1, 0]
    half = known // 2
    start = np.column_stack([np.linspace(-1, 1, half), np.zeros(half)])
    walls = np.column_stack([np.tile([-1.0, 1.0], half // 2), np.linspace(0, 1, half)])
    x = np.concatenate([places, start, walls])
    is_known = np.arange(len(x)) >= inside
    y = np.where(is_known & (x[:, 1] == 0), -np.sin(np.pi * x[:, 0]), 0.0)
    return x, y, 20 * is_known * len(x) / known


def error(trainer: Any) -> float:
    """Return the relative L2 error of what a trainer predicts, on a grid."""
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 256), np.linspace(0, 0.99, 100)), axis=-1)
    grid = grid.reshape(-1, 2)
    solution = exact(*grid.T)
    difference = trainer.predict(grid) - solution
    return float(np.linalg.norm(difference) / np.linalg.norm(solution))


def train(
    program: bp.Program, data: tuple[Any, ...], epochs: int, stages: Sequence[int], seed: int = 1
) -> Any:
    """Train by Adam, then by L-BFGS in stages, each with points where the residual is large."""
    x, y, w = data
    inside = np.flatnonzero(w == 0)
    trainer = bp.compile(program, bp.Adam(2e-3), dtype="float64", seed=seed, outputs=["r"])
    trainer.fit(x, y, w, epochs=epochs, batch_size=250)
    options = {"maxcor": 100, "maxfun": 10**6, "maxls": 50, "ftol": 0, "gtol": 1e-10}
    generator = np.random.default_rng(seed)
    for stage, iterations in enumerate(stages):
        if stage:
            many = generator.uniform([-1, 0], [1, 1], (10 * len(inside), 2))
            r = np.abs(trainer.evaluate("r", many))
            p = r / r.mean() + 1
            x[inside] = many[generator.choice(len(r), len(inside), replace=False, p=p / p.sum())]
        trainer.minimise(x, y, w, iterations=iterations, options=options)
    return trainer


def test_the_formula_solves_the_equation() -> None:
    generator = np.random.default_rng(0)
    x, t = generator.uniform(-1, 1, 200), generator.uniform(0.1, 0.9, 200)
    d = 1e-4
    u = exact(x, t)
    u_t = (exact(x, t + d) - exact(x, t - d)) / (2 * d)
    u_x = (exact(x + d, t) - exact(x - d, t)) / (2 * d)
    u_xx = (exact(x + d, t) - 2 * u + exact(x - d, t)) / d**2
    smooth = np.abs(x) > 0.1  # near 0 the front is too steep for differences
    assert np.abs(u_t + u * u_x - NU * u_xx)[smooth].max() < 1e-4
    np.testing.assert_allclose(exact(x, t, 140), u, atol=1e-9)
    np.testing.assert_allclose(exact(x, 0 * t), -np.sin(np.pi * x), atol=1e-12)


@pytest.mark.slow
def test_a_small_network_learns_the_beginning() -> None:
    trainer = train(burgers(depth=2, units=10), points(900, 100), 20, (100, 100))
    costs = [record["cost"] for record in trainer.history]
    assert costs[-1] < costs[0] / 5


@pytest.mark.exhaustive
def test_the_network_solves_the_equation_in_a_quarter_of_an_hour() -> None:
    begin = time.process_time()
    trainer = train(burgers(), points(10_000, 400), epochs=200, stages=(1000, 1500))
    assert error(trainer) <= 1e-3
    # Of one thread, as everything here is; a busy machine takes longer.
    assert time.process_time() - begin <= 15 * 60
