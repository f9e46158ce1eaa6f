"""Read a ``.csv`` file into feature columns and one target column.

The file is refused, in one line that says where, rather than guessed at: a missing value, a
feature that is not a number, and a row of another length are errors.
"""

import csv
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.notation.errors import SymbpError, suggest

__all__ = ["Table", "is_header", "read_csv"]

_MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none", "-"})


@dataclass(frozen=True)
class Table:
    """A ``.csv`` file whose columns are known.

    Attributes
    ----------
    features : float64 array of shape (N, features)
        Every column but the target's, in order.
    feature_names : tuple of str
        From the header, or ``column 1``, ``column 2``, … without one.
    target : array of shape (N,)
        int64 if the values are exactly the integers 0 … K-1 and there are at least 2 K of them
        (labels); otherwise float64 if all are numbers; otherwise text.
    target_name : str
        From the header, or ``column K``.
    """

    features: NDArray[np.float64]
    feature_names: tuple[str, ...]
    target: NDArray[Any]
    target_name: str


def read_csv(path: Path, target: str | None, header: bool | None = None) -> Table:
    """Read a ``.csv`` file.

    Parameters
    ----------
    path : Path
        The file, in UTF-8; columns are separated by commas, semicolons or tabs, whichever its
        first row has most of.
    target : str or None
        The name of the target column; None for the last.
    header : bool, optional
        Whether the first row is a header. By default it is if no cell of it is a number, or if
        `target` stands in it. Otherwise it is data, and a warning says so: columns may be named
        by numbers, too. Numbers that count up, such as 0, 1, 2 or 2019, 2020, 2021, are refused
        as they may be either.

    Returns
    -------
    Table
        The columns, as numbers where they must be.

    Raises
    ------
    SymbpError
        If a value is missing or not a finite number, a row has another length than the first,
        there is no such column, or the first row may as well be a header. Rows are counted as an
        editor does, from 1.

    Warns
    -----
    UserWarning
        If the first row is read as data without having been asked to.
    """
    rows = _rows(path)
    first = rows[0][1]
    if header is None:
        header = is_header(path, first, target)
    names = first if header else [f"column {k}" for k in range(1, len(first) + 1)]
    if header:
        if target is not None and names.count(target) > 1:
            raise SymbpError(f"{path} has two columns named {target!r}")
        del rows[0]
    if not rows:
        raise SymbpError(f"{path} has a header and no rows")
    if target is None:
        place = len(names) - 1
    elif target in names:
        place = names.index(target)
    else:
        raise SymbpError(f"{path} has no column {target!r}: {suggest(target, names)}")
    if len(names) < 2:
        raise SymbpError(f"{path} has one column: expected features and a target")
    features = np.empty((len(rows), len(names) - 1))
    words = []
    for k, (line, cells) in enumerate(rows):
        _require_complete(path, line, cells, names)
        words.append(cells[place])
        for j, column in enumerate(c for c in range(len(names)) if c != place):
            features[k, j] = _number(path, line, names[column], cells[column])
    lines = [line for line, _ in rows]
    feature_names = tuple(name for k, name in enumerate(names) if k != place)
    return Table(features, feature_names, _typed(path, names[place], lines, words), names[place])


def is_header(path: Path, first: list[str], target: str | None) -> bool:
    """Return whether a first row names the columns: no cell is a number, or one is the target.

    Parameters
    ----------
    path : Path
        For messages.
    first : list of str
        The cells of the row.
    target : str or None
        The name of a column that there should be.

    Raises
    ------
    SymbpError
        The row may as well be a header.

    Warns
    -----
    UserWarning
        It is data.
    """
    header = not any(map(_is_number, first)) or target in first
    if not header:
        _mention(path, first)
    return header


def _mention(path: Path, first: list[str]) -> None:
    """Say that a row with numbers is read as data; refuse one that counts, as headers do."""
    shown = ", ".join(first[:4]) + (", …" if len(first) > 4 else "")
    numbers = [int(cell) for cell in first if re.fullmatch(r"[0-9]{1,9}", cell)]
    counts = numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else False
    if counts and len(numbers) > 2 and len(numbers) >= len(first) - 1:
        raise SymbpError(
            f"{path}: its first row ({shown}) may be a header or data: say header=True or "
            f"header=False, on the command line --header or --no-header"
        )
    if len(first) > 1:
        warnings.warn(
            f"{path}: its first row ({shown}) holds numbers and is read as data; if it is a "
            f"header, say header=True, on the command line --header",
            UserWarning,
            stacklevel=5,  # whoever calls `load_dataset`
        )


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows that are not blank, each with its line number in the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SymbpError(f"{path} is not UTF-8 text: {error.reason}") from error
    start = text.lstrip("\r\n").split("\n", 1)[0]
    # max returns the first of equals: a comma, where there is none of them.
    delimiter = max(",;\t", key=start.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append((reader.line_num, stripped))
    except csv.Error as error:
        raise SymbpError(f"{path}, row {reader.line_num}: {error}") from error
    if not rows:
        raise SymbpError(f"{path} is empty")
    return rows


def _require_complete(path: Path, line: int, cells: list[str], names: list[str]) -> None:
    if len(cells) != len(names):
        raise SymbpError(f"{path}, row {line}: {len(cells)} values where {len(names)} are expected")
    for name, cell in zip(names, cells, strict=True):
        if cell.lower() in _MISSING:
            raise SymbpError(f"{path}, row {line}: no value for {name}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(path: Path, line: int, name: str, cell: str) -> float:
    if not _is_number(cell):
        raise SymbpError(f"{path}, row {line}: {name} is {cell!r}, not a number")
    value = float(cell)
    if not np.isfinite(value):
        raise SymbpError(f"{path}, row {line}: {name} is {cell}: expected a finite number")
    return value


def _typed(path: Path, name: str, lines: list[int], words: list[str]) -> NDArray[Any]:
    """Return a target column as labels, numbers or text, whichever its values all are."""
    if not all(_is_number(word) for word in words):
        return np.array(words)
    numbers = np.array(
        [_number(path, line, name, word) for line, word in zip(lines, words, strict=True)]
    )
    distinct = set(words)
    count = len(distinct)
    if count >= 2 and 2 * count <= len(words) and distinct == {str(k) for k in range(count)}:
        return numbers.astype(np.int64)
    return numbers
