"""Many networks of one program, trained at once: another seed, rate or choice of rows for each.

What the replicas hold lies in arrays with a row for each. A schedule trains them (see
`replica_epochs.py`); all that is done with a single one an ordinary trainer over its row does.
"""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.targets.numba.runtime.arguments import check_count
from symbp.targets.numba.runtime.replica_arguments import (
    best_of,
    chosen_rows,
    many_seeds,
    many_values,
    stopped_by,
)
from symbp.targets.numba.runtime.replica_epochs import (
    BestEpochs,
    DealtEpochs,
    one_blas_thread,
    shown,
)
from symbp.targets.numba.runtime.replica_files import ReplicasInFiles
from symbp.targets.numba.runtime.replica_lanes import LaneEpochs, LaneKernel
from symbp.targets.numba.runtime.team import available_threads
from symbp.targets.numba.runtime.trainer import NetworkTrainer


class NetworkReplicas(ReplicasInFiles):
    """Many networks of this module, each with its own parameters, state and random generator.

    Parameters
    ----------
    replicas : int, optional
        How many, R; a module may have been generated for a number of them.
    seed : int or sequence of int
        Of the first; the next ones count on. Or one for each.
    **hyperparameters : float or sequence of float
        A value for all, or one for each. They may be changed in the dict `hyperparameters` between
        epochs, from a callback too.

    Attributes
    ----------
    history : list of dict
        One record an epoch: epoch, and arrays (R,) of cost and, with validation, validation_cost
        and validation_accuracy; once some have stopped, trained says which were trained. Of one
        that was not, cost is NaN.
    """

    trainer: type[NetworkTrainer]
    """That of a single network; a module's Replicas says it."""
    lanes: LaneKernel | None = None
    """What trains tiny networks along the lanes of vector registers, if this module has it."""
    blas: Mapping[str, Any] = {}
    """The thread settings of BLAS, if kernels call it."""
    count: int | None = None
    """How many there are unless it is said."""
    values: Mapping[str, Sequence[float]] = {}
    """Hyperparameters of which each of so many has its own."""

    def __init__(
        self,
        replicas: int | None = None,
        seed: int | Sequence[int] = 0,
        **hyperparameters: Any,
    ) -> None:
        number = self.count if replicas is None else replicas
        if number is None:
            raise TypeError("replicas: expected how many")
        check_count("replicas", number, 1)
        self.seeds = many_seeds(seed, int(number))
        network, own = self.trainer.network, self.values if number == self.count else {}
        self.hyperparameters = many_values(network, {**own, **hyperparameters}, len(self.seeds))
        self.history: list[dict[str, Any]] = []
        self.epochs = 0
        self._latest: dict[str, NDArray[np.float64]] = {}
        self._hold([self.trainer(seed=each) for each in self.seeds])

    def _hold(self, trainers: list[NetworkTrainer]) -> None:
        """Let trainers work on the rows of two arrays, which hold what they held."""
        self._flat = np.stack([trainer._flat for trainer in trainers])
        self._state = np.stack([trainer._state for trainer in trainers])
        self._trainers = trainers
        for trainer, flat, state in zip(trainers, self._flat, self._state, strict=True):
            trainer._flat, trainer._state = flat, state
            bind = getattr(trainer, "_bind", None)
            if bind is not None:
                bind()

    def __len__(self) -> int:
        return len(self.seeds)

    def __iter__(self) -> Iterator[NetworkTrainer]:
        return (self[replica] for replica in range(len(self)))

    def __getitem__(self, replica: int) -> NetworkTrainer:
        """Return an ordinary trainer with a copy of all that a replica holds."""
        if not isinstance(replica, int | np.integer) or isinstance(replica, bool):
            raise TypeError(f"expected the number of a replica, got {replica!r}")
        if not -len(self) <= replica < len(self):
            raise IndexError(f"replica {replica}: there are {len(self)}")
        replica = int(replica) % len(self)
        trainer = copy.deepcopy(self._trainers[replica])
        trainer.hyperparameters = {
            name: float(values[replica]) for name, values in self.hyperparameters.items()
        }
        trainer.history = [
            {
                name: value if name == "epoch" else float(value[replica])
                for name, value in record.items()
                if name != "trained"
            }
            for record in self.history
            if record.get("trained") is None or record["trained"][replica]
        ]
        trainer.epochs = len(trainer.history)
        for epoch, record in enumerate(trainer.history):
            record["epoch"] = epoch + 1
        return trainer

    @property
    def parameters(self) -> Any:
        """The current parameters of all: views of shape (R, …), which training changes in place."""
        network = self.trainer.network
        return network.record(
            *[
                self._flat[:, place].reshape(len(self), *shape)  # a view, as rows are not divided
                for place, shape in network.places
            ]
        )

    def fit(
        self,
        *arrays: ArrayLike,
        epochs: int = 1,
        batch_size: int = 32,
        validation: Sequence[ArrayLike] | None = None,
        sample_weight: ArrayLike | None = None,
        shuffle: bool = True,
        callback: Callable[[int, dict[str, Any]], object] | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
        rows: Sequence[ArrayLike] | None = None,
        validation_rows: Sequence[ArrayLike] | None = None,
        threads: int | None = None,
    ) -> Self:
        """Train all for some more epochs and return the replicas.

        Parameters
        ----------
        *arrays, epochs, batch_size, validation, sample_weight, shuffle
            As for the trainer of one network; each replica has its own order of the examples.
        callback : callable, optional
            ``callback(epoch, record)`` after each epoch. Training stops when it returns True; of
            an array (R,) of bool, those replicas stop.
        patience, min_delta
            As for the trainer of one network, for each replica by itself: one that has stopped is
            not trained further, and at the end has what it held after its best epoch.
        rows : sequence of array_like of int, optional
            For each replica, which examples it is trained on: a fold, or a bootstrap sample.
        validation_rows : sequence of array_like of int, optional
            For each replica, on which of the examples its validation_cost is computed.
        threads : int, optional
            How many work; by default as many as there are cores. The results are the same.
        """
        network = self.trainer.network
        check_count("epochs", epochs, 0)
        check_count("batch_size", batch_size, 1)
        if threads is not None:
            check_count("threads", threads, 1)
        given = self._weighted("fit", arrays, sample_weight)
        checked, count = network.check_arrays("fit", network.arguments, given, finite=True)
        chosen = chosen_rows("rows", rows, len(self), count)
        held_out = self._held_out(validation, validation_rows, checked, count)
        if patience is not None and held_out is None:
            raise TypeError("patience: expected validation=… or validation_rows=… too")
        stopping = (
            None if patience is None else BestEpochs(self._flat, self._state, patience, min_delta)
        )
        active, warned = np.ones(len(self), bool), False
        workers = available_threads() if threads is None else int(threads)
        with one_blas_thread(self.blas):
            schedule = self._schedule(checked, chosen, int(batch_size), shuffle, workers)
            for _ in range(epochs):
                costs = schedule.run(active, self._values())
                record = self._record(costs, active, held_out, schedule)
                if not warned and not np.isfinite(costs[active]).all():
                    warned = True
                    self._warn(costs, active)
                if stopping is not None:
                    schedule.unpack()
                    active &= ~stopping.note(record["validation_cost"], active)
                if callback is not None:
                    schedule.unpack()
                    active &= ~stopped_by(callback(self.epochs, record), len(self))
                    schedule.pack()
                if not active.any():
                    break
            schedule.unpack()
        if stopping is not None:
            self._latest["validation_cost"] = stopping.restore(self._latest["validation_cost"])
        return self

    def _schedule(
        self,
        arrays: list[NDArray[Any]],
        rows: list[NDArray[np.int64]],
        batch_size: int,
        shuffle: bool,
        threads: int,
    ) -> Any:
        """Return what trains the replicas for an epoch."""
        if self.lanes is not None and self.lanes.takes(min(batch_size, max(map(len, rows)))):
            return LaneEpochs(self, arrays, rows, batch_size, shuffle, threads)
        return DealtEpochs(self, arrays, rows, batch_size, shuffle, threads)

    def _weighted(
        self, caller: str, arrays: Sequence[ArrayLike], weights: ArrayLike | None
    ) -> Sequence[Any]:
        """Return all arrays that the network takes, with the weights at their place."""
        place_weights = getattr(self._trainers[0], "_weighted", None)
        if place_weights is not None:
            return place_weights(caller, arrays, weights)  # type: ignore[no-any-return]
        if weights is not None:
            raise TypeError(f"{caller}: sample_weight: no target of this program holds weights")
        return arrays

    def _held_out(
        self,
        validation: Sequence[ArrayLike] | None,
        rows: Sequence[ArrayLike] | None,
        arrays: list[NDArray[Any]],
        count: int,
    ) -> list[list[NDArray[Any]]] | None:
        """Return for each replica the arrays on which its cost is recorded."""
        network = self.trainer.network
        if validation is None and rows is None:
            return None
        if validation is not None and rows is not None:
            raise TypeError("validation_rows: expected validation=… or validation_rows=…, not both")
        if validation is not None:
            given = self._weighted("validation", tuple(validation), None)
            checked, _ = network.check_arrays("validation", network.arguments, given, finite=True)
            return [checked] * len(self)
        with_rows = [argument[2][:1] == (None,) for argument in network.arguments]
        return [
            [
                np.ascontiguousarray(array[each]) if has_rows else array
                for array, has_rows in zip(arrays, with_rows, strict=True)
            ]
            for each in chosen_rows("validation_rows", rows, len(self), count)
        ]

    def _values(self) -> NDArray[Any]:
        """Return the hyperparameters, a row for each replica, checked if they have changed."""
        network = self.trainer.network
        table = many_values(network, self.hyperparameters, len(self))
        values = np.empty((len(self), len(table)), network.dtype)
        for place, name in enumerate(network.hyperparameters):
            values[:, place] = table[name]
        return values

    def _record(
        self,
        costs: NDArray[Any],
        active: NDArray[np.bool_],
        held_out: list[list[NDArray[Any]]] | None,
        schedule: Any,
    ) -> dict[str, Any]:
        """Count an epoch, and note the costs."""
        self.epochs += 1
        record: dict[str, Any] = {"epoch": self.epochs, "cost": costs}
        if held_out is not None:
            schedule.unpack()
            found = np.full((2, len(self)), np.nan)

            def evaluating() -> Callable[[int], None]:
                def evaluate(replica: int) -> None:
                    trainer = self._trainers[replica]
                    found[0, replica] = trainer.network.loss_kernel(
                        trainer._flat, *held_out[replica]
                    )
                    accuracy = trainer._accuracy(held_out[replica])
                    if accuracy is not None:
                        found[1, replica] = accuracy

                return evaluate

            schedule.deal(np.flatnonzero(active).tolist(), evaluating)
            record["validation_cost"] = found[0]
            if not np.isnan(found[1]).all():
                record["validation_accuracy"] = found[1]
        for name, values in record.items():
            if name != "epoch":
                before = self._latest.get(name, np.full(len(self), np.nan))
                self._latest[name] = np.where(active, values, before)
        if not active.all():
            record["trained"] = active.copy()
        self.history.append(record)
        return record

    def _warn(self, costs: NDArray[Any], active: NDArray[np.bool_]) -> None:
        wrong = np.flatnonzero(active & ~np.isfinite(costs)).tolist()
        message = f"the cost is not finite in epoch {self.epochs}, of {shown(wrong)}"
        warnings.warn(message, RuntimeWarning, stacklevel=3)

    # What a trainer of one network does, for each ----------------------------------------------

    def predict(self, *inputs: ArrayLike, **options: Any) -> NDArray[Any]:
        """Return the outputs of all for these inputs, of shape (R, N, …)."""
        return np.stack([trainer.predict(*inputs, **options) for trainer in self._trainers])

    def mean_and_spread(
        self, *inputs: ArrayLike, **options: Any
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the mean of the outputs over the replicas, and their standard deviation."""
        outputs = self.predict(*inputs, **options)
        return outputs.mean(axis=0), outputs.std(axis=0)

    def loss(self, *arrays: ArrayLike, **options: Any) -> NDArray[np.float64]:
        """Return the cost of each, of shape (R,)."""
        return np.array([trainer.loss(*arrays, **options) for trainer in self._trainers])

    def accuracy(self, *arrays: ArrayLike) -> NDArray[np.float64]:
        """Return for each the fraction of examples that get the right class, of shape (R,)."""
        return np.array([trainer.accuracy(*arrays) for trainer in self._trainers])

    def evaluate(self, name: str, *arrays: ArrayLike) -> NDArray[Any]:
        """Return an output by its name, of shape (R, …), as a trainer of one network does."""
        evaluating: list[Any] = self._trainers
        if not hasattr(evaluating[0], "evaluate"):
            raise TypeError("evaluate: this module was generated without outputs=…")
        return np.stack([trainer.evaluate(name, *arrays) for trainer in evaluating])

    def best(self, *arrays: ArrayLike, **options: Any) -> NetworkTrainer:
        """Return an ordinary trainer of the replica with the lowest cost.

        Parameters
        ----------
        *arrays : array_like
            As for `loss`: of these data. Without any it is the validation_cost after the last
            epoch that counts, or that after the best epoch with patience, or else the cost.
        """
        if arrays:
            return self[best_of(self.loss(*arrays, **options), "loss of these arrays")]
        if not self.history:
            raise TypeError("best: nothing was trained; expected arrays whose cost is compared")
        name = "validation_cost" if "validation_cost" in self._latest else "cost"
        return self[best_of(self._latest[name], name)]

    def latest(self, name: str = "cost") -> NDArray[np.float64]:
        """Return what the record of the last epoch that each was trained in says, shape (R,).

        Parameters
        ----------
        name : str
            Such as validation_cost. After a training with patience it is that of the best epoch,
            whose parameters a replica has then.
        """
        if name not in self._latest:
            known = ", ".join(self._latest) or "nothing, as nothing was trained"
            raise ValueError(f"latest: no {name!r}; there is {known}")
        return self._latest[name].copy()

    def __repr__(self) -> str:
        names = ", ".join(
            f"{name}={values[0]:g}"
            if len(set(values)) == 1
            else f"{name}={min(values):g} to {max(values):g}"
            for name, values in self.hyperparameters.items()
        )
        return f"<{len(self)} replicas, {self.epochs} epochs{', ' * bool(names)}{names}>"
