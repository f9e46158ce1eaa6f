"""`symbp explain` as a user runs it: the arrows, the files that hold them, the decisions."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from symbp.cli import app

ROOT = Path(__file__).parents[1]


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["explain", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("entry", ["epoch", "predict", "hvp", "jacobian"])
def test_each_arrow_names_the_file_that_holds_it(entry: str) -> None:
    heading, _, *lines = (
        run("64-30-10" if entry == "epoch" else "4-3-2", "--entry", entry)
        .stdout.split("\nDecisions:")[0]
        .strip()
        .splitlines()
    )
    assert heading.startswith(f"{entry} of <Network")
    assert lines[0].startswith("given")
    for line in lines[1:]:
        name, file, *_ = line.split()
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), line


def test_each_decision_has_a_reason_and_its_numbers() -> None:
    shown = run("2-4-1").stdout
    assert "unrolling: written out: few enough operations" in shown
    assert "(operations 177, most 600)" in shown
    assert "rows: in rows: every statement can be divided" in run("64-30-10").stdout


def test_a_stage_is_the_program_after_it() -> None:
    given = run("3-2", "--stage", "given").stdout
    assert given.startswith("after given: the equations as they were written\n")
    assert "z1[n, j] = Sum(W1[j, k]*x[n, k], k) + b1[j]" in given
    # As the module has it, and reports print it.
    assert "strip_mine" not in run("64-30-10", "--entry", "gradient").stdout
    fused = run("64-30-10", "--entry", "gradient", "--stage", "storage").stdout
    assert fused.startswith("after storage (symbp/loops/storage.py)")
    assert "function gradient(in parameters[2260], in x[N, 64]" in fused


def test_a_program_whose_data_decides_what_is_read_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "labels.py"
    file.write_text(
        "import symbp as bp\n"
        "n, j = bp.indices('n j', 'N', 3)\n"
        "x, label = bp.input('x', n, j), bp.target('label', n, kind='integer')\n"
        "b, z, C = bp.parameter('b', j), bp.tensor('z', n, j), bp.tensor('C')\n"
        "cost = bp.Equation(C, bp.Mean(z[n, label[n]] ** 2, n))\n"
        "net = bp.Program([bp.Equation(z[n, j], b[j] * x[n, j]), cost], cost=C)\n",
        encoding="utf-8",
    )
    shown = run(f"{file}:net").stdout
    assert "unrolling: loops: the data decides which elements are read" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("3-3", "--stage", "fusee"), "--stage fusee: did you mean"),
        (("3-3", "--entry", "gradients"), "--entry gradients: did you mean"),
    ],
)
def test_what_there_is_not_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert said in line
