"""whole_arrays: components of an argument are read and written where the argument holds them.

::

    Allocate x_0[N]; Allocate a_0[N]           for n: a[n, 0] = tanh(x[n, 0])
    for n: a_0[n] = tanh(x_0[n])          ─►

A program that is written out by element has a tensor for each combination of the subscripts that
are numbers; callers pass whole arrays.
"""

import sympy

from symbp.loops.nodes import Allocate, Function, Statement
from symbp.loops.traverse import elements_in, map_statements, renamed
from symbp.notation.tensor import Element, Tensor

__all__ = ["whole_arrays"]


def whole_arrays(function: Function) -> Function:
    """Return an equivalent function in which no component of an argument has memory of its own.

    Parameters
    ----------
    function : Function
        As it was built, so that what is read of a component that is an input is never written.
    """
    arguments = {argument.array for argument in function.arguments}
    components = {
        statement.array
        for statement in function.statements
        if isinstance(statement, Allocate) and _whole(statement.array) in arguments
    }
    mapping = {
        element: _placed(element)
        for element, _ in elements_in(function.body)
        if element.tensor in components
    }

    def change(statement: Statement) -> Statement | tuple[Statement, ...]:
        is_component = isinstance(statement, Allocate) and statement.array in components
        return () if is_component else statement

    rest = map_statements(function.body, change)
    return function.replace(body=tuple(renamed(statement, mapping) for statement in rest))


def _whole(tensor: Tensor) -> Tensor | None:
    return tensor.component_of[0] if tensor.component_of is not None else None


def _placed(element: Element) -> Element:
    """Return the element of the whole array that an element of a component is."""
    assert element.tensor.component_of is not None
    whole, place = element.tensor.component_of
    numbers, rest = iter(place), iter(element.args)
    subscripts = [
        sympy.Integer(next(numbers)) if isinstance(extent, int) else next(rest)
        for extent in whole.shape
    ]
    return Element(whole, *subscripts, serial=element.serial)
