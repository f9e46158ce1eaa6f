"""The store of a sweep: one row for each training, in SQLite, written as the results come.

Only the process that runs the sweep writes. What comes together is one transaction, so that a
process that is killed leaves rows that are whole.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from symbp.notation.errors import SymbpError
from symbp.sweeps.table import COLUMNS, KEY, Row, write_table

__all__ = ["Store"]

_TYPES = {"seed": "INTEGER", "fold": "INTEGER", "epochs": "INTEGER"}
_NUMBERS = ("cost", "validation_cost", "validation_accuracy", "seconds")
_SUFFIXES = (".sqlite", ".db", ".parquet", ".csv")


class Store:
    """Rows on disk, or in memory.

    Parameters
    ----------
    path : path, optional
        A file ``.sqlite`` or ``.db``; or a ``.parquet`` or ``.csv``, which is written at the end
        from a ``.sqlite`` beside it. Without one, rows live as long as the process.
    about : mapping of str to object
        What all rows depend on; a file that says otherwise is refused.

    Raises
    ------
    SymbpError
        The file is none of a sweep, or that of another one.
    """

    def __init__(self, path: str | os.PathLike[str] | None, about: Mapping[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        self.table: Path | None = None
        database = self.path
        if self.path is not None and self.path.suffix.lower() not in _SUFFIXES:
            raise SymbpError(f"store {self.path}: expected a name with {', '.join(_SUFFIXES)}")
        if self.path is not None and self.path.suffix.lower() in (".parquet", ".csv"):
            self.table, database = self.path, self.path.with_name(f"{self.path.name}.sqlite")
        self.database = database
        try:
            self._connection = sqlite3.connect(":memory:" if database is None else database)
            self._open(about)
        except sqlite3.Error as error:
            raise SymbpError(f"store {database}: {error}") from error

    def _open(self, about: Mapping[str, Any]) -> None:
        columns = ", ".join(f"{name} {_type(name)}" for name in COLUMNS)
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value)")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS results ({columns}, PRIMARY KEY ({', '.join(KEY)}))"
            )
            known = dict(connection.execute("SELECT name, value FROM about"))
            for name, value in about.items():
                text = json.dumps(value, sort_keys=True)
                if name not in known:
                    connection.execute("INSERT INTO about VALUES (?, ?)", (name, text))
                elif known[name] != text:
                    raise SymbpError(
                        f"store {self.path}: holds a sweep of other {name} ({known[name]}; this "
                        f"one has {text}): give another store"
                    )

    def rows(self) -> dict[tuple[Any, ...], Row]:
        """Return all rows by settings, seed and fold."""
        found = self._connection.execute(f"SELECT {', '.join(COLUMNS)} FROM results")
        rows = (dict(zip(COLUMNS, values, strict=True)) for values in found)
        return {tuple(row[name] for name in KEY): row for row in rows}

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows, in one transaction; one that is there already gives way."""
        places = ", ".join("?" * len(COLUMNS))
        try:
            with self._connection as connection:
                connection.executemany(
                    f"INSERT OR REPLACE INTO results VALUES ({places})",
                    [tuple(row[name] for name in COLUMNS) for row in rows],
                )
        except sqlite3.Error as error:
            raise SymbpError(f"store {self.database}: {error}") from error

    def close(self, rows: Iterable[Row]) -> None:
        """Write the table, if one was asked for, and let go of the file."""
        with contextlib.closing(self._connection):
            if self.table is not None:
                write_table(self.table, list(rows))


def _type(name: str) -> str:
    return "REAL" if name in _NUMBERS else _TYPES.get(name, "TEXT")
