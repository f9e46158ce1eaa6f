"""lower: the second half of the compiler, from an entry point to its loop program.

Every arrow is a line; what is decided on the way is decided in :mod:`symbp.schedules.decide`.
"""

from dataclasses import replace
from functools import partial

from symbp.calculus.changes_first import changes_first
from symbp.calculus.contract import contract
from symbp.calculus.fold import fold
from symbp.calculus.gather_steps import gather_steps
from symbp.calculus.inline_reshapes import inline_reshapes
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.share import share
from symbp.calculus.sum_rows_first import sum_rows_first
from symbp.calculus.time_major import time_major
from symbp.calculus.transpose_short_rows import transpose_short_rows
from symbp.entries.entry import Entry
from symbp.loops.accumulate_strips import accumulate_strips
from symbp.loops.addends import addends
from symbp.loops.arrange import arrange
from symbp.loops.batches import batches
from symbp.loops.block_sums import block_sums
from symbp.loops.build import build
from symbp.loops.dense_steps import dense_steps, has_steps_outermost
from symbp.loops.divide import can_divide, divide
from symbp.loops.expand_blocks import expand_blocks
from symbp.loops.few_rows import few_rows
from symbp.loops.first_writes import first_writes
from symbp.loops.flatten import flatten
from symbp.loops.forward_copies import forward_copies
from symbp.loops.fuse import fuse
from symbp.loops.gather import BATCH_SIZE, gather, inline_gathers
from symbp.loops.hoist import hoist
from symbp.loops.join_terms import join_terms
from symbp.loops.lanes import lanes
from symbp.loops.name_values import name_values
from symbp.loops.nodes import Function, Product, Statement
from symbp.loops.peel_steps import peel_steps
from symbp.loops.products import products
from symbp.loops.promote import promote
from symbp.loops.propagate_copies import propagate_copies
from symbp.loops.reuse import reuse
from symbp.loops.set_once import set_once
from symbp.loops.storage import storage
from symbp.loops.strip_mine import strip_mine
from symbp.loops.touched_rows import touched_rows
from symbp.loops.traverse import map_statements
from symbp.loops.unread_stores import unread_stores
from symbp.loops.unroll_windows import unroll_windows
from symbp.loops.whole_arrays import whole_arrays
from symbp.notation.tensor import Tensor
from symbp.schedules import decide, replicas
from symbp.schedules.layout import lay_out
from symbp.schedules.limits import Limits
from symbp.schedules.product_rule import FEW_ROWS
from symbp.schedules.schedule import Lowered, Many, Record
from symbp.schedules.tables import rows_touched, tables
from symbp.schedules.unroll import unroll

__all__ = ["lower", "lower_many"]


def lower(entry: Entry, limits: Limits, explained: bool = True) -> Lowered:
    """Return the loop program of an entry point, by a schedule for a target.

    Parameters
    ----------
    entry : Entry
        Its program is finished: expanded and shared.
    limits : Limits
        What the target can do.
    explained : bool
        Whether the result tells what each pass gave.
    """
    record = Record(explained)
    entry = record.run_on(entry, lower_logsumexp)
    entry = record.run_on(entry, share)
    plain = entry.batch is not None and len(entry.sizes) == 1
    small = None if not plain else unroll(entry, limits.most_operations)
    choice = record.decide(decide.unrolling(entry, limits, small is not None))
    if entry.batches:
        record.decide(decide.compiling(choice.choice == "written out", limits))
    if small is not None:
        record.note(unroll, small)
        return _by_element(small, limits, record)
    given = entry
    entry = record.run_on(entry, contract)
    entry = record.run_on(entry, share)
    if limits.layout:
        entry = lay_out(entry, record)
    lowered = _in_strips(entry, limits, record)
    if lowered is not None:
        return lowered
    layout = decide.layout(given) if plain and limits.layout else None
    if layout is not None and record.decide(layout).choice == "steps outermost":
        entry = _by_steps(given, record)
    if limits.folds and entry.program.updates:
        written = entry.program
        entry = record.run_on(entry, fold)
        entry = record.run_on(entry, changes_first)
        for choice in tables(written, entry.program):
            record.decide(choice)
    lowered = _in_rows(entry, limits, record)
    return _whole(entry, limits, record) if lowered is None else lowered


