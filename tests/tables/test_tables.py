"""Tables from files: how they are read, and what their columns are taken for."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from symbp.notation.errors import SymbpError
from symbp.sklearn import DateNumbers
from symbp.tables.columns import Table, recognised
from symbp.tables.preparing import prepared
from symbp.tables.reading import read
from tests.tables.passengers import passengers


def table(tmp_path: Path, text: str, target: str | None = None, **options: Any) -> Table:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    classes, dropped = options.pop("classes", None), options.pop("drop", ())
    return recognised(read(path, target=target, **options), target, classes, dropped)


def kinds(found: Table) -> dict[str, str]:
    return {column.name: column.kind for column in found.columns}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_separators_and_quotes(tmp_path: Path, delimiter: str) -> None:
    source = read(passengers(tmp_path / "p.csv", 30, delimiter))
    assert source.frame.shape == (30, 9)
    assert source.frame["name"].iloc[0].endswith(", of\u2019Neill1")
    assert source.frame.index[0] == 2  # the header is row 1
    assert source.frame["port"].isna().sum() == 2


def test_blanks_compression_and_byte_order_marks(tmp_path: Path) -> None:
    path = tmp_path / "t.txt.gz"
    with gzip.open(path, "wb") as file:
        file.write("\ufeffa  b c\n1 2 3\n\n4   5 6\n".encode())
    source = read(path)
    assert source.frame.to_numpy().tolist() == [["1", "2", "3"], ["4", "5", "6"]]
    assert list(source.frame.index) == [2, 4]
    assert "separated by blanks" in source.notes[0]


@pytest.mark.parametrize("ending", [".parquet", ".feather", ".arrow"])
def test_columns_with_types(tmp_path: Path, ending: str) -> None:
    days = pd.to_datetime(["2020-01-01", None, "2021-03-05", "2021-03-06"])
    frame = pd.DataFrame(
        {
            "when": days, "size": [1, 2, 3, None], "kind": ["a", None, "a", "b"],
            "new": [True, False, True, True], "y": [0.5, 1.5, 2.5, 4.0],
        }
    )  # fmt: skip
    path = tmp_path / f"t{ending}"
    frame.to_parquet(path) if ending == ".parquet" else frame.to_feather(path)
    found = recognised(read(path), None, None)
    assert kinds(found) == {
        "when": "date", "size": "number", "kind": "category", "new": "category",
    }  # fmt: skip
    assert [column.gaps for column in found.columns] == [True, True, True, False]
    features = prepared(found.columns).fit_transform(found.frame)
    # size and its gap; days, sine and cosine and their gaps; a, b, missing; False, True.
    assert features.shape == (4, 2 + 6 + 3 + 2)
    assert np.isfinite(features).all()


def test_a_first_row_that_counts(tmp_path: Path) -> None:
    found = table(tmp_path, "4,2,red,blue\n1.5,2,0\n3,4,1\n5,2,0\n1,0,1\n")
    assert found.target.kind == "classes"
    assert found.frame.shape == (4, 2)
    with pytest.raises(SymbpError, match="counts 5 rows, there are 4"):
        table(tmp_path, "5,2,red,blue\n1.5,2,0\n3,4,1\n5,2,0\n1,0,1\n")


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (["2020-01-31", "2021-02-01"], "%Y-%m-%d"),
        (["31.1.2020", "1.2.2021"], "%d.%m.%Y"),
        (["2/1/2020", "31/1/2020"], "%d/%m/%Y"),
        (["1/31/2020", "2/1/2020"], "%m/%d/%Y"),
        (["Jan 1 2000", "Feb 29 2000"], "%b %d %Y"),
        (["2020/01/01 10:30", "2020/01/01 11:30"], "%Y/%m/%d %H:%M"),
        (["2020-01-01T10:30:00Z", "2020-01-01T11:30:00+02:00"], "%Y-%m-%dT%H:%M:%S%z"),
    ],
)
def test_formats_of_dates(tmp_path: Path, values: list[str], written: str) -> None:
    text = "when,y\n" + "".join(f"{value},{k}.5\n" for k, value in enumerate(values))
    found = table(tmp_path, text)
    assert found.columns[0].detail == written
    days = DateNumbers([written]).fit_transform(found.frame)[:, 0]
    expected = pd.to_datetime(pd.Series(values), format=written, utc=True)
    since = (expected - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1)
    np.testing.assert_allclose(days, since.to_numpy(), rtol=1e-14)


def test_days_that_may_be_months_are_told(tmp_path: Path) -> None:
    found = table(tmp_path, "when,y\n1/2/2020,1.5\n3/4/2020,2.5\n5/6/2021,3\n")
    assert "the month first: no day is above 12" in found.columns[0].told


def test_what_is_left_out(tmp_path: Path) -> None:
    found = recognised(read(passengers(tmp_path / "p.csv", 60)), None, None, ["fare, port"])
    assert kinds(found) == {
        "id": "left out", "name": "left out", "class": "number", "sex": "category",
        "age": "number", "fare": "left out", "port": "left out", "boarded": "date",
    }  # fmt: skip
    told = {column.name: column.told for column in found.columns}
    assert told["id"] == "it counts the rows"
    assert told["name"] == "its 60 texts are all different, as names and identifiers are"
    assert told["fare"] == "as you say"
    assert told["age"] == "standardised, 8 missing become the median and are flagged"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["0", "1", "0", "1"], "classes"),
        (["0", "1", "2", "3"], "numbers"),
        (["1", "2", "1", "2"], "numbers"),
        (["a", "b", "a", "b"], "classes"),
        (["True", "False", "True", "True"], "classes"),
    ],
)
def test_targets(tmp_path: Path, values: list[str], kind: str) -> None:
    text = "x,y\n" + "".join(f"{k**2},{value}\n" for k, value in enumerate(values))
    assert table(tmp_path, text).target.kind == kind


NUMBERS = "".join(f"{k}.5,{k % 2}\n" for k in range(20))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (f"x,y\n{NUMBERS}two,1\n", {}, "row 22: x is 'two', where others are numbers: mend it, "),
        (f"x,y\n{NUMBERS}inf,1\n", {}, "row 22: x is inf: expected a finite number"),
        (f"x,y\n{NUMBERS}1,2,3\n", {}, "row 22: 3 values where 2 are expected; text that holds"),
        ("x;y\n1,5;0\n2,5;1\n", {}, "row 2: x is '1,5': write numbers with a decimal point"),
        ("x;y\n1.000,5;0\n2,5;1\n", {}, "row 2: x is '1.000,5': write numbers with a decimal "),
        ("x,y\n5 %,0\n6 %,1\n", {}, "row 2: x is '5 %': write numbers with a decimal point"),
        ('x,y\n1,0\n"$1,500",1\n', {}, "row 3: x is '\\$1,500': write numbers with a decimal "),
        ('x,y\n1,0\n"1,500,1\n', {}, "row 3: a quote begins that never ends"),
        ("x,y\n1,0\n2\n3,1\n", {}, "row 3: 1 values where 2 are expected"),
        ("\n\n", {}, "is empty"),
        ("x,x\n1,2\n", {}, "two columns named 'x'"),
        ("x,y\n", {}, "has a header and no rows"),
        ("", {}, "is empty"),
        ("x\n1\n2\n", {}, "one column: expected features and a target"),
        (f"x,y\n{NUMBERS}", {"target": "z"}, "no column 'z'"),
        (f"x,y\n{NUMBERS}", {"drop": ["z"]}, "no column 'z' to drop"),
        (f"x,y\n{NUMBERS}", {"drop": ["y"]}, "y is to be predicted and to be dropped"),
        (f"x,y\n{NUMBERS}", {"drop": ["x"]}, "no column is left to predict y from"),
        ("x,y\n1,a\n2,a\n3,a\n", {}, "every y is a: there is nothing to tell apart"),
        ("x,y\n1,a\n2,b\n3,c\n", {}, "y has 3 different values in 3 rows, too many for classes: "),
        ("x,y\n1,\n2,\n", {"target": "y"}, "y has no values"),
        ("x,y\n1,a\n2,b\n3,a\n", {"classes": False}, "row 2: y is 'a', not a number"),
        ("x,y\n1,2020-01-01\n2,2020-01-02\n", {}, "y holds dates: --target names .* such as x"),
        ("0,1,2\n5,6,7\n", {}, "may be a header or data"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused_in_a_line(
    tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SymbpError, match=message) as error:
        table(tmp_path, text, **options)
    assert "\n" not in str(error.value)


def test_blank_lines_and_values_of_several_lines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('\n\nx,a,y\n1,"b\nc",3.5\n\n2,d,\n', encoding="utf-8")
    frame = read(tmp_path / "t.csv").frame
    assert frame["a"].tolist() == ["b\nc", "d"]
    assert list(frame.columns) == ["x", "a", "y"]


def test_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    found = table(tmp_path, "x,y\n1,a\n2,\n3,b\n5,a\n7,b\n")
    assert found.notes == ("1 rows without y are left out, such as row 3",)
    assert found.frame["x"].tolist() == [1, 3, 5, 7]


def test_no_such_file_and_no_such_kind_of_file(tmp_path: Path) -> None:
    with pytest.raises(SymbpError, match="no such file"):
        read(tmp_path / "no.csv")
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(SymbpError, match="expected a file of text"):
        read(tmp_path / "t.xlsx")
    (tmp_path / "t.parquet").write_bytes(b"no")
    with pytest.raises(SymbpError, match="cannot be read"):
        read(tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_bytes(b"a,b\n\xff,1\n")
    with pytest.raises(SymbpError, match="not UTF-8 text"):
        read(tmp_path / "t.csv")
