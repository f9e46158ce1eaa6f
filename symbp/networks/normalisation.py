"""Normalisation of each example: over its last axes, over groups of its channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symbp.networks.layers import library_layer
from symbp.networks.options import checked_eps, checked_size
from symbp.networks.shapes import checked_divisor, checked_flag, checked_rank
from symbp.notation.declarations import parameter, tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.index import Index
from symbp.notation.reductions import Mean
from symbp.notation.standard import sqrt
from symbp.notation.tensor import Tensor

__all__ = ["GroupNorm", "LayerNorm", "RMSNorm", "layer_normalised"]


def scale(name: str, indices: Sequence[Index], label: Any) -> Tensor:
    """Return the parameter γ of a normalisation, which starts at one."""
    options: dict[str, Any] = {"symbol": r"\gamma", "label": label, "initial": ("constant", 1.0)}
    return parameter(name, *indices, **options)


def shift(name: str, indices: Sequence[Index], label: Any) -> Tensor:
    """Return the parameter β of a normalisation, which starts at zero."""
    options: dict[str, Any] = {"symbol": r"\beta", "label": label, "initial": ("constant", 0.0)}
    return parameter(name, *indices, **options)


def layer_normalised(
    source: Tensor, over: Sequence[Index], gamma: Tensor | None, beta: Tensor | None, eps: float,
    name: str, label: Any, symbol: str = "a",
) -> tuple[list[Equation], Tensor]:  # fmt: skip
    """Return the equations of ``γ (x - mean)/sqrt(variance + eps) + β`` over the last axes.

    Parameters
    ----------
    source : Tensor
        What is normalised.
    over : sequence of Index
        The last axes of the source.
    gamma, beta : Tensor, optional
        Of the shape of these axes.
    eps : float
        Added to the variance.
    name : str
        What the names of the new tensors end in.
    label : int or str
        Of the layer.
    symbol : str, default "a"
        How the result prints.
    """
    outer = source.indices[: source.rank - len(over)]
    mean = tensor(f"mean{name}", *outer, symbol=r"\mu", label=label)
    variance = tensor(f"variance{name}", *outer, symbol="v", label=label)
    a = tensor(f"a{name}", *outer, *over, symbol=symbol, label=label)
    x = source[(*outer, *over)]
    body: Any = x - mean.element
    if gamma is not None:
        body = gamma[tuple(over)] * body
    body = body / sqrt(variance.element + eps)
    if beta is not None:
        body = body + beta[tuple(over)]
    return [
        Equation(mean.element, Mean(x, *over)),
        Equation(variance.element, Mean((x - mean.element) ** 2, *over)),
        Equation(a.element, body),
    ], a


def _last_axes(layer: str, source: Tensor, axes: int) -> list[Index]:
    checked_rank(layer, source, axes + 1)
    # What is normalised over is no longer time.
    return [Index(i.name, i.extent) for i in source.indices[source.rank - axes :]]


@library_layer
@dataclass(frozen=True)
class LayerNorm:
    r"""Each example with mean 0 and variance 1, then scaled, as ``torch.nn.LayerNorm``.

    Ba, Kiros and Hinton, "Layer normalization", 2016. ``eps`` is added to the variance, which is
    divided by the number of values.

    Parameters
    ----------
    axes : int, default 1
        How many of the last axes are normalised together.
    eps : float, default 1e-5
        Added to the variance.
    elementwise_affine : bool, default True
        Whether the result is multiplied by ``gamma``.
    bias : bool, default True
        Whether ``beta`` is added, if there is a ``gamma``.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n k", "N", 4))
    >>> print(*LayerNorm().equations(x, 1)[0], sep="\n")
    mean1[n] = Sum(x[n, k], k)/4
    variance1[n] = Sum((x[n, k] - mean1[n])**2, k)/4
    a1[n, k] = gamma1[k]*(x[n, k] - mean1[n])*1/sqrt(variance1[n] + 1.0e-5) + beta1[k]
    """

    axes: int = 1
    eps: float = 1e-5
    elementwise_affine: bool = True
    bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", checked_size("LayerNorm axes", self.axes))
        object.__setattr__(self, "eps", checked_eps("LayerNorm eps", self.eps))
        checked_flag("LayerNorm elementwise_affine", self.elementwise_affine)
        checked_flag("LayerNorm bias", self.bias)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the mean, the variance and the normalised source.

        Parameters
        ----------
        source : Tensor
            Of any shape with enough axes.
        number : int
            Counts the layers from 1.
        """
        over, label = _last_axes("LayerNorm", source, self.axes), number + 1
        gamma = scale(f"gamma{number}", over, label) if self.elementwise_affine else None
        affine = self.elementwise_affine and self.bias
        beta = shift(f"beta{number}", over, label) if affine else None
        return layer_normalised(source, over, gamma, beta, self.eps, f"{number}", label)


