"""gradient: the cost and its derivatives by the parameters."""

import sympy

from symbp.entries.asked import arrays, cost_of, packed, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model
from symbp.notation.equation import Equation, Origin
from symbp.notation.naming import fresh_name

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
    gradients = dict(program.gradients)
    names = {tensor.name for tensor in program.tensors}
    for parameter in parameters:
        if parameter not in gradients:  # it is frozen
            zero = parameter.like(fresh_name(f"{parameter.name}_adjoint", names))
            gradients[parameter] = zero
            made = Equation(zero.element, sympy.S.Zero, origin=Origin("frozen"))
            program = program.replace(equations=(*program.equations, made), passed=program.passed)
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
