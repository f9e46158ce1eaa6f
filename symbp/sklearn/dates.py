"""DateNumbers: columns of dates as numbers, read as an exported predictor reads them."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from symbp.targets.numba.runtime.dates import date_feature, days_since_epoch
from symbp.targets.numba.runtime.predicting import is_gap

__all__ = ["DateNumbers"]

_YEAR, _DAY = 365.2425, 1.0


class DateNumbers(TransformerMixin, BaseEstimator):
    """Dates as numbers: days since 1970, and where in the year and in the day they are.

    A network cannot see from a count of days that winter comes again. Dates that span more than
    half a year get the sine and cosine of their place in the year besides, and those with a time
    of day the same of their place in the day. A gap gives NaN, for ``SimpleImputer`` behind.

    Parameters
    ----------
    formats : sequence of str, optional
        How each column writes dates, such as ``"%d.%m.%Y"``; ``""``, and the default, is ISO 8601.

    Attributes
    ----------
    parts_ : list of list
        Of each column and number the format, the period in days (0: the days themselves) and the
        phase.

    Examples
    --------
    >>> from symbp.sklearn import DateNumbers
    >>> dates = [["1.2.1970"], ["3.2.1970"]]
    >>> DateNumbers(["%d.%m.%Y"]).fit_transform(dates).tolist()
    [[31.0], [33.0]]
    """

    def __init__(self, formats: Sequence[str] | None = None) -> None:
        self.formats = formats

    def fit(self, X: Any, y: Any = None) -> Self:
        """Look at which periods the dates of a table span."""
        table = self._table(X, reset=True)
        formats = [""] * table.shape[1] if self.formats is None else list(self.formats)
        if len(formats) != table.shape[1]:
            raise ValueError(f"formats: expected {table.shape[1]}, got {len(formats)}")
        self.parts_: list[list[tuple[str, float, float]]] = []
        for written, column in zip(formats, table.T, strict=True):
            days = self._days(column, written)
            days = days[~np.isnan(days)]
            periods = [_YEAR] if len(days) and np.ptp(days) > _YEAR / 2 else []
            periods += [_DAY] if (days % 1).any() else []
            waves = [(written, period, phase) for period in periods for phase in (0.0, 0.25)]
            self.parts_.append([(written, 0.0, 0.0), *waves])
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the numbers, (examples, numbers of all columns)."""
        check_is_fitted(self)
        table = self._table(X, reset=False)
        made = []
        for parts, column in zip(self.parts_, table.T, strict=True):
            days = self._days(column, parts[0][0])
            made += [date_feature(days, period, phase) for _, period, phase in parts]
        return np.column_stack(made)

    def _table(self, X: Any, reset: bool) -> NDArray[Any]:
        found: NDArray[Any] = validate_data(
            self, X, dtype=object, ensure_all_finite=False, reset=reset
        )
        return found

    @staticmethod
    def _days(column: NDArray[Any], written: str) -> NDArray[np.float64]:
        empty = (is_gap(value) or value == "" for value in column)
        pairs = zip(empty, column, strict=True)
        return np.array([np.nan if e else days_since_epoch(v, written) for e, v in pairs])
