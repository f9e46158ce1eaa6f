"""places: what the arrays of a loop program are called in the text, and how they lie in memory."""

import math
from collections.abc import Sequence
from typing import Any

from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["Places"]


class Places:
    """The texts that stand for arrays and scalars, and the shapes of the arrays' memory."""

    def __init__(self) -> None:
        self.arrays: dict[Tensor, str] = {}
        self.scalars: dict[Tensor, str] = {}
        self.doubles: set[Tensor] = set()
        """Scalars of double precision, whatever that of the module is."""
        self.whole: dict[Any, str] = {}
        """What stands for each index and each symbol of a whole number."""
        self._shapes: dict[Tensor, tuple[Any, ...]] = {}

    def array(self, tensor: Tensor, text: str, shape: Sequence[Any]) -> None:
        """Note an array's text, and how many elements each of its axes has room for."""
        self.arrays[tensor] = text
        self._shapes[tensor] = tuple(shape)

    def shape(self, tensor: Tensor) -> tuple[Any, ...]:
        """Return how many elements each axis has room for."""
        return self._shapes[tensor]

    def size(self, tensor: Tensor) -> Any:
        """Return how many elements an array has room for."""
        return math.prod(self._shapes[tensor])

    def stride(self, tensor: Tensor, axis: int) -> Any:
        """Return the distance in memory between neighbours along an axis."""
        return math.prod(self._shapes[tensor][axis + 1 :])

    def indices(self) -> list[str]:
        """Return the identifiers of the loops that are open."""
        return [name for key, name in self.whole.items() if isinstance(key, Index)]
