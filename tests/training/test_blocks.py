"""Data larger than memory: what trains from blocks is what trains from arrays."""

import gc
import itertools
import os
import re
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.compiler import module_source
from symbp.targets.numba.runtime.stand_in import Trainer
from symbp.training import blocks as blocks_module
from tests.emitted_text import load_as_python

ROWS = 203
generator = np.random.default_rng(0)
X, Y = generator.normal(size=(ROWS, 3)), generator.normal(size=(ROWS, 2))
# Two windows of some tens of rows, of a few blocks each.
SMALL = "6 KB"


def trained(*data: Any, seed: int = 1, epochs: int = 3, **options: Any) -> Any:
    return Trainer(seed=seed).fit(*data, epochs=epochs, batch_size=8, **options)


def same(one: Any, other: Any) -> bool:
    return all(map(np.array_equal, one.parameters, other.parameters))


def windows(data: bp.Blocks, batch_size: int = 8, shuffle: bool = True, seed: int = 0) -> Any:
    """Return copies of the rows of each window, in the order in which they are visited."""
    found = data.windows(Trainer()._block, np.random.default_rng(seed), batch_size, shuffle)
    return [[array[order] for array in arrays] for arrays, order in found]


# As in memory


def test_what_fits_into_a_window_trains_as_arrays_do() -> None:
    alone, blocks = trained(X, Y), trained(bp.Blocks(X, Y))
    assert same(alone, blocks)
    assert alone.history == blocks.history


@pytest.mark.parametrize("memory", [SMALL, "4 KB", "20 KB"])
@pytest.mark.parametrize("rows", [None, 1, 7, 8])
def test_in_their_order_blocks_train_as_arrays_do(memory: str, rows: int | None) -> None:
    # Batches are whole over the borders of blocks and windows, or the costs would differ.
    blocks = trained(bp.Blocks(X, Y, memory=memory, rows_per_block=rows), shuffle=False)
    assert same(trained(X, Y, shuffle=False), blocks)


def test_a_batch_larger_than_the_data_is_all_of_it() -> None:
    alone, blocks = (
        Trainer().fit(X, Y, batch_size=999),
        Trainer().fit(bp.Blocks(X, Y), batch_size=999),
    )
    assert same(alone, blocks)


@pytest.mark.parametrize("stop", [1, 8, 17, ROWS])
@pytest.mark.parametrize("memory", [SMALL, "1 MB"])
def test_a_window_hands_on_what_fills_no_batch(stop: int, memory: str) -> None:
    data = bp.Blocks(X[:stop], Y[:stop], memory=memory, rows_per_block=5)
    found = windows(data)
    assert all(len(x) % 8 == 0 for x, _ in found[:-1])
    rows = np.concatenate([np.hstack(window) for window in found])
    # Each row once, with its own target.
    expected = np.hstack([X, Y])[:stop]
    assert np.array_equal(np.sort(rows, axis=0), np.sort(expected, axis=0))
    assert {row.tobytes() for row in rows} == {row.tobytes() for row in expected}


# Order


def test_the_order_is_that_of_the_seed_and_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    data = bp.Blocks(X, Y, memory=SMALL)
    assert same(trained(data), trained(data))
    assert not same(trained(data), trained(data, seed=2))
    whole, first = trained(data, epochs=5), trained(data, epochs=2)
    first.save(tmp_path / "checkpoint.npz")
    second = Trainer.load(tmp_path / "checkpoint.npz")
    assert same(whole, second.fit(data, epochs=3, batch_size=8))
    assert whole.history == second.history


def test_blocks_and_rows_are_visited_in_another_order_each_time() -> None:
    data = bp.Blocks(np.arange(ROWS * 3.0).reshape(ROWS, 3), Y, memory="12 KB", rows_per_block=4)
    orders = [np.concatenate([x[:, 0] / 3 for x, _ in windows(data, seed=seed)]) for seed in (0, 1)]
    assert not np.array_equal(*orders)
    # Neighbours within a window lie far apart, as its blocks do: a third of the data on average.
    far = np.abs(np.diff(orders[0])).mean() / ROWS
    assert 0.2 < far < 0.45
    # A block is in one window, but for what that hands on, and so in a part of the order.
    places = np.argsort(orders[0])
    most = 2 * max(len(x) for x, _ in windows(data))
    assert all(np.ptp(places[start : start + 4]) <= most for start in range(0, ROWS - 3, 4))


