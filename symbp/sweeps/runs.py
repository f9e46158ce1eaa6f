"""Runs: what a worker does. It gets the text of a module, numbers and arrays, and returns rows.

Nothing of the compiler is imported here, so that a worker starts quickly; a module's text becomes
machine code once on each machine, in its cache.
"""

import hashlib
import math
import os
import socket
import time
import warnings
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbp.training.loading import module_of

__all__ = ["Data", "Layout", "Outcome", "Run", "Task", "failed", "message_of", "perform"]


class Run(NamedTuple):
    """One training: its number in the sweep, and all that it depends on beside data and module."""

    number: int
    seed: int
    fold: int
    epochs: int
    batch_size: int
    patience: int | None
    hyperparameters: dict[str, float]


class Task(NamedTuple):
    """Runs of one module, and its text, compressed."""

    module: bytes
    runs: tuple[Run, ...]


class Layout(NamedTuple):
    """What the arrays are that are sent along: of the data, held out, and the rows of the folds."""

    arguments: int
    has_validation: bool
    inputs: int
    standardise: bool


class Data(NamedTuple):
    """Data of one training: arrays to train on, and those held out, if any."""

    train: list[NDArray[Any]]
    held: list[NDArray[Any]] | None


class Outcome(NamedTuple):
    """What came of a run."""

    number: int
    status: str
    message: str
    epochs: int | None
    cost: float | None
    validation_cost: float | None
    validation_accuracy: float | None
    seconds: float
    host: str


#: The modules that a worker used last: they live as long as something refers to them.
_kept: "OrderedDict[str, ModuleType]" = OrderedDict()
_MOST = 16
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def perform(task: Task, layout: Layout, *arrays: NDArray[Any]) -> list[Outcome]:
    """Train all runs of a task, one after the other, on one thread.

    Parameters
    ----------
    task : Task
        What is trained. All of its runs have one module, so that whoever can train many
        networks at once replaces the loop here, and nothing else.
    layout : Layout
        What the arrays are.
    *arrays : array
        The data, those held out, and two arrays of rows for each fold.

    Returns
    -------
    list of Outcome
        One for each run; what went wrong is its message.
    """
    with one_thread():
        try:
            module = _module(task.module)
        except Exception as error:
            return [failed(run, message_of(error)) for run in task.runs]
        return [_trained(module, run, data_of(run.fold, layout, arrays)) for run in task.runs]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let modules that are trained meanwhile use one thread: the others have work of their own."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _module(packed: bytes) -> ModuleType:
    key = hashlib.sha256(packed).hexdigest()
    module = _kept.get(key)
    if module is None:
        module = _kept[key] = module_of(zlib.decompress(packed).decode())
        if len(_kept) > _MOST:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return module


def data_of(fold: int, layout: Layout, arrays: Sequence[NDArray[Any]]) -> Data:
    """Return the examples of a fold; for the arguments see :func:`perform`."""
    count = layout.arguments
    train, rest = list(arrays[:count]), arrays[count:]
    held = None
    if layout.has_validation:
        held, rest = list(rest[:count]), rest[count:]
    if rest:
        rows, others = rest[2 * fold], rest[2 * fold + 1]
        held = [array[others] for array in train]
        train = [array[rows] for array in train]
    if layout.standardise:
        for place in range(layout.inputs):
            train[place], change = _standardised(train[place])
            if held is not None:
                held[place] = change(held[place])
    return Data(train, held)


def _standardised(x: NDArray[Any]) -> tuple[NDArray[Any], Any]:
    constant = x.min(axis=0) == x.max(axis=0)
    # Of equal numbers the mean may differ in the last bit, and the deviation is then not 0.
    mean = np.where(constant, x[0], x.mean(axis=0))
    scale = np.where(constant, 1.0, x.std(axis=0))

    def change(values: NDArray[Any]) -> NDArray[Any]:
        changed: NDArray[Any] = (values - mean) / scale
        return changed

    return change(x), change


def _trained(module: Any, run: Run, data: Data) -> Outcome:
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            # What it warns of ends the run here.
            warnings.filterwarnings("ignore", "the cost is", RuntimeWarning)
            trainer = module.Trainer(seed=run.seed, **run.hyperparameters)
            options: dict[str, Any] = {}
            if run.patience is not None:
                options = {"validation": data.held, "patience": run.patience}
            trainer.fit(
                *data.train,
                epochs=run.epochs,
                batch_size=run.batch_size,
                callback=_is_lost,
                **options,
            )
            cost = float(trainer.history[-1]["cost"]) if trainer.history else None
            if trainer.history and not math.isfinite(trainer.history[-1]["cost"]):
                message = f"the cost is {cost} in epoch {trainer.epochs}"
                return failed(run, message, time.perf_counter() - started)
            held_cost = None if data.held is None else float(trainer.loss(*data.held))
            accuracy = None if data.held is None else _accuracy(trainer, data.held)
    except Exception as error:
        return failed(run, message_of(error), time.perf_counter() - started)
    seconds = time.perf_counter() - started
    return Outcome(
        run.number, "done", "", trainer.epochs, cost, held_cost, accuracy, seconds, _host()
    )


def _is_lost(_epoch: int, record: dict[str, Any]) -> bool:
    return not math.isfinite(record["cost"])


def _accuracy(trainer: Any, arrays: list[NDArray[Any]]) -> float | None:
    try:
        return float(trainer.accuracy(*arrays))
    except TypeError:  # it has no classes; what else may be wrong, its cost would have said
        return None


def failed(run: Run, message: str, seconds: float = 0.0) -> Outcome:
    """Return what is kept of a run that failed."""
    return Outcome(run.number, "failed", message, None, None, None, None, seconds, _host())


def _host() -> str:
    return socket.gethostname()


def message_of(error: BaseException) -> str:
    """Return what went wrong in one line."""
    text = " ".join(str(error).split())
    # A symbp error speaks for itself; others need their name.
    known = any(kind.__name__ == "SymbpError" for kind in type(error).__mro__)
    return text if known and text else f"{type(error).__name__}: {text}".rstrip(": ")
