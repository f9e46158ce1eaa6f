"""Flattening: each value of several axes written to its place in a row."""

import math
from dataclasses import dataclass
from typing import Any

import sympy

from symbp.networks.layers import library_layer
from symbp.networks.shapes import checked_number_of, checked_rank
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["Flatten"]


@library_layer
@dataclass(frozen=True)
class Flatten:
    """The values of several axes in a row, as ``torch.nn.Flatten``.

    Parameters
    ----------
    start_dim, end_dim : int, default 1 and -1
        The first and the last axis of those that become one; the first is never the examples'.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n c h w", "N", 2, 3, 4))
    >>> print(*Flatten().equations(x, 1)[0])
    a1[n, 12*c + 4*h + w] = x[n, c, h, w]
    """

    start_dim: int = 1
    end_dim: int = -1

    def __post_init__(self) -> None:
        for name in ("start_dim", "end_dim"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise SymbpError(f"Flatten {name}: expected an int, got {value!r}")

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equation of the row; none if there is one axis only.

        Parameters
        ----------
        source : Tensor
            Of any shape.
        number : int
            Counts the layers from 1.
        """
        checked_rank("Flatten", source, 2)
        first, last = (d % source.rank if -source.rank <= d < source.rank else 0
                       for d in (self.start_dim, self.end_dim))  # fmt: skip
        if not 1 <= first <= last:
            raise SymbpError(
                f"Flatten start_dim {self.start_dim}, end_dim {self.end_dim}: expected axes from 1 "
                f"to {source.rank - 1}, in order"
            )
        if first == last:
            return [], source
        for extent in source.shape[first : last + 1]:
            checked_number_of("values to put in a row", "Flatten", extent)
        # What is put in a row is no longer time.
        indices = [
            Index(index.name, index.extent) if first <= axis <= last else index
            for axis, index in enumerate(source.indices)
        ]
        place: Any = 0
        for index in indices[first : last + 1]:
            place = place * int(index.extent) + index
        row = Index("k", math.prod(int(index.extent) for index in indices[first : last + 1]))
        place = sympy.expand(place)
        shape = (*source.indices[:first], row, *source.indices[last + 1 :])
        a = tensor(f"a{number}", *shape, symbol="a", label=number + 1)
        left = (*indices[:first], place, *indices[last + 1 :])
        return [Equation(a[left], source[tuple(indices)])], a
