"""Pooling: the largest or the mean value of each window of a sequence or a picture."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy

from symbp.networks.layers import library_layer
from symbp.networks.padding import inside, read_inside
from symbp.networks.shapes import checked_flag, checked_sizes, checked_source
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.reductions import Max, Sum
from symbp.notation.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
]

_AXES: dict[int, tuple[str, ...]] = {1: ("length",), 2: ("height", "width")}
_PLACES: dict[int, tuple[str, str]] = {1: ("i", "p"), 2: ("il", "pq")}


@dataclass(frozen=True)
class _Pool:
    """What both kinds have in common: windows, and where they begin."""

    kernel_size: Any
    stride: Any = None
    padding: Any = 0

    rank: ClassVar[int]

    def __post_init__(self) -> None:
        name = type(self).__name__
        window = checked_sizes(f"{name} kernel_size", self.kernel_size, self.rank)
        step = window if self.stride is None else self.stride
        object.__setattr__(self, "kernel_size", window)
        object.__setattr__(self, "stride", checked_sizes(f"{name} stride", step, self.rank))
        padding = checked_sizes(f"{name} padding", self.padding, self.rank, least=0)
        object.__setattr__(self, "padding", padding)
        for size, added in zip(window, padding, strict=True):
            if 2 * added > size:
                raise SymbpError(
                    f"{name} padding {added}: expected half of the window at the most, {size // 2}"
                )
        checked_flag(f"{name} ceil_mode", self.ceil_mode)  # type: ignore[attr-defined]

    def _windows(self, source: Tensor, apart: tuple[int, ...]) -> "_Slid":
        """Return the indices of windows and of places in them, and what is read there."""
        name = type(self).__name__
        _, *sizes = checked_source(name, source, "channels", *_AXES[self.rank])
        i_names, p_names = _PLACES[self.rank]
        slid = _Slid([], [], [], [])
        rows = zip(
            i_names, p_names, sizes, self.kernel_size, self.stride, self.padding, apart, strict=True
        )
        for i_name, p_name, size, window, step, added, gap in rows:
            left = size + 2 * added - gap * (window - 1) - 1
            if left < 0:
                reach = gap * (window - 1) + 1
                raise SymbpError(
                    f"{name} kernel_size {window}: its window of {reach} is larger than the "
                    f"padded source, {size + 2 * added}"
                )
            count = left // step + 1
            if self.ceil_mode:  # type: ignore[attr-defined]
                count = -(-left // step) + 1
                # A window begins in the source or in the padding before it.
                count -= (count - 1) * step >= size + added
            i, p = Index(i_name, count), Index(p_name, window)
            at = step * i + gap * p - added
            last = step * (count - 1) + gap * (window - 1) - added
            slid.places.append(i)
            slid.taps.append(p)
            slid.at.append(at)
            slid.conditions.append(inside(at, size, (-added, last)))
        return slid


@dataclass(frozen=True)
class _Slid:
    places: list[Index]
    taps: list[Index]
    at: list[Any]
    conditions: list[Any]


def _pooled(source: Tensor, places: list[Index], number: int) -> Tensor:
    return tensor(f"a{number}", *source.indices[:2], *places, symbol="a", label=number + 1)


@dataclass(frozen=True)
class _MaxPool(_Pool):
    dilation: Any = 1
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        dilation = checked_sizes(f"{type(self).__name__} dilation", self.dilation, self.rank)
        object.__setattr__(self, "dilation", dilation)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equation of the largest value of each window.

        Parameters
        ----------
        source : Tensor
            Of shape (N, channels, sizes).
        number : int
            Counts the layers from 1.
        """
        slid = self._windows(source, self.dilation)
        n, c = source.indices[:2]
        a = _pooled(source, slid.places, number)
        value = read_inside(source[(n, c, *slid.at)], slid.conditions, -sympy.oo)
        return [Equation(a.element, Max(value, *slid.taps))], a


@library_layer
@dataclass(frozen=True)
class MaxPool1d(_MaxPool):
    """The largest value of each window of a sequence, as ``torch.nn.MaxPool1d``.

    Parameters as in :class:`MaxPool2d`.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n c h", "N", 2, 8))
    >>> print(*MaxPool1d(2).equations(x, 1)[0])
    a1[n, c, i] = Max(x[n, c, 2*i + p], p)
    """

    rank: ClassVar[int] = 1


@library_layer
@dataclass(frozen=True)
class MaxPool2d(_MaxPool):
    """The largest value of each window of a picture, as ``torch.nn.MaxPool2d``.

    Where several values of a window are largest they share the gradient equally; in PyTorch the
    first of them has it all.

    Parameters
    ----------
    kernel_size : int or pair of int
        The window.
    stride : int or pair of int, optional
        How far apart windows are; by default they lie side by side.
    padding : int or pair of int, default 0
        How far windows reach over the edge, where nothing counts.
    dilation : int or pair of int, default 1
        How far apart the places of a window are.
    ceil_mode : bool, default False
        Whether a last window that is not whole counts.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n c h w", "N", 2, 8, 8))
    >>> print(*MaxPool2d(2).equations(x, 1)[0])
    a1[n, c, i, l] = Max(x[n, c, 2*i + p, 2*l + q], p, q)
    """

    rank: ClassVar[int] = 2