def test_batches_of_sorted_data_vary_as_stated() -> None:
    # The variance of the mean of a batch of b rows out of k sorted blocks: about σ² (1/b + 1/k).
    rows, block, batch = 4096, 16, 32
    x = np.repeat(np.arange(rows, dtype=float)[:, None], 3, axis=1) / rows
    data = bp.Blocks(x, np.zeros((rows, 2)), memory="45 KB", rows_per_block=block)
    found = [window[0][:, 0] for seed in range(20) for window in windows(data, batch, True, seed)]
    blocks = np.mean([len(window) for window in found]) / block
    means = [
        part.mean()
        for window in found
        for part in np.split(window[: len(window) // batch * batch], len(window) // batch)
    ]
    stated = x[:, 0].var() * (1 / batch + (1 - blocks / (rows / block)) / blocks)
    assert np.var(means) == pytest.approx(stated, rel=0.2)


# Where they lie


def test_memory_maps_are_read_from_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "_SMALL", 0)
    for name, array in (("x", X), ("y", Y.astype(np.float32))):
        np.save(tmp_path / f"{name}.npy", array)
    x, y = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
    loaded = Y.astype(np.float32)

    def both(x: Any, y: Any, a: Any, b: Any) -> None:
        assert same(trained(a, b, shuffle=False), trained(x, y, shuffle=False))
        with_blocks = bp.Blocks(x, y, memory=SMALL)
        assert same(trained(bp.Blocks(a, b, memory=SMALL)), trained(with_blocks))

    Trainer.on_disk = staticmethod(blocks_module.blocks_of)
    try:
        both(x, y, X, loaded)
        # Parts, whose attributes still tell where the whole begins; views; and what has no rows
        # in one piece.
        both(x[5:], y[5:], X[5:], loaded[5:])
        both(np.asarray(x)[7:90], y[7:90], X[7:90], loaded[7:90])
        both(x[::2], y[::2], X[::2], loaded[::2])
        # Changes that are not in the file.
        changed = np.load(tmp_path / "x.npy", mmap_mode="c")
        changed[3] = 7.0
        both(changed, y, np.array(changed), loaded)
    finally:
        Trainer.on_disk = None


def test_noise_states_and_weights_go_on_from_window_to_window() -> None:
    labels, weights = generator.integers(0, 3, ROWS), generator.integers(0, 3, ROWS)
    net = bp.Network(
        [bp.Dense(4, bias=False), bp.BatchNorm1d(), bp.Activation("tanh"), bp.Dropout(0.2),
         bp.Dense(3)],
        input=3, loss="softmax_cross_entropy", sample_weight=True,
    )  # fmt: skip
    module = load_as_python(module_source(net, bp.Adam(0.01), "float64"))

    def fit(*data: Any, **options: Any) -> Any:
        return module.Trainer(seed=3).fit(*data, batch_size=8, shuffle=False, **options)

    alone = fit(X, labels, sample_weight=weights)
    found = fit(bp.Blocks(X, labels, weights, memory="8 KB"))
    assert same(alone, found)
    assert all(map(np.array_equal, alone.state, found.state))
    # Without weights each row counts once.
    assert same(fit(X, labels), fit(bp.Blocks(X, labels, memory="8 KB")))
    with pytest.raises(TypeError, match=r"^sample_weight: expected in the blocks, as the last"):
        fit(bp.Blocks(X, labels), sample_weight=weights)


def test_a_trainer_reads_large_maps_in_blocks_and_small_ones_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "x.npy", X)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    trainer: Any = bp.compile(bp.mlp(3, 2), seed=1)
    assert trainer._source((x, Y)) is None
    monkeypatch.setattr(blocks_module, "_SMALL", 0)
    assert isinstance(trainer._source((x, Y)), bp.Blocks)
    assert trainer._source((X, Y)) is None
    assert same(trainer.fit(x, Y), bp.compile(bp.mlp(3, 2), seed=1).fit(X, Y))
    with pytest.raises(TypeError, match=r"^Blocks: data in blocks are for trainer\.fit"):
        np.asarray(bp.Blocks(X, Y))


