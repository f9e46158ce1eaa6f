"""input_gradient: the derivatives of the cost by the inputs."""

from symbp.entries.asked import arrays, cost_of, inputs_of, packed
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model

__all__ = ["input_gradient"]


def input_gradient(model: Model) -> Entry:
    """Return the entry point of the cost and its gradient by the inputs.

    Parameters
    ----------
    model : Model
        Of a program with a cost and an input of real numbers.
    """
    model = model.inference
    cost, inputs = cost_of(model, "input_gradient"), inputs_of(model, "input_gradient")
    derived = model.differentiated_by(inputs)
    results = tuple(gradient for _, gradient in derived.gradients)
    return Entry(
        "input_gradient",
        model.computing(derived, (cost, *results)),
        (
            *packed(model),
            *arrays(model.data),
            *(Slot(gradient.name, (gradient,), "out") for gradient in results),
        ),
        returns=cost,
        summary=f"Compute {cost.name}, and its derivatives by the inputs.",
    )
