"""sweep: many trainings, of settings, folds and seeds; what a user calls."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symbp.networks.options import (
    checked_count,
    checked_flag,
    checked_number,
    checked_options,
    checked_size,
)
from symbp.notation.errors import SymbpError, suggest
from symbp.sweeps.dispatch import WORKER_ENDED, Workers, outcomes
from symbp.sweeps.folds import folds_of
from symbp.sweeps.plan import Made, Planner, accepted
from symbp.sweeps.progress import Line
from symbp.sweeps.results import Sweep
from symbp.sweeps.runs import Layout, Outcome, Run
from symbp.sweeps.settings import Settings, as_text, settings_of
from symbp.sweeps.table import Row

if TYPE_CHECKING:
    from symbp.sweeps.store import Store

__all__ = ["sweep"]

#: Settings of these names are those of a training, and not given to `make`.
TRAINING = ("epochs", "batch_size", "patience")


@checked_options
def sweep(
    make: Callable[..., Any],
    grid: Any,
    x: Any,
    y: Any,
    *,
    cv: Any = None,
    validation: Any = None,
    epochs: int = 10,
    batch_size: int = 32,
    patience: int | None = None,
    seeds: int | Sequence[int] = 1,
    draws: int | None = None,
    seed: int = 0,
    optimizer: Any = None,
    dtype: str = "float64",
    derivatives: str = "fast",
    standardise: bool = False,
    backend: str | None = None,
    workers: int | None = None,
    store: str | os.PathLike[str] | None = None,
    part: tuple[int, int] | None = None,
    retry_failed: bool = False,
    callback: Callable[[Row], object] | None = None,
    verbose: int = 0,
) -> Sweep:
    """Train a network for all settings, folds and seeds, in parallel, and return a table.

    Parameters
    ----------
    make : callable
        ``make(**settings)`` returns a program, or a pair of a program and an optimizer. It is
        called once for each settings, in this process. Equal programs have one module, whatever
        the numbers of their optimizers.
    grid : dict of lists, or list of such dicts
        What is combined. Settings ``epochs``, ``batch_size`` and ``patience`` go to the
        training, all others to `make`. With `draws` also distributions of ``scipy.stats``.
    x, y : array_like, or tuple of array_like
        The inputs and the targets of the program, of N examples each.
    cv : int, splitter or iterable, optional
        How many folds, drawn by `seed`, each class of one-dimensional integer targets in equal
        parts; or an object with ``split(x, y)``; or pairs of arrays of rows.
    validation : float or tuple of array_like, optional
        Without `cv`: the share that is held out, drawn by `seed`; or inputs and targets in one
        tuple.
    epochs, batch_size, patience : int
        As for :meth:`symbp.Trainer.fit`.
    seeds : int or sequence of int
        How many, from 0, or which: of initial parameters and the order of the examples.
    draws : int, optional
        How many settings are drawn from the grid; by default all combinations are taken.
    seed : int
        Of the draws, of the folds and of what is held out.
    optimizer : Optimizer or str, optional
        Of programs that `make` returns alone; by default ``bp.SGD(0.1)``.
    dtype, derivatives : str
        As for :func:`symbp.compile`.
    standardise : bool
        Whether inputs get zero mean and unit variance over the examples that a training sees.
    backend : {"processes", "dask", "ray"}, optional
        Who trains; by default what ``joblib.parallel_config`` says, or processes.
    workers : int, optional
        How many, with one thread each; by default all cores. With 1, this process.
    store : path, optional
        ``results.sqlite``, where rows are written as they come and found again by the next call;
        or ``results.parquet`` or ``results.csv``, written at the end from a ``.sqlite`` beside it.
    part : (int, int), optional
        ``(k, n)``: of all trainings the k-th of n parts, k from 0; such as of an array of jobs.
    retry_failed : bool
        Whether trainings that failed before are tried again; those whose worker ended always are.
    callback : callable, optional
        Called with each new row; the sweep ends when it returns True.
    verbose : {0, 1}
        Whether a line on stderr says how far it is.

    Returns
    -------
    Sweep
        The rows, in the order of settings, seeds and folds.

    Raises
    ------
    SymbpError
        An argument is wrong, an engine is missing, or the store is that of another sweep. What
        goes wrong in one training is a row with its message.

    Examples
    --------
    >>> import numpy as np, symbp as bp
    >>> x = np.random.default_rng(0).normal(size=(90, 2))
    >>> def make(units, rate):
    ...     return bp.mlp(2, units, 1, loss="mean_squared_error"), bp.Adam(rate)
    >>> found = bp.sweep(make, {"units": [4], "rate": [0.01, 0.1]}, x, x.prod(axis=1), cv=3,
    ...                  epochs=20, seeds=2, workers=1)
    >>> len(found), [round(row["validation_cost"], 1) for row in found.summary()]
    (12, [0.7, 0.9])
    """
    data = _data(x, y)
    settings = settings_of(grid, None if draws is None else checked_size("draws", draws), seed)
    usual = {"epochs": epochs, "batch_size": batch_size, "patience": patience}
    _check_names(make, settings)
    share, held = _held(cv, validation, data)
    folds = folds_of(cv, share, data.arrays[0], data.arrays[data.inputs], seed)
    if not (folds or held) and (patience or any(s.get("patience") for s in settings)):
        raise SymbpError("patience: needs cv= or validation=, whose cost is watched")
    numbers = _seeds(seeds)
    checked_count("workers", 1 if workers is None else workers, 1)
    planner = Planner(make, optimizer, dtype, derivatives)
    plan = _Plan(planner, settings, usual, numbers, max(1, len(folds)), _part(part))
    engine = Workers(backend, workers)
    about = {
        **usual,
        "data": _digest([*data.arrays, *held, *(rows for fold in folds for rows in fold)]),
        "standardise": checked_flag("standardise", standardise),
        "precision": f"{dtype}, {derivatives}",
    }
    from symbp.sweeps.store import Store  # SQLite, which nothing else needs

    kept = Store(store, about)
    rows: dict[int, Row] = {}
    try:
        plan.take(kept.rows(), rows, checked_flag("retry_failed", retry_failed))
        line = Line(len(plan.runs), len(rows)) if verbose else None
        layout = Layout(len(data.arrays), bool(held), data.inputs, standardise)
        arrays = [*data.arrays, *held, *(each for fold in folds for each in fold)]
        _train(plan, engine, layout, arrays, kept, rows, callback, line)
        if line is not None:
            line.end()
    finally:
        ordered = [rows[number] for number in sorted(rows)]
        kept.close(ordered)
    return Sweep(ordered, len(plan.runs), kept.path)


@dataclass(frozen=True)
class _Data:
    arrays: list[NDArray[Any]]
    inputs: int


class _Plan:
    """The runs of a sweep, their rows so far, and the module of each."""

    def __init__(
        self,
        planner: Planner,
        settings: Sequence[Settings],
        usual: Mapping[str, Any],
        seeds: Sequence[int],
        folds: int,
        part: tuple[int, int],
    ) -> None:
        self.planner = planner
        self.runs: dict[int, Run] = {}
        self.made: dict[int, Made] = {}
        self._text: dict[int, str] = {}
        number = 0
        for each in settings:
            training: dict[str, Any] = {
                name: _checked_training(name, each.get(name, usual[name])) for name in TRAINING
            }
            made: Made | None = None
            text = as_text(each)
            for seed in seeds:
                for fold in range(folds):
                    if number % part[1] == part[0]:
                        if made is None:
                            given = {n: v for n, v in each.items() if n not in TRAINING}
                            made = planner.made(given)
                        numbers = dict(made.hyperparameters)
                        self.runs[number] = Run(
                            number, seed, fold, **training, hyperparameters=numbers
                        )
                        self.made[number], self._text[number] = made, text
                    number += 1

    def row(self, outcome: Outcome) -> Row:
        """Return the row of an outcome."""
        run, made = self.runs[outcome.number], self.made[outcome.number]
        numbers = sorted(made.hyperparameters.items())
        program = hashlib.sha256(f"{made.key}{numbers}".encode()).hexdigest()[:16]
        row = {"settings": self._text[outcome.number], "seed": run.seed, "fold": run.fold}
        row["program"] = program if made.key else ""
        return row | {k: v for k, v in outcome._asdict().items() if k != "number"}

    def take(
        self, stored: Mapping[tuple[Any, ...], Row], rows: dict[int, Row], retry: bool
    ) -> None:
        """Take the rows that a store has of these runs."""
        for number, run in self.runs.items():
            row = stored.get((self._text[number], run.seed, run.fold))
            if (
                row is None
                or row["message"] == WORKER_ENDED
                or (retry and row["status"] == "failed")
            ):
                continue  # a worker's end says nothing of the training
            wanted = self.row(Outcome(number, "", "", None, None, None, None, 0.0, ""))
            if row["program"] != wanted["program"]:
                raise SymbpError(
                    f"store: {row['settings']} was trained with another program or optimizer than "
                    f"make now returns: give another store"
                )
            rows[number] = row

    def groups(self, numbers: Sequence[int]) -> list[tuple[Callable[[], bytes], list[Run]]]:
        """Return runs by their module."""
        found: dict[str, list[Run]] = {}
        for number in numbers:
            found.setdefault(self.made[number].key, []).append(self.runs[number])

        def text(key: str) -> Callable[[], bytes]:
            return lambda: self.planner.module(key)

        return [(text(key), runs) for key, runs in found.items()]


def _train(
    plan: _Plan,
    engine: Workers,
    layout: Layout,
    arrays: Sequence[NDArray[Any]],
    kept: "Store",
    rows: dict[int, Row],
    callback: Callable[[Row], object] | None,
    line: Line | None,
) -> None:
    """Train what has no row yet; put rows into the store and into `rows` as they come."""
    missing = [number for number in plan.runs if number not in rows]
    hopeless = [number for number in missing if plan.made[number].failure]
    results = outcomes(
        engine,
        plan.groups([number for number in missing if not plan.made[number].failure]),
        layout,
        arrays,
    )
    unmade = [
        Outcome(number, "failed", plan.made[number].failure, None, None, None, None, 0.0, "")
        for number in hopeless
    ]
    ended = False
    for found in (found for source in ([unmade], results) for found in source if found):
        new = [plan.row(outcome) for outcome in found]
        kept.add(new)
        for outcome, row in zip(found, new, strict=True):
            rows[outcome.number] = row
            if line is not None:
                line.note(row)
            if callback is not None and callback(dict(row)) is True:
                ended = True
        if ended:
            results.close()  # type: ignore[attr-defined]
            return


def _data(x: Any, y: Any) -> _Data:
    inputs = [np.asarray(each) for each in (x if isinstance(x, tuple) else (x,))]
    targets = [np.asarray(each) for each in (y if isinstance(y, tuple) else (y,))]
    for name, arrays in (("x", inputs), ("y", targets)):
        for array in arrays:
            if array.dtype.kind not in "buif" or array.ndim == 0:
                raise SymbpError(f"{name}: expected an array of numbers, got {array.dtype}")
            if len(array) != len(inputs[0]):
                raise SymbpError(
                    f"{name}: expected {len(inputs[0])} examples as x has, got {len(array)}"
                )
    return _Data([*inputs, *targets], len(inputs))


def _held(cv: Any, validation: Any, data: _Data) -> tuple[float | None, list[NDArray[Any]]]:
    """Return the share that is held out, if that was given, and the arrays, if those were."""
    if validation is None:
        return None, []
    if cv is not None:
        raise SymbpError("validation: with cv= the folds are what is held out; leave it out")
    if isinstance(validation, int | float):
        return checked_number("validation", validation, least=0, below=1, open=True), []
    if not isinstance(validation, tuple | list) or len(validation) != len(data.arrays):
        raise SymbpError(
            f"validation: expected a share such as 0.2, or {len(data.arrays)} arrays, inputs and "
            f"targets, got {type(validation).__name__}"
        )
    return None, [np.asarray(each) for each in validation]


def _check_names(make: Callable[..., Any], settings: Sequence[Settings]) -> None:
    known = accepted(make) if callable(make) else None
    for each in settings:
        for name in each:
            if known is not None and name not in known and name not in TRAINING:
                nearest = suggest(name, known)
                raise SymbpError(f"grid {name}: make takes none of that name; {nearest}")


def _seeds(seeds: int | Sequence[int]) -> list[int]:
    if isinstance(seeds, int):
        return list(range(checked_count("seeds", seeds, 1, "an int >= 1, or a list of ints")))
    found = [checked_count("seeds", each) for each in seeds]
    if not found:
        raise SymbpError("seeds: none; expected how many, or a list of ints")
    return list(dict.fromkeys(found))


def _part(part: Any) -> tuple[int, int]:
    if part is None:
        return 0, 1
    try:
        k, n = part
        if 0 <= k < n:
            return int(k), int(n)
    except (TypeError, ValueError):
        pass  # no pair of numbers: said below
    raise SymbpError(f"part: expected (k, n) with 0 <= k < n, got {part!r}")


def _checked_training(name: str, value: Any) -> int | None:
    if name == "patience" and value is None:
        return None
    return checked_count(name, value, 0 if name == "epochs" else 1)


def _digest(arrays: Sequence[NDArray[Any]]) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()[:16]
