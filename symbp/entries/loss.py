"""loss: the cost, from parameters, inputs and targets."""

from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model
from symbp.notation.errors import SymbpError

__all__ = ["loss"]


def loss(model: Model) -> Entry:
    """Return the entry point that computes the cost.

    Parameters
    ----------
    model : Model
        Of a program with a cost.
    """
    cost = model.given.cost
    if cost is None:
        raise SymbpError("loss: the program has no cost")
    return Entry(
        "loss",
        model.gradient.replace(gradients=(), updates=()).prune([cost]),
        (
            Slot("parameters", model.parameters, "in", packed=True),
            *(Slot(tensor.name, (tensor,), "in") for tensor in model.data),
        ),
        returns=cost,
        summary="Compute the cost.",
    )
