"""loss: the cost, from parameters, inputs and targets."""

from symbp.entries.asked import arrays, cost_of, packed
from symbp.entries.entry import Entry
from symbp.entries.model import Model

__all__ = ["loss"]


def loss(model: Model) -> Entry:
    """Return the entry point that computes the cost.

    Parameters
    ----------
    model : Model
        Of a program with a cost.
    """
    model = model.inference
    cost = cost_of(model, "loss")
    return Entry(
        "loss",
        model.gradient.replace(gradients=(), updates=()).prune([cost]),
        (
            *packed(model),
            *arrays(model.data),
        ),
        returns=cost,
        summary="Compute the cost.",
    )
