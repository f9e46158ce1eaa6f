"""reading: a file as a frame of pandas, whose index says the rows as an editor counts them.

pandas reads; what it would decide silently is decided here, and told: the separator, whether the
first row names the columns, and which text stands for a missing value.
"""

import csv
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from symbp.notation.errors import SymbpError
from symbp.training.tables import is_header

__all__ = ["MISSING", "Source", "is_table", "read"]

#: Text that stands for a missing value in files of text.
MISSING = (
    "", "?", "-", "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "none", "#N/A",
    "<NA>",
)  # fmt: skip
_TEXT = (".csv", ".tsv", ".txt", ".dat", ".data", ".tab")
_COMPRESSED = (".gz", ".bz2", ".zip", ".xz", ".zst")
_ARROW = (".arrow", ".feather", ".ipc")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", r"\s+": "blanks"}


@dataclass(frozen=True)
class Source:
    """A table that was read.

    Attributes
    ----------
    path : Path
        The file.
    frame : pandas.DataFrame
        Text of text files; missing values are NaN. Its index are the rows, from 1.
    notes : tuple of str
        How it was read, a line each.
    missing : tuple of str
        Which text stood for a missing value.
    """

    path: Path
    frame: Any
    notes: tuple[str, ...]
    missing: tuple[str, ...] = ()


def is_table(path: Path) -> bool:
    """Whether the ending of a file is one that `read` knows."""
    return _ending(path) in (*_TEXT, *_ARROW, ".parquet")


def _ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] in _COMPRESSED:
        endings.pop()
    return endings[-1] if endings else ""


def read(path: Path, header: bool | None = None, target: str | None = None) -> Source:
    """Read a file of text, Parquet or Arrow.

    Parameters
    ----------
    path : Path
        Separated by commas, semicolons, tabs, bars or blanks, in UTF-8, compressed or not; or
        ``.parquet``, ``.arrow``, ``.feather``.
    header : bool, optional
        Whether the first row names the columns; by default it does if no cell of it is a number, or
        if `target` stands in it.
    target : str, optional
        The name of a column that there should be.

    Raises
    ------
    SymbpError
        The file cannot be read; in one line, with the row if it is in one.
    """
    if not path.is_file():
        raise SymbpError(f"{path}: no such file")
    ending = _ending(path)
    if not is_table(path):
        raise SymbpError(
            f"{path}: expected a file of text ({', '.join(_TEXT)}; {', '.join(_COMPRESSED)} may "
            f"follow), .parquet, or {', '.join(_ARROW)}"
        )
    if ending in _TEXT:
        return _text(path, header, target)
    if header is not None:
        raise SymbpError(f"{path}: only a file of text has a header")
    return _columnar(path, ending)


def _columnar(path: Path, ending: str) -> Source:
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path) if ending == ".parquet" else pd.read_feather(path)
    except (pa.ArrowException, ValueError) as error:
        raise SymbpError(f"{path} cannot be read: {error}") from error
    frame = frame.reset_index() if frame.index.names != [None] else frame
    frame.columns = [str(name) for name in frame.columns]
    frame.index = range(1, len(frame) + 1)
    kind = "Parquet" if ending == ".parquet" else "Arrow"
    return Source(path, _checked(path, frame), (f"{kind}, {_extent(frame)}",))


def _text(path: Path, header: bool | None, target: str | None) -> Source:
    start = _lines(path, 100)
    blank = next((k for k, line in enumerate(start) if line.strip()), len(start))
    first, second, *_ = [*(line for line in start if line.strip()), "", ""]
    if not first:
        raise SymbpError(f"{path} is empty")
    separator = max(",;\t|", key=first.count)
    if first.count(separator) == 0:
        separator = r"\s+" if re.search(r"\S\s+\S", first) else ","
    cells, below = _cells(first, separator), _cells(second, separator)
    counted = header is None and _counts(cells, below)
    notes = []
    if counted:
        shown = ", ".join(cells[:2])
        notes.append(f"the first row ({shown}, …) counts rows and columns: left out")
        header = False
    elif header is None:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            header = is_header(path, cells, target)
        notes += [str(warning.message).removeprefix(f"{path}: ") for warning in found]
    numbered = [cell or f"column {k}" for k, cell in enumerate(cells, 1)]
    names = numbered if header else [f"column {k}" for k in range(1, len(below or cells) + 1)]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SymbpError(f"{path} has two columns named {twice[0]!r}")
    skipped = blank + int(bool(header) or counted)
    frame = _parsed(path, separator, names, skipped)
    if counted and int(cells[0]) != len(frame):
        raise SymbpError(
            f"{path}: its first row counts {cells[0]} rows, there are {len(frame)}: is it cut? "
            f"--header or --no-header say what else that row is"
        )
    notes.insert(0, f"separated by {_SEPARATORS[separator]}, {_extent(frame)}")
    return Source(path, _checked(path, frame), tuple(notes), MISSING)


