"""The results of a sweep: rows, means over folds and seeds, the best settings, files."""

import json
import math
import os
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from symbp.notation.errors import SymbpError, suggest
from symbp.sweeps.table import COLUMNS, EXACT, Row, data_frame, write_table

__all__ = ["Sweep"]

_HIGHER_IS_BETTER = {"validation_accuracy": True, "validation_cost": False, "cost": False}


class Sweep:
    """What :func:`symbp.sweep` returns: one row for each training, in the order of the sweep.

    Attributes
    ----------
    store : Path or None
        The file of the rows.
    is_complete : bool
        Whether all trainings have a row; not so if a callback ended the sweep.

    Examples
    --------
    >>> import numpy as np, symbp as bp
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> found = bp.sweep(
    ...     lambda rate: (bp.mlp(2, 4, 1, loss="mean_squared_error"), bp.Adam(rate)),
    ...     {"rate": [0.001, 0.01]}, x, x.sum(axis=1), cv=3, epochs=5, workers=1)
    >>> len(found), found.best()["settings"]
    (6, {'rate': 0.01})
    """

    def __init__(self, rows: Sequence[Row], total: int, store: Path | None) -> None:
        self._rows, self._total, self.store = list(rows), total, store

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows())

    def __repr__(self) -> str:
        failed = len(self.failures)
        more = f", {failed} failed" if failed else ""
        of = "" if self.is_complete else f" of {self._total}"
        return f"<Sweep of {len(self._rows)}{of} trainings{more}>"

    @property
    def is_complete(self) -> bool:
        """Whether all trainings have a row."""
        return len(self._rows) == self._total

    @property
    def failures(self) -> list[Row]:
        """The rows of trainings that failed, each with its message."""
        return [row for row in self.rows() if row["status"] == "failed"]

    def rows(self, timing: bool = True) -> list[Row]:
        """Return one dict for each training.

        Parameters
        ----------
        timing : bool
            Whether they say how long it took, and where; all else is the same from sweep to sweep.

        Returns
        -------
        list of dict
            settings (a dict), seed, fold (0 without folds), program (a hash of the equations
            and of the optimizer's numbers), status (``"done"`` or ``"failed"``), message,
            epochs, cost (of the last epoch), validation_cost, validation_accuracy; seconds, host.
        """
        names = COLUMNS if timing else EXACT
        return [
            {name: row[name] for name in names} | {"settings": json.loads(row["settings"])}
            for row in self._rows
        ]

    def table(self, timing: bool = True) -> Any:
        """Return the rows as a DataFrame of pandas, with a column for each setting.

        Parameters
        ----------
        timing : bool
            As for :meth:`rows`.

        Raises
        ------
        SymbpError
            There is no pandas (the extra ``tables``).
        """
        return data_frame(self._rows, COLUMNS if timing else EXACT)

    def summary(self, by: str | None = None) -> list[Row]:
        """Return one dict for each settings, the best first.

        Parameters
        ----------
        by : {"validation_cost", "validation_accuracy", "cost"}, optional
            What is compared; by default the cost of what was held out, or of the training.

        Returns
        -------
        list of dict
            settings, the mean over seeds and folds under the name of `by`, its standard deviation
            as ``spread`` (None of one), and how many are ``done`` and ``failed``. Settings of
            which nothing is done come last.
        """
        by = self._measure(by)
        groups: dict[str, list[Row]] = {}
        for row in self._rows:
            groups.setdefault(row["settings"], []).append(row)
        found = []
        for text, rows in groups.items():
            values = [row[by] for row in rows if row["status"] == "done" and row[by] is not None]
            found.append(
                {
                    "settings": json.loads(text),
                    by: statistics.fmean(values) if values else None,
                    "spread": statistics.stdev(values) if len(values) > 1 else None,
                    "done": sum(row["status"] == "done" for row in rows),
                    "failed": sum(row["status"] == "failed" for row in rows),
                }
            )
        sign = -1 if _HIGHER_IS_BETTER[by] else 1
        return sorted(found, key=lambda row: math.inf if row[by] is None else sign * row[by])

    def best(self, by: str | None = None) -> Row:
        """Return the first of :meth:`summary`.

        Parameters
        ----------
        by : str, optional
            As for :meth:`summary`.

        Raises
        ------
        SymbpError
            No training has what is compared.
        """
        by = self._measure(by)
        found = self.summary(by)
        if not found or found[0][by] is None:
            raise SymbpError(f"best: no training has a {by}")
        return found[0]

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write all rows to a file ``.csv`` or ``.parquet`` (which needs pyarrow).

        Parameters
        ----------
        path : path
            Where; settings are JSON there.
        """
        return write_table(path, self._rows)

    def _measure(self, by: str | None) -> str:
        if by is None:
            held = any(row["validation_cost"] is not None for row in self._rows)
            return "validation_cost" if held else "cost"
        if by not in _HIGHER_IS_BETTER:
            raise SymbpError(f"by {by!r}: {suggest(by, _HIGHER_IS_BETTER)}")
        return by
