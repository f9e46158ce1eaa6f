"""hessian: the second derivatives of the cost, forward mode over reverse mode.

The product of the Hessian with a vector (see :mod:`symbp.entries.hvp`) for each unit vector: the
tangents have one index more, that of the direction.
"""

from collections.abc import Sequence

from symbp.calculus.flat_vector import basis, gathered, length
from symbp.calculus.forward import forward
from symbp.calculus.replicate import replicate
from symbp.entries.asked import arrays, check_countable, cost_of, inputs_of, packed, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.examples import for_each_example, one_example
from symbp.entries.model import Model
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["hessian", "input_hessian"]


def hessian(model: Model) -> Entry:
    """Return the entry point of the Hessian of the cost by the parameters, a square matrix.

    Parameters
    ----------
    model : Model
        Of a program with a cost and parameters.
    """
    model = model.training
    cost, parameters = cost_of(model, "hessian"), parameters_of(model, "hessian")
    program, parts, direction = _columns(model.differentiated_by_all, parameters)
    rows = Index("q", length(parameters))
    return _entry(
        "hessian", model, program, parts, (rows, direction), 0,
        f"Compute the Hessian of {cost.name} by the parameters.",
    )  # fmt: skip


def input_hessian(model: Model) -> Entry:
    """Return the entry point of the Hessian of each example's cost by its inputs.

    Parameters
    ----------
    model : Model
        Of a program whose cost is a mean or a sum over examples that do not depend on each other;
        without a batch, of any program with a cost.
    """
    model = model.inference
    cost = cost_of(model, "input_hessian")
    check_countable(model, inputs_of(model, "input_hessian"), "input_hessian")
    single = one_example(model, "input_hessian")
    inputs = single.real_inputs
    program, parts, direction = _columns(single.differentiated_by(inputs), inputs)
    program, made, examples = for_each_example(program, model)
    rows = Index("q", length(inputs))
    parts = [made.get(part, part) for part in parts]
    return _entry(
        "input_hessian", model, program, parts, (*examples, rows, direction), len(examples),
        f"Compute the Hessian of {cost.name} of each example by its inputs.",
    )  # fmt: skip


def _columns(derived: Program, wrt: Sequence[Tensor]) -> tuple[Program, list[Tensor], Index]:
    """Return the tangents of gradients along every unit vector, their last axis."""
    gradients = [gradient for _, gradient in derived.gradients]
    program, tangents = forward(derived, wrt, of=gradients)
    direction = Index("r", length(wrt))
    seeds = {tangents[t]: Tensor(tangents[t].name, (*t.indices, direction)) for t in wrt}
    program, made = replicate(program, seeds, (direction,), "last")
    units = basis(list(seeds.values()), direction)
    parts = [made.get(tangents[gradient], tangents[gradient]) for gradient in gradients]
    return program.replace(equations=(*units, *program.equations)), parts, direction


def _entry(
    name: str,
    model: Model,
    program: Program,
    parts: Sequence[Tensor],
    axes: tuple[Index, ...],
    rows: int,
    summary: str,
) -> Entry:
    taken = {tensor.name for tensor in program.tensors}
    result = Tensor(fresh_name("hessian", taken), axes)
    others = tuple(index for place, index in enumerate(axes) if place != rows)
    made = gathered(result, parts, others, rows)
    program = program.replace(equations=(*program.equations, *made))
    slots = (*packed(model), *arrays(model.data), Slot("hessian", (result,), "out"))
    return Entry(name, model.computing(program, [result]), slots, summary=summary)
