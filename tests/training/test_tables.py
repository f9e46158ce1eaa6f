"""A .csv file whose columns are named by numbers, and one with many columns."""

import time
import warnings
from pathlib import Path

import pytest

from symbp.notation.errors import SymbpError
from symbp.training.datasets import load_dataset


def written(folder: Path, *rows: str) -> Path:
    path = folder / "data.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


ROWS = ["0.5,1.5,2.5,oak", "3.5,4.5,5.5,ash"]


@pytest.mark.parametrize(
    "first", ["0,1,2,3", "1,2,3,4", "2019,2020,2021,2022", "0,1,2,species", "id,1,2,3"]
)
def test_numbers_that_count_up_may_be_a_header_and_are_not_guessed(
    tmp_path: Path, first: str
) -> None:
    path = written(tmp_path, first, *ROWS)
    with pytest.raises(SymbpError, match="may be a header or data") as caught:
        load_dataset(path)
    assert "\n" not in str(caught.value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load_dataset(path, header=True)
    assert data.feature_names == tuple(first.split(",")[:3])
    assert len(data) == 2


def test_other_numbers_are_read_as_data_and_one_line_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, "10,5,250,kind", *ROWS)
    with pytest.warns(
        UserWarning, match=r"first row \(10, 5, 250, kind\).* read as data"
    ) as caught:
        assert len(load_dataset(path)) == 3
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_dataset(path, header=True)) == 2
        assert len(load_dataset(path, header=False)) == 3
        assert len(load_dataset(path, target="kind")) == 2


def test_a_header_of_words_needs_no_word(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_dataset(written(tmp_path, "a,b,c,kind", *ROWS))) == 2


def test_only_a_table_has_a_header() -> None:
    with pytest.raises(SymbpError, match=r"only a \.csv file has a header"):
        load_dataset("iris", header=True)


def test_the_time_grows_with_the_columns_and_no_faster(tmp_path: Path) -> None:
    def seconds(columns: int) -> float:
        path = written(
            tmp_path,
            ",".join(f"c{k}" for k in range(columns)),
            *[",".join(["0.5"] * columns)] * 2,
        )
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            load_dataset(path)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(20_000) < 40 * seconds(2_000)
