"""strip_mine: the rows of a batch go through the cache a few at a time.

::

    product z[n, j] = …; n from 0 to N           for row_first from 0 to N step 256:
    for n from 0 to N: a[n, j] = σ(z[n, j])  ─►      let row_last = min(row_first + 256, N)
                                                     product z[n, j] = …; n from row_first …
                                                     for n from row_first to row_last: …

A strip of rows is multiplied and put through its elementwise equations before the next strip,
while it is in the cache.
"""

from collections.abc import Sequence
from typing import Any

import sympy

from symbp.loops.dependence import Dependence
from symbp.loops.nodes import For, Function, Let, Product, Statement, smaller
from symbp.loops.shares import Phase, Share, ends_of, multiplies_rows, restricted, share_of
from symbp.notation.index import Index

__all__ = ["strip_mine"]


def strip_mine(function: Function, strip: int) -> Function:
    """Return an equivalent function with runs of statements over rows in strips.

    Parameters
    ----------
    function : Function
        Arranged, and divided if it is to be.
    strip : int
        How many rows go through the cache together.
    """
    dependence = Dependence(function)
    result: list[Statement] = []
    run: list[Share] = []
    phase = Phase()
    ends: Any = None

    def flush() -> None:
        if any(map(multiplies_rows, run)):
            result.append(_strips(run, ends, strip))
        else:
            result.extend(share.statement for share in run)
        run.clear()

    for statement in function.body:
        share = None
        if isinstance(statement, For | Product):
            share = share_of(statement, dependence)
        here = ends_of(share) if share is not None and share.by_rows else None
        if share is None or here is None or (run and (here != ends or phase.clashes(share))):
            if run:
                flush()
            phase = Phase()
        if share is None or here is None:
            result.append(statement)
            continue
        ends = here
        phase.add(share)
        run.append(share)
    if run:
        flush()
    return function.replace(body=tuple(result))


def _strips(run: Sequence[Share], ends: tuple[Any, Any], strip: int) -> Statement:
    start, end = ends
    first = Index("row_first", run[0].extent)
    last = sympy.Symbol("row_last", integer=True, nonnegative=True)
    body: list[Statement] = [Let(last, smaller(first + strip, end))]
    body += [restricted(share.statement, share.along, first, last) for share in run]
    return For(first, start, end, tuple(body), strip, "rows")
