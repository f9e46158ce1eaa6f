"""strips: run the rows of a batch through the cache a few at a time.

A strip of rows is multiplied and put through its elementwise equations before the next strip, while
it is in the cache. What sums over the rows comes after them. This is the order of
:mod:`symbp.codegen.teamwork`, with a team of one.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from symbp.calculus.sum_rows_first import sum_rows_first
from symbp.calculus.transpose_short_rows import turn_short_rows
from symbp.codegen.blocks import Block, Gather, Product
from symbp.codegen.expressions import INDENT
from symbp.codegen.labels import label
from symbp.codegen.picked_rows import picked_rows
from symbp.codegen.plan import plan
from symbp.codegen.starts import with_starts
from symbp.codegen.teamwork import Share, gathering, in_order, in_phases, shares
from symbp.codegen.writer import Layout, Writer
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["StripWriter", "writer_of"]

# Rows that go through the cache together. With fewer the weights are packed more often, which takes
# as long as four rows do; more would not stay in the second-level cache.
STRIP = 256


def writer_of(program: Program, results: Sequence[Tensor], layout: Layout) -> Writer:
    """Return a writer whose rows run in strips if they can, and one for all rows if not."""
    if program.batch is not None:
        writer = StripWriter(program, results, layout)
        if writer.can_be_divided() and writer.in_tiles():
            return writer
    return Writer(program, results, layout)


def _multiplies_rows(share: Share) -> bool:
    return isinstance(share.block, Product) and share.by_rows


class StripWriter(Writer):
    """Writes a function whose rows run in strips."""

    flattens = True

    def prepared(self, program: Program) -> Program:
        """Return the program with sums in two steps, and with short rows turned."""
        kept = set(self.roots)
        if not self.in_epoch:
            kept |= {*program.inputs, *program.targets}
        program, self.turned = turn_short_rows(sum_rows_first(program), kept)
        return program

    def planned(self) -> list[Block]:
        """Return the blocks in an order in which runs of rows are long."""
        blocks = plan(self.program.equations, self.aliases, rows_apart=True)
        blocks = with_starts(blocks, self.aliases)
        self.picked = picked_rows(blocks, self.layout.inputs) if self.in_epoch else []
        found = shares(blocks)
        if found is None or not any(_multiplies_rows(share) for share in found):
            # There will be no strips (see `can_be_divided`), so any order will do.
            self.shares: list[Share] | None = None
            return blocks
        self.shares = in_order([*gathering(self.gathered().values()), *found], self.aliases)
        return [share.block for share in self.shares if not isinstance(share.block, Gather)]

    def gathered(self) -> dict[Tensor, Tensor]:
        """Return the arguments whose batches are copied, each with what holds its batch.

        Not those whose rows the products read where they are.
        """
        if not self.in_epoch:
            return {}
        used = set(self.program.tensors)
        held = {
            tensor: self.turned.get(tensor, tensor)
            for tensor in (*self.layout.inputs, *self.layout.targets)
            if tensor.shape and not isinstance(tensor.shape[0], int)
        }
        return {
            tensor: batch
            for tensor, batch in held.items()
            if batch in used and tensor not in self.picked
        }

    def can_be_divided(self) -> bool:
        """Whether there are matrix products over the rows of a batch, and every block has parts."""
        return (
            self.shares is not None
            and not self.copied
            and any(_multiplies_rows(share) for share in self.shares)
            # What couples each two examples does not go through the cache by rows.
            and all(
                sum(not isinstance(extent, int) for extent in tensor.shape) <= 1
                for tensor in self.program.tensors
            )
        )

    def blocks(self) -> None:
        """Write the buffers, then the equations, runs of rows in strips."""
        self.buffers()
        for phase in self.phases():
            self.phase(phase, "0", "N")

    def phases(self) -> list[list[Share]]:
        """Return the shares between meetings: within a phase no row reads another one."""
        assert self.shares is not None
        return in_phases(self.shares, self.aliases | self.reused)

    def phase(self, phase: Sequence[Share], first: str, last: str) -> None:
        """Write what is between two meetings: runs of rows in strips, and the rest."""
        for by_rows, run in itertools.groupby(phase, lambda share: share.by_rows):
            if by_rows:
                self.strips(list(run), first, last)
                continue
            for share in run:
                self.blocks_of([share], self.bounds(share))

    def bounds(self, share: Share) -> dict[Index, tuple[str, str]]:
        """Return the ranges of the loops of a share that is not by rows."""
        return {}

    def in_tiles(self) -> bool:
        """Whether no product is left to BLAS, which would rather have all rows at once."""
        return all(
            share.block.first is None or self.emitter.in_tiles(share.block)
            for share in self.shares or ()
            if isinstance(share.block, Product)
        )

    def strips(self, rows: Sequence[Share], first: str, last: str) -> None:
        """Write the loop over strips of rows."""
        self.line(f"for row_first in range({first}, {last}, {STRIP}):")
        start = len(self.code)
        self.line(f"row_last = min(row_first + {STRIP}, {last})")
        # They are set in a loop, which may have no turn.
        known = dict(self.emitter.scope.levels[0].known)
        if any(isinstance(share.block, Gather) for share in rows):
            self.gather()
        for share in rows:
            self.blocks_of([share], dict.fromkeys(share.along, ("row_first", "row_last")))
        self.emitter.scope.levels[0].known = known
        self.code[start:] = [INDENT + text for text in self.code[start:]]

    def gather(self) -> None:
        """Write the loop that copies a strip of examples."""
        raise NotImplementedError

    def blocks_of(self, given: Iterable[Share], ranges: dict[Index, tuple[str, str]]) -> None:
        """Write blocks, with the ranges of some of their loops."""
        emitter = self.emitter
        emitter.ranges = ranges
        for share in given:
            if isinstance(share.block, Gather):
                continue
            count = len(emitter.passages)
            emitter.program([share.block], lambda equation: label(equation, self.names))
            here = len(self.code)
            emitter.passages[count:] = [
                replace(passage, start=passage.start + here, end=passage.end + here)
                for passage in emitter.passages[count:]
            ]
            self.code.extend(emitter.lines)
            emitter.scope.levels[0].lines.clear()
