"""Layers: each turns a source tensor into equations and the tensor that they end with.

A layer is any object with a method ``equations(source, number)``, or a function of the two; the
layers of the library are written as a user's own are, one file a family. The number names what
the layer defines: ``W1``, ``b1``, ``z1``, ``a1``. Printed, layers are counted from the input as 1
(Nielsen, "Neural Networks and Deep Learning", chapter 2), so ``W1`` prints as the ``w`` of layer 2.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, TypeVar, runtime_checkable

from symbp.networks.activations import (
    RECTIFIERS,
    ActivationFunction,
    activation,
    is_identity,
)
from symbp.networks.options import checked_number, checked_size, checks_options
from symbp.networks.shapes import checked_rank
from symbp.notation.conditions import in_our_words
from symbp.notation.declarations import parameter, tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.index import Extent, Index
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Initial, Tensor

__all__ = ["LAYERS", "Activation", "Dense", "Layer", "known_layers", "library_layer"]


C = TypeVar("C", bound=type)

LAYERS: dict[str, Any] = {}
"""The layers of the library, by name: read where a name is asked for that is none of them."""


@runtime_checkable
class Layer(Protocol):
    """Anything that returns equations for a source tensor.

    A class of one's own needs the method `equations` and no more; it may say two things besides.
    ``depth`` is how many numbers it takes, 1 unless it holds other layers. ``source_kind`` is
    ``"integer"`` if what it reads stands in subscripts, as an embedding's words do.

    Examples
    --------
    >>> import symbp as bp
    >>> class Scale:
    ...     def equations(self, source, number):
    ...         *outer, j = source.indices
    ...         g = bp.parameter(f"g{number}", j, initial=("constant", 1.0))
    ...         a = bp.tensor(f"a{number}", *outer, j)
    ...         return [bp.Equation(a.element, g[j] * source.element)], a
    >>> net = bp.Network([bp.Dense(3, "tanh"), Scale(), bp.Dense(2)], input=4)
    >>> print(net.equations[2])
    a2[n, j] = g2[j]*a1[n, j]
    """

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the layer's equations and the tensor that the next layer reads.

        Parameters
        ----------
        source : Tensor
            What the layer reads: its first index is the example's, its last the features'.
        number : int
            Counts the layers from 1; the names of what the layer defines end in it.
        """


def known_layers() -> Mapping[str, Any]:
    """Return all layers of the library by name, those of modules that nothing has asked for too."""
    # By name: the package imports this module.
    known: Mapping[str, Any] = import_module("symbp.networks").LAYERS
    return known


def library_layer(cls: C) -> C:
    """Make a class one of the library's layers: known by name, with checked options."""
    LAYERS[cls.__name__] = cls
    return checks_options(cls)


@library_layer
@dataclass(frozen=True)
class Dense:
    r"""A fully connected layer ``a = act(W · source + b)``.

    Parameters
    ----------
    units : int
        The number of neurons.
    activation : str or callable, default "identity"
        A name such as ``"relu"``, or a function of one expression.
    bias : bool, default True
        Whether there is a ``b``.
    initial : tuple, optional
        How the weights start: ``("normal", standard deviation)``, ``("uniform", bound)`` or
        ``("constant", value)``. By default normal, with standard deviation sqrt(2/inputs) for
        relu and its relatives (He et al., 2015, eq. 10), else 1/sqrt(inputs) (LeCun et al.,
        "Efficient BackProp", 1998, eq. 16). Biases start at zero.

    Examples
    --------
    >>> import symbp as bp
    >>> n, k = bp.indices("n k", "N", 784)
    >>> equations, a = Dense(30, "sigmoid").equations(bp.input("x", n, k), 1)
    >>> print(*equations, sep="\n")
    z1[n, j] = Sum(W1[j, k]*x[n, k], k) + b1[j]
    a1[n, j] = sigmoid(z1[n, j])
    """

    units: int
    activation: str | ActivationFunction = "identity"
    bias: bool = True
    initial: Initial | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", checked_size("Dense units", self.units))
        activation(self.activation)
        if not isinstance(self.bias, bool):
            raise SymbpError(f"Dense bias: expected True or False, got {self.bias!r}")
        if self.initial is not None:
            object.__setattr__(self, "initial", checked_initial("Dense", self.initial))

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return ``z = Σ_k W a + b`` and, unless the activation is the identity, ``a = act(z)``.

        Parameters
        ----------
        source : Tensor
            Of shape (…, inputs).
        number : int
            Counts the layers from 1.

        Returns
        -------
        list of Equation
            One or two equations.
        Tensor
            The activation (or the pre-activation of a linear layer), of shape (…, units).
        """
        checked_rank("Dense", source, 2, features=-1)
        *outer, last = source.indices
        label = number + 1
        j, k = Index("j", self.units), Index("k", last.extent)
        W = parameter(
            f"W{number}", j, k, symbol="w", label=label, initial=self._initial(last.extent)
        )
        z = tensor(f"z{number}", *outer, j, symbol="z", label=label, adjoint_symbol=r"\delta")
        body = Sum(W[j, k] * source[(*outer, k)], k)
        if self.bias:
            b = parameter(f"b{number}", j, symbol="b", label=label, initial=("constant", 0.0))
            body += b[j]
        equations = [Equation(z[(*outer, j)], body)]
        if is_identity(activation(self.activation)):
            return equations, z
        activated, a = Activation(self.activation).equations(z, number)
        return [*equations, *activated], a

    def _initial(self, inputs: Extent) -> Initial:
        if self.initial is not None:
            return self.initial
        gain = 2.0 if activation(self.activation) in RECTIFIERS else 1.0
        return ("normal", math.sqrt(gain / int(inputs)))


@library_layer
@dataclass(frozen=True)
class Activation:
    """An elementwise function of the previous layer.

    Parameters
    ----------
    function : str or callable
        A name such as ``"relu"``, or a function of one expression.

    Examples
    --------
    >>> import symbp as bp
    >>> z = bp.input("z", *bp.indices("n j", "N", 3))
    >>> print(*Activation("relu").equations(z, 1)[0])
    a1[n, j] = relu(z[n, j])
    """

    function: str | ActivationFunction

    def __post_init__(self) -> None:
        activation(self.function)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return ``a = act(source)`` and ``a``, of the shape of the source."""
        a = tensor(f"a{number}", *source.indices, symbol="a", label=number + 1)
        try:
            body = activation(self.function)(source.element)
        except TypeError as error:
            raise SymbpError(
                f"activation {self.function!r}: expected a function of one expression, in terms "
                f"of SymPy's and symbp's functions; it raised: {in_our_words(error)}"
            ) from error
        return [Equation(a.element, body)], a


def checked_initial(layer: str, value: object) -> Initial:
    """Return how weights start, checked; the layer is named in the message."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        kind, number = value
        if kind == "constant":
            return ("constant", checked_number(f"{layer} initial constant", number))
        if kind in ("normal", "uniform"):
            return (kind, checked_number(f"{layer} initial {kind}", number, least=0))
    raise SymbpError(
        f"{layer} initial: expected ('normal', standard deviation), ('uniform', bound) or "
        f"('constant', value), got {value!r}"
    )
