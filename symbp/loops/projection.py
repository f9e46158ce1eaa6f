"""projection: which elements a write is sure to have reached, without the turns that did it.

A write in loops reaches the elements for which *some* turn exists. Eliminating the turns exactly,
or else making the set smaller (the dark shadow of Pugh, "The Omega test", 1992), leaves a system
in the variables of the read that asks.
"""

from math import lcm

from symbp.loops.pairs import Naming, renamed_form
from symbp.loops.variables import (
    Data,
    Definition,
    Greatest,
    Least,
    Quotient,
    Share,
    Stepped,
    Variables,
)
from symbp.notation.affine import (
    CONSTANT,
    Form,
    System,
    added,
    constant,
    replaced,
    scaled,
    shifted,
    variable,
)

__all__ = ["reached"]


def reached(
    variables: Variables,
    domain: System,
    equal: list[Form],
    name: Naming,
    whole_team: bool,
) -> System | None:
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
    System or None
        None if nothing is sure.
    """
    solved = _solved(variables, domain, equal, name)
    if solved is None:
        return None
    system, shares = solved, 0
    while not system.contradictory:
        names = [n for n in system.variables() if n < 0]
        if not names:
            break
        # A range is put together while what is in it is still one number.
        share = _only_share(variables, names) if whole_team and not shares else None
        together = _whole_range(system, share, name) if share is not None else None
        if together is not None:
            shares, system = 1, together
            continue
        chosen = _next(variables, system, names, name)
        definition = variables.definitions[-chosen]
        result: System | None
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
        system = result
    return system


def _solved(variables: Variables, domain: System, equal: list[Form], name: Naming) -> System | None:
    """Return the domain with the equations used up, each for one of the second's variables."""
    system, left = domain.copy(), list(equal)
    while left:
        form = left.pop(0)
        same = _same_datum(variables, form, name)
        if same is not None:
            left += same
            continue
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


def _same_datum(variables: Variables, form: Form, name: Naming) -> list[Form] | None:
    """Return forms that are zero where two data are one element; None if others are compared.

    Where they are, the data are equal.
    """
    if len(form) != 2 or sorted(form.values()) != [-1, 1]:
        return None
    first, second = max(form), -min(form)
    if first <= 0 or second <= 0:
        return None
    one, other = variables.definitions[first], variables.definitions[second]
    if not (isinstance(one, Data) and isinstance(other, Data) and one.array is other.array):
        return None
    if one.array is None or any(name(number) != number for number in one.around):
        return None
    return [
        added(mine, renamed_form(its, name), -1)
        for mine, its in zip(one.subscripts, other.subscripts, strict=True)
    ]


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


def _shadow(system: System, name: int) -> System:
    """Eliminate a variable that takes every whole number within its bounds."""
    rest, below, above = _parts(system, name)
    for low in below:
        for high in above:
            a, b = low[name], -high[name]
            margin = (a - 1) * (b - 1)
            rest.require(shifted(added(scaled(low, b), high, a), -margin))
    return rest


def _next(variables: Variables, system: System, names: list[int], name: Naming) -> int:
    """Return which variable to eliminate: one that no other is defined by.

    Of plain ones that with the smallest factors, as its shadow is the most exact; else the last.
    """
    needed = {
        name(part)
        for other in names
        for form in _forms_of(variables.definitions[-other])
        for part in form
        if part != CONSTANT
    }
    free = [n for n in names if n not in needed]
    plain = [n for n in free if variables.definitions[-n] is None and variables.depths[-n]]
    if not plain:
        return min(free)
    factors = dict.fromkeys(plain, 0)
    for row in system.rows:
        for number, coefficient in row:
            if number in factors:
                factors[number] = max(factors[number], abs(coefficient))
    return min(plain, key=lambda n: (factors[n], n))


def _forms_of(definition: Definition | None) -> tuple[Form, ...]:
    """Return what a variable is defined by."""
    if isinstance(definition, Least | Greatest):
        return definition.arms
    if isinstance(definition, Stepped):
        return definition.start, definition.step
    if isinstance(definition, Share):
        return definition.start, definition.end
    return (definition.form,) if isinstance(definition, Quotient) else ()


def _only_share(variables: Variables, names: list[int]) -> Share | None:
    """Return the share whose ends are all that differs between members, if there is one."""
    differing = [variables.definitions[-n] for n in names if not variables.uniform[-n]]
    share = differing[0] if differing else None
    return share if isinstance(share, Share) and all(d is share for d in differing) else None


def _whole_range(system: System, share: Share, name: Naming) -> System | None:
    """Replace a member's share by the range that the members have together.

    What lies from ``c · first`` up to ``c · last`` for some member lies from ``c · start`` up to
    ``c · end``.
    """
    first, last = name(share.first), name(share.last)
    rest, from_first, to_last = System(None, system.contradictory), [], []
    for form in _strongest(system, (first, last)):
        if first not in form and last not in form:
            rest.require(form)
        elif last not in form and form[first] < 0:
            from_first.append(form)
        elif first not in form and form[last] > 0:
            to_last.append(form)
        else:
            return None
    if len(from_first) != 1 or len(to_last) != 1:
        return None
    (low,), (high,) = from_first, to_last
    factor = high[last]
    between = added(added(low, variable(first), factor), added(high, variable(last), -factor))
    if low[first] != -factor or between != constant(-1):
        return None  # what begins at the first and what ends at the last are not one number
    rest.require(replaced(low, first, renamed_form(share.start, name)))
    rest.require(replaced(high, last, renamed_form(share.end, name)))
    return rest


def _strongest(system: System, names: tuple[int, int]) -> list[Form]:
    """Return the forms without those of some variables that follow from the others."""
    forms = list(system.forms())
    for form in list(forms):
        if all(name in form for name in names):
            others = [other for other in forms if other is not form]
            if System().require(*others).implies(form):
                forms = others
    return forms


def _of_arms(
    system: System, name: int, definition: Least | Greatest, naming: Naming
) -> System | None:
    """Replace what is below a minimum by what is below all of its arms."""
    rest, below, above = _parts(system, name)
    using, others = (below, above) if isinstance(definition, Least) else (above, below)
    if others:
        return None
    for form in using:
        for arm in definition.arms:
            rest.require(replaced(form, name, renamed_form(arm, naming)))
    return rest


def _stepped(system: System, name: int, definition: Stepped, naming: Naming) -> System | None:
    """Eliminate a loop's index that skips numbers: windows of a step's length hold one of them.

    Upwards, the largest number of the progression that is not above all upper bounds is meant; it
    is not below its start, and it is above any bound that lies a step lower.
    """
    rest, below, above = _parts(system, name)
    near, far = (below, above) if definition.upwards else (above, below)
    sign = 1 if definition.upwards else -1
    start, step = renamed_form(definition.start, naming), renamed_form(definition.step, naming)
    at_start = added(scaled(variable(name), sign), start, -sign)
    for form in far:
        rest.require(replaced(form, name, start))
    for low in near:
        if low == at_start:
            continue
        for high in far:
            # Among as many whole numbers as a step has, one is of the progression. If one of the
            # bounds is a whole number itself, the other may be rounded towards it.
            common = lcm(low[name], high[name])
            first, last = common // abs(low[name]), common // abs(high[name])
            window = added(scaled(low, first), scaled(high, last))
            rounded = common if common in (first, last) else 1
            rest.require(shifted(added(window, step, -sign * common), rounded))
    return rest
