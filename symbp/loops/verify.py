"""verify: prove that a loop program is sound, for all sizes, or say what cannot be proved.

Sound is a program whose every subscript lies inside of its array, every read comes after a write,
every `out` argument is written whole and no `in` argument at all, whose names stand for something
where they are used, in which the members of a team neither race nor wait for each other in vain,
and which reads parameters before it updates them. What it computes is another question: the
interpreter answers it for one set of numbers.
"""

from symbp.loops.accesses import survey
from symbp.loops.barriers import Barriers
from symbp.loops.bounds import check_bounds
from symbp.loops.inline_calls import inline_calls
from symbp.loops.nodes import Function
from symbp.loops.races import check_loop_kinds, check_overlaps, check_races
from symbp.loops.report import Finding, Findings, Report
from symbp.loops.scopes import check_scopes
from symbp.loops.uniform import check_uniform
from symbp.loops.updates import check_updates
from symbp.loops.written import check_written

__all__ = ["Finding", "Report", "verify"]


def verify(function: Function) -> Report:
    """Return what is wrong with a loop program, and what could not be proved.

    Parameters
    ----------
    function : Function
        Of one member or of a team; its sizes are at least 1 where their symbols are positive.

    Returns
    -------
    Report
        Without findings and without remarks, every rule is proved for all sizes and any number of
        members.

    Examples
    --------
    >>> import symbp as bp
    >>> from symbp.loops.nodes import Argument, Assign, For, Function
    >>> n = bp.Index("n", "N")
    >>> x, y = bp.tensor("x", n), bp.tensor("y", n)
    >>> loop = For(n, 0, n.extent - 1, (Assign(y[n], 2 * x[n]),))
    >>> arguments = (Argument(x, "in"), Argument(y, "out"))
    >>> print(verify(Function("double", arguments, (n.extent,), (loop,))))
    unwritten: y[n] in the end: expected that all of the argument y is written (with N = 1, n = 0)
    """
    function = inline_calls(function)
    named = check_scopes(function)
    if named.found:
        return _report(named)  # nothing else can be asked of names that stand for nothing
    found = survey(function)
    barriers = Barriers(found)
    strange = Findings()
    for statement, what in found.strange:
        strange.add(Finding("not affine", statement, what, "it is affine", proved=False))
    return _report(
        strange,
        check_bounds(found),
        check_written(found, barriers),
        check_uniform(function),
        check_races(found, barriers),
        check_loop_kinds(found, barriers),
        check_overlaps(found),
        check_updates(found),
    )


def _report(*parts: Findings) -> Report:
    found = [finding for part in parts for finding in part.found]
    return Report(
        tuple(finding for finding in found if finding.proved),
        tuple(finding for finding in found if not finding.proved),
    )
