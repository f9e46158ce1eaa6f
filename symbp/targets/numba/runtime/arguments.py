"""The arguments of the entry points, checked and brought into the form that the kernels take.

Arrays of any real dtype and layout go in; contiguous arrays of the kernels' dtype come out, and a
flat buffer under the parameters. Compiled code checks no shapes, so that a wrong argument must end
here: in an error that says in one line which it is, what was expected and what came.
"""

import difflib
import itertools
import math
import operator
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def numbers(label: str, value: ArrayLike, kinds: str) -> NDArray[Any]:
    """Return a value as an array of numbers of some kinds."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{label}: expected an array, got rows of unequal lengths") from None
    is_masked: Any = np.ma.is_masked  # older releases of NumPy leave its type open
    if is_masked(value):
        raise ValueError(f"{label}: some entries are masked, expected an array without a mask")
    if array.dtype.kind not in kinds:
        expected = "an integer dtype" if kinds == "iu" else "real numbers"
        raise TypeError(f"{label}: expected {expected}, got dtype {array.dtype}")
    return array


def refuse(label: str, array: NDArray[Any], wrong: NDArray[np.bool_], expected: str) -> None:
    """Raise an error about the first element that is wrong, if one is."""
    if wrong.any():
        position = tuple(np.argwhere(wrong)[0])
        raise ValueError(f"{place(label, position)} is {array[position]}, expected {expected}")


def all_finite(array: NDArray[Any]) -> bool:
    """Whether all numbers are finite for sure: then their sum is, which needs no other memory."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum()))


def place(label: str, position: Sequence[Any]) -> str:
    """Return the text of an element."""
    return f"{label}[{', '.join(str(i) for i in position)}]" if len(position) else label


def fits(shape: Sequence[int], expected: Sequence[int | str | None]) -> bool:
    """Whether a shape is as expected; a size with a name is one that arrays tell, at least 1."""
    return all(
        size == extent or (isinstance(extent, str) and size > 0)
        for size, extent in zip(shape, expected, strict=True)
    )


def sizes_of(expected: Sequence[Any], arrays: Sequence[NDArray[Any]]) -> dict[str, int]:
    """Return the sizes with names that arrays tell."""
    return {
        extent: size
        for argument, array in zip(expected, arrays, strict=True)
        for extent, size in zip(argument[2], array.shape, strict=True)
        if isinstance(extent, str)
    }


def describe(shape: Sequence[int | str | None]) -> str:
    """Return the text of a shape."""
    extents = ["N" if extent is None else str(extent) for extent in shape]
    return f"({extents[0]},)" if len(extents) == 1 else f"({', '.join(extents)})"


def class_count(shape: Sequence[int | str | None]) -> int:
    """Return how many classes an array of a shape tells apart."""
    last = shape[-1] if shape else 0
    return last if isinstance(last, int) else 0


