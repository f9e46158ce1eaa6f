"""storage: which tensors need memory, and which of their axes.

A tensor that is written and read in the same iteration of a loop needs no axis for that loop; one
that lives in the innermost iteration only becomes a local variable.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symbp.codegen.blocks import Accumulator, Assign, Block, Fill, Loop, Product, reads_of
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["dropped_axes", "unread_stores"]


@dataclass
class _Access:
    path: tuple[Loop, ...]
    subscripts: tuple[object, ...]


def dropped_axes(blocks: Sequence[Block], kept: Iterable[Tensor]) -> dict[Tensor, frozenset[int]]:
    """Return, for each tensor, the axes that need no memory.

    Parameters
    ----------
    blocks : sequence of Block
        The lowered program.
    kept : iterable of Tensor
        Tensors that need all of their axes: inputs, parameters, results.
    """
    accesses: dict[Tensor, list[_Access]] = {}
    whole = set(kept)
    _collect(blocks, (), accesses, whole)
    result: dict[Tensor, frozenset[int]] = {}
    for tensor, found in accesses.items():
        result[tensor] = frozenset() if tensor in whole else _droppable(found)
    return result


def unread_stores(blocks: Sequence[Block], kept: Iterable[Tensor]) -> set[int]:
    """Return the ids of the assignments whose result is read in the same iteration only.

    Such a value stays in a register: nothing else ever loads it from memory.
    """
    reads: dict[Tensor, list[tuple[int, tuple[object, ...]]]] = {}
    stores: list[tuple[Assign, int]] = []

    def visit(body: Sequence[Block]) -> None:
        for block in body:
            if isinstance(block, Loop):
                visit(block.body)
            elif not isinstance(block, Fill) and not (
                isinstance(block, Accumulator) and not block.start
            ):
                for element in reads_of(block):
                    reads.setdefault(element.tensor, []).append((id(body), element.args))
            # Outside of loops each block reads from memory what an earlier one computed.
            in_loop = body is not blocks
            if isinstance(block, Assign) and block.mode in ("set", "add") and in_loop:
                stores.append((block, id(body)))

    visit(blocks)
    whole = set(kept)
    last = {block.equation.tensor: block for block, _ in stores}
    return {
        id(block)
        for block, body in stores
        if block.equation.tensor not in whole
        and last[block.equation.tensor] is block
        and not block.equation.is_scatter
        and all(
            place == body and args == block.equation.lhs.args
            for place, args in reads.get(block.equation.tensor, ())
        )
    }


def _droppable(accesses: list[_Access]) -> frozenset[int]:
    axes: set[int] = set()
    for loops in zip(*(access.path for access in accesses), strict=False):
        loop = loops[0]
        if any(other is not loop for other in loops) or loop.steps:
            break
        index: Index = loop.index
        common = set.intersection(
            *({a for a, s in enumerate(access.subscripts) if s is index} for access in accesses)
        )
        if not common:
            break  # the tensor outlives an iteration of this loop
        axes |= common
    return frozenset(axes)


def _collect(
    blocks: Sequence[Block],
    path: tuple[Loop, ...],
    accesses: dict[Tensor, list[_Access]],
    whole: set[Tensor],
) -> None:
    def note(element: Element) -> None:
        accesses.setdefault(element.tensor, []).append(_Access(path, element.args))

    for block in blocks:
        if isinstance(block, Loop):
            _collect(block.body, (*path, block), accesses, whole)
        elif isinstance(block, Fill):
            accesses.setdefault(block.tensor, []).append(_Access(path, block.subscripts))
        elif isinstance(block, Product):
            for element in (*reads_of(block), block.equation.lhs):
                whole.add(element.tensor)
                note(element)
        elif isinstance(block, Accumulator):
            if not block.start:
                note(block.equation.lhs)
        elif isinstance(block, Assign):
            for element in block.equation.reads():
                note(element)
            if block.mode != "reduce":
                note(block.equation.lhs)
