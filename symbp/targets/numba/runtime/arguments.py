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
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.targets.numba.runtime.stand_in import (
    _ARGUMENTS,
    _HYPERPARAMETERS,
    _PARAMETERS,
    _RANGES,
    DTYPE,
    Parameters,
)

# Arguments: checked before anything compiled runs, copied only if they must be. By their kind,
#   real            any real or boolean dtype, converted to DTYPE
#   integer         an integer dtype, values in [0, limit) if limited, converted to int64
#   classes         as real, or integer labels, one-hot encoded if the last axis has 2 or more
#   distribution    as classes, nonnegative, and sums over the last axis are 1
# A target of shape (N, 1) may come as (N,).

# How far the sum of probabilities may be from 1; and ones to compute it with.
_SUM_TOLERANCE = 1e-6 if DTYPE.itemsize >= 8 else 1e-3
_ONES = {
    shape[-1]: np.ones(shape[-1], DTYPE)
    for _, _, shape, kind, _ in _ARGUMENTS
    if kind == "distribution" and shape and shape[-1]
}
_INPUTS = tuple(argument for argument in _ARGUMENTS if argument[1] == "input")


def _check_arrays(
    caller: str, expected: Sequence[Any], values: Sequence[Any], finite: bool = False
) -> tuple[list[NDArray[Any]], int]:
    """Return the arrays as the kernels take them, and their number of rows (1 without a batch)."""
    if len(values) != len(expected):
        names = ", ".join(argument[0] for argument in expected)
        raise TypeError(f"{caller}: expected {len(expected)} arrays ({names}), got {len(values)}")
    rows = 0 if finite else _rows_if_ready(expected, values)
    if rows:
        return list(values), rows
    prefix = "validation " if caller == "validation" else ""
    arrays, first, rows = [], "", 1
    for argument, value in zip(expected, values, strict=True):
        label = prefix + argument[0]
        array = _check_array(label, argument, value, finite)
        arrays.append(array)
        if argument[2][:1] == (None,):
            if first and len(array) != rows:
                raise ValueError(f"{label} has {len(array)} rows, {first} has {rows}")
            first, rows = label, len(array)
    return arrays, rows


def _rows_if_ready(expected: Sequence[Any], values: Sequence[Any]) -> int:
    """Return the number of rows if the kernels can take all values as they are, and otherwise 0.

    Most come so, and the checks that would find it out take longer than a small network.
    """
    rows = 0
    for (_, _, extents, kind, _), value in zip(expected, values, strict=True):
        if type(value) is not np.ndarray or value.dtype is not DTYPE or not value.flags.carray:
            return 0
        shape = value.shape
        if shape != extents:
            if len(shape) != len(extents) or shape[1:] != extents[1:] or extents[0] is not None:
                return 0
            if not shape[0] or (rows and shape[0] != rows):
                return 0
            rows = shape[0]
        if kind == "integer" or (kind == "distribution" and not _surely_distributed(value)):
            return 0
    return rows or 1


def _surely_distributed(array: NDArray[Any]) -> bool:
    """Whether rows are so surely distributions that nobody need look for one that is not."""
    # A sum over a short axis takes longest of all; large products BLAS would share among threads.
    ones = _ONES.get(array.shape[-1]) if array.ndim and array.size < 8192 else None
    missed = (np.einsum("...j->...", array) if ones is None else array.dot(ones)).ravel() - 1
    # All together within what is allowed for each; what is not a number compares as False.
    return bool(missed.dot(missed) <= _SUM_TOLERANCE**2 and array.item(array.argmin()) >= 0)


def _check_array(label: str, argument: Any, value: ArrayLike, finite: bool) -> NDArray[Any]:
    _, role, shape, kind, limit = argument
    source = array = _numbers(label, value, "iu" if kind == "integer" else "biuf")
    classes = _class_count(shape)
    labelled = kind in ("classes", "distribution") and classes > 1
    if source.ndim == len(shape) - 1:
        if labelled and source.dtype.kind in "iu":
            wrong = (source < 0) | (source >= classes)
            _refuse(label, source, wrong, f"a label from 0 to {classes - 1}")
            array = source[..., np.newaxis] == np.arange(classes)
        elif role == "target" and classes == 1:
            array = source[..., np.newaxis]
    fixed = 1 if shape[:1] == (None,) else 0  # only the first axis can have the extent N
    if array.ndim != len(shape) or array.shape[fixed:] != shape[fixed:]:
        accepted, came = _describe(shape), f"{source.shape}"
        if labelled:
            accepted += f" or integer labels {_describe(shape[:-1])}"
            came += f" of {source.dtype}"
        raise ValueError(f"{label}: expected shape {accepted}, got {came}")
    if fixed and len(array) == 0:
        raise ValueError(f"{label}: expected at least one row, got shape {source.shape}")
    if kind == "integer":
        low, high = (-(2**63), 2**63 - 1) if limit is None else (0, limit - 1)
        wrong = (array < low) | (array > high)
        _refuse(label, array, wrong, f"an integer from {low} to {high}")
    array = np.asarray(array, np.int64 if kind == "integer" else DTYPE, order="C")
    if not array.flags.carray:  # Numba compiles apart for read-only and unaligned arrays
        array = array.copy()
    if finite and kind != "integer":
        _refuse(label, array, ~np.isfinite(array), "a finite number")
    if kind == "distribution":
        _refuse(label, array, array < 0, "a probability")
        # Probabilities computed in single precision do not sum to 1 in double precision.
        tolerance = _SUM_TOLERANCE if source.dtype.itemsize >= 8 else 1e-3
        sums = array.sum(axis=-1)
        _refuse(f"the sum of {label}", sums, np.abs(sums - 1) > tolerance, "1, as of probabilities")
    return array


