"""A batch in strips: which functions allow it, and what their epochs then compute."""

from typing import Any

import pytest

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.loops.accumulate_strips import strips_of
from symbp.loops.nodes import Allocate, Barrier, For
from symbp.loops.verify import verify
from symbp.schedules import decide
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from symbp.schedules.schedule import Decision
from tests.comparison import assert_close
from tests.derivative_programs import burgers
from tests.loops.reading import N, read
from tests.loops.running import example, model_of
from tests.loops.test_epoch import arguments_of, run_epoch, steps_by_equations

ORDER = [3, 0, 4, 1, 2]


@pytest.fixture
def strips_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every function that can work in strips do so, two rows at a time."""

    def always(function: Any, batch: Any, limits: Limits) -> Decision:
        parts = strips_of(function, batch)
        choice = "none" if isinstance(parts, str) else "added up in strips"
        return Decision("strips", choice, str(parts), {"rows": 2})

    monkeypatch.setattr(decide, "strips", always)
    monkeypatch.setattr(decide, "may_work_in_strips", lambda entry, _: entry.returns is not None)


@pytest.mark.usefixtures("strips_of_two")
@pytest.mark.parametrize("itemsize", [8, 4])
@pytest.mark.parametrize(
    ("name", "members"),
    [("burgers", 2), ("lstm", 1), ("running", 3), ("embedding", 2)],
)
def test_an_epoch_in_strips_is_its_steps(name: str, members: int, itemsize: int) -> None:
    entry, values, data = arguments_of(name)
    # Strips that cannot be divided are taken only where there is no team.
    limits = Limits(most_operations=0, itemsize=itemsize, team=members > 1)
    lowered = lower(epoch(example(name)[0]), limits)
    assert lowered.choice("strips") == "added up in strips"
    found = run_epoch(entry, lowered.function, values, data, ORDER, members)
    assert_close(found, steps_by_equations(entry, values, data, ORDER))
    report = verify(lowered.function)
    assert not report.findings, str(report)
    assert not report.unproved, str(report)


@pytest.mark.usefixtures("strips_of_two")
def test_noise_is_drawn_for_a_whole_batch() -> None:
    lowered = lower(epoch(example("dropout")[0]), Limits(most_operations=0))
    assert lowered.choice("strips") == ""


def deep(layers: int, units: int) -> bp.Program:
    return bp.mlp(2, *([units] * layers), 1, activation="tanh", loss="mean_squared_error")


@pytest.mark.parametrize(
    ("program", "itemsize", "choice"),
    [
        (deep(16, 20), 8, "added up in strips"),
        (bp.mlp(784, 30, 10), 4, ""),
        (bp.mlp(64, 256, 256, 10), 8, ""),
    ],
)
def test_deep_and_narrow_networks_work_in_strips(
    program: bp.Program, itemsize: int, choice: str
) -> None:
    lowered = lower(epoch(model_of(program)), Limits(itemsize=itemsize, most_operations=0))
    assert lowered.choice("strips") == choice


def test_buffers_have_the_rows_of_a_strip() -> None:
    limits = Limits(most_operations=0, cache=2**14)
    lowered = lower(epoch(model_of(burgers()[0])), limits)
    rows = next(d.numbers["rows"] for d in lowered.decisions if d.what == "strips")
    assert lowered.choice("strips") == "added up in strips"
    buffers = [s for s in lowered.function.statements if isinstance(s, Allocate) and s.shape]
    assert {s.shape[0] for s in buffers if s.array.shape[0] == lowered.entry.batch} == {rows}
    (strips,) = [s for s in lowered.function.statements if isinstance(s, For) and s.step == rows]
    assert isinstance(strips.body[-1], Barrier)


FORWARD = """
    function f(in x[N, 3], in W[3, 3], inout V[3, 3], N):
        allocate z[N, 3]
        allocate G[3, 3]
        register total
        product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, j from 0 to 3
"""


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("for n from 0 to N:\n            z[n, 0] += z[0, 1]", "of other rows"),
        (
            "total = 0\n        for n from 0 to N:\n            total += z[n, 0]\n"
            "        for n from 0 to N:\n            z[n, 0] = total",
            "rows need total",
        ),
        ("for n from 0 to N:\n            V[0, 0] = z[n, 0]", "is no sum over rows"),
        ("V[0, 0] = z[0, 1]", "is needed when all rows are done"),
        (
            "product G[j, k] = sum(z[n, j] x[n, k]; n from 0 to N) "
            "for j from 0 to 3, k from 0 to 3\n"
            "        for n from 0 to N:\n            z[n, 0] = G[0, 0]",
            "rows need G",
        ),
    ],
)  # fmt: skip
def test_why_not(rest: str, reason: str) -> None:
    function = read(FORWARD + "        " + rest + "\n")
    assert reason in str(strips_of(function, N))
