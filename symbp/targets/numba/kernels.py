"""kernels: the jitted functions of a module, from the entry points of a model.

How each is called is the same for all programs: parameters, state and hyperparameters are flat
arrays, then come what an epoch needs besides, the inputs and the targets.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy

from symbp.entries.entry import Entry, Slot
from symbp.entries.epoch import epoch
from symbp.entries.gradient import gradient
from symbp.entries.loss import loss
from symbp.entries.model import Model
from symbp.entries.predict import predict
from symbp.loops.gather import BATCH_SIZE, EXAMPLES
from symbp.loops.lanes import OWN_ORDER, Lanes
from symbp.loops.nodes import MEMBER, MEMBERS, Function, Return, Statement
from symbp.loops.traverse import map_statements
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower, lower_many
from symbp.schedules.schedule import Lowered
from symbp.targets.numba.kernel import Kernel
from symbp.targets.numba.memory import MEMORY, OFFSETS, TEAM
from symbp.targets.numba.printer import kernel

__all__ = [
    "entry_kernel", "gradient_kernel", "kernels", "lanes_kernel", "limits_of", "passed_to"
]  # fmt: skip

_TEAM = (MEMORY, OFFSETS, TEAM, MEMBER, MEMBERS)


def kernels(model: Model, limits: Limits, entries: Sequence[Entry] = ()) -> tuple[Kernel, ...]:
    """Return the functions of a module.

    Parameters
    ----------
    model : Model
        With an optimizer.
    limits : Limits
        What Numba can do.
    entries : sequence of Entry
        Entry points besides those of every module.

    Returns
    -------
    tuple of Kernel
        predict, if there is an output, loss, gradient and epoch, and the others.
    """
    trained = lower(epoch(model), limits, explained=False)
    made = [] if model.given.output is None else [predict(model)]
    made += [loss(model), gradient(model)]
    found = (
        *(entry_kernel(entry, limits_of(entry, limits, trained)) for entry in made),
        _epoch_kernel(model, trained, limits),
        *(entry_kernel(entry, limits_of(entry, limits, trained)) for entry in entries),
    )
    # All of a module in one way, so that it holds no more than it needs.
    emitted = trained.choice("compiling") == "as instructions"
    return tuple(replace(kernel, emitted=emitted) for kernel in found)


def lanes_kernel(model: Model, limits: Limits) -> tuple[Kernel, Lanes] | None:
    """Return the epoch of many tiny networks along the lanes of vector registers, if there is one.

    Parameters
    ----------
    model : Model
        With an optimizer.
    limits : Limits
        What Numba can do.
    """
    found = lower_many(epoch(model), limits, explained=False, draws=bool(model.training.key))
    if found.lanes is None:
        return None
    function = found.lanes.function
    first = [argument.array for argument in function.arguments]
    passed = [*first[:4], BATCH_SIZE, OWN_ORDER, *first[4:]]
    return kernel(function, "_epoch_of_lanes", passed), found.lanes


def gradient_kernel(model: Model, limits: Limits) -> Kernel:
    """Return the function of the gradient in loops, with what its lines compute."""
    entry = gradient(model)
    return entry_kernel(entry, replace(limits_of(entry, limits), most_operations=0, cache=0))


def limits_of(entry: Entry, limits: Limits, trained: Lowered | None = None) -> Limits:
    """Return what the function of an entry point uses of what Numba can do.

    Parameters
    ----------
    entry : Entry
        Of a module.
    limits : Limits
        What Numba can do.
    trained : Lowered, optional
        The epoch of the module. By element the others are faster too, but slower to compile: they
        are where the epoch is, so that the module needs no tiles.
    """
    if trained is not None and trained.choice("unrolling") != "written out":
        limits = replace(limits, most_operations=0)
    # Not in strips, and with axes as written: reports print this function beside the equations.
    is_printed = entry.name == "gradient"
    return replace(limits, strip=None, team=False, layout=False) if is_printed else limits


def entry_kernel(entry: Entry, limits: Limits) -> Kernel:
    """Return the function of an entry point without batches.

    Its arguments are the flat arrays that it reads, memory for what it writes, then the arrays
    that it reads, each in the order of the entry.

    Parameters
    ----------
    entry : Entry
        Of a module.
    limits : Limits
        See :func:`limits_of`.
    """
    function = lower(entry, limits, explained=False).function
    packed, written, data = _arguments(entry, function)
    return kernel(function, f"_{entry.name}_kernel", [*packed, *written, *data])


def _epoch_kernel(model: Model, trained: Lowered, limits: Limits) -> Kernel:
    entry, function = trained.entry, trained.function
    packed, _, data = _arguments(entry, function)
    passed: list[Any] = [*packed, "order", "batch_size"]
    if entry.batches:
        passed = [*packed, function.arguments[-1].array, BATCH_SIZE]
    if not function.team:
        if trained.choice("large batches") != "a function beside it":
            return kernel(function, "_epoch_kernel", [*passed, *data])
        return _by_batch_size(model, trained, limits)
    printed = kernel(_summed(function), "_epoch_part", [*passed, *_TEAM, *data])
    table = "".join(f"({each}, {besides}), " for each, besides in printed.buffers).rstrip()
    head = (
        "# The buffers of a step: elements for each example, and besides.\n"
        f"_BUFFERS: Any = ({table})\n"
        f"_MULTIPLICATIONS = {printed.multiplications}  "
        "# of an example in the matrix products of a step\n\n\n"
    )
    # Whoever runs a team waits for its members at the end of it too.
    return replace(printed, text=head + printed.text, calls=printed.calls | {"wait_for_team"})


def _by_batch_size(model: Model, trained: Lowered, limits: Limits) -> Kernel:
    """Return an epoch for batches of usual sizes, and one whose sums are in blocks for larger."""
    blocks = replace(limits.blocks, few=0)
    large = lower(epoch(model), replace(limits, blocks=blocks), explained=False)
    printed = []
    for size, lowered in {"small": trained, "large": large}.items():
        packed, _, data = _arguments(lowered.entry, lowered.function)
        passed = [*packed, lowered.function.arguments[-1].array, BATCH_SIZE, *data]
        printed.append(kernel(lowered.function, f"_epoch_of_{size}_batches", passed))
    few = limits.blocks.few
    choice = (
        "def _epoch_kernel(parameters, state, hyperparameters, order, batch_size, *data):\n"
        f"    few = batch_size <= {few}  # sums over more rows are added up in blocks\n"
        "    epoch = _epoch_of_small_batches if few else _epoch_of_large_batches\n"
        "    return epoch(parameters, state, hyperparameters, order, batch_size, *data)\n"
    )
    small, other = printed
    text = "\n\n".join([small.text, other.text, choice])
    return replace(small, text=text, calls=small.calls | other.calls)


def passed_to(entry: Entry) -> list[Slot]:
    """Return the slots of an entry point in the order in which its function takes them."""
    return sorted(entry.slots, key=_group)


def _group(slot: Slot) -> int:
    """Return where a slot is passed: what is flat comes first, then what is written, then data."""
    return 1 if slot.role == "out" else 0 if slot.packed else 2


def _arguments(
    entry: Entry, function: Function
) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
    """Return what is passed flat, what results are written to, and the rest; by name if unused."""
    arguments = iter(function.arguments)
    groups: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    for slot in entry.slots:
        given = slot.name if slot.packed and not slot.tensors else next(arguments).array
        groups[_group(slot)].append(given)
    return groups


def _summed(function: Function) -> Function:
    """Return an epoch that returns the sum over its examples, as a team runs a part of one."""

    def change(statement: Statement) -> Statement:
        if isinstance(statement, Return) and isinstance(statement.value, sympy.Mul):
            (total,) = (factor for factor in statement.value.args if not factor.has(EXAMPLES))
            return Return(total)
        return statement

    return function.replace(body=map_statements(function.body, change))
