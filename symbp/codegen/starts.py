"""starts: a product begins with what it is added to.

``z[n, j] = Σ_k W[j, k] x[n, k]`` and ``z[n, j] += b[j]`` become one product in tiles, which adds
its sums to the biases while they are in registers. Otherwise every z would be written, read and
written once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symbp.calculus.matrix_products import group_at, is_innermost
from symbp.codegen.blocks import Assign, Block, Fill, Leaf, Loop, Product, leaves
from symbp.notation.equation import Equation
from symbp.notation.tensor import Element, Tensor

__all__ = ["with_starts"]


def with_starts(blocks: Sequence[Block], aliases: Mapping[Tensor, Tensor]) -> list[Block]:
    """Return blocks whose products take over the one addend of the tensor that they write.

    Parameters
    ----------
    blocks : sequence of Block
        In the order in which they run.
    aliases : mapping of Tensor to Tensor
        For each tensor that is computed in place, the tensor whose memory it takes over.

    Returns
    -------
    list of Block
        Some products with a start, without the assignments that these make superfluous.
    """
    result = list(blocks)
    for place, block in enumerate(blocks):
        if not isinstance(block, Product) or _written(block) in aliases:
            continue
        writes = [
            (where, write)
            for where, other in enumerate(result)
            for write in leaves(other)
            if _written(write) is _written(block) and write is not block
        ]
        if len(writes) != 1:
            continue
        ((where, addend),) = writes
        start = _start(block, addend)
        if start is None:
            continue
        # What is read sooner or later than before must not change in between.
        memory = aliases.get(start.body.tensor, start.body.tensor)
        between = result[min(where, place) : max(where, place) + 1]
        changed = (_written(write) for other in between for write in leaves(other))
        if any(aliases.get(tensor, tensor) is memory for tensor in changed):
            continue
        result[place] = replace(block, accumulate=False, start=start)
        result[where] = _without(result[where], addend)
    return [block for block in result if not isinstance(block, Loop) or block.body]


def _start(block: Product, addend: Leaf) -> Equation | None:
    """Return the addend's equation in the product's indices, if its rows are rows in memory."""
    equation = block.equation
    if (
        not isinstance(addend, Assign)
        or addend.mode not in ("set", "add")
        or addend.equation.reduce
        or not isinstance(addend.equation.body, Element)
        or not addend.equation.lhs.is_plain
        or not equation.lhs.is_plain
        or block.first is None
        or block.loops
        or not block.columns
    ):
        return None
    names = dict(zip(addend.equation.lhs.args, equation.lhs.args, strict=True))
    start = addend.equation.rename(names)
    read = start.body
    across = [index for index in read.args if index in block.rows]
    if (
        not read.is_plain
        or read.tensor.kind == "integer"
        or set(read.args) - {*block.rows, *block.columns}
        or set(block.columns) - set(read.args)
        or tuple(across) not in ((), block.rows)
    ):
        return None
    in_rows = not across or group_at(read, block.rows) is not None
    return start if in_rows and is_innermost(read, block.columns) else None


def _written(block: Leaf) -> Tensor:
    return block.tensor if isinstance(block, Fill) else block.equation.tensor


def _without(block: Block, leaf: Block) -> Block:
    """Return a loop nest without one of its leaves, and without loops that are then empty."""
    if not isinstance(block, Loop):
        return block
    body = [_without(child, leaf) for child in block.body if child is not leaf]
    return replace(block, body=[b for b in body if not isinstance(b, Loop) or b.body])
