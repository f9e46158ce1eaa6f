"""A network's peers by turns in one process: agreement first, then medians of process time."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import symbp as bp
from symbp.benchmarks.agreement import difference
from symbp.benchmarks.networks.jax_epoch import jax_epoch
from symbp.benchmarks.networks.training import Array, Parameters, Runner, Training

__all__ = ["TOLERANCES", "Result", "compare", "own"]

# Of some dozens of steps: Adam's first ones go by the sign of a gradient, however small it is.
TOLERANCES = {"float32": 5e-3, "float64": 1e-7}

# Parameters smaller than this are compared as if they were as large.
_LEAST = 1e-6


@dataclass(frozen=True)
class Result:
    """What became of one peer.

    Attributes
    ----------
    name : str
        Of the library, and how it was written.
    microseconds : float or None
        Process time of a step: the median; None where it was not timed.
    ratio : float or None
        The same over symbp's, by turns: the median.
    remark : str
        How far the parameters differ from symbp's after an epoch, or why it was not timed.
    """

    name: str
    microseconds: float | None
    ratio: float | None
    remark: str


def own(training: Training, dtype: str) -> tuple[Runner, dict[str, Array], tuple[Array, ...]]:
    """Return symbp's side, the parameters that it starts from, and the data in a precision."""
    trainer: Any = bp.compile(training.program, training.optimizer, dtype, seed=0)
    data = tuple(
        np.ascontiguousarray(a, dtype=np.int64 if a.dtype.kind == "i" else dtype)
        for a in training.arrays
    )
    module: Any = trainer.module
    names = type(trainer.parameters)._fields
    start = {n: np.array(a) for n, a in zip(names, trainer.parameters, strict=True)}
    rates = module._NETWORK.hyperparameter_values(trainer.hyperparameters)
    kernel, flat, state = module._epoch_kernel, trainer._flat, trainer._state
    order = np.arange(len(data[0]))

    def run(count: int) -> None:
        for _ in range(count):
            kernel(flat, state, rates, order, training.batch, *data)

    def now() -> dict[str, Array]:
        return {n: np.array(a) for n, a in zip(names, trainer.parameters, strict=True)}

    return Runner(run, now), start, data


def compare(training: Training, dtype: str, rounds: int, seconds: float) -> list[Result]:
    """Return symbp's time and those of all peers that compute the same.

    Parameters
    ----------
    training : Training
        What is trained.
    dtype : {"float32", "float64"}
        Of everything.
    rounds : int
        How often each has its turn.
    seconds : float
        How long a turn lasts, at least.
    """
    ours, start, data = own(training, dtype)
    ours.run(1)
    after = ours.parameters()
    makers: dict[str, Callable[[Training, Parameters, tuple[Array, ...]], Runner]] = {
        f"JAX, {how}": partial(_of_cost, cost) for how, cost in training.costs.items()
    }
    makers |= training.peers
    running, results = {"symbp": ours}, []
    remarks = {"symbp": ""}
    for name, make in makers.items():
        try:
            runner = make(training, start, data)
            runner.run(1)
        except ImportError as error:
            results.append(Result(name, None, None, f"absent: {error}"))
            continue
        found = runner.parameters()
        # Of a bias before a batch normalisation, whose gradient is 0, there is only rounding.
        whole = [max(np.abs(after[n]).max(), _LEAST) for n in after]
        far = difference(
            [np.append(after[n], s) for n, s in zip(after, whole, strict=True)],
            [np.append(found[n], s) for n, s in zip(after, whole, strict=True)],
        )
        if not far <= TOLERANCES[dtype]:
            results.append(Result(name, None, None, f"its parameters differ by {far:.1e}"))
            continue
        running[name], remarks[name] = runner, f"differs by {far:.1e}"
    times: dict[str, list[float]] = {name: [] for name in running}
    counts = {name: _count(runner, seconds) for name, runner in running.items()}
    for _ in range(rounds):
        for name, runner in running.items():
            times[name].append(_timed(runner, counts[name]))
    unit = 1e6 / training.steps
    timed = [
        Result(
            name, unit * statistics.median(taken),
            statistics.median(b / a for a, b in zip(times["symbp"], taken, strict=True)),
            remarks[name],
        )
        for name, taken in times.items()
    ]  # fmt: skip
    return [*timed, *results]


def _of_cost(cost: Any, training: Training, p: Parameters, data: tuple[Array, ...]) -> Runner:
    return jax_epoch(training, cost, p, data)


def _timed(runner: Runner, count: int) -> float:
    begun = time.process_time()
    runner.run(count)
    return (time.process_time() - begun) / count


def _count(runner: Runner, seconds: float) -> int:
    """Return how many epochs make a turn."""
    return max(1, int(seconds / max(_timed(runner, 1), 1e-6)) + 1)
