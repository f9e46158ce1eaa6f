"""loss_and_gradient: the cost and the gradient, of all parameters as one vector.

The same program as that of ``gradient``; the parameters go in and the gradient comes out as flat
vectors, which is what ``scipy.optimize.minimize(jac=True)`` calls.
"""

from dataclasses import replace

from symbp.entries.entry import Entry
from symbp.entries.gradient import gradient
from symbp.entries.model import Model

__all__ = ["loss_and_gradient"]


def loss_and_gradient(model: Model) -> Entry:
    """Return the entry point of the cost and the gradient as a vector.

    Parameters
    ----------
    model : Model
        Of a program with a cost and parameters.
    """
    return replace(
        gradient(model),
        name="loss_and_gradient",
        flat=True,
        summary="Compute the cost, and its derivatives by the parameters, as vectors.",
    )
