"""gradient: the cost and its derivatives by the parameters."""

from symbp.entries.asked import arrays, cost_of, packed, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model, with_zeros

__all__ = ["gradient"]


def gradient(model: Model) -> Entry:
    """Return the entry point that computes the cost and the gradient.

    Parameters
    ----------
    model : Model
        Of a program with a cost and parameters.
    """
    model = model.training
    cost, parameters = cost_of(model, "gradient"), parameters_of(model, "gradient")
    program = model.gradient
    if len(program.gradients) < len(parameters):
        program = with_zeros(program, parameters)  # some are frozen
    gradients = dict(program.gradients)
    results = tuple(gradients[parameter] for parameter in parameters)
    return Entry(
        "gradient",
        program.replace(updates=()).prune([cost, *results]),
        (
            *packed(model),
            *arrays(model.data),
            Slot("gradients", results, "out", packed=True),
        ),
        returns=cost,
        summary="Compute the cost, and its derivatives by the parameters.",
    )
