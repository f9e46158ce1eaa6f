"""preparing: what is done to columns, as a `ColumnTransformer` of scikit-learn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from symbp.sklearn import DateNumbers
from symbp.tables.columns import Column

__all__ = ["codes", "prepared"]


def prepared(columns: Sequence[Column]) -> ColumnTransformer:
    """Return what makes features of columns, not yet fitted.

    Numbers and dates get mean 0 and variance 1, after gaps became the median, with a feature more
    that says where they were. Categories are one-hot, or codes where they are for an embedding, a
    gap one of them. All categories of the table are known, also those that are held out: another
    one is an error.

    Parameters
    ----------
    columns : sequence of Column
        What the columns are taken for.
    """
    steps: list[tuple[str, Any, list[str]]] = []
    for gaps in (False, True):
        fill = [SimpleImputer(strategy="median", add_indicator=True)] if gaps else []
        suffix = " with gaps" if gaps else ""
        numbers = [c for c in columns if c.kind == "number" and c.gaps is gaps]
        if numbers:
            made = make_pipeline(*fill, StandardScaler())
            steps.append((f"numbers{suffix}", made, [c.name for c in numbers]))
        dates = [c for c in columns if c.kind == "date" and c.gaps is gaps]
        if dates:
            made = make_pipeline(DateNumbers([c.detail for c in dates]), *fill, StandardScaler())
            steps.append((f"dates{suffix}", made, [c.name for c in dates]))
    words = [c for c in columns if c.kind == "category" and not c.embedded]
    if words:
        known = [_known(c) for c in words]
        encoder = OneHotEncoder(categories=known, handle_unknown="error", sparse_output=False)
        steps.append(("categories", encoder, [c.name for c in words]))
    for column in columns:
        if column.embedded:
            # Each by itself, as a gap has the last code of its own column.
            encoder = OrdinalEncoder(
                categories=[_known(column)],
                encoded_missing_value=len(column.detail) if column.gaps else np.nan,
            )
            steps.append((f"codes of {column.name}", encoder, [column.name]))
    return ColumnTransformer(steps, sparse_threshold=0.0)


def codes(columns: Sequence[Column], width: int) -> dict[int, int]:
    """Return which features of a prepared table are codes, and how many categories each has.

    Parameters
    ----------
    columns : sequence of Column
        As for :func:`prepared`, behind whose other features the codes stand.
    width : int
        The number of all features.
    """
    counts = [len(c.detail) + c.gaps for c in columns if c.embedded]
    return dict(zip(range(width - len(counts), width), counts, strict=True))


def _known(column: Column) -> Any:
    found = np.empty(len(column.detail) + column.gaps, dtype=object)
    found[: len(column.detail)] = column.detail
    if column.gaps:
        found[-1] = np.nan
    return found
