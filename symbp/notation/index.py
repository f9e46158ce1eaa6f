"""Indices: what a tensor is subscripted with and what a sum runs over.

An index has an identity of its own: two indices called ``i`` are two indices, so a sum can
never capture an index that merely has the same name.
"""

from typing import Any, TypeAlias

import sympy

from symbp.notation.errors import NotationError
from symbp.notation.identity import Serials, home, remember, restored

__all__ = ["Extent", "Index", "batch_extent", "extent_of", "indices"]

Extent: TypeAlias = int | sympy.Symbol

_serial = Serials()


def batch_extent(name: str = "N") -> sympy.Symbol:
    """Return the symbol of an extent known only at run time, such as the batch size ``N``."""
    return sympy.Symbol(name, integer=True, positive=True)


def extent_of(value: object) -> Extent:
    """Return a checked extent: a positive int, or a symbol given as itself or by its name."""
    if isinstance(value, str):
        if not value.isidentifier():
            raise NotationError(f"extent {value!r}: expected a positive int or a name such as 'N'")
        return batch_extent(value)
    if isinstance(value, sympy.Symbol) and not isinstance(value, Index):
        return batch_extent(value.name)
    if isinstance(value, sympy.Integer):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise NotationError(f"extent {value!r}: expected a positive int or a name such as 'N'")
    return value


class Index(sympy.Dummy):
    """An index ``i = 0, …, extent - 1``.

    Parameters
    ----------
    name : str
        How the index prints.
    extent : int or str or sympy.Symbol
        How many values it takes; a name or symbol for an extent known at run time (``"N"``).
    sequential : bool, default False
        Whether equations may refer to neighbouring steps (``h[t - 1]``): time.

    Examples
    --------
    >>> j = Index("j", 30)
    >>> j.extent
    30
    """

    __slots__ = ("__weakref__", "extent", "home", "sequential")
    extent: Extent
    home: str
    sequential: bool

    def __new__(cls, name: str, extent: Any, sequential: bool = False) -> "Index":
        """Return a new index, unlike any other."""
        if not isinstance(name, str) or not name or not name.isprintable():
            raise NotationError(f"an index needs a name of printable characters, got {name!r}")
        return cls._made(name, extent_of(extent), bool(sequential), next(_serial), home())

    @classmethod
    def _made(cls, name: str, extent: Extent, sequential: bool, serial: int, home: str) -> "Index":
        # The serial is our own: SymPy starts its counter at a random number.
        index: Index = super().__new__(
            cls, name, dummy_index=serial, integer=True, nonnegative=True
        )
        index.extent, index.sequential, index.home = extent, sequential, home
        return index

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.home)

    def __reduce_ex__(self, protocol: Any) -> Any:
        remember(("index", self.dummy_index, self.home), self)
        given = (self.name, self.extent, self.sequential, self.dummy_index, self.home)
        return _restored_index, given

    def __copy__(self) -> "Index":
        return self

    def __deepcopy__(self, memo: object) -> "Index":
        return self

    def fresh(self) -> "Index":
        """Return a new index of the same name, extent and kind."""
        return Index(self.name, self.extent, self.sequential)

    def _sympystr(self, printer: object) -> str:
        return str(self.name)


def _restored_index(name: str, extent: Extent, sequential: bool, serial: int, home: str) -> Index:
    _serial.pass_over(serial)
    return restored(
        ("index", serial, home), lambda: Index._made(name, extent, sequential, serial, home)
    )


def indices(names: str, *extents: Any) -> tuple[Index, ...]:
    """Return several indices at once.

    Parameters
    ----------
    names : str
        Names separated by spaces.
    *extents : int or str or sympy.Symbol
        One extent for each name, or a single one for all.

    Examples
    --------
    >>> j, k = indices("j k", 30, 784)
    >>> k.extent
    784
    """
    if not isinstance(names, str):
        raise NotationError(f"indices: expected names separated by spaces, got {names!r}")
    parts = names.replace(",", " ").split()
    if len(extents) == 1:
        extents = extents * len(parts)
    if len(extents) != len(parts):
        raise NotationError(
            f"{len(parts)} indices ({names}) need as many extents or one, got {len(extents)}"
        )
    return tuple(Index(name, extent) for name, extent in zip(parts, extents, strict=True))
