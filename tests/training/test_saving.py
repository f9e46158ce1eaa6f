"""What a trainer saves, and what it refuses to load: nothing is read that does not fit."""

import io
import json
import os
import stat
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.targets.numba.runtime.stand_in import Trainer

ROOT = Path(__file__).parents[2]
X = np.random.default_rng(1).normal(size=(12, 3))
Y = X @ np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]]).T


def rewrite(path: Path, save: Any = np.savez, **changes: Any) -> None:
    """Change entries of a saved trainer, or with a dictionary, entries of its metadata."""
    with np.load(path) as file:
        entries = dict(file)
    metadata = json.loads(str(entries["metadata"])) | changes.pop("metadata", {})
    save(path, **{**entries, "metadata": np.array(json.dumps(metadata)), **changes})


def refusal(path: Path) -> str:
    with pytest.raises(ValueError, match="not a saved trainer of this program") as caught:
        Trainer.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    Trainer(seed=2).fit(X, Y, epochs=2).save(path)
    return path


def with_value(value: float, place: int = 4) -> np.ndarray:
    array = np.zeros(8)
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parameters": with_value(np.nan)}, r"parameters.W[1, 1] is nan, expected a finite"),
        ({"parameters": with_value(-np.inf, 7)}, "parameters.b[1] is -inf"),
        ({"state": with_value(np.inf)}, "state[4] is inf"),
        ({"metadata": {"epochs": -3}}, "epochs: expected at least 0, got -3"),
        ({"metadata": {"epochs": 2.0}}, "epochs: expected an integer, got 2.0"),
        ({"metadata": {"epochs": True}}, "epochs: expected an integer"),
        ({"metadata": {"epochs": "2"}}, "epochs: expected an integer"),
        ({"metadata": {"history": {"epoch": 1}}}, "history: expected a list"),
        ({"metadata": {"history": [1, 2]}}, "history: expected a list"),
        ({"metadata": {"generator": {"bit_generator": "PCG64"}}}, "state"),
        ({"metadata": {"hyperparameters": [1]}}, ""),
        ({"metadata": {"hyperparameters": {"learning_rate": 0.1}}}, "momentum: expected a number"),
        *(
            ({"metadata": {"hyperparameters": {"learning_rate": rate, "momentum": 0.5}}}, expected)
            for rate, expected in [
                (-1, "learning_rate: expected a number > 0, got -1"),
                (0, "learning_rate: expected a number > 0, got 0"),
                (float("nan"), "learning_rate: expected a finite number, got nan"),
                (float("inf"), "learning_rate: expected a finite number, got inf"),
                ("0.1", "learning_rate: expected a number, got '0.1'"),
                (None, "learning_rate: expected a number, got None"),
            ]
        ),
        *(
            ({"metadata": {"hyperparameters": {"learning_rate": 0.1, "momentum": mu}}}, expected)
            for mu, expected in [
                (1, "momentum: expected a number >= 0 and < 1, got 1"),
                (-0.1, "momentum: expected a number >= 0 and < 1, got -0.1"),
            ]
        ),
        ({"parameters": np.zeros(7)}, "expected an array (8,) of float64, got (7,) of float64"),
        ({"parameters": np.zeros((8, 1))}, "got (8, 1) of float64"),
        ({"state": np.zeros(8, ">f8")}, "got (8,) of >f8"),
        ({"state": np.zeros(8, complex)}, "got (8,) of complex128"),
        ({"metadata": {"signature": "other"}}, "saved by program other"),
    ],
)
def test_what_training_cannot_go_on_from_is_refused(
    saved: Path, changes: dict[str, Any], expected: str
) -> None:
    rewrite(saved, **changes)
    assert expected in refusal(saved)


def test_metadata_must_be_a_text_of_a_record(saved: Path) -> None:
    for metadata in (np.zeros(3), np.array(["a", "b"]), np.array("[]"), np.array("[" * 100_000)):
        with np.load(saved) as file:
            entries = dict(file)
        np.savez(saved, **{**entries, "metadata": metadata})
        refusal(saved)


BIG = 60_000_000


