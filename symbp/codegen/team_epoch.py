"""team_epoch: the epoch of a program whose steps can be divided among threads.

See :mod:`symbp.codegen.teamwork` for the division, and :mod:`symbp.codegen.strips` for how rows go
through the cache.
"""

import math
from collections.abc import Sequence

from symbp.codegen.expressions import INDENT
from symbp.codegen.strips import StripWriter
from symbp.codegen.teamwork import Share
from symbp.codegen.writer import Layout
from symbp.notation.index import Extent, Index
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.targets.numba.kernel import Kernel

__all__ = ["team_epoch"]


def team_epoch(program: Program, layout: Layout) -> Kernel | None:
    """Return the function that a member of a team runs, or None if the steps cannot be divided."""
    assert program.cost is not None
    if program.batch is None:
        return None
    writer = _TeamWriter(program, [program.cost], layout, in_epoch=True)
    if not writer.can_be_divided():
        return None
    writer.emitter.only_tiles = True
    writer.views("parameters", layout.parameters)
    writer.views("state", layout.states)
    for position, tensor in enumerate(layout.hyperparameters):
        writer.line(f"{writer.names.tensor(tensor)} = hyperparameters[{position}]")
    return writer.divided([*layout.inputs, *layout.targets])


class _TeamWriter(StripWriter):
    """Writes the part of an epoch that one member of the team runs."""

    def divided(self, arrays: Sequence[Tensor]) -> Kernel:
        """Write the whole function, and the constants that its caller needs."""
        assert self.shares is not None
        used = set(self.program.tensors)
        gathered = self.gathered()
        for tensor, batch in gathered.items():
            self.names.same(batch, tensor)
        self.bound.update(arrays)
        self.line("examples = order.shape[0]")
        for tensor in arrays:
            if tensor in self.picked:
                self.emitter.picked[tensor] = self.whole(tensor)
            elif tensor not in gathered and tensor in used:
                self.line(
                    f"{self.names.tensor(tensor)} = {self.whole(tensor)}"
                    + ("" if tensor.rank else "[()]")
                )
        table = self.shared_buffers(list(gathered.values()))
        for extent in dict.fromkeys(s.extent for s in self.shares if isinstance(s.extent, int)):
            self.line(f"first_{extent} = {extent} * member // members")
            self.line(f"last_{extent} = {extent} * (member + 1) // members")
        self.line("arrived = 0")
        self.line("total = 0.0")
        self.line("for start in range(0, examples, batch_size):")
        before = len(self.code)
        self.line("N = min(batch_size, examples - start)")
        if self.picked:
            self.line("ahead = min(start + batch_size, examples - N)")
        self.line("first = N * member // members")
        self.line("last = N * (member + 1) // members")
        for new, old in self.aliases.items():
            if new.rank:
                self.names.same(new, old)
        for number, phase in enumerate(self.phases()):
            if number:
                self.line("arrived = wait_for_team(team, members, arrived)")
            self.phase(phase, "first", "last")
        self.finish_updates()
        assert self.program.cost is not None
        self.line(f"total += N * float({self.names.tensor(self.program.cost)})")
        self.line("arrived = wait_for_team(team, members, arrived)")
        self.code[before:] = [INDENT + text for text in self.code[before:]]
        self.store_scalars()
        self.line("return total")
        return self.team_kernel(arrays, table)

    def shared_buffers(self, gathered: Sequence[Tensor]) -> list[tuple[int, int]]:
        """Write the views of the memory that the team shares; return its parts."""
        table: list[tuple[int, int]] = []
        own: list[str] = []
        viewed: set[Tensor] = set()
        for tensor in [*gathered, *self.program.tensors]:
            name = self.names.tensor(tensor)
            if tensor.role == "constant" and tensor not in self.layout.hyperparameters:
                self.line(f"{name} = real({tensor.value!r})")
            if tensor.role == "constant" or tensor in self.reused or tensor in self.aliases:
                continue
            if tensor in viewed or (tensor in self.bound and tensor not in gathered):
                continue
            gone = self.emitter.scope.dropped.get(tensor, frozenset())
            kept = [extent for axis, extent in enumerate(tensor.shape) if axis not in gone]
            if not kept:
                continue
            if gone:
                # One for each iteration of a loop: every member has its own.
                own.append(f"{name} = np.empty(({self.capacities(kept)},), real)")
                continue
            viewed.add(tensor)
            self.line(self.shared_view(tensor, kept, table))
        if self.sums_columns():
            self.line(f"one = view(memory, offsets[{len(table)}], (1,))")
            self.line("one[0] = real(1)")
            table.append((0, 1))
        self.code.extend(own)
        for tensor, owner in self.reused.items():
            self.line(f"{self.names.tensor(tensor)} = {self.names.tensor(owner)}  # its memory")
        return table

    def shared_view(
        self, tensor: Tensor, shape: Sequence[Extent], table: list[tuple[int, int]]
    ) -> str:
        """Return the line that makes a view, and add what it takes to the table."""
        place = len(table)
        fixed = math.prod(extent for extent in shape if isinstance(extent, int))
        batches = sum(not isinstance(extent, int) for extent in shape)
        assert batches <= 1, "a buffer has one row for each example"
        integers = tensor.kind == "integer"
        words = fixed * (2 if integers else 1)  # enough for 64 bits in either precision
        table.append((words, 0) if batches else (0, words))
        name = self.names.tensor(tensor)
        if integers:
            size = f"batch_size * {words}" if batches else str(words)
            used = f"batch_size * {fixed}" if batches else str(fixed)
            whole = f"memory[offsets[{place}]:offsets[{place}] + {size}].view(np.int64)"
            return f"{name} = {whole}[:{used}].reshape(({self.capacities(shape)},))"
        self.runtime.add("view")
        return f"{name} = view(memory, offsets[{place}], ({self.capacities(shape)},))"

    def capacities(self, shape: Sequence[Extent]) -> str:
        """Return the text of the extents of a buffer."""
        return ", ".join(
            str(extent) if isinstance(extent, int) else self.capacity for extent in shape
        )

    # Phases -----------------------------------------------------------------------------------

    def bounds(self, share: Share) -> dict[Index, tuple[str, str]]:
        """Return the member's own range of what a share is divided along."""
        ends = (f"first_{share.extent}", f"last_{share.extent}")
        return dict.fromkeys(share.along, ends)

    def gather(self) -> None:
        """Write the loop that copies a strip of examples, and asks for those of the next batch."""
        gathered = self.gathered()
        self.line("for row in range(row_first, row_last):")
        self.line(f"{INDENT}example = np.uintp(order[start + row])")
        later = [tensor for tensor in gathered if tensor.rank > 1]
        if later:
            ahead = "order[min(start + batch_size + row, examples - 1)]"
            self.line(f"{INDENT}later = np.uintp({ahead})")
            self.runtime.add("prefetch")
        for tensor in later:
            self.line(f"{INDENT}prefetch({self.whole(tensor)}, later)")
        for tensor, batch in gathered.items():
            if batch is not tensor:
                self.code.extend(INDENT + text for text in self.copied_row(tensor, batch))
                continue
            self.runtime.add("copy_row")
            size = math.prod(int(extent) for extent in tensor.shape[1:])
            arguments = f"{self.names.tensor(tensor)}, row, {self.whole(tensor)}, example"
            self.line(f"{INDENT}copy_row({arguments}, {size})")

    def team_kernel(self, arrays: Sequence[Tensor], table: Sequence[tuple[int, int]]) -> Kernel:
        """Return the function, of the lines written so far, and the constants beside it."""
        arguments = [
            *("parameters", "state", "hyperparameters", "order", "batch_size"),
            *("memory", "offsets", "team", "member", "members"),
            *self.given(arrays),
        ]
        products = [extents for _, extents in self.emitter.products]
        work = sum(math.prod(e for e in p if isinstance(e, int)) for p in products)
        lines = [
            "# The buffers of a step: elements for each example, and besides.",
            f"_BUFFERS: Any = ({''.join(f'({a}, {b}), ' for a, b in table).rstrip()})",
            f"_MULTIPLICATIONS = {work}  # of an example in the matrix products of a step",
            "",
            "",
            "@_compiled",
            f"def _epoch_part({', '.join(arguments)}):",
            *(INDENT + line if line else "" for line in self.code),
        ]
        calls = self.routines() | {"wait_for_team"}
        return Kernel("\n".join(lines) + "\n", frozenset(calls))
