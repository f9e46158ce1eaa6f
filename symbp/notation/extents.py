"""Whether the size that is known only at run time is known at all: some array has to have it."""

from collections.abc import Iterable, Sequence

import sympy

from symbp.notation.dependence import needed_by
from symbp.notation.equation import Equation
from symbp.notation.errors import NotationError
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["batch_of", "check_run_time_extent", "is_known_to_predict", "sizes_of_tensors"]


def sizes_of_tensors(tensors: Iterable[Tensor]) -> tuple[sympy.Symbol, ...]:
    """Return the extents known at run time only, in the order in which tensors have them."""
    given = tuple(tensors)
    extents = (extent for tensor in given for extent in tensor.shape)
    found = dict.fromkeys(extent for extent in extents if isinstance(extent, sympy.Symbol))
    batch = batch_of(given)
    return tuple(found) if batch is None else (batch, *(each for each in found if each != batch))


def batch_of(tensors: Iterable[Tensor]) -> sympy.Symbol | None:
    """Return the extent of the examples, None where nothing is divided into batches.

    It is the only one that is known at run time, or that of the first axes of inputs and targets;
    where these have several, the one called N. Time is in order and makes no batches.
    """
    given = tuple(tensors)
    steps = {i.extent for tensor in given for i in tensor.indices if i.sequential}
    found = {e for tensor in given for e in tensor.shape if isinstance(e, sympy.Symbol)}
    if len(found) <= 1:
        return next(iter(found - steps), None)
    first = {
        tensor.shape[0]
        for tensor in given
        if tensor.rank and tensor.role in ("input", "target") and tensor.shape[0] in found
    } - steps
    named = {extent for extent in first if str(extent) == "N"}
    (batch,) = named or (first if len(first) == 1 else {None})
    return batch


def check_run_time_extent(
    equations: Sequence[Equation],
    inputs: Sequence[Tensor],
    targets: Sequence[Tensor],
    cost: Tensor | None,
    output: Tensor | None,
) -> None:
    """Raise :class:`NotationError` where no array says how large a run-time extent is.

    The cost learns it from the inputs and targets that it reads, the output from the inputs.
    """
    arrays = {*inputs, *targets}
    for extent in _run_over(equations):
        if not _with_axis(extent, arrays):
            raise NotationError(
                f"{_first(extent, equations)} runs over {extent}, which is the extent of "
                f"no input: only an array says how large {extent} is; declare the input or target "
                f"that has it, such as bp.input('x', n, …), or write its size as a number"
            )
        if cost is None:
            continue
        needed = needed_by(equations, [cost])
        of_cost = [equation for equation in equations if equation.tensor in needed]
        if extent in _run_over(of_cost) and not _with_axis(extent, arrays & needed):
            raise NotationError(
                f"cost {cost.name}: {_first(extent, of_cost)} runs over {extent}, but the cost "
                f"reads no input or target that has it: only an array says how large {extent} is"
            )
    if output is not None and not is_known_to_predict(output, equations, inputs):
        needed = needed_by(equations, [output])
        of_output = [equation for equation in equations if equation.tensor in needed]
        extent = next(e for e in _run_over(of_output) if not _with_axis(e, inputs))
        names = ", ".join(t.name for t in sorted(_with_axis(extent, arrays), key=str))
        raise NotationError(
            f"output {output.name} runs over {extent}, which only the target {names} has: "
            f"predict is given inputs alone and cannot know it; choose another output="
        )


def is_known_to_predict(
    output: Tensor, equations: Sequence[Equation], inputs: Sequence[Tensor]
) -> bool:
    """Whether the inputs say how large every extent is that an output runs over."""
    needed = needed_by(equations, [output])
    of_output = [equation for equation in equations if equation.tensor in needed]
    return all(_with_axis(extent, inputs) for extent in _run_over(of_output))


def _run_over(equations: Iterable[Equation]) -> dict[sympy.Symbol, Equation]:
    """Return the run-time extents that equations run over, each with the first that does."""
    found: dict[sympy.Symbol, Equation] = {}
    for equation in equations:
        extents = [*equation.tensor.shape]
        indices = sorted(equation.body.atoms(Index), key=lambda index: index.dummy_index)
        for extent in (*extents, *(index.extent for index in indices)):
            if isinstance(extent, sympy.Symbol):
                found.setdefault(extent, equation)
    return found


def _first(extent: sympy.Symbol, equations: Iterable[Equation]) -> str:
    return str(_run_over(equations)[extent].lhs)


def _with_axis(extent: sympy.Symbol, tensors: Iterable[Tensor]) -> set[Tensor]:
    return {tensor for tensor in tensors if extent in tensor.shape}
