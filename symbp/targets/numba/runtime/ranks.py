"""Training over ranks: several processes, each with rows of its own, and one training.

A step is cut where an equation adds up over the rows of a batch: each rank adds up over its rows,
and a communicator adds up what all have. All then compute the same update from the same numbers, so
that parameters and state are the same bits on all ranks. Whether those numbers are the same is
compared in each step, while they are in the cache; parameters and state before and after an epoch.
"""

import json
import sys
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.targets.numba.runtime.arguments import sizes_of
from symbp.targets.numba.runtime.cache import compiled_kernel
from symbp.targets.numba.runtime.entry_points import EntryPoints, extents
from symbp.targets.numba.runtime.trainer import NetworkTrainer

# A part of a digest has so many bits: thousands of ranks add it up exactly in single precision.
DIGEST_BITS = 11
DIGEST_PARTS = 3


class RankError(RuntimeError):
    """Ranks differ, or one is gone."""


class Ranks:
    """A communicator, whatever library it is of.

    Parameters
    ----------
    communicator : object
        One of mpi4py, a process group of torch.distributed, or anything with the methods `rank()`,
        `size()` and `all_reduce(array)`, which puts the sum over the ranks into an array of each.
    """

    def __init__(self, communicator: Any) -> None:
        self.abort: Callable[[], object] | None = None
        if all(callable(getattr(communicator, m, None)) for m in ("rank", "size", "all_reduce")):
            self.rank, self.size = int(communicator.rank()), int(communicator.size())
            self.reduce: Callable[[NDArray[Any]], object] = communicator.all_reduce
        elif hasattr(communicator, "Allreduce") and hasattr(communicator, "Get_rank"):
            from mpi4py import MPI

            self.rank, self.size = communicator.Get_rank(), communicator.Get_size()
            self.reduce = lambda array: communicator.Allreduce(MPI.IN_PLACE, array)
            self.abort = lambda: communicator.Abort(1)
        elif type(communicator).__module__.partition(".")[0] == "torch" and hasattr(
            communicator, "allreduce"
        ):
            import torch
            import torch.distributed

            self.rank, self.size = communicator.rank(), communicator.size()
            self.reduce = lambda array: torch.distributed.all_reduce(
                torch.from_numpy(array), group=communicator
            )
        else:
            raise TypeError(
                f"communicator: expected one of mpi4py, a process group of torch.distributed, or "
                f"an object with rank(), size() and all_reduce(array), got {communicator!r}"
            )
        self.where = "before the first epoch"

    def __str__(self) -> str:
        return f"rank {self.rank} of {self.size}"

    def all_reduce(self, array: NDArray[Any]) -> None:
        """Put the sum over the ranks into the array of each."""
        try:
            self.reduce(array)
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise RankError(
                f"{self}: the sum over the ranks failed, {self.where}; another one is gone, or "
                f"does something else ({reason})"
            ) from error


