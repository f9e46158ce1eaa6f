"""What the layers of images and sequences ask of their source, and pairs of sizes."""

import operator
from collections.abc import Sequence
from typing import Any

from symbp.networks.options import checked_size
from symbp.notation.errors import SymbpError
from symbp.notation.index import Extent
from symbp.notation.tensor import Tensor

__all__ = [
    "checked_alike", "checked_flag", "checked_number_of", "checked_rank", "checked_sizes",
    "checked_source",
]  # fmt: skip


def checked_sizes(name: str, value: Any, rank: int, *, least: int = 1) -> tuple[int, ...]:
    """Return a size an axis: an int counts for all of them; raise :class:`SymbpError` else."""
    given = value if isinstance(value, (tuple, list)) else (value,) * rank
    what = "a positive int" if least == 1 else f"an int >= {least}"
    several = f" or {rank} of them" if rank > 1 else ""
    sizes = []
    for each in given:
        try:
            size = operator.index(each)
        except TypeError:
            size = least - 1
        if size < least or isinstance(each, bool):
            raise SymbpError(f"{name}: expected {what}{several}, got {value!r}")
        sizes.append(size)
    if len(sizes) != rank:
        raise SymbpError(f"{name}: expected {what}{several}, got {value!r}")
    return tuple(sizes)


def checked_flag(name: str, value: Any) -> bool:
    """Return True or False; raise :class:`SymbpError` for anything else."""
    if not isinstance(value, bool):
        raise SymbpError(f"{name}: expected True or False, got {value!r}")
    return value


def checked_alike(name: str, *tensors: Any) -> None:
    """Raise unless these are tensors, all of one shape."""
    for each in tensors:
        if not isinstance(each, Tensor):
            raise SymbpError(f"{name}: expected tensors, got {each!r}")
    if len({each.shape for each in tensors}) > 1:
        shown = ", ".join(f"{each.name} {_shape(each)}" for each in tensors)
        raise SymbpError(f"{name}: expected tensors of one shape, got {shown}")


def checked_source(layer: str, source: Any, *axes: str) -> tuple[Any, ...]:
    """Return the extents of a source behind the first; raise unless it has the axes named.

    Parameters
    ----------
    layer : str
        Named in the message.
    source : Tensor
        What the layer reads.
    *axes : str
        What the axes mean, that of the examples left out. The number of steps may be one that is
        known at run time only, and is a symbol then.
    """
    _checked_tensor(layer, source)
    if source.rank != len(axes) + 1:
        raise SymbpError(
            f"{layer}: expected a source of shape (N, {', '.join(axes)}), got "
            f"{_shape(source)}{_advice(source.rank, axes)}"
        )
    for extent, axis in zip(source.shape[1:], axes, strict=True):
        if axis != "steps":
            checked_number_of(axis, layer, extent)
    return tuple(source.shape[1:])


def checked_number_of(axis: str, layer: str, extent: Extent) -> int:
    """Return an extent; raise :class:`SymbpError` for one that is known at run time only."""
    if not isinstance(extent, int):
        raise SymbpError(
            f"{layer}: expected a number of {axis}, got {extent}, which is known at run time only"
        )
    return extent


def checked_rank(layer: str, source: Any, least: int, **numbers: int) -> None:
    """Raise :class:`SymbpError` for a source with fewer axes, that of the examples counted.

    Parameters
    ----------
    layer : str
        Named in the message.
    source : Tensor
        What the layer reads.
    least : int
        How many axes it needs.
    **numbers : int
        Axes whose sizes have to be numbers, by what they count.
    """
    _checked_tensor(layer, source)
    if source.rank < least:
        raise SymbpError(f"{layer}: expected a source with {least} axes, got {_shape(source)}")
    for what, axis in numbers.items():
        checked_number_of(what, layer, source.shape[axis])


def checked_divisor(name: str, value: Any, whole: int, what: str) -> int:
    """Return a number of parts that divides a size; raise :class:`SymbpError` for another."""
    parts = checked_size(name, value)
    if whole % parts:
        raise SymbpError(f"{name}: expected a divisor of the {whole} {what}, got {parts}")
    return parts


def _checked_tensor(layer: str, source: Any) -> None:
    if isinstance(source, Sequence):
        raise SymbpError(
            f"{layer}: it reads one tensor, got {len(source)}; bp.Concatenate takes several"
        )
    if not isinstance(source, Tensor):
        raise SymbpError(f"{layer}: expected a tensor to read, got {source!r}")


def _shape(source: Tensor) -> str:
    return f"({', '.join(map(str, source.shape))}{',' if source.rank == 1 else ''})"


def _advice(rank: int, axes: Sequence[str]) -> str:
    if rank == 2 and len(axes) > 1:
        return "; a network's input= takes a shape such as " + (
            "(1, 28, 28)" if len(axes) == 3 else "(20, 8)"
        )
    return "; bp.Flatten() puts the axes in a row" if len(axes) == 1 else ""
