"""picked_rows: arguments whose batches need not be copied, as products read their rows in place.

The rows of a batch lie anywhere among all examples. A product in tiles reads its operands row by
row, and takes the numbers of the rows as well as a matrix of their copies.
"""

from collections.abc import Iterable, Sequence

from symbp.calculus.matrix_products import group_at
from symbp.codegen.blocks import Block, Product, leaves, reads_of
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["picked_rows"]


def picked_rows(blocks: Sequence[Block], arguments: Iterable[Tensor]) -> list[Tensor]:
    """Return those of the arguments that nothing but products uses, row by row.

    Parameters
    ----------
    blocks : sequence of Block
        All that reads them.
    arguments : iterable of Tensor
        Those with an example in each row are looked at.
    """
    uses: dict[Tensor, list[bool]] = {
        tensor: []
        for tensor in arguments
        if tensor.rank > 1
        and tensor.kind != "integer"
        and [isinstance(extent, int) for extent in tensor.shape]
        == [False] + [True] * (tensor.rank - 1)
    }

    for leaf in (leaf for block in blocks for leaf in leaves(block)):
        for element in reads_of(leaf):
            if element.tensor in uses:
                by_rows = isinstance(leaf, Product) and _by_rows(leaf, element)
                uses[element.tensor].append(by_rows)
    return [tensor for tensor, found in uses.items() if found and all(found)]


def _by_rows(block: Product, element: Element) -> bool:
    """Whether a product reads an element's rows one after another, each along memory."""
    if block.loops or block.first is None or not block.columns or not element.is_plain:
        return False
    # One operand may be picked, and nothing else read from where it lies.
    tensors = [read.tensor for read in reads_of(block)]
    if tensors.count(element.tensor) > 1:
        return False
    if element == block.first:
        return _is(block.rows, element) and _is_inner(element, block.summed)
    return _is(block.summed, element) and _is_inner(element, block.columns)


def _is(group: Sequence[Index], element: Element) -> bool:
    """Whether a group is the number of an example."""
    return list(group) == list(element.args[:1])


def _is_inner(element: Element, group: Sequence[Index]) -> bool:
    place = group_at(element, group)
    return place == (1, len(element.args) - 1)
