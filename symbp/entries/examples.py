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
    if model.key:
        raise UnsupportedError(
            f"{caller}: noise is drawn for a batch, not for an example by itself"
        )
    given = model.given
    if given.updates:
        # What states become may be of the whole batch.
        given = given.replace(updates=())
        given = given.prune(given.roots)
    try:
        return replace(model, given=of_one_example(given))
    except CoupledError as error:
        raise UnsupportedError(f"{caller}: {error}") from None


def for_each_example(
    program: Program, given: Program
) -> tuple[Program, dict[Tensor, Tensor], tuple[Index, ...]]:
    """Return a program derived for one example, for each example of a batch.

    Parameters
    ----------
    program : Program
        Derived from the program of one example.
    given : Program
        The program of the batch, as its author wrote it.

    Returns
    -------
    Program
        The program for all examples.
    dict of Tensor to Tensor
        What each tensor that depends on the example has become; its first axis is the example's.
    tuple of Index
        That axis, or nothing if there is no batch.
    """
    if given.batch is None:
        return program, {}, ()
    batched = {t.name: t for t in (*given.inputs, *given.targets) if given.batch in t.shape}
    seeds = {
        tensor: batched[tensor.name]
        for tensor in program.tensors
        if tensor.role in ("input", "target") and tensor.name in batched
    }
    example = Index("n", given.batch)
    made, mapping = replicate(program, seeds, (example,))
    return made, mapping, (example,)
