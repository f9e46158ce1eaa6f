"""divide: a function becomes what one member of a team runs; the others run the same.

::

    for n from 0 to N: …               let first, last = this member's part of 0 to N
    for j from 0 to 30: …        ─►    for n from first to last: …
                                       barrier
                                       for j from first_30 to last_30: …

Members wait for each other only where one reads or overwrites what another wrote in another
division (see :mod:`symbp.loops.shares`). Of a loop over strips (see
:mod:`symbp.loops.accumulate_strips`) every member runs each turn, and has a part of its rows.
"""

from collections.abc import Sequence
from dataclasses import replace

import sympy

from symbp.loops.arrange import divided_shares, split_setup
from symbp.loops.dependence import Dependence
from symbp.loops.nodes import Barrier, Divide, For, Function, Let, Statement
from symbp.loops.shares import Phase, Share, restricted
from symbp.notation.errors import SymbpError
from symbp.notation.index import Extent

__all__ = ["can_divide", "divide"]


def can_divide(function: Function) -> bool:
    """Whether each statement of a function can be divided, and of a loop over strips each."""
    _, rest, _ = split_setup(function)
    return _shares(rest, Dependence(function)) is not None


def divide(function: Function) -> Function:
    """Return the function of one member of a team.

    Parameters
    ----------
    function : Function
        Each of its statements can be divided (see :func:`symbp.loops.arrange.divided_shares`), and
        of a loop over strips each of those. Every member updates the scalars: see
        :mod:`symbp.loops.promote`.
    """
    setup, rest, end = split_setup(function)
    dependence = Dependence(function)
    found = _shares(rest, dependence)
    if found is None:
        raise SymbpError(f"{function.name}: a statement of it cannot be divided")
    shares, of_strips = found
    strips = _strips_in(rest)
    ranges: dict[Extent, tuple[sympy.Symbol, sympy.Symbol]] = {}
    for share in (*shares, *of_strips):
        if share.extent is not None and share.extent not in ranges:
            ranges[share.extent] = _ends(share.extent)
    parts: list[Statement] = [
        Divide(first, last, 0, extent)
        for extent, (first, last) in ranges.items()
        if strips is None or isinstance(extent, int)
    ]
    if strips is None:
        body = _divided(shares, ranges)
        return function.replace(team=True, body=(*setup, *parts, *body, *end))
    count = next(number for number, s in enumerate(rest) if s is strips)
    before, after = (_divided(part, ranges) for part in (shares[:count], shares[count:]))
    (let, *others) = of_strips
    rows = [
        Divide(first, last, 0, _rows_of(strips))
        for extent, (first, last) in ranges.items()
        if not isinstance(extent, int)
    ]
    # What is done before may be read, and the next strip overwrites what others may still read.
    turn = (let.statement, *rows, *_divided(others, ranges), Barrier())
    loop = replace(strips, body=turn)
    body = [*before, *([Barrier()] if before else []), loop, *after]
    return function.replace(team=True, body=(*setup, *parts, *body, *end))


def _strips_in(statements: Sequence[Statement]) -> For | None:
    """Return the loop over strips, if there is one."""
    return next((s for s in statements if isinstance(s, For) and isinstance(s.body[0], Let)), None)


def _rows_of(strips: For) -> sympy.Symbol:
    """Return how many rows a strip has, which its first statement says."""
    let = strips.body[0]
    assert isinstance(let, Let)
    return let.symbol


def _shares(
    statements: Sequence[Statement], dependence: Dependence
) -> tuple[list[Share], list[Share]] | None:
    """Return the shares of the statements outside of a loop over strips, and of those in it."""
    strips = _strips_in(statements)
    shares = divided_shares([s for s in statements if s is not strips], dependence)
    if strips is None or shares is None:
        return None if shares is None else (shares, [])
    inner = divided_shares(strips.body, dependence, _rows_of(strips))
    return None if inner is None else (shares, inner)


def _divided(
    shares: Sequence[Share], ranges: dict[Extent, tuple[sympy.Symbol, sympy.Symbol]]
) -> list[Statement]:
    """Return a member's part of some statements."""
    body: list[Statement] = []
    phase = Phase()
    for share in shares:
        if phase.clashes(share):
            body.append(Barrier())
            phase = Phase()
        phase.add(share)
        statement = share.statement
        if share.extent is not None:
            statement = restricted(statement, share.along, *ranges[share.extent])
        body.append(statement)
    return body


def _ends(extent: Extent) -> tuple[sympy.Symbol, sympy.Symbol]:
    suffix = f"_{extent}" if isinstance(extent, int) else ""
    return tuple(
        sympy.Symbol(f"{name}{suffix}", integer=True, nonnegative=True)
        for name in ("first", "last")
    )