@dataclass(frozen=True)
class _AvgPool(_Pool):
    ceil_mode: bool = False
    count_include_pad: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        checked_flag(f"{name} count_include_pad", self.count_include_pad)
        divisor = self.divisor_override
        if divisor is not None:
            (divisor,) = checked_sizes(f"{name} divisor_override", divisor, 1)
            object.__setattr__(self, "divisor_override", divisor)

    divisor_override: int | None = None

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equation of the mean of each window.

        Parameters
        ----------
        source : Tensor
            Of shape (N, channels, sizes).
        number : int
            Counts the layers from 1.
        """
        slid = self._windows(source, (1,) * self.rank)
        n, c = source.indices[:2]
        a = _pooled(source, slid.places, number)
        total = Sum(read_inside(source[(n, c, *slid.at)], slid.conditions, 0), *slid.taps)
        if self.divisor_override is not None:
            return [Equation(a.element, total / self.divisor_override)], a
        count: Any = 1
        for i, p, at, size, added in zip(
            slid.places, slid.taps, slid.at, source.shape[2:], self.padding, strict=True
        ):
            least, most = (-added, size + added) if self.count_include_pad else (0, size)
            step = int(at.coeff(i))
            last = step * (int(i.extent) - 1) + int(p.extent) - 1 - added
            counted = inside(at - least, most - least, (-added - least, last - least))
            if counted is True:
                count = count * int(p.extent)
            else:
                count = count * Sum(where(counted, 1, 0), p)
        return [Equation(a.element, total / count)], a


@library_layer
@dataclass(frozen=True)
class AvgPool1d(_AvgPool):
    """The mean of each window of a sequence, as ``torch.nn.AvgPool1d``.

    Parameters as in :class:`AvgPool2d`.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n c h", "N", 2, 8))
    >>> print(*AvgPool1d(2).equations(x, 1)[0])
    a1[n, c, i] = Sum(x[n, c, 2*i + p], p)/2
    """

    rank: ClassVar[int] = 1


@library_layer
@dataclass(frozen=True)
class AvgPool2d(_AvgPool):
    """The mean of each window of a picture, as ``torch.nn.AvgPool2d``.

    Parameters
    ----------
    kernel_size : int or pair of int
        The window.
    stride : int or pair of int, optional
        How far apart windows are; by default they lie side by side.
    padding : int or pair of int, default 0
        How many zeros are added at both ends of each axis.
    ceil_mode : bool, default False
        Whether a last window that is not whole counts.
    count_include_pad : bool, default True
        Whether the zeros of the padding count as values.
    divisor_override : int, optional
        What the sums are divided by instead of the number of values.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n c h w", "N", 2, 8, 8))
    >>> print(*AvgPool2d(2).equations(x, 1)[0])
    a1[n, c, i, l] = Sum(x[n, c, 2*i + p, 2*l + q], p, q)/4
    """

    rank: ClassVar[int] = 2


@dataclass(frozen=True)
class _AdaptiveAvgPool:
    output_size: Any

    rank: ClassVar[int]

    def __post_init__(self) -> None:
        name = f"{type(self).__name__} output_size"
        object.__setattr__(self, "output_size", checked_sizes(name, self.output_size, self.rank))

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equation of the mean of each part of the source.

        Parameters
        ----------
        source : Tensor
            Of shape (N, channels, sizes).
        number : int
            Counts the layers from 1.
        """
        _, *sizes = checked_source(type(self).__name__, source, "channels", *_AXES[self.rank])
        i_names, p_names = _PLACES[self.rank]
        places, taps, at, conditions, count = [], [], [], [], []
        for i_name, p_name, size, parts in zip(
            i_names, p_names, sizes, self.output_size, strict=True
        ):
            i = Index(i_name, parts)
            places.append(i)
            if size % parts == 0:
                p = Index(p_name, size // parts)
                at.append(int(p.extent) * i + p)
                count.append(int(p.extent))
            else:
                # Part i is floor(i·size/parts), …, ceil((i + 1)·size/parts) - 1.
                p = Index(p_name, size)
                within = (parts * p > size * i - parts) & (parts * p < size * i + size)
                at.append(p)
                conditions.append(within)
                count.append(Sum(where(within, 1, 0), p))
            taps.append(p)
        n, c = source.indices[:2]
        a = _pooled(source, places, number)
        total = Sum(read_inside(source[(n, c, *at)], conditions, 0), *taps)
        divisor: Any = math.prod(each for each in count if isinstance(each, int))
        for each in count:
            divisor = divisor if isinstance(each, int) else divisor * each
        return [Equation(a.element, total / divisor)], a


@library_layer
@dataclass(frozen=True)
class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of a number of parts of a sequence, as ``torch.nn.AdaptiveAvgPool1d``.

    Parameters as in :class:`AdaptiveAvgPool2d`.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n c h", "N", 2, 8))
    >>> print(*AdaptiveAvgPool1d(4).equations(x, 1)[0])
    a1[n, c, i] = Sum(x[n, c, 2*i + p], p)/2
    """

    rank: ClassVar[int] = 1


@library_layer
@dataclass(frozen=True)
class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of a number of parts of a picture, as ``torch.nn.AdaptiveAvgPool2d``.

    Parameters
    ----------
    output_size : int or pair of int
        The number of parts of each axis; 1 for the mean of the whole picture. Where it does not
        divide the size, neighbouring parts overlap.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n c h w", "N", 2, 8, 6))
    >>> print(*AdaptiveAvgPool2d(2).equations(x, 1)[0])
    a1[n, c, i, l] = Sum(x[n, c, 4*i + p, 3*l + q], p, q)/12
    """

    rank: ClassVar[int] = 2
