"""Entries: a program and how it is called: what is passed in, what is written, what is returned.

An entry point of a module is one file: a function from a program to an :class:`Entry`. Everything
after it, the loops and the text of each target, is the same for all.
"""

from dataclasses import dataclass
from typing import Literal

import sympy

from symbp.notation.errors import SymbpError
from symbp.notation.extents import batch_of, sizes_of_tensors
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["Entry", "Slot"]

Role = Literal["in", "out", "inout"]


@dataclass(frozen=True)
class Slot:
    """What is passed to a function in one place.

    Attributes
    ----------
    name : str
        What the argument is called, such as ``"parameters"``.
    tensors : tuple of Tensor
        One tensor, or those that lie one after another in one flat array.
    role : {"in", "out", "inout"}
        Whether the function reads it, writes all of it, or changes it.
    packed : bool
        Whether it is one flat array of several tensors.
    """

    name: str
    tensors: tuple[Tensor, ...]
    role: Role
    packed: bool = False


@dataclass(frozen=True)
class Entry:
    """A function of a module before it has loops.

    Attributes
    ----------
    name : str
        ``"predict"``, ``"gradient"`` …
    program : Program
        Normalised, differentiated where it has to be, expanded; only what is asked for.
    slots : tuple of Slot
        Its arguments, in order.
    returns : Tensor, optional
        The scalar that it returns.
    batches : bool
        Whether the program is run once for each batch of the rows of the inputs, in an order that
        is passed too, with its updates after each; what is returned is then the mean over all
        rows.
    flat : bool
        Whether the caller passes and gets what is packed as vectors, not by the tensors' names.
    summary : str
        One line that says what it computes.
    for_few : bool
        Whether it is often called for one example, or for few.
    evaluates : Tensor, optional
        The output that a trainer evaluates by it.
    """

    name: str
    program: Program
    slots: tuple[Slot, ...]
    returns: Tensor | None = None
    batches: bool = False
    flat: bool = False
    summary: str = ""
    for_few: bool = False
    evaluates: Tensor | None = None

    def __post_init__(self) -> None:
        seen: set[Tensor] = set()
        for slot in self.slots:
            if not slot.packed and len(slot.tensors) != 1:
                raise SymbpError(f"entry {self.name}: {slot.name} holds {len(slot.tensors)} arrays")
            for tensor in slot.tensors:
                if tensor in seen:
                    raise SymbpError(f"entry {self.name}: {tensor.name} is passed twice")
                seen.add(tensor)

    @property
    def batch(self) -> sympy.Symbol | None:
        """The number of rows of a batch, known at run time only.

        An argument may have it though the program reads no example.
        """
        return batch_of(self._tensors)

    @property
    def sizes(self) -> tuple[sympy.Symbol, ...]:
        """The extents that are known at run time only, that of the batch first."""
        return sizes_of_tensors(self._tensors)

    @property
    def _tensors(self) -> tuple[Tensor, ...]:
        return (*(t for slot in self.slots for t in slot.tensors), *self.program.tensors)

    @property
    def roots(self) -> tuple[Tensor, ...]:
        """The tensors that somebody outside reads."""
        written = [t for slot in self.slots if slot.role == "out" for t in slot.tensors]
        updated = [new for _, new in self.program.updates]
        returned = [self.returns] if self.returns is not None else []
        return tuple(dict.fromkeys([*written, *updated, *returned]))
