"""The value of a formula by NumPy, node by node: slow, and obviously right.

All values are two-dimensional: (1, 1) for scalars, (n, 1) for columns.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from symbp.matrices.functions import ELEMENTWISE
from symbp.matrices.shapes import Extent, Shaped, Shapes
from symbp.notation.errors import UnsupportedError

__all__ = ["Evaluator"]

Array = np.ndarray[Any, np.dtype[Any]]
Undefined = Mapping[str, Callable[[Array], Array]]


class Evaluator:
    """Evaluates nodes for given sizes; ``undefined`` holds values for the user's functions."""

    def __init__(
        self, shapes: Shapes, sizes: Mapping[str, int], undefined: Undefined | None = None
    ) -> None:
        self.shapes, self.sizes, self.undefined = shapes, sizes, undefined or {}

    def extent(self, extent: Extent, node: Shaped) -> int:
        """Return an extent of a node as a number."""
        value = 1
        for letter in self.shapes.resolve(extent):
            if letter not in self.sizes:
                raise UnsupportedError(
                    f"the extent of {node.tree} does not follow from the formula"
                )
            value *= self.sizes[letter]
        return value

    def value(self, node: Shaped, values: Mapping[str, Array]) -> Array:
        """Return the value of a node; ``values`` has that of each symbol as a matrix."""
        tree, head = node.tree, node.tree.head
        if head == "number":
            assert isinstance(tree.value, Fraction)
            return np.full((1, 1), float(tree.value))
        if head == "eye":
            return np.eye(self.extent(node.shape[0], node))
        if head == "symbol":
            name = str(tree.value)
            return values[name] if name in values else np.full((1, 1), float(self.sizes[name]))
        parts = [self.value(part, values) for part in node.parts]
        if head == "neg":
            return -parts[0]
        if head == "'":
            return parts[0].T
        if head == "call":
            return self._call(node, str(tree.value), parts)
        a, b = parts
        if head == "*":
            return a * b if a.shape == (1, 1) or b.shape == (1, 1) else a @ b
        if head in ("^", ".^"):
            exponent = tree.args[1]
            if exponent.head == "number" and isinstance(exponent.value, Fraction):
                whole = exponent.value
                if whole.denominator == 1:
                    return a ** int(whole)
            return a**b
        if head in ("+", "-"):
            return a + b if head == "+" else a - b
        return a * b if head == ".*" else a / b

    def _call(self, node: Shaped, name: str, args: list[Array]) -> Array:
        x = args[0]
        if name in ELEMENTWISE:
            return np.asarray(ELEMENTWISE[name](x), dtype=np.float64)
        if name in ("vector", "matrix"):
            shape = tuple(self.extent(extent, node) for extent in node.shape)
            return np.ones(shape) * x
        if name in SCALARS:
            return np.reshape(SCALARS[name](x), (1, 1))
        if name == "diag":
            return np.diag(x[:, 0]) if x.shape[1] == 1 else np.reshape(np.diag(x), (-1, 1))
        if name == "softmax":
            axis = 0 if x.shape[1] == 1 else 1
            e = np.exp(x - np.max(x, axis=axis, keepdims=True))
            return e / np.sum(e, axis=axis, keepdims=True)  # type: ignore[no-any-return]
        if name == "vec":
            return np.reshape(x.T, (-1, 1))
        if name == "kron":
            return np.kron(x, args[1])
        if name in ("inv", "adj"):
            inverse = np.linalg.inv(x)
            return inverse if name == "inv" else np.linalg.det(x) * inverse
        if name in self.undefined:
            return self.undefined[name](x)
        raise UnsupportedError(f"{name} has no values: it is declared as an undefined function")


SCALARS: dict[str, Callable[[Array], Any]] = {
    "sum": np.sum,
    "norm1": lambda x: np.sum(np.abs(x)),
    "norm2": lambda x: np.sqrt(np.sum(x * x)),
    "normF": lambda x: np.sqrt(np.sum(x * x)),
    "tr": np.trace,
    "det": np.linalg.det,
    "logdet": lambda x: np.linalg.slogdet(x)[1],
}
