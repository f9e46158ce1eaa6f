"""asked: what entry points ask of a model, or an error that says what it lacks.

The `caller` of each function is the entry point that asks; the error begins with its name.
"""

import functools
from collections.abc import Callable

from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model
from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Tensor

__all__ = [
    "arrays", "cost_of", "inputs_of", "key_of", "of_inference", "output_of", "packed_parameters",
    "parameters_of",
]  # fmt: skip


def of_inference(entry: Callable[[Model], Entry]) -> Callable[[Model], Entry]:
    """Decorate an entry point of the program as it predicts, not as it is trained."""

    @functools.wraps(entry)
    def made(model: Model) -> Entry:
        chosen = model.inference
        result = entry(chosen)
        if chosen.key and not any(slot.tensors == chosen.key for slot in result.slots):
            drawn = next(t.name for t in model.given.with_role("noise"))
            raise SymbpError(
                f"{entry.__name__}: noise {drawn} is drawn at inference, which only predict and "
                f"loss can be given a seed for; leave out at_inference='drawn'"
            )
        return result

    return made


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


def packed_parameters(model: Model) -> Slot:
    """Return the slot of the parameters, one after another in one flat array."""
    return Slot("parameters", model.parameters, "in", packed=True)


def key_of(model: Model) -> tuple[Slot, ...]:
    """Return the slot of the seed and step that noise is drawn by, where it is drawn."""
    return (Slot("noise", model.key, "in", packed=True),) if model.key else ()


def arrays(tensors: tuple[Tensor, ...]) -> tuple[Slot, ...]:
    """Return a slot for each tensor that is read."""
    return tuple(Slot(tensor.name, (tensor,), "in") for tensor in tensors)
