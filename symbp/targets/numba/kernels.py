"""kernels: the jitted functions of a module, from the entry points of a model.

How each is called is the same for all programs: parameters, state and hyperparameters are flat
arrays, then come what an epoch needs besides, the inputs and the targets.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy

from symbp.entries.entry import Entry
from symbp.entries.epoch import epoch
from symbp.entries.gradient import gradient
from symbp.entries.loss import loss
from symbp.entries.model import Model
from symbp.entries.predict import predict
from symbp.loops.gather import BATCH_SIZE, EXAMPLES
from symbp.loops.nodes import MEMBER, MEMBERS, Function, Return, Statement
from symbp.loops.traverse import map_statements
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from symbp.schedules.schedule import Lowered
from symbp.targets.numba.kernel import Kernel
from symbp.targets.numba.memory import MEMORY, OFFSETS, TEAM
from symbp.targets.numba.printer import kernel

__all__ = ["EMITTING", "entry_kernel", "gradient_kernel", "kernels", "limits_of"]

#: Stands among the functions of the runtime that a kernel needs if it is compiled by them.
EMITTING = "emit_instead"
_TEAM = (MEMORY, OFFSETS, TEAM, MEMBER, MEMBERS)


def kernels(model: Model, limits: Limits) -> tuple[Kernel, ...]:
    """Return the functions of a module.

    Parameters
    ----------
    model : Model
        With an optimizer.
    limits : Limits
        What Numba can do.

    Returns
    -------
    tuple of Kernel
        predict, if there is an output, loss, gradient and epoch.
    """
    predicts = [] if model.given.output is None else [entry_kernel(predict(model), limits)]
    return (*predicts, entry_kernel(loss(model), limits), gradient_kernel(model, limits),
            _epoch_kernel(model, limits))  # fmt: skip


def gradient_kernel(model: Model, limits: Limits) -> Kernel:
    """Return the function of the gradient, with what its lines compute."""
    return entry_kernel(gradient(model), limits)


def limits_of(entry: Entry, limits: Limits) -> Limits:
    """Return what the function of an entry point uses of what Numba can do.

    Parameters
    ----------
    entry : Entry
        Of a module.
    limits : Limits
        What Numba can do.
    """
    # Not in strips: this is the function that reports print beside the equations.
    is_printed = entry.name == "gradient"
    return replace(limits, strip=None, team=False) if is_printed else limits


def entry_kernel(entry: Entry, limits: Limits) -> Kernel:
    """Return the function of an entry point without batches.

    Its arguments are the flat arrays that it reads, memory for what it writes, then the arrays
    that it reads, each in the order of the entry.
    """
    lowered = lower(entry, limits_of(entry, limits))
    packed, written, data = _arguments(entry, lowered.function)
    order = [*packed, *written, *data]
    return _printed(lowered.function, f"_{entry.name}_kernel", order, lowered)


def _printed(function: Function, name: str, order: Sequence[Any], lowered: Lowered) -> Kernel:
    """Return a function as text, which says what compiles it, as was decided."""
    if ("compilation", "instructions") not in ((d.what, d.choice) for d in lowered.decisions):
        return kernel(function, name, order)
    printed = kernel(function, name, order, "_emitted")
    return replace(printed, calls=printed.calls | {EMITTING})


def _epoch_kernel(model: Model, limits: Limits) -> Kernel:
    entry = epoch(model)
    lowered = lower(entry, limits)
    function = lowered.function
    packed, _, data = _arguments(entry, function)
    passed: list[Any] = [*packed, "order", "batch_size"]
    if entry.batches:
        passed = [*packed, function.arguments[-1].array, BATCH_SIZE]
    if not function.team:
        return _printed(function, "_epoch_kernel", [*passed, *data], lowered)
    printed = _printed(_summed(function), "_epoch_part", [*passed, *_TEAM, *data], lowered)
    table = "".join(f"({each}, {besides}), " for each, besides in printed.buffers).rstrip()
    head = (
        "# The buffers of a step: elements for each example, and besides.\n"
        f"_BUFFERS: Any = ({table})\n"
        f"_MULTIPLICATIONS = {printed.multiplications}  "
        "# of an example in the matrix products of a step\n\n\n"
    )
    # Whoever runs a team waits for its members at the end of it too.
    return replace(printed, text=head + printed.text, calls=printed.calls | {"wait_for_team"})


def _arguments(
    entry: Entry, function: Function
) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
    """Return what is passed flat, what results are written to, and the rest; by name if unused."""
    arguments = iter(function.arguments)
    packed: list[Any] = []
    written: list[Any] = []
    data: list[Any] = []
    for slot in entry.slots:
        given = slot.name if slot.packed and not slot.tensors else next(arguments).array
        (written if slot.role == "out" else packed if slot.packed else data).append(given)
    return packed, written, data


def _summed(function: Function) -> Function:
    """Return an epoch that returns the sum over its examples, as a team runs a part of one."""

    def change(statement: Statement) -> Statement:
        if isinstance(statement, Return) and isinstance(statement.value, sympy.Mul):
            (total,) = (factor for factor in statement.value.args if not factor.has(EXAMPLES))
            return Return(total)
        return statement

    return function.replace(body=map_statements(function.body, change))
