"""Which equation needs which, and the strongly connected components of that graph."""

from collections.abc import Iterable, Sequence

import sympy

from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["components", "definitions", "needed_by", "offset", "predecessors", "time_axis"]


def definitions(equations: Sequence[Equation]) -> dict[Tensor, list[int]]:
    """Return, for each tensor that is defined, the positions of its equations."""
    result: dict[Tensor, list[int]] = {}
    for position, equation in enumerate(equations):
        result.setdefault(equation.tensor, []).append(position)
    return result


def needed_by(equations: Sequence[Equation], roots: Iterable[Tensor]) -> set[Tensor]:
    """Return the tensors that the roots need, themselves included."""
    defined = definitions(equations)
    found: set[Tensor] = set()
    stack = list(roots)
    while stack:
        tensor = stack.pop()
        if tensor in found:
            continue
        found.add(tensor)
        for position in defined.get(tensor, ()):
            stack.extend(element.tensor for element in equations[position].reads())
    return found


def predecessors(equations: Sequence[Equation]) -> list[list[int]]:
    """Return, for each equation, the positions of the equations that it reads from."""
    defined = definitions(equations)
    return [
        sorted({p for element in equation.reads() for p in defined.get(element.tensor, ())})
        for equation in equations
    ]


def components(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected components, each after those it needs (Tarjan, 1972).

    Parameters
    ----------
    edges : sequence of sequences of int
        For each node, the nodes that it needs.

    Returns
    -------
    list of list of int
        The components in topological order; nodes inside a component in ascending order.
    """
    order: list[int] = [-1] * len(edges)
    low = [0] * len(edges)
    on_stack = [False] * len(edges)
    stack: list[int] = []
    result: list[list[int]] = []
    counter = 0
    for root in range(len(edges)):
        if order[root] >= 0:
            continue
        work = [(root, iter(edges[root]))]
        order[root] = low[root] = counter
        counter += 1
        stack.append(root)
        on_stack[root] = True
        while work:
            node, remaining = work[-1]
            for successor in remaining:
                if order[successor] < 0:
                    order[successor] = low[successor] = counter
                    counter += 1
                    stack.append(successor)
                    on_stack[successor] = True
                    work.append((successor, iter(edges[successor])))
                    break
                if on_stack[successor]:
                    low[node] = min(low[node], order[successor])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == order[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack[member] = False
                        component.append(member)
                        if member == node:
                            break
                    result.append(sorted(component))
    return result


def time_axis(tensor: Tensor) -> int | None:
    """Return the position of a tensor's sequential index."""
    return next((i for i, index in enumerate(tensor.indices) if index.sequential), None)


def offset(subscript: sympy.Expr, index: Index) -> int | None:
    """Return ``c`` when the subscript is ``index + c``, else None."""
    difference = subscript - index
    return int(difference) if difference.is_Integer else None
