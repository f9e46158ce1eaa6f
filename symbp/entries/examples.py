"""examples: a program of one example, and the same for each example of a batch.

What is asked for each example by itself is derived for a batch of one, where it is an ordinary
derivative; then everything that depends on the data gets the index of the example back.
"""

from dataclasses import replace

from symbp.calculus.per_example import CoupledError, of_one_example
from symbp.calculus.replicate import replicate
from symbp.entries.model import Model
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["for_each_example", "one_example"]


def one_example(model: Model, caller: str) -> Model:
    """Return the model of a batch of one, without the axis of the batch.

    Parameters
    ----------
    model : Model
        A model without a batch is returned as it is.
    caller : str
        The entry point that asks, for the error.

    Raises
    ------
    UnsupportedError
        Examples depend on each other, or the cost is neither their mean nor their sum.
    """
    if model.given.batch is None:
        return model
    given = model.given
    if given.updates:
        # What states become may be of the whole batch.
        given = given.replace(updates=())
        given = given.prune(given.roots)
    try:
        return replace(model, given=_holding(of_one_example(given)))
    except CoupledError as error:
        raise UnsupportedError(f"{caller}: {error}") from None


def _holding(program: Program) -> Program:
    """Return a program whose noise comes from outside: a row of what is drawn for the batch."""
    noise = program.with_role("noise")
    held = {tensor: tensor.like(tensor.name, "target", symbol=tensor.symbol) for tensor in noise}
    equations = tuple(equation.with_tensors(held) for equation in program.equations)
    return program.replace(equations=equations) if held else program


def for_each_example(
    program: Program, model: Model
) -> tuple[Program, dict[Tensor, Tensor], tuple[Index, ...]]:
    """Return a program derived for one example, for each example of a batch.

    Parameters
    ----------
    program : Program
        Derived from the program of one example.
    model : Model
        Of the batch. What it draws is drawn here too, so that each example has the noise that it
        has in the batch.

    Returns
    -------
    Program
        The program for all examples.
    dict of Tensor to Tensor
        What each tensor that depends on the example has become; its first axis is the example's.
    tuple of Index
        That axis, or nothing if there is no batch.
    """
    given = model.given
    if given.batch is None:
        return program, {}, ()
    noise = {tensor.name for tensor in given.with_role("noise")}
    draws = {e.tensor.name: e for e in model.form.program.equations if e.tensor.name in noise}
    data = (*given.inputs, *given.targets, *(draw.tensor for draw in draws.values()))
    batched = {tensor.name: tensor for tensor in data if given.batch in tensor.shape}
    seeds = {
        tensor: batched[tensor.name]
        for tensor in program.tensors
        if tensor.role in ("input", "target") and tensor.name in batched
    }
    example = Index("n", given.batch)
    made, mapping = replicate(program, seeds, (example,))
    if draws:
        alike = {
            tensor: draws[tensor.name].tensor
            for tensor in made.with_role("target")
            if tensor.name in draws
        }
        rest = (equation.with_tensors(alike) for equation in made.equations)
        made = made.replace(equations=(*draws.values(), *rest), passed=made.passed)
    return made, mapping, (example,)
