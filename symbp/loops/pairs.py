"""pairs: two instances of accesses: what they share, and whether they meet at one element.

The second instance's variables are negative numbers, except for those that have the same value in
both: at the same turns of the outer loops and, where it is another member, those that are uniform.
"""

from collections.abc import Callable
from typing import TypeGuard

from symbp.loops.survey import Access, Array, Survey
from symbp.loops.variables import Definition, Share, Variables
from symbp.notation.affine import CONSTANT, Form, System, added, scaled, shifted, variable

__all__ = [
    "Naming",
    "address",
    "common_loops",
    "equations",
    "members_apart",
    "naming",
    "renamed_form",
]

Naming = Callable[[int], int]


def naming(variables: Variables, turns: int, same_member: bool) -> Naming:
    """Return what names the second instance's variables.

    Parameters
    ----------
    variables : Variables
        Of the function.
    turns : int
        How many of the outer loops are at the same turn in both.
    same_member : bool
        Whether one member does both.
    """
    depths, uniform = variables.depths, variables.uniform

    def name(number: int) -> int:
        same = depths[number] <= turns and (same_member or uniform[number])
        return number if same else -number

    return name


def renamed_form(form: Form, name: Naming) -> Form:
    """Return a form of the second instance."""
    return {name(n) if n != CONSTANT else n: c for n, c in form.items()}


def common_loops(first: Access, second: Access) -> int:
    """Return how many loops are around both."""
    count = 0
    for one, other in zip(first.loops, second.loops, strict=False):
        if one is not other:
            break
        count += 1
    return count


def equations(first: Access, second: Access, name: Naming) -> list[Form | None]:
    """Return the forms that are zero where two accesses of one memory meet; None if unknown."""
    if first.array is second.array or _same_place(first.array, second.array):
        ones, others = first.subscripts, second.subscripts
    else:
        ones, others = (address(first),), (address(second),)
    return [
        None if one is None or other is None else added(one, renamed_form(other, name), -1)
        for one, other in zip(ones, others, strict=True)
    ]


def _same_place(first: Array, second: Array) -> bool:
    """Whether two names stand for the same numbers in the same shape."""
    if None in (*first.shape, *second.shape, first.offset, second.offset):
        return False
    return first.offset == second.offset and first.shape == second.shape


def address(access: Access) -> Form | None:
    """Return which element of its memory an access is about, counted row after row."""
    array = access.array
    total, stride = array.offset, 1
    for position in range(len(array.shape) - 1, -1, -1):
        subscript = access.subscripts[position]
        if total is None or subscript is None:
            return None
        total = added(total, scaled(subscript, stride))
        extent = array.shape[position]
        if position and (extent is None or set(extent) - {CONSTANT}):
            return None  # a stride that is not a number
        stride *= extent.get(CONSTANT, 0) if extent is not None else 0
    return total


def members_apart(system: System, name: Naming, lower: bool, survey: Survey) -> System:
    """Return what is known of two members: of their numbers and of their shares."""
    result, used = System(), {abs(number) for number in system.variables()}
    shares = [d for d in map(survey.variables.definitions.__getitem__, used) if _is_share(d)]
    for share in shares:
        bounds = {**share.start, **share.end}
        if all(name(part) == part for part in bounds if part):  # two shares of one range
            before, after = (
                (share.last, name(share.first)) if lower else (name(share.last), share.first)
            )
            result.require(added(variable(after), variable(before), -1))
    member = survey.member
    if member in used:
        distance = added(variable(name(member)), variable(member), -1)
        result.require(shifted(scaled(distance, 1 if lower else -1), -1))
    return result


def _is_share(definition: Definition | None) -> TypeGuard[Share]:
    return isinstance(definition, Share)
