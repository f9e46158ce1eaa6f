"""Indices: what a tensor is subscripted with and what a sum runs over.

An index has an identity of its own: two indices called ``i`` are two indices, so a sum can
never capture an index that merely has the same name.
"""

import numbers
from typing import Any, TypeAlias

import sympy

from symbp.notation.errors import NotationError, OperandError
from symbp.notation.identity import Serials, home, remember, restored
from symbp.notation.refusals import Symbolic

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
    whole = isinstance(value, (numbers.Integral, sympy.Integer)) and not isinstance(value, bool)
    if not whole or int(value) < 1:  # type: ignore[call-overload]
        raise NotationError(f"extent {value!r}: expected a positive int or a name such as 'N'")
    return int(value)  # type: ignore[call-overload]


class Index(Symbolic, sympy.Dummy):
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

    __slots__ = ("__weakref__", "extent", "home", "origin", "sequential")
    extent: Extent
    home: str
    sequential: bool
    origin: int
    """The serial number of the index that this one is a fresh copy of, or its own."""

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
        index.origin = serial
        return index

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.home)

    # A process has one object of each, and asks whether it has seen it all the time.
    __eq__, __ne__, __hash__ = object.__eq__, object.__ne__, object.__hash__

    def __reduce_ex__(self, protocol: Any) -> Any:
        remember(("index", self.dummy_index, self.home), self)
        given = (
            self.name, self.extent, self.sequential, self.dummy_index, self.home, self.origin
        )  # fmt: skip
        return _restored_index, given

    def __copy__(self) -> "Index":
        return self

    def __deepcopy__(self, memo: object) -> "Index":
        return self

    def __index__(self) -> int:
        raise OperandError(
            f"{self} is an index, which stands for every number from 0 to its extent, and no int: "
            f"it is a subscript of tensors, such as x[{self}]"
        )

    def fresh(self) -> "Index":
        """Return a new index of the same name, extent and kind."""
        # What it is made of was checked when this one was made, and what SymPy knows of it holds.
        made: Index = object.__new__(Index)
        for name in _SLOTS:
            if hasattr(self, name):
                setattr(made, name, getattr(self, name))
        made.dummy_index, made.home, made._mhash = next(_serial), home(), None
        return made

    def _sympystr(self, printer: object) -> str:
        return str(self.name)


_SLOTS = tuple(
    name
    for kind in Index.__mro__
    for name in getattr(kind, "__slots__", ())
    if name not in ("__weakref__", "__dict__")
)


def _restored_index(
    name: str, extent: Extent, sequential: bool, serial: int, home: str, origin: int
) -> Index:
    def make() -> Index:
        made = Index._made(name, extent, sequential, serial, home)
        made.origin = origin
        return made

    _serial.pass_over(serial)
    return restored(("index", serial, home), make)


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
