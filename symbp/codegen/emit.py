"""emit: blocks as lines of Python; each group of lines is labelled with its equations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sympy

from symbp.codegen.blocks import Accumulator, Assign, Block, Fill, Loop, Product
from symbp.codegen.contract import split_scalars
from symbp.codegen.expressions import INDENT, Level, Scope, bare, bare_term, number
from symbp.codegen.names import Names
from symbp.codegen.products import group_at
from symbp.notation.equation import Equation
from symbp.notation.index import Extent, Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["Emitter", "Passage"]


@dataclass(frozen=True)
class Passage:
    """Lines of a function that belong together, and the equations that they compute.

    Attributes
    ----------
    start, end : int
        The lines are those from `start` on, before `end`.
    equations : tuple of Equation
        As they reached the generator, each with its origin.
    joins : {"", "next", "previous"}
        Whether the lines only prepare the next passage, or finish the previous one.
    """

    start: int
    end: int
    equations: tuple[Equation, ...]
    joins: Literal["", "next", "previous"] = ""


class Emitter:
    """Writes the blocks of one function.

    Parameters
    ----------
    names : Names
        The identifiers.
    dropped : mapping of Tensor to frozenset of int
        The axes that need no memory (see :mod:`symbp.codegen.storage`).
    aliases : mapping of Tensor to Tensor
        Tensors that are computed in the memory of another.
    unread : set of int
        The ids of assignments whose result stays in a register.
    capacity : str
        The name of the number of rows that batch-sized buffers have.
    """

    def __init__(
        self,
        names: Names,
        dropped: dict[Tensor, frozenset[int]],
        aliases: Mapping[Tensor, Tensor],
        unread: set[int],
        capacity: str,
    ) -> None:
        self.unread = unread
        self.scope = Scope(names, dropped)
        self.scope.memory = dict(aliases)
        self.names = names
        self.capacity = capacity
        self.routines: set[str] = set()
        self.products: list[list[Extent]] = []
        """The extents of each matrix product: rows, columns, summed."""
        self.accumulators: dict[Tensor, str] = {}
        self.passages: list[Passage] = []
        """What each of the lines computes, in order."""

    @property
    def lines(self) -> list[str]:
        """The lines written so far."""
        return self.scope.levels[0].lines

    def program(self, blocks: Sequence[Block], label: Callable[[Equation], str]) -> None:
        """Write blocks one after another, each under a comment with its equations."""
        for block in blocks:
            start = len(self.lines)
            texts = dict.fromkeys(label(equation) for equation in _equations(block))
            if not isinstance(block, (Fill, Accumulator)):
                self.scope.levels[0].lines.extend(f"# {text}" for text in texts)
            self.scope.levels[0].known = {
                node: name
                for node, name in self.scope.levels[0].known.items()
                if not (isinstance(node, sympy.Basic) and node.has(Element))
            }
            self.body([block])
            self.passages.append(_passage(block, start, len(self.lines)))

    def body(self, blocks: Sequence[Block]) -> None:
        """Write the blocks of one loop's body."""
        leaves = [block.equation for block in blocks if isinstance(block, Assign)]
        # A value that is stored and then read in the same body is used once more.
        self.scope.count_uses([e.body for e in leaves])
        for block in blocks:
            if isinstance(block, Loop):
                self.loop(block)
            elif isinstance(block, Assign):
                self.assign(block)
            elif isinstance(block, Accumulator):
                self.accumulator(block)
            elif isinstance(block, Fill):
                self.fill(block)
            else:
                self.product(block)

    # Loops ------------------------------------------------------------------------------------

    def loop(self, block: Loop) -> None:
        """Write a loop; what its body computes for outer loops goes before it."""
        name = self._enter(block.index)
        self.body(block.body)
        extent = self.extent(block.index.extent)
        header = (
            f"for {name} in range({extent}):"
            if block.upwards
            else f"for {name} in range({extent} - 1, -1, -1):"
        )
        self._leave(header)

    def _enter(self, index: Index) -> str:
        scope = self.scope
        in_use = [scope.identifiers[lv.index] for lv in scope.levels if lv.index is not None]
        name = self.names.index(index, in_use)
        scope.identifiers[index] = name
        scope.levels.append(Level(index))
        return name

    def _leave(self, header: str) -> None:
        level = self.scope.levels.pop()
        self.scope.add(header)
        for line in level.lines or ["pass"]:
            self.scope.add(INDENT + line)

    def extent(self, extent: Extent) -> str:
        """Return the text of an extent: a number, or the batch size."""
        return str(extent) if isinstance(extent, int) else self.scope.batch

    # Leaves -----------------------------------------------------------------------------------

    def assign(self, block: Assign) -> None:
        """Write one evaluation of an equation's body."""
        scope, equation = self.scope, block.equation
        if block.mode == "reduce":
            self._accumulate(self.accumulators[equation.tensor], equation)
            return
        if equation.is_scatter:
            self._scatter(equation)
            return
        target = scope.element(equation.lhs)
        value = scope.value(equation.body)
        scope.forget(equation.tensor)
        if block.mode == "max":
            scope.kernels.add("maximum")
            scope.add(f"{target} = maximum({target}, {bare(value)})")
        elif block.mode == "add" and id(block) in self.unread:
            value = f"{target} + {bare_term(value)}"
            scope.remember(
                equation.lhs, scope.store(equation.lhs, value, f"{self._name(equation)}_")
            )
        elif block.mode == "add":
            scope.add(f"{target} += {bare(value)}")
        elif target.isidentifier():
            scope.add(f"{target} = {bare(value)}")
            scope.remember(equation.lhs, target)
        else:
            if not value.isidentifier() and not value.startswith("real("):
                value = scope.store(equation.body, value, f"{self._name(equation)}_")
            scope.add(f"{target} = {bare(value)}")
            scope.remember(equation.lhs, value)

    def _name(self, equation: Equation) -> str:
        return self.names.tensor(equation.tensor)

    def _accumulate(self, name: str, equation: Equation) -> None:
        if equation.operation == "max":
            # Numba's own max loses a NaN and does not vectorise.
            self.scope.kernels.add("maximum")
            self.scope.add(f"{name} = maximum({name}, {bare(self.scope.value(equation.body))})")
        else:
            self.scope.add(f"{name} += {bare(self.scope.value(equation.body))}")

    def _scatter(self, equation: Equation) -> None:
        """Add to a computed place, when it exists: a guarded term may have none."""
        scope = self.scope
        tests = []
        for subscript, extent in zip(equation.lhs.args, equation.tensor.shape, strict=True):
            if isinstance(subscript, Index) and subscript.extent == extent:
                continue
            if not subscript.atoms(Index):
                continue
            if isinstance(subscript, Element):
                continue  # checked where the data comes in
            tests.append(f"0 <= {bare(scope.integer(subscript))} < {self.extent(extent)}")
        if tests:
            scope.add(f"if {' and '.join(tests)}:")
            scope.guarded += 1
        known = dict(scope.levels[-1].known)
        value = scope.value(equation.body)
        scope.add(f"{scope.element(equation.lhs)} += {bare(value)}")
        if tests:
            scope.levels[-1].known = known
            scope.guarded -= 1
        scope.forget(equation.tensor)

    def accumulator(self, block: Accumulator) -> None:
        """Open or close the local variable of a reduction."""
        scope, equation = self.scope, block.equation
        if block.start:
            name = self.names.unique(f"{self._name(equation)}_")
            self.accumulators[equation.tensor] = name
            start = number(-sympy.oo) if equation.operation == "max" else "real(0)"
            scope.add(f"{name} = {start}")
            return
        name = self.accumulators[equation.tensor]
        target = scope.element(equation.lhs)
        scope.forget(equation.tensor)
        if block.mode == "add":
            scope.add(f"{target} += {name}")
        else:
            scope.add(f"{target} = {name}")
            scope.remember(equation.lhs, name)

    def fill(self, block: Fill) -> None:
        """Write the loops that set a tensor, or a part of it, to one value."""
        name = self.names.tensor(block.tensor)
        gone = self.scope.dropped.get(block.tensor, frozenset())
        value = "real(-np.inf)" if block.value else "real(0)"
        subscripts, loops = [], []
        in_use = [self.scope.identifiers[lv.index] for lv in self.scope.levels if lv.index]
        for axis, (subscript, index) in enumerate(
            zip(block.subscripts, block.tensor.indices, strict=True)
        ):
            if axis in gone:
                continue
            if subscript is not None:
                subscripts.append(self.scope.identifiers[subscript])
                continue
            counter = self.names.index(index, in_use)
            in_use.append(counter)
            subscripts.append(counter)
            loops.append(f"for {counter} in range({self.extent(index.extent)}):")
        self.scope.forget(block.tensor)
        # Loops, because Numba takes a second to compile the assignment to a slice.
        for depth, header in enumerate(loops):
            self.scope.add(INDENT * depth + header)
        target = f"{name}[{', '.join(subscripts)}]" if subscripts else name
        self.scope.add(f"{INDENT * len(loops)}{target} = {value}")

    # BLAS -------------------------------------------------------------------------------------

    def product(self, block: Product) -> None:
        """Write a call of BLAS, in loops over what is not part of the matrices."""
        scope = self.scope
        scalar, _ = split_scalars(block.equation.body)
        for index in block.loops:
            self._enter(index)
        alpha = scope.value(scalar)
        beta = "real(1)" if block.accumulate else "real(0)"
        lhs, first, second = block.equation.lhs, block.first, block.second
        groups = (block.rows, block.columns, block.summed)
        self.products.append([index.extent for group in groups for index in group])
        m, n, k = (self._count(g) for g in groups)
        a, b, c = (self._view(element) for element in (first, second, lhs))
        turned = not self._inner(first, block.summed)
        if block.columns:
            turned_b = not self._inner(second, block.columns)
            lda = self._stride(first, block.rows if not turned else block.summed)
            ldb = self._stride(second, block.summed if not turned_b else block.columns)
            ldc = self._stride(lhs, block.rows)
            self.routines.add("gemm")
            scope.add(
                f"gemm({turned}, {turned_b}, {m}, {n}, {k}, {alpha}, {a}, {lda}, {b}, {ldb}, "
                f"{beta}, {c}, {ldc})"
            )
        else:
            lda = self._stride(first, block.rows if not turned else block.summed)
            shape = f"{m}, {k}" if not turned else f"{k}, {m}"
            self.routines.add("gemv")
            scope.add(
                f"gemv({turned}, {shape}, {alpha}, {a}, {lda}, {b}, "
                f"{self._stride(second, block.summed)}, {beta}, {c}, "
                f"{self._stride(lhs, block.rows)})"
            )
        scope.forget(block.equation.tensor)
        for index in reversed(block.loops):
            self._leave(f"for {scope.identifiers[index]} in range({self.extent(index.extent)}):")

    def _count(self, group: Iterable[Index]) -> str:
        return self._times([index.extent for index in group], self.scope.batch)

    def _times(self, extents: Iterable[Extent], batch: str) -> str:
        number_of, symbols = 1, []
        for extent in extents:
            if isinstance(extent, int):
                number_of *= extent
            else:
                symbols.append(batch)
        return " * ".join([*symbols, str(number_of)] if number_of > 1 or not symbols else symbols)

    def _view(self, element: Element) -> str:
        """Return the array whose first element is where the product's operand starts."""
        name = self.names.tensor(element.tensor)
        fixed = [s in self.scope.identifiers and self._is_open(s) for s in element.args]
        if not any(fixed):
            return name
        parts = [
            self.scope.identifiers[subscript] if is_fixed else ":"
            for subscript, is_fixed in zip(element.args, fixed, strict=True)
        ]
        while parts and parts[-1] == ":":
            parts.pop()
        return f"{name}[{', '.join(parts)}]"

    def _is_open(self, index: Any) -> bool:
        return any(level.index is index for level in self.scope.levels)

    def _stride(self, element: Element, group: Sequence[Index]) -> str:
        """Return the distance in memory between neighbours of a group's last axis."""
        if not group:
            return "1"
        place = group_at(element, group)
        assert place is not None, "as_product checked the layout"
        return self._times(element.tensor.shape[place[1] + 1 :], self.capacity)

    def _inner(self, element: Element, group: Sequence[Index]) -> bool:
        place = group_at(element, group)
        return place is not None and place[1] == len(element.args) - 1


def _passage(block: Block, start: int, end: int) -> Passage:
    if isinstance(block, Fill):
        return Passage(start, end, (block.equation,), "next")
    if isinstance(block, Accumulator):
        return Passage(start, end, (block.equation,), "next" if block.start else "previous")
    return Passage(start, end, tuple(_equations(block)))


def _equations(block: Block) -> list[Equation]:
    if isinstance(block, Loop):
        return [equation for child in block.body for equation in _equations(child)]
    return [] if isinstance(block, Fill) else [block.equation]
