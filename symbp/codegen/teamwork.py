"""teamwork: how a step is divided among threads, and where they wait for each other.

Each block is divided along an index of what it writes: a block of rows along the batch, an update
of parameters along one of their axes. Every member of the team runs the same code over its own
range of that index, so an element is computed by one member, in the same order of summation
whatever the number of members. Members wait only where one reads or overwrites what another wrote
in another division; blocks are reordered so that this is seldom: twice a step for dense layers,
before the gradients are summed over the batch and before the next step.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from symbp.codegen.blocks import Accumulator, Assign, Block, Fill, Gather, Loop, Product, reads_of
from symbp.notation.index import Extent, Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["Share", "gathering", "in_order", "in_phases", "shares"]


@dataclass(frozen=True)
class Share:
    """A block, and the division of it.

    Attributes
    ----------
    block : Block or Gather
        What is to be done.
    along : frozenset of Index
        The indices of its loops, or of its matrix product, of which each member has a range; none
        when every member computes the whole for itself, as scalars.
    extent : Extent or None
        The extent that is divided.
    """

    block: Block | Gather
    along: frozenset[Index] = frozenset()
    extent: Extent | None = None

    @property
    def by_rows(self) -> bool:
        """Whether each member has some of the batch's examples."""
        return self.extent is not None and not isinstance(self.extent, int)


@dataclass(frozen=True)
class _Use:
    """A block's use of a tensor: the axis of its division, and whether it writes."""

    tensor: Tensor
    axis: int | None
    writes: bool


def shares(blocks: Sequence[Block]) -> list[Share] | None:
    """Return how each block can be divided, or None when one cannot.

    A recurrence runs step by step, and a block that writes both scalars and arrays has no
    division: such programs are run by one thread.
    """
    result = []
    for block in blocks:
        share = _share(block)
        if share is None:
            return None
        result.append(share)
    return result


def gathering(tensors: Iterable[Tensor]) -> list[Share]:
    """Return the shares that copy the batch: each member copies the examples that it has."""
    result = []
    for tensor in tensors:
        (index,) = (index for index in tensor.indices if not isinstance(index.extent, int))
        result.append(Share(Gather(tensor), frozenset([index]), index.extent))
    return result


def in_order(given: Sequence[Share], memory: Mapping[Tensor, Tensor]) -> list[Share]:
    """Return the shares in an order in which the members seldom wait for each other.

    Parameters
    ----------
    given : sequence of Share
        In an order in which they can run.
    memory : mapping of Tensor to Tensor
        For tensors without memory of their own, the one whose memory they use.
    """
    uses = [list(_uses(share)) for share in given]
    missing, followers = _dependences(uses, memory)
    # Rows first: runs of them can go through the cache a few rows at a time.
    ready = [(not share.by_rows, n) for n, share in enumerate(given) if not missing[n]]
    heapq.heapify(ready)
    order: list[int] = []
    phase = _Phase(memory)
    waiting: list[tuple[bool, int]] = []
    while ready or waiting:
        if not ready:
            phase, ready, waiting = _Phase(memory), waiting, []
            heapq.heapify(ready)
        chosen = heapq.heappop(ready)
        n = chosen[1]
        if phase.clashes(uses[n]):
            waiting.append(chosen)  # a phase only grows
            continue
        phase.add(uses[n])
        order.append(n)
        for later in followers[n]:
            missing[later] -= 1
            if not missing[later]:
                heapq.heappush(ready, (not given[later].by_rows, later))
    return [given[n] for n in order]


def in_phases(given: Sequence[Share], memory: Mapping[Tensor, Tensor]) -> list[list[Share]]:
    """Split shares, in their order, where the members have to wait for each other."""
    phases: list[list[Share]] = [[]]
    phase = _Phase(memory)
    for share in given:
        own = list(_uses(share))
        if phase.clashes(own):
            phases.append([])
            phase = _Phase(memory)
        phases[-1].append(share)
        phase.add(own)
    return phases


class _Phase:
    """How the blocks between two meetings use the memory of arrays."""

    def __init__(self, memory: Mapping[Tensor, Tensor]) -> None:
        self.memory = memory
        self.uses: dict[Tensor, set[tuple[int | None, bool]]] = {}
        """For each tensor with memory the axes of divisions, and whether they write."""

    def add(self, uses: Iterable[_Use]) -> None:
        """Take in a block."""
        for use in uses:
            if use.tensor.rank:
                place = self.memory.get(use.tensor, use.tensor)
                self.uses.setdefault(place, set()).add((use.axis, use.writes))

    def clashes(self, uses: Iterable[_Use]) -> bool:
        """Whether one member's part of a block may touch what another's part of these writes.

        Not if both are divided along the same axis: a plain subscript runs over the whole axis, so
        the two divisions are one.
        """
        return any(
            (writes or use.writes) and (axis is None or axis != use.axis)
            for use in uses
            for axis, writes in self.uses.get(self.memory.get(use.tensor, use.tensor), ())
        )


