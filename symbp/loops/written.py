"""written: every read comes after a write of the same element, for all sizes.

For each read, the turns at which it happens are a system; from it are taken the elements that
earlier statements wrote at the same turns, those that earlier turns wrote, and, after a barrier,
those that the other members wrote. Something must have written whatever is left.
"""

from collections.abc import Iterator

from symbp.loops.barriers import Barriers
from symbp.loops.nodes import Return
from symbp.loops.pairs import Naming, common_loops, equations, members_apart, naming
from symbp.loops.projection import reached
from symbp.loops.report import Finding, Findings
from symbp.loops.survey import Access, Array, Loop, Survey
from symbp.notation.affine import Form, System, added, constant, scaled, shifted, variable

__all__ = ["check_written", "in_earlier_turn", "unwritten"]

MOST_PIECES = 60


def check_written(survey: Survey, barriers: Barriers) -> Findings:
    """Return the reads of what nothing is sure to have written, and `out` arguments likewise."""
    result = Findings()
    for memory, accesses in survey.by_memory().items():
        if memory.kind in ("in", "inout"):
            continue
        writes = [access for access in accesses if access.writes]
        writes += _by_both_branches(memory, writes, survey, barriers)
        for read in accesses:
            if not read.writes:
                left = unwritten(read, writes, survey, barriers)
                _report(read, left, writes, survey, barriers, result)
    for array in survey.arrays:
        if array.kind == "out" and array.root is None:
            writes = [a for a in survey.accesses if a.writes and a.array.memory is array]
            writes += _by_both_branches(array, writes, survey, barriers)
            whole = _whole(array, survey)
            left = unwritten(whole, writes, survey, barriers)
            _report(whole, left, writes, survey, barriers, result)
    return result


def _by_both_branches(
    memory: Array, writes: list[Access], survey: Survey, barriers: Barriers
) -> list[Access]:
    """Return the writes of one branch of a conditional that the other branch does as well."""
    return [
        supposed
        for supposed in survey.supposed
        if supposed.array.memory is memory
        and not unwritten(supposed, writes, survey, barriers, by_others=False)
    ]


def _report(
    read: Access,
    left: list[System],
    writes: list[Access],
    survey: Survey,
    barriers: Barriers,
    result: Findings,
) -> None:
    if not left:
        return
    at_end = isinstance(read.statement, Return) and read.position == survey.end
    name = read.array.memory.tensor.name
    expected = (
        f"all of the argument {name} is written" if at_end else "it is written before it is read"
    )
    for piece in left if read.exact else ():
        point = piece.example()
        if point is not None and not may_be_written(read, point, writes, survey, barriers):
            shown = survey.variables.text(point)
            result.add(Finding("unwritten", read.statement, str(read.element), expected, shown))
            return
    result.add(Finding("unwritten", read.statement, str(read.element), expected, proved=False))


def _whole(array: Array, survey: Survey) -> Access:
    """Return a read of all of an array where the function ends."""
    domain, subscripts = survey.base.copy(), []
    for index, extent in zip(array.tensor.indices, array.shape, strict=True):
        number = survey.variables.new(str(index), 0, True)
        subscripts.append(variable(number))
        domain.require(variable(number))
        if extent is not None:
            domain.require(shifted(added(extent, variable(number), -1), -1))
    return Access(
        array.tensor.element, array, tuple(subscripts), "read", domain, True, (), survey.end, (),
        Return(),
    )  # fmt: skip


def unwritten(
    read: Access,
    writes: list[Access],
    survey: Survey,
    barriers: Barriers,
    turns_shared: int = 0,
    by_others: bool = True,
) -> list[System]:
    """Return when a read is of what no write is sure to have written.

    Parameters
    ----------
    read : Access
        What asks.
    writes : list of Access
        All writes of the same memory.
    survey, barriers : Survey, Barriers
        Of the function.
    turns_shared : int
        How many of the outer loops have to be at the same turn.
    by_others : bool
        Whether other members may have written it.
    """
    variables = survey.variables
    start = variables.with_facts(read.domain)
    if start.is_empty():
        return []
    pieces = [start]
    for write, turns, carried in _earlier(read, writes, turns_shared):
        for whole_team in (False, True) if survey.function.team and by_others else (False,):
            if whole_team and not (
                read.array.shared and _met(write, read, turns, carried, barriers)
            ):
                continue
            found = _reached(read, write, turns, carried, whole_team, survey)
            if found is None:
                continue
            pieces = [rest for piece in pieces for rest in _without(piece, found, survey)]
            if not pieces:
                return []
            if len(pieces) > MOST_PIECES:
                return pieces
    return [case for piece in pieces for case in variables.cases(piece) if not case.is_empty()]


