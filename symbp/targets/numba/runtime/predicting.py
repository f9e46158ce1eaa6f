"""A predictor: a trained network with what stands before and behind it.

A table goes in as it was before anything was done to it: numbers, text, and gaps where the table
that was learnt from had some. Classes by name, probabilities, or numbers in their own units come
out.
"""

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.dates import date_feature, days_since_epoch
from symbp.targets.numba.runtime.likelihood import Likelihood


def packed_numbers(text: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the numbers that a text holds, little-endian bytes in base 64."""
    little = np.frombuffer(base64.b64decode(text), dtype.newbyteorder("<"))
    return little.astype(dtype)  # a copy, which may be written to, as kernels want it


def is_gap(value: Any) -> bool:
    """Whether a value stands for a missing one: None, NaN, or what data frames write."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


class Columns:
    """The columns of a table, and the features that the network reads.

    Parameters
    ----------
    names : sequence of str
        Of the columns, if they have any.
    count : int
        How many there are.
    features : sequence
        Of each its column, its kind, a detail, what fills a gap (None: a gap is an error), and the
        arithmetic that follows, such as (("-", mean), ("/", scale)). By their kind,

        - number: as it is
        - date: of a date the days since 1970, or the sine of its place in a period, see
          `date_feature`; the detail is the format of text, the period and the phase
        - gap: 1 where there is a gap, else 0
        - is: 1 where the column holds the category that is the detail, else 0
        - code: the place of the category among those of the detail
    known : dict of int to tuple
        The categories of a column in which no other may stand.
    missing : sequence of str
        What text stands for a gap, besides None and NaN.
    """

    def __init__(
        self, names: Sequence[str], count: int, features: Sequence[Any],
        known: Mapping[int, tuple[Any, ...]], missing: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.names, self.count, self.features, self.known = tuple(names), count, features, known
        self.categories_of = {column: frozenset(values) for column, values in known.items()}
        self.missing = frozenset(missing)
        # Numbers with the same arithmetic, as tables from laboratories are, go all at once.
        plain = all(kind == "number" and fill is None for _, kind, _, fill, _ in features)
        signs = {tuple(sign for sign, _ in steps) for *_, steps in features}
        self.at_once: list[tuple[str, NDArray[Any]]] | None = None
        if plain and len(signs) == 1:
            numbers = np.array([[number for _, number in steps] for *_, steps in features])
            self.at_once = list(zip(*signs, numbers.T, strict=True))

    def label(self, column: int) -> str:
        """Return what a column is called."""
        return f"column {self.names[column]!r}" if self.names else f"column {column}"

    def read(self, table: Any) -> list[NDArray[Any]]:
        """Return the columns of a table: a data frame, a dict of columns, or rows."""
        if isinstance(table, Mapping) or hasattr(table, "columns"):
            if not self.names:
                raise TypeError("x: its columns have no names here; expected an array of rows")
            there = list(table.keys() if isinstance(table, Mapping) else table.columns)
            for name in self.names:
                if name not in there:
                    raise ValueError(f"x: no column {name!r}; expected {', '.join(self.names)}")
            columns = [np.atleast_1d(self.plain(table[name])) for name in self.names]
            found = [self.without_gaps(self.column(values)) for values in columns]
            if len({len(values) for values in found}) > 1:
                raise ValueError("x: expected columns of one length")
            return found
        if hasattr(table, "toarray"):
            table = table.toarray()
        array = self.plain(table)
        if array.ndim == 1 and len(array) == self.count:
            array = array[np.newaxis]  # one example
        if array.ndim != 2 or array.shape[1] != self.count:
            raise ValueError(f"x: expected shape (N, {self.count}), got {array.shape}")
        return [self.without_gaps(self.column(values)) for values in array.T]

    @staticmethod
    def plain(values: Any) -> NDArray[Any]:
        """Return values as an array of numbers, or of whatever they are."""
        try:
            array = np.asarray(values)
        except ValueError:
            raise ValueError("x: expected rows of one length") from None
        if array.dtype.kind == "M":
            return np.asarray(array.astype("datetime64[us]").astype(object))
        # Text would make text of the numbers beside it.
        return array if array.dtype.kind in "biuf" else np.array(values, dtype=object)

    @staticmethod
    def column(values: NDArray[Any]) -> NDArray[Any]:
        """Return a column as it is, without the dimension that a data frame may add."""
        return values.reshape(-1) if values.ndim == 1 else np.asarray(values).ravel()

    def without_gaps(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a column with None for what text stands for a gap."""
        if not self.missing or values.dtype != object:
            return values
        places = [isinstance(value, str) and value.strip() in self.missing for value in values]
        result = values.copy()
        result[np.array(places, bool)] = None
        return result

    def days(self, column: int, values: NDArray[Any], written: str) -> NDArray[Any]:
        """Return a column of dates as days since 1970, NaN where there is a gap."""
        found = np.empty(len(values))
        for row, value in enumerate(values):
            empty = is_gap(value) or (isinstance(value, str) and not value.strip())
            try:
                found[row] = np.nan if empty else days_since_epoch(value, written)
            except (TypeError, ValueError):
                expected = f"a date, as text in the format {written}" if written else "a date"
                self.refuse(column, row, value, expected)
        return found

    def numbers(self, column: int, values: NDArray[Any]) -> NDArray[Any]:
        """Return a column as numbers, NaN where there is a gap."""
        if values.dtype.kind in "biuf":
            found = values.astype(np.float64)
        else:
            found = np.empty(len(values))
            for row, value in enumerate(values):
                try:
                    empty = is_gap(value) or (isinstance(value, str) and not value.strip())
                    found[row] = np.nan if empty else float(value)
                except (TypeError, ValueError):
                    self.refuse(column, row, value, "a number")
        for place in np.flatnonzero(np.isinf(found)):
            self.refuse(column, int(place), found[place], "a finite number")
        return found

    def refuse(self, column: int, row: int, value: Any, expected: str) -> None:
        """Raise an error about a value of a table."""
        shown = repr(value.item() if isinstance(value, np.generic) else value)
        raise ValueError(f"x: row {row}, {self.label(column)} is {shown}, expected {expected}")

    def gaps(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Return where a column has gaps."""
        if values.dtype.kind == "f":
            return np.asarray(np.isnan(values))
        if values.dtype.kind in "biu":
            return np.zeros(len(values), bool)
        return np.array([is_gap(value) for value in values], bool)

    def categories(self, column: int, values: NDArray[Any], fill: Any) -> NDArray[Any]:
        """Return a column as categories, None where there is a gap and nothing that fills it."""
        result = values.astype(object)
        result[self.gaps(values)] = fill
        if column in self.known:
            for row, value in enumerate(result):
                if value not in self.categories_of[column]:
                    first = [*map(repr, self.known[column][:20])]
                    more = len(self.known[column]) - len(first)
                    names = ", ".join([*first, f"and {more} more"] if more > 0 else first)
                    self.refuse(column, row, values[row], f"one of {names}")
        return result

    def feature(self, values: NDArray[Any], column: int, kind: str, detail: Any, fill: Any) -> Any:
        """Return a feature before its arithmetic."""
        if kind == "gap":
            return self.gaps(values).astype(np.float64)
        if kind == "is":
            same = [value == detail for value in self.categories(column, values, fill)]
            return np.array(same, np.float64)
        if kind == "code":
            places = {category: place for place, category in enumerate(detail)}
            found = self.categories(column, values, fill)
            return np.array([places[value] for value in found], np.float64)
        if kind == "date":
            written, period, phase = detail
            numbers, expected = (
                date_feature(self.days(column, values, written), period, phase),
                "date",
            )
        else:
            numbers, expected = self.numbers(column, values), "number"
        gaps = np.isnan(numbers)
        if gaps.any():
            if fill is None:
                first = int(np.flatnonzero(gaps)[0])
                told = f"a {expected}: there was no gap in training"
                self.refuse(column, first, values[first], told)
            numbers[gaps] = fill
        return numbers

    def apply(self, table: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return what the network reads, of shape (examples, features)."""
        columns = self.read(table)
        if not len(columns[0]):
            raise ValueError("x: expected at least one row")
        result = np.empty((len(columns[0]), len(self.features)))
        for place, (column, kind, detail, fill, steps) in enumerate(self.features):
            result[:, place] = self.feature(columns[column], column, kind, detail, fill)
            if self.at_once is None:
                result[:, place] = computed(result[:, place], steps)
        if self.at_once is not None:
            result = computed(result, self.at_once)
        return np.ascontiguousarray(result, dtype)


def computed(values: NDArray[Any], steps: Sequence[tuple[str, Any]]) -> Any:
    """Return values after some arithmetic, step by step."""
    for sign, number in steps:
        if sign == "-":
            values = values - number
        elif sign == "+":
            values = values + number
        elif sign == "/":
            values = values / number
        else:
            values = values * number
    return values


class Predictor:
    """A trained network that reads a table.

    Parameters
    ----------
    columns : Columns
        What it reads.
    kernel : callable
        Computes the output: of its numbers, the memory for the output, and the input.
    packed : sequence of ndarray
        The parameters, and the state if there is one.
    sources : sequence
        Of each array that the kernel reads the shape of an example, and whether it holds integers:
        they take as many features each, in order.
    output : tuple
        The shape of the output of an example.
    likelihood : Likelihood
        How the output is read.
    classes : sequence
        Their names, if there are any.
    units : sequence of (str, sequence of float)
        The arithmetic that brings numbers back to their own units.
    """

    def __init__(
        self, columns: Columns, kernel: Callable[..., Any], packed: Sequence[NDArray[Any]],
        sources: Sequence[Any], output: tuple[int, ...], likelihood: Likelihood,
        classes: Sequence[Any], units: Sequence[tuple[str, Sequence[float]]],
    ) -> None:  # fmt: skip
        self.columns, self.kernel, self.packed = columns, kernel, packed
        self.sources, self.output, self.likelihood = tuple(sources), output, likelihood
        self.classes, self.units = classes, [(sign, np.array(values)) for sign, values in units]

    def outputs(self, x: Any) -> NDArray[Any]:
        """Return the outputs of the network."""
        dtype = self.packed[0].dtype
        features = self.columns.apply(x, dtype)
        made = np.empty((len(features), *self.output), dtype)
        arrays, start = [], 0
        for shape, kind in self.sources:
            part = features[:, start : start + math.prod(shape)].reshape(len(features), *shape)
            arrays.append(np.ascontiguousarray(part, np.int64 if kind == "integer" else dtype))
            start += math.prod(shape)
        self.kernel(*self.packed, made, *arrays)
        return made.reshape(len(made), -1)

    def numbers(self, x: Any) -> NDArray[Any]:
        """Return what is predicted in its own units."""
        return np.asarray(computed(self.outputs(x), self.units))

    def predict_proba(self, x: Any) -> NDArray[Any]:
        """Return the probability of each class."""
        return self.likelihood.probabilities(self.outputs(x))

    def classify(self, x: Any) -> NDArray[Any]:
        """Return the name of the class of each example, or zeros and ones for labels."""
        places = self.likelihood.decided(self.outputs(x))
        if self.likelihood.several:
            return places
        found: NDArray[Any] = np.array(self.classes)[places]
        return found
