"""row_sums: what adds to an element in a loop whose turns all add to it, and nothing but add.

Read off the statements for :mod:`symbp.loops.block_sums` and :mod:`symbp.loops.expand_blocks`,
which cut such loops into blocks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy

from symbp.loops.nodes import Accumulate, Divide, For, If, Let, Product, Span, Statement
from symbp.loops.traverse import statements_in
from symbp.notation.index import Index
from symbp.notation.tensor import Element

__all__ = [
    "RowSum", "adding", "blocks_of", "count_of", "is_long", "made_in", "names_in", "own_indices",
    "reads_besides",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class RowSum:
    """What adds to an element in a loop whose turns all add to it, and to nothing but add to it."""

    statement: Accumulate | Product
    path: tuple[For, ...]
    """The loops around it, from that loop on."""
    target: Element

    @property
    def spans(self) -> tuple[For | Span, ...]:
        """The ranges of all indices within the loop."""
        own = self.statement
        return (*self.path, *((*own.rows, *own.columns) if isinstance(own, Product) else ()))

    @property
    def reduced(self) -> tuple[For, ...]:
        """The loops that are summed over."""
        own = own_indices(self.target)
        return tuple(loop for loop in self.path if loop.index not in own)

    @property
    def rows(self) -> For | None:
        """The outermost loop over an unknown number of terms."""
        return next((loop for loop in self.reduced if is_long(loop)), None)

    @property
    def is_scatter(self) -> bool:
        """Whether data chooses the place."""
        return bool(self.target.atoms(Element) - {self.target})


def adding(
    statement: Statement, path: tuple[For, ...]
) -> Iterator[tuple[Accumulate | Product, tuple[For, ...]]]:
    """Yield what adds to an element, with the loops around it."""
    if isinstance(statement, For):
        for child in statement.body:
            yield from adding(child, (*path, statement))
    elif isinstance(statement, If):
        for child in (*statement.body, *statement.otherwise):
            yield from adding(child, path)
    elif isinstance(statement, Accumulate):
        if statement.operation == "sum":
            yield statement, path
    elif isinstance(statement, Product) and statement.addend == statement.target:
        yield statement, path


def reads_besides(each: RowSum) -> set[Element]:
    """Return the elements that a sum reads besides the one that it adds to."""
    own = each.statement
    if isinstance(own, Accumulate):
        return set(own.value.atoms(Element))
    operands = [e for e in (own.first, own.second, own.alpha) if e is not None]
    return {element for operand in operands for element in operand.atoms(Element)}


def own_indices(element: Element) -> set[Any]:
    """Return the indices in an element's subscripts, but not those of data in them."""
    data = {e: sympy.Dummy() for s in element.args for e in s.atoms(Element)}
    return {index for s in element.args for index in s.xreplace(data).atoms(Index)}


def is_long(span: For | Span) -> bool:
    """Whether nobody knows how many values an index takes."""
    return not sympy.sympify(span.end - span.start, strict=True).is_number


def count_of(spans: Iterable[For | Span]) -> int:
    """Return how many values some indices of known ranges take together."""
    return max(1, int(sympy.prod([abs(int(span.end - span.start)) for span in spans])))


def names_in(value: Any) -> set[Any]:
    """Return the symbols and indices in a whole number."""
    return value.atoms(sympy.Symbol, Index) if isinstance(value, sympy.Basic) else set()


def made_in(loop: For) -> set[Any]:
    """Return the indices and symbols that stand for something only within a loop."""
    result: set[Any] = {loop.index}
    for statement in statements_in(loop.body):
        if isinstance(statement, For):
            result.add(statement.index)
        elif isinstance(statement, Let):
            result.add(statement.symbol)
        elif isinstance(statement, Divide):
            result |= {statement.first, statement.last}
        elif isinstance(statement, Product):
            result |= {span.index for span in statement.spans}
    return result


def blocks_of(rows: For | Span, name: str, end: Any, most: int) -> tuple[Index, sympy.Symbol, Let]:
    """Return the index of the blocks of a range, where one ends, and what says so.

    Parameters
    ----------
    rows : For or Span
        What is cut up.
    name : str
        Of the new index, besides that of the rows.
    end : int or SymPy expression
        Where the last block ends.
    most : int
        How long a block is at most.
    """
    first = Index(f"{rows.index.name}_{name}", rows.index.extent)
    last = sympy.Dummy(f"{rows.index.name}_last", integer=True, nonnegative=True)
    return first, last, Let(last, sympy.Min(first + most, end))
