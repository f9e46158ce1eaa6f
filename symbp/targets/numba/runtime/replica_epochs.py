"""Epochs of many networks, each with its own order of examples, dealt out to threads.

A replica's epoch is the ordinary kernel, run by one thread from beginning to end: its bits depend
neither on how many threads there are nor on which replicas run beside it.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.best_epoch import BestEpoch
from symbp.targets.numba.runtime.team import TeamEpoch


def alone(kernel: Any, batch_size: int) -> Callable[..., float]:
    """Return an epoch that is run by the thread that calls it, with memory of its own."""
    if not isinstance(kernel, TeamEpoch):
        return kernel  # type: ignore[no-any-return]
    memory, offsets = kernel.workspace(batch_size)
    team, part = np.zeros(16, np.int64), kernel.part

    def epoch(
        parameters: NDArray[Any],
        state: NDArray[Any],
        hyperparameters: NDArray[Any],
        order: NDArray[np.int64],
        size: int,
        *arrays: NDArray[Any],
    ) -> float:
        cost = part(
            parameters, state, hyperparameters, order, size, memory, offsets, team, 0, 1, *arrays
        )
        return float(cost) / len(order)

    return epoch


def deal(
    replicas: Sequence[int], worker: Callable[[], Callable[[int], object]], threads: int
) -> None:
    """Do a piece of work for each replica, by some threads; each takes the next one in turn.

    Parameters
    ----------
    replicas : sequence of int
        For which.
    worker : callable
        Called once by each thread, for what works on one replica with the thread's own memory.
    threads : int
        How many; one works where it is called.
    """
    if min(threads, len(replicas)) <= 1:
        work = worker()
        for replica in replicas:
            work(replica)
        return
    remaining, lock = iter(replicas), threading.Lock()
    errors: list[BaseException] = []

    def following() -> int | None:
        with lock:
            return None if errors else next(remaining, None)

    def run() -> None:
        try:
            work = worker()
            while (replica := following()) is not None:
                work(replica)
        except BaseException as error:
            errors.append(error)

    members = [threading.Thread(target=run) for _ in range(min(threads, len(replicas)) - 1)]
    try:
        for member in members:
            member.start()
        run()
    except BaseException as error:  # an interruption: the others finish what they have begun
        errors.insert(0, error)
    for member in members:
        if member.ident is not None:
            member.join()
    if errors:
        raise errors[0]


@contextlib.contextmanager
def one_blas_thread(functions: Mapping[str, Any]) -> Iterator[None]:
    """Let BLAS use one thread: how it divides a product among several may change its bits."""
    if not functions:
        yield
        return
    get, put = functions["symbp_blas_get_threads"], functions["symbp_blas_set_threads"]
    before = int(get())
    put(ctypes.c_int(1))
    try:
        yield
    finally:
        put(ctypes.c_int(before))


def shown(replicas: Sequence[int]) -> str:
    """Return the text of the numbers of some replicas."""
    listed = ", ".join(map(str, replicas[:5])) + ", …" * (len(replicas) > 5)
    return f"replica{'s' * (len(replicas) > 1)} {listed}"


class DealtEpochs:
    """Trains each replica by the kernel of one network; a thread takes the next one in turn.

    Parameters
    ----------
    many : NetworkReplicas
        What is trained.
    arrays : list of ndarray
        The data, as kernels take them.
    rows : list of ndarray
        For each replica, which rows it is trained on.
    batch_size : int
        Examples a step.
    shuffle : bool
        Whether the order is a new one in each epoch.
    threads : int
        How many work.
    """

    def __init__(
        self,
        many: Any,
        arrays: list[NDArray[Any]],
        rows: list[NDArray[np.int64]],
        batch_size: int,
        shuffle: bool,
        threads: int,
    ) -> None:
        self.many, self.arrays, self.rows = many, arrays, rows
        self.batch_size, self.shuffle, self.threads = batch_size, shuffle, threads

    def run(self, active: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[np.float64]:
        """Train for an epoch; return the mean cost of each, NaN of those that are not active."""
        costs = np.full(len(active), np.nan)
        kernel = self.many.trainer.network.epoch_kernel

        def training() -> Callable[[int], None]:
            epoch = alone(kernel, min(self.batch_size, max(map(len, self.rows))))

            def train(replica: int) -> None:
                trainer, rows = self.many._trainers[replica], self.rows[replica]
                order = trainer._generator.permutation(rows) if self.shuffle else rows
                costs[replica] = epoch(
                    trainer._flat, trainer._state, values[replica], order,
                    min(self.batch_size, len(rows)), *self.arrays,
                )  # fmt: skip

            return train

        self.deal(np.flatnonzero(active).tolist(), training)
        return costs

    def deal(self, replicas: Sequence[int], worker: Callable[[], Callable[[int], object]]) -> None:
        """Do a piece of work for each of some replicas."""
        deal(replicas, worker, self.threads)

    def pack(self) -> None:
        """Take over what has changed in the rows of the replicas: they are what is trained."""

    def unpack(self) -> None:
        """Write what was trained into the rows of the replicas: it is there."""


class BestEpochs:
    """What each replica held after the epoch with the lowest cost of its held-out data.

    Parameters
    ----------
    flat, state : ndarray
        What training changes, a row for each replica.
    patience, min_delta
        See `BestEpoch`.
    """

    def __init__(
        self, flat: NDArray[Any], state: NDArray[Any], patience: int, min_delta: float
    ) -> None:
        self.patience, self.min_delta = patience, BestEpoch(patience, min_delta).min_delta
        self.arrays, self.best = (flat, state), (flat.copy(), state.copy())
        self.costs = np.full(len(flat), np.inf)
        self.waited = np.zeros(len(flat), np.int64)

    def note(self, costs: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Look at an epoch; return which replicas were no better for as long as is waited."""
        better = active & (costs < self.costs - self.min_delta)
        self.waited = np.where(better, 0, self.waited + active)
        self.costs[better] = costs[better]
        for array, best in zip(self.arrays, self.best, strict=True):
            best[better] = array[better]
        return self.waited >= self.patience

    def restore(self, costs: NDArray[Any]) -> NDArray[Any]:
        """Write the best values into the rows; return the costs that belong to them."""
        found = np.isfinite(self.costs)
        for array, best in zip(self.arrays, self.best, strict=True):
            array[found] = best[found]
        return np.where(found, self.costs, costs)
