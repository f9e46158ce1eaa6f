"""`symbp check` of a network: its text, and its exit status, which scripts read."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from symbp.cli import app
from tests.stand_in_module import stand_in

PROGRAM = """
import sympy
import symbp as bp

j = bp.Index("j", 3)
u, C = bp.parameter("u", j), bp.tensor("C")
right = bp.Program([bp.Equation(C, bp.Sum(bp.sin(u[j]), j))], cost=C)
made = bp.function("made", lambda u: 1e-9 * u**2, lambda u: 2.000002e-9 * u)
wrong = bp.Program([bp.Equation(C, bp.Sum(made(u[j]), j))], cost=C)
root = bp.sqrt(bp.Abs(bp.stop_gradient(u[j]) - u[j]))
jump = bp.Program([bp.Equation(C, bp.Sum(root, j))], cost=C)
"""


@pytest.fixture(autouse=True)
def _interpreted() -> Iterator[None]:
    with patch("symbp.checking.module_comparison.compile", stand_in):
        yield


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


@pytest.mark.parametrize("dtype", ["float64", "float32", "both"])
def test_a_right_program_passes(own: Path, dtype: str) -> None:
    result = CliRunner().invoke(app, ["check", f"{own}:right", "--dtype", dtype])
    assert result.exit_code == 0, result.output
    assert "in 60 digits" in result.output
    assert ("float32 module" in result.output) == (dtype != "float64")


def test_a_wrong_derivative_ends_with_1(own: Path) -> None:
    result = CliRunner().invoke(app, ["check", f"{own}:wrong"])
    assert result.exit_code == 1
    assert "gradient check FAILED" in result.stdout
    assert "the gradient check failed" in result.stderr


def test_what_cannot_be_compared_ends_with_1(own: Path) -> None:
    # A root of what is 0 everywhere: no derivative at any draw.
    result = CliRunner().invoke(app, ["check", f"{own}:jump"])
    assert result.exit_code == 1
    assert "NOT PASSED: not everything could be compared" in result.stdout
    assert "not everything could be compared" in result.stderr


def test_the_precision_of_a_generated_module_is_its_own(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("def check_gradient(): ...\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(path), "--dtype", "float32"])
    assert result.exit_code == 2
    assert "leave out --dtype" in result.stderr
