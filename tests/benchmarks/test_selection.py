"""Options of ``symbp bench``: what is measured, and how a wrong one is refused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from symbp.benchmarks.peers import PEERS, AbsentError, Peer
from symbp.benchmarks.selection import plan
from symbp.benchmarks.workloads import KINDS, WORKLOADS, Case
from symbp.cli import app


def test_by_default_each_workload_in_its_customary_kind() -> None:
    chosen = plan()
    steps = {c for task in chosen.tasks for c in task.cases if c.measure == "step"}
    assert len(steps) == len(WORKLOADS) * 2
    assert all(case.kind.name == case.workload.kind for case in steps)
    assert {case.optimizer for case in steps} == {"sgd"}
    assert {task.threads for task in chosen.tasks} == {"1", "all"}
    assert {task.peer for task in chosen.tasks} == {peer.name for peer in PEERS}
    assert sum(task.memory for task in chosen.tasks) == len(WORKLOADS)
    assert chosen.starts


def test_everything_is_every_combination() -> None:
    cases = {case for task in plan(everything=True).tasks for case in task.cases}
    # Kinds × dtypes, for each two optimizers, a gradient and three predictions.
    assert len(cases) == len(WORKLOADS) * len(KINDS) * 2 * (2 + 1 + 3)


def test_several_values() -> None:
    chosen = plan(
        ["784-30-10", "2-4-1 b4"],
        ["numpy"],
        ["float64"],
        ["adam", "sgd"],
        ["relu"],
        ["1"],
        ["step"],
    )
    names = [case.name for task in chosen.tasks for case in task.cases]
    assert names == [
        "784-30-10 b10 relu adam float64 step",
        "784-30-10 b10 relu sgd float64 step",
        "2-4-1 b4 relu adam float64 step",
        "2-4-1 b4 relu sgd float64 step",
    ]
    assert not chosen.starts


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workload", "784-30-11"], "--workload 784-30-11: there is none; did you mean"),
        (["--peer", "tensorflow"], "--peer tensorflow: there is none"),
        (["--dtype", "float16"], "--dtype float16: there is none"),
        (["--optimizer", "adams"], "did you mean 'adam'?"),
        (["--kind", "tanh"], "--kind tanh: there is none"),
        (["--threads", "3"], "--threads 3: there is none"),
        (["--measure", "speed"], "--measure speed: there is none"),
    ],
)
def test_a_wrong_option_gets_one_line(options: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["bench", *options])
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_file_that_cannot_be_written_is_refused_before_measuring(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "bench.json"
    result = CliRunner().invoke(app, ["bench", "--json", str(path)])
    assert result.exit_code == 2
    assert "no folder" in result.stderr


def test_cases_survive_json() -> None:
    for task in plan(everything=True).tasks:
        for case in task.cases:
            assert Case.from_json(case.to_json()) == case


def test_an_absent_library_is_named() -> None:
    with pytest.raises(AbsentError, match="nosuchlib is not installed"):
        Peer("x", "X", "numpy_by_hand", "nosuchlib", "nosuchlib").load()
