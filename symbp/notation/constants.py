"""Constants: one number, or an array of them, that a program is written with."""

import math
from typing import Any

import numpy as np

from symbp.notation.declarations import checks_keywords
from symbp.notation.errors import NotationError
from symbp.notation.index import Index
from symbp.notation.numpy_operands import plain_number, short
from symbp.notation.tensor import Kind, Tensor

__all__ = ["constant"]


@checks_keywords
def constant(
    name: str,
    *given: Any,
    value: Any = None,
    symbol: str | None = None,
    label: int | str | None = None,
    kind: Kind = "real",
) -> Tensor:
    """Declare a constant: a number, or with indices an array.

    Parameters
    ----------
    name : str
        The name.
    *given : float, or Index
        Its value, or the indices that give its shape.
    value : float or array_like, optional
        Its value: an array of that shape where there are indices.
    symbol, label, kind
        As for :func:`symbp.tensor`.

    Returns
    -------
    Tensor
        A number is written into the generated module where it is used. An array is a parameter that
        training leaves as it is and that starts from its values: it stands among the
        ``Parameters``, so that another may take its place.

    Raises
    ------
    NotationError
        There is no value, it is not finite, or not of the shape.

    Examples
    --------
    >>> import symbp as bp
    >>> q = bp.Index("q", 3)
    >>> smooth = bp.constant("smooth", q, value=[0.25, 0.5, 0.25])
    >>> bp.Sum(smooth[q] ** 2, q)
    Sum(smooth[q]**2, q)
    """
    indices = tuple(part for part in given if isinstance(part, Index))
    numbers = [part for part in given if not isinstance(part, Index)]
    if value is not None:
        numbers.append(value)
    if len(numbers) != 1:
        came = "none" if not numbers else f"{len(numbers)}"
        raise NotationError(f"constant {name}: expected one value, got {came}")
    if indices:
        law = ("constant", _array(name, indices, numbers[0]))
        return Tensor(
            name, indices, "parameter", initial=law, trainable=False, symbol=symbol, label=label,
            kind=kind,
        )  # fmt: skip
    number = plain_number(numbers[0])
    value = numbers[0] if number is None else number
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise NotationError(f"constant {name}: expected a finite number, got {value!r}")
    return Tensor(name, (), "constant", value=float(value), symbol=symbol, label=label, kind=kind)


def _array(name: str, indices: tuple[Index, ...], value: Any) -> Any:
    """Return an array as nested tuples."""
    shape = tuple(index.extent for index in indices)
    try:
        array = np.asarray(value)
    except ValueError:
        raise NotationError(f"constant {name}: got rows of unequal lengths") from None
    if array.dtype.kind not in "biuf":
        raise NotationError(f"constant {name}: expected real numbers, got {short(repr(value))}")
    if array.shape != shape:
        raise NotationError(f"constant {name}: expected shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise NotationError(f"constant {name}: expected finite numbers")
    return _nested(array.astype(np.float64).tolist())


def _nested(values: Any) -> Any:
    return tuple(map(_nested, values)) if isinstance(values, list) else values
