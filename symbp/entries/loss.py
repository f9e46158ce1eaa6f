"""loss: the cost, from parameters, inputs and targets."""

from symbp.entries.asked import arrays, cost_of, key_of, of_inference, packed_parameters
from symbp.entries.entry import Entry
from symbp.entries.model import Model

__all__ = ["loss"]


@of_inference
def loss(model: Model) -> Entry:
    """Return the entry point that computes the cost.

    Parameters
    ----------
    model : Model
        Of a program with a cost.
    """
    cost = cost_of(model, "loss")
    return Entry(
        "loss",
        model.gradient.replace(gradients=(), updates=()).prune([cost]),
        (
            packed_parameters(model),
            *key_of(model),
            *arrays(model.data),
        ),
        returns=cost,
        summary="Compute the cost.",
    )
