"""Examples that no memory holds, in windows: some blocks train while the next ones are read.

A window is a few blocks that lie anywhere in the data. Its rows are visited in random order, and
what does not fill a batch goes over into the next one. A thread reads: compiled code leaves Python
alone while it trains.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.training.block_feeds import Check, Feed, FeedOfBatches, FeedOfBlocks
from symbp.training.block_sources import BlockSource, Rows, Tables, is_on_disk

__all__ = ["Blocks", "blocks_of"]

# Arrays on disk of fewer bytes together are read once, whole, and not in each epoch again.
_SMALL = 2**27
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


class Blocks:
    """Examples on disk, or from an iterator, for ``trainer.fit(blocks, …)`` in bounded memory.

    Blocks, some consecutive examples each, are visited in a new random order in each epoch. Several
    make a window, and the rows of a window are shuffled. While it trains, a thread reads the next
    one. A batch that a window does not fill is filled by the next: batches have one size, but for
    the last of an epoch. All is drawn by the trainer's seed, and goes on from a checkpoint bit for
    bit. If all examples fit into a window, the batches are those of ``trainer.fit(x, y)``.

    Parameters
    ----------
    *data : array_like, or a dataset, callable or iterable alone
        One of these:

        - arrays in the order of the program, with an example in each row: `numpy.memmap`, Zarr,
          HDF5, or whatever has `shape`, `dtype` and slices of rows
        - a `pyarrow.dataset` of Parquet files, with `columns`; a block is a row group
        - a callable that returns an iterator for each epoch, or an iterable that can be iterated
          again: of batches of any size, tuples of arrays. They come in its own order; a window is
          shuffled
    columns : sequence of str or of sequence of str, optional
        For each array of the program the column of a dataset that it is (numbers, or lists of one
        length), or the columns that are side by side in its rows.
    memory : int or str
        Bytes that all blocks in memory may take together, such as ``"256 MB"``: two windows, and a
        block while it is read and checked. A longer window shuffles better.
    rows_per_block : int, optional
        By default as many as are about a MiB, in whole chunks of arrays that have them.

    Attributes
    ----------
    rows : int or None
        Examples of an epoch, if they are known before.

    Raises
    ------
    TypeError, ValueError
        In one line: an argument is wrong, arrays have different numbers of rows, an iterator can be
        used once only. While it trains, the line names the block: a wrong shape or dtype, a number
        that is not finite, a file that ends early.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np, symbp as bp
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "x.npy"
    >>> np.save(path, np.random.default_rng(0).normal(size=(5000, 4)))
    >>> x = np.load(path, mmap_mode="r")
    >>> blocks = bp.Blocks(x, np.arange(5000) % 3, memory="64 KB")
    >>> trainer = bp.compile(bp.mlp(4, 8, 3, loss="softmax_cross_entropy"), bp.Adam(0.01))
    >>> trainer.fit(blocks, epochs=2, batch_size=32).epochs
    2
    """

    def __init__(
        self,
        *data: Any,
        columns: Sequence[str | Sequence[str]] | None = None,
        memory: int | str = "256 MB",
        rows_per_block: int | None = None,
    ) -> None:
        if not data:
            raise TypeError("Blocks: expected arrays, a dataset, or a callable, got nothing")
        self.memory = _bytes(memory)
        if rows_per_block is not None and (
            not isinstance(rows_per_block, int | np.integer)
            or isinstance(rows_per_block, bool)
            or rows_per_block < 1
        ):
            raise ValueError(
                f"rows_per_block: expected an integer of at least 1, got {rows_per_block!r}"
            )
        self.rows_per_block = None if rows_per_block is None else int(rows_per_block)
        self._source: BlockSource | None = None
        self._batches: Any = None
        only = data[0]
        table = len(data) == 1 and hasattr(only, "get_fragments")
        if (columns is not None) != table:
            raise TypeError(
                "columns: expected for each array of the program the columns of the dataset"
                if table
                else "columns: expected a pyarrow.dataset of Parquet files with them"
            )
        if table:
            assert columns is not None
            if isinstance(columns, str):
                raise TypeError(f"columns: expected one entry an array, got {columns!r}")
            self._source = Tables(only, columns)
        elif len(data) == 1 and (callable(only) or not hasattr(only, "shape")):
            if not callable(only) and not isinstance(only, Iterable):
                raise TypeError(f"Blocks: expected arrays, a dataset or a callable, got {only!r}")
            if isinstance(only, Iterator):
                raise TypeError(
                    "Blocks: this iterator gives one epoch; expected a callable that returns one "
                    "for each epoch"
                )
            if rows_per_block is not None:
                raise TypeError("rows_per_block: batches of an iterator come as they are")
            self._batches = only
        else:
            self._source = Rows(data)
        self.rows = None if self._source is None else self._source.rows
        if self.rows == 0:
            raise ValueError("Blocks: expected at least one row")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        raise TypeError("Blocks: data in blocks are for trainer.fit, expected an array here")

    def windows(
        self, check: Check, generator: np.random.Generator, batch_size: int, shuffle: bool
    ) -> Iterator[tuple[list[NDArray[Any]], NDArray[np.int64]]]:
        """Yield the windows of an epoch: arrays, and the order in which their rows are visited.

        Parameters
        ----------
        check : callable
            Takes arrays of some examples and returns them as kernels want them, or raises an error.
        generator : numpy.random.Generator
            What the order is drawn by.
        batch_size : int
            All orders but the last are of whole batches.
        shuffle : bool
            Whether blocks and rows are visited in random order.
        """
        parts = (check, generator, int(batch_size), shuffle)
        source, memory = self._source, self.memory
        feed: Feed = (
            FeedOfBatches(self._batches, memory, *parts)
            if source is None
            else FeedOfBlocks(source, memory, self.rows_per_block, *parts)
        )
        before: list[NDArray[Any]] = []
        carried = np.empty(0, np.int64)
        # One thread, so that windows are read in their order, the next while one trains.
        with ThreadPoolExecutor(1, "symbp-blocks") as reader:
            try:
                coming = reader.submit(feed.fill)
                while True:
                    window, count, last = coming.result()
                    start, stop = feed.head - len(carried), feed.head + count
                    for array, old in zip(window, before, strict=False):
                        old.take(carried, 0, array[start : feed.head], "clip")
                    if not last:
                        coming = reader.submit(feed.fill)
                    order = np.arange(stop - start, dtype=np.int64)
                    if shuffle:
                        order = generator.permutation(order)
                    whole = len(order) if last else len(order) - len(order) % batch_size
                    order, carried = order[:whole], order[whole:]
                    before = [array[start:stop] for array in window]
                    if whole:
                        yield before, order
                    if last:
                        return
            finally:
                feed.stopped.set()


def blocks_of(arrays: Sequence[Any]) -> Blocks | None:
    """Return blocks of arrays that lie on disk, or None if they are in memory, or fit into it."""
    if not any(is_on_disk(array) for array in arrays):
        return None
    bytes_of = (np.dtype(a.dtype).itemsize * math.prod(a.shape) for a in arrays if is_on_disk(a))
    return Blocks(*arrays) if sum(bytes_of) > _SMALL else None


def _bytes(memory: Any) -> int:
    """Return a number of bytes, of a text with a unit."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?I?B)\s*", str(memory).upper())
    if isinstance(memory, str) and found:
        size = int(float(found[1]) * _UNITS[found[2]]) if found[2] in _UNITS else 0
    elif isinstance(memory, int | np.integer) and not isinstance(memory, bool):
        size = int(memory)
    else:
        size = 0
    if size < 1:
        raise ValueError(f"memory: expected bytes, or a text such as '256 MB', got {memory!r}")
    return size
