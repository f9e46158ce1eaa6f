"""Training over ranks: the same as one process with all rows, and the same bits on all ranks."""

import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp

ROOT = Path(__file__).parents[2]


class Threads:
    """A rank among threads of one process, which add up in the order of the ranks."""

    def __init__(self, own: int, all_ranks: list[Any], barrier: threading.Barrier) -> None:
        self.own, self.all, self.barrier = own, all_ranks, barrier

    def rank(self) -> int:
        return self.own

    def size(self) -> int:
        return len(self.all)

    def all_reduce(self, array: np.ndarray) -> None:
        self.all[self.own] = array.copy()
        self.barrier.wait(60)
        total = sum(self.all[1:], self.all[0].copy())
        self.barrier.wait(60)
        array[...] = total


def together(size: int, train: Callable[[int, Threads], Any]) -> list[Any]:
    """Return what each rank returns, or the error that it raises."""
    barrier, shared, found = threading.Barrier(size), [None] * size, [None] * size

    def run(rank: int) -> None:
        try:
            found[rank] = train(rank, Threads(rank, shared, barrier))
        except Exception as error:
            found[rank] = error  # the others meet it, or their wait ends in an error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def networks() -> dict[str, bp.Program]:
    plain = {"bias": False}
    return {
        "dense": bp.mlp(4, 5, 3, activation="tanh", loss="softmax_cross_entropy"),
        "normalised": bp.Network(
            [bp.Dense(5, **plain), bp.BatchNorm1d(), bp.Activation("tanh"), bp.Dense(3)],
            input=4, loss="softmax_cross_entropy",
        ),
        "dropout": bp.Network(
            [bp.Dense(5, "tanh"), bp.Dropout(0.3), bp.Dense(3)],
            input=4, loss="softmax_cross_entropy",
        ),
    }  # fmt: skip


@cache
def data(rows: int = 23) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.normal(size=(rows, 4)), generator.integers(0, 3, rows)


@pytest.mark.parametrize("name", ["dense", "normalised", "dropout"])
@pytest.mark.parametrize("cuts", [(0, 23), (0, 1, 9, 23)])
def test_as_one_process_with_all_rows(name: str, cuts: tuple[int, ...]) -> None:
    net, (x, y) = networks()[name], data()

    def train(rank: int, comm: Any) -> Any:
        rows = slice(cuts[rank], cuts[rank + 1])
        trainer: Any = bp.compile(net, bp.Adam(0.01), seed=5, ranks=True)
        # Of 23 rows in batches of 6, some ranks have none in a batch; the last batch is short.
        return trainer.fit(x[rows], y[rows], epochs=4, batch_size=6, communicator=comm)

    alone = bp.compile(net, bp.Adam(0.01), seed=5).fit(x, y, epochs=4, batch_size=6)
    trainers = together(len(cuts) - 1, train)
    for trainer in trainers:
        assert not isinstance(trainer, Exception), trainer
        assert [h["cost"] for h in trainer.history] == pytest.approx(
            [h["cost"] for h in alone.history], rel=1e-12
        )
        for got, first, expected in zip(
            trainer.parameters, trainers[0].parameters, alone.parameters, strict=True
        ):
            assert np.array_equal(got, first)
            assert np.abs(got - expected).max() <= 1e-11 * max(1, np.abs(expected).max())


def test_epochs_with_and_without_others_may_alternate() -> None:
    (x, y), net = data(), networks()["dense"]
    made: Any = bp.compile(net, bp.Adam(0.01), ranks=True)
    made.fit(x, y, epochs=2)
    (trainer,) = together(1, lambda _, comm: made.fit(x, y, epochs=2, communicator=comm))
    alone = bp.compile(net, bp.Adam(0.01)).fit(x, y, epochs=4)
    assert trainer.epochs == 4
    assert trainer.history[-1]["cost"] == pytest.approx(alone.history[-1]["cost"], rel=1e-12)
    copied = pickle.loads(pickle.dumps(trainer))
    assert np.array_equal(copied.parameters.W1, trainer.parameters.W1)


def test_a_checkpoint_goes_on_with_another_number_of_ranks(tmp_path: Path) -> None:
    (x, y), net = data(), networks()["dropout"]
    path = tmp_path / "checkpoint.npz"
    kind: Any = type(bp.compile(net, bp.Adam(0.01), ranks=True))

    def begin(rank: int, comm: Any) -> Any:
        rows = slice(0, 10) if rank == 0 else slice(10, 23)
        trainer = kind(seed=2).fit(x[rows], y[rows], epochs=2, batch_size=8, communicator=comm)
        if rank == 0:
            trainer.save(path)
        return trainer

    assert all(isinstance(each, kind) for each in together(2, begin))

    def go_on(rank: int, comm: Any) -> Any:
        rows = (slice(0, 4), slice(4, 11), slice(11, 23))[rank]
        return kind.load(path).fit(x[rows], y[rows], epochs=2, batch_size=8, communicator=comm)

    alone = kind(seed=2).fit(x, y, epochs=4, batch_size=8)
    for trainer in together(3, go_on):
        assert np.abs(trainer.parameters.W1 - alone.parameters.W1).max() <= 1e-12


def test_weights_and_stopping_early_are_agreed_upon() -> None:
    weighted = bp.Network([bp.Dense(3)], input=4, loss="softmax_cross_entropy", sample_weight=True)
    x, y = data()
    weights = np.linspace(0, 2, 23)

    def train(rank: int, comm: Any) -> Any:
        rows = slice(0, 9) if rank == 0 else slice(9, 23)
        trainer: Any = bp.compile(weighted, bp.SGD(0.5), ranks=True)
        return trainer.fit(
            x[rows], y[rows], sample_weight=weights[rows], epochs=50, communicator=comm,
            # Only one of them asks for the end.
            callback=lambda epoch, record: rank == 1 and epoch == 3,
        )  # fmt: skip

    alone = bp.compile(weighted, bp.SGD(0.5)).fit(x, y, sample_weight=weights, epochs=3)
    for trainer in together(2, train):
        assert trainer.epochs == 3
        assert trainer.history[-1]["cost"] == pytest.approx(alone.history[-1]["cost"], rel=1e-12)