def test_zarr_arrays(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr", reason="the extra zarr")
    stored = []
    for name, array, rows in (("x", X, 20), ("y", Y, 10)):
        made = zarr.create_array(
            tmp_path / f"{name}.zarr", shape=array.shape, chunks=(rows, 2), dtype=array.dtype
        )
        made[:] = array
        stored.append(made)
    assert same(trained(X, Y), trained(bp.Blocks(*stored)))
    in_order = trained(bp.Blocks(*stored, memory="12 KB"), shuffle=False)
    assert same(trained(X, Y, shuffle=False), in_order)


def test_parquet_files(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="the extra tables")
    import pyarrow.dataset
    import pyarrow.parquet

    table = pa.table({
        **{f"x{k}": X[:, k] for k in range(3)},
        "x": pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 3),
        "y": Y.tolist(),
        "label": [f"row {n}" for n in range(ROWS)],
        "gap": [None if n == 9 else 1.0 for n in range(ROWS)],
    })  # fmt: skip
    for name, part in (("a", table.slice(0, 90)), ("b", table.slice(90))):
        pyarrow.parquet.write_table(part, tmp_path / f"{name}.parquet", row_group_size=15)
    data = pyarrow.dataset.dataset(tmp_path)
    for columns in ((["x0", "x1", "x2"], "y"), ("x", "y")):
        assert same(trained(X, Y), trained(bp.Blocks(data, columns=columns)))
        in_order = trained(bp.Blocks(data, columns=columns, memory="16 KB"), shuffle=False)
        assert same(trained(X, Y, shuffle=False), in_order)
    for columns, message in (
        (("x", "z"), "columns: no column 'z' there; has x0, x1, x2, x, y, label, gap"),
        ((["x0", "x1", "gap"], "y"), r"block 0 \(row group 0 of a.parquet\): gap\[9\] is null"),
        ((["x0", "x1", "label"], "y"), "the first row: label: expected a column of numbers, got s"),
        ((["x0", "x"], "y"), "the first row: columns: 'x' holds lists, name it alone"),
    ):
        with pytest.raises((TypeError, ValueError), match=f"^{message}"):
            trained(bp.Blocks(data, columns=columns))
    with pytest.raises(ValueError, match=r"^rows_per_block: the blocks of Parquet"):
        trained(bp.Blocks(data, columns=("x", "y"), rows_per_block=4))


@pytest.mark.parametrize("size", [1, 7, 50, ROWS])
@pytest.mark.parametrize("memory", [SMALL, "1 MB"])
def test_iterators_of_batches(size: int, memory: str) -> None:
    def batches() -> Iterator[tuple[Any, Any]]:
        for start in range(0, ROWS, size):
            yield X[start : start + size], Y[start : start + size]
            yield X[:0], Y[:0]  # no row is no batch

    data = bp.Blocks(batches, memory=memory)
    assert same(trained(X, Y, shuffle=False), trained(data, shuffle=False))
    assert same(trained(data), trained(bp.Blocks(list(batches()), memory=memory)))
    if memory != SMALL:
        assert same(trained(X, Y), trained(data))


# Memory and threads


@pytest.mark.parametrize("kind", ["map", "batches"])
def test_the_bound_on_memory_holds(kind: str, tmp_path: Path) -> None:
    rows, bound = 100_000, 2_000_000
    np.save(tmp_path / "x.npy", np.ones((rows, 3), np.float32))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    y = np.broadcast_to(np.float64(1.0), (rows, 2))

    def batches() -> Iterator[tuple[Any, Any]]:
        for start in range(0, rows, 1000):
            yield np.ones((1000, 3)), y[start : start + 1000]

    data = bp.Blocks(x, y, memory=bound) if kind == "map" else bp.Blocks(batches, memory=bound)
    trained(X, Y)  # what is imported at the first call is not of the data
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in data.windows(Trainer()._block, np.random.default_rng(0), 32, True):
            pass
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    # All rows take 4 MB as the kernel wants them; of Python itself there is a little.
    assert 0.5 * bound < peak < 1.05 * bound


def test_no_thread_is_left_whatever_ends_the_training() -> None:
    data = bp.Blocks(X, Y, memory=SMALL)
    before = threading.active_count()
    trained(data)
    for _ in itertools.islice(data.windows(Trainer()._block, generator, 8, True), 2):
        pass
    gc.collect()
    trainer = Trainer()
    wrong = X.copy()
    wrong[150] = np.inf
    with pytest.raises(ValueError, match="is inf"):
        trainer.fit(bp.Blocks(wrong, Y, memory=SMALL))
    assert threading.active_count() == before


# What is wrong, in one line


def batches_of(*given: Any) -> Callable[[], Any]:
    return lambda: iter(given)


