"""lower: from an entry point to the loop program that is printed as C, an arrow a line."""

from collections.abc import Callable

import sympy

from symbp.calculus.changes_first import changes_first
from symbp.calculus.contract import contract
from symbp.calculus.fold import fold
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.share import share
from symbp.calculus.sum_rows_first import sum_rows_first
from symbp.calculus.transpose_short_rows import transpose_short_rows
from symbp.entries.entry import Entry
from symbp.loops.addends import addends
from symbp.loops.batches import batches
from symbp.loops.block_sums import Blocks, block_sums
from symbp.loops.build import build
from symbp.loops.expand_blocks import expand_blocks
from symbp.loops.expand_products import expand_products
from symbp.loops.flatten import flatten
from symbp.loops.fuse import fuse
from symbp.loops.gather import BATCH_SIZE, gather, inline_gathers
from symbp.loops.hoist import hoist
from symbp.loops.name_values import name_values
from symbp.loops.nodes import Product
from symbp.loops.products import products
from symbp.loops.reuse import reuse
from symbp.loops.storage import storage
from symbp.loops.touched_rows import touched_rows
from symbp.loops.unread_stores import unread_stores
from symbp.loops.unswitch import unswitch
from symbp.notation.tensor import Tensor
from symbp.schedules import decide
from symbp.schedules.schedule import Lowered, Record
from symbp.schedules.tables import rows_touched, tables
from symbp.targets.c.strips import rows_are_independent, strips

__all__ = ["CAPACITY", "lowered"]

#: The most rows of a batch, for which there is memory.
CAPACITY = sympy.Symbol("capacity", integer=True, positive=True)


# A compiler of C adds up in the order that is written, in vectors or not; see `Limits.blocks`.
BLOCKS = Blocks(few=256, terms=32, in_vectors=32, least=8, multiplied=32, products=512, places=8192)


def lowered(
    entry: Entry, is_packed: Callable[[Product], bool], most: int, itemsize: int
) -> Lowered:
    """Return the loop program of an entry point.

    Parameters
    ----------
    entry : Entry
        What a function reads, computes and writes.
    is_packed : callable
        Whether a product is left as a product; all others become loops.
    most : int
        The most rows of a batch. If it is one, memory is worth more than time: examples are read
        where they are.
    itemsize : int
        Bytes of a number.
    """
    few = most == 1
    record = Record()
    independent, batch = rows_are_independent(entry), entry.batch
    entry = record.run_on(entry, lower_logsumexp)
    entry = record.run_on(entry, share)
    # Sums of products of two tensors; no gradient is stored that is read once.
    entry = record.run_on(entry, contract)
    entry = record.run_on(entry, share)
    if entry.program.updates:
        written = entry.program
        entry = record.run_on(entry, fold)
        entry = record.run_on(entry, changes_first)
        for choice in tables(written, entry.program):
            record.decide(choice)
    if not few:
        entry = record.run_on(entry, sum_rows_first)
        kept = set(entry.roots)
        if not entry.batches:
            kept |= {tensor for slot in entry.slots for tensor in slot.tensors}
        entry = record.run_on(entry, transpose_short_rows, kept)
    function = record.run(build, entry, BATCH_SIZE if entry.batches else CAPACITY)
    for choice in rows_touched(function):
        record.decide(choice)
    function = record.run(touched_rows, function)
    if entry.batches:
        function = record.run(gather, function, batch)
    # Products of a good size stay, and begin with their biases; the others are loops again.
    function = record.run(products, function)
    found = [s for s in function.statements if isinstance(s, Product)]
    small = frozenset(product for product in found if not is_packed(product))
    function = record.run(expand_products, function, small)
    function = record.run(addends, function)
    if few:
        function = record.run(inline_gathers, function, _any)
    function = record.run(fuse, function)
    function = record.run(storage, function)
    function = record.run(unread_stores, function)
    function = record.run(reuse, function)
    function = record.run(flatten, function)
    choice = record.decide(decide.sums(entry, itemsize, BLOCKS.few, most))
    if choice.choice == "in blocks" and not independent:
        function = record.run(block_sums, function, BLOCKS)
        function = record.run(expand_blocks, function)
    if entry.batches:
        function = record.run(batches, function, batch)
    elif independent:
        function = record.run(strips, function, batch, CAPACITY)
    function = record.run(hoist, function)
    function = record.run(name_values, function)
    if not few:
        function = record.run(unswitch, function)
    return Lowered(entry, function, tuple(record.arrows), tuple(record.decisions))


def _any(_: Tensor) -> bool:
    return True
