"""Activations by name: a string, or a function of one's own, becomes a function on expressions."""

from collections.abc import Callable
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.errors import SymbpError, suggest
from symbp.notation.functions import (
    elu,
    gelu,
    gelu_tanh,
    identity,
    leaky_relu,
    relu,
    sigmoid,
    silu,
    softplus,
)

__all__ = ["ACTIVATIONS", "RECTIFIERS", "ActivationFunction", "activation", "is_identity"]

ActivationFunction = Callable[[Expr], Expr]

ACTIVATIONS: dict[str, ActivationFunction] = {
    "identity": identity,
    "linear": identity,
    "sigmoid": sigmoid,
    "logistic": sigmoid,
    "tanh": sympy.tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": silu,
    "swish": silu,
    "softplus": softplus,
    "sin": sympy.sin,
    "exp": sympy.exp,
}

# They let about half of the variance through, which the initial weights make up for.
RECTIFIERS: tuple[ActivationFunction, ...] = (relu, leaky_relu, elu, gelu, gelu_tanh, silu)


def activation(value: str | ActivationFunction) -> ActivationFunction:
    """Return the activation of a name.

    Parameters
    ----------
    value : str or callable
        A name of :data:`ACTIVATIONS`; or a function of one expression: a subclass of
        :class:`sympy.Function`, what ``bp.function`` returns, or a plain Python function.

    Returns
    -------
    callable
        Maps the pre-activation of a neuron to its activation.

    Raises
    ------
    SymbpError
        The name is unknown; the message lists the nearest. ``softmax`` is not elementwise.

    Examples
    --------
    >>> import sympy
    >>> activation("swish")(sympy.Symbol("z"))
    silu(z)
    """
    if isinstance(value, str):
        if value in ACTIVATIONS:
            return ACTIVATIONS[value]
        if value in ("softmax", "log_softmax"):
            raise SymbpError(
                f"activation {value!r} is not elementwise: leave the output linear and use "
                f"loss='softmax_cross_entropy', which applies it"
            )
        raise SymbpError(f"activation {value!r}: {suggest(value, ACTIVATIONS)}")
    if not callable(value):
        raise SymbpError(f"activation {value!r}: expected a name or a function of an expression")
    return value


def is_identity(function: Any) -> bool:
    """Whether an activation is the identity, so that no equation is needed for it."""
    return function is identity
