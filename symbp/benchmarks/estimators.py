"""Estimators against scikit-learn's own networks: seconds of a fit, and scores on data held out.

``python -m symbp.benchmarks.estimators`` trains both by turns in one process, with the same layers,
solver, learning rate, batches and epochs, from other seeds each time, and prints medians. The first
fit of symbp, which compiles, stands apart.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["compared", "main"]

_RATE = 0.001


def datasets() -> dict[str, Callable[[], tuple[Any, Any, bool, int]]]:
    """Return what makes each table: features, targets, whether they are classes, and epochs."""
    from sklearn import datasets as source

    def large() -> tuple[Any, Any, bool, int]:
        made = source.make_classification(
            20_000, 50, n_informative=20, n_redundant=10, n_classes=4, flip_y=0.05, random_state=0
        )
        return *made, True, 50

    return {
        "digits": lambda: (*source.load_digits(return_X_y=True), True, 50),
        "breast_cancer": lambda: (*source.load_breast_cancer(return_X_y=True), True, 50),
        "diabetes": lambda: (*source.load_diabetes(return_X_y=True), False, 200),
        "made": large,
    }


def compared(
    name: str, seeds: int = 10, epochs: int | None = None, dtype: str = "float64"
) -> dict[str, Any]:
    """Return medians of the seconds of both, and means of their scores with standard errors.

    Parameters
    ----------
    name : str
        Of the data set.
    seeds : int
        How many times both are trained.
    epochs : int, optional
        How often all examples are seen.
    dtype : {"float64", "float32"}
        Of the table, and so of both networks.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import scale

    from symbp.sklearn import SymbpClassifier, SymbpRegressor

    x, y, classes, passes = datasets()[name]()
    passes = passes if epochs is None else epochs
    x, y = scale(x).astype(dtype), y if classes else scale(y)
    common: dict[str, Any] = {"max_iter": passes, "tol": 0.0, "n_iter_no_change": passes}
    ours, theirs = (SymbpClassifier, MLPClassifier) if classes else (SymbpRegressor, MLPRegressor)
    rows: dict[str, list[tuple[float, float, float]]] = {"symbp": [], "scikit-learn": []}
    first = 0.0
    for seed in range(seeds):
        parts = train_test_split(x, y, test_size=0.25, random_state=seed)
        made = {
            "symbp": ours((100,), learning_rate=_RATE, random_state=seed, **common),
            "scikit-learn": theirs(
                hidden_layer_sizes=(100,), learning_rate_init=_RATE, random_state=seed, **common
            ),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if not seed:
                started = time.process_time()
                ours((100,), learning_rate=_RATE, random_state=0, **common).fit(parts[0], parts[2])
                first = time.process_time() - started
            # By turns, and not always the same one first.
            for each in list(made)[:: 1 if seed % 2 else -1]:
                wall, cpu = time.perf_counter(), time.process_time()
                made[each].fit(parts[0], parts[2])
                spent = time.perf_counter() - wall, time.process_time() - cpu
                rows[each].append((*spent, float(made[each].score(parts[1], parts[3]))))
    result: dict[str, Any] = {"name": name, "epochs": passes, "first": first}
    for each, measured in rows.items():
        walls, cpus, scores = zip(*measured, strict=True)
        error = float(np.std(scores, ddof=1) / len(scores) ** 0.5) if seeds > 1 else 0.0
        result[each] = {
            "wall": statistics.median(walls), "cpu": statistics.median(cpus),
            "score": float(np.mean(scores)), "error": error,
        }  # fmt: skip
    return result


def main() -> None:
    """Print a line for each data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="data sets; by default all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--dtype", default="float64", choices=["float64", "float32"])
    given = parser.parse_args()
    print("table: epochs; seconds of a fit, symbp and scikit-learn, and how many times faster;")
    print("the first fit, which compiles; score on a quarter held out ± standard error")
    for name in given.names or datasets():
        found = compared(name, given.seeds, given.epochs, given.dtype)
        own, other = found["symbp"], found["scikit-learn"]
        print(
            f"{name}: {found['epochs']}; {own['wall']:.3f} and {other['wall']:.3f} s, "
            f"{other['wall'] / own['wall']:.1f} × (processor {other['cpu'] / own['cpu']:.1f} ×); "
            f"first {found['first']:.2f} and {other['cpu']:.2f} s of the processor; "
            f"{own['score']:.4f} ± {own['error']:.4f}, {other['score']:.4f} ± {other['error']:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
