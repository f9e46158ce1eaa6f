"""gradient: the cost and its derivatives by the parameters."""

from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model
from symbp.notation.errors import SymbpError

__all__ = ["gradient"]


def gradient(model: Model) -> Entry:
    """Return the entry point that computes the cost and the gradient.

    Parameters
    ----------
    model : Model
        Of a program with a cost and parameters.
    """
    program = model.gradient
    if program.cost is None or not program.gradients:
        raise SymbpError("gradient: the program has no cost, or no parameters")
    gradients = dict(program.gradients)
    results = tuple(gradients[parameter] for parameter in model.parameters)
    return Entry(
        "gradient",
        program.prune([program.cost, *results]),
        (
            Slot("parameters", model.parameters, "in", packed=True),
            *(Slot(tensor.name, (tensor,), "in") for tensor in model.data),
            Slot("gradients", results, "out", packed=True),
        ),
        returns=program.cost,
        summary="Compute the cost, and its derivatives by the parameters.",
    )
