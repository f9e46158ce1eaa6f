"""``symbp sweep``: what a TOML file may say, and what the command prints."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from symbp.cli import app

pytest.importorskip("joblib", reason="the extra sweep")

FILE = """
data = "data.npz"
layers = [3]
activation = "tanh"
epochs = 2
cv = 2
workers = 1

[grid]
learning_rate = [0.01, 0.03]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    x = np.random.default_rng(0).normal(size=(40, 2))
    np.savez(tmp_path / "data.npz", x=x, y=3 * x.sum(axis=1, keepdims=True) + 1)
    (tmp_path / "sweep.toml").write_text(FILE, encoding="utf-8")
    return tmp_path


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, ["sweep", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_file_is_swept_and_its_store_found_again(folder: Path) -> None:
    store = folder / "results.sqlite"
    first = run(folder / "sweep.toml", "--store", store)
    assert first.exit_code == 0, first.stderr
    lines = first.stdout.strip().splitlines()
    assert len(lines) == 2
    assert all(
        line.startswith("validation cost ") and "learning_rate = 0.0" in line for line in lines
    )
    assert "sweep 4/4" in first.stderr
    second = run(folder / "sweep.toml", "--store", store)
    assert second.stdout == first.stdout
    assert "4 of 4 are in the store" in second.stderr


def test_parts_and_how_many_are_printed(folder: Path) -> None:
    found = run(folder / "sweep.toml", "--part", "1/2", "--best", "1")
    assert found.exit_code == 0
    assert "sweep 2/2" in found.stderr
    assert len(found.stdout.strip().splitlines()) == 1
    assert "--part 3: expected K/N" in run(folder / "sweep.toml", "--part", "3").stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("layers", "layer", "no key 'layer'; did you mean 'layers'"),
        ("[3]", "3", "layers: expected a list, got 3"),
        ("[3]", "[0]", "layers: expected sizes such as [32, 16], got [0]"),
        ("epochs = 2", "epochs = 2.5", "epochs: expected a whole number, got 2.5"),
        ("epochs = 2", "epochs = true", "epochs: expected a whole number, got True"),
        ("learning_rate", "rate", "grid.rate: did you mean"),
        ("[0.01, 0.03]", "0.01", "grid.learning_rate: expected a list of values, got 0.01"),
        ('data = "data.npz"', "", "data is missing"),
        ("cv = 2", "cv = 1", "cv: expected an int >= 2"),
        ("cv = 2", "cv =", "sweep.toml: "),
        ('"tanh"', '"tahn"', "did you mean 'tanh'"),
        ("data.npz", "other.npz", "no such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder: Path, old: str, new: str, said: str) -> None:
    file = folder / "sweep.toml"
    assert old in FILE
    file.write_text(FILE.replace(old, new), encoding="utf-8")
    result = run(file)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("symbp: ")
    assert said in line
