"""Sweeps from end to end: rows as of single trainings, stores, resuming, parts, failures."""

import csv
import functools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.sweeps.store import Store

pytest.importorskip("joblib", reason="the extra sweep")

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 2))
Y = np.sin(X.sum(axis=1))
NET = bp.mlp(2, 3, 1, activation="tanh", loss="mean_squared_error")
GRID = {"rate": [0.01, 0.03]}


def make(rate: float) -> Any:
    return NET, bp.Adam(rate)


swept = functools.partial(
    bp.sweep, make, GRID, X, Y, epochs=3, batch_size=10, cv=2, seeds=[4, 7], workers=1
)


@functools.cache
def undisturbed() -> bp.Sweep:
    return swept()


def exact(found: bp.Sweep) -> list[dict[str, Any]]:
    return found.rows(timing=False)


def test_rows_are_what_single_trainings_give() -> None:
    rows = undisturbed().rows()
    keys = [(row["settings"]["rate"], row["seed"], row["fold"]) for row in rows]
    rates = (0.01, 0.03)
    assert keys == [(rate, seed, fold) for rate in rates for seed in (4, 7) for fold in (0, 1)]
    held = np.random.default_rng(0).permutation(60)[1::2]  # the second fold
    held.sort()
    train = np.setdiff1d(np.arange(60), held)
    trainer = bp.compile(NET, bp.Adam(0.03), seed=7)
    trainer.fit(X[train], Y[train], epochs=3, batch_size=10)
    assert rows[-1]["cost"] == trainer.history[-1]["cost"]
    assert rows[-1]["validation_cost"] == trainer.loss(X[held], Y[held])
    assert rows[-1]["validation_accuracy"] is None
    assert rows[-1]["epochs"] == 3


def test_settings_of_the_training_are_not_given_to_make() -> None:
    found = bp.sweep(
        lambda: NET, {"epochs": [1, 2], "batch_size": [10, 20]}, X, Y, optimizer=bp.Adam(0.01),
        validation=(X, Y), workers=1,
    )  # fmt: skip
    assert [row["epochs"] for row in found.rows()] == [1, 2, 1, 2]
    assert len({row["cost"] for row in found.rows()}) == 4


def test_patience_ends_a_training() -> None:
    found = swept(epochs=200, patience=1, seeds=1)
    assert all(row["epochs"] < 200 for row in found.rows())
    with pytest.raises(bp.SymbpError, match="patience: needs cv= or validation="):
        swept(cv=None, patience=1)


def test_a_sweep_that_ended_goes_on_and_is_the_undisturbed_one(tmp_path: Path) -> None:
    store = tmp_path / "results.sqlite"
    new: list[dict[str, Any]] = []

    def ends_after_three(row: dict[str, Any]) -> bool:
        new.append(row)
        return len(new) == 3

    first = swept(store=store, callback=ends_after_three)
    assert not first.is_complete
    assert f"{len(first)} of 8 trainings" in repr(first)
    assert 3 <= len(first) == len(new)
    second = swept(store=store, callback=new.append)
    assert exact(second) == exact(undisturbed())
    assert len(new) == 8
    assert exact(swept(store=store, callback=new.append)) == exact(undisturbed())
    assert len(new) == 8


def test_parts_are_the_whole(tmp_path: Path) -> None:
    parts = [swept(part=(k, 3), store=tmp_path / f"{k}.sqlite") for k in range(3)]
    rows = [row for part in parts for row in exact(part)]
    assert sorted(map(str, rows)) == sorted(map(str, exact(undisturbed())))
    with pytest.raises(bp.SymbpError, match=r"part: expected \(k, n\)"):
        swept(part=(3, 3))


def test_failures_are_rows_and_end_nothing(tmp_path: Path) -> None:
    def some(rate: float, how: str) -> Any:
        if how == "raise":
            raise RuntimeError("no\nsuch network")
        if how == "none":
            return 3
        return NET, bp.Adam(rate)

    store = tmp_path / "results.sqlite"
    grid = [{"how": ["raise", "none"], "rate": 0.01}, {"how": "far", "rate": 1e200},
            {"how": "well", "rate": 0.01}]  # fmt: skip
    found = bp.sweep(some, grid, X, Y, epochs=3, workers=1, store=store)
    messages = [row["message"] for row in found.rows()]
    assert messages[0] == "RuntimeError: no such network"
    assert messages[1].startswith("make: expected a Program or Network, got ")
    assert messages[2].startswith("the cost is ")
    assert messages[3] == ""
    assert [row["status"] for row in found.rows()] == ["failed"] * 3 + ["done"]
    assert found.summary()[-1]["cost"] is None
    assert found.best()["settings"]["how"] == "well"
    count: list[object] = []
    again = functools.partial(bp.sweep, some, grid, X, Y, epochs=3, workers=1, store=store)
    again(callback=count.append)
    assert count == []
    again(callback=count.append, retry_failed=True)
    assert len(count) == 3


