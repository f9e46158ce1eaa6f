"""Units of other kinds: rectifiers with a slope of their own, maxout, mixtures of experts."""

import math
from dataclasses import dataclass
from typing import Any

import sympy

from symbp.networks.activations import ActivationFunction, activation
from symbp.networks.layers import library_layer
from symbp.networks.options import checked_number, checked_size
from symbp.networks.shapes import checked_flag, checked_rank
from symbp.notation.declarations import parameter, tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import leaky_relu, where
from symbp.notation.index import Index
from symbp.notation.reductions import Max, Sum, softmax
from symbp.notation.tensor import Initial, Tensor

__all__ = ["Maxout", "MixtureOfExperts", "PReLU"]


@library_layer
@dataclass(frozen=True)
class PReLU:
    """A rectifier whose slope below 0 is learnt, as ``torch.nn.PReLU``.

    He et al., "Delving deep into rectifiers", 2015.

    Parameters
    ----------
    num_parameters : int, default 1
        One slope for all, or one for each channel, the first axis behind the examples'.
    init : float, default 0.25
        What the slopes start at.

    Notes
    -----
    At 0 the derivative is the slope.

    Examples
    --------
    >>> import symbp as bp
    >>> z = bp.input("z", *bp.indices("n j", "N", 3))
    >>> print(*PReLU(3).equations(z, 1)[0])
    a1[n, j] = leaky_relu(z[n, j], s1[j])
    """

    num_parameters: int = 1
    init: float = 0.25

    def __post_init__(self) -> None:
        size = checked_size("PReLU num_parameters", self.num_parameters)
        object.__setattr__(self, "num_parameters", size)
        object.__setattr__(self, "init", checked_number("PReLU init", self.init))

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equation of the rectifier.

        Parameters
        ----------
        source : Tensor
            Of any shape.
        number : int
            Counts the layers from 1.
        """
        checked_rank("PReLU", source, 2)
        channel = source.indices[1]
        label, initial = number + 1, ("constant", self.init)
        if self.num_parameters == 1:
            c = Index("c", 1)
            place: Any = 0
        elif self.num_parameters == channel.extent:
            c, place = Index(channel.name, self.num_parameters), channel
        else:
            raise SymbpError(
                f"PReLU num_parameters {self.num_parameters}: expected 1 or the {channel.extent} "
                f"channels of the source"
            )
        slope = parameter(f"s{number}", c, symbol="s", label=label, initial=initial)
        a = tensor(f"a{number}", *source.indices, symbol="a", label=label)
        return [Equation(a.element, leaky_relu(source.element, slope[place]))], a


def _rows(
    source: Tensor, number: int, count: int, units: int, bias: bool, initial: Initial, what: str
) -> tuple[list[Equation], Tensor]:
    """Return ``z[…, e, j] = Σ W[e, j, k] x[…, k] + b[e, j]``: several dense layers at once."""
    *outer, last = source.indices
    label = number + 1
    e, j, k = Index(what, count), Index("j", units), Index("k", last.extent)
    W = parameter(f"W{number}", e, j, k, symbol="w", label=label, initial=initial)
    body: Any = Sum(W[e, j, k] * source[(*outer, k)], k)
    if bias:
        b = parameter(f"b{number}", e, j, symbol="b", label=label, initial=("constant", 0.0))
        body = body + b[e, j]
    z = tensor(f"z{number}", *outer, e, j, symbol="z", label=label, adjoint_symbol=r"\delta")
    return [Equation(z.element, body)], z


@library_layer
@dataclass(frozen=True)
class Maxout:
    r"""The largest of several linear functions.

    Goodfellow et al., "Maxout networks", 2013.

    Parameters
    ----------
    units : int
        The number of outputs.
    pieces : int, default 2
        How many functions each is the largest of; ``W`` is of shape (pieces, units, inputs).
    bias : bool, default True
        Whether there is a ``b``.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n k", "N", 3))
    >>> print(*Maxout(2, 3).equations(x, 1)[0], sep="\n")
    z1[n, p, j] = Sum(W1[p, j, k]*x[n, k], k) + b1[p, j]
    a1[n, j] = Max(z1[n, p, j], p)
    """

    units: int
    pieces: int = 2
    bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", checked_size("Maxout units", self.units))
        object.__setattr__(self, "pieces", checked_size("Maxout pieces", self.pieces))
        checked_flag("Maxout bias", self.bias)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the linear functions and the largest of them.

        Parameters
        ----------
        source : Tensor
            Of shape (…, inputs).
        number : int
            Counts the layers from 1.
        """
        checked_rank("Maxout", source, 2, features=-1)
        initial: Initial = ("normal", 1 / math.sqrt(int(source.shape[-1])))
        equations, z = _rows(source, number, self.pieces, self.units, self.bias, initial, "p")
        *outer, p, j = z.indices
        a = tensor(f"a{number}", *outer, j, symbol="a", label=number + 1)
        return [*equations, Equation(a.element, Max(z[(*outer, p, j)], p))], a


