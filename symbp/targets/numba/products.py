"""products: a matrix product as a call, of tiles of registers or of BLAS.

Operands are pointers into arrays, with the distance between their rows. The rows of an operand may
also be looked up, as those of a batch are among all examples; then a pair stands for it: the array,
and the numbers of the rows.
"""

import math
from collections.abc import Sequence
from typing import Any

import sympy

from symbp.loops.nodes import For, Product, Span, smaller
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Index
from symbp.notation.tensor import Element
from symbp.targets.numba.expressions import Expressions

__all__ = ["ONE", "product_call"]

#: The array that holds the number 1, which is read as a row of ones.
ONE = "one"


def product_call(product: Product, expressions: Expressions, one: str, loops: Sequence[For]) -> str:
    """Return the call that computes a product.

    Parameters
    ----------
    product : Product
        To be computed in tiles or by BLAS.
    expressions : Expressions
        Writes its numbers.
    one : str
        The array that holds the number 1.
    loops : sequence of For
        Those around it.
    """
    return _Call(product, expressions, one, loops).text()


class _Call:
    """The arguments of one call."""

    def __init__(
        self, product: Product, expressions: Expressions, one: str, loops: Sequence[For]
    ) -> None:
        self.product, self.expressions, self.one, self.loops = product, expressions, one, loops
        self.places = expressions.places
        self.starts: dict[Any, Any] = {
            span.index: sympy.sympify(span.start, strict=True) for span in product.spans
        }

    def text(self) -> str:
        """Return the routine and its arguments."""
        product = self.product
        first, second, target = product.first, product.second, product.target
        m, n, k = (self.count(group) for group in (product.rows, product.columns, product.summed))
        alpha = self.expressions.value(product.alpha)
        if first is None:
            ldb = self.stride(second, product.summed)
            head = ["True", "False", "1", n, k, alpha, self.one, "0", self.operand(second), ldb]
            return _in_blocks(product, [*head, *self.held(), n])
        turned = not self.is_innermost(first, product.summed)
        lda = self.stride(first, product.summed if turned else product.rows)
        ldc = self.stride(target, product.rows)
        a, b = self.operand(first), self.operand(second)
        if not product.columns:
            return self.vector(turned, m, k, alpha, (a, lda), (b, second), ldc)
        turned_b = not self.is_innermost(second, product.columns)
        ldb = self.stride(second, product.columns if turned_b else product.summed)
        head = [str(turned), str(turned_b), m, n, k, alpha, a, lda, b, ldb]
        if product.addend not in (None, target):
            return _called("tiled_onto", [*head, *self.addend(), self.operand(target), ldc])
        if product.routine == "blas":
            return _called("gemm", [*head, *self.held(), ldc])
        return _in_blocks(product, [*head, *self.held(), ldc])

    def vector(
        self, turned: bool, m: str, k: str, alpha: str, a: tuple[str, str],
        b: tuple[str, Element], step_c: str,
    ) -> str:  # fmt: skip
        """Return the product of a matrix and a vector."""
        step = self.stride(b[1], self.product.summed)
        if self.product.routine == "blas":
            shape = [k, m] if turned else [m, k]
            return _called("gemv", [str(turned), *shape, alpha, *a, b[0], step, *self.held(),
                                    step_c])  # fmt: skip
        if turned and step_c == "1":
            # The vector as a row, read along its stride.
            head = ["True", "False", "1", m, k, alpha, b[0], step, *a]
            return _in_blocks(self.product, [*head, *self.held(), m])
        # The vector as a column; as a row that is transposed, where it is contiguous.
        across, ldb = ("True", k) if step == "1" else ("False", step)
        head = [str(turned), across, m, "1", k, alpha, *a, b[0], ldb]
        return _in_blocks(self.product, [*head, *self.held(), step_c])

    def held(self) -> list[str]:
        """Return how much of what the target holds is kept, and where the target is."""
        product = self.product
        if product.addend not in (None, product.target):
            raise UnsupportedError(f"{product.target}: a vector's product begins with itself or 0")
        beta = "real(0)" if product.addend is None else "real(1)"
        return [beta, self.operand(product.target)]

    def addend(self) -> list[str]:
        """Return what the sums are added to, and the distance between its rows."""
        start, rows = self.product.addend, self.product.rows
        assert start is not None
        by_rows = any(span.index in start.args for span in rows)
        return [self.operand(start), self.stride(start, rows) if by_rows else "0"]

    def count(self, group: Sequence[Span]) -> str:
        """Return the number of rows, columns or terms that are computed."""
        # Numba knows what is written as a number, and makes code for it.
        return self.expressions.whole(math.prod(span.end - span.start for span in group))

    def operand(self, element: Element) -> str:
        """Return the array whose first element is where an operand starts, and its rows' numbers.

        ::

            x_all[order[start + n], k]; n from first on  ─►  (x_all, part(order, start + first))
        """
        offset: Any = 0
        numbers = ""
        for axis, subscript in enumerate(element.args):
            if isinstance(subscript, Element) and subscript.atoms(Index) & set(self.starts):
                assert not axis, "rows are looked up, and nothing else"
                numbers = f", {self.operand(subscript)}"
                if element is self.product.second:
                    numbers += self.ahead(subscript)
                continue
            offset = offset + subscript.xreplace(self.starts) * self.places.stride(
                element.tensor, axis
            )
        name = self.places.arrays[element.tensor]
        if offset != 0:
            name = f"part({name}, {self.expressions.whole(offset)})"
        return f"({name}{numbers})" if numbers else name

    def ahead(self, numbers: Element) -> str:
        """Return the numbers of the rows that the next batch looks up, to be loaded soon.

        As many as now: where fewer are left, some are asked for that were there already.
        """
        (place,) = numbers.args
        for loop in self.loops:
            for span in self.product.summed:
                if loop.step != 1 and place.has(loop.index) and place.has(span.index):
                    ahead, end = place + loop.step, loop.end - span.end + span.index
                    last = smaller(ahead.xreplace(self.starts), end.xreplace(self.starts))
                    start = self.expressions.whole(last)
                    return f", part({self.places.arrays[numbers.tensor]}, {start})"
        return ""

    def stride(self, element: Element, group: Sequence[Span]) -> str:
        """Return the distance in memory between neighbours of a group's last axis."""
        if not group:
            return "1"
        axis = self.axes(element, group)[-1]
        return self.expressions.whole(self.places.stride(element.tensor, axis))

    def axes(self, element: Element, group: Sequence[Span]) -> list[int]:
        """Return the axes of a group, those of looked up rows among them."""
        return [
            next(a for a, p in enumerate(element.args) if p is span.index or p.has(span.index))
            for span in group
        ]

    def is_innermost(self, element: Element, group: Sequence[Span]) -> bool:
        """Whether a group's last axis is an element's last one: it has unit stride."""
        return self.axes(element, group)[-1] == element.tensor.rank - 1


def _in_blocks(product: Product, arguments: Sequence[str]) -> str:
    """Return a call of tiles, for products over many rows in blocks."""
    if product.blocks is None:
        return _called("tiled", arguments)
    few, _, part = product.blocks
    return _called("tiled_in_blocks", [str(few), str(part), *arguments])


def _called(routine: str, arguments: Sequence[str]) -> str:
    return f"{routine}({', '.join(arguments)})"