def _dependences(
    uses: Sequence[Iterable[_Use]], memory: Mapping[Tensor, Tensor]
) -> tuple[list[int], list[list[int]]]:
    """Return how many blocks each block has to wait for, and which wait for it.

    Of the blocks that write what a block uses, or use what it writes, those that the others wait
    for are left out.
    """
    needs: list[set[int]] = [set() for _ in uses]
    writer: dict[Tensor, int] = {}
    readers: dict[Tensor, list[int]] = {}  # since it was last written
    for number, own in enumerate(uses):
        places: dict[Tensor, bool] = {}
        for use in own:
            place = memory.get(use.tensor, use.tensor)
            places[place] = places.get(place, False) or use.writes
        for place, writes in places.items():
            if place in writer:
                needs[number].add(writer[place])
            if writes:
                needs[number].update(readers.pop(place, ()))
                writer[place] = number
            else:
                readers.setdefault(place, []).append(number)
    followers: list[list[int]] = [[] for _ in uses]
    for number, before in enumerate(needs):
        for earlier in before:
            followers[earlier].append(number)
    return [len(before) for before in needs], followers


# Division -------------------------------------------------------------------------------------


def _share(block: Block) -> Share | None:
    if isinstance(block, Loop) and block.steps:
        return None
    if isinstance(block, Product):
        return _product_share(block)
    if isinstance(block, Fill):
        free = [
            index
            for index, subscript in zip(block.tensor.indices, block.subscripts, strict=True)
            if subscript is None
        ]
        if not free:
            return Share(block) if not block.tensor.rank else None
        index = _preferred(free)
        return Share(block, frozenset([index]), index.extent)
    found = list(_leaves(block, ()))
    arrays = [leaf for leaf in found if leaf[0].rank]
    if not arrays:
        return Share(block)
    if len(arrays) < len(found):
        return None
    extents = dict.fromkeys(index.extent for index in _candidates(*found[0][1:]))
    for extent in sorted(extents, key=_rank):
        along = set()
        for _, subscripts, path, reduced in found:
            own = [
                index for index in _candidates(subscripts, path, reduced) if index.extent == extent
            ]
            if not own:
                break
            along.add(own[0])
        else:
            if all(len(along.intersection(path)) == 1 for _, _, path, _ in found):
                return Share(block, frozenset(along), extent)
    return None


def _product_share(block: Product) -> Share | None:
    free = [*block.loops, *(g[0] for g in (block.rows, block.columns) if len(g) == 1)]
    free = [index for index in free if index not in block.equation.reduce]
    if not free:
        return None
    index = _preferred(free)
    return Share(block, frozenset([index]), index.extent)


def _rank(extent: Extent) -> tuple[bool, int]:
    return isinstance(extent, int), -extent if isinstance(extent, int) else 0


def _preferred(indices: Sequence[Index]) -> Index:
    """Return the batch, or else the longest axis."""
    return min(indices, key=lambda index: _rank(index.extent))


_Leaf = tuple[Tensor, tuple[object, ...], tuple[Index, ...], tuple[Index, ...]]


def _leaves(block: Block, path: tuple[Index, ...]) -> Iterator[_Leaf]:
    """Yield each write in a loop nest: tensor, subscripts, loops around it, reduced indices."""
    if isinstance(block, Loop):
        for child in block.body:
            yield from _leaves(child, (*path, block.index))
    elif isinstance(block, Fill):
        yield block.tensor, block.subscripts, path, ()
    elif isinstance(block, (Assign, Accumulator)):
        equation = block.equation
        yield equation.tensor, equation.lhs.args, path, equation.reduce


def _candidates(
    subscripts: tuple[object, ...], path: tuple[Index, ...], reduced: tuple[Index, ...]
) -> list[Index]:
    return [index for index in path if index in subscripts and index not in reduced]


# Uses -----------------------------------------------------------------------------------------


def _uses(share: Share) -> Iterator[_Use]:
    def axis(subscripts: Sequence[object]) -> int | None:
        places = [a for a, s in enumerate(subscripts) if s in share.along]
        return places[0] if len(places) == 1 else None

    def use(element: Element, writes: bool) -> _Use:
        return _Use(element.tensor, axis(element.args), writes)

    def visit(block: Block | Gather) -> Iterator[_Use]:
        if isinstance(block, Gather):
            yield _Use(block.tensor, axis(block.tensor.indices), True)
        elif isinstance(block, Loop):
            for child in block.body:
                yield from visit(child)
        elif isinstance(block, Fill):
            subscripts = [
                index if subscript is None else subscript
                for index, subscript in zip(block.tensor.indices, block.subscripts, strict=True)
            ]
            yield _Use(block.tensor, axis(subscripts), True)
        else:
            for element in reads_of(block):
                yield use(element, False)
            yield use(block.equation.lhs, True)

    yield from visit(share.block)
