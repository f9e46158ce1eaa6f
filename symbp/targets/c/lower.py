"""lower: from an entry point to the loop program that is printed as C, an arrow a line."""

from collections.abc import Callable

import sympy

from symbp.entries.entry import Entry
from symbp.loops.addends import addends
from symbp.loops.batches import batches
from symbp.loops.build import build
from symbp.loops.expand_products import expand_products
from symbp.loops.flatten import flatten
from symbp.loops.fuse import fuse
from symbp.loops.gather import BATCH_SIZE, gather, inline_gathers
from symbp.loops.hoist import hoist
from symbp.loops.name_values import name_values
from symbp.loops.nodes import Function, Product
from symbp.loops.products import products
from symbp.loops.reuse import reuse
from symbp.loops.storage import storage
from symbp.loops.unread_stores import unread_stores
from symbp.schedules.lower import contracted, folded, rows_apart, without_log_sum_exp
from symbp.targets.c.strips import rows_are_independent, strips

__all__ = ["CAPACITY", "lowered"]

#: The most rows of a batch, for which there is memory.
CAPACITY = sympy.Symbol("capacity", integer=True, positive=True)

# Numbers of a row that do not fill a vector register.
_SHORT_ROW = 16


def lowered(entry: Entry, is_packed: Callable[[Product], bool], few: bool) -> Function:
    """Return the loop program of an entry point.

    Parameters
    ----------
    entry : Entry
        What a function reads, computes and writes.
    is_packed : callable
        Whether a product is left as a product; all others become loops.
    few : bool
        Whether batches are so small that memory is worth more than time: examples are read where
        they are.
    """
    independent = rows_are_independent(entry)
    # [equations] -> [equations whose sums are products of two tensors, no gradient stored twice]
    entry = contracted(without_log_sum_exp(entry))
    if entry.program.updates:
        entry = folded(entry)
    if not few:
        # -> each row summed before the batch, short rows laid out along the batch
        entry = rows_apart(entry, _SHORT_ROW)
    # [equations] -> [loops], a nest for each
    function = build(entry, BATCH_SIZE if entry.batches else CAPACITY)
    batch = next(iter(function.sizes), None)
    if entry.batches:
        assert batch is not None
        function = gather(function, batch)
    # -> sums of products as matrix products, those of a good size with their biases
    function = products(function)
    kept = frozenset(s for s in function.statements if isinstance(s, Product) and is_packed(s))
    small = frozenset(s for s in function.statements if isinstance(s, Product)) - kept
    function = addends(expand_products(function, small))
    if few:
        function = inline_gathers(function, lambda _: True)
    # -> neighbours in one loop, what they hand on in registers, few buffers, long inner loops
    function = flatten(reuse(unread_stores(storage(fuse(function)))))
    if entry.batches:
        assert batch is not None
        function = batches(function, batch)
    elif independent:
        assert batch is not None
        function = strips(function, batch, CAPACITY)
    # -> nothing computed twice, nor in a loop that does not change it
    return name_values(hoist(function))
