"""gradient: the cost and its derivatives by the parameters."""

from symbp.entries.asked import arrays, cost_of, key_of, packed_parameters, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model

__all__ = ["gradient"]


def gradient(model: Model) -> Entry:
    """Return the entry point that computes the cost and the gradient.

    Parameters
    ----------
    model : Model
        Of a program with a cost and parameters.
    """
    cost, parameters = cost_of(model, "gradient"), parameters_of(model, "gradient")
    program = model.gradient
    gradients = dict(program.gradients)
    results = tuple(gradients[parameter] for parameter in parameters)
    return Entry(
        "gradient",
        program.prune([cost, *results]),
        (
            packed_parameters(model),
            *key_of(model),
            *arrays(model.data),
            Slot("gradients", results, "out", packed=True),
        ),
        returns=cost,
        summary="Compute the cost, and its derivatives by the parameters.",
    )
