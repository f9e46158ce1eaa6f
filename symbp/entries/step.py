"""step: the gradient of a batch, and the update of parameters and states."""

from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model
from symbp.notation.errors import SymbpError

__all__ = ["step"]


def step(model: Model) -> Entry:
    """Return the entry point of one training step.

    Parameters
    ----------
    model : Model
        With an optimizer.
    """
    program = model.updated
    if program.cost is None:
        raise SymbpError("step: the program has no cost")
    return Entry(
        "step",
        program.replace(gradients=(), output=None).prune(
            [program.cost, *(new for _, new in program.updates)]
        ),
        (
            Slot("parameters", model.parameters, "inout", packed=True),
            Slot("state", model.states, "inout", packed=True),
            Slot("hyperparameters", model.hyperparameters, "in", packed=True),
            *(Slot(tensor.name, (tensor,), "in") for tensor in model.data),
        ),
        returns=program.cost,
        summary="Train on one batch; return its cost.",
    )