class OverRanks:
    """One call of `fit`, as a rank sees it.

    Parameters
    ----------
    ranks : Ranks
        Those that train together.
    network : EntryPoints
        What is trained.
    parts : sequence
        Of each part of a step its kernel, the names of what that takes, how many sums it gives,
        and of each array that it keeps the name and the shape.
    """

    def __init__(self, ranks: Ranks, network: EntryPoints, parts: Sequence[Any]) -> None:
        self.ranks, self.network, self.parts = ranks, network, parts
        self.first, self.total, self.steps = 0, -1, 0

    def meet(self, rows: int, failed: bool, alike: str) -> None:
        """Learn how many rows each rank has, and whether all were called in one way."""
        size, rank = self.ranks.size, self.ranks.rank
        words = np.array(pieces(zlib.crc32(alike.encode())), np.float64)
        met = np.zeros(size + 1 + len(words))
        met[rank], met[size], met[size + 1 :] = rows, failed, words
        self.ranks.all_reduce(met)
        self.total = 0  # they have met
        if met[size] and not failed:
            raise RankError(f"{self.ranks}: another rank refused what it was given")
        if not failed and np.any(met[size + 1 :] != size * words):
            raise RankError(
                f"{self.ranks}: the ranks do not train in one way; expected the same program, "
                f"options, seed and epochs so far on all, got here {alike}"
            )
        self.first, self.total = int(met[:rank].sum()), int(met[:size].sum())

    def epoch(
        self,
        flat: NDArray[Any],
        state: NDArray[Any],
        values: NDArray[Any],
        visited: NDArray[np.int64],
        step: int,
        arrays: Sequence[NDArray[Any]],
        own: int,
    ) -> float:
        """Train on each batch in turn; return the mean of the cost over the rows of all ranks."""
        network = self.network
        dtype, arguments = network.dtype, network.arguments
        # Which places of the order are this rank's, and where each batch begins among them.
        at = np.flatnonzero((visited >= self.first) & (visited < self.first + own))
        order, places = visited[at] - self.first, at % step
        starts = np.arange(0, self.total, step)
        bounds = [*np.searchsorted(at, starts).tolist(), len(at)]
        most = max(np.diff(bounds).tolist())
        sizes = sizes_of(arguments, arrays) if network.sized else None
        rowed = [a[2][:1] == (None,) for a in arguments]
        batch = [
            np.empty((most, *a.shape[1:]), a.dtype) if has else a
            for a, has in zip(arrays, rowed, strict=True)
        ]
        kept = {
            name: (np.empty(extents(shape, most, sizes), dtype), shape[:1] == (None,))
            for _, _, _, names in self.parts
            for name, shape in names
        }
        # With the first sums of a step travel the digests of all those of the step before.
        counts = [count for _, _, count, _ in self.parts[:-1]]
        buffers = [np.zeros(count, dtype) for count in counts]
        buffers[0] = np.zeros(counts[0] + DIGEST_PARTS * len(counts), dtype)
        sums = [buffer[:count] for buffer, count in zip(buffers, counts, strict=True)]
        summed = Digests(sums, [f"sum {number}" for number in range(len(sums))])
        kept_numbers = Digests(*_named(network, flat, state))
        kept_numbers.compare_now(self.ranks, self.steps)
        rows = np.empty(1, dtype)
        fixed: dict[Any, Any] = {
            "parameters": flat, "state": state, "hyperparameters": values, "rows": rows,
            **{f"sums_{number}": array for number, array in enumerate(sums)},
        }  # fmt: skip
        cost = 0.0
        for number, start in enumerate(starts.tolist()):
            low, high = bounds[number], bounds[number + 1]
            count = high - low
            rows[0] = min(step, self.total - start)
            self.ranks.where = f"in step {self.steps + 1}"
            given = fixed
            if most:
                given = {**fixed, "places": places[low:high]}
                for place, has in enumerate(rowed):
                    given[place] = array = batch[place]
                    if has:
                        given[place] = array[:count]
                        arrays[place].take(order[low:high], 0, array[:count], "clip")
                for name, (array, has) in kept.items():
                    given[name] = array[:count] if has else array
            for part, (kernel, names, _, _) in enumerate(self.parts[:-1]):
                if count:
                    kernel(*[given[f"sums_{part}" if n == "sums" else n] for n in names])
                else:
                    sums[part][:] = 0  # of no rows
                if not part:
                    summed.put(buffers[0])
                self.ranks.all_reduce(buffers[part])
                if not part:
                    summed.compare(buffers[0], self.ranks, self.steps)
                summed.take(part)
            kernel, names = self.parts[-1][:2]
            cost += float(rows[0]) * float(kernel(*[given[name] for name in names]))
            self.steps += 1
        summed.compare_now(self.ranks, self.steps)
        kept_numbers.compare_now(self.ranks, self.steps)
        return cost / self.total

    def any(self, value: bool) -> bool:
        """Whether it holds on one of the ranks."""
        found = np.array([float(value)])
        self.ranks.all_reduce(found)
        return bool(found[0])


