"""lower: the second half of the compiler, from an entry point to its loop program.

Every arrow is a line; what is decided on the way is decided in :mod:`symbp.schedules.decide`.
"""

from dataclasses import replace

from symbp.calculus.contract import contract
from symbp.calculus.fold import fold
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.share import share
from symbp.calculus.sum_rows_first import sum_rows_first
from symbp.calculus.transpose_short_rows import transpose_short_rows
from symbp.entries.entry import Entry
from symbp.loops.addends import addends
from symbp.loops.arrange import arrange
from symbp.loops.batches import batches
from symbp.loops.build import build
from symbp.loops.divide import divide
from symbp.loops.few_rows import few_rows
from symbp.loops.flatten import flatten
from symbp.loops.fuse import fuse
from symbp.loops.gather import BATCH_SIZE, gather, inline_gathers
from symbp.loops.hoist import hoist
from symbp.loops.name_values import name_values
from symbp.loops.nodes import Function, Product, Statement
from symbp.loops.products import products
from symbp.loops.promote import promote
from symbp.loops.reuse import reuse
from symbp.loops.storage import storage
from symbp.loops.strip_mine import strip_mine
from symbp.loops.traverse import map_statements
from symbp.loops.unread_stores import unread_stores
from symbp.schedules import decide
from symbp.schedules.limits import Limits
from symbp.schedules.product_rule import FEW_ROWS
from symbp.schedules.schedule import Lowered, Record
from symbp.schedules.unroll import unroll

__all__ = ["lower"]


def lower(entry: Entry, limits: Limits) -> Lowered:
    """Return the loop program of an entry point, by a schedule for a target.

    Parameters
    ----------
    entry : Entry
        Its program is finished: expanded and shared.
    limits : Limits
        What the target can do.
    """
    record = Record()
    entry = record.run_on(entry, lower_logsumexp)
    entry = record.run_on(entry, share)
    small = unroll(entry, limits.most_operations) if entry.batches else None
    record.decide(decide.unrolling(entry, limits, small is not None))
    if small is not None:
        record.note(unroll, small)
        return _by_element(small, limits, record)
    entry = record.run_on(entry, contract)
    entry = record.run_on(entry, share)
    if limits.folds and entry.program.updates:
        entry = record.run_on(entry, fold)
    lowered = _in_rows(entry, limits, record)
    return _whole(entry, limits, record) if lowered is None else lowered


# The three ways -------------------------------------------------------------------------------


def _by_element(entry: Entry, limits: Limits, record: Record) -> Lowered:
    """Straight-line code in one loop over the examples, with parameters in registers."""
    function = _built(entry, record)
    if entry.batches:
        data = [tensor for slot in entry.slots if not slot.packed for tensor in slot.tensors]
        chosen = decide.read_in_place(function, data)
        function = record.run(inline_gathers, function, chosen.__contains__)
    function = record.run(fuse, function, farthest=len(function.body))
    function = record.run(storage, function)
    function = _over_batches(entry, function, record)
    return _finished(entry, function.replace(any_order=True), limits, record)


def _in_rows(entry: Entry, limits: Limits, record: Record) -> Lowered | None:
    """Rows of a batch in strips that stay in the cache, each thread with its own rows."""
    if entry.program.batch is None:
        return None
    attempt = Record()
    rows_first = attempt.run_on(entry, sum_rows_first)
    if limits.short_row:
        kept = set(entry.roots)
        if not entry.batches:
            kept |= {tensor for slot in entry.slots for tensor in slot.tensors}
        rows_first = attempt.run_on(rows_first, transpose_short_rows, kept, limits.short_row)
    function = _multiplied(rows_first, limits, attempt, True)
    function = attempt.run(fuse, function, rows_apart=True)
    function = attempt.run(storage, function)
    choice = record.decide(decide.in_rows(function, limits, limits.team and entry.batches))
    if choice.choice != "in rows":
        return None
    record.arrows += attempt.arrows
    record.decisions += attempt.decisions
    function = record.run(arrange, function)
    function = record.run(unread_stores, function)
    function = record.run(reuse, function)
    if limits.team and entry.batches:
        function = record.run(divide, function)
    if limits.strip is not None:
        function = record.run(strip_mine, function, limits.strip)
    function = record.run(flatten, function)
    function = _over_batches(entry, function, record)
    return _finished(entry, function, limits, record)


def _whole(entry: Entry, limits: Limits, record: Record) -> Lowered:
    """Whole batches, one equation or a few of them after another."""
    function = _multiplied(entry, limits, record, False)
    function = record.run(fuse, function)
    function = record.run(storage, function)
    function = record.run(unread_stores, function)
    function = record.run(reuse, function)
    if entry.batches:
        function = record.run(flatten, function)
    function = _over_batches(entry, function, record)
    return _finished(entry, function, limits, record)


def _multiplied(entry: Entry, limits: Limits, record: Record, only_tiles: bool) -> Function:
    function: Function = _built(entry, record)
    function = record.run(products, function)
    if entry.batches:
        data = [tensor for slot in entry.slots if not slot.packed for tensor in slot.tensors]
        chosen = decide.read_in_place(function, data) if only_tiles else frozenset()
        function = record.run(inline_gathers, function, chosen.__contains__)
    function = record.run(choose_routines, function, limits, only_tiles, record)
    if only_tiles:
        function = record.run(addends, function)
    return function


def _over_batches(entry: Entry, function: Function, record: Record) -> Function:
    if not entry.batches:
        return function
    made: Function = record.run(batches, function, entry.batch)
    # A member of a team must not read a scalar that another has updated already.
    promoted: Function = record.run(promote, made)
    return promoted


def _finished(entry: Entry, function: Function, limits: Limits, record: Record) -> Lowered:
    if entry.for_few:
        function = record.run(few_rows, function, FEW_ROWS)
    function = record.run(hoist, function)
    function = record.run(name_values, function)
    record.decide(decide.compilation(function, limits))
    return Lowered(entry, function, tuple(record.arrows), tuple(record.decisions))


def _built(entry: Entry, record: Record) -> Function:
    """Write a loop nest for each equation; of an epoch, for one batch that is gathered."""
    function: Function = record.run(build, entry, BATCH_SIZE if entry.batches else None)
    if not entry.batches:
        return function
    gathered: Function = record.run(gather, function, entry.batch)
    return gathered


def choose_routines(
    function: Function, limits: Limits, only_tiles: bool, record: Record
) -> Function:
    """Note with each product what computes it."""

    def change(statement: Statement) -> Statement:
        if not isinstance(statement, Product):
            return statement
        choice = record.decide(decide.routine_of(statement, limits, only_tiles))
        return replace(statement, routine=choice.choice)  # type: ignore[arg-type]

    return function.replace(body=map_statements(function.body, change))
