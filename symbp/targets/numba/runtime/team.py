"""An epoch run by a team of threads: the memory that they share, and how many there are.

Every member runs a kernel over its own ranges of rows and of parameters, and waits for the
others where it needs what they computed. The results do not depend on the number of members, so
that it can be chosen while training: one thread and the whole team are timed now and then, and the
faster one works. On a machine whose cores are busy that is one thread.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import _thread
import contextlib
import ctypes
import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray


def yield_function() -> Any:
    """Return the system's call that lets another thread run on this core."""
    if os.name == "nt":
        return ctypes.WinDLL("kernel32").SwitchToThread  # type: ignore[attr-defined]
    return ctypes.CDLL(None).sched_yield


# Kept here because machine code holds its address.
YIELD_FUNCTION = yield_function()
binding.add_symbol("symbp_yield", ctypes.cast(YIELD_FUNCTION, ctypes.c_void_p).value)
CURRENT_CORE = None if os.name == "nt" else getattr(ctypes.CDLL(None), "sched_getcpu", None)
# About ten microseconds; whoever is still not there is probably not running.
SPINS = 500


@intrinsic
def wait_for_team(typing_context: Any, team: Any, members: Any, arrived: Any) -> Any:
    """Wait until every member has come here; return the count of arrivals to start from next.

    What a member wrote before it arrived is seen by all who waited. Written as instructions,
    because Numba would take a tenth of a second to compile a function.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        number, before = (
            context.cast(builder, arguments[place], signature.args[place], types.int64)
            for place in (1, 2)
        )
        integer = ir.IntType(64)
        one, zero = ir.Constant(integer, 1), ir.Constant(integer, 0)
        target = builder.add(before, number)
        spins = cgutils.alloca_once_value(builder, zero)
        with builder.if_then(builder.icmp_signed(">", number, one)):
            builder.atomic_rmw("add", array.data, one, "seq_cst")
            ask, rest, done = (builder.append_basic_block(name) for name in ("ask", "rest", "met"))
            builder.branch(ask)
            builder.position_at_end(ask)
            count = builder.load_atomic(array.data, "seq_cst", 8)
            builder.cbranch(builder.icmp_signed("<", count, target), rest, done)
            builder.position_at_end(rest)
            if platform.machine().lower() in ("x86_64", "amd64"):
                nothing = ir.FunctionType(ir.VoidType(), [])
                name = "llvm.x86.sse2.pause"
                builder.call(cgutils.get_or_insert_function(builder.module, nothing, name), [])
            turns = builder.add(builder.load(spins), one)
            builder.store(turns, spins)
            with builder.if_then(builder.icmp_signed(">", turns, ir.Constant(integer, SPINS))):
                kind = ir.FunctionType(ir.IntType(32), [])
                name = "symbp_yield"
                builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
            builder.branch(ask)
            builder.position_at_end(done)
        return target

    return types.int64(team, members, arrived), generate


# Choosing how many

# Multiplications of a step that are worth a second thread: some microseconds.
WORTHWHILE = 200_000
# Seconds: how long a trial takes, how long the better choice then works, how long the other one
# is left alone at first, and at most.
TRIAL, STRETCH, PATIENCE, MOST_PATIENCE = 0.004, 0.02, 0.1, 2.0
# Steps of a trial at least, if they take no longer than so many seconds.
TRIAL_STEPS, LONGEST_TRIAL = 4, 0.1
# How often each is tried before the first choice; the first time is a single step.
TRIALS = 4


def available_threads() -> int:
    """Return how many threads may run: this process's cores, or fewer if the user said so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")]
    return max(1, min([cores or 1, *(int(n) for n in limits if n.isdecimal() and int(n) > 0)]))