def check_count(name: str, value: object, least: int) -> None:
    """Raise an error unless a value is an integer that is large enough."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name}: expected at least {least}, got {value}")


def ends_of(limit: Any, sizes: Mapping[str, int] | None = None) -> tuple[int, int]:
    """Return the least and the greatest integer that a limit allows, as far as sizes are known."""
    low, below = limit if isinstance(limit, tuple) else (None if limit is None else 0, limit)
    if isinstance(below, tuple):
        size = (sizes or {}).get(below[0])
        below = None if size is None else size + below[1]
    return -(2**63) if low is None else low, 2**63 - 1 if below is None else below - 1


class Arguments:
    """What a module computes, and how its arrays and parameters are passed.

    Parameters
    ----------
    dtype : dtype
        The precision, DTYPE of the module.
    signature : str
        Tells one program from another.
    record : type
        The module's Parameters.
    parameters : sequence
        Of each its name, its shape and the law and the number by which it starts.
    arguments : sequence
        Of each array its name, its role, its shape (None is N, a text another size that arrays
        tell), its kind and its limit. They are checked before anything compiled runs, and copied
        only if they must be. By their kind,

        - real: any real or boolean dtype, converted to `dtype`
        - integer: an integer dtype, values in [0, limit) if limited, or in [low, below) if that is
          a pair, in which None is no limit and ("T", 1) is T + 1; converted to int64
        - classes: as real, or integer labels, one-hot encoded if the last axis has 2 or more
        - distribution: as classes, nonnegative, and sums over the last axis are 1

        A target of shape (N, 1) may come as (N,).
    hyperparameters : dict of str to float
        Their values, unless others are given.
    ranges : dict
        What each must be above (or at least) and below.
    """

    def __init__(
        self,
        dtype: np.dtype[Any],
        signature: str,
        record: Any,
        parameters: Sequence[Any],
        arguments: Sequence[Any],
        hyperparameters: dict[str, float],
        ranges: dict[str, tuple[float, bool, float]],
    ) -> None:
        self.dtype, self.signature, self.record = dtype, signature, record
        self.parameters, self.arguments = tuple(parameters), tuple(arguments)
        self.hyperparameters, self.ranges = hyperparameters, ranges
        self.inputs = tuple(argument for argument in arguments if argument[1] == "input")
        # How far the sum of probabilities may be from 1; and ones to compute it with.
        self.sum_tolerance = 1e-6 if dtype.itemsize >= 8 else 1e-3
        self.ones = {
            shape[-1]: np.ones(shape[-1], dtype)
            for _, _, shape, kind, _ in arguments
            if kind == "distribution" and shape and shape[-1]
        }
        starts = (0, *itertools.accumulate(math.prod(shape) for _, shape, _ in parameters))
        self.count = starts[-1]
        # Where each parameter lies in the buffer, and its shape.
        self.places = tuple(
            (slice(start, stop), shape)
            for start, stop, (_, shape, _) in zip(starts, starts[1:], parameters, strict=False)
        )
        # The same as fields of a record, whose views cost half as much; of 2 GiB there can be none.
        self.fields: Any = None
        if self.count * dtype.itemsize < 2**31:
            self.fields = np.dtype([(name, dtype, shape) for name, shape, _ in parameters])
        self.pick = operator.itemgetter(*[name for name, _, _ in parameters])
        # The arrays last found to be views over one buffer, with their strides, which can be set in
        # place: finding out takes longer than a small prediction. The references are weak, to keep
        # nothing alive.
        self.last_views: list[Any] = []

    def check_arrays(
        self, caller: str, expected: Sequence[Any], values: Sequence[Any], finite: bool = False
    ) -> tuple[list[NDArray[Any]], int]:
        """Return the arrays as kernels take them, and their number of rows (1 without a batch)."""
        if len(values) != len(expected):
            names = ", ".join(argument[0] for argument in expected)
            raise TypeError(
                f"{caller}: expected {len(expected)} arrays ({names}), got {len(values)}"
            )
        rows = 0 if finite else self.rows_if_ready(expected, values)
        if rows:
            return list(values), rows
        prefix = "validation " if caller == "validation" else ""
        arrays, first, rows = [], "", 1
        sizes: dict[str, tuple[int, str]] = {}
        for argument, value in zip(expected, values, strict=True):
            label = prefix + argument[0]
            array = self.check_array(label, argument, value, finite)
            arrays.append(array)
            if argument[2][:1] == (None,):
                if first and len(array) != rows:
                    raise ValueError(f"{label} has {len(array)} rows, {first} has {rows}")
                first, rows = label, len(array)
            for axis, (size, extent) in enumerate(zip(array.shape, argument[2], strict=True)):
                if isinstance(extent, str):
                    before, other = sizes.setdefault(extent, (size, label))
                    if size != before:
                        raise ValueError(
                            f"{label}: axis {axis} has {size} elements, {extent} of {other} is "
                            f"{before}"
                        )
        known = {extent: size for extent, (size, _) in sizes.items()}
        for argument, array in zip(expected, arrays, strict=True):
            if isinstance(argument[4], tuple) and known:
                low, high = ends_of(argument[4], known)
                wrong = (array < low) | (array > high)
                refuse(prefix + argument[0], array, wrong, f"an integer from {low} to {high}")
        return arrays, rows

    def rows_if_ready(self, expected: Sequence[Any], values: Sequence[Any]) -> int:
        """Return the number of rows if kernels can take all values as they are, and otherwise 0.

        Most come so, and the checks that would find it out take longer than a small network.
        """
        rows, dtype = 0, self.dtype
        for (_, _, extents, kind, _), value in zip(expected, values, strict=True):
            if type(value) is not np.ndarray or value.dtype is not dtype or not value.flags.carray:
                return 0
            shape = value.shape
            if shape != extents:
                if len(shape) != len(extents) or shape[1:] != extents[1:] or extents[0] is not None:
                    return 0
                if not shape[0] or (rows and shape[0] != rows):
                    return 0
                rows = shape[0]
            if kind == "integer" or (kind == "distribution" and not self.surely_distributed(value)):
                return 0
        return rows or 1

    def surely_distributed(self, array: NDArray[Any]) -> bool:
        """Whether rows are so surely distributions that nobody need look for one that is not."""
        # A sum over a short axis takes longest; large products BLAS would share among threads.
        ones = self.ones.get(array.shape[-1]) if array.ndim and array.size < 8192 else None
        missed = (np.einsum("...j->...", array) if ones is None else array.dot(ones)).ravel() - 1
        # All together within what is allowed for each; what is not a number compares as False.
        return bool(missed.dot(missed) <= self.sum_tolerance**2 and array.item(array.argmin()) >= 0)

    def check_array(
        self, label: str, argument: Any, value: ArrayLike, finite: bool
    ) -> NDArray[Any]:
        """Return an array as the kernels take it."""
        _, role, shape, kind, limit = argument
        source = array = numbers(label, value, "iu" if kind == "integer" else "biuf")
        classes, one_hot = class_count(shape), False
        labelled = kind in ("classes", "distribution") and classes > 1
        if source.ndim == len(shape) - 1:
            if labelled and source.dtype.kind in "iu":
                wrong = (source < 0) | (source >= classes)
                refuse(label, source, wrong, f"a label from 0 to {classes - 1}")
                array, one_hot = source[..., np.newaxis] == np.arange(classes), True
            elif role == "target" and classes == 1:
                array = source[..., np.newaxis]
        fixed = 1 if shape[:1] == (None,) else 0  # only the first axis can have the extent N
        if array.ndim != len(shape) or not fits(array.shape[fixed:], shape[fixed:]):
            accepted, came = describe(shape), f"{source.shape}"
            if labelled:
                accepted += f" or integer labels {describe(shape[:-1])}"
                came += f" of {source.dtype}"
            raise ValueError(f"{label}: expected shape {accepted}, got {came}")
        if fixed and len(array) == 0:
            raise ValueError(f"{label}: expected at least one row, got shape {source.shape}")
        # What a size limits that arrays tell is looked at when all of them are known.
        if kind == "integer" and not (isinstance(limit, tuple) and isinstance(limit[1], tuple)):
            low, high = ends_of(limit)
            wrong = (array < low) | (array > high)
            refuse(label, array, wrong, f"an integer from {low} to {high}")
        array = np.asarray(array, np.int64 if kind == "integer" else self.dtype, order="C")
        if not array.flags.carray:  # Numba compiles apart for read-only and unaligned arrays
            array = array.copy()
        if finite and kind != "integer" and not all_finite(array):
            refuse(label, array, ~np.isfinite(array), "a finite number")
        if kind == "distribution" and not one_hot:
            refuse(label, array, array < 0, "a probability")
            # Probabilities computed in single precision do not sum to 1 in double precision.
            tolerance = self.sum_tolerance if source.dtype.itemsize >= 8 else 1e-3
            sums = array.sum(axis=-1)
            refuse(
                f"the sum of {label}", sums, np.abs(sums - 1) > tolerance, "1, as of probabilities"
            )
        return array

    def hyperparameter_values(self, given: dict[str, float]) -> NDArray[Any]:
        """Return the checked values as an array, in the order of the hyperparameters."""
        known = ", ".join(self.hyperparameters) or "none"
        for name in given:
            if name not in self.hyperparameters:
                near = difflib.get_close_matches(str(name), self.hyperparameters, 1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise TypeError(f"unknown hyperparameter {name}: {hint}This program has: {known}")
        for name in self.hyperparameters:
            value: Any = given.get(name)
            if isinstance(value, np.generic):
                value = value.item()
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise TypeError(f"{name}: expected a number, got {value!r}")
            if not abs(value) <= float(np.finfo(self.dtype).max):  # finite in this precision too
                raise ValueError(f"{name}: expected a finite number, got {value!r}")
            least, without, below = self.ranges.get(name, (-math.inf, True, math.inf))
            if value < least or (without and value == least) or value >= below:
                wanted = f"{'>' if without else '>='} {least:g}"
                wanted += f" and < {below:g}" if below < math.inf else ""
                raise ValueError(f"{name}: expected a number {wanted}, got {value!r}")
        return np.array([given[name] for name in self.hyperparameters], self.dtype)

    def views(self, flat: NDArray[Any]) -> Any:
        """Return Parameters over a flat buffer."""
        if self.fields is None:
            return self.record(*[flat[place].reshape(shape) for place, shape in self.places])
        fields = self.pick(np.ndarray((), self.fields, flat))
        return self.record._make(fields if len(self.parameters) > 1 else [fields])

    def flatten(self, parameters: Any) -> NDArray[Any]:
        """Return the buffer under the parameters if there is one, or else a new one, filled."""
        if isinstance(parameters, self.record):
            buffer = self.buffer_under(parameters)
            if buffer is not None:
                return buffer
        names = [name for name, _, _ in self.parameters]
        given = parameters._asdict() if hasattr(parameters, "_asdict") else parameters
        if isinstance(given, dict):
            if set(given) != set(names):
                came = ", ".join(str(name) for name in given)
                raise ValueError(f"parameters: expected {', '.join(names)}, got {came or 'none'}")
            given = [given[name] for name in names]
        if not isinstance(given, tuple | list):
            came = type(given).__name__
            raise TypeError(
                f"parameters: expected Parameters, a tuple or a dict of arrays, got {came}"
            )
        if len(given) != len(names):
            expected = f"{len(names)} arrays ({', '.join(names)})"
            raise ValueError(f"parameters: expected {expected}, got {len(given)}")
        flat = np.empty(self.count, self.dtype)
        for value, view, (name, shape, _) in zip(
            given, self.views(flat), self.parameters, strict=True
        ):
            array = numbers(f"parameters.{name}", value, "biuf")
            if array.shape != shape:
                message = f"expected shape {describe(shape)}, got {array.shape}"
                raise ValueError(f"parameters.{name}: {message}")
            view[...] = array
        return flat

    def buffer_under(self, parameters: Any) -> NDArray[Any] | None:
        """Return the buffer that parameters are views over, in their order, or None."""
        flat = getattr(parameters[0], "base", None)
        if type(flat) is not np.ndarray or not flat.flags.carray:
            return None
        if flat.shape != (self.count,) or flat.dtype != self.dtype:
            return None
        if self.last_views:
            for array, (reference, strides) in zip(parameters, self.last_views[0], strict=True):
                if reference() is not array or array.strides != strides:
                    break
            else:
                return flat
        # Address, strides, shape and dtype: a transposed square matrix has the address of its base.
        if not all(
            isinstance(array, np.ndarray) and array.__array_interface__ == view.__array_interface__
            for array, view in zip(parameters, self.views(flat), strict=True)
        ):
            return None
        self.last_views[:] = [[(weakref.ref(array), array.strides) for array in parameters]]
        return flat
