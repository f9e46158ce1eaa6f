"""products: a matrix product as a call of the packed kernel, or as loops where it is small.

What is packed, and what a call needs memory for, is decided here; ``runtime/product.c`` is the
kernel.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import sympy

from symbp.loops.nodes import Product, Span
from symbp.loops.traverse import indices_of
from symbp.notation.tensor import Element
from symbp.targets.c.places import Field, Place, Struct, size_of
from symbp.targets.c.printer import INDENT, Printer

__all__ = ["ProductWriter"]

# Below this many multiplications a call takes as long as the loops.
_FEW = 2048
# The same of a sum of rows.
_FEW_SUMS = 256
# A register holds 64 bytes at most; the kernel packs this many terms at a time.
_REGISTER, _DEPTH = 64, 256


class ProductWriter:
    """Writes the products of one function and notes what memory they need.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The precision.
    batch : int
        The most rows of a batch.
    """

    def __init__(self, dtype: str, batch: int) -> None:
        self.itemsize = 4 if dtype == "float32" else 8
        self.batch = batch
        self.terms = 0

    def is_packed(self, product: Product) -> bool:
        """Whether a product is worth a call: large, with rows that share a matrix."""
        if not product.columns or self.batch == 1:
            return False
        m, n, k = (self.count(g) for g in (product.rows, product.columns, product.summed))
        least = _FEW if product.first is not None else _FEW_SUMS
        strides = self.arguments(product) if m * n * k >= least else None
        if strides is None or n == 1:
            return False
        # A single row is worth no copy of the matrix.
        return m > 1 or strides["second"][1] == 1

    def count(self, group: Sequence[Span]) -> int:
        """Return how many values a group of indices takes at most."""
        return size_of(tuple(span.end - span.start for span in group), self.batch)

    def arguments(
        self, product: Product, printer: Printer | None = None
    ) -> dict[str, tuple[Any, Any]] | None:
        """Return the strides by rows and columns of each matrix, or None if one has none."""
        groups = {
            "target": (product.target, product.rows, product.columns),
            "second": (product.second, product.summed, product.columns),
        }
        if product.first is not None:
            groups["first"] = (product.first, product.rows, product.summed)
        if product.addend is not None:
            groups["addend"] = (product.addend, product.rows, product.columns)
        result = {}
        for name, (element, rows, columns) in groups.items():
            place = Place("", element.tensor.shape) if printer is None else None
            place = place or printer.places[element.tensor]  # type: ignore[union-attr]
            found = _stride(element, place, rows), _stride(element, place, columns)
            if None in found:
                return None
            result[name] = found
        unit = [result[name][1] for name in ("target", "addend") if name in result]
        return result if all(stride == 1 for stride in unit) else None

    def lines(self, printer: Printer, product: Product) -> list[str] | None:
        """Return the lines of a product; None if it is to be loops."""
        if not self.is_packed(product):
            return None
        strides = self.arguments(product, printer)
        if strides is None:
            return None
        self.terms = max(self.terms, min(self.count(product.summed), _DEPTH))
        whole = printer.expressions.whole
        m, n, k = (
            whole(sympy.prod([sympy.sympify(s.end - s.start, strict=True) for s in group]))
            for group in (product.rows, product.columns, product.summed)
        )

        def matrix(name: str, element: Element | None) -> str:
            if element is None:
                return "(symbp_matrix){NULL, 0, 0}"
            start = self.start(printer, product, element)
            return f"(symbp_matrix){{{start}, {', '.join(whole(s) for s in strides[name])}}}"

        first = "(symbp_matrix){&symbp_one, 0, 0}"
        if product.first is not None:
            first = matrix("first", product.first)
        alpha = printer.expressions.value(product.alpha)
        target = self.start(printer, product, product.target)
        return [
            "symbp_product(",
            f"{INDENT}{m}, {n}, {k}, {alpha},",
            f"{INDENT}{first},",
            f"{INDENT}{matrix('second', product.second)},",
            f"{INDENT}{matrix('addend', product.addend)},",
            f"{INDENT}{target}, {whole(strides['target'][0])}, buffers->packed);",
        ]

    def start(self, printer: Printer, product: Product, element: Element) -> str:
        """Return a pointer to where a matrix begins."""
        begin = {span.index: sympy.sympify(span.start, strict=True) for span in product.spans}
        return f"&{printer.element(element.xreplace(begin))}"

    def with_workspace(self, buffers: Struct) -> Struct:
        """Return a struct of buffers that holds what the products need, too."""
        if not self.terms:
            return buffers
        size = (2 * _REGISTER * self.terms + _REGISTER) // self.itemsize
        packed = Field("packed", (size,), "packed")
        wide = tuple(field for field in buffers.fields if field.wide)
        return Struct(buffers.name, (*wide, packed, *buffers.fields[len(wide) :]))


def _stride(element: Element, place: Place, group: Sequence[Span]) -> Any:
    """Return how far apart neighbours of a group are in an element's array, or None.

    A group that the element does not have is 0 apart; several indices are one dimension if they
    are neighbours that run over their whole axes.
    """
    indices = list(indices_of(group))
    positions = []
    for position, subscript in enumerate(element.args):
        inside = [index for index in indices if index in subscript.atoms(type(index))]
        if not inside:
            continue
        (index,) = inside[:1]
        shifted = subscript - index
        if len(inside) > 1 or shifted.has(index) or shifted.atoms(Element):
            return None
        positions.append((position, index))
    if not positions:
        return sympy.S.Zero
    if [index for _, index in positions] != indices:
        return None
    strides = place.strides()
    for (outer, _), (inner, index) in itertools.pairwise(positions):
        span = group[indices.index(index)]
        extent = place.shape[inner]
        if inner != outer + 1 or span.start != 0 or span.end != extent:
            return None
    return strides[positions[-1][0]]
