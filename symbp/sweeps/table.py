"""The table of a sweep: its columns, and how it is written as CSV, Parquet and pandas."""

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from symbp.notation.errors import SymbpError
from symbp.notation.files import write_bytes

__all__ = ["COLUMNS", "EXACT", "KEY", "Row", "write_table"]

#: What came of one training, by the name of the column.
Row = dict[str, Any]
#: What a training is known by.
KEY = ("settings", "seed", "fold")
#: The columns that settings, seed and data determine to the bit.
EXACT = (
    *KEY,
    "program",
    "status",
    "message",
    "epochs",
    "cost",
    "validation_cost",
    "validation_accuracy",
)
COLUMNS = (*EXACT, "seconds", "host")


def write_table(path: str | os.PathLike[str], rows: Sequence[Row]) -> Path:
    """Write rows to a file ``.csv`` or ``.parquet``, which appears only when it is complete.

    Parameters
    ----------
    path : path
        Where.
    rows : sequence of dict
        With all columns.
    """
    path = Path(path)
    content = io.BytesIO()
    if path.suffix.lower() == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        # Text of a number of Python is that number again.
        writer.writerows({name: _cell(row[name]) for name in COLUMNS} for row in rows)
        content.write(text.getvalue().encode())
    elif path.suffix.lower() == ".parquet":
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise SymbpError(f"{path}: Parquet needs pyarrow: pip install pyarrow") from error
        integers, texts = ("seed", "fold", "epochs"), ("settings", "program", "status", "message")
        kinds = {name: pyarrow.int64() for name in integers}
        kinds |= {name: pyarrow.string() for name in (*texts, "host")}
        schema = pyarrow.schema([(name, kinds.get(name, pyarrow.float64())) for name in COLUMNS])
        columns = {name: [row[name] for row in rows] for name in COLUMNS}
        parquet.write_table(pyarrow.table(columns, schema=schema), content)
    else:
        raise SymbpError(f"{path}: expected a name with .csv or .parquet")
    write_bytes(path, content.getvalue())
    return path


def _cell(value: Any) -> Any:
    return repr(value) if isinstance(value, float) else value


def data_frame(rows: Sequence[Row], columns: Sequence[str]) -> Any:
    """Return rows as a DataFrame of pandas, with a column for each setting in front."""
    try:
        import pandas
    except ImportError as error:
        message = "table: pandas is not here: pip install pandas; rows() does without"
        raise SymbpError(message) from error
    settings = [json.loads(row["settings"]) for row in rows]
    names = sorted({name for each in settings for name in each})
    frame = {name: [each.get(name) for each in settings] for name in names}
    # A setting may be called as a column is, which then says whose it is.
    frame = {f"setting_{name}" if name in columns else name: v for name, v in frame.items()}
    frame |= {name: [row[name] for row in rows] for name in columns if name != "settings"}
    return pandas.DataFrame(frame)
