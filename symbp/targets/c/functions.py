"""functions: what computes each function of the notation in C.

One table: an operation's name, and the function of the runtime that is its value.
"""

import functools
from typing import Any

from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import maximum
from symbp.notation.operation import Operation

__all__ = ["definition_of", "function_of"]

_VECTOR_MATHS = (
    "exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "erf", "sigmoid", "softplus", "gelu",
    "gelu_tanh", "silu", "tanh_prime", "erf_prime", "gelu_prime", "gelu_tanh_prime", "silu_prime",
    "tan", "sinh", "cosh", "asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh", "erfc",
    "log_ndtr", "inverse_mills_ratio", "gammaln", "digamma", "trigamma",
)  # fmt: skip
_SHORT = (
    "relu", "leaky_relu", "elu", "abs", "sign", "maximum", "minimum", "absorbing_product",
    "power_slope", "power_log", "half_reciprocal", "xlogy", "xlog1py", "floor", "ceil", "round",
    "mod", "heaviside",
)  # fmt: skip
_FUNCTIONS = {
    **{name: f"symbp_{name}" for name in (*_VECTOR_MATHS, *_SHORT)},
    "norm": "symbp_sqrt",
    "stop_gradient": "",
}


def function_of(operation: Operation) -> str | None:
    """Return the C function that computes an operation; None if its definition is to be written.

    An empty name stands for the argument itself.
    """
    return None if operation.value is None else _FUNCTIONS.get(operation.name)


def definition_of(operation: Operation, arguments: tuple[Any, ...]) -> Any:
    """Return an operation without a C function of its own in terms of others."""
    if operation.name == "largest":
        return functools.reduce(maximum, arguments)
    if operation.definition is None:
        raise UnsupportedError(f"{operation.name}: the C target has no function for it")
    return operation.definition(*arguments)
