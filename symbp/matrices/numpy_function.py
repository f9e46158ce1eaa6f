"""A formula as a function of arrays, whose shapes are compared before anything is computed."""

from typing import Any

import numpy as np

from symbp.matrices.evaluate import Array, Evaluator, Undefined
from symbp.matrices.shapes import Shaped, Shapes
from symbp.matrices.tree import walk
from symbp.notation.errors import SymbpError, suggest

__all__ = ["NumpyFunction"]


class NumpyFunction:
    """Evaluates a derivative for arrays, after their shapes have been compared."""

    def __init__(
        self,
        node: Shaped,
        shapes: Shapes,
        extents: tuple[tuple[str, ...], tuple[str, ...]],
        written: str,
        undefined: Undefined,
    ) -> None:
        self._node, self._shapes, self._extents = node, shapes, extents
        self._undefined = undefined
        self.__doc__ = written

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the value: a float, a vector or a matrix."""
        declared = self._shapes.declared
        names = list(declared)
        if len(args) > len(names):
            raise SymbpError(f"expected the values of {', '.join(names)}, got {len(args)} values")
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in declared or name in given:
                raise SymbpError(f"value of {name}: {suggest(name, set(declared) - set(given))}")
            given[name] = value
        needed = {str(n.value) for n in walk(self._node.tree) if n.head == "symbol"}
        letters = {x for shape in declared.values() for x in shape}
        missing = [name for name in names if name in needed and name not in given]
        if missing:
            raise SymbpError(f"expected a value of {missing[0]}")
        sizes: dict[str, int] = {x: int(x) for x in letters if x.isdigit()}
        values = {name: _value(name, given[name], declared[name], sizes) for name in given}
        found = Evaluator(self._shapes, sizes, self._undefined).value(self._node, values)
        rows, columns = self._extents
        if not rows:
            return float(found[0, 0]) if not columns else found
        return found[:, 0] if not columns else found


def _value(name: str, value: Any, shape: tuple[str, ...], sizes: dict[str, int]) -> Array:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise SymbpError(f"value of {name}: expected numbers, got {value!r}") from None
    if array.ndim == 2 and len(shape) == 1 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != len(shape):
        raise SymbpError(f"value of {name}: expected shape ({', '.join(shape)}), got {array.shape}")
    for letter, extent in zip(shape, array.shape, strict=True):
        if sizes.setdefault(letter, extent) != extent:
            raise SymbpError(
                f"value of {name}: {letter} is {sizes[letter]} elsewhere, got {array.shape}"
            )
    return array.reshape((*array.shape, 1, 1)[:2])
