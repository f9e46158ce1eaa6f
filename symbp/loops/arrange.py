"""arrange: an order of statements in which rows stay in the cache and members seldom wait.

What is computed for the rows of a batch comes first, as one run; then what sums over the rows.
Dense layers need two meetings of a team a step: before the gradients are summed over the batch,
and before the next step.
"""

import heapq
from collections.abc import Sequence
from typing import Any

from symbp.loops.dependence import Dependence
from symbp.loops.nodes import Allocate, Assign, Function, Return, Statement, View
from symbp.loops.shares import Phase, Share, ends_of, share_of

__all__ = ["arrange", "divided_shares", "split_setup"]


def arrange(function: Function) -> Function:
    """Return an equivalent function with its statements in another order.

    Parameters
    ----------
    function : Function
        If one of its statements cannot be divided the order stays as it is.
    """
    setup, rest, end = split_setup(function)
    dependence = Dependence(function)
    shares = divided_shares(rest, dependence)
    if shares is None:
        return function
    ordered = _in_order(shares, dependence)
    return function.replace(body=(*setup, *(share.statement for share in ordered), *end))


def split_setup(
    function: Function,
) -> tuple[list[Statement], list[Statement], list[Statement]]:
    """Return what prepares memory and constants, what computes, and the return."""
    setup: list[Statement] = []
    rest: list[Statement] = []
    end: list[Statement] = []
    for statement in function.body:
        if isinstance(statement, Return):
            end.append(statement)
        elif isinstance(statement, Allocate | View) or (
            isinstance(statement, Assign) and _is_constant(statement) and not rest
        ):
            setup.append(statement)
        else:
            rest.append(statement)
    return setup, rest, end


def _is_constant(statement: Assign) -> bool:
    return not statement.target.args and statement.value.is_number is True


def divided_shares(
    statements: Sequence[Statement], dependence: Dependence, rows: Any = None
) -> list[Share] | None:
    """Return the share of each statement, or None when one cannot be divided as a whole.

    Parameters
    ----------
    statements : sequence of Statement
        In their order.
    dependence : Dependence
        Of their function.
    rows : Symbol, optional
        How many rows of the batch the statements are for, where those are not all.
    """
    result: list[Share] = []
    for statement in statements:
        share = share_of(statement, dependence)
        if share is None:
            return None
        whole = share.extent if rows is None or isinstance(share.extent, int) else rows
        if share.extent is not None and ends_of(share) != (0, whole):
            return None
        result.append(share)
    return result


def _in_order(given: Sequence[Share], dependence: Dependence) -> list[Share]:
    missing, followers = _dependences(given, dependence)
    # Rows first: runs of them can go through the cache a few rows at a time.
    ready = [(not share.by_rows, n) for n, share in enumerate(given) if not missing[n]]
    heapq.heapify(ready)
    order: list[int] = []
    phase = Phase()
    waiting: list[tuple[bool, int]] = []
    while ready or waiting:
        if not ready:
            phase, ready, waiting = Phase(), waiting, []
            heapq.heapify(ready)
        chosen = heapq.heappop(ready)
        n = chosen[1]
        if phase.clashes(given[n]):
            waiting.append(chosen)  # a phase only grows
            continue
        phase.add(given[n])
        order.append(n)
        for later in followers[n]:
            missing[later] -= 1
            if not missing[later]:
                heapq.heappush(ready, (not given[later].by_rows, later))
    return [given[n] for n in order]


def _dependences(
    given: Sequence[Share], dependence: Dependence
) -> tuple[list[int], list[list[int]]]:
    """Return how many statements each has to wait for, and which wait for it.

    Of the statements that write what one uses, or use what it writes, those that the others wait
    for are left out.
    """
    needs: list[set[int]] = [set() for _ in given]
    writer: dict[object, int] = {}
    readers: dict[object, list[int]] = {}  # since it was last written
    for number, share in enumerate(given):
        uses = dependence.uses(share.statement)
        for place in uses.reads | uses.writes:
            if place in writer:
                needs[number].add(writer[place])
            if place in uses.writes:
                needs[number].update(readers.pop(place, ()))
                writer[place] = number
            else:
                readers.setdefault(place, []).append(number)
    followers: list[list[int]] = [[] for _ in given]
    for number, before in enumerate(needs):
        before.discard(number)
        for earlier in before:
            followers[earlier].append(number)
    return [len(before) for before in needs], followers
