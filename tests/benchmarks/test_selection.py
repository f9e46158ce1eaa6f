"""Options of ``symbp bench``: what is measured, and how a wrong one is refused."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from symbp.benchmarks import session
from symbp.benchmarks.peers import PEERS, AbsentError, Peer
from symbp.benchmarks.selection import plan
from symbp.benchmarks.workloads import KINDS, WORKLOADS, Case
from symbp.cli import app
from symbp.notation.errors import SymbpError


def test_by_default_each_workload_in_its_customary_kind() -> None:
    chosen = plan()
    steps = {c for task in chosen.tasks for c in task.cases if c.measure == "step"}
    assert len(steps) == len(WORKLOADS) * 2
    assert all(case.kind.name == case.workload.kind for case in steps)
    assert {case.optimizer for case in steps} == {"sgd"}
    assert {task.threads for task in chosen.tasks} == {"1", "all"}
    # Not the one that compiles for a minute a case, and no more than steps.
    assert {task.peer for task in chosen.tasks} == {peer.name for peer in PEERS} - {"compiled"}
    assert [peer.name for peer in chosen.left_out] == ["compiled"]
    assert {case.measure for task in chosen.tasks for case in task.cases} == {"step"}
    assert sum(task.memory for task in chosen.tasks) == len(WORKLOADS)
    assert chosen.starts


@pytest.mark.parametrize(
    ("options", "starts"),
    [
        ({}, True),
        ({"quick": True}, True),
        ({"everything": True, "workloads": ["2-4-1"]}, True),
        ({"measures": ["start"]}, True),
        ({"workloads": ["2-4-1"]}, False),
        ({"peers": ["jax"]}, False),
        ({"threads": ["1"]}, False),
        ({"measures": ["step"]}, False),
    ],
)
def test_compile_times_are_measured_where_nothing_else_is_chosen(
    options: dict[str, Any], starts: bool
) -> None:
    assert plan(**options).starts is starts


def test_everything_is_every_combination() -> None:
    assert plan(everything=True).left_out == ()
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


@pytest.mark.parametrize("option", ["--json", "--markdown", "--svg"])
@pytest.mark.parametrize(
    ("path", "said"),
    [
        (".", "{path}: expected a file to write, this is a folder"),
        ("missing/bench.out", "{path}: no folder {parent}"),
        ("file/bench.out", "{path}: {parent} is not a folder"),
        ("/proc/bench.out", "{path}: cannot be written: "),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, path: str, said: str
) -> None:
    if path.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("needs a folder that takes no file")
    monkeypatch.setattr(session, "run", lambda *_: pytest.fail("it measures"))
    (tmp_path / "file").touch()
    full = tmp_path / path
    result = CliRunner().invoke(app, ["bench", option, str(full)])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"symbp: {said.format(path=full, parent=full.parent)}")
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_one_file_cannot_be_two(tmp_path: Path) -> None:
    path = str(tmp_path / "bench")
    result = CliRunner().invoke(app, ["bench", "--json", path, "--markdown", path])
    assert (result.exit_code, result.stderr) == (2, f"symbp: {path}: named for two files\n")


def test_cases_survive_json() -> None:
    for task in plan(everything=True).tasks:
        for case in task.cases:
            assert Case.from_json(case.to_json()) == case


def test_an_absent_library_is_named() -> None:
    with pytest.raises(AbsentError, match="nosuchlib is not installed"):
        Peer("x", "X", "numpy_by_hand", "nosuchlib", "nosuchlib").load()


def test_options_without_effect_are_refused() -> None:
    with pytest.raises(SymbpError, match=r"^--workload: no effect on start"):
        plan(("784-30-10",), measures=("start",))
    with pytest.raises(SymbpError, match=r"^--optimizer: no effect"):
        plan(optimizers=("adam",), measures=("gradient", "predict"))
    assert plan(("784-30-10",), measures=("start", "step")).starts