def lower_many(entry: Entry, limits: Limits, explained: bool = True, draws: bool = False) -> Many:
    """Return how many networks are trained at once by an epoch, and its loop program if it has one.

    Parameters
    ----------
    entry : Entry
        The epoch of one network.
    limits, explained
        See :func:`lower`.
    draws : bool
        Whether training draws noise.
    """
    record = Record(explained)
    entry = record.run_on(entry, lower_logsumexp)
    entry = record.run_on(entry, share)
    if draws:
        record.decide(replicas.drawing())
        return Many(entry, None, tuple(record.arrows), tuple(record.decisions))
    alone = entry.batches and len(entry.sizes) == 1
    small = unroll(entry, limits.most_operations) if alone else None
    if small is None:
        record.decide(replicas.too_large(entry, limits))
        return Many(entry, None, tuple(record.arrows), tuple(record.decisions))
    record.note(unroll, small)
    function = record.run(hoist, _element_loops(small, limits, record))
    group = replicas.group(function)
    examples = group.numbers["examples"]
    width = replicas.width(lanes(function, 1, examples), limits)
    found = lanes(function, width.numbers["networks"], examples)
    choice = record.decide(replicas.along_lanes(found, small, width))
    if found is None or choice.choice != "along lanes":
        return Many(entry, None, tuple(record.arrows), tuple(record.decisions))
    record.decide(width)
    record.decide(group)
    record.note(lanes, found.function)
    function = record.run(name_values, found.function)
    function = record.run(propagate_copies, function)
    finished = replace(found, function=function)
    return Many(small, finished, tuple(record.arrows), tuple(record.decisions))


def _by_steps(entry: Entry, record: Record) -> Entry:
    """Return an entry point with a recurrence for a step of all examples at a time."""
    entry = record.run_on(entry, inline_reshapes)
    entry = record.run_on(entry, time_major)
    entry = record.run_on(entry, contract)
    entry = record.run_on(entry, share)
    return record.run_on(entry, gather_steps)


# The four ways --------------------------------------------------------------------------------


def _by_element(entry: Entry, limits: Limits, record: Record) -> Lowered:
    """Straight-line code in one loop over the examples, with parameters in registers."""
    return _finished(entry, _element_loops(entry, limits, record), record)


def _element_loops(entry: Entry, limits: Limits, record: Record) -> Function:
    function = _built(entry, record)
    if entry.batches:
        chosen = decide.read_in_place(function, arrays_of(entry))
        function = record.run(inline_gathers, function, chosen.__contains__)
    else:
        function = record.run(whole_arrays, function)
    function = record.run(fuse, function, farthest=len(function.body))
    function = record.run(storage, function)
    function = function.replace(any_order=entry.batches)
    function = _over_batches(entry, function, limits, record, by_element=True)
    joined: Function = record.run(join_terms, record.run(propagate_copies, function))
    if entry.batches:
        record.decide(decide.large_batches(limits))
    return joined


def _in_strips(entry: Entry, limits: Limits, record: Record) -> Lowered | None:
    """Rows of a batch in strips whose numbers stay in the cache from the first to the last."""
    batch = entry.program.batch
    if not decide.may_work_in_strips(entry, limits):
        return None
    attempt = Record(record.explained)
    function = _multiplied(attempt.run_on(entry, sum_rows_first), limits, attempt, True)
    function = attempt.run(fuse, function, rows_apart=True)
    function = attempt.run(storage, function)
    function = attempt.run(arrange, function)
    function = attempt.run(unread_stores, function)
    # What the strips share, such as a copy of weights, keeps its memory from strip to strip.
    shared = [t for t in function.allocations if not t.rank or t.shape[0] != batch]
    function = attempt.run(reuse, function, shared)
    choice = decide.strips(function, batch, limits)
    if choice.choice != "added up in strips":
        return None
    rows, wide = choice.numbers["rows"], limits.itemsize < 8
    function = attempt.run(accumulate_strips, function, batch, rows, wide)
    in_team = limits.team and entry.batches
    if in_team and not can_divide(function):
        return None  # large batches are better off with a team
    record.arrows += attempt.arrows
    record.decisions += [*attempt.decisions, choice]
    if in_team:
        function = record.run(divide, function)
    function = record.run(flatten, function)
    function = _over_batches(entry, function, limits, record)
    return _finished(entry, function, record)


