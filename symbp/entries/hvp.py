"""hvp: the Hessian of the cost times a vector: forward mode over reverse mode.

The gradient is a program; its tangent along a direction is the second derivative along it, for
about the price of two gradients.
"""

from symbp.calculus.forward import forward
from symbp.entries.asked import arrays, cost_of, packed, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model

__all__ = ["hvp"]


def hvp(model: Model) -> Entry:
    """Return the entry point of the Hessian by the parameters times a vector.

    Parameters
    ----------
    model : Model
        Of a program with a cost and parameters.
    """
    model = model.training
    cost, parameters = cost_of(model, "hvp"), parameters_of(model, "hvp")
    derived = model.differentiated_by_all
    gradients = [gradient for _, gradient in derived.gradients]
    program, tangents = forward(derived, parameters, of=gradients)
    results = tuple(tangents[gradient] for gradient in gradients)
    return Entry(
        "hvp",
        model.computing(program, results),
        (
            *packed(model),
            Slot("v", tuple(tangents[parameter] for parameter in parameters), "in", packed=True),
            *arrays(model.data),
            Slot("product", results, "out", packed=True),
        ),
        summary=f"Compute the Hessian of {cost.name} by the parameters times v.",
    )
