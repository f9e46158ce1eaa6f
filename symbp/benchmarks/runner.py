"""Run a plan: one process after another, so that no two measurements disturb each other."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.memory import Memory
from symbp.benchmarks.rates import Bandwidth, Rates
from symbp.benchmarks.selection import Task
from symbp.benchmarks.timing import Effort
from symbp.benchmarks.workloads import Case

__all__ = ["Conditions", "Trouble", "environment", "run_task"]

_WORKER = ("-m", "symbp.benchmarks.worker")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


@dataclass(frozen=True)
class Conditions:
    """What a process found of the machine.

    Attributes
    ----------
    threads : str
        ``"1"`` or ``"all"``.
    rates : Rates
        What it measured before the timings.
    blas : str
        The kernels and threads of the BLAS libraries that were loaded.
    """

    threads: str
    rates: Rates
    blas: str


@dataclass(frozen=True)
class Trouble:
    """A process that ended early, after its last case.

    Attributes
    ----------
    reason : str
        One line.
    """

    reason: str


def run_task(task: Task, effort: Effort) -> Iterator[Measurement | Memory | Conditions | Trouble]:
    """Yield what a process measures, as it is measured.

    A process that ends early (a crash of a library, or a lack of memory) leaves its remaining
    cases as failed.
    """
    specification = {
        "peer": task.peer,
        "threads": task.threads,
        "memory": task.memory,
        "effort": asdict(effort),
        "cases": [case.to_json() for case in task.cases],
    }
    # A pipe for errors would fill up, and block the process, while its results are read.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            [sys.executable, *_WORKER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            text=True, encoding="utf-8", env=environment(task.threads),
        )  # fmt: skip
        done = 0
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(specification))
            process.stdin.close()
            for line in process.stdout:
                found = _parsed(json.loads(line), task.threads)
                done += isinstance(found, Measurement)
                yield found
            code = process.wait()
        finally:
            process.kill()  # where the caller was interrupted
            process.wait()
        if code == 0:
            return
        errors.seek(0)
        lines = errors.read().strip().splitlines() or ["no message"]
        reason = f"the process ended with {code}: {lines[-1]}"
        for case in task.cases[done:]:
            yield Measurement(case, task.peer, task.threads, "failed", reason)
        if done == len(task.cases):
            yield Trouble(reason)


def _parsed(entries: dict[str, Any], threads: str) -> Measurement | Memory | Conditions:
    if "measurement" in entries:
        return Measurement.from_json(entries["measurement"])
    if "memory" in entries:
        case = Case.from_json(entries["memory"]["case"])
        return Memory(**{**entries["memory"], "case": case})
    levels = tuple(Bandwidth(**level) for level in entries["rates"]["bandwidths"])
    return Conditions(threads, Rates(entries["rates"]["gemm"], levels), entries["blas"])


def environment(threads: str) -> dict[str, str]:
    """Return the environment of a process with one thread, or with what the machine has."""
    found = {name: value for name, value in os.environ.items() if name not in _THREAD_VARIABLES}
    if threads == "1":
        found.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    return found