def _in_rows(entry: Entry, limits: Limits, record: Record) -> Lowered | None:
    """Rows of a batch in strips that stay in the cache, each thread with its own rows."""
    if entry.program.batch is None:
        return None
    if len(entry.sizes) > 1:
        record.decide(decide.sizes(entry))
        return None
    if limits.strip is None and not limits.team:
        record.decide(decide.without_rows())
        return None
    attempt = Record(record.explained)
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
    function = _over_batches(entry, function, limits, record)
    return _finished(entry, function, record)


def _whole(entry: Entry, limits: Limits, record: Record) -> Lowered:
    """Whole batches, one equation or a few of them after another."""
    function = _multiplied(entry, limits, record, False)
    function = record.run(fuse, function)
    function = record.run(storage, function)
    function = record.run(unread_stores, function)
    function = record.run(reuse, function)
    if entry.batches:
        function = record.run(flatten, function)
    function = _over_batches(entry, function, limits, record)
    return _finished(entry, function, record)


def _multiplied(entry: Entry, limits: Limits, record: Record, only_tiles: bool) -> Function:
    function: Function = _built(entry, record)
    function = record.run(set_once, function)
    function = record.run(products, function)
    if has_steps_outermost(function):
        function = record.run(forward_copies, function)
        function = record.run(first_writes, function)
    function = record.run(unroll_windows, function)
    if entry.batches:
        arrays = arrays_of(entry) if only_tiles else []
        chosen = decide.read_in_place(function, arrays)
        function = record.run(inline_gathers, function, chosen.__contains__)
    function = record.run(choose_routines, function, limits, only_tiles, record)
    if only_tiles:
        function = record.run(addends, function)
    return function


def _over_batches(
    entry: Entry, function: Function, limits: Limits, record: Record, by_element: bool = False
) -> Function:
    few, in_registers = limits.blocks.few, by_element and entry.batches
    choice = record.decide(decide.sums(entry, limits.itemsize, few, written_out=in_registers))
    if choice.choice == "in blocks":
        function = record.run(block_sums, function, limits.blocks)
        tiles = partial(decide.in_tiles, limits=limits)
        function = record.run(expand_blocks, function, decide.is_library, tiles)
    if not entry.batches:
        return function
    if has_steps_outermost(function):
        function = record.run(dense_steps, function, entry.batch)
    made: Function = record.run(batches, function, entry.batch)
    # A member of a team must not read a scalar that another has updated already.
    promoted: Function = record.run(promote, made)
    return promoted


def _finished(entry: Entry, function: Function, record: Record) -> Lowered:
    if entry.for_few:
        function = record.run(few_rows, function, FEW_ROWS)
    if has_steps_outermost(function):
        function = record.run(peel_steps, function)
    function = record.run(hoist, function)
    function = record.run(name_values, function)
    function = record.run(propagate_copies, function)
    return Lowered(entry, function, tuple(record.arrows), tuple(record.decisions))


def _built(entry: Entry, record: Record) -> Function:
    """Write a loop nest for each equation; of an epoch, for one batch that is gathered."""
    function: Function = record.run(build, entry, BATCH_SIZE if entry.batches else None)
    for choice in rows_touched(function):
        record.decide(choice)
    function = record.run(touched_rows, function)
    if not entry.batches:
        return function
    gathered: Function = record.run(gather, function, entry.batch)
    return gathered


def arrays_of(entry: Entry) -> list[Tensor]:
    """Return what an entry point is given; those of a batch are gathered."""
    return [tensor for slot in entry.slots for tensor in slot.tensors]


def choose_routines(
    function: Function, limits: Limits, only_tiles: bool, record: Record
) -> Function:
    """Note with each product what computes it."""

    def change(statement: Statement) -> Statement:
        if not isinstance(statement, Product):
            return statement
        choice = record.decide(decide.routine_of(statement, limits, only_tiles))
        if choice.choice == statement.routine:
            return statement
        return replace(statement, routine=choice.choice)  # type: ignore[arg-type]

    return function.replace(body=map_statements(function.body, change))
