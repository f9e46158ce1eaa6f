"""kernels: the jitted functions of a module, from programs.

Each kernel is one program, pruned to what it returns: ``predict`` needs the output, ``loss`` the
cost, ``gradient`` the adjoints, ``epoch`` the updates.
"""

from symbp.calculus.fold import fold
from symbp.codegen.strips import writer_of
from symbp.codegen.team_epoch import team_epoch
from symbp.codegen.writer import Layout, Writer
from symbp.entries.entry import Entry, Slot
from symbp.notation.program import Program
from symbp.targets.numba.kernel import Kernel

__all__ = ["entry_kernel", "epoch_kernel", "gradient_kernel", "loss_kernel", "predict_kernel"]


def predict_kernel(program: Program, layout: Layout) -> Kernel:
    """Return the kernel that writes the output, an array given to it, from parameters and inputs.

    An array that a kernel returns takes longer to become one of Python's than a small prediction.
    """
    output = program.output
    assert output is not None
    writer = writer_of(program, [output], layout)
    writer.views("parameters", layout.parameters)
    writer.arrays(layout.inputs)
    result = writer.names.tensor(output) if output.rank else writer.names.unique("result")
    writer.bound.add(output)
    writer.emitter.few_rows = True
    writer.blocks()
    if not output.rank:
        writer.line(f"{result}[()] = {writer.names.tensor(output)}")
    writer.line("return")
    return writer.kernel("_predict_kernel", ["parameters", result, *writer.given(layout.inputs)])


def loss_kernel(program: Program, layout: Layout) -> Kernel:
    """Return the kernel that computes the cost."""
    assert program.cost is not None
    writer = writer_of(program, [program.cost], layout)
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
    # Not in strips: this is the function that reports print beside the equations.
    writer = Writer(program, [program.cost, *results], layout)
    arrays = (*layout.inputs, *layout.targets)
    writer.views("parameters", layout.parameters)
    writer.views("gradients", results, written=True)
    writer.arrays(arrays)
    writer.blocks()
    writer.write_back("gradients", results)
    writer.line(f"return float({writer.names.tensor(program.cost)})")
    return writer.kernel("_gradient_kernel", ["parameters", "gradients", *writer.given(arrays)])


def epoch_kernel(program: Program, layout: Layout) -> Kernel:
    """Return the kernel that runs an epoch: gather, forward, backward and update per batch."""
    assert program.cost is not None
    divided = team_epoch(fold(program), layout)
    if divided is not None:
        return divided
    writer = Writer(fold(program), [program.cost], layout, in_epoch=True)
    arrays = (*layout.inputs, *layout.targets)
    writer.views("parameters", layout.parameters)
    writer.views("state", layout.states)
    for position, tensor in enumerate(layout.hyperparameters):
        writer.line(f"{writer.names.tensor(tensor)} = hyperparameters[{position}]")
    writer.loop_over_batches(arrays)
    arguments = ["parameters", "state", "hyperparameters", "order", "batch_size"]
    return writer.kernel("_epoch_kernel", [*arguments, *writer.given(arrays)])


def entry_kernel(entry: Entry, layout: Layout) -> Kernel:
    """Return the kernel of any entry point without batches.

    Its arguments are the flat buffers that it reads, memory for what it writes, then the arrays
    that it reads, each in the order of the entry.
    """
    writer = Writer(entry.program, entry.roots, layout)
    arguments: dict[int, str] = {}
    for place, slot in enumerate(entry.slots):
        if slot.packed:
            own = slot.name == "parameters"  # a reserved name
            arguments[place] = slot.name if own else writer.names.unique(slot.name)
    for place, slot in enumerate(entry.slots):
        if slot.packed:
            writer.views(arguments[place], slot.tensors, written=slot.role == "out")
    read = [slot.tensors[0] for slot in entry.slots if slot.role == "in" and not slot.packed]
    writer.arrays(read)
    scalars: list[str] = []
    for place, slot in enumerate(entry.slots):
        if slot.packed:
            continue
        (tensor,) = slot.tensors
        name = writer.names.tensor(tensor)
        if slot.role == "out" and not tensor.rank:
            arguments[place] = writer.names.unique("result")
            scalars.append(f"{arguments[place]}[()] = {name}")
            continue
        arguments[place] = name
        writer.bound.add(tensor)
    writer.blocks()
    for line in scalars:
        writer.line(line)
    for place, slot in enumerate(entry.slots):
        if slot.packed and slot.role == "out":
            writer.write_back(arguments[place], slot.tensors)
    returned = "" if entry.returns is None else f" float({writer.names.tensor(entry.returns)})"
    writer.line(f"return{returned}")
    order = {"packed": 0, "out": 1, "in": 2}
    places = sorted(
        range(len(entry.slots)),
        key=lambda place: order[_passed_as(entry.slots[place])],
    )
    return writer.kernel(f"_{entry.name}_kernel", [arguments[place] for place in places])


def _passed_as(slot: Slot) -> str:
    if slot.role == "out":
        return "out"
    return "packed" if slot.packed else "in"
