"""promote: scalars that lie in an argument's memory live in registers while a function runs.

::

    view W_0 of parameters from 3 on           register W_0
    for …: … W_0 = W_0 - η g           ─►      W_0 = view of parameters[3]
                                               for …: … W_0 = W_0 - η g
                                               parameters[3] = W_0
"""

import sympy

from symbp.loops.nodes import (
    MEMBER,
    Allocate,
    Assign,
    Barrier,
    Function,
    If,
    Return,
    Statement,
    View,
)
from symbp.loops.traverse import elements_in, renamed
from symbp.notation.tensor import Element, Tensor

__all__ = ["promote"]


def promote(function: Function) -> Function:
    """Return an equivalent function whose scalar views are loaded first and stored last.

    Parameters
    ----------
    function : Function
        Its scalar views do not overlap, and it ends with its only return.
    """
    roles = {argument.array: argument.role for argument in function.arguments}
    scalars = {tensor: view for tensor, view in function.views.items() if not tensor.rank}
    written = {e.tensor for e, writes in elements_in(function.body) if writes}
    read = {e.tensor for e, writes in elements_in(function.body) if not writes}
    mapping: dict[Element, Element] = {}
    registers: dict[Tensor, Tensor] = {}
    for tensor in scalars:
        registers[tensor] = Tensor(tensor.name, (), label=tensor.label)
        mapping[tensor[()]] = registers[tensor][()]
    views: list[Statement] = []
    loads: list[Statement] = []
    stores: list[Statement] = []
    for tensor, view in scalars.items():
        register = registers[tensor]
        views.append(view)
        loads.append(Allocate(register, (), "register"))
        # What only goes out holds nothing yet.
        if tensor in read and roles.get(view.of) != "out":
            loads.append(Assign(register[()], tensor[()]))
        if tensor in written:
            stores.append(Assign(tensor[()], register[()]))
    rest = [s for s in function.body if not (isinstance(s, View) and s.array in scalars)]
    changed = [renamed(statement, mapping) for statement in rest]
    end = [s for s in changed if isinstance(s, Return)]
    body = [s for s in changed if not isinstance(s, Return)]
    if function.team and stores:
        # All members hold the same; one of them stores it, when none has still to load it.
        stores = [Barrier(), If(sympy.Eq(MEMBER, 0), tuple(stores))]
    return function.replace(body=(*views, *loads, *body, *stores, *end))
