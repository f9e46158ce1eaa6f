"""reuse: let a tensor take over the memory of one that is not needed any more.

Fewer buffers stay in the cache. A tensor may also take over memory in the very loop that reads its
predecessor for the last time, when each iteration reads the element that it then overwrites:
``a = relu(z)`` in place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from symbp.codegen.blocks import Accumulator, Assign, Block, Fill, Loop, Product, reads_of
from symbp.notation.tensor import Element, Tensor

__all__ = ["reused_memory"]


@dataclass
class _Life:
    """Where a tensor is first and last used.

    ``places`` holds, of each use in a loop, the body, the position in it and the subscripts.
    """

    first: int
    last: int
    places: dict[int, list[tuple[int, int, tuple[object, ...]]]] = field(default_factory=dict)
    """By top-level block; a use that is not an elementwise assignment in a loop has body 0."""


def reused_memory(blocks: Sequence[Block], candidates: Iterable[Tensor]) -> dict[Tensor, Tensor]:
    """Return, for each tensor that needs no memory of its own, the tensor whose memory it uses.

    Parameters
    ----------
    blocks : sequence of Block
        The lowered program.
    candidates : iterable of Tensor
        The tensors with buffers that nothing outside of the blocks reads.

    Returns
    -------
    dict of Tensor to Tensor
        Its values are tensors with memory of their own, of the same shape.
    """
    lives: dict[Tensor, _Life] = {}
    for number, block in enumerate(blocks):
        _visit(block, number, 0, 0, lives)
    result: dict[Tensor, Tensor] = {}
    occupant: dict[Tensor, Tensor] = {}
    ordered = [tensor for tensor in candidates if tensor in lives]
    for tensor in sorted(ordered, key=lambda t: (lives[t].first, t.serial)):
        for owner, current in occupant.items():
            if owner.shape == tensor.shape and _follows(lives[tensor], lives[current]):
                result[tensor] = owner
                occupant[owner] = tensor
                break
        else:
            occupant[tensor] = tensor
    return result


def _follows(new: _Life, old: _Life) -> bool:
    """Whether the new tensor is first written when the old one is not read any more."""
    if old.last != new.first:
        return old.last < new.first
    before, after = old.places[old.last], new.places[new.first]
    bodies = {place[0] for place in (*before, *after)}
    subscripts = {place[2] for place in (*before, *after)}
    return (
        len(bodies) == 1
        and 0 not in bodies
        and len(subscripts) == 1
        and max(place[1] for place in before) <= min(place[1] for place in after)
    )


def _visit(block: Block, number: int, body: int, position: int, lives: dict[Tensor, _Life]) -> None:
    def note(tensor: Tensor, subscripts: tuple[object, ...], elementwise: bool) -> None:
        life = lives.setdefault(tensor, _Life(number, number))
        life.last = number
        place = (body if elementwise else 0, position, subscripts)
        life.places.setdefault(number, []).append(place)

    def use(element: Element, elementwise: bool) -> None:
        note(element.tensor, element.args, elementwise and element.is_plain)

    if isinstance(block, Loop):
        for inner, child in enumerate(block.body):
            # In a recurrence, one step reads what another wrote.
            _visit(child, number, 0 if block.steps else id(block.body), inner, lives)
    elif isinstance(block, Fill):
        note(block.tensor, block.subscripts, False)
    elif isinstance(block, Product):
        for element in (block.equation.lhs, *reads_of(block)):
            use(element, False)
    elif isinstance(block, Accumulator):
        if not block.start:
            use(block.equation.lhs, False)
    elif isinstance(block, Assign):
        for element in block.equation.reads():
            use(element, True)
        use(block.equation.lhs, block.mode in ("set", "add"))
