"""A fault in each pass: a line as somebody may write it who overlooks something.

Each is found by the tests of its pass alone (:mod:`tests.loops.test_planted`).
"""

from dataclasses import dataclass

__all__ = ["PLANTED", "Planted"]


@dataclass(frozen=True)
class Planted:
    """What is overlooked, and how the line reads then."""

    what: str
    before: str
    after: str
    tests: tuple[str, ...]
    """Its test modules, or tests in them, and its name in the table of tests/loops/test_passes."""


PLANTED: dict[str, Planted] = {
    "loops.build": Planted(
        "a recurrence that goes down begins one step too late",
        "last = step.extent - 1",
        "last = step.extent - 2",
        ("tests.loops.test_build",),
    ),
    "loops.order": Planted(
        "what takes over memory does not wait for its last reader",
        "needs[writer].add(position)",
        "needs[position].add(position)",
        ("tests.loops.test_order",),
    ),
    "loops.products": Planted(
        "a product of which a loop adds parts replaces the earlier parts",
        "target if adds else None,",
        "None,",
        ("tests.loops.test_products",),
    ),
    "loops.expand_products": Planted(
        "the scalar factor is forgotten",
        "value = total if product.alpha == 1 else product.alpha * total",
        "value = total",
        ("tests.loops.test_few_rows", "expand products"),
    ),
    "loops.addends": Planted(
        "an addend that changes in between",
        "if any(source in dependence.uses(other).writes for other in between):",
        "if False:",
        ("tests.loops.test_addends", "addends"),
    ),
    "loops.fuse": Planted(
        "a turn reads what a later turn writes",
        "                return False\n        return True",
        "                return True\n        return True",
        ("tests.loops.test_fuse", "fuse"),
    ),
    "loops.touched_rows": Planted(
        "what is kept is stored before all is computed",
        "(*values, *kept)",
        "(*kept, *values)",
        ("tests.test_tables_looked_up::test_touched_rows",),
    ),
    "loops.lanes": Planted(
        "parameters that lie in one array take one row",
        "self.packed[parts.views[view].of] + int(parts.views[view].offset)",
        "self.packed[parts.views[view].of]",
        ("tests.loops.test_lanes",),
    ),
    "loops.dense_steps": Planted(
        "a view begins at the second number",
        "View(array, memory, 0, array.shape),",
        "View(array, memory, 1, array.shape),",
        ("tests.loops.test_recurrences",),
    ),
    "loops.first_writes": Planted(
        "zeros go, and the sums stay",
        "added.update(id(statement) for statement, _ in parts.get(tensor, []))",
        "pass",
        ("tests.loops.test_recurrences",),
    ),
    "loops.forward_copies": Planted(
        "a sum over the steps has those of which nothing was copied",
        "max(span.start, copy.first)",
        "span.start",
        ("tests.loops.test_recurrences",),
    ),
    "loops.peel_steps": Planted(
        "a part ends before its last step",
        "end = turns[-1] + statement.step",
        "end = turns[-1]",
        ("tests.loops.test_recurrences",),
    ),
    "loops.set_once": Planted(
        "windows that overlap",
        "return None  # two places of the other indices may be one",
        "whole = False",
        ("tests.loops.test_windows", "set once"),
    ),
    "loops.unroll_windows": Planted(
        "the first place of a window",
        "itertools.product(*(range(int(loop.end)) for loop in windows))",
        "itertools.product(*(range(1, int(loop.end)) for loop in windows))",
        ("tests.loops.test_windows", "unroll windows"),
    ),
    "loops.storage": Planted(
        "an axis that only the first use has in common with a loop",
        "here: set[int] = set.intersection(",
        "here: set[int] = set.union(",
        ("tests.loops.test_storage", "storage"),
    ),
    "loops.unread_stores": Planted(
        "a read in the next turn",
        "            and not earlier\n",
        "",
        ("tests.loops.test_unread_stores", "unread stores"),
    ),
    "loops.reuse": Planted(
        "the old array is read in the statement that writes the new one",
        "if old.last != new.first:\n        return old.last < new.first",
        "if old.last <= new.first:\n        return True",
        ("tests.loops.test_reuse", "reuse"),
    ),
    "loops.shares": Planted(
        "an axis of what is read is taken for the axis of what is written",
        "(writes or use.writes) and (axis is None or axis != use.axis)",
        "(writes or use.writes) and axis is None",
        ("tests.loops.test_teams", "divide"),
    ),
    "loops.arrange": Planted(
        "what overwrites does not wait for those who read",
        "needs[number].update(readers.pop(place, ()))",
        "readers.pop(place, ())",
        ("tests.loops.test_teams", "arrange"),
    ),
    "loops.divide": Planted(
        "a barrier is missing",
        "body.append(Barrier())",
        "pass",
        ("tests.loops.test_teams", "divide"),
    ),
    "loops.accumulate_strips": Planted(
        "a sum that holds something is added up from nothing",
        "*_by_shape(begun, lambda one, total: Assign(total, one)),",
        "*_by_shape(begun, lambda one, total: Assign(total, sympy.S.Zero)),",
        ("tests.loops.test_accumulate_strips", "accumulate strips"),
    ),
    "loops.strip_mine": Planted(
        "the last strip ends after the last row",
        "smaller(first + strip, end)",
        "first + strip",
        ("tests.loops.test_teams", "strip-mine"),
    ),
    "loops.flatten": Planted(
        "rows that are longer than the loop",
        "return element.tensor.shape[1:] == tuple(loop.end for loop in loops[1:])",
        "return True",
        ("tests.loops.test_flatten", "flatten"),
    ),
    "loops.gather": Planted(
        "the batch begins at the first example",
        "whole[(order[START + row], *rest)]",
        "whole[(order[row], *rest)]",
        ("tests.loops.test_epoch",),
    ),
    "loops.batches": Planted(
        "the last batch weighs as much as the others",
        "Accumulate(total, batch * last.value)",
        "Accumulate(total, BATCH_SIZE * last.value)",
        ("tests.loops.test_epoch",),
    ),
    "loops.promote": Planted(
        "what was updated is not stored",
        "if tensor in written:",
        "if tensor not in read:",
        ("tests.loops.test_gather", "promote"),
    ),
    "loops.few_rows": Planted(
        "the row of a strip is taken for the first of all",
        "one = Span(rows.index, rows.start, rows.start + 1)",
        "one = Span(rows.index, 0, 1)",
        ("tests.loops.test_few_rows", "few rows"),
    ),
    "loops.hoist": Planted(
        "what the loop itself writes is taken for constant",
        "written = self.dependence.uses(loop).writes",
        "written = frozenset()",
        ("tests.loops.test_hoist", "hoist"),
    ),
    "loops.name_values": Planted(
        "a value is still known after its argument was overwritten",
        "                del known[node]",
        "                pass",
        ("tests.loops.test_name_values", "name values"),
    ),
    "loops.unswitch": Planted(
        "a range that goes down is taken for one that goes up",
        "(min(turns[0], turns[-1]), max(turns[0], turns[-1]))",
        "(turns[0], turns[-1])",
        ("tests.loops.test_unswitch", "unswitch"),
    ),
    "loops.inline_calls": Planted(
        "what is called twice shares its memory",
        "arrays[statement.array] = statement.array.like(",
        "statement.array.like(",
        ("tests.loops.test_inline_calls",),
    ),
    "loops.join_terms": Planted(
        "a term is added before its argument has its value",
        "written & read or target in",
        "target in",
        ("tests.loops.test_by_element",),
    ),
    "loops.propagate_copies": Planted(
        "what was copied is written before the copy is read",
        "last is None or _is_written(body[at + 1 : last + 1], source.tensor)",
        "last is None",
        ("tests.loops.test_by_element",),
    ),
    "loops.whole_arrays": Planted(
        "the first of the components stands for all",
        "sympy.Integer(next(numbers))",
        "sympy.Integer(0 * next(numbers))",
        ("tests.loops.test_by_element",),
    ),
    "schedules.lower": Planted(
        "scalars are updated where other members read them",
        "promoted: Function = record.run(promote, made)",
        "promoted: Function = made",
        ("tests.schedules.test_lower::test_members_of_a_team_update_a_scalar_once",),
    ),
    "schedules.unroll": Planted(
        "packed arguments in another order",
        "replace(slot, tensors=small.of(slot.tensors))",
        "replace(slot, tensors=small.of(slot.tensors)[::-1])",
        ("tests.schedules.test_lower::test_of_the_data_only_what_is_read_is_written_out",),
    ),
    "loops.block_sums": Planted(
        "what a block has added up is added up again",
        "(Accumulate(sums, target), Assign(target, sympy.S.Zero))",
        "(Accumulate(sums, target),)",
        ("tests.loops.test_passes", "block sums"),
    ),
    "loops.expand_blocks": Planted(
        "what a block has added up is added up again",
        "(Accumulate(sums, target), Assign(target, zero))",
        "(Accumulate(sums, target),)",
        ("tests.loops.test_passes", "expand blocks"),
    ),
}
