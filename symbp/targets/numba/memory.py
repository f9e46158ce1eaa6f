"""memory: what makes arrays, and gives the numbers of arrays another shape.

Views are made without the checks of slices. A team's buffers lie in memory that all members share;
its caller makes that from a table of what each takes.
"""

import math
from collections.abc import Sequence
from typing import Any

from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Assign,
    Function,
    Product,
    Return,
    View,
)
from symbp.notation.errors import UnsupportedError
from symbp.notation.tensor import Element, Tensor
from symbp.targets.numba.expressions import Expressions
from symbp.targets.numba.names import Names

__all__ = ["MEMORY", "OFFSETS", "TEAM", "Memory", "is_number"]

# What a team's function takes besides: its memory, where each buffer lies in it, where it meets.
MEMORY, OFFSETS, TEAM = "memory", "offsets", "team"


class Memory:
    """Writes the memory of one function.

    Parameters
    ----------
    function : Function
        The whole function.
    names : Names
        The identifiers.
    expressions : Expressions
        Writes extents and offsets.
    passed : dict of str to str
        What a team's function is passed besides its arguments, by what it is.
    """

    def __init__(
        self, function: Function, names: Names, expressions: Expressions, passed: dict[str, str]
    ) -> None:
        self.function, self.names, self.expressions = function, names, expressions
        self.passed = passed
        self.places, self.lines = expressions.places, expressions.lines
        self.roles = {argument.array: argument.role for argument in function.arguments}
        self.totals = _totals(function)
        self.buffers: list[tuple[int, int]] = []
        """What each buffer of a team takes: for each row of a batch, and besides."""

    def scalar(self, tensor: Tensor, text: str, is_read_only: bool) -> None:
        """Note where a number stands; one that never changes is read once."""
        if is_read_only:
            name = self.names.tensor(tensor)
            self.lines.add(f"{name} = {text}")
            text = name
        self.places.scalars[tensor] = text

    def allocate(self, statement: Allocate) -> None:
        """Write what makes memory; a register needs none."""
        tensor, shape = statement.array, statement.shape
        name = self.names.tensor(tensor)
        if not tensor.rank:
            self.places.scalars[tensor] = name
            if tensor in self.totals or statement.wide:
                self.places.doubles.add(tensor)
            return
        self.places.array(tensor, name, shape)
        if self.function.team and statement.kind == "heap":
            self.lines.add(f"{name} = {self.shared(tensor, shape)}")
            return
        extents = ", ".join(map(self.expressions.whole, shape))
        extents = f"({extents})" if len(shape) > 1 else extents
        if statement.wide:
            self.places.doubles.add(tensor)
        kind = (
            "np.int64" if tensor.kind == "integer" else "np.float64" if statement.wide else "real"
        )
        self.lines.add(f"{name} = np.empty({extents}, {kind})")

    def shared(self, tensor: Tensor, shape: Sequence[Any]) -> str:
        """Return the view of a team's memory for an array, and note what it takes."""
        fixed = math.prod(int(extent) for extent in shape if is_number(extent))
        batches = [extent for extent in shape if not is_number(extent)]
        if len(batches) > 1:
            raise UnsupportedError(f"{tensor.name}: a team's buffer has one row for each example")
        integers = tensor.kind == "integer"
        # Enough for 64 bits in either precision.
        words = fixed * (2 if integers else 1)
        offset = f"{self.passed[OFFSETS]}[{len(self.buffers)}]"
        self.buffers.append((words, 0) if batches else (0, words))
        extents = "".join(f"{self.expressions.whole(extent)}, " for extent in shape).rstrip()
        memory = self.passed[MEMORY]
        routine = "whole_numbers" if integers else "view"
        return f"{routine}({memory}, {offset}, ({extents}))"

    def view(self, statement: View) -> None:
        """Write what gives the same numbers another shape."""
        tensor, of = statement.array, statement.of
        shape = statement.shape if statement.shape is not None else tensor.shape
        held = self.places.arrays[of]
        if not tensor.rank:
            flat = held if of.rank == 1 else f"flat({held})"
            text = f"{flat}[{self.expressions.whole(statement.offset)}]"
            self.scalar(tensor, text, self.roles.get(self.function.memory(of)) == "in")
            return
        is_whole = statement.offset == 0 and math.prod(shape) == self.places.size(of)
        if is_whole and tensor.rank == 1 and of.rank > 1:
            # Where it is used: Numba knows of it then that no subscript is negative.
            self.places.array(tensor, f"flat({held})", shape)
            return
        name = self.names.tensor(tensor)
        if is_whole and tuple(shape) == self.places.shape(of):
            self.lines.add(f"{name} = {held}  # its memory")
        else:
            extents = "".join(f"{self.expressions.whole(extent)}, " for extent in shape)
            extents = extents.rstrip() if len(shape) == 1 else extents.removesuffix(", ")
            offset = self.expressions.whole(statement.offset)
            self.lines.add(f"{name} = view({held}, {offset}, ({extents}))")
        self.places.array(tensor, name, shape)


def is_number(value: Any) -> bool:
    """Whether a whole number is known."""
    return isinstance(value, int) or bool(value.is_number)


def _totals(function: Function) -> frozenset[Tensor]:
    """Return the registers that only sum up what is returned: they are of double precision.

    Such as the costs of all batches, of which there may be many more than a float32 can count.
    """
    returned: set[Tensor] = set()
    other: set[Tensor] = set()
    for statement in function.statements:
        if isinstance(statement, Return):
            if statement.value is not None:
                returned |= {e.tensor for e in statement.value.atoms(Element) if not e.args}
            continue
        if isinstance(statement, Accumulate) and not statement.free_order:
            read = statement.value.atoms(Element)
        elif isinstance(statement, Assign) and statement.value.is_number:
            read = set()
        elif isinstance(statement, Assign | Accumulate):
            read = {*statement.value.atoms(Element), statement.target}
        elif isinstance(statement, Product):
            read = statement.alpha.atoms(Element)
        else:
            read = set()
        other |= {element.tensor for element in read}
    registers = {s.array for s in function.statements if isinstance(s, Allocate)}
    return frozenset((returned & registers) - other)
