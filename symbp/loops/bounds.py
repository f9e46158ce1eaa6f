"""bounds: every subscript lies inside of its array, every view inside of what it views.

A datum as a subscript has the limit of its array, which every write to that array keeps.
"""

from symbp.loops.nodes import Accumulate, Assign, Statement, View
from symbp.loops.report import Finding, Findings
from symbp.loops.survey import Access, Array, Survey
from symbp.loops.whole import limits_of
from symbp.notation.affine import CONSTANT, Form, System, added, scaled, shifted

__all__ = ["check_bounds"]


def check_bounds(survey: Survey) -> Findings:
    """Return the subscripts that may lie outside of their arrays, and views likewise."""
    result = Findings()
    for access in survey.accesses:
        for position, subscript in enumerate(access.subscripts):
            extent = access.array.shape[position]
            expected = f"axis {position} has {_text(extent, survey)} elements"
            _inside(access, subscript, extent, expected, survey, result)
    for control in survey.controls:
        if isinstance(control.statement, View) and control.array is not None:
            _view(control.statement, control.array, control.domain, survey, result)
    _limits(survey, result)
    return result


def _text(form: Form | None, survey: Survey) -> str:
    if form is None:
        return "an unknown number of"
    parts = [
        survey.variables.names[name] if coefficient == 1
        else f"{coefficient} {survey.variables.names[name]}"
        for name, coefficient in form.items()
        if name != CONSTANT
    ]  # fmt: skip
    number = form.get(CONSTANT, 0)
    return " + ".join([*parts, *([str(number)] if number or not parts else [])])


def _inside(
    access: Access,
    subscript: Form | None,
    extent: Form | None,
    expected: str,
    survey: Survey,
    result: Findings,
) -> None:
    if subscript is None or extent is None:
        result.add(Finding("bounds", access.statement, str(access.element), expected, proved=False))
        return
    for form in (subscript, shifted(added(extent, subscript, -1), -1)):
        _prove(
            form, access.domain, access.exact, access.statement, str(access.element), expected,
            survey, result,
        )  # fmt: skip


def _prove(
    form: Form, domain: System, exact: bool, statement: Statement, what: str, expected: str,
    survey: Survey, result: Findings,
) -> None:  # fmt: skip
    """Add a finding unless a form is not negative wherever a statement runs."""
    variables = survey.variables
    if domain.implies(form):
        return
    outside = variables.with_facts(domain.copy().require(shifted(scaled(form, -1), -1)))
    if outside.is_empty():
        return
    cases = [case for case in variables.cases(outside) if not case.is_empty()]
    if not cases:
        return
    points = [point for case in cases if exact and (point := case.example()) is not None]
    if points:
        shown = variables.text(points[0])
        result.add(Finding("bounds", statement, what, expected, shown))
    else:
        result.add(Finding("bounds", statement, what, expected, proved=False))


def _view(statement: View, array: Array, domain: System, survey: Survey, result: Findings) -> None:
    """Prove that all elements of a view lie in its memory."""
    memory, what = array.memory, f"view {array.tensor.name}"
    size, room = _size(array, survey), _size(memory, survey)
    expected = f"it lies inside of {memory.tensor.name}"
    if size is None or room is None or array.offset is None:
        result.add(Finding("bounds", statement, what, expected, proved=False))
        return
    for form in (array.offset, added(added(room, size, -1), array.offset, -1)):
        _prove(form, domain, True, statement, what, expected, survey, result)


def _size(array: Array, survey: Survey) -> Form | None:
    """Return how many elements an array has."""
    number, symbolic = 1, []
    for extent in array.shape:
        if extent is None:
            return None
        if set(extent) <= {CONSTANT}:
            number *= extent.get(CONSTANT, 0)
        else:
            symbolic.append(extent)
    if not symbolic:
        return {CONSTANT: number} if number else {}
    if len(symbolic) > 1:
        return scaled(survey.sizes.product(symbolic, "size"), number)
    return scaled(symbolic[0], number)


def _limits(survey: Survey, result: Findings) -> None:
    """Prove that what is written to an array with a limit stays below it."""
    limits = limits_of(survey.function)
    for access in survey.accesses:
        statement, tensor = access.statement, access.array.tensor
        if (
            not access.writes
            or tensor not in limits
            or not isinstance(statement, Assign | Accumulate)
        ):
            continue
        value = statement.value
        limit = limits[tensor]
        stay = f"stay below {limit.below}" if limit.low == 0 else f"are {limit}"
        expected = f"elements of {tensor.name} {stay}"
        form = access.value
        if form is None or isinstance(statement, Accumulate):
            result.add(Finding("limit", statement, str(value), expected, proved=False))
            continue
        for bound in survey.sizes.kept(form, limit):
            _prove(
                bound, access.domain, access.exact, statement, str(value), expected, survey, result
            )
