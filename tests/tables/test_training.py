"""From a table to a predictor by one command, and what the predictor says where it is alone."""

import csv
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from symbp.cli import app
from symbp.tables.columns import recognised
from symbp.tables.reading import read
from tests.tables.passengers import passengers

# Run without site-packages: NumPy, Numba and llvmlite are all that there is.
ALONE = """
import json, sys
sys.path[:0] = [".", "packages"]
import csv, importlib.util, predictor

for other in ("symbp", "scipy", "sklearn", "pandas"):
    assert importlib.util.find_spec(other) is None
with open("rows.csv", newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
table = {name: [row[name] for row in rows] for name in rows[0]}
ordered = [[row[name] for name in predictor.COLUMNS] for row in rows]
assert predictor.classify(table).tolist() == predictor.classify(ordered).tolist()
try:
    predictor.classify({**table, "port": ["Atlantis"] * len(rows)})
except ValueError as error:
    refused = str(error)
print(json.dumps([predictor.classify(table).tolist(), predictor.CLASSES,
                  predictor.predict_proba(table).tolist(), refused]))
"""


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, ["train", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_one_command_makes_a_predictor_that_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symbp.sklearn import exporting

    kept: list[Any] = []
    write = exporting.export
    monkeypatch.setattr(
        "symbp.sklearn.export", lambda *given: kept.append(given[0]) or write(*given)
    )
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    data = passengers(alone / "rows.csv")
    result = run(
        "--layers", "6", "--data", data, "--target", "survived", "--epochs", 12, "--lr", 0.03,
        "--dtype", "float64", "--module", alone / "predictor.py",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert re.search(r"\n  name +left out: its 160 texts are all different", result.output)
    assert "written %d.%m.%Y, standardised, 14 missing become the median" in result.output
    assert "one-hot of 3 (C, Q, S), 12 missing as one more" in result.output
    assert float(re.findall(r"test accuracy (\d+\.\d) %", result.output)[-1]) > 75
    packages = alone / "packages"
    packages.mkdir()
    for name in ("numpy", "numba", "llvmlite"):
        folder = Path(str(importlib.util.find_spec(name).origin)).parent
        for found in (folder, folder.with_name(f"{name}.libs")):
            if found.exists():
                (packages / found.name).symlink_to(found)
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE], cwd=alone, capture_output=True, text=True,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    names, classes, probabilities, refused = json.loads(told.stdout)
    table = recognised(read(data), "survived", None)
    (model,) = kept
    assert names == model.predict(table.frame).tolist()
    assert set(names) == set(classes) == {"yes", "no"}
    np.testing.assert_allclose(probabilities, model.predict_proba(table.frame), rtol=1e-12)
    assert refused == ("x: row 0, column 'port' is 'Atlantis', expected one of 'C', 'Q', 'S', None")


def test_resuming_goes_on_and_a_curve_is_drawn(tmp_path: Path) -> None:
    data, parameters = passengers(tmp_path / "p.csv", 60), tmp_path / "p.npz"
    common = ["--layers", "3", "--data", data, "--target", "fare", "--no-derivation"]
    first = run(*common, "--epochs", 3, "--parameters", parameters)
    assert first.exit_code == 0, first.output
    curve = tmp_path / "curve.svg"
    second = run(*common, "--epochs", 2, "--resume", parameters, "--plot", curve)
    assert second.exit_code == 0, second.output
    costs = [
        [float(cost) for cost in re.findall(r"\n?epoch.*?  cost (\S+)", result.output)]
        for result in (first, second)
    ]
    assert costs[1][0] < costs[0][-1] < costs[0][0]
    assert curve.read_text(encoding="utf-8").count("<svg") == 1
    other = run(*common[:1], "4", *common[2:], "--resume", parameters)
    assert other.exit_code == 2
    assert f"--resume {parameters}: " in other.stderr
    whole = run(*common, "--epochs", 5)
    assert re.findall(r"  cost (\S+)", whole.output)[3:] == [f"{cost:.5f}" for cost in costs[1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["4-3", "--layers", "3", "--data", "iris"], "4-3 and --layers 3: expected one of them"),
        (["--data", "iris"], "which network? --layers 32-16, or all sizes"),
        (["4-3", "--data", "iris", "--drop", "a"], "--drop a: only --layers"),
        (["4-3", "--data", "iris", "--embed-above", "5"], "--embed-above: only --layers"),
        (["--layers", "3-", "--data", "iris"], "--layers 3-: expected the sizes of hidden layers"),
        (["--layers", "3", "--data", "iriss"], "did you mean 'iris'"),
        (["--layers", "3", "--data", "iris", "--plot", "c.xyz"], "the ending of a picture"),
        (["--layers", "3", "--data", "iris", "--resume", "no.npz"], "--resume no.npz: no "),
    ],
)  # fmt: skip
def test_wrong_requests(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_data_sets_of_symbp_need_no_sizes_either() -> None:
    result = run("--layers", "none", "--data", "iris", "--epochs", 2)
    assert result.exit_code == 0, result.output
    assert "4 features" in result.output


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "symbp.tables.columns", None)
    line = run("--layers", "3", "--data", "iris").stderr
    assert line.startswith("symbp: --layers: ")


def test_csv_module_and_pandas_agree_on_missing_text(tmp_path: Path) -> None:
    data = passengers(tmp_path / "p.csv", 40)
    with data.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    source = read(data)
    for name in source.frame.columns:
        gaps = [row[name] in source.missing for row in rows]
        assert gaps == source.frame[name].isna().tolist()
