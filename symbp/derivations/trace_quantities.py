"""What a trace found, by whatever the user calls it: a symbol, a name, a tensor or an element.

A scalar is looked up as a number; the elements of a tensor, each a scalar of the graph, are put
together to its array.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symbp.derivations.trace_values import Scalars
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.tensor import Element, Tensor

__all__ = ["Quantities"]


class UnknownQuantityError(SymbpError, KeyError):
    """Something was asked for that the trace does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class Quantities(Mapping[Any, Any]):
    """A number for each scalar, an array for each tensor, by symbol, name, tensor or element.

    Iteration gives what the user named; intermediate quantities can be asked for, too.
    """

    def __init__(
        self,
        scalars: Scalars,
        meaning: Mapping[Any, Tensor],
        numbers: Mapping[Tensor, float | None],
        elsewhere: Mapping[Tensor, NDArray[np.float64]],
    ) -> None:
        known = {tensor: number for tensor, number in numbers.items() if number is not None}
        self._keys = scalars.keys
        self._numbers = {key: known[t] for key, t in meaning.items() if t in known}
        self._arrays: dict[Tensor, dict[tuple[int, ...], float]] = {}
        for tensor, (whole, place) in scalars.places.items():
            if tensor in known:
                self._arrays.setdefault(whole, {})[place] = known[tensor]
        # What elements are that nothing reads, and that have no node.
        self._elsewhere = elsewhere
        self._names = {tensor.name: tensor for tensor in self._arrays}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, sympy.Symbol) and key not in self._numbers:
            key = key.name
        if isinstance(key, (str, Tensor, Element, sympy.Symbol)):
            # An array's name before a scalar's: a program may have both W_0 and W.
            tensor = self._names.get(key) if isinstance(key, str) else key
            if isinstance(tensor, Tensor) and tensor in self._arrays:
                return self._assembled(tensor)
            if key in self._numbers:
                return self._numbers[key]
            if isinstance(key, Element) and key.tensor in self._arrays:
                return float(self._assembled(key.tensor)[tuple(int(place) for place in key.args)])
        known = {str(k) for k in (*self._keys, *self._names)}
        raise UnknownQuantityError(f"no {key} in this trace; {suggest(str(key), known)}")

    def _assembled(self, tensor: Tensor) -> NDArray[np.float64]:
        parts = self._arrays[tensor]
        if tensor in self._elsewhere:
            array = self._elsewhere[tensor].copy()
        else:
            axes = range(tensor.rank)
            array = np.zeros([max(place[axis] for place in parts) + 1 for axis in axes])
        for place, number in parts.items():
            array[place] = number
        return array

    def __iter__(self) -> Iterator[Any]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{key}: {self[key]!r}' for key in self)}}}"
