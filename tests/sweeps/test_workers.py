"""Workers that are processes, and what happens when they, or the sweep's own, are killed."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp

pytest.importorskip("joblib", reason="the extra sweep")
linux = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(400, 4))
Y = (X[:, :3] ** 2).argmax(axis=1)


def make(units: int, rate: float) -> Any:
    net = bp.mlp(4, units, 3, activation="tanh", loss="softmax_cross_entropy")
    return net, bp.Adam(rate)


def swept(epochs: int = 2, seeds: int = 2, **options: Any) -> bp.Sweep:
    grid = {"units": [5], "rate": [0.01, 0.03]}
    return bp.sweep(make, grid, X, Y, cv=3, seeds=seeds, epochs=epochs, **options)


@pytest.mark.slow
@pytest.mark.optimised  # a worker compiles as users do
def test_two_processes_give_what_one_gives() -> None:
    assert swept(workers=2).rows(timing=False) == swept(workers=1).rows(timing=False)


def workers() -> list[int]:
    """Return joblib's processes of this one."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_text()
        except (OSError, IndexError):
            continue  # no process, or one that has ended
        if parent == os.getpid() and "popen_loky" in command:
            found.append(int(entry.name))
    return found


@linux
@pytest.mark.slow
@pytest.mark.optimised
def test_a_killed_worker_costs_what_was_on_its_way() -> None:
    options = {"epochs": 60, "seeds": 30}
    wanted = swept(workers=1, **options).rows(timing=False)
    killed = 0
    ended = threading.Event()

    def kill() -> None:
        nonlocal killed
        draws = random.Random(0)
        # Each is tried again alone before the next is killed: a new process takes seconds.
        while not ended.wait(draws.uniform(1.0, 4.0)) and killed < 3:
            for pid in workers()[:1]:
                os.kill(pid, signal.SIGKILL)
                killed += 1

    killer = threading.Thread(target=kill)
    killer.start()
    found = swept(workers=2, **options)
    ended.set()
    killer.join()
    assert killed
    for row, other in zip(found.rows(timing=False), wanted, strict=True):
        assert row == other or row["message"] == "worker ended"


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from test_workers import swept
swept(epochs=60, seeds=30, workers=2, store=sys.argv[2])
"""


@linux
@pytest.mark.slow
@pytest.mark.optimised
def test_a_killed_sweep_goes_on_and_gives_the_undisturbed_table(tmp_path: Path) -> None:
    store = tmp_path / "results.sqlite"
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(store)]
    for _ in range(2):
        process = subprocess.Popen(command)
        rows = kept(store)
        until = time.monotonic() + 120
        while process.poll() is None and kept(store) <= rows and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()
        process.wait()
        assert kept(store) > rows
    found = swept(epochs=60, seeds=30, workers=1, store=store)
    wanted = swept(epochs=60, seeds=30, workers=1)
    assert found.rows(timing=False) == wanted.rows(timing=False)


def kept(store: Path) -> int:
    import sqlite3

    if not store.exists():
        return 0
    connection = sqlite3.connect(store)
    try:
        (count,) = connection.execute("SELECT count(*) FROM results").fetchone()
    except sqlite3.OperationalError:  # it has no table yet
        return 0
    finally:
        connection.close()
    return int(count)
