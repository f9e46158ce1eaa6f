"""strip_length: how few rows of a batch a strip may have.

The weights are packed for each strip, which takes as long as some rows of a product do. A row of a
dense layer is one row of its product; an example that a window slides over has as many as there are
positions, and then a strip of one example may be enough.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from symbp.calculus.contract import typical_size
from symbp.calculus.patches import patches_of
from symbp.entries.entry import Entry
from symbp.loops.nodes import For, Function, If, Product, Statement

__all__ = ["has_positions", "least_rows"]


def has_positions(entry: Entry) -> bool:
    """Whether windows slide over what an entry point computes, so that a row has positions."""
    return any(True for _ in patches_of(entry.program))


def least_rows(function: Function, batch: Any, rows: int) -> int:
    """Return how many rows of a batch make up for what is packed for them.

    Parameters
    ----------
    function : Function
        Of one batch, with its products.
    batch : Symbol
        The number of rows.
    rows : int
        How many rows of its own a product has to have, at least, on average.
    """
    packed = multiplied = 0
    for product, calls, by_rows in _products(function.body, batch, 1, False):
        own = [s for s in product.rows if s.end != batch]
        if not by_rows and len(own) == len(product.rows):
            continue  # a sum over the rows: nothing of it is packed for a strip
        size = calls * typical_size(s.index.extent for s in (*product.columns, *product.summed))
        packed += size
        multiplied += size * typical_size(s.index.extent for s in own)
    return max(1, -(-rows * packed // multiplied)) if multiplied else rows


def _products(
    body: Sequence[Statement], batch: Any, calls: int, by_rows: bool
) -> Iterator[tuple[Product, int, bool]]:
    """Yield each product, how often it is called for a row, and whether in a loop over rows."""
    for statement in body:
        if isinstance(statement, For):
            over = statement.end == batch
            turns = 1 if over else typical_size([statement.index.extent])
            yield from _products(statement.body, batch, calls * turns, by_rows or over)
        elif isinstance(statement, If):
            yield from _products(statement.body, batch, calls, by_rows)
            yield from _products(statement.otherwise, batch, calls, by_rows)
        elif isinstance(statement, Product):
            yield statement, calls, by_rows