def test_a_store_of_another_sweep_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "results.sqlite"
    swept(store=store, seeds=1)
    with pytest.raises(bp.SymbpError, match=r"results\.sqlite: holds a sweep of other epochs \(3;"):
        swept(store=store, epochs=4)
    with pytest.raises(bp.SymbpError, match="of other data"):
        bp.sweep(make, GRID, X + 1, Y, epochs=3, batch_size=10, cv=2, workers=1, store=store)
    with pytest.raises(bp.SymbpError, match="trained with another program or optimizer"):
        bp.sweep(
            lambda rate: (NET, bp.Adam(rate, beta1=0.5)), GRID, X, Y, epochs=3, batch_size=10, cv=2,
            seeds=[0], workers=1, store=store,
        )  # fmt: skip
    (tmp_path / "other.sqlite").write_bytes(b"no database, but some bytes of another file")
    with pytest.raises(bp.SymbpError, match=r"other\.sqlite: file is not a database"):
        swept(store=tmp_path / "other.sqlite")
    with pytest.raises(bp.SymbpError, match=r"expected a name with \.sqlite"):
        swept(store=tmp_path / "results.txt")


def test_rows_of_a_worker_that_ended_are_tried_again(tmp_path: Path) -> None:
    store = tmp_path / "results.sqlite"
    swept(store=store)
    about = {"epochs": 3, "batch_size": 10, "patience": None}
    kept = Store(store, about)
    row = next(iter(kept.rows().values()))
    kept.add([row | {"status": "failed", "message": "worker ended", "cost": None}])
    kept.close([])
    assert exact(swept(store=store)) == exact(undisturbed())


def test_tables_hold_the_same_numbers(tmp_path: Path) -> None:
    found = undisturbed()
    with open(found.write(tmp_path / "results.csv"), encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    costs = [row["validation_cost"] for row in found.rows()]
    assert [float(row["validation_cost"]) for row in read] == costs
    pandas = pytest.importorskip("pandas")
    table = found.table(timing=False)
    assert list(table["rate"]) == [0.01] * 4 + [0.03] * 4
    assert list(table["validation_cost"]) == costs
    assert "seconds" not in table
    pytest.importorskip("pyarrow")
    swept(store=tmp_path / "results.parquet")
    assert list(pandas.read_parquet(tmp_path / "results.parquet")["validation_cost"]) == costs
    with pytest.raises(bp.SymbpError, match=r"expected a name with \.csv or \.parquet"):
        found.write(tmp_path / "results.txt")


def test_a_summary_is_the_mean_over_folds_and_seeds() -> None:
    found = undisturbed()
    rows = [row["validation_cost"] for row in found.rows()]
    means = {0.01: np.mean(rows[:4]), 0.03: np.mean(rows[4:])}
    summary = found.summary()
    for row in summary:
        assert math.isclose(row["validation_cost"], means[row["settings"]["rate"]], rel_tol=1e-12)
    assert summary[0]["validation_cost"] == min(row["validation_cost"] for row in summary)
    assert (summary[0]["done"], summary[0]["failed"]) == (4, 0)
    with pytest.raises(bp.SymbpError, match="no training has a validation_accuracy"):
        found.best("validation_accuracy")
    with pytest.raises(bp.SymbpError, match="by 'loss'"):
        found.best("loss")


def test_inputs_are_standardised_by_what_is_trained_on() -> None:
    one = np.r_[np.zeros(30, bool), np.ones(30, bool)]
    scaled = bp.sweep(make, GRID, X * 50 + 7, Y, cv=[(one, ~one)], epochs=3, batch_size=10,
                      standardise=True, workers=1)  # fmt: skip
    by_hand = (X - X[one].mean(axis=0)) / X[one].std(axis=0)
    plain = bp.sweep(make, GRID, by_hand, Y, cv=[(one, ~one)], epochs=3, batch_size=10, workers=1)
    for a, b in zip(scaled.rows(), plain.rows(), strict=True):
        assert math.isclose(a["validation_cost"], b["validation_cost"], rel_tol=1e-9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"validation": 0.2}, "validation: with cv= the folds are what is held out"),
        ({"cv": None, "validation": X}, "validation: expected a share such as 0.2, or 2 arrays"),
        ({"cv": None, "validation": 1.5}, "validation: expected a number > 0 and < 1"),
        ({"seeds": []}, "seeds: none"),
        ({"seeds": 0}, "seeds: expected an int >= 1"),
        ({"epochs": -1}, "epochs: expected an int >= 0"),
        ({"workers": 0}, "workers: expected"),
        ({"verbos": 1}, "no option 'verbos'; did you mean 'verbose'"),
    ],
)
def test_arguments_that_are_wrong(options: dict[str, Any], said: str) -> None:
    with pytest.raises(bp.SymbpError, match=said) as caught:
        swept(**options)
    assert "\n" not in str(caught.value)


def test_a_name_that_make_does_not_take_is_refused_at_once() -> None:
    with pytest.raises(bp.SymbpError, match="grid rat: make takes none of that name; did you mean"):
        bp.sweep(make, {"rat": [1]}, X, Y)
    with pytest.raises(bp.SymbpError, match="y: expected 60 examples as x has, got 59"):
        bp.sweep(make, GRID, X, Y[:-1])


def test_the_line_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    swept(verbose=1)
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("sweep 8/8  ")
    assert "lowest cost" in lines[-1]
