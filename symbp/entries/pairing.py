"""pairing: the output times a weight for each of its elements, summed: what a vjp differentiates.

With ``⟨u, a⟩ = Σ u[n, j] a[n, j]`` as the cost, the adjoint of the output is ``u``; reverse mode
then gives ``uᵀJ``, with the Jacobian J of the output.
"""

from symbp.notation.equation import Equation, Origin
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Tensor

__all__ = ["paired"]


def paired(given: Program, output: Tensor) -> tuple[Program, Tensor]:
    """Return the program whose cost is ``⟨u, output⟩``, and ``u``, an input.

    Parameters
    ----------
    given : Program
        As its author wrote it; of its equations those stay that the output needs.
    output : Tensor
        What is paired.
    """
    names = {tensor.name for tensor in given.tensors}
    weight = output.like(fresh_name(f"{output.name}_adjoint", names), "input")
    pairing = Tensor(fresh_name("pairing", names))
    places = tuple(index.fresh() for index in output.indices)
    product = output[places] * weight[places]
    body = Sum(product, *places) if places else product
    made = Equation(pairing[()], body, origin=Origin("pairing"))
    kept = given.prune([output])
    return kept.replace(equations=(*kept.equations, made), cost=pairing, output=output), weight
