"""The functions of the language: how many arguments, their values, and how they print."""

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["ELEMENTWISE", "FUNCTIONS", "OF_SQUARE"]

Array = Any


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * x))


ELEMENTWISE: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "arctan": np.arctan,
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "relu": lambda x: np.maximum(x, 0.0),
    "step": lambda x: (x > 0) * 1.0,
}
OF_SQUARE = {"tr", "det", "logdet", "inv", "adj"}
FUNCTIONS: dict[str, int] = {
    **dict.fromkeys(ELEMENTWISE, 1),
    **dict.fromkeys(sorted(OF_SQUARE), 1),
    **dict.fromkeys(("sum", "norm1", "norm2", "normF", "diag", "softmax", "vector", "matrix"), 1),
    "vec": 1,
    "kron": 2,
}