def test_a_difference_stops_all_and_says_where() -> None:
    x, y = data()

    def train(rank: int, comm: Any) -> Any:
        trainer: Any = bp.compile(networks()["dense"], ranks=True)

        def spoil(epoch: int, record: Any) -> None:
            if rank == 1 and epoch == 2:
                trainer.parameters.W2[0, 0] = np.nextafter(trainer.parameters.W2[0, 0], 9)

        return trainer.fit(x, y, epochs=5, communicator=comm, callback=spoil)

    for error in together(3, train):
        assert re.search(r"rank \d of 3: W2 differs between the ranks after 6 steps", str(error))


def test_a_sum_that_differs_is_found_in_the_next_step() -> None:
    x, y = data()

    class Faulty(Threads):
        def all_reduce(self, array: np.ndarray) -> None:
            super().all_reduce(array)
            if self.own == 1 and len(array) > 40:
                array[7] = np.nextafter(array[7], 9)

    def train(rank: int, comm: Threads) -> Any:
        trainer: Any = bp.compile(networks()["dense"], ranks=True)
        faulty = Faulty(comm.own, comm.all, comm.barrier)
        return trainer.fit(x, y, epochs=5, batch_size=8, communicator=faulty)

    for error in together(2, train):
        assert "sum 0 differs between the ranks after 1 steps" in str(error)


@pytest.mark.parametrize("what", ["batch_size", "seed", "rows"])
def test_ranks_that_are_called_otherwise(what: str) -> None:
    x, y = data()

    def train(rank: int, comm: Any) -> Any:
        seed = rank if what == "seed" else 0
        trainer: Any = bp.compile(networks()["dense"], seed=seed, ranks=True)
        rows = np.zeros((0, 4)) if what == "rows" and rank == 1 else x
        size = 8 + rank if what == "batch_size" else 8
        return trainer.fit(rows, y[: len(rows)], batch_size=size, communicator=comm)

    first, second = together(2, train)
    if what == "rows":
        assert "another rank refused what it was given" in str(first)
        assert "expected at least one row" in str(second)
    else:
        assert "the ranks do not train in one way" in str(first)
        assert "the ranks do not train in one way" in str(second)


def test_what_is_no_communicator() -> None:
    x, y = data()
    trainer: Any = bp.compile(networks()["dense"], ranks=True)
    with pytest.raises(TypeError, match=r"communicator: expected one of mpi4py.*got 3$"):
        trainer.fit(x, y, communicator=3)
    plain: Any = bp.compile(networks()["dense"])
    with pytest.raises(TypeError, match="communicator"):
        plain.fit(x, y, communicator=3)


@pytest.mark.parametrize("value", [1, "yes", None])
def test_ranks_is_true_or_false(value: Any) -> None:
    with pytest.raises(bp.SymbpError, match="ranks: expected True or False"):
        bp.compile(networks()["dense"], ranks=value)


def test_other_targets_refuse_it(tmp_path: Path) -> None:
    with pytest.raises(bp.SymbpError, match="ranks: only target 'numba' takes it"):
        bp.generate(networks()["dense"], tmp_path / "net.c", target="c", ranks=True)


SCRIPT = """
import os, sys
import numpy as np
import symbp as bp

engine = sys.argv[1]
if engine == "mpi":
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    rank, size = comm.Get_rank(), comm.Get_size()
else:
    import torch.distributed as dist

    rank, size = int(sys.argv[2]), int(sys.argv[3])
    dist.init_process_group("gloo", init_method=f"file://{sys.argv[4]}", rank=rank, world_size=size)
    comm = dist.group.WORLD
generator = np.random.default_rng(0)
x, y = generator.normal(size=(23, 4)), generator.integers(0, 3, 23)
net = bp.mlp(4, 5, 3, activation="tanh", loss="softmax_cross_entropy")
ends = np.linspace(0, 23, size + 1).astype(int)
rows = slice(ends[rank], ends[rank + 1])
trainer = bp.compile(net, bp.Adam(0.01), ranks=True)
trainer.fit(x[rows], y[rows], epochs=25, batch_size=6, communicator=comm)
alone = bp.compile(net, bp.Adam(0.01)).fit(x, y, epochs=25, batch_size=6)
pairs = zip(trainer.parameters, alone.parameters)
print("largest difference", max(float(np.abs(a - b).max()) for a, b in pairs), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["mpi", "gloo"])
def test_engines(engine: str, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    if engine == "mpi":
        pytest.importorskip("mpi4py")
        mpiexec = Path(sys.executable).with_name("mpiexec")
        if not mpiexec.exists():
            pytest.skip("no mpiexec beside this Python")
        commands = [[str(mpiexec), "-n", "2", sys.executable, str(script), "mpi"]]
    else:
        pytest.importorskip("torch")
        commands = [
            [sys.executable, str(script), "gloo", str(rank), "2", str(tmp_path / "store")]
            for rank in range(2)
        ]
    running = [
        subprocess.Popen(
            c, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for c in commands
    ]
    output = "".join(each.communicate(timeout=300)[0] for each in running)
    found = [float(value) for value in re.findall(r"largest difference (\S+)", output)]
    assert len(found) == 2, output
    assert max(found) <= 1e-12
