"""Workers that end: what was on its way is tried once more, run by run, and no more than that."""

import contextlib
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from symbp.notation.errors import SymbpError
from symbp.sweeps.dispatch import WORKER_ENDED, Workers, outcomes
from symbp.sweeps.runs import Outcome, Run, Task

RUNS = [Run(number, number, 0, 1, 1, None, {}) for number in range(40)]


class Stand:
    """Stands for workers: two tasks are on their way at a time; some runs end their worker."""

    count = 2

    def __init__(self, deadly: dict[int, int], seconds: float = 0.1) -> None:
        self.deadly, self.seconds, self.sent = dict(deadly), seconds, []

    @contextlib.contextmanager
    def started(self) -> Iterator["Stand"]:
        yield self

    def results(self, tasks: Iterator[Task], layout: Any, arrays: Any) -> Iterator[list[Outcome]]:
        flying: list[Task] = []
        while True:
            flying += [task for _, task in zip(range(2 - len(flying)), tasks, strict=False)]
            if not flying:
                return
            task = flying.pop(0)
            self.sent.append([run.number for run in task.runs])
            for run in task.runs:
                if self.deadly.get(run.number, 0) > 0:
                    self.deadly[run.number] -= 1
                    raise BrokenProcessPool("a process ended")
            yield [
                Outcome(run.number, "done", "", 1, 0.0, None, None, self.seconds, "here")
                for run in task.runs
            ]


def found(stand: Stand, groups: Any = None) -> dict[int, str]:
    groups = [(lambda: b"", RUNS)] if groups is None else groups
    rows = [row for rows in outcomes(stand, groups, None, ()) for row in rows]
    numbers = [row.number for row in rows]
    assert sorted(numbers) == sorted({*numbers})
    return {row.number: row.message for row in rows}


@pytest.mark.parametrize("place", [0, 1, 17, 39])
def test_a_run_that_ended_its_worker_once_is_done(place: int) -> None:
    stand = Stand({place: 1})
    assert found(stand) == dict.fromkeys(range(40), "")


def test_a_run_that_ends_each_worker_is_kept_and_the_others_are_done() -> None:
    stand = Stand({0: 9, 5: 9, 30: 9})
    messages = found(stand)
    ended = {number for number, message in messages.items() if message == WORKER_ENDED}
    assert ended == {0, 5, 30}
    assert len(messages) == 40
    tried = [number for sent in stand.sent for number in sent]
    assert all(tried.count(number) == 2 for number in ended)


def test_tasks_grow_to_half_a_second_and_shrink_at_the_end() -> None:
    stand = Stand({}, seconds=0.1)
    found(stand)
    sizes = [len(sent) for sent in stand.sent]
    assert sizes[0] == 1
    assert max(sizes) == 5
    assert sizes[-1] == 1


def test_a_program_without_a_module_fails_alone() -> None:
    def broken() -> bytes:
        raise SymbpError("it has\nno cost")

    messages = found(Stand({}), [(broken, RUNS[:10]), (lambda: b"", RUNS[10:])])
    assert [messages[number] for number in range(10)] == ["it has no cost"] * 10
    assert {messages[number] for number in range(10, 40)} == {""}


def test_what_is_no_end_of_a_worker_is_raised() -> None:
    class Other(Stand):
        def results(self, *_: Any) -> Iterator[list[Outcome]]:
            raise OSError("no space")
            yield []

    with pytest.raises(OSError, match="no space"):
        found(Other({}))


def test_engines_that_are_none() -> None:
    pytest.importorskip("joblib", reason="the extra sweep")
    with pytest.raises(SymbpError, match="backend 'proceses': did you mean 'processes'"):
        Workers("proceses", 2)


def test_dask_needs_a_client() -> None:
    pytest.importorskip("joblib", reason="the extra sweep")
    pytest.importorskip("distributed")
    workers = Workers("dask", 2)
    with pytest.raises(SymbpError, match="no client; expected one before"):
        workers.started().__enter__()
