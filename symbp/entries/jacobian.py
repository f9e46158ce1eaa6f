"""jacobian: the derivatives of the output, by the parameters or by each example's own inputs.

Where examples do not depend on each other it is the Jacobian of one example, for each of them: a
row for each element of the output in reverse mode, or a column for each variable in forward mode,
whichever are fewer. Otherwise it is a tangent of the whole batch for each parameter.
"""

from collections.abc import Sequence
from dataclasses import replace

import sympy

from symbp.calculus.flat_vector import basis, gathered, length
from symbp.calculus.forward import forward
from symbp.calculus.replicate import replicate
from symbp.entries.asked import arrays, check_countable, inputs_of, output_of, packed, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.examples import for_each_example, one_example
from symbp.entries.model import Model
from symbp.entries.pairing import paired
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["input_jacobian", "jacobian"]


def jacobian(model: Model) -> Entry:
    """Return the entry point of the Jacobian of the output by the parameters.

    Parameters
    ----------
    model : Model
        Of a program with an output and parameters.
    """
    model = model.inference
    output, parameters = output_of(model, "jacobian"), parameters_of(model, "jacobian")
    check_countable(model, [output], "jacobian")
    given, weight = paired(model.given, output)
    try:
        single = one_example(replace(model, given=given), "jacobian")
    except UnsupportedError:
        # Examples depend on each other.
        program = model.plain.prune([output])
        program, tangent, axes = _columns(program, output, parameters)
        return _entry("jacobian", model, *_copied(program, tangent, axes), "the parameters")
    return _entry(
        "jacobian", model, *_for_each_example(model, single, weight, parameters), "the parameters"
    )


def input_jacobian(model: Model) -> Entry:
    """Return the entry point of the Jacobian of each example's output by its inputs.

    Parameters
    ----------
    model : Model
        Of a program whose examples do not depend on each other, with an output and an input of
        real numbers.
    """
    model = model.inference
    output = output_of(model, "input_jacobian")
    inputs_of(model, "input_jacobian")
    if model.given.batch is not None and model.given.batch not in output.shape:
        raise UnsupportedError(f"input_jacobian: output {output.name} has no axis of the examples")
    check_countable(model, [output, *model.real_inputs], "input_jacobian")
    given, weight = paired(model.given, output)
    single = one_example(replace(model, given=given), "input_jacobian")
    # All inputs, also those that the output does not depend on.
    names = {tensor.name: tensor for tensor in single.real_inputs if tensor.name != weight.name}
    axis = model.given.batch
    inputs = [names.get(t.name, _without_batch(t, axis)) for t in model.real_inputs]
    found = _for_each_example(model, single, weight, inputs)
    return _entry("input_jacobian", model, *found, "its inputs")


def _for_each_example(
    model: Model, single: Model, weight: Tensor, wrt: Sequence[Tensor]
) -> tuple[Program, Tensor]:
    """Return the program of the Jacobians of all examples, and what holds them."""
    output = single.given.output
    assert output is not None
    if length([output]) > length(wrt):
        program, tangent, axes = _columns(single.plain.prune([output]), output, wrt)
        program, made, examples = for_each_example(program, model)
        return _copied(program, made.get(tangent, tangent), (*examples, *axes))
    derived = single.differentiated_by(wrt)
    element = tuple(Index(index.name, index.extent) for index in output.indices)
    (seed,) = (tensor for tensor in derived.inputs if tensor.name == weight.name)
    units = Tensor(weight.name, (*element, *seed.indices))
    program, made = replicate(derived, {seed: units}, element)
    own = tuple(index.fresh() for index in seed.indices)
    same = sympy.And(*(sympy.Eq(a, b) for a, b in zip(element, own, strict=True)))
    unit = Equation(units[(*element, *own)], where(same, 1, 0), origin=Origin("basis"))
    program = program.replace(equations=(unit, *program.equations))
    parts = [gradient for _, gradient in program.gradients]
    program, made, examples = for_each_example(program, model)
    parts = [made.get(part, part) for part in parts]
    others = (*examples, *element)
    taken = {tensor.name for tensor in program.tensors}
    result = Tensor(fresh_name("jacobian", taken), (*others, Index("p", length(wrt))))
    rows = gathered(result, parts, others, len(others))
    return program.replace(equations=(*program.equations, *rows)), result


def _columns(
    program: Program, output: Tensor, wrt: Sequence[Tensor]
) -> tuple[Program, Tensor, tuple[Index, ...]]:
    """Return the tangent of the output along every unit vector, and all axes it could have."""
    program, tangents = forward(program, wrt, of=[output])
    direction = Index("p", length(wrt))
    seeds = {tangents[t]: Tensor(tangents[t].name, (*t.indices, direction)) for t in wrt}
    program, made = replicate(program, seeds, (direction,), "last")
    units = basis(list(seeds.values()), direction)
    program = program.replace(equations=(*units, *program.equations))
    tangent = tangents[output]
    return program, made.get(tangent, tangent), (*output.indices, direction)


def _copied(program: Program, tangent: Tensor, axes: tuple[Index, ...]) -> tuple[Program, Tensor]:
    """Return the program with a copy of a tangent that has all axes, and the copy."""
    taken = {tensor.name for tensor in program.tensors}
    result = Tensor(fresh_name("jacobian", taken), axes)
    copy = Equation(result.element, tangent.element, origin=Origin("gathered"))
    return program.replace(equations=(*program.equations, copy)), result


def _entry(name: str, model: Model, program: Program, result: Tensor, by: str) -> Entry:
    output = model.given.output
    assert output is not None
    return Entry(
        name,
        model.computing(program, [result]),
        (
            *packed(model),
            *arrays(model.inputs),
            Slot("jacobian", (result,), "out"),
        ),
        summary=f"Compute the Jacobian of {output.name} by {by}.",
    )


def _without_batch(tensor: Tensor, batch: sympy.Symbol | None) -> Tensor:
    indices = tuple(index for index in tensor.indices if index.extent != batch)
    return Tensor(tensor.name, indices, "input")
