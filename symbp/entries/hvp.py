"""hvp: the Hessian of the cost times a vector: forward mode over reverse mode.

The gradient is a program; its tangent along a direction is the second derivative along it, for
about the price of two gradients.
"""

from symbp.calculus.forward import forward
from symbp.entries.asked import arrays, cost_of, of_inference, packed_parameters, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model

__all__ = ["hvp"]


@of_inference
def hvp(model: Model) -> Entry:
    """Return the entry point of the Hessian by the parameters times a vector.

    Parameters
    ----------
    model : Model
        Of a program with a cost and parameters.
    """
    cost, parameters = cost_of(model, "hvp"), parameters_of(model, "hvp")
    gradients = [gradient for _, gradient in model.differentiated.gradients]
    program, tangents = forward(model.differentiated, parameters, of=gradients)
    results = tuple(tangents[gradient] for gradient in gradients)
    return Entry(
        "hvp",
        model.computing(program, results),
        (
            packed_parameters(model),
            Slot("v", tuple(tangents[parameter] for parameter in parameters), "in", packed=True),
            *arrays(model.data),
            Slot("product", results, "out", packed=True),
        ),
        summary=f"Compute the Hessian of {cost.name} by the parameters times v.",
    )