class Pace:
    """What one thread and the whole team take for a step, for one batch size.

    The slower one is tried again after a while, and less often each time that it loses again.
    """

    def __init__(self, members: int) -> None:
        self.choices = [1, members]
        self.seconds: dict[int, float] = {}
        self.trials = 0
        self.patience = PATIENCE
        self.tried = 0.0

    def next(self) -> tuple[int, int]:
        """Return how many members take the next steps, and how many steps those are."""
        if self.trials < TRIALS * len(self.choices):
            members = self.choices[self.trials % len(self.choices)]
            # One step says how many are a trial.
            return members, self.steps_of_trial(members) if members in self.seconds else 1
        best, other = sorted(self.choices, key=lambda members: self.seconds[members])
        if time.perf_counter() - self.tried > self.patience:
            return other, self.steps_of_trial(other)
        return best, max(1, int(STRETCH / self.seconds[best]))

    def steps_of_trial(self, members: int) -> int:
        """Return how many steps tell what one takes: in the first the caches are still empty."""
        seconds = self.seconds[members]
        return max(1, int(TRIAL / seconds), min(TRIAL_STEPS, int(LONGEST_TRIAL / seconds)))

    def note(self, members: int, steps: int, seconds: float) -> None:
        """Take in what some steps took."""
        found = max(seconds / steps, 1e-9)
        if self.trials < TRIALS * len(self.choices):
            # What disturbs makes a trial slower, never faster.
            self.seconds[members] = min(found, self.seconds.get(members, found))
            self.trials += 1
            self.tried = time.perf_counter()
            return
        best = min(self.choices, key=lambda number: self.seconds[number])
        self.seconds[members] = found
        if members != best:
            lost = found == max(self.seconds.values())
            self.patience = min(2 * self.patience, MOST_PATIENCE) if lost else PATIENCE
            self.tried = time.perf_counter()


# Seconds for all members to come; where they take longer, one of them does the work.
LONGEST_WAIT = 60.0


def cores_beside_this() -> tuple[set[int], set[int]]:
    """Return the cores that this thread may use, and those of them that it is not on now."""
    if not hasattr(os, "sched_getaffinity") or CURRENT_CORE is None:
        return set(), set()
    cores = os.sched_getaffinity(0)
    return cores, cores - {CURRENT_CORE()}


def use_cores(cores: set[int]) -> None:
    """Let this thread run on some cores only, if there are any."""
    if cores:
        with contextlib.suppress(OSError):  # they were taken away in the meantime
            os.sched_setaffinity(0, cores)


def together(
    part: Callable[..., float], members: int, first: int, last: int
) -> tuple[float, float]:
    """Run `part` by some members, each in a thread of its own.

    They begin when all are there: one that is missing would be waited for without end. The caller
    is none of them, because it can be interrupted at any time, and they cannot. Returned are what
    the first one returns, and the seconds from when they began.
    """
    if members == 1:
        start = time.perf_counter()
        return part(0, 1, first, last), time.perf_counter() - start
    team = Team(part, members, first, last)
    try:
        # The first one comes last, and begins without having slept. Not by `threading.Thread`: an
        # interruption of its start can leave a lock behind that the new thread waits for.
        for member in (*range(1, members), 0):
            _thread.start_new_thread(team.run, (member,))
        team.wait()
    except BaseException as error:
        # Whoever waits for the others is sent away; or all came, and they work to the end.
        team.dismiss()
        team.wait()
        if not isinstance(error, RuntimeError):  # the system allows no more threads
            raise
    if team.errors:
        raise team.errors[0]
    if not team.complete:
        return together(part, 1, first, last)
    return team.result, time.perf_counter() - team.start