@library_layer
@dataclass(frozen=True)
class MixtureOfExperts:
    r"""Dense layers, weighted by a softmax of the source: ``Σ_e g_e(x) act(W_e x + b_e)``.

    Jacobs et al., "Adaptive mixtures of local experts", 1991; with ``top_k`` only the largest
    weights count (Shazeer et al., "Outrageously large neural networks", 2017, without their
    noise).

    Parameters
    ----------
    units : int
        The number of outputs.
    experts : int
        The number of layers; ``W`` is of shape (experts, units, inputs).
    activation : str or callable, default "identity"
        Theirs.
    top_k : int, optional
        How many experts count for an example: the softmax is taken over the largest values; equal
        ones count together.
    bias : bool, default True
        Whether the experts have a ``b``.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n k", "N", 3))
    >>> print(*MixtureOfExperts(2, 4, "tanh").equations(x, 1)[0], sep="\n")
    z1[n, e, j] = Sum(W1[e, j, k]*x[n, k], k) + b1[e, j]
    s1[n, e] = Sum(V1[e, k]*x[n, k], k)
    g1[n, e] = exp(s1[n, e] - LogSumExp(s1[n, e], e))
    a1[n, j] = Sum(g1[n, e]*tanh(z1[n, e, j]), e)
    """

    units: int
    experts: int
    activation: str | ActivationFunction = "identity"
    top_k: int | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        for name in ("units", "experts"):
            size = checked_size(f"MixtureOfExperts {name}", getattr(self, name))
            object.__setattr__(self, name, size)
        activation(self.activation)
        if self.top_k is not None:
            object.__setattr__(self, "top_k", checked_size("MixtureOfExperts top_k", self.top_k))
            if self.top_k > self.experts:
                raise SymbpError(
                    f"MixtureOfExperts top_k {self.top_k}: expected at most {self.experts}, the "
                    f"number of experts"
                )
        checked_flag("MixtureOfExperts bias", self.bias)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the experts, their weights and the sum.

        Parameters
        ----------
        source : Tensor
            Of shape (…, inputs).
        number : int
            Counts the layers from 1.
        """
        checked_rank("MixtureOfExperts", source, 2, features=-1)
        initial: Initial = ("normal", 1 / math.sqrt(int(source.shape[-1])))
        equations, z = _rows(source, number, self.experts, self.units, self.bias, initial, "e")
        *outer, e, j = z.indices
        label, k = number + 1, Index("k", source.shape[-1])
        V = parameter(f"V{number}", e, k, symbol="v", label=label, initial=initial)
        s, g = (tensor(f"{x}{number}", *outer, e, symbol=x, label=label) for x in "sg")
        a = tensor(f"a{number}", *outer, j, symbol="a", label=label)
        equations.append(Equation(s.element, Sum(V[e, k] * source[(*outer, k)], k)))
        score = s
        if self.top_k is not None and self.top_k < self.experts:
            m = Index("m", self.experts)
            rank = tensor(f"rank{number}", *outer, e, symbol="R", label=label)
            score = tensor(f"t{number}", *outer, e, symbol="t", label=label)
            larger = where(s[(*outer, m)] > s.element, 1, 0)
            kept = where(rank.element < self.top_k, s.element, -sympy.oo)
            equations += [
                Equation(rank.element, Sum(larger, m)),
                Equation(score.element, kept),
            ]
        expert = activation(self.activation)(z[(*outer, e, j)])
        return [
            *equations,
            Equation(g.element, softmax(score.element, e)),
            Equation(a.element, Sum(g[(*outer, e)] * expert, e)),
        ], a
