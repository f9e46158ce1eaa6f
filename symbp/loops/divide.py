"""divide: a function becomes what one member of a team runs; the others run the same.

::

    for n from 0 to N: …               let first, last = this member's part of 0 to N
    for j from 0 to 30: …        ─►    for n from first to last: …
                                       barrier
                                       for j from first_30 to last_30: …

Members wait for each other only where one reads or overwrites what another wrote in another
division (see :mod:`symbp.loops.shares`).
"""

import sympy

from symbp.loops.arrange import divided_shares, split_setup
from symbp.loops.dependence import Dependence
from symbp.loops.nodes import Barrier, Divide, Function, Statement
from symbp.loops.shares import Phase, restricted
from symbp.notation.errors import SymbpError
from symbp.notation.index import Extent

__all__ = ["divide"]


def divide(function: Function) -> Function:
    """Return the function of one member of a team.

    Parameters
    ----------
    function : Function
        Each of its statements can be divided (see :func:`symbp.loops.arrange.divided_shares`).
        Every member updates the scalars: see :mod:`symbp.loops.promote`.
    """
    setup, rest, end = split_setup(function)
    shares = divided_shares(rest, Dependence(function))
    if shares is None:
        raise SymbpError(f"{function.name}: a statement of it cannot be divided")
    ranges: dict[Extent, tuple[sympy.Symbol, sympy.Symbol]] = {}
    for share in shares:
        if share.extent is not None and share.extent not in ranges:
            ranges[share.extent] = _ends(share.extent)
    parts: list[Statement] = [
        Divide(first, last, 0, extent) for extent, (first, last) in ranges.items()
    ]
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
    return function.replace(team=True, body=(*setup, *parts, *body, *end))


def _ends(extent: Extent) -> tuple[sympy.Symbol, sympy.Symbol]:
    suffix = f"_{extent}" if isinstance(extent, int) else ""
    return tuple(
        sympy.Symbol(f"{name}{suffix}", integer=True, nonnegative=True)
        for name in ("first", "last")
    )