WITH_NAN = X.copy()
WITH_NAN[72, 1] = np.nan
REFUSED: dict[str, tuple[Callable[[], bp.Blocks], str]] = {
    "nothing": (lambda: bp.Blocks(), "Blocks: expected arrays, a dataset, or a callable, got noth"),
    "a number": (lambda: bp.Blocks(3), "Blocks: expected arrays, a dataset or a callable, got 3"),
    "numbers": (lambda: bp.Blocks(X, 3), "Blocks: array 1 is one number, expected rows"),
    "other rows": (lambda: bp.Blocks(X, Y[1:]), "Blocks: array 1 has 202 rows, array 0 has 203"),
    "no rows": (lambda: bp.Blocks(X[:0], Y[:0]), "Blocks: expected at least one row"),
    "an iterator": (lambda: bp.Blocks(iter([(X, Y)])), "Blocks: this iterator gives one epoch; ex"),
    "no memory": (lambda: bp.Blocks(X, Y, memory=0), "memory: expected bytes, or a text such as"),
    "a word": (lambda: bp.Blocks(X, Y, memory="much"), "memory: expected bytes, or a text such as"),
    "little memory": (
        lambda: bp.Blocks(X, Y, memory="1 KB", rows_per_block=30),
        r"memory: 1000 bytes are too few for two windows of a block; expected at least \d+, as a ",
    ),
    "rows_per_block": (
        lambda: bp.Blocks(X, Y, rows_per_block=0), "rows_per_block: expected an integer of at leas"
    ),
    "columns": (lambda: bp.Blocks(X, Y, columns="x"), r"columns: expected a pyarrow\.dataset of P"),
    "one array": (lambda: bp.Blocks(X), r"the first row: fit: expected 2 arrays \(x, y\), got 1"),
    "dtype": (
        lambda: bp.Blocks(X.astype(complex), Y), "the first row: x: expected real numbers, got dty"
    ),
    "shape": (lambda: bp.Blocks(Y, Y), r"the first row: x: expected shape \(N, 3\), got \(1, 2\)"),
    "not finite": (
        lambda: bp.Blocks(WITH_NAN, Y, rows_per_block=10),
        r"block 7 \(rows 70 to 79; row 0 is the first of these\): x\[2, 1\] is nan, expected a fin",
    ),
    "no batch": (lambda: bp.Blocks(batches_of()), "Blocks: the iterator gave no batch, expected"),
    "a batch of other rows": (
        lambda: bp.Blocks(batches_of((X, Y), (X, Y[1:]))),
        r"batch 1 of the epoch: expected arrays of as many rows, got shapes \(203, 3\), \(202, 2\)",
    ),
    "a batch of another shape": (
        lambda: bp.Blocks(batches_of((X, Y), (Y, Y))),
        r"batch 1 of the epoch: x: expected shape \(N, 3\), got \(203, 2\)",
    ),
    "a batch that is not finite": (
        lambda: bp.Blocks(batches_of((X, Y), (WITH_NAN, Y)), memory="200 KB"),
        r"batch 1 of the epoch.*: x\[\d+, 1\] is nan, expected a finite number",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_said_in_one_line(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises((TypeError, ValueError)) as found:
        trained(make())
    assert re.match(message, str(found.value)), found.value
    assert "\n" not in str(found.value)


def test_a_file_that_ends_early_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, X)
    data = bp.Blocks(np.load(path, mmap_mode="r"), Y, rows_per_block=10)
    os.truncate(path, 128 + 24 * 65 + 3)  # a map itself would end the process
    message = r"^block 6 \(rows 60 .*\): x.npy ends at byte 1691; expected 203 rows of 24 bytes"
    with pytest.raises(ValueError, match=message):
        trained(data, shuffle=False)


def test_rows_whose_length_changes_are_refused() -> None:
    n, t = bp.Index("n", "N"), bp.Index("t", "T")
    x, y = bp.input("x", n, t), bp.target("y", n)
    w = bp.parameter("w", initial=("normal", 0.1))
    cost = bp.tensor("C")
    program = bp.Program(
        [bp.Equation(cost, bp.Mean((bp.Sum(w * x[n, t], t) - y[n]) ** 2, n))], cost=cost
    )
    parts = [(np.ones((4, size)), np.ones(4)) for size in (5, 5, 6)]
    with pytest.raises(ValueError, match=r"array 0 has rows of shape \(6,\), \(5,\) before"):
        bp.compile(program).fit(bp.Blocks(parts), batch_size=2)


def test_ranks_take_arrays() -> None:
    class Alone:
        def rank(self) -> int:
            return 0

        def size(self) -> int:
            return 1

        def all_reduce(self, array: np.ndarray) -> None:
            pass

    trainer: Any = bp.compile(bp.mlp(3, 2), ranks=True)
    with pytest.raises(TypeError, match=r"^communicator: ranks take no blocks"):
        trainer.fit(bp.Blocks(X, Y), communicator=Alone())
    assert trainer.fit(bp.Blocks(X, Y)).epochs == 1
