"""Blocks: what a program is lowered to before it is written out as text.

A tree of loops whose leaves assign, accumulate, fill or call BLAS. Blocks still speak of
equations and tensors; names, buffers and the text of expressions come later.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = [
    "Accumulator", "Assign", "Block", "Fill", "Gather", "Leaf", "Loop", "Product",
    "equations_of", "leaves", "reads_of",
]  # fmt: skip


@dataclass
class Fill:
    """Set the part of a tensor that an element spans to a value; None stands for an axis."""

    tensor: Tensor
    subscripts: tuple[Index | None, ...]
    value: float
    equation: Equation


@dataclass
class Assign:
    """Evaluate an equation's body at one point of its domain.

    ``mode`` is ``set`` or ``add`` for the tensor itself, ``max`` for a maximum over an outer
    loop, and ``reduce`` for a local accumulator that a :class:`Accumulator` opens and closes.
    """

    equation: Equation
    mode: Literal["set", "add", "max", "reduce"]


@dataclass
class Accumulator:
    """Open (``start``) or close the local accumulator of a reduction."""

    equation: Equation
    start: bool
    mode: Literal["set", "add"] = "set"


@dataclass
class Product:
    """A matrix product ``lhs (+)= alpha Σ_k first · second``, once per value of ``loops``.

    ``rows``, ``columns`` and ``summed`` are the index groups m, n and k; ``columns`` is empty
    for a matrix times a vector. Where ``first`` is None it stands for a row of ones: the columns
    of the second are summed. ``start`` is the equation of what the sums are added to, if that is
    not what lhs holds (see :mod:`symbp.codegen.starts`).
    """

    equation: Equation
    loops: tuple[Index, ...]
    first: Element | None
    second: Element
    rows: tuple[Index, ...]
    columns: tuple[Index, ...]
    summed: tuple[Index, ...]
    accumulate: bool
    start: Equation | None = None


@dataclass
class Loop:
    """A loop over an index around other blocks; ``steps`` marks a recurrence's loop in time."""

    index: Index
    body: list["Block"] = field(default_factory=list)
    upwards: bool = True
    steps: bool = False


@dataclass
class Gather:
    """Copy the examples of a batch into the memory of an argument, before all else."""

    tensor: Tensor


Leaf = Fill | Assign | Accumulator | Product
Block = Leaf | Loop


def leaves(block: Block) -> Iterator[Leaf]:
    """Yield the blocks of a loop nest that are no loops; of another block, itself."""
    if isinstance(block, Loop):
        for child in block.body:
            yield from leaves(child)
    else:
        yield block


def equations_of(leaf: Leaf) -> tuple[Equation, ...]:
    """Return what a block computes, or prepares."""
    if isinstance(leaf, Product) and leaf.start is not None:
        return leaf.equation, leaf.start
    return (leaf.equation,)


def reads_of(leaf: Leaf) -> Iterator[Element]:
    """Yield what a block's equations read."""
    for equation in equations_of(leaf):
        yield from equation.reads()