def _lines(path: Path, count: int | None) -> list[str]:
    """Return the first lines, decompressed by pandas; without those that hold a unit separator."""
    try:
        read = pd.read_csv(
            path, sep="\x1f", quoting=csv.QUOTE_NONE, header=None, names=["line"], dtype=str,
            nrows=count, encoding="utf-8-sig", keep_default_na=False, index_col=False,
            skip_blank_lines=False, compression="infer", on_bad_lines="skip",
        )  # fmt: skip
    except UnicodeDecodeError as error:
        raise SymbpError(
            f"{path} is not UTF-8 text: {error.reason}; iconv -t utf-8 makes it some"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise SymbpError(f"{path} is empty") from error
    return [str(line) for line in read["line"]]


def _cells(line: str, separator: str) -> list[str]:
    if separator == r"\s+":
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]


def _counts(first: list[str], second: list[str]) -> bool:
    """Whether a row says how many rows and features follow, then at most names of classes."""
    if len(first) < 2 or not all(re.fullmatch(r"[0-9]{1,9}", cell) for cell in first[:2]):
        return False
    named = not any(re.fullmatch(r"[-+.0-9eE]+", cell) for cell in first[2:])
    return named and int(first[1]) in (len(second) - 1, len(second)) and len(second) > 2


def _parsed(path: Path, separator: str, names: list[str], skipped: int) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path, sep=separator, header=None, names=names, skiprows=skipped, index_col=False,
                dtype=str, keep_default_na=False, na_values=list(MISSING), skipinitialspace=True,
                skip_blank_lines=False, encoding="utf-8-sig", compression="infer",
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        found = re.search(r"in line (\d+), saw (\d+)", str(error))
        opened = re.search(r"EOF inside string starting at row (\d+)", str(error))
        if opened is not None:
            row = int(opened[1]) + 1
            raise SymbpError(f"{path}, row {row}: a quote begins that never ends") from error
        if found is None:
            told = f"rows of more than {len(names)} values" if "ength" in str(error) else error
            raise SymbpError(f"{path}: {told}; its first row has {len(names)}") from error
        raise SymbpError(
            f"{path}, row {found[1]}: {found[2]} values where {len(names)} are expected; text that "
            f"holds the separator needs quotes"
        ) from error
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame(columns=names)
    except UnicodeDecodeError as error:
        raise SymbpError(
            f"{path} is not UTF-8 text: {error.reason}; iconv -t utf-8 makes it some"
        ) from error
    frame.index = range(1 + skipped, len(frame) + 1 + skipped)
    _require_whole(path, separator, frame, skipped)
    return frame.astype(object).apply(lambda column: column.str.strip()).dropna(how="all")


def _require_whole(path: Path, separator: str, frame: Any, skipped: int) -> None:
    """Refuse rows that are too short, whose end pandas takes for missing."""
    names = list(frame.columns)
    ends = frame[names[-1]].isna() & frame.notna().any(axis=1)
    if not ends.any():
        return
    lines = _lines(path, None)
    if len(lines) != len(frame) + skipped:
        return  # there are quoted values of several lines, or lines without a place here
    for row in ends.index[ends]:
        found = len(_cells(lines[row - 1], separator))
        if found < len(names):
            raise SymbpError(f"{path}, row {row}: {found} values where {len(names)} are expected")


def _checked(path: Path, frame: Any) -> Any:
    if not len(frame):
        raise SymbpError(f"{path} has a header and no rows")
    if len(frame.columns) < 2:
        raise SymbpError(f"{path} has one column: expected features and a target")
    return frame


def _extent(frame: Any) -> str:
    return f"{len(frame)} rows, {len(frame.columns)} columns"
