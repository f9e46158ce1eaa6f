"""join_terms: what is added to a register stands right after what it starts with.

::

    z_0 = W_0 x                z_0 = W_0 x
    z_1 = W_1 x        ─►      z_0 += b_0
    z_0 += b_0                 z_1 = W_1 x

Then a target can write them as one sum.
"""

from collections.abc import Sequence

from symbp.loops.nodes import Accumulate, Assign, For, Function, If, Statement
from symbp.loops.traverse import reads_of, with_body, writes_of

__all__ = ["join_terms"]


def join_terms(function: Function) -> Function:
    """Return an equivalent function whose additions to a register stand together.

    Parameters
    ----------
    function : Function
        A loop program; only terms that may be added in any order are moved.
    """
    return function.replace(body=_joined(function.body))


def _joined(body: Sequence[Statement]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in body:
        if isinstance(statement, For):
            statement = with_body(statement, _joined(statement.body))
        elif isinstance(statement, If):
            chosen = _joined(statement.body)
            statement = with_body(statement, chosen, _joined(statement.otherwise))
        result.insert(_place(result, statement), statement)
    return tuple(result)


def _place(before: Sequence[Statement], statement: Statement) -> int:
    """Return where among the statements before it an addition can stand."""
    end = len(before)
    if not _adds(statement):
        return end
    assert isinstance(statement, Accumulate)
    target = statement.target.tensor
    read = {e.tensor for e in reads_of(statement)} - {target}
    for place in range(end - 1, -1, -1):
        other = before[place]
        if isinstance(other, Assign | Accumulate) and other.target == statement.target:
            starts = isinstance(other, Assign) or _adds(other)
            return place + 1 if starts else end
        if not isinstance(other, Assign | Accumulate):
            return end
        written = {e.tensor for e in writes_of(other)}
        if written & read or target in {e.tensor for e in reads_of(other)}:
            return end
    return end


def _adds(statement: Statement) -> bool:
    """Whether a statement adds to a register a term that may be added at any time."""
    return (
        isinstance(statement, Accumulate)
        and statement.operation == "sum"
        and statement.free_order
        and not statement.target.tensor.rank
    )
