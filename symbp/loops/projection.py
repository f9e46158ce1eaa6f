"""projection: which elements a write is sure to have reached, without the turns that did it.

A write in loops reaches the elements for which *some* turn exists. Eliminating the turns exactly,
or else making the set smaller (the dark shadow of Pugh, "The Omega test", 1992), leaves a system
in the variables of the read that asks.
"""

from symbp.loops.affine import Form, System, added, constant, replaced, scaled, shifted, variable
from symbp.loops.pairs import Naming, renamed_form
from symbp.loops.variables import Data, Greatest, Least, Quotient, Share, Stepped, Variables

__all__ = ["Reached", "reached"]

#: The elements, and whether these are all.
Reached = tuple[System, bool]


def reached(
    variables: Variables,
    domain: System,
    equal: list[Form],
    name: Naming,
    whole_team: bool,
) -> Reached | None:
    """Return for which values of the first instance's variables a second instance exists.

    Parameters
    ----------
    variables : Variables
        Of the function.
    domain : System
        Where the second instance happens, in both instances' variables.
    equal : list of Form
        What is zero where both are about the same element.
    name : callable
        Names the second instance's variables.
    whole_team : bool
        Whether any member may be the second; shares are then whole ranges.

    Returns
    -------
    (System, bool) or None
        None if nothing is sure.
    """
    solved = _solved(variables, domain, equal)
    if solved is None:
        return None
    system, exact, shares = solved, True, 0
    while not system.contradictory:
        names = [n for n in system.variables() if n < 0]
        if not names:
            break
        chosen = min(names)  # what is defined last
        definition = variables.definitions[-chosen]
        result: Reached | None
        if isinstance(definition, Data):
            return None
        if isinstance(definition, Share):
            shares += 1
            result = _whole_range(system, definition, name) if whole_team else None
            if shares > 1:
                return None  # several ranges are not shared out independently
        elif isinstance(definition, Least | Greatest):
            result = _of_arms(system, chosen, definition, name)
        elif isinstance(definition, Stepped):
            result = _stepped(system, chosen, definition, name)
        else:
            if isinstance(definition, Quotient):
                form = renamed_form(definition.form, name)
                system = system.copy().require(
                    *variables.quotient_rows(chosen, form, definition.divisor)
                )
            elif variables.depths[-chosen] == 0:
                if shares:
                    return None  # a share and the member's number
                facts = [renamed_form(fact, name) for fact in variables.facts[-chosen]]
                system = system.copy().require(*facts)
            result = _shadow(system, chosen)
        if result is None:
            return None
        system, exact = result[0], exact and result[1]
    return system, exact


def _solved(variables: Variables, domain: System, equal: list[Form]) -> System | None:
    """Return the domain with the equations used up, each for one of the second's variables."""
    system, left = domain.copy(), list(equal)
    while left:
        form = left.pop(0)
        others = sorted(n for n in form if n < 0)
        if not others:
            system.require_zero(form)
            continue
        plain = [n for n in others if abs(form[n]) == 1 and variables.definitions[-n] is None]
        if not plain or variables.depths[-plain[0]] == 0:
            return None
        chosen = plain[0]
        rest = {n: c for n, c in form.items() if n != chosen}
        value = scaled(rest, -form[chosen])
        system = system.replaced(chosen, value)
        left = [replaced(other, chosen, value) for other in left]
    return system


def _parts(system: System, name: int) -> tuple[System, list[Form], list[Form]]:
    """Return the forms without a variable, and those that bound it from below and above."""
    rest, below, above = System(None, system.contradictory), [], []
    for form in system.forms():
        coefficient = form.get(name, 0)
        if coefficient > 0:
            below.append(form)
        elif coefficient < 0:
            above.append(form)
        else:
            rest.require(form)
    return rest, below, above


def _shadow(system: System, name: int) -> Reached:
    """Eliminate a variable that takes every whole number within its bounds."""
    rest, below, above = _parts(system, name)
    exact = True
    for low in below:
        for high in above:
            a, b = low[name], -high[name]
            margin = (a - 1) * (b - 1)
            exact = exact and not margin
            rest.require(shifted(added(scaled(low, b), high, a), -margin))
    return rest, exact


def _whole_range(system: System, share: Share, name: Naming) -> Reached | None:
    """Replace a member's share by the range that the members have together."""
    first, last = name(share.first), name(share.last)
    rest, in_first, from_first = _parts(system, first)
    rest, to_last, in_last = _parts(rest, last)
    if in_first or in_last or len(from_first) != 1 or len(to_last) != 1:
        return None
    low, high = added(from_first[0], variable(first)), added(to_last[0], variable(last), -1)
    if from_first[0][first] != -1 or to_last[0][last] != 1 or first in low or last in high:
        return None
    if added(low, high) != constant(-1) or last in low or first in high:
        return None  # what begins at the first and what ends at the last are not one number
    rest.require(added(low, renamed_form(share.start, name), -1))
    rest.require(added(high, renamed_form(share.end, name)))
    return rest, True


def _of_arms(
    system: System, name: int, definition: Least | Greatest, naming: Naming
) -> Reached | None:
    """Replace what is below a minimum by what is below all of its arms."""
    rest, below, above = _parts(system, name)
    using, others = (below, above) if isinstance(definition, Least) else (above, below)
    if others:
        return None
    for form in using:
        for arm in definition.arms:
            rest.require(replaced(form, name, renamed_form(arm, naming)))
    return rest, True


def _stepped(system: System, name: int, definition: Stepped, naming: Naming) -> Reached | None:
    """Eliminate a loop's index that skips numbers: windows of a step's length hold one of them.

    Upwards, the largest number of the progression that is not above all upper bounds is meant; it
    is not below its start, and it is above any bound that lies a step lower.
    """
    rest, below, above = _parts(system, name)
    near, far = (below, above) if definition.upwards else (above, below)
    sign = 1 if definition.upwards else -1
    start, step = renamed_form(definition.start, naming), renamed_form(definition.step, naming)
    at_start = added(scaled(variable(name), sign), start, -sign)
    exact = True
    for form in far:
        if abs(form[name]) != 1:
            return None
        rest.require(replaced(form, name, start))
    for low in near:
        if low == at_start:
            continue
        if abs(low[name]) != 1:
            return None
        exact = False
        for high in far:
            # There are step whole numbers from one bound to the other.
            rest.require(shifted(added(added(low, high), step, -sign), 1))
    return rest, exact
