"""writer: one jitted function of a module, from a program.

A program is pruned to what the function returns, brought to contractions, planned as blocks and
written out, with its own views and buffers.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbp.calculus.contract import contract, typical_size
from symbp.calculus.in_place import in_place_updates
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.share import share
from symbp.codegen.blocks import Block, Product
from symbp.codegen.emit import Emitter
from symbp.codegen.expressions import INDENT
from symbp.codegen.labels import label
from symbp.codegen.names import Names
from symbp.codegen.plan import plan
from symbp.codegen.reuse import reused_memory
from symbp.codegen.storage import dropped_axes, unread_stores
from symbp.notation.equation import Equation
from symbp.notation.errors import UnsupportedError
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.targets.numba.kernel import Kernel

__all__ = ["Layout", "Writer"]


@dataclass(frozen=True)
class Layout:
    """Where tensors lie in the flat buffers, the same for every kernel of a module."""

    parameters: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    hyperparameters: tuple[Tensor, ...]
    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    reserved: frozenset[str]
    itemsize: int = 8
    """Bytes of a number."""


class Writer:
    """Writes one kernel."""

    flattens = False
    """Whether loop nests over whole arrays become one loop; always so in an epoch."""

    def __init__(
        self, program: Program, results: Sequence[Tensor], layout: Layout, in_epoch: bool = False
    ) -> None:
        self.layout = layout
        updates = program.updates if in_epoch else ()
        roots = [*results, *(new for _, new in updates)]
        program = program.replace(updates=updates, gradients=() if in_epoch else program.gradients)
        self.in_epoch, self.roots = in_epoch, roots
        program = self.prepared(self.contracted(program.prune(roots)))
        self.program = program = program.prune(roots)
        self.aliases, self.copied = in_place_updates(program)
        self.names = Names(layout.reserved)
        self.code: list[str] = []
        self.runtime: set[str] = set()
        self.first_equation = 0
        self.bound: set[Tensor] = set()
        self.wholes: dict[Tensor, str] = {}
        self.capacity = "batch_size" if in_epoch else "N"
        self.plan: list[Block] = self.planned()
        kept = {t for t in program.tensors if t.role != "intermediate"} | set(roots)
        kept -= {t for t in kept if not t.rank}
        dropped = dropped_axes(self.plan, kept)
        buffers = [
            tensor
            for tensor in program.tensors
            if tensor.rank and tensor not in kept | set(self.aliases) and not dropped.get(tensor)
        ]
        self.reused = reused_memory(self.plan, buffers)
        self.emitter = Emitter(
            self.names,
            dropped,
            self.aliases | self.reused,
            unread_stores(self.plan, kept | set(roots) | set(self.aliases)),
            self.capacity,
            layout.itemsize,
        )
        self.emitter.flattened = in_epoch or self.flattens

    def contracted(self, program: Program) -> Program:
        """Return the program with its sums as matrix products."""
        return share(contract(lower_logsumexp(program)))

    def prepared(self, program: Program) -> Program:
        """Return the program as it is planned."""
        return program

    def planned(self) -> list[Block]:
        """Return the blocks in the order in which they run."""
        return plan(self.program.equations, self.aliases)

    def line(self, text: str) -> None:
        """Write one line of the function's body."""
        self.code.append(text)

    def given(self, tensors: Sequence[Tensor]) -> list[str]:
        """Return the names of a function's array arguments."""
        gathered = self.in_epoch and self.program_has_batch(tensors)
        return [self.whole(t) if gathered else self.names.tensor(t) for t in tensors]

    def whole(self, tensor: Tensor) -> str:
        """Return the name of the array that holds all examples, beside that of a batch."""
        if tensor not in self.wholes:
            self.wholes[tensor] = self.names.unique(f"{self.names.tensor(tensor)}_all")
        return self.wholes[tensor]

    def program_has_batch(self, tensors: Sequence[Tensor]) -> bool:
        """Whether there are examples to loop over."""
        return any(not isinstance(extent, int) for t in tensors for extent in t.shape)

    def views(self, buffer: str, tensors: Sequence[Tensor], written: bool = False) -> None:
        """Write a view into a flat buffer for each tensor that the program uses."""
        used = set(self.program.tensors)
        for tensor, start in _starts(tensors).items():
            if tensor not in used or (not tensor.rank and written):
                continue  # a scalar that is written goes back at the end
            self.bound.add(tensor)
            name = self.names.tensor(tensor)
            if not tensor.rank:
                self.line(f"{name} = {buffer}[{start}]")
                continue
            self.runtime.add("view")
            self.line(f"{name} = view({buffer}, {start}, ({_tuple(tensor.shape)}))")

    def write_back(self, buffer: str, tensors: Sequence[Tensor]) -> None:
        """Write scalars, which have no view, into a flat buffer."""
        for tensor, start in _starts(tensors).items():
            if not tensor.rank:
                self.line(f"{buffer}[{start}] = {self.names.tensor(tensor)}")

    def arrays(self, tensors: Sequence[Tensor]) -> None:
        """Write what makes the arguments ready: the batch size, and scalars out of their arrays."""
        self.bound.update(tensors)
        batched = [t for t in tensors if t.shape and not isinstance(t.shape[0], int)]
        if batched:
            self.line(f"N = {self.names.tensor(batched[0])}.shape[0]")
        for tensor in tensors:
            if not tensor.rank:
                name = self.names.tensor(tensor)
                self.line(f"{name} = {name}[()]")

    def blocks(self) -> None:
        """Write the buffers, then the equations."""
        self.buffers()
        self.equations()

    def buffers(self) -> None:
        """Write what makes the memory of intermediate tensors."""
        for tensor in self.program.tensors:
            if tensor.role == "constant" and tensor not in self.layout.hyperparameters:
                self.line(f"{self.names.tensor(tensor)} = real({tensor.value!r})")
            if tensor in self.bound or tensor in self.aliases or tensor.role == "constant":
                continue
            if tensor in self.reused:
                continue
            gone = self.emitter.scope.dropped.get(tensor, frozenset())
            shape = [
                str(extent) if isinstance(extent, int) else self.capacity
                for axis, extent in enumerate(tensor.shape)
                if axis not in gone
            ]
            if shape:
                text = f"({', '.join(shape)})" if len(shape) > 1 else shape[0]
                self.line(f"{self.names.tensor(tensor)} = np.empty({text}, real)")
        for tensor, owner in self.reused.items():
            self.line(f"{self.names.tensor(tensor)} = {self.names.tensor(owner)}  # its memory")
        if self.sums_columns():
            self.line("one = np.empty(1, real)")
            self.line("one[0] = real(1)")

    def sums_columns(self) -> bool:
        """Whether a product has a row of ones: one number, read with a stride of zero."""
        return any(isinstance(block, Product) and block.first is None for block in self.plan)

    def equations(self) -> None:
        """Write what computes the program once."""
        for new, old in self.aliases.items():
            if new.rank:
                # The same memory under the same name: the update happens in place.
                self.names.same(new, old)
        self.emitter.program(self.plan, self.label)
        self.first_equation = len(self.code)
        self.code.extend(self.emitter.lines)
        self.emitter.scope.levels[0].lines.clear()

    def label(self, equation: Equation) -> str:
        """Return the comment that says what lines compute."""
        return label(equation, self.names)

    def loop_over_batches(self, arrays: Sequence[Tensor]) -> None:
        """Write the loop over the batches of an epoch around the equations."""
        has_batch = self.program_has_batch(arrays)
        self.bound.update(arrays)
        batched = [t for t in arrays if t.shape and not isinstance(t.shape[0], int)]
        used = self.used()
        if has_batch:
            self.line("examples = order.shape[0]")
        for tensor in batched:
            if tensor in used:
                self.line(f"{self.names.tensor(tensor)} = {self.batch_memory(tensor)}")
        for tensor in arrays:
            if tensor not in batched and tensor in used:
                name = self.names.tensor(tensor)
                if has_batch:
                    self.line(f"{name} = {self.whole(tensor)}" + ("" if tensor.rank else "[()]"))
                elif not tensor.rank:
                    self.line(f"{name} = {name}[()]")
        self.buffers()
        cost = self.names.tensor(self.program.cost) if self.program.cost else ""
        before = len(self.code)
        if has_batch:
            self.line("N = min(batch_size, examples - start)")
            gathered = [t for t in batched if t in used]
            if gathered:
                self.line("for row in range(N):")
                self.line(f"{INDENT}example = np.uintp(order[start + row])")
                for tensor in gathered:
                    self.code.extend(INDENT + text for text in self.copied_row(tensor))
        self.equations()
        self.finish_updates()
        if not has_batch:
            self.store_scalars()
            self.line(f"return float({cost})")
            return
        self.line(f"total += N * float({cost})")
        body = self.code[before:]
        del self.code[before:]
        self.line("total = 0.0")
        self.line("for start in range(0, examples, batch_size):")
        self.code.extend(INDENT + text for text in body)
        self.store_scalars()
        self.line("return total / examples")

    def used(self) -> set[Tensor]:
        """Return the tensors that are read or written."""
        return set(self.program.tensors)

    def batch_memory(self, tensor: Tensor) -> str:
        """Return the text of new memory for the batch of an argument."""
        rest = "".join(f", {extent}" for extent in tensor.shape[1:])
        kind = "np.int64" if tensor.kind == "integer" else "real"
        shape = f"(batch_size{rest})" if rest else "batch_size"
        return f"np.empty({shape}, {kind})"

    def copied_row(self, tensor: Tensor, batch: Tensor | None = None) -> list[str]:
        """Return the loops that copy one example; a slice would take a second to compile.

        `batch` is what holds the examples, if not the tensor itself: the same with its axes in
        reverse order.
        """
        name = self.names.tensor(batch or tensor)
        counters = [f"k{axis}" for axis in range(1, tensor.rank)]
        # A short loop of known length is unrolled before it could be vectorised; asking the array
        # for the length avoids that. The shortest are better unrolled.
        extents = [
            f"{name}.shape[{axis - bool(batch)}]" if int(extent) > 4 else str(extent)
            for axis, extent in enumerate(tensor.shape[1:], start=1)
        ]
        lines = [
            f"{INDENT * depth}for {counter} in range({extent}):"
            for depth, (counter, extent) in enumerate(zip(counters, extents, strict=True))
        ]
        rest = "".join(f", {counter}" for counter in counters)
        place = f"{rest[2:]}, row" if batch else f"row{rest}"
        copy = f"{name}[{place}] = {self.whole(tensor)}[example{rest}]"
        return [*lines, INDENT * len(counters) + copy]

    def finish_updates(self) -> None:
        """Copy what was not computed in place to where it belongs."""
        for old, new in self.program.updates:
            if not old.rank:
                self.line(f"{self.names.tensor(old)} = {self.names.tensor(new)}")
            elif new in self.copied:
                counters = [f"k{axis}" for axis in range(old.rank)]
                for depth, (counter, extent) in enumerate(zip(counters, old.shape, strict=True)):
                    self.line(f"{INDENT * depth}for {counter} in range({extent}):")
                place = ", ".join(counters)
                copy = f"{self.names.tensor(old)}[{place}] = {self.names.tensor(new)}[{place}]"
                self.line(INDENT * old.rank + copy)

    def store_scalars(self) -> None:
        """Store the updated scalars, which are local variables while an epoch runs."""
        layout, updated = self.layout, {old for old, _ in self.program.updates}
        for buffer, tensors in (("parameters", layout.parameters), ("state", layout.states)):
            for tensor, start in _starts(tensors).items():
                if tensor in updated and not tensor.rank:
                    self.line(f"{buffer}[{start}] = {self.names.tensor(tensor)}")

    def kernel(self, name: str, arguments: Sequence[str]) -> Kernel:
        """Return the function, of the lines written so far."""
        self.limit_threads()
        header = ["@_compiled", f"def {name}({', '.join(arguments)}):"]
        text = "\n".join([*header, *(INDENT + line if line else "" for line in self.code)])
        calls = frozenset(self.routines())
        before = self.first_equation + len(header)
        passages = () if self.in_epoch else tuple(
            replace(p, start=p.start + before, end=p.end + before) for p in self.emitter.passages
        )  # fmt: skip
        return Kernel(text + "\n", calls, passages)

    def limit_threads(self) -> None:
        """Write the choice of BLAS's threads around the whole, by the largest product."""
        products = [
            extents for routine, extents in self.emitter.products if not routine.startswith("tiled")
        ]
        if not products:
            return
        largest = max(products, key=typical_size)
        number = math.prod(extent for extent in largest if isinstance(extent, int))
        batches = [self.capacity] * sum(not isinstance(extent, int) for extent in largest)
        call = f"threads = limit_threads({' * '.join([*batches, str(number)])})"
        # The batch size has to be known first.
        known = next((i + 1 for i, line in enumerate(self.code) if line.startswith("N = ")), 0)
        self.code.insert(known, call)
        self.first_equation += 1
        self.code.insert(len(self.code) - 1, "restore_threads(threads)")
        self.runtime |= {"limit_threads", "restore_threads"}

    def routines(self) -> set[str]:
        """Return the runtime functions that are called."""
        products = {routine for routine, _ in self.emitter.products}
        return self.runtime | self.emitter.scope.kernels | products


def _tuple(extents: Sequence[object]) -> str:
    """Return the text of a tuple's entries."""
    return ", ".join(map(str, extents)) + ("," if len(extents) == 1 else "")


def _starts(tensors: Sequence[Tensor]) -> dict[Tensor, int]:
    """Return where each tensor begins in a flat buffer."""
    sizes = [_size(tensor) for tensor in tensors]
    return dict(zip(tensors, itertools.accumulate(sizes, initial=0), strict=False))


def _size(tensor: Tensor) -> int:
    size = 1
    for extent in tensor.shape:
        if not isinstance(extent, int):
            raise UnsupportedError(f"{tensor.name}: a {tensor.role} cannot have a run-time extent")
        size *= extent
    return size
