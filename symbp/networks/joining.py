"""Tensors end to end: ``a[j] = u[j]`` for the first places, ``v[j - 3]`` for those behind them."""

from collections.abc import Callable, Sequence
from typing import Any

from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["end_to_end"]


def end_to_end(
    name: str,
    outer: Sequence[Index],
    parts: Sequence[tuple[int, Callable[..., Any]]],
    inner: Sequence[Index] = (),
    **options: Any,
) -> tuple[Equation, Tensor]:
    """Return the equation of parts that lie one behind the other along an axis.

    Parameters
    ----------
    name : str
        Of the new tensor.
    outer, inner : sequence of Index
        The axes before and behind that axis.
    parts : sequence of (int, callable)
        The extent of each part, and its element for a subscript along the axis.
    inner : sequence of Index
        The axes behind it.
    **options
        How the tensor prints.
    """
    j = Index("j", sum(size for size, _ in parts))
    a = tensor(name, *outer, j, *inner, **options)
    end = int(j.extent)
    body: Any = None
    for size, element in reversed(parts):
        value = element(j - (end - size)) if end > size else element(j)
        body = value if body is None else where(j < end, value, body)
        end -= size
    return Equation(a[(*outer, j, *inner)], body), a
