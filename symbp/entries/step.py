"""step: the gradient of a batch, and the update of parameters and states."""

from symbp.entries.asked import arrays, cost_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model

__all__ = ["step"]


def step(model: Model) -> Entry:
    """Return the entry point of one training step.

    Parameters
    ----------
    model : Model
        With an optimizer.
    """
    model = model.training
    cost, program = cost_of(model, "step"), model.updated
    return Entry(
        "step",
        program.replace(gradients=(), output=None).prune(
            [cost, *(new for _, new in program.updates)]
        ),
        (
            Slot("parameters", model.parameters, "inout", packed=True),
            Slot("state", model.states, "inout", packed=True),
            Slot("hyperparameters", model.hyperparameters, "in", packed=True),
            *arrays(model.data),
        ),
        returns=cost,
        summary="Train on one batch; return its cost.",
    )
