"""Windows of examples, filled block by block in memory of a fixed size.

A feed decides how many rows a window has, so that two of them and what reading takes stay below a
bound, and fills one after the other, in turn in the same two places. Before each window there is
room for the rows that the one before it could not put into a whole batch.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.training.block_sources import Block, BlockSource, batches

__all__ = ["Check", "Feed", "FeedOfBatches", "FeedOfBlocks"]

# About so many bytes are read at once: less costs a disk time, more leaves a window few blocks.
_BLOCK_BYTES = 2**20
# All windows together have at least about so many blocks, if they may have any size.
_LEAST_BLOCKS = 64
# A window's order, what it is drawn from and the one before, as half of it for each of two.
_ORDER_BYTES = 12

Check = Callable[[Sequence[Any]], list[NDArray[Any]]]
"""Takes arrays of some examples and returns them as a kernel wants them, or raises an error."""


class Feed:
    """Fills windows; `fill` is called by one thread, for one window after the other.

    Parameters
    ----------
    memory : int
        Bytes that all together may take.
    check : callable
        See `Check`.
    batch_size : int
        Rows of a batch: one fewer go over into the next window, at most.
    """

    def __init__(self, memory: int, check: Check, batch_size: int) -> None:
        self.memory, self.check, self.batch_size = memory, check, batch_size
        self.head, self.capacity = batch_size - 1, 0
        self.stopped = threading.Event()
        self._places: list[list[NDArray[Any]]] = []
        self._next = 0

    def fill(self) -> tuple[list[NDArray[Any]], int, bool]:
        """Fill a window; return its arrays, how many rows begin at `head`, and if it is the last.

        It is that until the one after the next is filled.
        """
        raise NotImplementedError

    def checked(
        self, name: str, arrays: Sequence[Any] | Callable[[], Sequence[Any]]
    ) -> list[NDArray[Any]]:
        """Return arrays that are right, or raise an error that names where they are from."""
        try:
            return self.check(arrays() if callable(arrays) else arrays)
        except (TypeError, ValueError, OSError) as error:
            kind = next(k for k in (TypeError, ValueError, OSError) if isinstance(error, k))
            text = " ".join(str(error).split())
            raise kind(f"{name}: {text}") from error

    def plan(self, raw: int, like: Sequence[NDArray[Any]], largest: int, copies: int) -> None:
        """Decide how many rows a window has.

        Parameters
        ----------
        raw : int
            Bytes of an example as it is read.
        like : sequence of ndarray
            Of one example or more, as kernels want it.
        largest : int
            Rows of the largest block.
        copies : int
            How many times its bytes reading one takes.
        """
        self.like = [(array.shape[1:], array.dtype) for array in like]
        row = sum(array.nbytes // len(array) for array in like)
        # While a block is read: its bytes, what they are converted to, and which are finite.
        reading = largest * (copies * raw + 2 * row)
        each = 2 * (row + _ORDER_BYTES)
        self.capacity = (self.memory - reading) // each - self.head
        if self.capacity < largest:
            least = reading + each * (largest + self.head)
            raise ValueError(
                f"memory: {self.memory} bytes are too few for two windows of a block; expected at "
                f"least {least}, as a block has {largest} rows of {row} bytes, and a batch "
                f"{self.batch_size}"
            )

    def place(self) -> list[NDArray[Any]]:
        """Return the memory of the next window."""
        if len(self._places) < 2:
            rows = self.head + self.capacity
            made = [np.empty((rows, *shape), dtype) for shape, dtype in self.like]
            self._places.append(made)
            return made
        self._next = 1 - self._next
        return self._places[1 - self._next]

    def put(
        self, name: str, arrays: Sequence[NDArray[Any]], memory: Sequence[NDArray[Any]]
    ) -> None:
        """Copy what was checked to its place, unless it is there."""
        for number, (array, target) in enumerate(zip(arrays, memory, strict=True)):
            if array.shape[1:] != target.shape[1:]:
                raise ValueError(
                    f"{name}: array {number} has rows of shape {array.shape[1:]}, "
                    f"{target.shape[1:]} before"
                )
            if array is not target:
                target[...] = array


class FeedOfBlocks(Feed):
    """Windows of blocks that lie anywhere.

    Parameters
    ----------
    source : BlockSource
        What the blocks are read from.
    memory, check, batch_size
        See `Feed`.
    rows_per_block : int or None
        By default some that take about a MiB.
    generator : numpy.random.Generator
        What the order of the blocks is drawn by.
    shuffle : bool
        Whether it is random.
    """

    def __init__(
        self, source: BlockSource, memory: int, rows_per_block: int | None,
        check: Check, generator: np.random.Generator, batch_size: int, shuffle: bool,
    ) -> None:  # fmt: skip
        super().__init__(memory, check, min(batch_size, source.rows))
        first: list[NDArray[Any]] = []

        def read() -> list[NDArray[Any]]:
            first.extend(np.asarray(array) for array in source.first())
            return first

        like = self.checked("the first row", read)
        raw = max(1, sum(array.nbytes // max(1, array.shape[0]) for array in first))
        row = max(1, sum(array.nbytes // len(array) for array in like))
        some = max(1, min(_BLOCK_BYTES // raw, memory // (2 * _LEAST_BLOCKS * row)))
        blocks = source.blocks(rows_per_block or some, rows_per_block is not None)
        self.block, largest = blocks.block, blocks.largest
        # Memory that already has the form that kernels want is read into.
        self.direct = [
            len(first) == len(like) and a.shape[1:] == b.shape[1:] and a.dtype == b.dtype
            for a, b in zip(first, like, strict=False)
        ]
        self.plan(raw, like, largest, source.copies)
        if source.rows <= self.capacity:
            # All in one window, in their order: shuffling it is all that shuffling can do.
            self.head, self.capacity, self.parts = 0, source.rows, [np.arange(blocks.count)]
        else:
            order = generator.permutation(blocks.count) if shuffle else np.arange(blocks.count)
            windows = -(-blocks.count // (self.capacity // largest))
            self.parts = np.array_split(order, windows)
            self.capacity = largest * len(self.parts[0])
        self.filled = 0

    def fill(self) -> tuple[list[NDArray[Any]], int, bool]:
        """Fill a window from its blocks."""
        arrays, at = self.place(), self.head
        for number in self.parts[self.filled].tolist():
            if self.stopped.is_set():
                break
            block = self.block(number)
            self._read(block, [array[at : at + block.rows] for array in arrays])
            at += block.rows
        self.filled += 1
        return arrays, at - self.head, self.filled == len(self.parts)

    def _read(self, block: Block, memory: Sequence[NDArray[Any]]) -> None:
        into = [m if d else None for m, d in zip(memory, self.direct, strict=False)]
        arrays = self.checked(block.name, partial(block.read, into))
        if len(arrays[0]) != block.rows:
            raise ValueError(f"{block.name}: expected {block.rows} rows, got {len(arrays[0])}")
        self.put(block.name, arrays, memory)


class FeedOfBatches(Feed):
    """Windows of what an iterator gives, in its order.

    Parameters
    ----------
    made : callable or iterable
        See `batches`.
    memory, check, batch_size
        See `Feed`.
    generator, shuffle
        Not used: the order of the blocks is that of the iterator.
    """

    def __init__(
        self, made: Any, memory: int, check: Check, generator: np.random.Generator,
        batch_size: int, shuffle: bool,
    ) -> None:  # fmt: skip
        super().__init__(memory, check, batch_size)
        self.pieces = self._pieces(made)
        self.pending: list[NDArray[Any]] | None = None

    def _pieces(self, made: Any) -> Iterator[list[NDArray[Any]]]:
        """Yield checked parts of the batches, of about a MiB."""
        size = 0
        for number, batch in enumerate(batches(made)):
            name = f"batch {number} of the epoch"
            arrays = [np.asarray(array) for array in batch]
            lengths = [array.shape[0] if array.shape else -1 for array in arrays]
            if not lengths or len(set(lengths)) > 1 or lengths[0] < 0:
                shapes = ", ".join(str(array.shape) for array in arrays)
                raise ValueError(f"{name}: expected arrays of as many rows, got shapes {shapes}")
            if not lengths[0]:
                continue
            if not size:
                raw = max(1, sum(array.nbytes // len(array) for array in arrays))
                like = self.checked(name, [a[:1] for a in arrays])
                row = max(1, sum(array.nbytes for array in like))
                size = max(1, min(_BLOCK_BYTES // raw, self.memory // (2 * _LEAST_BLOCKS * row)))
                self.plan(raw, like, size, 1)
            for start in range(0, lengths[0], size):
                part = [array[start : start + size] for array in arrays]
                where = name if lengths[0] <= size else f"{name} (from its row {start})"
                yield self.checked(where, part)

    def fill(self) -> tuple[list[NDArray[Any]], int, bool]:
        """Fill a window with what comes."""
        if self.pending is None:  # only for the first one
            self.pending = next(self.pieces, None)
            if self.pending is None:
                raise ValueError("Blocks: the iterator gave no batch, expected at least one row")
        arrays, count = self.place(), 0
        while self.pending is not None and count < self.capacity and not self.stopped.is_set():
            size = min(len(self.pending[0]), self.capacity - count)
            at = self.head + count
            self.put(
                "a batch", [a[:size] for a in self.pending], [a[at : at + size] for a in arrays]
            )
            count += size
            rest = [array[size:] for array in self.pending]
            self.pending = rest if len(rest[0]) else next(self.pieces, None)
        return arrays, count, self.pending is None