class Team:
    """Threads that begin together, or not at all: the last one to come decides."""

    def __init__(self, part: Callable[..., float], members: int, first: int, last: int) -> None:
        self.part, self.arguments = part, (members, first, last)
        self.missing, self.working = members, members
        self.decided, self.lock, self.bell = threading.Event(), threading.Lock(), threading.Lock()
        self.bell.acquire()
        self.complete = self.over = False
        self.result, self.start = 0.0, 0.0
        self.errors: list[BaseException] = []
        self.cores, self.elsewhere = cores_beside_this()

    def run(self, member: int) -> None:
        """Wait for the others, and do a member's part."""
        # Linux likes to wake a thread on the core of the one that wakes it, and takes tens of
        # milliseconds to find out that both are busy. So the first one has the core of the caller,
        # who waits, for itself until they begin.
        use_cores(self.elsewhere if member else self.cores - self.elsewhere)
        with self.lock:
            self.missing -= 1
            if not self.missing and not self.decided.is_set():
                self.complete = True
                self.start = time.perf_counter()
                self.decided.set()
        if not self.decided.wait(LONGEST_WAIT):
            self.dismiss()  # the caller is gone
        use_cores(self.cores)
        if not self.complete:
            return
        try:
            result = self.part(member, *self.arguments)
            if member == 0:
                self.result = result
        except BaseException as error:
            self.errors.append(error)
        with self.lock:
            self.working -= 1
            if not self.working:
                self.over = True
                self.bell.release()

    def wait(self) -> None:
        """Wait until no member works; the caller may be interrupted here, and wait again."""
        while not self.over:
            self.bell.acquire(timeout=0.05)

    def dismiss(self) -> None:
        """Let those who came go, unless all did."""
        with self.lock:
            self.decided.set()
            if not self.complete:
                self.over = True


class TeamEpoch:
    """An epoch in parts, run by as many threads as are fastest.

    Parameters
    ----------
    part : callable
        The kernel of a member's part.
    buffers : sequence of (int, int)
        What each buffer of a step takes: elements for each example, and besides.
    multiplications : int
        Of one example, in the matrix products of a step.
    dtype : dtype
        Of the buffers.
    """

    def __init__(
        self,
        part: Callable[..., float],
        buffers: Sequence[tuple[int, int]],
        multiplications: int,
        dtype: np.dtype[Any],
    ) -> None:
        self.part, self.buffers, self.dtype = part, buffers, dtype
        self.multiplications = multiplications
        # By batch size and number of threads.
        self.paces: dict[tuple[int, int], Pace] = {}

    def workspace(self, batch_size: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return memory for all buffers of a step, and where each starts; on cache lines."""
        line = 64 // self.dtype.itemsize
        offsets = np.zeros(len(self.buffers) + 1, np.int64)
        for position, (an_example, besides) in enumerate(self.buffers):
            size = an_example * batch_size + besides
            offsets[position + 1] = offsets[position] + -(-size // line) * line
        memory = np.empty(int(offsets[-1]) + line, self.dtype)
        first = -(memory.ctypes.data // self.dtype.itemsize) % line
        return memory[first:], offsets

    def __call__(
        self,
        parameters: NDArray[Any],
        state: NDArray[Any],
        hyperparameters: NDArray[Any],
        order: NDArray[np.int64],
        batch_size: int,
        *arrays: NDArray[Any],
    ) -> float:
        """Run an epoch; return the mean cost over its batches."""
        memory, offsets = self.workspace(batch_size)
        team = np.zeros(16, np.int64)

        def part(member: int, members: int, first: int, last: int) -> float:
            return float(
                self.part(
                    parameters, state, hyperparameters, order[first:last], batch_size,
                    memory, offsets, team, member, members, *arrays,
                )
            )  # fmt: skip

        steps = -(-len(order) // batch_size)
        worthwhile = self.multiplications * batch_size >= WORTHWHILE
        threads = available_threads() if worthwhile else 1
        if threads == 1:
            return part(0, 1, 0, len(order)) / len(order)
        if not getattr(self.part, "signatures", ()):
            part(0, 1, 0, 0)  # compiles, before there is a team to wait
        pace = self.paces.setdefault((batch_size, threads), Pace(threads))
        total, done = 0.0, 0
        while done < steps:
            members, count = pace.next()
            first, last = done * batch_size, min((done + count) * batch_size, len(order))
            team[:] = 0
            cost, seconds = together(part, members, first, last)
            total += cost
            taken = min(count, steps - done)
            pace.note(members, taken, seconds)
            done += taken
        return total / len(order)
