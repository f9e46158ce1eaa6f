"""Where blocks of examples come from: arrays that lie on disk, Parquet files, iterators of batches.

A source says which blocks there are and reads one. Each returns the arrays of a block as they are;
what they must be, the trainer that takes them says.
"""

import math
import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Block", "BlockSource", "Division", "Rows", "Tables", "batches", "is_on_disk"]


@dataclass(frozen=True)
class Block:
    """Some examples that lie together.

    Parameters
    ----------
    name : str
        What it is called in an error.
    rows : int
        How many examples it has.
    read : callable
        Reads its arrays. It may be given, for each, memory of the right shape and dtype or None,
        and then reads into that where it can.
    """

    name: str
    rows: int
    read: Callable[[Sequence[NDArray[Any] | None]], list[Any]]


@dataclass(frozen=True)
class Division:
    """The blocks of a source: terabytes have a million, so each is made when it is wanted.

    Parameters
    ----------
    count : int
        How many there are.
    largest : int
        Rows of the largest.
    block : callable
        Returns one by its number.
    """

    count: int
    largest: int
    block: Callable[[int], Block]


class BlockSource(Protocol):
    """What holds examples in blocks, which are read in any order."""

    rows: int
    """How many examples there are."""
    copies: int
    """How many times as much memory as its arrays, at most, reading a block takes."""

    def first(self) -> list[Any]:
        """Return the arrays of one example, or of a few."""
        ...

    def blocks(self, rows: int, given: bool) -> Division:
        """Return the blocks of about so many rows each, or of just so many if that was asked."""
        ...


def _mapped(array: Any) -> Any:
    """Return the memory map of a file that an array is a view of, or None."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and getattr(array, "_mmap", None) is not None:
            return array
        array = array.base
    return None


def is_on_disk(array: Any) -> bool:
    """Whether an array is read from a file: a memory map, or stored in chunks (Zarr, HDF5)."""
    if isinstance(array, np.ndarray):
        return _mapped(array) is not None
    return all(hasattr(array, name) for name in ("shape", "dtype", "chunks", "__getitem__"))


class Rows:
    """Arrays with an example in each row: memory maps, Zarr, HDF5, or in memory.

    Parameters
    ----------
    arrays : sequence of array_like
        Each with a shape, a dtype and slices of rows.
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.arrays = [
            a if hasattr(a, "shape") and hasattr(a, "dtype") else np.asarray(a) for a in arrays
        ]
        self.rows = -1
        for place, array in enumerate(self.arrays):
            if not array.shape:
                raise ValueError(f"Blocks: array {place} is one number, expected rows")
            if self.rows >= 0 and array.shape[0] != self.rows:
                raise ValueError(
                    f"Blocks: array {place} has {array.shape[0]} rows, array 0 has {self.rows}"
                )
            self.rows = array.shape[0]
        # Chunks may be compressed: what lies in one is read whole, at most twice at once.
        stored = [_chunk_rows(array) for array in self.arrays]
        self.chunk = max(stored)
        self.copies = 3 if self.chunk > 1 else 1

    def first(self) -> list[Any]:
        """Return the arrays of the first example."""
        return self._read(0, 1, [None] * len(self.arrays))

    def blocks(self, rows: int, given: bool) -> Division:
        """Return the blocks, which hold whole chunks if arrays have them."""
        if not given:
            rows = math.ceil(rows / self.chunk) * self.chunk

        def block(number: int) -> Block:
            start, stop = number * rows, min((number + 1) * rows, self.rows)
            name = f"block {number} (rows {start} to {stop - 1}; row 0 is the first of these)"
            return Block(name, stop - start, partial(self._read, start, stop))

        return Division(math.ceil(self.rows / rows), min(rows, self.rows), block)

    def _read(self, start: int, stop: int, into: Sequence[NDArray[Any] | None]) -> list[Any]:
        return [
            _read_rows(array, start, stop, memory)
            for array, memory in zip(self.arrays, into, strict=True)
        ]


def _chunk_rows(array: Any) -> int:
    """Return how many rows are stored together."""
    for name in ("shards", "chunks"):  # of Zarr, a shard is the file
        extents = getattr(array, name, None)
        if extents:
            first = extents[0]
            return int(max(first) if isinstance(first, tuple) else first)
    return 1


