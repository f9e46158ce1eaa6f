"""races: between two barriers, what a member writes no other member reads or writes.

Two members are compared, each with its own turns and its own share; for each way in which both
can be on one side of every barrier, there must be no element at which they meet. In loops whose
turns have an example of their own, the same is asked of two turns.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from symbp.loops.barriers import Barriers
from symbp.loops.nodes import Accumulate, Product
from symbp.loops.pairs import (
    Naming,
    common_loops,
    equations,
    members_apart,
    naming,
    renamed_form,
)  # fmt: skip
from symbp.loops.report import Finding, Findings
from symbp.loops.survey import Access, Loop, Survey
from symbp.loops.written import unwritten
from symbp.notation.affine import System, added, scaled, variable

__all__ = ["check_loop_kinds", "check_overlaps", "check_races"]


@dataclass(frozen=True)
class _Meeting:
    """How two statements can run side by side: equal turns, and the turns that they are in."""

    turns: int
    last: tuple[Loop, ...] = ()
    """Loops around the first that are in their last turn."""
    first: tuple[Loop, ...] = ()
    """Loops around the second that are in their first turn."""
    next: bool | None = None
    """Of the loop at that depth: whether the second is one turn later, or any number of them."""


def check_races(survey: Survey, barriers: Barriers) -> Findings:
    """Return the pairs of accesses of two members that may meet at an element."""
    result, known = Findings(), set[Any]()
    if not survey.function.team:
        return result
    for memory, accesses in survey.by_memory().items():
        if not memory.shared:
            continue
        for place, first in enumerate(accesses):
            for second in accesses[place:]:
                if not (first.writes or second.writes):
                    continue
                if first is second and not first.writes:
                    continue
                _compare(first, second, survey, barriers, known, result)
    return result


def _compare(
    first: Access,
    second: Access,
    survey: Survey,
    barriers: Barriers,
    apart: set[Any],
    result: Findings,
) -> None:
    for one, other, meeting in _meetings(first, second, barriers):
        name = naming(survey.variables, meeting.turns, same_member=False)
        key = (_turns(one), _turns(other), meeting)
        if key in apart:
            continue
        apart.add(key)
        for lower in (True, False):
            system = _system(one, other, meeting, name, lower, survey)
            if system.is_empty():
                continue
            exact = one.exact and other.exact
            for case in survey.variables.cases(system):
                if case.is_empty():
                    continue
                verb = "writes" if first.writes and second.writes else "writes or reads"
                expected = f"no other member {verb} it before the next barrier"
                point = case.example() if exact else None
                what = f"{one.element} and {other.element}"
                written = one if one.writes else other
                shown = survey.variables.text(point) if point is not None else ""
                result.add(
                    Finding("race", written.statement, what, expected, shown, point is not None)
                )
                return


def _turns(access: Access) -> Any:
    """Return what two accesses have in common that touch the same elements at the same turns."""
    subscripts = tuple(None if s is None else frozenset(s.items()) for s in access.subscripts)
    return id(access.domain), access.array, subscripts


def _meetings(
    first: Access, second: Access, barriers: Barriers
) -> Iterator[tuple[Access, Access, _Meeting]]:
    """Yield the ways in which two accesses can be on one side of every barrier."""
    common = common_loops(first, second)
    around = 0
    while around < common and any(map(barriers.possible, first.loops[around].node.body)):
        around += 1
    one, other = (first, second) if first.position <= second.position else (second, first)
    if around < common:
        yield one, other, _Meeting(around)
    else:
        level = barriers.parting(one.path, other.path)
        inside = level >= len(one.path) or one.path[level][0] is not other.path[level][0]
        if inside or barriers.passes_freely(one.path, other.path, level):
            yield (
                one,
                other,
                _Meeting(
                    around,
                    tuple(l for l in one.loops[around:] if barriers.in_each_turn(l)),
                    tuple(l for l in other.loops[around:] if barriers.in_each_turn(l)),
                ),
            )
    for turns in range(around):
        loop = first.loops[turns]
        for one, other in ((first, second), (second, first)):
            level = barriers.level(loop, one)
            if barriers.leaves_freely(one.path, level) and barriers.reached_freely(
                other.path, level
            ):
                yield (
                    one,
                    other,
                    _Meeting(
                        turns,
                        tuple(l for l in one.loops[turns + 1 :] if barriers.in_each_turn(l)),
                        tuple(l for l in other.loops[turns + 1 :] if barriers.in_each_turn(l)),
                        barriers.in_each_turn(loop),
                    ),
                )
            if first is second:
                break


def _system(
    one: Access, other: Access, meeting: _Meeting, name: Naming, lower: bool, survey: Survey
) -> System:
    """Return when two members meet at an element; the first has a lower number, or a higher."""
    variables = survey.variables
    system = one.domain.joined(other.domain.renamed(name))
    for form in equations(one, other, name):
        if form is not None:
            system.require_zero(form)
    for loop in meeting.last:
        sign = 1 if loop.upwards else -1
        after = added(added(variable(loop.index), loop.step), loop.end, -1)
        system.require(scaled(after, sign))
    for loop in meeting.first:
        system.require_zero(renamed_form(added(variable(loop.index), loop.start, -1), name))
    if meeting.next is not None:
        loop = one.loops[meeting.turns]
        later = added(renamed_form(variable(loop.index), name), variable(loop.index), -1)
        distance = scaled(added(later, loop.step, -1), 1 if loop.upwards else -1)
        system.require(distance)
        if meeting.next:
            system.require(scaled(distance, -1))
    return variables.with_facts(system.joined(members_apart(system, name, lower, survey)), name)


def check_loop_kinds(survey: Survey, barriers: Barriers) -> Findings:
    """Return the reads in loops of independent turns of what another turn may have written."""
    result = Findings()
    for memory, accesses in survey.by_memory().items():
        writes = [access for access in accesses if access.writes]
        for read in accesses:
            if read.writes:
                continue
            for turns in range(memory.depth, len(read.loops)):
                loop = read.loops[turns]
                if loop.node.kind == "sequential":
                    continue
                inside = [w for w in writes if loop in w.loops]
                others = [w for w in inside if not (_adds(read) and _adds(w))]
                if others and unwritten(read, inside, survey, barriers, turns + 1):
                    for write in others:
                        _turns_apart(read, write, turns, survey, result)
    return result


def _turns_apart(read: Access, write: Access, turns: int, survey: Survey, result: Findings) -> None:
    """Add a finding if a turn may read what another turn writes."""
    name = naming(survey.variables, turns, same_member=True)
    loop = read.loops[turns]
    for sign in (1, -1):
        system = read.domain.joined(write.domain.renamed(name))
        for form in equations(read, write, name):
            if form is not None:
                system.require_zero(form)
        later = added(variable(name(loop.index)), variable(loop.index), -1)
        step = loop.step if loop.upwards else scaled(loop.step, -1)
        system.require(added(scaled(later, sign), step, -1))
        for case in survey.variables.cases(survey.variables.with_facts(system, name)):
            if case.is_empty():
                continue
            point = case.example() if read.exact and write.exact else None
            expected = f"no other turn of {loop.node.index} ({loop.node.kind}) writes it"
            shown = survey.variables.text(point) if point is not None else ""
            what = f"{read.element} and {write.element}"
            result.add(
                Finding("loop kind", read.statement, what, expected, shown, point is not None)
            )
            return


def _adds(access: Access) -> bool:
    """Whether an access is part of adding to an element."""
    statement = access.statement
    return isinstance(statement, Accumulate) and access.element == statement.target


def check_overlaps(survey: Survey) -> Findings:
    """Return the products that read what they write, other than what they add to."""
    result = Findings()
    for write in survey.accesses:
        statement = write.statement
        if not isinstance(statement, Product) or not write.writes:
            continue
        for read in survey.accesses:
            if read.statement is not statement or read.path is not write.path or read.writes:
                continue
            if read.array.memory is not write.array.memory or read.element == statement.target:
                continue
            if read.element == statement.addend:
                continue  # row by row, as it is written
            name = naming(survey.variables, len(write.loops), same_member=True)
            system = write.domain.joined(read.domain.renamed(name))
            for form in equations(write, read, name):
                if form is not None:
                    system.require_zero(form)
            system = survey.variables.with_facts(system, name)
            if not system.is_empty():
                point = system.example()
                shown = survey.variables.text(point) if point is not None else ""
                expected = "a product does not read what it writes"
                result.add(
                    Finding("overlap", statement, str(read.element), expected, shown, bool(shown))
                )
    return result
