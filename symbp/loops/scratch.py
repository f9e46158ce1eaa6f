"""scratch: the arrays that a turn of a loop keeps for itself.

::

    for n: for h: product S[t, s] = Q[n, h, t, k] K[n, h, s, k]      S is written and read in one
                  for t: for s: P[n, h, t, s] = f(S[t, s])           turn, and none has to keep it

:mod:`symbp.loops.storage` left them without the axes of the loops around them: each turn writes
what it reads. So the turns may be divided among a team if each member has such an array of its own.
"""

from collections.abc import Sequence

from symbp.loops.nodes import Allocate, For, Function, If, Statement
from symbp.loops.traverse import reads_of, writes_of
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["scratch_in"]


def scratch_in(function: Function) -> dict[Tensor, frozenset[Index]]:
    """Return the scratch arrays of a function, and for each the loops around all of its uses.

    Parameters
    ----------
    function : Function
        With its storage decided.
    """
    made = {
        s.array for s in function.body if isinstance(s, Allocate) and s.kind == "member" and s.shape
    }
    made.difference_update(view.of for view in function.views.values())
    around: dict[Tensor, tuple[Index, ...]] = {}

    def visit(body: Sequence[Statement], path: tuple[Index, ...]) -> None:
        for statement in body:
            for element in (*reads_of(statement), *writes_of(statement)):
                if element.tensor in made:
                    before = around.get(element.tensor, path)
                    around[element.tensor] = _common(before, path)
            if isinstance(statement, For):
                visit(statement.body, (*path, statement.index))
            elif isinstance(statement, If):
                visit(statement.body, path)
                visit(statement.otherwise, path)

    if made:
        visit(function.body, ())
    return {tensor: frozenset(path) for tensor, path in around.items() if path}


def _common(one: tuple[Index, ...], other: tuple[Index, ...]) -> tuple[Index, ...]:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a is not b:
            break
        count += 1
    return one[:count]