def _read_rows(array: Any, start: int, stop: int, memory: NDArray[Any] | None) -> Any:
    """Return some rows of an array, from the file itself if it is a memory map.

    Pages of a map that were touched count as memory of the process until the system needs them.
    What is read from the file does not.
    """
    found = _mapped(array)
    # Changes of a map with mode "c" are not in its file.
    if (
        found is None
        or found.mode == "c"
        or not isinstance(found.filename, str | os.PathLike)
        or not array.flags.c_contiguous
    ):
        part = array[start:stop]
        if memory is None or part.dtype != memory.dtype:
            return part
        memory[...] = part
        return memory
    if memory is None or memory.dtype != array.dtype:
        memory = np.empty((stop - start, *array.shape[1:]), array.dtype)
    # The attribute `offset` of a part of a map is that of the whole: ask where its numbers lie.
    begins = np.frombuffer(found._mmap, np.uint8).__array_interface__["data"][0]
    here = array.__array_interface__["data"][0] - begins
    here += found.offset - found.offset % mmap.ALLOCATIONGRANULARITY
    size = array.dtype.itemsize * math.prod(array.shape[1:])
    raw: Any = memory.reshape(-1).view(np.uint8)
    view = memoryview(raw)
    done = 0
    with open(found.filename, "rb", buffering=0) as file:
        file.seek(here + start * size)
        while done < len(view):
            count = file.readinto(view[done:])
            if not count:
                name = os.path.basename(found.filename)
                raise ValueError(
                    f"{name} ends at byte {here + start * size + done}; expected "
                    f"{array.shape[0]} rows of {size} bytes from byte {here}"
                )
            done += count
    return memory


class Tables:
    """A pyarrow dataset of Parquet files, whose row groups are the blocks.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
        Of Parquet files.
    columns : sequence of str or of sequence of str
        For each array the column that it is, or those whose numbers stand side by side in its
        rows.
    """

    copies = 4  # pages, columns, and the two forms between them and an array

    def __init__(self, dataset: Any, columns: Sequence[str | Sequence[str]]) -> None:
        self.columns = [c if isinstance(c, str) else tuple(c) for c in columns]
        names = dataset.schema.names
        for wanted in self.columns:
            for name in [wanted] if isinstance(wanted, str) else wanted:
                if name not in names:
                    raise ValueError(f"columns: no column {name!r} there; has {', '.join(names)}")
        try:
            parts = [g for part in dataset.get_fragments() for g in part.split_by_row_group()]
        except AttributeError:
            raise TypeError(
                f"Blocks: expected a dataset of Parquet files, got {type(dataset).__name__}"
            ) from None
        counts = [sum(info.num_rows for info in group.row_groups) for group in parts]
        self.groups = [group for group, count in zip(parts, counts, strict=True) if count]
        self.sizes = [count for count in counts if count]
        self.rows = sum(self.sizes)

    def first(self) -> list[Any]:
        """Return the arrays of the first example."""
        return self._arrays(self.groups[0].head(1, columns=self._names(), batch_size=1))

    def blocks(self, rows: int, given: bool) -> Division:
        """Return the blocks."""
        if given:
            raise ValueError("rows_per_block: the blocks of Parquet files are their row groups")

        def block(number: int) -> Block:
            group = self.groups[number]
            inside = ", ".join(str(info.id) for info in group.row_groups)
            name = f"block {number} (row group {inside} of {os.path.basename(group.path)})"
            return Block(name, self.sizes[number], partial(self._read, group))

        return Division(len(self.groups), max(self.sizes), block)

    def _read(self, group: Any, into: Sequence[Any]) -> list[Any]:
        return self._arrays(group.to_table(columns=self._names(), use_threads=False))

    def _names(self) -> list[str]:
        named = [[c] if isinstance(c, str) else c for c in self.columns]
        return list(dict.fromkeys(name for group in named for name in group))

    def _arrays(self, table: Any) -> list[Any]:
        found: list[Any] = []
        for wanted in self.columns:
            if isinstance(wanted, str):
                found.append(_numbers(table, wanted))
            else:
                parts = [_numbers(table, name) for name in wanted]
                together = np.empty((len(table), len(parts)), np.result_type(*parts))
                for place, part in enumerate(parts):
                    if part.ndim != 1:
                        raise ValueError(f"columns: {wanted[place]!r} holds lists, name it alone")
                    together[:, place] = part
                found.append(together)
        return found


def _numbers(table: Any, name: str) -> NDArray[Any]:
    """Return a column of a table as an array, of shape (rows,), or (rows, k) of lists."""
    column = table.column(name).combine_chunks()
    if column.null_count:
        row = column.is_null().to_numpy(zero_copy_only=False).argmax()
        raise ValueError(f"{name}[{row}] is null, expected a number")
    kind = str(column.type)
    if hasattr(column, "flatten") and "list" in kind:
        inner = column.flatten()
        if len(table) and len(inner) % len(table):
            raise ValueError(f"{name}: expected lists of one length, got {kind}")
        if not kind.startswith("fixed_size"):
            lengths = set(column.value_lengths().to_pylist())
            if len(lengths) > 1:
                raise ValueError(f"{name}: expected lists of one length, got {sorted(lengths)[:2]}")
        if inner.null_count:
            raise ValueError(f"{name}: a list holds null, expected numbers")
        array: NDArray[Any] = inner.to_numpy(zero_copy_only=False).reshape(len(table), -1)
    else:
        array = column.to_numpy(zero_copy_only=False)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected a column of numbers, got {kind}")
    return array


def batches(made: Any) -> Iterator[list[Any]]:
    """Yield the arrays of each batch of an iterable, or of what a callable returns.

    Parameters
    ----------
    made : callable or iterable
        See :class:`symbp.Blocks`.
    """
    for batch in made() if callable(made) else made:
        yield list(batch) if isinstance(batch, tuple | list) else [batch]
