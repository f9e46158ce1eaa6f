"""columns: what each column of a table is taken for, and what becomes of it.

A column is a number, a date, a category, or left out, which is decided from all of its values. What
is done then is a `ColumnTransformer` of scikit-learn, so that an exported predictor does the same.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.api import guess_datetime_format

from symbp.notation.errors import SymbpError, suggest
from symbp.sklearn.categories import size_of_embedding
from symbp.tables.reading import Source

__all__ = ["EMBED_ABOVE", "Column", "Table", "recognised"]

# Of the values, so many are numbers (or dates) where the others are taken for slips.
_MOST = 0.9
# More categories than so many, most of which occur once, are names.
_FEW = 20
# One-hot, more would be a table of zeros.
_MANY = 1000
#: More categories than so many become vectors that are learnt, fewer are one-hot.
EMBED_ABOVE = 20


@dataclass(frozen=True)
class Column:
    """A column and what it is taken for.

    Attributes
    ----------
    name : str
        Its name.
    kind : {"number", "date", "category", "left out"}
        What it is.
    told : str
        What is done with it, for the reader.
    gaps : bool
        Whether values are missing.
    detail : object
        The format of dates, the categories.
    embedded : bool
        Whether its categories are codes, for vectors that the network learns, and not one-hot.
    """

    name: str
    kind: str
    told: str
    gaps: bool = False
    detail: Any = None
    embedded: bool = False


@dataclass(frozen=True)
class Table:
    """What is learnt from.

    Attributes
    ----------
    frame : pandas.DataFrame
        The columns that are used: numbers as float64, others as they are.
    columns : tuple of Column
        All, in the order of the file, without the target.
    target : Column
        Its `kind` is ``"classes"`` or ``"numbers"``.
    y : ndarray of shape (rows,)
        float64 for numbers; text or integers for classes.
    notes : tuple of str
        What was done to rows.
    missing : tuple of str
        Which text stands for a missing value.
    """

    frame: Any
    columns: tuple[Column, ...]
    target: Column
    y: NDArray[Any]
    notes: tuple[str, ...]
    missing: tuple[str, ...]


def recognised(
    source: Source,
    target: str | None,
    classes: bool | None,
    dropped: Sequence[str] = (),
    embed_above: int = EMBED_ABOVE,
) -> Table:
    """Return what the columns of a table are taken for.

    Parameters
    ----------
    source : Source
        The table.
    target : str or None
        The column to predict; None for the last.
    classes : bool or None
        Whether it is a class; by default text is, and the numbers 0 … K-1 where there are at least
        twice as many rows.
    dropped : sequence of str
        Columns that are left out; several names may stand in one text, separated by commas.
    embed_above : int
        A column of more categories is for an embedding, one of fewer is one-hot.

    Raises
    ------
    SymbpError
        In one line with row and column: a value that is neither a number nor missing among numbers,
        a target that cannot be learnt, a column that is not there.
    """
    names = [str(name) for name in source.frame.columns]
    out = _named(source, names, dropped)
    goal = names[-1] if target is None else target
    # Rows that end with a separator have one more column, without name and values.
    trailing = goal == f"column {len(names)}" and source.frame[goal].isna().all()
    if target is None and trailing and len(names) > 1:
        goal = names[-2]
    if goal not in names:
        raise SymbpError(f"{source.path} has no column {goal!r}: {suggest(goal, names)}")
    if goal in out:
        hint = "" if target else ": --target says which column to predict, the last by default"
        raise SymbpError(f"{source.path}: {goal} is to be predicted and to be dropped{hint}")
    frame, notes = source.frame, []
    absent = frame[goal].isna()
    if absent.any():
        row = absent.index[absent][0]
        if absent.all():
            raise SymbpError(f"{source.path}: {goal} has no values: --target names another column")
        notes.append(f"{int(absent.sum())} rows without {goal} are left out, such as row {row}")
        frame = frame[~absent]
    told, y = _target(source, frame[goal], goal, classes)
    columns, used = [], {}
    for name in names:
        if name == goal:
            continue
        if name in out:
            columns.append(Column(name, "left out", "as you say"))
            continue
        column, values = _column(source, name, frame[name], embed_above)
        columns.append(column)
        if column.kind != "left out":
            used[name] = values
    if not used:
        why = f": {columns[0].name} is left out, as {columns[0].told}" if columns else ""
        raise SymbpError(f"{source.path}: no column is left to predict {goal} from{why}")
    made = pd.DataFrame(used, index=frame.index)
    return Table(made, tuple(columns), told, y, tuple(notes), source.missing)


def _named(source: Source, names: list[str], dropped: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for text in dropped:
        for name in [text] if text in names else [part.strip() for part in text.split(",")]:
            if name not in names:
                raise SymbpError(
                    f"{source.path} has no column {name!r} to drop: {suggest(name, names)}"
                )
            found.add(name)
    return found


def _column(source: Source, name: str, values: Any, embed_above: int) -> tuple[Column, Any]:
    """Return what a column is taken for, and its values as they are used."""
    there = values.dropna()
    gaps = len(values) - len(there)
    if not len(there):
        return Column(name, "left out", "it has no values"), None
    _require_plain(source, name, there)
    if there.nunique() == 1:
        return Column(name, "left out", f"every value is {there.iloc[0]}"), None
    numbers = _numbers(source, name, values)
    if numbers is not None:
        if _counts(numbers):
            return Column(name, "left out", "it counts the rows"), None
        told = "standardised" + _imputed(gaps, "the median")
        return Column(name, "number", told, gaps > 0), numbers
    written = _format(source, name, values)
    if written is not None:
        how = f", written {written}" if written else ""
        order = _order(values, written)
        told = f"days since 1970, and where in the year and day these vary{how}{order}"
        told += ", standardised" + _imputed(gaps, "the median")
        return Column(name, "date", told, gaps > 0, written), _objects(values)
    distinct = sorted(there.unique().tolist(), key=str)
    text = isinstance(distinct[0], str)
    if len(distinct) == len(there) and text:
        told = f"its {len(distinct)} texts are all different, as names and identifiers are"
        return Column(name, "left out", told), None
    embedded = len(distinct) + (gaps > 0) > embed_above
    most = len(there) if embedded else _MANY
    if len(distinct) > min(max(_FEW, len(there) // 2), most):
        told = f"{len(distinct)} different texts in {len(there)} rows are too many to learn"
        return Column(name, "left out", told), None
    how = "one-hot of"
    if embedded:
        size = size_of_embedding(len(distinct) + (gaps > 0))
        how = f"a vector of {size} learnt for each of"
    told = f"{how} {len(distinct)} ({_shown(distinct)})"
    told += f", {gaps} missing as one more" if gaps else ""
    return Column(name, "category", told, gaps > 0, tuple(distinct), embedded), _objects(values)


def _objects(values: Any) -> Any:
    """Return values as they are, and NaN for all kinds of missing ones."""
    return values.astype(object).where(values.notna(), np.nan)


def _imputed(gaps: int, by: str) -> str:
    return f", {gaps} missing become {by} and are flagged" if gaps else ""


def _shown(values: Sequence[Any]) -> str:
    text = ", ".join(map(str, values[:5]))
    return text + (", …" if len(values) > 5 else "")


def _counts(numbers: Any) -> bool:
    """Whether numbers count the rows, from 0 or 1."""
    array = numbers.to_numpy()
    return len(array) > _FEW and array[0] in (0, 1) and bool((np.diff(array) == 1).all())


def _require_plain(source: Source, name: str, there: Any) -> None:
    """Refuse columns of lists, durations and the like."""
    import datetime
    import decimal

    if there.dtype != object:
        if pd.api.types.is_timedelta64_dtype(there):
            raise SymbpError(f"{source.path}: {name} holds durations: --drop {name}")
        return
    plain = (str, int, float, bool, decimal.Decimal, datetime.date, np.generic)
    for row, value in there.items():
        if not isinstance(value, plain):
            raise SymbpError(
                f"{source.path}, row {row}: {name} holds a {type(value).__name__}, neither number, "
                f"text nor date: --drop {name}"
            )


def _numbers(source: Source, name: str, values: Any) -> Any:
    """Return a column as float64, or None if it is none of numbers."""
    if pd.api.types.is_bool_dtype(values.dropna().infer_objects()):
        return None
    if pd.api.types.is_datetime64_any_dtype(values):
        return None
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = values.notna() & numbers.isna()
    right = int(numbers.notna().sum())
    if wrong.any():
        row = wrong.index[wrong][0]
        value = values[row]
        if isinstance(value, str) and _dressed(values):
            raise SymbpError(
                f"{source.path}, row {row}: {name} is {value!r}: write numbers with a decimal "
                f"point and nothing else, or --drop {name}"
            )
        if right >= _MOST * (right + int(wrong.sum())):
            raise SymbpError(
                f"{source.path}, row {row}: {name} is {value!r}, where others are numbers: mend "
                f"it, leave it empty, or --drop {name}"
            )
        return None
    numbers = numbers.astype("float64")
    infinite = np.isinf(numbers)
    if infinite.any():
        row = infinite.index[infinite][0]
        raise SymbpError(
            f"{source.path}, row {row}: {name} is {values[row]}: expected a finite number; leave "
            f"it empty, or --drop {name}"
        )
    return numbers


def _dressed(values: Any) -> bool:
    """Whether all values are numbers with commas, or signs of money and percent."""
    bare = values.dropna().astype(str).str.replace(r"^[$€£¥]\s*|\s*[%$€£¥]$", "", regex=True)
    forms = [bare]
    if bare.str.contains(",", regex=False).any():
        whole = bare.str.replace(".", "", regex=False)
        forms += [bare.str.replace(",", "", regex=False)]
        forms += [each.str.replace(",", ".", regex=False) for each in (bare, whole)]
    return any(pd.to_numeric(each, errors="coerce").notna().all() for each in forms)


def _format(source: Source, name: str, values: Any) -> str | None:
    """Return how a column writes dates, ``""`` if it holds dates that are no text, else None."""
    there = values.dropna()
    if pd.api.types.is_datetime64_any_dtype(values) or not isinstance(there.iloc[0], str):
        return None if isinstance(there.iloc[0], bool | np.bool_) else _dates(there)
    best, most, missed = None, 0.0, None
    for first in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas tells of formats where the day is first
            written = guess_datetime_format(there.iloc[0], dayfirst=first)
        if written is None:
            return None
        found = pd.to_datetime(there, format=written, errors="coerce", utc="%z" in written)
        share = float(found.notna().mean())
        if share > most:
            best, most, missed = written, share, found.isna()
    if most == 1:
        return best
    if most >= _MOST and missed is not None:
        row = missed.index[missed][0]
        raise SymbpError(
            f"{source.path}, row {row}: {name} is {there[row]!r}, where other dates are written "
            f"{best}: mend it, leave it empty, or --drop {name}"
        )
    return None


def _dates(there: Any) -> str | None:
    return "" if hasattr(there.iloc[0], "year") else None


def _order(values: Any, written: str) -> str:
    """Return a warning where days could as well be months."""
    if not ("%m" in written and "%d" in written) or written.startswith("%Y"):
        return ""
    other = written.translate(str.maketrans("md", "dm"))
    found = pd.to_datetime(values.dropna(), format=other, errors="coerce", utc="%z" in other)
    if not found.notna().all():
        return ""
    return (
        " (the month first: no day is above 12)"
        if written.index("%m") < written.index("%d")
        else ""
    )


def _target(
    source: Source, values: Any, name: str, classes: bool | None
) -> tuple[Column, NDArray[Any]]:
    _require_plain(source, name, values)
    try:
        numbers = _numbers(source, name, values)
    except SymbpError as error:
        if classes:
            numbers = None  # text, whatever it looks like
        else:
            told = str(error).split(": mend it")[0].split("; leave it")[0]
            raise SymbpError(f"{told}: mend it, or --classes if {name} is a class") from error
    if numbers is None and not classes and _format(source, name, values) is not None:
        raise SymbpError(
            f"{source.path}: {name} holds dates: --target names the column to predict, such as "
            f"{_other(source, name)}"
        )
    if numbers is not None and not (_labels(numbers) if classes is None else classes):
        if numbers.nunique() == 1:
            raise SymbpError(f"{source.path}: every {name} is {numbers.iloc[0]:g}")
        told = f"a number, {numbers.min():g} to {numbers.max():g}"
        return Column(name, "numbers", told), numbers.to_numpy()
    if numbers is None and classes is False:
        row = next(r for r, v in values.items() if pd.isna(pd.to_numeric(v, errors="coerce")))
        raise SymbpError(
            f"{source.path}, row {row}: {name} is {values[row]!r}, not a number: leave out "
            f"--numbers"
        )
    if numbers is not None and (numbers % 1 == 0).all():
        y: NDArray[Any] = numbers.to_numpy().astype(np.int64)
    else:
        y = np.array([str(value) for value in values])
    distinct = np.unique(y)
    if len(distinct) < 2:
        raise SymbpError(
            f"{source.path}: every {name} is {distinct[0]}: there is nothing to tell apart"
        )
    if len(distinct) > max(_FEW, len(y) // 2) or len(distinct) == len(y):
        raise SymbpError(
            f"{source.path}: {name} has {len(distinct)} different values in {len(y)} rows, too "
            f"many for classes: --target names the column to predict, such as "
            f"{_other(source, name)}"
        )
    shown = _shown(distinct.tolist())
    return Column(name, "classes", f"one of {len(distinct)} classes ({shown})"), y


def _labels(numbers: Any) -> bool:
    """Whether numbers are exactly 0 … K-1, with at least twice as many rows."""
    distinct = numbers.unique()
    count = len(distinct)
    exact = set(distinct.tolist()) == set(map(float, range(count)))
    return exact and count > 1 and 2 * count <= len(numbers)


def _other(source: Source, name: str) -> str:
    """Return another column that could be predicted."""
    for other in reversed(source.frame.columns):
        values = source.frame[other].dropna()
        if other != name and len(values) and pd.to_numeric(values, errors="coerce").notna().all():
            return str(other)
    return str(next(other for other in source.frame.columns if other != name))