def _numbers(label: str, value: ArrayLike, kinds: str) -> NDArray[Any]:
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


def _refuse(label: str, array: NDArray[Any], wrong: NDArray[np.bool_], expected: str) -> None:
    if wrong.any():
        position = tuple(np.argwhere(wrong)[0])
        raise ValueError(f"{_place(label, position)} is {array[position]}, expected {expected}")


def _place(label: str, position: Sequence[Any]) -> str:
    return f"{label}[{', '.join(str(i) for i in position)}]" if len(position) else label


def _describe(shape: Sequence[int | None]) -> str:
    extents = ["N" if extent is None else str(extent) for extent in shape]
    return f"({extents[0]},)" if len(extents) == 1 else f"({', '.join(extents)})"


def _class_count(shape: Sequence[int | None]) -> int:
    return (shape[-1] or 0) if shape else 0


def _check_count(name: str, value: object, least: int) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name}: expected at least {least}, got {value}")


def _hyperparameter_values(given: dict[str, float]) -> NDArray[Any]:
    """Return the checked values, an array of DTYPE in the order of _HYPERPARAMETERS."""
    known = ", ".join(_HYPERPARAMETERS) or "none"
    for name in given:
        if name not in _HYPERPARAMETERS:
            near = difflib.get_close_matches(str(name), _HYPERPARAMETERS, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise TypeError(f"unknown hyperparameter {name}: {hint}This program has: {known}")
    for name in _HYPERPARAMETERS:
        value: Any = given.get(name)
        if isinstance(value, np.generic):
            value = value.item()
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeError(f"{name}: expected a number, got {value!r}")
        if not abs(value) <= float(np.finfo(DTYPE).max):  # finite as a DTYPE too
            raise ValueError(f"{name}: expected a finite number, got {value!r}")
        least, without, below = _RANGES.get(name, (-math.inf, True, math.inf))
        if value < least or (without and value == least) or value >= below:
            wanted = f"{'>' if without else '>='} {least:g}"
            wanted += f" and < {below:g}" if below < math.inf else ""
            raise ValueError(f"{name}: expected a number {wanted}, got {value!r}")
    return np.array([given[name] for name in _HYPERPARAMETERS], DTYPE)


# Parameters and their buffer

_STARTS = (0, *itertools.accumulate(math.prod(shape) for _, shape, _ in _PARAMETERS))
_PARAMETER_COUNT = _STARTS[-1]
# Where each parameter lies in the buffer, and its shape.
_PLACES = tuple(
    (slice(start, stop), shape)
    for start, stop, (_, shape, _) in zip(_STARTS, _STARTS[1:], _PARAMETERS, strict=False)
)
# The same as fields of a record, whose views cost half as much; of 2 GiB there can be none.
_RECORD: Any = None
if _PARAMETER_COUNT * DTYPE.itemsize < 2**31:
    _RECORD = np.dtype([(name, DTYPE, shape) for name, shape, _ in _PARAMETERS])
_fields = operator.itemgetter(*[name for name, _, _ in _PARAMETERS])

# The arrays last found to be views over one buffer, with their strides, which can be set in place:
# finding out takes longer than a small prediction. The references are weak, to keep nothing alive.
_last_views: list[Any] = []


def _views(flat: NDArray[Any]) -> Parameters:
    if _RECORD is None:
        return Parameters(*[flat[place].reshape(shape) for place, shape in _PLACES])
    fields = _fields(np.ndarray((), _RECORD, flat))
    return Parameters._make(fields if len(_PARAMETERS) > 1 else [fields])


def _flatten(parameters: Any) -> NDArray[Any]:
    """Return the buffer under the parameters if there is one, and otherwise a new one, filled."""
    if isinstance(parameters, Parameters):
        buffer = _buffer_under(parameters)
        if buffer is not None:
            return buffer
    names = [name for name, _, _ in _PARAMETERS]
    given = parameters._asdict() if hasattr(parameters, "_asdict") else parameters
    if isinstance(given, dict):
        if set(given) != set(names):
            came = ", ".join(str(name) for name in given)
            raise ValueError(f"parameters: expected {', '.join(names)}, got {came or 'none'}")
        given = [given[name] for name in names]
    if not isinstance(given, tuple | list):
        came = type(given).__name__
        raise TypeError(f"parameters: expected Parameters, a tuple or a dict of arrays, got {came}")
    if len(given) != len(names):
        expected = f"{len(names)} arrays ({', '.join(names)})"
        raise ValueError(f"parameters: expected {expected}, got {len(given)}")
    flat = np.empty(_PARAMETER_COUNT, DTYPE)
    for value, view, (name, shape, _) in zip(given, _views(flat), _PARAMETERS, strict=True):
        array = _numbers(f"parameters.{name}", value, "biuf")
        if array.shape != shape:
            message = f"expected shape {_describe(shape)}, got {array.shape}"
            raise ValueError(f"parameters.{name}: {message}")
        view[...] = array
    return flat


def _buffer_under(parameters: Parameters) -> NDArray[Any] | None:
    flat = getattr(parameters[0], "base", None)
    if type(flat) is not np.ndarray or not flat.flags.carray:
        return None
    if flat.shape != (_PARAMETER_COUNT,) or flat.dtype != DTYPE:
        return None
    if _last_views:
        for array, (reference, strides) in zip(parameters, _last_views[0], strict=True):
            if reference() is not array or array.strides != strides:
                break
        else:
            return flat
    # Address, strides, shape and dtype: a transposed square matrix has the address of its base.
    if not all(
        isinstance(array, np.ndarray) and array.__array_interface__ == view.__array_interface__
        for array, view in zip(parameters, _views(flat), strict=True)
    ):
        return None
    _last_views[:] = [[(weakref.ref(array), array.strides) for array in parameters]]
    return flat
