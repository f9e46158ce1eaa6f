"""unroll: an entry point whose program is written out over everything but the batch.

The elements of packed arguments become arguments one by one, at the places where they lie. Those of
other arrays are components of these (see :mod:`symbp.loops.whole_arrays`); for an epoch, which
copies its batches, they are read by equations of their own, ``x_0[n] = x[n, 0]``.
"""

from dataclasses import replace

from symbp.calculus.unrolled import Unrolled, unrolled
from symbp.entries.entry import Entry, Slot
from symbp.notation.equation import Equation, Origin
from symbp.notation.tensor import Tensor

__all__ = ["unroll"]


def unroll(entry: Entry, most: int) -> Entry | None:
    """Return an entry point by elements, or None if its program is too large.

    Parameters
    ----------
    entry : Entry
        Its reductions are sums and maxima.
    most : int
        How many scalar operations there may be.
    """
    tensors = [tensor for slot in entry.slots for tensor in slot.tensors]
    small = unrolled(entry.program, tensors, most)
    if small is None:
        return None
    slots = tuple(
        replace(slot, tensors=small.of(slot.tensors)) if slot.packed else slot
        for slot in entry.slots
    )
    if not entry.batches:
        return replace(entry, program=small.program, slots=slots)
    used = set(small.program.tensors)
    reading = [
        equation
        for slot in entry.slots
        if not slot.packed
        for equation in _components(slot, small, used)
    ]
    program = small.program
    names = {tensor: _internal(tensor) for tensor in used if tensor.role in ("input", "target")}
    names = {tensor: made for tensor, made in names.items() if tensor.component_of is not None}
    equations = tuple(equation.with_tensors(names) for equation in (*reading, *program.equations))
    return replace(entry, program=program.replace(equations=equations), slots=slots)


def _components(slot: Slot, small: Unrolled, used: set[Tensor]) -> list[Equation]:
    (whole,) = slot.tensors
    result = []
    for component in small.components[whole]:
        if component not in used or component is whole:
            continue
        assert component.component_of is not None
        place = iter(component.component_of[1])
        rows = iter(component.indices)
        subscripts = [
            next(place) if isinstance(extent, int) else next(rows) for extent in whole.shape
        ]
        origin = Origin("unroll")
        result.append(Equation(component.element, whole[tuple(subscripts)], origin=origin))
    return result


def _internal(tensor: Tensor) -> Tensor:
    """Return a component of the data as what an equation defines."""
    return Tensor(
        tensor.name, tensor.indices, label=tensor.label, kind=tensor.kind,
        component_of=tensor.component_of,
    )  # fmt: skip
