"""reading: which elements of tensors an equation reads, for one element that it defines.

Most subscripts of an equation are linear in its indices, so the question "which x does z₂ read?" is
a few linear equations in integers. They are solved for the indices one after the other; nothing
runs over a whole domain, so the sizes of a network do not matter. Of remainders and quotients every
value of their indices is tried.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import sympy
from sympy.core.expr import Expr

from symbp.notation.collected import product_of
from symbp.notation.equation import Equation, indices_of
from symbp.notation.functions import where
from symbp.notation.index import Extent, Index
from symbp.notation.prime import Prime
from symbp.notation.reductions import Reduction, Sum
from symbp.notation.tensor import Element, Tensor

__all__ = ["EXAMPLES", "Place", "Read", "Values", "reads_of", "shape_of", "solutions"]

Place = tuple[int, ...]
Values = dict[Index, int]
# An extent known at run time only is drawn as if it were this.
EXAMPLES = 2
# How many solutions are looked at, where any would do.
MOST_TRIED = 400


@dataclass(frozen=True)
class Read:
    """One occurrence of a tensor's element in a body.

    Attributes
    ----------
    element : Element
        With the body's indices as subscripts.
    factor : SymPy expression or None
        The derivative of the body with respect to it; None if that is not a mere factor.
    guards : tuple of SymPy booleans
        The conditions under which it is read.
    """

    element: Element
    factor: Expr | None
    guards: tuple[Expr, ...]

    @property
    def tensor(self) -> Tensor:
        """The tensor that is read."""
        return self.element.tensor


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """Return a tensor's shape, with a number for an extent known at run time only."""
    return tuple(map(_size, tensor.shape))


def reads_of(body: Expr) -> list[Read]:
    """Return every occurrence of an element in a body, in the order in which people wrote them.

    A function of one argument that is the whole body is looked through: in ``σ(w x + b)``, w is
    the factor of x, for σ is what the neuron does with its sum.
    """
    if isinstance(body, sympy.Function) and not isinstance(body, where) and len(body.args) == 1:
        body = body.args[0]
    found = list(_walk(body, sympy.S.One, ()))
    return sorted(found, key=lambda read: read.element.serial)


def _walk(node: Expr, factor: Expr | None, guards: tuple[Expr, ...]) -> Iterator[Read]:
    if isinstance(node, Element):
        yield Read(node, factor, guards)
        for subscript in node.args:
            yield from _walk(subscript, None, guards)
    elif isinstance(node, sympy.Add):
        for term in node.args:
            yield from _walk(term, factor, guards)
    elif isinstance(node, sympy.Mul):
        for position, part in enumerate(node.args):
            others = product_of(*node.args[:position], *node.args[position + 1 :])
            yield from _walk(part, None if factor is None else product_of(factor, others), guards)
    elif isinstance(node, Reduction):
        yield from _walk(node.body, factor if isinstance(node, Sum) else None, guards)
    elif isinstance(node, where):
        condition, chosen, other = node.args
        yield from _walk(condition, None, guards)
        yield from _walk(chosen, factor, (*guards, condition))
        yield from _walk(other, factor, (*guards, sympy.Not(condition)))
    elif isinstance(node, Prime):
        yield from _walk(node.application, None, guards)
    else:
        for argument in node.args:
            yield from _walk(argument, None, guards)


def solutions(
    equation: Equation, target: Place | None, read: Read, source: Place | None
) -> Iterator[tuple[Values, Place, Place]]:
    """Yield how an element of the defined tensor can read an element of another.

    Parameters
    ----------
    equation : Equation
        Gather or scatter.
    target, source : tuple of int or None
        The element that is defined, and the one that is read; None for any.
    read : Read
        One of the occurrences in its body.

    Yields
    ------
    tuple
        The values of the indices that are determined, and both places; at most `MOST_TRIED`.
    """
    wanted: list[tuple[Expr, int]] = []
    loose: list[Expr] = []
    for element, place in ((equation.lhs, target), (read.element, source)):
        for position, subscript in enumerate(element.args):
            if subscript.has(Element):  # read from data: it can be any
                continue
            if place is None:
                loose.append(subscript)
            else:
                wanted.append((subscript, place[position]))
    found = _solve(wanted, loose, {})
    for values in islice(found, MOST_TRIED):
        if any(_holds(guard, values) is False for guard in read.guards):
            continue
        places = []
        for element, place in ((equation.lhs, target), (read.element, source)):
            if place is None:
                place = tuple(
                    0 if subscript.has(Element) else _value(subscript, values)
                    for subscript in element.args
                )
            places.append(place)
        inside = all(
            0 <= number < size
            for element, place in zip((equation.lhs, read.element), places, strict=True)
            for number, size in zip(place, shape_of(element.tensor), strict=True)
        )
        if inside:
            yield values, places[0], places[1]


def _solve(
    wanted: Sequence[tuple[Expr, int]], loose: Sequence[Expr], values: Values
) -> Iterator[Values]:
    """Yield values of indices under which each subscript is as wanted, and the loose are known."""
    values = dict(values)
    open_: list[tuple[Expr, int]] = list(wanted)
    while True:
        determined = False
        rest = []
        for subscript, number in open_:
            unknown = [index for index in _indices(subscript) if index not in values]
            if not unknown:
                if _value(subscript, values) != number:
                    return
            elif len(unknown) == 1 and not subscript.has(sympy.Mod, sympy.floor):
                index = unknown[0]
                least = _value(subscript, {**values, index: 0})
                step = _value(subscript, {**values, index: 1}) - least
                value, remainder = divmod(number - least, step)
                if remainder or not 0 <= value < _size(index.extent):
                    return
                values[index] = value
                determined = True
            else:
                rest.append((subscript, number))
        open_ = rest
        if not determined:
            break
    free = [
        index
        for subscript in (*(subscript for subscript, _ in open_), *loose)
        for index in _indices(subscript)
        if index not in values
    ]
    if not free:
        yield values
        return
    for value in range(_size(free[0].extent)):
        yield from _solve(open_, loose, {**values, free[0]: value})


def _holds(guard: Expr, values: Values) -> bool | None:
    """Return whether a condition holds, or None if the values do not decide it."""
    known = guard.xreplace({index: sympy.Integer(value) for index, value in values.items()})
    if known == sympy.true:
        return True
    return False if known == sympy.false else None


def _indices(subscript: Expr) -> list[Index]:
    return list(dict.fromkeys(indices_of(subscript)))


def _value(subscript: Expr, values: Values) -> int:
    if isinstance(subscript, Index):
        return values[subscript]
    numbers = {index: sympy.Integer(values[index]) for index in indices_of(subscript)}
    return int(subscript.xreplace(numbers))


def _size(extent: Extent) -> int:
    return extent if isinstance(extent, int) else EXAMPLES
