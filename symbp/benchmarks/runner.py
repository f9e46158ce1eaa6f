"""Run a plan: one process after another, so that no two measurements disturb each other."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from typing import Any

from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.memory import Memory
from symbp.benchmarks.rates import Bandwidth, Rates
from symbp.benchmarks.selection import Task
from symbp.benchmarks.timing import Effort
from symbp.benchmarks.workloads import Case

__all__ = ["PATIENCE", "Conditions", "Trouble", "environment", "run_task"]

# Seconds. The slowest there is, torch.compile of ten steps in one graph, takes a minute or two.
PATIENCE = 600.0

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


def run_task(
    task: Task, effort: Effort, folder: str, patience: float = PATIENCE
) -> Iterator[Measurement | Memory | Conditions | Trouble]:
    """Yield what processes measure, as it is measured.

    A process that ends early (a crash of a library, or a lack of memory), or says nothing for too
    long, leaves the case that it was at as failed; another one goes on with those after it.

    Parameters
    ----------
    task : Task
        What to measure.
    effort : Effort
        Of each pair.
    folder : str
        For the caches of compilers: those of a whole run, which may be common to many processes.
    patience : float
        Seconds after which a process that has said nothing is ended.
    """
    left = task.cases
    while True:
        done, reason = 0, ""
        for found in _process(task, left, effort, folder, patience):
            if isinstance(found, _Ended):
                reason = found.reason
                # It may have left something half written.
                shutil.rmtree(_common_cache(folder), ignore_errors=True)
            else:
                done += isinstance(found, Measurement)
                yield found
        if not reason:
            return
        if done == len(left):
            yield Trouble(reason)
            return
        yield Measurement(left[done], task.peer, task.threads, "failed", reason)
        left = left[done + 1 :]
        if not left and not task.memory:
            return


@dataclass(frozen=True)
class _Ended:
    """How a process ended that should not have."""

    reason: str


def _process(
    task: Task, cases: tuple[Case, ...], effort: Effort, folder: str, patience: float
) -> Iterator[Measurement | Memory | Conditions | _Ended]:
    specification = {
        "peer": task.peer,
        "threads": task.threads,
        "memory": [case.to_json() for case in task.cases if task.memory and case.measure == "step"],
        "effort": asdict(effort),
        "cases": [case.to_json() for case in cases],
    }
    with ExitStack() as stack:
        # A pipe for errors would fill up, and block the process, while its results are read.
        errors = stack.enter_context(
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        )
        scratch = stack.enter_context(
            tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True)
        )
        process = subprocess.Popen(
            [sys.executable, *_WORKER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            text=True, encoding="utf-8", start_new_session=True,
            env=environment(task.threads, folder, scratch),
        )  # fmt: skip
        stack.enter_context(process)
        stack.callback(_end_running, process)  # where the caller was interrupted
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # it ended before it read: its code says why
            process.stdin.write(json.dumps(specification))
            process.stdin.close()
        late = threading.Event()
        while True:
            clock = threading.Timer(patience, _end_late, (process, late))
            clock.start()
            try:
                line = process.stdout.readline()
            finally:
                clock.cancel()
            if not line.endswith("\n"):
                break
            yield _parsed(json.loads(line), task.threads)
        code = process.wait()
        if late.is_set():
            yield _Ended(f"no result after {patience:.0f} s, the process was ended")
        elif code:
            errors.seek(0)
            lines = errors.read().strip().splitlines() or ["no message"]
            yield _Ended(f"the process ended with {code}: {lines[-1][:200]}")


def _end_late(process: "subprocess.Popen[str]", late: threading.Event) -> None:
    late.set()
    _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    """End a process with those that it started, such as the compilers of torch.compile."""
    with suppress(OSError):  # none of them is there any more
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _end_running(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        _end(process)


def _parsed(entries: dict[str, Any], threads: str) -> Measurement | Memory | Conditions:
    if "measurement" in entries:
        return Measurement.from_json(entries["measurement"])
    if "memory" in entries:
        case = Case.from_json(entries["memory"]["case"])
        return Memory(**{**entries["memory"], "case": case})
    levels = tuple(Bandwidth(**level) for level in entries["rates"]["bandwidths"])
    return Conditions(threads, Rates(entries["rates"]["gemm"], levels), entries["blas"])


def environment(threads: str, folder: str, scratch: str) -> dict[str, str]:
    """Return the environment of a process with one thread, or with what the machine has.

    Parameters
    ----------
    threads : {"1", "all"}
        The setting.
    folder, scratch : str
        Where compilers keep their caches: a folder of the run, and one in it of this process. In
        the user's, a run that was interrupted may leave something half written.
    """
    found = {name: value for name, value in os.environ.items() if name not in _THREAD_VARIABLES}
    if threads == "1":
        found.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    found["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(scratch, "inductor")
    found["TRITON_CACHE_DIR"] = os.path.join(scratch, "triton")
    flags = [found[name] for name in ("PYTENSOR_FLAGS",) if found.get(name)]
    found["PYTENSOR_FLAGS"] = ",".join([*flags, f"base_compiledir={_common_cache(folder)}"])
    return found


def _common_cache(folder: str) -> str:
    # PyTensor compiles each operation for half a minute, and needs the same ones for all networks.
    return os.path.join(folder, "pytensor")
