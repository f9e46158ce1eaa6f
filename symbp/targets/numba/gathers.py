"""gathers: rows that are looked up by a number, as those of a batch are among all examples.

The number of a row is read once for each row, as an unsigned one: it never counts from the end.
A row that lies in one piece in both arrays is copied in one piece.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symbp.loops.nodes import Accumulate, Assign, For, Statement
from symbp.loops.traverse import statements_in, writes_of
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.tensor import Element
from symbp.targets.numba.places import Places

__all__ = ["copied_row", "is_lookup", "looked_up"]


def looked_up(loop: For, known: Mapping[Any, str]) -> list[Element]:
    """Return the subscripts that are to be read at the start of each turn of a loop.

    Parameters
    ----------
    loop : For
        Subscripts that loops inside of it use, and that vary with none of these.
    known : mapping
        The indices and symbols that have a value there.
    """
    written = {e.tensor for s in statements_in(loop.body) for e in writes_of(s)}
    found: dict[Element, None] = {}
    for statement in loop.body:
        if isinstance(statement, For):
            for element in _always_read([statement]):
                for subscript in element.args:
                    if (
                        isinstance(subscript, Element)
                        and subscript.tensor not in written
                        and loop.index in subscript.free_symbols
                        and all(symbol in known for symbol in _symbols(subscript))
                    ):
                        found[subscript] = None
    return sorted(found, key=lambda element: element.serial)


def _symbols(element: Element) -> set[Any]:
    return {symbol for argument in element.args for symbol in argument.free_symbols}


def _always_read(body: Sequence[Statement]) -> Iterator[Element]:
    """Yield the elements that are used whatever conditions say."""
    for statement in body:
        if isinstance(statement, For):
            yield from _always_read(statement.body)
        elif isinstance(statement, Assign | Accumulate):
            yield statement.target
            yield from _outside_of_branches(statement.value)


def _outside_of_branches(node: Any) -> Iterator[Element]:
    if isinstance(node, Element):
        yield node
    elif not isinstance(node, where):
        for argument in node.args:
            yield from _outside_of_branches(argument)


def is_lookup(value: Any) -> bool:
    """Whether a value is an element whose row is looked up."""
    return isinstance(value, Element) and bool(value.args) and isinstance(value.args[0], Element)


def copied_row(loop: For, places: Places) -> tuple[Element, Element] | None:
    """Return the elements of which a turn of a loop copies a whole row, or None.

    ::

        for n: for k: x[n, k] = x_all[order[start + n], k]
    """
    body: Sequence[Statement] = loop.body
    inner: list[Index] = []
    sizes: list[Any] = []
    while len(body) == 1 and isinstance(body[0], For):
        nested = body[0]
        if nested.start != 0 or nested.step != 1:
            return None
        inner.append(nested.index)
        sizes.append(nested.end)
        body = nested.body
    if len(body) != 1 or not isinstance(body[0], Assign) or not inner:
        return None
    target, source = body[0].target, body[0].value
    if not isinstance(source, Element) or not is_lookup(source):
        return None
    rows = [tuple(element.args[1:]) == tuple(inner) for element in (target, source)]
    shapes = [places.shape(element.tensor)[1:] for element in (target, source)]
    if not all(rows) or any(shape != tuple(sizes) for shape in shapes):
        return None
    return (target, source) if target.args[0] == loop.index else None