@library_layer
@dataclass(frozen=True)
class RMSNorm:
    r"""Each example divided by its root mean square, then scaled, as ``torch.nn.RMSNorm``.

    Zhang and Sennrich, "Root mean square layer normalization", 2019.

    Parameters
    ----------
    axes : int, default 1
        How many of the last axes are normalised together.
    eps : float, default 2**-52
        Added to the mean of the squares. PyTorch's default is the epsilon of the type of its
        numbers, which in double precision is this.
    elementwise_affine : bool, default True
        Whether the result is multiplied by ``gamma``.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n k", "N", 4))
    >>> print(*RMSNorm(eps=1e-6).equations(x, 1)[0], sep="\n")
    square1[n] = Sum(x[n, k]**2, k)/4
    a1[n, k] = gamma1[k]*x[n, k]*1/sqrt(square1[n] + 1.0e-6)
    """

    axes: int = 1
    eps: float = 2.0**-52
    elementwise_affine: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", checked_size("RMSNorm axes", self.axes))
        object.__setattr__(self, "eps", checked_eps("RMSNorm eps", self.eps))
        checked_flag("RMSNorm elementwise_affine", self.elementwise_affine)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the mean of the squares and the normalised source.

        Parameters
        ----------
        source : Tensor
            Of any shape with enough axes.
        number : int
            Counts the layers from 1.
        """
        over, label = _last_axes("RMSNorm", source, self.axes), number + 1
        outer = source.indices[: source.rank - len(over)]
        square = tensor(f"square{number}", *outer, symbol="v", label=label)
        a = tensor(f"a{number}", *outer, *over, symbol="a", label=label)
        x = source[(*outer, *over)]
        body: Any = x
        if self.elementwise_affine:
            body = scale(f"gamma{number}", over, label)[tuple(over)] * x
        body = body / sqrt(square.element + self.eps)
        return [Equation(square.element, Mean(x**2, *over)), Equation(a.element, body)], a


@library_layer
@dataclass(frozen=True)
class GroupNorm:
    """Groups of channels of each example with mean 0 and variance 1, as ``torch.nn.GroupNorm``.

    Wu and He, "Group normalization", 2018. With as many groups as channels it is
    ``torch.nn.InstanceNorm2d``.

    Parameters
    ----------
    num_groups : int
        A divisor of the number of channels.
    eps : float, default 1e-5
        Added to the variance.
    affine : bool, default True
        Whether each channel is multiplied by its ``gamma``, and its ``beta`` added.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n c h w", "N", 6, 4, 4))
    >>> equations, a = GroupNorm(2).equations(x, 1)
    >>> a.shape
    (N, 6, 4, 4)
    """

    num_groups: int
    eps: float = 1e-5
    affine: bool = True

    def __post_init__(self) -> None:
        size = checked_size("GroupNorm num_groups", self.num_groups)
        object.__setattr__(self, "num_groups", size)
        object.__setattr__(self, "eps", checked_eps("GroupNorm eps", self.eps))
        checked_flag("GroupNorm affine", self.affine)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the mean and the variance of each group, and the normalised source.

        Parameters
        ----------
        source : Tensor
            Of shape (N, channels, …).
        number : int
            Counts the layers from 1.
        """
        checked_rank("GroupNorm", source, 2, channels=1)
        n, channel, *places = source.indices
        places = [Index(index.name, index.extent) for index in places]
        channels, label = int(channel.extent), number + 1
        what = "channels of the source"
        checked_divisor("GroupNorm num_groups", self.num_groups, channels, what)
        size = channels // self.num_groups
        g, c = Index("g", self.num_groups), Index("c", size)
        mean = tensor(f"mean{number}", n, g, symbol=r"\mu", label=label)
        variance = tensor(f"variance{number}", n, g, symbol="v", label=label)
        at: Any = size * g + c
        if size == 1:
            at, over = g, places
        else:
            over = [c, *places]
        x = source[(n, at, *places)]
        every = Index("c", channels)
        body: Any = x - mean.element
        if self.affine:
            gamma = scale(f"gamma{number}", [every], label)
            beta = shift(f"beta{number}", [every], label)
            body = gamma[at] * body / sqrt(variance.element + self.eps) + beta[at]
        else:
            body = body / sqrt(variance.element + self.eps)
        a = tensor(f"a{number}", n, every, *places, symbol="a", label=label)
        if all(index.extent == 1 for index in over):
            raise SymbpError("GroupNorm: each group has one value, which it would make 0")
        return [
            Equation(mean.element, Mean(x, *over)),
            Equation(variance.element, Mean((x - mean.element) ** 2, *over)),
            Equation(a[(n, at, *places)], body),
        ], a
