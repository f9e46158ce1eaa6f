"""flat_loops: a loop nest that runs over whole arrays, element by element, as one loop.

Rows of 32 numbers are two vectors: to begin a row, and to find out again that the arrays do not
overlap, takes longer than the row.
"""

from collections.abc import Mapping

import sympy

from symbp.codegen.blocks import Assign, Block, Loop
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["flat_nest"]


def flat_nest(
    block: Loop, dropped: Mapping[Tensor, frozenset[int]]
) -> tuple[tuple[Index, ...], list[Assign]] | None:
    """Return the loops of a nest that may be one, from outside to inside, and their body.

    Parameters
    ----------
    block : Loop
        The outermost loop.
    dropped : mapping of Tensor to frozenset of int
        The axes that have no memory.

    Returns
    -------
    tuple of Index and list of Assign, or None
        None where an array is read or written otherwise than along all of its axes in order.
    """
    loops: list[Index] = []
    body: list[Block] = [block]
    while len(body) == 1 and isinstance(body[0], Loop):
        loop = body[0]
        if loop.steps or not loop.upwards:
            return None
        loops.append(loop.index)
        body = loop.body
    leaves = [leaf for leaf in body if isinstance(leaf, Assign)]
    if len(leaves) < len(body) or len(loops) < 2:
        return None
    if any(not isinstance(index.extent, int) for index in loops[1:]):
        return None  # rows beyond the batch's last would fall inside the run
    places = tuple(loops)
    for leaf in leaves:
        equation = leaf.equation
        if leaf.mode not in ("set", "add") or equation.is_scatter:
            return None
        elements = {equation.lhs, *equation.body.atoms(Element)}
        for element in elements:
            whole = element.args == places and element.tensor.shape == tuple(
                index.extent for index in places
            )
            gone = dropped.get(element.tensor, frozenset())
            if not (whole and (not gone or len(gone) == len(places))) and (
                element.atoms(Index) & set(places)
            ):
                return None
        # An index may stand for itself too, as in a condition.
        rest = equation.body.xreplace({element: sympy.Dummy() for element in elements})
        if rest.atoms(Index) & set(places):
            return None
    return places, leaves