def _earlier(
    read: Access, writes: list[Access], turns_shared: int
) -> Iterator[tuple[Access, int, bool]]:
    """Yield the writes before a read: at how many equal turns, and whether by an earlier turn."""
    least = max(turns_shared, read.array.memory.depth)
    before = sorted((w for w in writes if w.position < read.position), key=lambda w: -w.position)
    for write in before:
        common = common_loops(write, read)
        if common >= least:
            yield write, common, False
    for write in (*before, *(w for w in writes if w.position >= read.position)):
        for turns in range(common_loops(write, read) - 1, least - 1, -1):
            yield write, turns, True


def _reached(
    read: Access, write: Access, turns: int, carried: bool, whole_team: bool, survey: Survey
) -> System | None:
    """Return for which turns of a read a write is sure to have written its element."""
    if None in write.subscripts or None in read.subscripts:
        return None
    name = naming(survey.variables, turns, not whole_team)
    equal = equations(read, write, name)
    if None in equal:
        return None
    domain = write.domain.renamed(name)
    if carried:
        domain.require(in_earlier_turn(read.loops[turns], name))
    return reached(
        survey.variables, domain, [form for form in equal if form is not None], name, whole_team
    )


def in_earlier_turn(loop: Loop, name: Naming) -> Form:
    """Return what is not negative if the second instance is in an earlier turn of a loop."""
    sign = 1 if loop.upwards else -1
    distance = added(variable(loop.index), variable(name(loop.index)), -1)
    return added(scaled(distance, sign), loop.step, -sign)


def may_be_written(
    read: Access, point: dict[int, int], writes: list[Access], survey: Survey, barriers: Barriers
) -> bool:
    """Return whether any write may come before a read at one turn of the loops around it."""
    own = [(*earlier, True) for earlier in _earlier(read, writes, 0)]
    others = [
        (write, turns, carried, False)
        for write in writes if survey.function.team and read.array.shared
        for turns, carried in barriers.before(read, write)
    ]  # fmt: skip
    for write, turns, carried, same_member in (*own, *others):
        name = naming(survey.variables, turns, same_member)
        system = write.domain.renamed(name)
        for form in equations(read, write, name):
            if form is not None:
                system.require_zero(form)
        if carried:
            system.require(in_earlier_turn(read.loops[turns], name))
        for lower in (True,) if same_member else (True, False):
            here = system.copy()
            if not same_member:
                here = here.joined(members_apart(read.domain.joined(here), name, lower, survey))
            here = survey.variables.with_facts(here, name)
            for number, value in point.items():
                here = here.replaced(number, constant(value))
            if not here.is_empty():
                return True
    return False


def _met(write: Access, read: Access, turns: int, carried: bool, barriers: Barriers) -> bool:
    """Whether the members surely meet between a write and a read."""
    if not read.path:
        return True  # the end of the function
    if carried:
        loop = read.loops[turns]
        level = barriers.level(loop, write)
        return not (
            barriers.leaves_freely(write.path, level) and barriers.reached_freely(read.path, level)
        )
    level = barriers.parting(write.path, read.path)
    if (
        level >= min(len(write.path), len(read.path))
        or write.path[level][0] is not read.path[level][0]
    ):
        return False
    return not barriers.passes_freely(write.path, read.path, level)


def _without(piece: System, taken: System, survey: Survey) -> list[System]:
    """Return a system without the solutions of another."""
    if taken.contradictory:
        return [piece]
    new = taken.variables() - piece.variables()
    known = piece
    if new:
        known = piece.joined(survey.variables.with_facts(System(), names=new))
    result: list[System] = []
    for form in taken.forms():
        if known.implies(form):
            continue
        outside = known.copy().require(shifted(scaled(form, -1), -1))
        if not outside.is_empty():
            result.append(outside)
        known = known.copy().require(form)
        if known.is_empty():
            return [piece]
    return result
