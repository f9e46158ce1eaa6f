"""emit_products: a matrix product as a call, of tiles of registers or of BLAS."""

from collections.abc import Iterable, Sequence
from typing import Any

from symbp.calculus.contract import split_scalars, typical_size
from symbp.calculus.matrix_products import group_at, is_innermost
from symbp.codegen.blocks import Product
from symbp.codegen.expressions import INDENT, Scope
from symbp.codegen.names import Names
from symbp.notation.index import Extent, Index
from symbp.notation.tensor import Element, Tensor
from symbp.schedules.product_rule import FEW_ROWS, prefers_tiles

__all__ = ["ProductWriter"]


class ProductWriter:
    """The part of the emitter that writes products.

    Parameters
    ----------
    names : Names
        The identifiers.
    scope : Scope
        Where lines go.
    capacity : str
        The name of the number of rows that batch-sized buffers have.
    itemsize : int
        Bytes of a number.
    """

    def __init__(self, names: Names, scope: Scope, capacity: str, itemsize: int) -> None:
        self.names, self.scope = names, scope
        self.capacity, self.itemsize = capacity, itemsize
        self.only_tiles = False
        """Whether BLAS is not to be called: its sums may depend on which rows are in a call."""
        self.few_rows = False
        """Whether few rows are worth code of their own, which may sum in another order."""
        self.flattened = False
        """Whether loop nests over whole arrays are written as one loop."""
        self.products: list[tuple[str, list[Extent]]] = []
        """The routine of each matrix product, and its extents: rows, columns, summed."""
        self.picked: dict[Tensor, str] = {}
        """Arguments whose rows are read where they are, among all examples: the array of these."""
        self.ranges: dict[Index, tuple[str, str]] = {}
        """Where the loop over an index starts and ends, if it does not run over its extent."""

    def product(self, block: Product) -> None:
        """Write one product, in loops over what is not part of the matrices."""
        scope = self.scope
        for index in block.loops:
            self.enter(index)
        groups = (block.rows, block.columns, block.summed)
        extents = [index.extent for group in groups for index in group]
        routine, arguments = self.call(block)
        self.products.append((routine, extents))
        lines = [f"{routine}({', '.join(arguments)})"]
        turned_a, turned_b, m, n, k = arguments[:5]
        by_rows = (turned_a, turned_b) == ("False", "True") and not m.isdigit()
        if self.few_rows and by_rows and n.isdigit() and k.isdigit():
            few = "tiled" if routine == "gemm" else routine
            one = [*arguments[:2], "1", *arguments[3:]]
            lines = [f"if {m} == 1:", f"{INDENT}{few}({', '.join(one)})"]
            if routine == "gemm":
                self.products.append((few, extents))
                self.scope.kernels.add("blas_threads")
                lines.append(f"elif {m} <= {FEW_ROWS} and blas_threads() == 1:")
                lines.append(f"{INDENT}{few}({', '.join(arguments)})")
            lines += ["else:", f"{INDENT}{routine}({', '.join(arguments)})"]
        for line in lines:
            scope.add(line)
        scope.forget(block.equation.tensor)
        for index in reversed(block.loops):
            self.leave(f"for {scope.identifiers[index]} in {self.range(index)}:")

    def call(self, block: Product) -> tuple[str, list[str]]:
        """Return the routine and its arguments."""
        lhs, first, second = block.equation.lhs, block.first, block.second
        rows, columns, summed = block.rows, block.columns, block.summed
        m, n, k = (self.count(group) for group in (rows, columns, summed))
        scalar, _ = split_scalars(block.equation.body)
        alpha = self.scope.value(scalar)
        beta = "real(1)" if block.accumulate else "real(0)"
        b, c = self.view(second, soon=True), self.view(lhs)
        if first is None:
            head = ["True", "False", "1", n, k, alpha, "one", "0"]
            return "tiled", [*head, b, self.stride(second, summed), beta, c, n]
        a, turned = self.view(first), not is_innermost(first, summed)
        lda = self.stride(first, summed if turned else rows)
        if columns:
            turned_b = not is_innermost(second, columns)
            ldb = self.stride(second, columns if turned_b else summed)
            head = [str(turned), str(turned_b), m, n, k, alpha, a, lda]
            routine = self.routine(turned, turned_b, (rows, columns, summed))
            if block.start is not None:
                start = block.start.body
                by_rows = any(index in start.args for index in rows)
                ldd = self.stride(start, rows) if by_rows else "0"
                head += [b, ldb, self.view(start), ldd]
                return "tiled_onto", [*head, c, self.stride(lhs, rows)]
            return routine, [*head, b, ldb, beta, c, self.stride(lhs, rows)]
        step, step_c = self.stride(second, summed), self.stride(lhs, rows)
        if not self.only_tiles:
            shape = [k, m] if turned else [m, k]
            return "gemv", [str(turned), *shape, alpha, a, lda, b, step, beta, c, step_c]
        if turned and step_c == "1":
            # The vector as a row, read along its stride.
            return "tiled", ["True", "False", "1", m, k, alpha, b, step, a, lda, beta, c, m]
        # The vector as a column; as a row that is transposed, where it is contiguous.
        across = "True" if step == "1" else "False"
        ldb = k if step == "1" else step
        return "tiled", [str(turned), across, m, "1", k, alpha, a, lda, b, ldb, beta, c, step_c]

    def in_tiles(self, block: Product) -> bool:
        """Whether a product is not left to BLAS."""
        if block.first is None or not block.columns:
            return block.first is None
        turned = not is_innermost(block.first, block.summed)
        turned_b = not is_innermost(block.second, block.columns)
        return self.routine(turned, turned_b, (block.rows, block.columns, block.summed)) == "tiled"

    def routine(self, turned: bool, turned_b: bool, groups: Sequence[Sequence[Index]]) -> str:
        """Return what multiplies matrices of these sizes faster: tiles of registers, or BLAS."""
        m, n, k = (typical_size(index.extent for index in group) for group in groups)
        tiles = self.only_tiles or prefers_tiles(turned, turned_b, m, n, k, self.itemsize)
        return "tiled" if tiles else "gemm"

    def enter(self, index: Index) -> str:
        """Open the body of a loop and return the name of its index."""
        raise NotImplementedError

    def leave(self, header: str) -> None:
        """Close the body of a loop, under its header."""
        raise NotImplementedError

    def range(self, index: Index) -> str:
        """Return the text of the range that a loop runs over."""
        raise NotImplementedError

    def count(self, group: Sequence[Index]) -> str:
        """Return the number of rows, columns or terms that are computed."""
        if group and group[0] in self.ranges:
            first, last = self.ranges[group[0]]
            return f"{last} - {first}"
        return _times([index.extent for index in group], self.scope.batch)

    def view(self, element: Element, soon: bool = False) -> str:
        """Return the array whose first element is where the product's operand starts.

        For rows that are picked: that array, the numbers of the rows and, if they are to be loaded
        soon, of those of the next batch.
        """
        name = self.picked.get(element.tensor, self.names.tensor(element.tensor))
        numbers, offsets = "", []
        for axis, subscript in enumerate(element.args):
            if not axis and element.tensor in self.picked:
                self.scope.kernels.add("part")
                first = self.ranges.get(subscript, ("", ""))[0]
                numbers = f"part(order, {' + '.join(filter(None, ['start', first]))})"
                numbers += ", part(order, ahead)" if soon else ""
                continue
            if self._is_open(subscript):
                place = self.scope.identifiers[subscript]
            elif subscript in self.ranges:
                place = self.ranges[subscript][0]
            else:
                continue
            step = _times(element.tensor.shape[axis + 1 :], self.capacity)
            offsets.append(place if step == "1" else f"{place} * {step}")
        if offsets:
            self.scope.kernels.add("part")
            name = f"part({name}, {' + '.join(offsets)})"
        return f"({name}, {numbers})" if numbers else name

    def _is_open(self, index: Any) -> bool:
        return any(level.index is index for level in self.scope.levels)

    def stride(self, element: Element, group: Sequence[Index]) -> str:
        """Return the distance in memory between neighbours of a group's last axis."""
        if not group:
            return "1"
        place = group_at(element, group)
        assert place is not None, "as_product checked the layout"
        return _times(element.tensor.shape[place[1] + 1 :], self.capacity)


def _times(extents: Iterable[Extent], batch: str) -> str:
    number_of, symbols = 1, []
    for extent in extents:
        if isinstance(extent, int):
            number_of *= extent
        else:
            symbols.append(batch)
    return " * ".join([*symbols, str(number_of)] if number_of > 1 or not symbols else symbols)
