"""unrolled_epoch: the epoch of a program that is small enough to be written out by element.

See :mod:`symbp.calculus.unrolled`. The parameters and the optimizer's states are local variables
from the first batch to the last, and one loop over the examples of a batch holds the whole step.
"""

import dataclasses

from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.share import share
from symbp.calculus.unrolled import Unrolled, unrolled
from symbp.codegen.labels import label
from symbp.codegen.writer import Layout, Writer
from symbp.notation.equation import Equation
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.targets.numba.kernel import Kernel

__all__ = ["unrolled_epoch"]


def unrolled_epoch(program: Program, layout: Layout) -> Kernel | None:
    """Return the function of an epoch without matrices, or None if the program is too large."""
    assert program.cost is not None
    arrays = (*layout.inputs, *layout.targets)
    pruned = program.prune([program.cost, *(new for _, new in program.updates)])
    small = unrolled(share(lower_logsumexp(pruned)), [*layout.parameters, *layout.states, *arrays])
    if small is None:
        return None
    writer = _UnrolledWriter(small, layout)
    writer.line("# Few enough operations: every index but that of the examples is written out.")
    writer.views("parameters", writer.layout.parameters)
    writer.views("state", writer.layout.states)
    for position, tensor in enumerate(layout.hyperparameters):
        writer.line(f"{writer.names.tensor(tensor)} = hyperparameters[{position}]")
    writer.loop_over_batches(arrays)
    arguments = ["parameters", "state", "hyperparameters", "order", "batch_size"]
    return writer.kernel("_epoch_kernel", [*arguments, *writer.given(arrays)])


class _UnrolledWriter(Writer):
    """Writes an epoch whose tensors have no other axis than the batch."""

    def __init__(self, small: Unrolled, layout: Layout) -> None:
        assert small.program.cost is not None
        self.arguments = (*layout.inputs, *layout.targets)
        by_element = dataclasses.replace(
            layout, parameters=small.of(layout.parameters), states=small.of(layout.states)
        )
        self.labels: dict[Equation, str] = {}
        super().__init__(small.program, [small.program.cost], by_element, in_epoch=True)
        # The components of a batch lie in the batch.
        parts = set(small.of(self.arguments)) - set(self.arguments)
        self.emitter.scope.parts |= parts
        self.bound |= parts

    def contracted(self, program: Program) -> Program:
        """Return the program as it is: written out, it has no sums over axes."""
        return program

    def used(self) -> set[Tensor]:
        """Return the tensors that are read or written, and those whose components are."""
        tensors = super().used()
        return tensors | {t.component_of[0] for t in tensors if t.component_of is not None}

    def batch_memory(self, tensor: Tensor) -> str:
        """Return the text of new memory for the batch of an argument, the examples innermost."""
        if tensor.rank < 2:
            return super().batch_memory(tensor)
        # What a component has for neighbouring examples lies side by side, to be read as a vector.
        kind = "np.int64" if tensor.kind == "integer" else "real"
        rest = "".join(f"{extent}, " for extent in reversed(tensor.shape[1:]))
        return f"np.empty(({rest}batch_size), {kind}).T"

    def store_scalars(self) -> None:
        """Store the updated scalars, which end the function."""
        super().store_scalars()
        self.line("products_in_any_order()")
        self.runtime.add("products_in_any_order")

    def label(self, equation: Equation) -> str:
        """Return the comment on a component: what the whole is."""
        source = equation.origin.source or equation
        if source not in self.labels:
            self.labels[source] = label(source, self.names)
        return self.labels[source]
