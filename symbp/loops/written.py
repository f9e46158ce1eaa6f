"""written: every read comes after a write of the same element, for all sizes.

For each read, the turns at which it happens are a system; from it are taken the elements that
earlier statements wrote at the same turns, those that earlier turns wrote, and, after a barrier,
those that the other members wrote. Something must have written whatever is left.
"""

from collections.abc import Iterator

from symbp.loops.affine import System, added, scaled, shifted, variable
from symbp.loops.barriers import Barriers
from symbp.loops.nodes import Return
from symbp.loops.pairs import common_loops, equations, naming
from symbp.loops.projection import Reached, reached
from symbp.loops.report import Finding, Findings
from symbp.loops.survey import Access, Array, Survey

__all__ = ["check_written", "unwritten"]

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
                left, exact = unwritten(read, writes, survey, barriers)
                _report(read, left, exact, survey, result)
    for array in survey.arrays:
        if array.kind == "out" and array.root is None:
            writes = [a for a in survey.accesses if a.writes and a.array.memory is array]
            writes += _by_both_branches(array, writes, survey, barriers)
            whole = _whole(array, survey)
            left, exact = unwritten(whole, writes, survey, barriers)
            _report(whole, left, exact, survey, result)
    return result


def _by_both_branches(
    memory: Array, writes: list[Access], survey: Survey, barriers: Barriers
) -> list[Access]:
    """Return the writes of one branch of a conditional that the other branch does as well."""
    return [
        supposed
        for supposed in survey.supposed
        if supposed.array.memory is memory
        and not unwritten(supposed, writes, survey, barriers, by_others=False)[0]
    ]


def _report(
    read: Access, left: list[System], exact: bool, survey: Survey, result: Findings
) -> None:
    if not left:
        return
    at_end = isinstance(read.statement, Return) and read.position == survey.end
    name = read.array.memory.tensor.name
    expected = (
        f"all of the argument {name} is written" if at_end else "it is written before it is read"
    )
    for piece in left:
        point = piece.example() if exact and read.exact else None
        if point is not None:
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
) -> tuple[list[System], bool]:
    """Return when a read is of what no write is sure to have written, and whether that is exact.

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
        return [], True
    pieces, exact = [start], True
    for write, turns, carried in _earlier(read, writes, turns_shared):
        for whole_team in (False, True) if survey.function.team and by_others else (False,):
            if whole_team and not (
                read.array.shared and _met(write, read, turns, carried, barriers)
            ):
                continue
            found = _reached(read, write, turns, carried, whole_team, survey)
            if found is None:
                exact = False
                continue
            exact = exact and found[1]
            pieces = [rest for piece in pieces for rest in _without(piece, found[0], survey)]
            if not pieces:
                return [], True
            if len(pieces) > MOST_PIECES:
                return pieces, False
    pieces = [case for piece in pieces for case in variables.cases(piece) if not case.is_empty()]
    return pieces, exact


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
) -> Reached | None:
    """Return for which turns of a read a write is sure to have written its element."""
    if None in write.subscripts or None in read.subscripts:
        return None
    name = naming(survey.variables, turns, not whole_team)
    equal = equations(read, write, name)
    if None in equal:
        return None
    domain = write.domain.renamed(name)
    if carried:
        loop = read.loops[turns]
        sign = 1 if loop.upwards else -1
        distance = added(variable(loop.index), variable(name(loop.index)), -1)
        domain.require(added(scaled(distance, sign), loop.step, -sign))
    return reached(
        survey.variables, domain, [form for form in equal if form is not None], name, whole_team
    )


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
