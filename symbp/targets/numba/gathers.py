"""gathers: rows that are looked up by a number, as those of a batch are among all examples.

The number of a row is read once for each row, as an unsigned one: it never counts from the end.
A row that lies in one piece in both arrays is copied in one piece.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symbp.loops.nodes import Accumulate, Assign, For, Statement, smaller
from symbp.loops.traverse import statements_in, writes_of
from symbp.notation.functions import where
from symbp.notation.tensor import Element
from symbp.targets.numba.places import Places

__all__ = ["copied_row", "is_lookup", "looked_up", "next_row"]


def looked_up(loop: For, known: Mapping[Any, str]) -> list[Element]:
    """Return the subscripts that are to be read at the start of each turn of a loop.

    Parameters
    ----------
    loop : For
        Subscripts that vary with it and with none of the loops inside of it.
    known : mapping
        The indices and symbols that have a value there.
    """
    written = {e.tensor for s in statements_in(loop.body) for e in writes_of(s)}
    found: dict[Element, None] = {}
    for element in _always_read(loop.body):
        for subscript in element.args:
            if (
                isinstance(subscript, Element)
                and subscript.tensor not in written
                and loop.index in subscript.free_symbols
                and all(symbol in known for symbol in _symbols(subscript))
            ):
                found[subscript] = None
    return list(found)


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


def _copy(loop: For) -> tuple[list[For], Element, Element] | None:
    """Return the loops inside of one that only copies, and what it copies to and from."""
    body: Sequence[Statement] = loop.body
    inner: list[For] = []
    while len(body) == 1 and isinstance(body[0], For):
        inner.append(body[0])
        body = body[0].body
    if len(body) != 1 or not isinstance(body[0], Assign) or not is_lookup(body[0].value):
        return None
    source = body[0].value
    assert isinstance(source, Element)
    return inner, body[0].target, source


def copied_row(loop: For, places: Places) -> tuple[Element, Element] | None:
    """Return the elements of which a turn of a loop copies a whole row, or None.

    ::

        for n: for k: x[n, k] = x_all[order[start + n], k]
    """
    copy = _copy(loop)
    if copy is None or not copy[0] or any((s.start, s.step) != (0, 1) for s in copy[0]):
        return None
    inner, target, source = copy
    indices, sizes = (tuple(vars(each)[name] for each in inner) for name in ("index", "end"))
    for element in (target, source):
        if element.args[1:] != indices or places.shape(element.tensor)[1:] != sizes:
            return None
    return (target, source) if target.args[0] == loop.index else None


def next_row(loop: For, batches: Sequence[For]) -> tuple[Element, Any] | None:
    """Return the row that is copied, and which of the order the next batch's is, or None.

    Parameters
    ----------
    loop : For
        Only copies, and looks up the number of a row.
    batches : sequence of For
        The loops around it.
    """
    copy = _copy(loop)
    if copy is None or copy[2].tensor.rank < 2 or loop.index not in copy[2].args[0].free_symbols:
        return None
    number = copy[2].args[0]
    assert isinstance(number, Element)
    for batch in batches:
        if batch.step != 1 and batch.index in number.free_symbols:
            (place,) = number.args
            later = smaller(place + batch.step, batch.end - 1)
            return copy[2], later
    return None
