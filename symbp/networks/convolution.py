"""Convolutions over sequences and pictures, and their transposes.

A window slides over the source: ``z[n, o, i, l] = Σ W[o, c, p, q] x[n, c, i + p, l + q] + b[o]``
(Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016). Groups have
indices of their own, on the left too; a transposed convolution writes where the other reads.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from symbp.networks.layers import checked_initial, library_layer
from symbp.networks.options import checked_size, warn_of_a_size_too_many
from symbp.networks.padding import checked_padding_mode, inside, padded, read_inside
from symbp.networks.shapes import checked_divisor, checked_flag, checked_sizes, checked_source
from symbp.notation.declarations import parameter, tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.index import Index
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Initial, Tensor

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]

_AXES: dict[int, tuple[str, ...]] = {1: ("length",), 2: ("height", "width")}
_PLACES: dict[int, tuple[str, str, str]] = {1: ("h", "i", "p"), 2: ("hw", "il", "pq")}


@dataclass(frozen=True)
class _Windows:
    """What convolutions and their transposes have in common: the window and the channels."""

    out_channels: int
    kernel_size: Any
    stride: Any = 1

    rank: ClassVar[int]

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _check(self) -> None:
        self._set("out_channels", checked_size(f"{self._name} out_channels", self.out_channels))
        for name in ("kernel_size", "stride", "dilation"):
            value = checked_sizes(f"{self._name} {name}", getattr(self, name), self.rank)
            self._set(name, value)
        checked_size(f"{self._name} groups", self.groups)  # type: ignore[attr-defined]
        checked_flag(f"{self._name} bias", self.bias)  # type: ignore[attr-defined]
        if self.initial is not None:  # type: ignore[attr-defined]
            self._set("initial", checked_initial(self._name, self.initial))  # type: ignore[attr-defined]

    def _source(self, source: Any) -> tuple[tuple[int, ...], int, int]:
        """Return the sizes of a source, and the channels of a group on both sides."""
        channels, *sizes = checked_source(self._name, source, "channels", *_AXES[self.rank])
        groups: int = self.groups  # type: ignore[attr-defined]
        checked_divisor(f"{self._name} groups", groups, channels, "channels of the source")
        checked_divisor(f"{self._name} groups", groups, self.out_channels, "out_channels")
        # Conv2d(1, 4, 3) is no error: one channel, from every third place. Strides of 3 and more in
        # larger windows are rare, and with as many channels as before rarer still.
        window, step = self.kernel_size[0], self.stride[0]
        if self.out_channels == channels and 3 <= step < window:
            warn_of_a_size_too_many(
                self._name, "number of channels",
                f"out_channels={channels}, kernel_size={window}, stride={step}",
                f"{window}, {step}",
            )  # fmt: skip
        return tuple(sizes), channels // groups, self.out_channels // groups


@dataclass(frozen=True)
class _Convolution(_Windows):
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1
    bias: bool = True
    padding_mode: str = "zeros"
    initial: Initial | None = None

    def __post_init__(self) -> None:
        self._check()
        if self.padding == "same" and any(step > 1 for step in self.stride):
            raise SymbpError(f"{self._name} padding 'same': expected a stride of 1")
        if isinstance(self.padding, str) and self.padding not in ("same", "valid"):
            raise SymbpError(
                f"{self._name} padding {self.padding!r}: expected 'same', 'valid' or a number"
            )
        if not isinstance(self.padding, str):
            padding = checked_sizes(f"{self._name} padding", self.padding, self.rank, least=0)
            self._set("padding", padding)
        checked_padding_mode(f"{self._name} padding_mode", self.padding_mode)

    def _edges(self) -> list[tuple[int, int]]:
        if self.padding == "valid":
            return [(0, 0)] * self.rank
        if self.padding == "same":
            total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [(each // 2, each - each // 2) for each in total]
        return [(each, each) for each in self.padding]

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equation of the pre-activation ``z``, and those of the padded source.

        Parameters
        ----------
        source : Tensor
            Of shape (N, channels, sizes).
        number : int
            Counts the layers from 1.
        """
        sizes, read, written = self._source(source)
        n, label = source.indices[0], number + 1
        edges = self._edges()
        equations: list[Equation] = []
        if self.padding_mode != "zeros":
            equations, source = padded(source, edges, self.padding_mode, f"padded{number}")
            sizes = tuple(int(extent) for extent in source.shape[2:])
            edges = [(0, 0)] * self.rank
        out = []
        rows = zip(sizes, edges, self.kernel_size, self.stride, self.dilation, strict=True)
        for size, (before, after), window, step, apart in rows:
            reach = apart * (window - 1) + 1
            if size + before + after < reach:
                raise SymbpError(
                    f"{self._name} kernel_size {window}: its window of {reach} is larger than the "
                    f"padded source, {size + before + after}"
                )
            out.append((size + before + after - reach) // step + 1)
        _, names, taps = _PLACES[self.rank]
        places = [Index(name, extent) for name, extent in zip(names, out, strict=True)]
        windows = [Index(name, extent) for name, extent in zip(taps, self.kernel_size, strict=True)]
        bound = 1 / math.sqrt(read * math.prod(self.kernel_size))
        o, c = Index("o", self.out_channels), Index("c", read)
        W = parameter(
            f"W{number}", o, c, *windows, symbol="w", label=label,
            initial=self.initial or ("uniform", bound),
        )  # fmt: skip
        channel, first = _grouped(o, self.groups, written, read, c)
        positions, conditions = [], []
        for i, p, size, (before, _), step, apart in zip(
            places, windows, sizes, edges, self.stride, self.dilation, strict=True
        ):
            at = step * i + apart * p - before
            last = step * (int(i.extent) - 1) + apart * (int(p.extent) - 1) - before
            positions.append(at)
            conditions.append(inside(at, size, (-before, last)))
        x = read_inside(source[(n, first, *positions)], conditions, 0)
        body: Any = Sum(W[(channel, c, *windows)] * x, c, *windows)
        if self.bias:
            b = parameter(f"b{number}", o, symbol="b", label=label, initial=("uniform", bound))
            body = body + b[channel]
        z = tensor(f"z{number}", n, o, *places, symbol="z", label=label, adjoint_symbol=r"\delta")
        return [*equations, Equation(z[(n, channel, *places)], body)], z


def _grouped(o: Index, groups: int, written: int, read: int, c: Index) -> tuple[Any, Any]:
    """Return what stands for a channel of the output and for one of the source."""
    if groups == 1:
        return o, c
    if written == 1:
        return o, read * o + c
    g, r = Index("g", groups), Index("r", written)
    return written * g + r, read * g + c


@library_layer
@dataclass(frozen=True)
class Conv1d(_Convolution):
    """A convolution over sequences, as ``torch.nn.Conv1d``.

    Parameters
    ----------
    out_channels : int
        The number of windows; that of the source's channels is known.
    kernel_size : int
        The length of a window.
    stride, dilation : int, default 1
        How far apart windows are, and the places that one reads.
    padding : int or "same" or "valid", default 0
        How many places are added at both ends.
    groups : int, default 1
        The channels fall into so many groups, each with windows of its own.
    bias : bool, default True
        Whether there is a ``b``.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What is added.
    initial : tuple, optional
        How the weights start; by default, and the bias always, uniform in ±1/sqrt(values that one
        output reads).

    Examples
    --------
    >>> import symbp as bp
    >>> n, c, h = bp.indices("n c h", "N", 2, 8)
    >>> equations, z = Conv1d(3, 5).equations(bp.input("x", n, c, h), 1)
    >>> print(*equations)
    z1[n, o, i] = Sum(W1[o, c, p]*x[n, c, i + p], c, p) + b1[o]
    """

    rank: ClassVar[int] = 1


@library_layer
@dataclass(frozen=True)
class Conv2d(_Convolution):
    """A convolution over pictures, as ``torch.nn.Conv2d``.

    The source is of shape (N, channels, height, width), ``W`` of shape (out_channels,
    channels/groups, height, width of a window). Parameters as in :class:`Conv1d`, where a pair is
    for the two axes.

    Examples
    --------
    >>> import symbp as bp
    >>> net = bp.Network(
    ...     [bp.Conv2d(8, 3, padding=1), bp.Activation("relu"), bp.Flatten(), bp.Dense(10)],
    ...     input=(1, 8, 8), loss="softmax_cross_entropy",
    ... )
    >>> net
    <Network 1×8×8: Conv2d, relu, Flatten, identity; softmax_cross_entropy; 5210 parameters>
    """

    rank: ClassVar[int] = 2


@dataclass(frozen=True)
class _Transposed(_Windows):
    padding: Any = 0
    output_padding: Any = 0
    groups: int = 1
    bias: bool = True
    dilation: Any = 1
    initial: Initial | None = None

    def __post_init__(self) -> None:
        self._check()
        for name in ("padding", "output_padding"):
            value = checked_sizes(f"{self._name} {name}", getattr(self, name), self.rank, least=0)
            self._set(name, value)
        for extra, step, apart in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if extra >= max(step, apart):
                raise SymbpError(
                    f"{self._name} output_padding {extra}: expected less than the stride or the "
                    f"dilation, {max(step, apart)}"
                )

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return where each value of the source is written, and what is kept of it.

        Parameters
        ----------
        source : Tensor
            Of shape (N, channels, sizes).
        number : int
            Counts the layers from 1.
        """
        sizes, read, written = self._source(source)
        n, label = source.indices[0], number + 1
        from_, to, taps = _PLACES[self.rank]
        given = [Index(name, size) for name, size in zip(from_, sizes, strict=True)]
        windows = [Index(name, extent) for name, extent in zip(taps, self.kernel_size, strict=True)]
        whole, kept, subscripts = [], [], []
        for h, p, step, apart, cut, extra in zip(
            given, windows, self.stride, self.dilation, self.padding, self.output_padding,
            strict=True,
        ):  # fmt: skip
            reached = (int(h.extent) - 1) * step + apart * (int(p.extent) - 1) + 1
            size = reached - 2 * cut + extra
            if size < 1:
                raise SymbpError(
                    f"{self._name} padding {cut}: it leaves nothing of the {reached} places that "
                    f"are written"
                )
            whole.append(max(reached, size + cut))
            kept.append(size)
            subscripts.append(step * h + apart * p)
        bound = 1 / math.sqrt(written * math.prod(self.kernel_size))
        c, r = Index("c", read), Index("o" if self.groups == 1 else "r", written)
        every, o = Index("c", read * self.groups), Index("o", self.out_channels)
        W = parameter(
            f"W{number}", every, r, *windows, symbol="w", label=label,
            initial=self.initial or ("uniform", bound),
        )  # fmt: skip
        first: Any = c
        channel: Any = r
        if self.groups > 1:
            g = Index("g", self.groups)
            first, channel = read * g + c, written * g + r
        wide = [Index(name, size) for name, size in zip(to, whole, strict=True)]
        u = tensor(f"u{number}", n, o, *wide, symbol="u", label=label)
        body = Sum(W[(first, r, *windows)] * source[(n, first, *given)], c)
        equations = [Equation(u[(n, channel, *subscripts)], body)]
        places = [Index(name, size) for name, size in zip(to, kept, strict=True)]
        z = tensor(f"z{number}", n, o, *places, symbol="z", label=label, adjoint_symbol=r"\delta")
        cropped: Any = u[(n, o, *(i + cut for i, cut in zip(places, self.padding, strict=True)))]
        if self.bias:
            b = parameter(f"b{number}", o, symbol="b", label=label, initial=("uniform", bound))
            cropped = cropped + b[o]
        elif tuple(whole) == tuple(kept):
            z, u = u, z  # nothing is cut off and nothing added
            return [*equations], z
        return [*equations, Equation(z[(n, o, *places)], cropped)], z


@library_layer
@dataclass(frozen=True)
class ConvTranspose1d(_Transposed):
    r"""The transpose of a convolution over sequences, as ``torch.nn.ConvTranspose1d``.

    Parameters as in :class:`ConvTranspose2d`.

    Examples
    --------
    >>> import symbp as bp
    >>> n, c, h = bp.indices("n c h", "N", 2, 8)
    >>> equations, z = ConvTranspose1d(3, 4, stride=2).equations(bp.input("x", n, c, h), 1)
    >>> print(*equations, sep="\n")
    u1[n, o, 2*h + p] = Sum(W1[c, o, p]*x[n, c, h], c)
    z1[n, o, i] = u1[n, o, i] + b1[o]
    """

    rank: ClassVar[int] = 1


@library_layer
@dataclass(frozen=True)
class ConvTranspose2d(_Transposed):
    """The transpose of a convolution over pictures, as ``torch.nn.ConvTranspose2d``.

    Each value of the source is written, times a window, to the places that a convolution would
    have read.

    Parameters
    ----------
    out_channels : int
        The channels of the output; ``W`` is of shape (channels, out_channels/groups, height,
        width of a window).
    kernel_size, stride, dilation : int or pair of int
        The window, how far apart windows are written, and the places of one.
    padding : int or pair of int, default 0
        How many places are cut off at both ends.
    output_padding : int or pair of int, default 0
        How many more are kept at the far end.
    groups : int, default 1
        The channels fall into so many groups.
    bias : bool, default True
        Whether there is a ``b``.
    initial : tuple, optional
        How the weights start; by default, and the bias always, uniform in
        ±1/sqrt(out_channels/groups times the window), as in PyTorch.

    Examples
    --------
    >>> import symbp as bp
    >>> n, c, h, w = bp.indices("n c h w", "N", 2, 4, 4)
    >>> equations, z = ConvTranspose2d(3, 2, stride=2).equations(bp.input("x", n, c, h, w), 1)
    >>> z.shape
    (N, 3, 8, 8)
    """

    rank: ClassVar[int] = 2
