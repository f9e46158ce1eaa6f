"""asked: what entry points ask of a model, or an error that says what it lacks.

The `caller` of each function is the entry point that asks; the error begins with its name.
"""

from collections.abc import Iterable

from symbp.entries.entry import Slot
from symbp.entries.model import Model
from symbp.notation.errors import SymbpError, UnsupportedError
from symbp.notation.tensor import Tensor

__all__ = [
    "arrays", "check_countable", "cost_of", "inputs_of", "output_of", "packed", "parameters_of",
]  # fmt: skip


def cost_of(model: Model, caller: str) -> Tensor:
    """Return the cost."""
    if model.given.cost is None:
        raise SymbpError(f"{caller}: the program has no cost")
    return model.given.cost


def output_of(model: Model, caller: str) -> Tensor:
    """Return the output, computed without targets."""
    if model.given.output is None:
        raise SymbpError(f"{caller}: the program has no output that is computed without targets")
    return model.given.output


def parameters_of(model: Model, caller: str) -> tuple[Tensor, ...]:
    """Return the parameters, at least one."""
    if not model.parameters:
        raise SymbpError(f"{caller}: the program has no parameters to differentiate by")
    return model.parameters


def inputs_of(model: Model, caller: str) -> tuple[Tensor, ...]:
    """Return the inputs of real numbers, at least one."""
    if not model.real_inputs:
        raise SymbpError(f"{caller}: the program has no inputs of real numbers to differentiate by")
    return model.real_inputs


def check_countable(model: Model, tensors: Iterable[Tensor], caller: str) -> None:
    """Raise unless tensors have a known number of elements for each example: a row for each."""
    for tensor in tensors:
        for extent in tensor.shape:
            if not isinstance(extent, int) and extent != model.given.batch:
                raise UnsupportedError(
                    f"{caller}: how many elements {tensor.name} has is known at run time only, by "
                    f"{extent}; expected a number, as the result has a place for each"
                )


def packed(model: Model) -> tuple[Slot, ...]:
    """Return the slot of the parameters, one after another in one flat array.

    After it that of the key of what the program draws, and that of its states, if it has any.
    """
    slots = [Slot("parameters", model.parameters, "in", packed=True)]
    if model.key:
        slots.append(Slot("noise", model.key, "in", packed=True))
    if model.kept:
        slots.append(Slot("state", model.kept, "in", packed=True))
    return tuple(slots)


def arrays(tensors: tuple[Tensor, ...]) -> tuple[Slot, ...]:
    """Return a slot for each tensor that is read."""
    return tuple(Slot(tensor.name, (tensor,), "in") for tensor in tensors)