@pytest.mark.parametrize("entry", ["parameters", "state", "metadata"])
def test_a_small_file_that_would_unpack_to_much_is_refused_before_it_is_read(
    saved: Path, entry: str
) -> None:
    header = {"parameters": "(8,)", "state": f"({BIG // 8},)", "metadata": "()"}[entry]
    kind = f"<U{BIG // 4}" if entry == "metadata" else "<f8"
    described = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {header}, }}"
    start = described.ljust(117) + "\n"
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            with archive.open(name, "w", force_zip64=True) as file:
                if name == f"{entry}.npy":
                    file.write(b"\x93NUMPY\x01\x00" + len(start).to_bytes(2, "little"))
                    file.write(start.encode())
                    for _ in range(BIG // 10_000_000):
                        file.write(bytes(10_000_000))
                else:
                    file.write(content)
    assert saved.stat().st_size < BIG / 500
    tracemalloc.start()
    try:
        refusal(saved)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_recompressed_file_is_read_where_its_size_is_known(saved: Path) -> None:
    with np.load(saved) as file:
        entries = dict(file)
    with zipfile.ZipFile(saved, "w") as archive:
        for name, array in entries.items():
            archive.writestr(f"{name}.npy", npy(array), 0 if name == "metadata" else 8)
    assert Trainer.load(saved).epochs == 2


def npy(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def test_a_diverged_trainer_is_saved_and_not_loaded(tmp_path: Path) -> None:
    trainer = Trainer(learning_rate=1e200)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="the cost is"):
        trainer.fit(X, Y, epochs=3)
    trainer.save(tmp_path / "model.npz")
    assert "expected a finite number" in refusal(tmp_path / "model.npz")


def test_hyperparameters_are_those_of_the_optimizers_own_ranges() -> None:
    net = bp.mlp(1, 1)
    for optimizer, name, wrong in [
        (bp.SGD(0.1), "learning_rate", 0.0),
        (bp.Nesterov(0.1), "momentum", 1.0),
        (bp.RMSProp(), "decay", 1.0),
        (bp.Adam(), "beta2", -0.1),
        (bp.Adam(), "epsilon", 0.0),
        (bp.AdamW(), "weight_decay", -1.0),
    ]:
        trainer = bp.compile(net, optimizer).module.Trainer
        with pytest.raises(ValueError, match=f"{name}: expected a number"):
            trainer(**{name: wrong})
        with pytest.raises(bp.SymbpError, match=name):
            type(optimizer)(**{"learning_rate": 0.1, name: wrong})
    # An optimizer's name that the program has already gets another end, and the same range.
    learning_rate = bp.parameter("learning_rate")
    C = bp.tensor("C")
    own = bp.Program([bp.Equation(C, learning_rate[()] ** 2)], cost=C)
    trainer = bp.compile(own, bp.SGD(0.1)).module.Trainer
    (name,) = trainer().hyperparameters
    assert name != "learning_rate"
    with pytest.raises(ValueError, match=f"{name}: expected a number > 0"):
        trainer(**{name: 0})


@pytest.mark.skipif(os.name == "nt", reason="Windows has other kinds of files")
def test_saving_keeps_what_stands_at_the_path(tmp_path: Path) -> None:
    target, link = tmp_path / "target.npz", tmp_path / "link.npz"
    link.symlink_to(target)
    trainer = Trainer()
    trainer.save(link)
    target.chmod(0o640)
    trainer.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a pipe that nobody reads"):
        trainer.save(tmp_path / "pipe")
    trainer.save(os.devnull)
    assert sorted(os.listdir(tmp_path)) == ["link.npz", "pipe", "target.npz"]


WRITER = """
import sys
from symbp.targets.numba.runtime.stand_in import Trainer
trainer = Trainer(seed=int(sys.argv[2]))
for _ in range(60):
    trainer.save(sys.argv[1])
"""


def test_threads_and_processes_save_to_one_path_while_others_load(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    known = {Trainer(seed=seed)._flat.tobytes() for seed in range(5)}
    Trainer(seed=0).save(path)
    command = [sys.executable, "-c", WRITER, str(path)]
    processes = [subprocess.Popen([*command, str(seed)], cwd=ROOT) for seed in (1, 2)]
    done, damaged, reads = threading.Event(), [], []

    def save(seed: int) -> None:
        trainer = Trainer(seed=seed)
        while not done.is_set():
            trainer.save(path)

    def load() -> None:
        while not done.is_set():
            try:
                reads.append(Trainer.load(path)._flat.tobytes() in known)
            except ValueError as error:
                damaged.append(str(error))

    threads = [threading.Thread(target=save, args=(seed,)) for seed in (3, 4)]
    threads += [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert [process.wait() for process in processes] == [0, 0]
    done.set()
    for thread in threads:
        thread.join()
    assert not damaged
    assert all(reads)
    assert len(reads) > 20
    assert os.listdir(tmp_path) == ["model.npz"]
