"""expand_blocks: a product over many rows as products over some of them, and wide sums of these.

::

    product W[j, k] = Σ_n …   ─►   if N > 256:
                                       W = 0; W_wide = 0
                                       for block from 0 to N step 512:
                                           for first from block to … step 64:
                                               product W[j, k] += Σ_n …; n from first to …
                                           W_wide += W; W = 0
                                       W += W_wide
                                   else:
                                       product W[j, k] = Σ_n …

For products that know of no blocks themselves (see :mod:`symbp.loops.block_sums`). A library takes
longer to begin than a small product of so few rows takes in tiles: those are left to tiles.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import sympy

from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Assign,
    For,
    Function,
    If,
    Product,
    Span,
    Statement,
)
from symbp.loops.row_sums import blocks_of, count_of, is_long
from symbp.loops.traverse import map_statements
from symbp.notation.tensor import Element, Tensor

__all__ = ["expand_blocks"]


def expand_blocks(
    function: Function,
    wanted: Callable[[Product], bool] = lambda _: True,
    in_tiles: Callable[[Product], bool] = lambda _: False,
) -> Function:
    """Return an equivalent function whose products over many rows are loops over blocks of them.

    Parameters
    ----------
    function : Function
        Some of its products have blocks.
    wanted : callable
        Which of these become loops.
    in_tiles : callable
        Which of them tiles compute instead where there are many rows: tiles know of blocks.
    """

    def change(statement: Statement) -> Statement:
        if isinstance(statement, Product) and statement.blocks is not None and wanted(statement):
            return _expanded(statement, statement.blocks, in_tiles(statement))
        return statement

    return function.replace(body=map_statements(function.body, change))


def _expanded(product: Product, blocks: tuple[int, int, int], in_tiles: bool) -> If:
    rows = next(span for span in product.summed if is_long(span))
    terms = count_of(span for span in product.summed if span is not rows)
    few, block, part = (max(1, count // terms) for count in blocks)
    axes = [axis for axis, s in enumerate(product.target.args) if _span(product, s) is not None]
    tensor = product.target.tensor
    wide = Tensor(f"{tensor.name}_wide", tuple(tensor.indices[axis].fresh() for axis in axes))
    extents = tuple(tensor.shape[axis] for axis in axes)

    def each(body: Callable[[Element, Element], Iterable[Statement]]) -> tuple[Statement, ...]:
        """Return what is done for each element of the target, and its wide sum."""
        fresh = {axis: tensor.indices[axis].fresh() for axis in axes}
        subscripts = tuple(fresh.get(axis, s) for axis, s in enumerate(product.target.args))
        result = tuple(body(tensor[subscripts], wide[tuple(fresh.values())]))
        for axis in reversed(axes):
            span = _span(product, product.target.args[axis])
            assert span is not None
            result = (For(fresh[axis], span.start, span.end, result),)
        return result

    one_by_one = replace(product, blocks=None)
    condition = sympy.Gt(rows.end - rows.start, few)
    if in_tiles:
        return If(condition, (replace(product, routine="tiles"),), (one_by_one,))
    zero = sympy.S.Zero
    adds = product.addend == product.target
    block_first, block_last, block_ends = blocks_of(rows, "block", rows.end, block)
    first, last, ends = blocks_of(rows, "first", block_last, part)
    summed = tuple(Span(s.index, first, last) if s is rows else s for s in product.summed)
    some = replace(product, summed=summed, addend=product.target, blocks=None)
    inner = For(first, block_first, block_last, (ends, some), part)
    moved = each(lambda target, sums: (Accumulate(sums, target), Assign(target, zero)))
    return If(
        condition,
        (
            Allocate(wide, extents, "member", wide=True),
            *each(
                lambda target, sums: (Assign(sums, zero), *([] if adds else [Assign(target, zero)]))
            ),
            For(block_first, rows.start, rows.end, (block_ends, inner, *moved), block),
            *each(lambda target, sums: (Accumulate(target, sums),)),
        ),
        (one_by_one,),
    )


def _span(product: Product, subscript: object) -> Span | None:
    """Return the range of a subscript among rows and columns."""
    return next((s for s in (*product.rows, *product.columns) if s.index is subscript), None)
