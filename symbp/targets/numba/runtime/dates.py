"""Dates as numbers: days since 1970, and where in a year or in a day they are."""

from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
from numpy.typing import NDArray

EPOCH = datetime(1970, 1, 1)


def days_since_epoch(value: Any, written: str) -> float:
    """Return the days since the start of 1970, in UTC if the date says a zone.

    Parameters
    ----------
    value : str, date, datetime or numpy.datetime64
        NaT gives NaN.
    written : str
        How text is to be read, such as ``"%Y-%m-%d"``; "" is ISO 8601.
    """
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            return float("nan")
        value = value.astype("datetime64[us]").item()
    if isinstance(value, str):
        text = value.strip()
        value = datetime.strptime(text, written) if written else datetime.fromisoformat(text)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise TypeError("expected a date")
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    seconds: float = (value - EPOCH).total_seconds()
    return seconds / 86400


def date_feature(days: NDArray[Any], period: float, phase: float) -> NDArray[Any]:
    """Return days as they are if the period is 0, else ``sin(2 pi (days/period + phase))``."""
    if not period:
        return days
    return np.asarray(np.sin(2 * np.pi * ((days / period) % 1 + phase)))
