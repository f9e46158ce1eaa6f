"""limits: the numbers of a target on which decisions rest, each with where it comes from."""

from dataclasses import dataclass

from symbp.calculus.transpose_short_rows import SHORT_ROW
from symbp.calculus.unrolled import MOST_OPERATIONS
from symbp.loops.block_sums import Blocks

__all__ = ["Limits"]

BLOCKS = Blocks(
    few=256, terms=32, in_vectors=256, least=8, multiplied=40, products=512, places=8192
)


@dataclass(frozen=True)
class Limits:
    """What a target can do, and what was measured to be worth doing on it.

    Attributes
    ----------
    itemsize : int
        Bytes of a number: 4 or 8.
    most_operations : int
        How many scalar operations an epoch may have to be written out by element. Numba compiles
        one in 0.3 s and 3 ms an operation, faster than linearly growing beyond: 2 s for 600, which
        is what the loops of such a network take as well. 0: never.
    strip : int or None
        Rows that go through the cache together. With fewer the weights are packed more often,
        which takes as long as four rows do; more would not stay in the second-level cache. None:
        no strips.
    cache : int
        Bytes of the second-level cache that the numbers of some rows may take, from the first layer
        to the last gradient. 0: whole batches go through the layers one after another.
    short_row : int
        Rows up to this long are laid out so that loops run along the batch: as many numbers as a
        vector register holds. 0: none are.
    team : bool
        Whether several threads may run a function together.
    blas : bool
        Whether there is a library of matrix products.
    folds : bool
        Whether updates may be added straight onto the parameters.
    blocks : Blocks
        How sums over many rows are cut in single precision. Equal terms are the worst: b of them,
        one after another, have an error of up to 2·10⁻⁸ b of their sum, and half of it on average.
    front_end : bool
        Whether Numba's front end may compile what is written out by element: the text of a module
        has 1200 lines less then, and takes a second longer for each kernel.
    library_block : int
        Multiplications of a block from which on a library multiplies it faster than tiles: a call
        takes longer to begin than tiles take for fewer.
    layout : bool
        Whether axes of what is computed may lie in memory in another order than they were written.
    """

    itemsize: int = 8
    most_operations: int = MOST_OPERATIONS
    strip: int | None = 256
    cache: int = 2**19
    short_row: int = SHORT_ROW
    team: bool = True
    blas: bool = True
    folds: bool = True
    blocks: Blocks = BLOCKS
    front_end: bool = True
    library_block: int = 10**7
    layout: bool = True