class Digests:
    """A few numbers for each of some arrays, which tell its bits from others.

    They travel with the sums over the ranks: equal numbers add up to as many times one's own.

    Parameters
    ----------
    arrays : sequence of ndarray
        Contiguous, float32 or float64.
    names : sequence of str
        What each is called.
    """

    def __init__(self, arrays: Sequence[NDArray[Any]], names: Sequence[str]) -> None:
        self.names = names
        self.bits = [a.view(np.uint32 if a.dtype.itemsize == 4 else np.uint64) for a in arrays]
        self.count = DIGEST_PARTS * len(self.bits)
        self.own = np.zeros(self.count)

    def take(self, place: int) -> None:
        """Take the digest of an array as it is now."""
        word = int(sum_of_words(self.bits[place]))
        word = (word ^ (word >> 32)) & 0xFFFFFFFF
        start = DIGEST_PARTS * place
        self.own[start : start + DIGEST_PARTS] = pieces(word)

    def put(self, buffer: NDArray[Any]) -> None:
        """Write what was taken to the end of a buffer."""
        buffer[len(buffer) - self.count :] = self.own

    def compare(self, buffer: NDArray[Any], ranks: Ranks, steps: int) -> None:
        """Raise RankError if what was put was not the same on all ranks."""
        wrong = np.flatnonzero(buffer[len(buffer) - self.count :] != ranks.size * self.own)
        if len(wrong):
            places = dict.fromkeys((wrong // DIGEST_PARTS).tolist())
            raise RankError(
                f"{ranks}: {', '.join(self.names[place] for place in places)} differs between the "
                f"ranks after {steps} steps; expected the same bits on all: the same start, seed, "
                f"machine code and hyperparameters"
            )

    def compare_now(self, ranks: Ranks, steps: int) -> None:
        """Raise RankError if the arrays are not the same on all ranks as they are now."""
        for place in range(len(self.bits)):
            self.take(place)
        met = np.empty(self.count)
        self.put(met)
        ranks.all_reduce(met)
        self.compare(met, ranks, steps)


def _sum_of_words(words: Any) -> Any:
    total = np.uint64(0)
    for place in range(len(words)):
        total += words[place]
    return total


# NumPy's own takes five times as long, and would be a tenth of a step.
sum_of_words = compiled_kernel(_sum_of_words)


def _named(
    network: EntryPoints, flat: NDArray[Any], state: NDArray[Any]
) -> tuple[list[NDArray[Any]], list[str]]:
    """Return the arrays of each parameter, and of the state, and what they are called."""
    arrays = [flat[place] for place, _ in network.places]
    names = [name for name, _, _ in network.parameters]
    if state.size:
        return [*arrays, state], [*names, "the state"]
    return arrays, names


def pieces(word: int) -> list[int]:
    """Return the bits of a word in parts that can be added up without loss."""
    return [(word >> DIGEST_BITS * part) & (2**DIGEST_BITS - 1) for part in range(DIGEST_PARTS)]


class TrainerOverRanks(NetworkTrainer):
    """A trainer that can train with others, each in a process of its own with rows of its own."""

    parts: Sequence[Any]
    """The parts of a step; a module's Trainer says them."""
    _over: OverRanks | None = None
    _rows = 0

    def fit(self, *arrays: ArrayLike, communicator: Any = None, **options: Any) -> Self:
        """Train for some more epochs and return the trainer.

        Parameters
        ----------
        *arrays : array_like
            As for `NetworkTrainer.fit`; with a communicator, the rows of this rank.
        communicator : object, optional
            Of those that train together: one of mpi4py, a process group of torch.distributed, or
            an object with `rank()`, `size()` and `all_reduce(array)`. All call `fit` with the same
            options. Batches are drawn among the rows of all ranks, in the order of the ranks, as
            one process with all rows would draw them; `batch_size` is that of the whole batch.
            `validation` is the same on all. A rank that fails ends the others (mpi4py) or lets
            their next sum fail.
        **options
            As for `NetworkTrainer.fit`.

        Raises
        ------
        RankError
            Ranks differ in their options, in a bit of a sum over the ranks (found in the next step)
            or of parameters or state (found before or after an epoch), or one is gone.
        """
        if communicator is None:
            return super().fit(*arrays, **options)
        ranks = Ranks(communicator)
        self._over = over = OverRanks(ranks, self.network, self.parts)
        self._alike = ", ".join(
            f"{name}={value!r}" for name, value in sorted(options.items())
            if name in ("batch_size", "epochs", "min_delta", "patience", "shuffle")
        )  # fmt: skip
        try:
            return super().fit(*arrays, **options)
        except BaseException as error:
            if over.total < 0:
                over.meet(0, True, "")  # so that the others learn of it
            elif ranks.abort is not None and not isinstance(error, SystemExit):
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                mine = "" if isinstance(error, RankError) else f"{ranks}: "
                print(f"symbp: {mine}{reason}", file=sys.stderr, flush=True)
                ranks.abort()
            raise
        finally:
            self._over = None

    def _source(self, arrays: Sequence[Any]) -> Any:
        if self._over is None:
            return super()._source(arrays)
        if len(arrays) == 1 and hasattr(arrays[0], "windows"):
            raise TypeError(
                "communicator: ranks take no blocks, expected arrays of this rank's rows"
            )
        return None

    def _examples(self, rows: int) -> int:
        if self._over is None:
            return super()._examples(rows)
        self._rows = rows
        generator = zlib.crc32(json.dumps(self._generator.bit_generator.state).encode())
        settings = ", ".join(f"{name}={value!r}" for name, value in self.hyperparameters.items())
        alike = f"{self.network.signature}, {self._alike}, {settings}, after {self.epochs} epochs"
        self._over.meet(rows, False, f"{alike}, generator {generator:08x}")
        return self._over.total

    def _epoch(
        self, values: NDArray[Any], visited: NDArray[Any], size: int, arrays: Sequence[Any]
    ) -> float:
        if self._over is None:
            return super()._epoch(values, visited, size, arrays)
        return self._over.epoch(self._flat, self._state, values, visited, size, arrays, self._rows)

    def _ends(self, stop: bool) -> bool:
        return super()._ends(stop) if self._over is None else self._over.any(stop)

    def __getstate__(self) -> dict[str, Any]:
        hidden = ("_over", "_rows", "_alike")
        return {name: value for name, value in super().__getstate__().items() if name not in hidden}
