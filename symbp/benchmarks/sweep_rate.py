"""Trainings a second of a sweep, beside scikit-learn's networks on joblib's processes.

``python -m symbp.benchmarks.sweep_rate`` trains the same small networks both ways, with as many
workers, in turn: the load of other programs then meets both. Time is that of the processors, of
this process and its workers, and that of the clock.
"""

import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

RATES = [0.001, 0.003, 0.01, 0.03, 0.1]
FOLDS, EPOCHS, BATCH, UNITS, WORKERS = 5, 20, 32, 16, 2


def processor_seconds() -> float:
    """Return the processor seconds of this process and of all processes below it (Linux)."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue  # it has ended
            parents[int(entry.name)] = int(words[1])
            # of it, and of its children that have ended
            ticks[int(entry.name)] = sum(map(int, words[11:15]))
    mine, new = {os.getpid()}, {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent in mine} - mine
        mine |= new
    return sum(ticks.get(pid, 0) for pid in mine) / os.sysconf("SC_CLK_TCK")


def sklearn_score(x: Any, y: Any, rows: Any, held: Any, rate: float, seed: int) -> float:
    """Return the score of one network of scikit-learn."""
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that so many epochs may not be enough
        network = MLPClassifier(
            (UNITS,), activation="tanh", solver="adam", alpha=0.0, batch_size=BATCH,
            learning_rate_init=rate, max_iter=EPOCHS, tol=0.0, n_iter_no_change=EPOCHS + 1,
            random_state=seed,
        )  # fmt: skip
        network.fit(x[rows], y[rows])
    return float(network.score(x[held], y[held]))


def measured(call: Callable[[], list[float]]) -> tuple[float, float, list[float]]:
    """Return processor seconds, seconds, and what a call returns."""
    before, started = processor_seconds(), time.perf_counter()
    scores = call()
    return processor_seconds() - before, time.perf_counter() - started, scores


def main(total: int = 2000, chunks: int = 4) -> None:
    """Train and print.

    Parameters
    ----------
    total : int
        How many networks, each way.
    chunks : int
        In how many parts, which take turns.
    """
    import joblib

    import symbp as bp
    from symbp.sweeps.folds import folds_of

    def make(rate: float) -> Any:
        net = bp.mlp(8, UNITS, 3, activation="tanh", loss="softmax_cross_entropy")
        return net, bp.Adam(rate)

    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 8))
    y = (x[:, :3] ** 2).argmax(axis=1)
    folds = folds_of(FOLDS, None, x, y)
    seeds = total // (chunks * FOLDS * len(RATES))
    options: dict[str, Any] = {"cv": folds, "epochs": EPOCHS, "batch_size": BATCH}

    def ours(part: int) -> list[float]:
        numbers = range(part * seeds, (part + 1) * seeds)
        found = bp.sweep(make, {"rate": RATES}, x, y, seeds=numbers, workers=WORKERS, **options)
        return [row["validation_accuracy"] for row in found.rows()]

    def theirs(part: int) -> list[float]:
        calls = (
            joblib.delayed(sklearn_score)(x, y, *fold, rate, seed)
            for rate in RATES
            for seed in range(part * seeds, (part + 1) * seeds)
            for fold in folds
        )
        with joblib.parallel_config("loky", inner_max_num_threads=1):
            found: list[float] = joblib.Parallel(n_jobs=WORKERS)(calls)
        return found

    print(f"compiling, and starting {WORKERS} workers of each", flush=True)
    cold = measured(lambda: ours(chunks))  # seeds that are not measured
    measured(lambda: theirs(chunks)[:1])
    print(f"symbp, with what is compiled or loaded: {cold[0]:.1f} s of processors, {cold[1]:.1f} s")
    rows: list[tuple[tuple[float, float, list[float]], tuple[float, float, list[float]]]] = []
    for part in range(chunks):
        rows.append((measured(partial(ours, part)), measured(partial(theirs, part))))
        (a, b, _), (c, d, _) = rows[-1]
        print(f"part {part}: symbp {a:.1f} s, {b:.1f} s; scikit-learn {c:.1f} s, {d:.1f} s")
        print(f"  times: {c / a:.1f} of processors, {d / b:.1f} of the clock", flush=True)
    count = seeds * FOLDS * len(RATES) * chunks
    for side, name in enumerate(("symbp", "scikit-learn")):
        processors = sum(row[side][0] for row in rows)
        clock = sum(row[side][1] for row in rows)
        print(
            f"{name}: {count} trainings, {count / clock:.0f} a second, "
            f"{1e3 * processors / count:.2f} ms of processors each"
        )
    ratios = [[b[0] / a[0] for a, b in rows], [b[1] / a[1] for a, b in rows]]
    print(f"times, medians: {statistics.median(ratios[0]):.1f} of processors, "
          f"{statistics.median(ratios[1]):.1f} of the clock")  # fmt: skip
    scores = [np.concatenate([row[side][2] for row in rows]) for side in (0, 1)]
    differences = scores[0] - scores[1]
    error = differences.std() / np.sqrt(len(differences))
    print(f"accuracy: symbp {scores[0].mean():.4f}, scikit-learn {scores[1].mean():.4f}, "
          f"difference {differences.mean():+.4f} ± {error:.4f}")  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
