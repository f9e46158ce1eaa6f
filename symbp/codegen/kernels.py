"""kernels: the jitted functions of a module, from programs.

Each kernel is one program, pruned to what it returns, with its own views, buffers and blocks:
``predict`` needs the output, ``loss`` the cost, ``gradient`` the adjoints, ``epoch`` the updates.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbp.calculus.share import share
from symbp.codegen.blocks import Block
from symbp.codegen.contract import contract, typical_size
from symbp.codegen.emit import Emitter, Passage
from symbp.codegen.expressions import INDENT
from symbp.codegen.fold import fold
from symbp.codegen.in_place import in_place_updates
from symbp.codegen.labels import label
from symbp.codegen.logsumexp import lower_logsumexp
from symbp.codegen.names import Names
from symbp.codegen.plan import plan
from symbp.codegen.reuse import reused_memory
from symbp.codegen.storage import dropped_axes, unread_stores
from symbp.notation.errors import UnsupportedError
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["Kernel", "Layout", "epoch_kernel", "gradient_kernel", "loss_kernel", "predict_kernel"]


@dataclass(frozen=True)
class Layout:
    """Where tensors lie in the flat buffers, the same for every kernel of a module."""

    parameters: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    hyperparameters: tuple[Tensor, ...]
    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    reserved: frozenset[str]


@dataclass(frozen=True)
class Kernel:
    """A kernel's text, the runtime functions that it calls, and which lines compute what.

    The passages count lines of the text, and are there for kernels that do not loop over batches.
    """

    text: str
    calls: frozenset[str]
    passages: tuple[Passage, ...] = ()


def predict_kernel(program: Program, layout: Layout) -> Kernel:
    """Return the kernel that computes the output from parameters and inputs."""
    assert program.output is not None
    writer = _Writer(program, [program.output], layout)
    writer.views("parameters", layout.parameters)
    writer.arrays(layout.inputs)
    writer.blocks()
    result = writer.names.tensor(program.output)
    writer.line(f"return {result}" if program.output.rank else f"return np.full((), {result})")
    return writer.kernel("_predict_kernel", ["parameters", *writer.given(layout.inputs)])


def loss_kernel(program: Program, layout: Layout) -> Kernel:
    """Return the kernel that computes the cost."""
    assert program.cost is not None
    writer = _Writer(program, [program.cost], layout)
    arrays = (*layout.inputs, *layout.targets)
    writer.views("parameters", layout.parameters)
    writer.arrays(arrays)
    writer.blocks()
    writer.line(f"return float({writer.names.tensor(program.cost)})")
    return writer.kernel("_loss_kernel", ["parameters", *writer.given(arrays)])


def gradient_kernel(program: Program, layout: Layout) -> Kernel:
    """Return the kernel that writes the gradient and returns the cost."""
    assert program.cost is not None
    gradients = dict(program.gradients)
    results = [gradients[tensor] for tensor in layout.parameters]
    writer = _Writer(program, [program.cost, *results], layout)
    arrays = (*layout.inputs, *layout.targets)
    writer.views("parameters", layout.parameters)
    writer.views("gradients", results)
    writer.arrays(arrays)
    writer.blocks()
    writer.write_back("gradients", results)
    writer.line(f"return float({writer.names.tensor(program.cost)})")
    return writer.kernel("_gradient_kernel", ["parameters", "gradients", *writer.given(arrays)])


def epoch_kernel(program: Program, layout: Layout) -> Kernel:
    """Return the kernel that runs an epoch: gather, forward, backward and update per batch."""
    assert program.cost is not None
    writer = _Writer(fold(program), [program.cost], layout, in_epoch=True)
    arrays = (*layout.inputs, *layout.targets)
    writer.views("parameters", layout.parameters)
    writer.views("state", layout.states)
    for position, tensor in enumerate(layout.hyperparameters):
        writer.line(f"{writer.names.tensor(tensor)} = hyperparameters[{position}]")
    writer.loop_over_batches(arrays)
    arguments = ["parameters", "state", "hyperparameters", "order", "batch_size"]
    return writer.kernel("_epoch_kernel", [*arguments, *writer.given(arrays)])


class _Writer:
    """Writes one kernel."""

    def __init__(
        self, program: Program, results: Sequence[Tensor], layout: Layout, in_epoch: bool = False
    ) -> None:
        self.layout = layout
        updates = program.updates if in_epoch else ()
        roots = [*results, *(new for _, new in updates)]
        program = program.replace(updates=updates, gradients=() if in_epoch else program.gradients)
        program = share(contract(lower_logsumexp(program.prune(roots)))).prune(roots)
        self.program = program
        self.aliases, self.copied = in_place_updates(program)
        self.names = Names(layout.reserved)
        self.code: list[str] = []
        self.first_equation = 0
        self.bound: set[Tensor] = set()
        self.wholes: dict[Tensor, str] = {}
        self.in_epoch = in_epoch
        self.capacity = "batch_size" if in_epoch else "N"
        self.plan: list[Block] = plan(program.equations, self.aliases)
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
        )

    def line(self, text: str) -> None:
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
        return any(not isinstance(extent, int) for t in tensors for extent in t.shape)

    def views(self, buffer: str, tensors: Sequence[Tensor]) -> None:
        """Write a view into a flat buffer for each tensor that the program uses."""
        used = set(self.program.tensors)
        for tensor, start in _starts(tensors).items():
            if tensor not in used or (not tensor.rank and buffer == "gradients"):
                continue  # a scalar gradient is written back at the end
            self.bound.add(tensor)
            name = self.names.tensor(tensor)
            if not tensor.rank:
                self.line(f"{name} = {buffer}[{start}]")
                continue
            view = f"{buffer}[{start}:{start + _size(tensor)}]"
            shape = ", ".join(map(str, tensor.shape))
            reshape = f".reshape(({shape}))" if tensor.rank > 1 else ""
            self.line(f"{name} = {view}{reshape}")

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

    def equations(self) -> None:
        for new, old in self.aliases.items():
            if new.rank:
                # The same memory under the same name: the update happens in place.
                self.names.same(new, old)
        self.emitter.program(self.plan, lambda equation: label(equation, self.names))
        self.first_equation = len(self.code)
        self.code.extend(self.emitter.lines)
        self.emitter.scope.levels[0].lines.clear()

    def loop_over_batches(self, arrays: Sequence[Tensor]) -> None:
        """Write the loop over the batches of an epoch around the equations."""
        has_batch = self.program_has_batch(arrays)
        self.bound.update(arrays)
        batched = [t for t in arrays if t.shape and not isinstance(t.shape[0], int)]
        used = set(self.program.tensors)
        if has_batch:
            self.line("examples = order.shape[0]")
        for tensor in batched:
            if tensor in used:
                rest = "".join(f", {extent}" for extent in tensor.shape[1:])
                kind = "np.int64" if tensor.kind == "integer" else "real"
                shape = f"(batch_size{rest})" if rest else "batch_size"
                self.line(f"{self.names.tensor(tensor)} = np.empty({shape}, {kind})")
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
            self.line(f"return float({cost})")
            return
        self.line(f"total += N * float({cost})")
        body = self.code[before:]
        del self.code[before:]
        self.line("total = 0.0")
        self.line("for start in range(0, examples, batch_size):")
        self.code.extend(INDENT + text for text in body)
        self.line("return total / examples")

    def copied_row(self, tensor: Tensor) -> list[str]:
        """Return the loops that copy one example; a slice would take a second to compile."""
        name = self.names.tensor(tensor)
        counters = [f"k{axis}" for axis in range(1, tensor.rank)]
        # A short loop of known length is unrolled before it could be vectorised; asking the array
        # for the length avoids that. The shortest are better unrolled.
        extents = [
            f"{name}.shape[{axis}]" if int(extent) > 4 else str(extent)
            for axis, extent in enumerate(tensor.shape[1:], start=1)
        ]
        lines = [
            f"{INDENT * depth}for {counter} in range({extent}):"
            for depth, (counter, extent) in enumerate(zip(counters, extents, strict=True))
        ]
        rest = "".join(f", {counter}" for counter in counters)
        copy = f"{name}[row{rest}] = {self.whole(tensor)}[example{rest}]"
        return [*lines, INDENT * len(counters) + copy]

    def finish_updates(self) -> None:
        """Copy what was not computed in place, and scalars, to where they belong."""
        for old, new in self.program.updates:
            if not old.rank:
                buffer, tensors = (
                    ("parameters", self.layout.parameters)
                    if old.role == "parameter"
                    else ("state", self.layout.states)
                )
                self.line(f"{buffer}[{_starts(tensors)[old]}] = {self.names.tensor(new)}")
                self.line(f"{self.names.tensor(old)} = {self.names.tensor(new)}")
            elif new in self.copied:
                counters = [f"k{axis}" for axis in range(old.rank)]
                for depth, (counter, extent) in enumerate(zip(counters, old.shape, strict=True)):
                    self.line(f"{INDENT * depth}for {counter} in range({extent}):")
                place = ", ".join(counters)
                copy = f"{self.names.tensor(old)}[{place}] = {self.names.tensor(new)}[{place}]"
                self.line(INDENT * old.rank + copy)

    def kernel(self, name: str, arguments: Sequence[str]) -> Kernel:
        self.limit_threads()
        header = ["@_compiled", f"def {name}({', '.join(arguments)}):"]
        text = "\n".join([*header, *(INDENT + line if line else "" for line in self.code)])
        calls = frozenset(self.emitter.scope.kernels | self.emitter.routines)
        before = self.first_equation + len(header)
        passages = () if self.in_epoch else tuple(
            replace(p, start=p.start + before, end=p.end + before) for p in self.emitter.passages
        )  # fmt: skip
        return Kernel(text + "\n", calls, passages)

    def limit_threads(self) -> None:
        """Write the choice of BLAS's threads around the whole, by the largest product."""
        if not self.emitter.products:
            return
        largest = max(self.emitter.products, key=typical_size)
        number = math.prod(extent for extent in largest if isinstance(extent, int))
        batches = [self.capacity] * sum(not isinstance(extent, int) for extent in largest)
        call = f"threads = limit_threads({' * '.join([*batches, str(number)])})"
        # The batch size has to be known first.
        known = next((i + 1 for i, line in enumerate(self.code) if line.startswith("N = ")), 0)
        self.code.insert(known, call)
        self.first_equation += 1
        self.code.insert(len(self.code) - 1, "restore_threads(threads)")
        self.emitter.routines |= {"limit_threads", "restore_threads"}


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
