"""A run from the plan to the files, with processes that are made up."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from symbp.benchmarks import session
from symbp.benchmarks.duration import LONG, announcement, case_seconds, expected_seconds
from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.memory import Memory
from symbp.benchmarks.rates import Bandwidth, Rates
from symbp.benchmarks.runner import Conditions, Trouble
from symbp.benchmarks.selection import Task, plan
from symbp.benchmarks.starts import StartError, StartTime
from symbp.benchmarks.timing import Effort, Quartiles
from symbp.cli import app

CHOSEN = ["--workload", "3-3-3", "--dtype", "float64", "--measure", "step", "--threads", "1"]


def rates(gemm: float) -> Rates:
    return Rates({"float32": 2 * gemm, "float64": gemm}, (Bandwidth(float("inf"), 1e10),))


def made_up(
    task: Task, effort: Effort, folder: str
) -> Iterator[Measurement | Memory | Conditions | Trouble]:
    for case in task.cases:
        two, six, three = (Quartiles(x, x, x) for x in (2.0, 6.0, 3.0))
        yield Measurement(case, task.peer, task.threads, "measured", "", two, six, three, 0.0)
        if task.memory:
            yield Memory(case, 192, 0, 100, 72)
    yield Conditions(task.threads, rates(3e9 if task.peer == "jax" else 4e9), "scipy: kernels")
    if task.peer == "numpy":
        yield Trouble("the process ended with -9: no message")


def test_what_the_processes_say_is_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "run_task", made_up)
    chosen = plan(["3-3-3"], ["jax", "numpy"], ["float64"], threads=["1"], measures=["step"])
    seen: list[float] = []
    weights = [case_seconds(task.cases[0], task, chosen.effort) for task in chosen.tasks]
    report = session.run(chosen, lambda _, done: seen.append(done))
    # What was expected of each, once it is done.
    assert seen == [0, *weights[:1], 0, *weights[1:]]
    assert sum(weights) == pytest.approx(expected_seconds(chosen))
    (row,) = report.rows
    assert [each.peer for each in row.peers] == ["jax", "numpy"]
    # The best of both processes.
    assert report.rates["1"].gemm["float64"] == 4e9
    assert [each.buffers for each in report.memory] == [100]
    assert report.machine["BLAS, threads: 1"] == "scipy: kernels"
    assert "ended with -9" in report.machine["trouble, 3-3-3 b1, numpy, threads: 1"]


def test_an_interrupted_run_reports_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(task: Task, effort: Effort, folder: str) -> Iterator[object]:
        if task.peer == "numpy":
            raise KeyboardInterrupt
        yield from made_up(task, effort, folder)

    monkeypatch.setattr(session, "run_task", interrupted)
    chosen = plan(["3-3-3"], ["jax", "numpy"], ["float64"], threads=["1"], measures=["step"])
    report = session.run(chosen, lambda _, done: None)
    assert [each.peer for row in report.rows for each in row.peers] == ["jax"]
    assert "interrupted" in report.machine
    result = CliRunner().invoke(app, ["bench", "--peer", "numpy", *CHOSEN])
    assert result.exit_code == 130


def test_the_command_prints_and_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(session, "run_task", made_up)
    paths = {option: tmp_path / f"bench.{option}" for option in ("json", "markdown", "svg")}
    files = [text for option, path in paths.items() for text in (f"--{option}", str(path))]
    result = CliRunner().invoke(app, ["bench", "--peer", "jax", *CHOSEN, *files])
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("1 measurement in 1 process: about 10 seconds\n")
    assert "3-3-3 b1 SGD float64" in result.stdout
    assert "3.00 JAX" in result.stdout
    assert json.loads(paths["json"].read_text(encoding="utf-8"))["rows"][0]["best_ratio"] == 3.0
    assert "| 3-3-3 b1 SGD float64 |" in paths["markdown"].read_text(encoding="utf-8")
    drawing = paths["svg"].read_text(encoding="utf-8")
    assert drawing.startswith("<svg")
    assert "float64; 1 thread; SGD; sigmoid with the quadratic cost<" in drawing
    assert f"{date.today():%Y-%m-}" in drawing
    assert "thorough timings" in drawing


def test_a_start_that_fails_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_time(sizes: tuple[int, ...]) -> StartTime:
        if len(sizes) == 3:
            raise StartError("the process ended with 1: ImportError: no such thing")
        return StartTime(sizes, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)

    monkeypatch.setattr(session, "run_task", made_up)
    monkeypatch.setattr(session, "start_time", start_time)
    chosen = plan(["3-3-3"], ["jax"], ["float64"], threads=["1"], measures=["step", "start"])
    report = session.run(chosen, lambda _, done: None)
    assert [each.peer for row in report.rows for each in row.peers] == ["jax"]
    assert [len(each.sizes) for each in report.starts] == [7, 21]
    trouble = report.machine["trouble, compile time of 64-30-10"]
    assert trouble == "the process ended with 1: ImportError: no such thing"


def test_how_long_it_takes_is_said_first() -> None:
    whole, everything, brief = plan(), plan(everything=True), plan(["3-3-3"], ["jax"], quick=True)
    assert expected_seconds(brief) < expected_seconds(whole) < expected_seconds(everything)
    assert expected_seconds(everything) > LONG > expected_seconds(brief)
    assert "--quick make it shorter" in announcement(everything)
    assert "shorter" not in announcement(brief)
    assert "without torch.compile (--peer compiled)" in announcement(whole)
    assert "torch.compile" not in announcement(everything) + announcement(brief)
    assert announcement(plan(measures=["start"])) == "compile times: about 80 seconds"


def test_the_help_has_an_example() -> None:
    result = CliRunner().invoke(app, ["bench", "--help"])
    assert result.exit_code == 0
    assert "symbp bench --quick" in result.stdout
    # Brackets are markup unless escaped.
    assert "symbp[bench]" in result.stdout
