"""Whatever happens to the thread that calls a team, none of its members waits for ever."""

import _thread
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

import pytest

from symbp.targets.numba.runtime import team
from symbp.targets.numba.runtime.team import together


class Meeting:
    """A part that, as a kernel does, waits until all members have come."""

    def __init__(self, members: int) -> None:
        self.barrier = threading.Barrier(members)
        self.done: list[int] = []

    def __call__(self, member: int, members: int, first: int, last: int) -> float:
        if members > 1:
            self.barrier.wait(timeout=30)
        self.done.append(member)
        return 1.0


def settled(before: int) -> bool:
    """Whether the threads that were started have ended."""
    for _ in range(500):
        if running() <= before:
            return True
        time.sleep(0.01)
    return False


def running() -> int:
    # `threading.active_count` also counts one whose start was interrupted before it had begun.
    return len(sys._current_frames())


def lines_of_together() -> list[int]:
    """Return the lines that a call executes, with all that it calls in this file."""
    found: dict[int, None] = {}

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != team.__file__:
            return None
        if event == "line":
            found.setdefault(frame.f_lineno)
        return trace

    sys.settrace(trace)
    try:
        together(Meeting(3), 3, 0, 1)
    finally:
        sys.settrace(None)
    return list(found)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_at_any_line_leaves_no_thread_waiting(
    error: type[BaseException],
) -> None:
    lines = lines_of_together()
    assert len(lines) > 15
    before = running()
    for line in lines:
        part, raised = Meeting(3), []

        def interrupt(
            frame: FrameType, event: str, argument: Any, line: int = line, raised: Any = raised
        ) -> Any:
            if frame.f_code.co_filename != team.__file__:
                return None
            if event == "line" and frame.f_lineno == line and not raised:
                raised.append(line)
                raise error
            return interrupt

        sys.settrace(interrupt)
        try:
            together(part, 3, 0, 1)
        except error:
            pass
        finally:
            sys.settrace(None)
        assert raised == [line]
        assert settled(before), f"a thread waits after an interruption at line {line}"
        # All of it was done, or nothing (or, where no thread could start, by one).
        assert sorted(part.done) in ([], [0], [0, 1, 2]), line


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer")
def test_signals_at_any_moment_leave_no_thread_waiting() -> None:
    """The same with what Ctrl-C sends, at moments that nobody chooses."""
    before = running()
    handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupted = 0
    try:
        for attempt in range(200):
            part = Meeting(2)
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-5 + attempt * 4e-6)
                together(part, 2, 0, 1)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
            assert sorted(part.done) in ([], [0, 1])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert interrupted
    assert settled(before)


def test_an_interrupted_call_returns_when_its_members_have_finished() -> None:
    done: list[int] = []
    caller = threading.get_ident()

    def part(member: int, members: int, first: int, last: int) -> float:
        if member == 0:
            signal.pthread_kill(caller, signal.SIGINT)
        time.sleep(0.1)
        done.append(member)
        return 1.0

    with pytest.raises(KeyboardInterrupt):
        together(part, 2, 0, 1)
    assert sorted(done) == [0, 1], "the parameters would still change"


def test_an_error_of_a_member_is_an_error_of_the_call() -> None:
    def part(member: int, members: int, first: int, last: int) -> float:
        raise MemoryError("no memory")

    with pytest.raises(MemoryError, match="no memory"):
        together(part, 2, 0, 1)


def test_members_wait_for_each_other_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "LONGEST_WAIT", 0.05)
    started: list[tuple[int, int]] = []
    start = _thread.start_new_thread

    def slowly(*arguments: Any) -> None:
        start(*arguments)
        time.sleep(0.2)

    def part(member: int, members: int, first: int, last: int) -> float:
        started.append((member, members))
        return 2.0

    monkeypatch.setattr(_thread, "start_new_thread", slowly)
    assert together(part, 2, 0, 1)[0] == 2.0
    assert started == [(0, 1)]


def test_a_part_returns_what_the_first_member_does() -> None:
    result, seconds = together(lambda member, *rest: 5.0 - member, 3, 0, 1)
    assert result == 5.0
    assert 0 < seconds < 10
