"""evaluate: any tensor of a program, by its name, as it is in use."""

from collections.abc import Iterable, Sequence

from symbp.calculus.phases import inference_form
from symbp.entries.asked import arrays, packed
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["checked_outputs", "evaluations", "named"]


def checked_outputs(program: Program, outputs: object) -> tuple[Tensor, ...]:
    """Return the tensors that a user wants to evaluate, given by name or as they are.

    Parameters
    ----------
    program : Program
        As its author wrote it.
    outputs : sequence of str or Tensor
        Each at most once.

    Raises
    ------
    SymbpError
        One is not defined by an equation of the program, or is there twice.
    """
    if not isinstance(outputs, (tuple, list)):
        raise SymbpError(f"outputs={outputs!r}: expected a tuple of names, such as ('a1',)")
    defined = {equation.tensor.name: equation.tensor for equation in program.equations}
    found: list[Tensor] = []
    for given in outputs:
        tensor = given.tensor if isinstance(given, Element) else given
        name = tensor.name if isinstance(tensor, Tensor) else tensor
        if not isinstance(name, str):
            raise SymbpError(f"outputs: expected a tensor of the program or its name, got {name!r}")
        if isinstance(tensor, Tensor) and defined.get(name, tensor) is not tensor:
            raise SymbpError(f"outputs: {name} is another tensor than the program's of that name")
        if name not in defined:
            raise SymbpError(f"outputs: no equation defines {name!r}; {suggest(name, defined)}")
        if defined[name] in found:
            raise SymbpError(f"outputs: {name!r} is there twice")
        found.append(defined[name])
    return tuple(found)


def evaluations(model: Model, outputs: Iterable[Tensor]) -> tuple[Entry, ...]:
    """Return an entry point for each output.

    Parameters
    ----------
    model : Model
        Of any program.
    outputs : iterable of Tensor
        As :func:`checked_outputs` returns them.
    """
    made: list[Entry] = []
    for position, output in enumerate(outputs, start=1):
        name = f"evaluate_{output.name}"
        # No letter but of ASCII becomes code, and a and A are one in the name of a constant.
        if not name.isascii() or name.upper() in {entry.name.upper() for entry in made}:
            name = f"evaluate_{position}"
        made.append(_evaluate(model, output, name))
    return tuple(made)


def _evaluate(model: Model, output: Tensor, name: str) -> Entry:
    wanted = model.given.replace(
        cost=None, output=None, results=(output,), passed=model.given.passed
    )
    written = model.given if model.written is None else model.written
    single = Model(inference_form(wanted).prune([output]), None, model.derivatives, written)
    program = model.computing(single.plain, [output])
    needed = set(single.given.targets)
    data = (*model.inputs, *(tensor for tensor in model.data if tensor in needed))
    scalar = not output.rank
    return Entry(
        name,
        program,
        (
            *packed(single),
            *arrays(data),
            *(() if scalar else (Slot(output.name, (output,), "out"),)),
        ),
        returns=output if scalar else None,
        summary=f"Compute {output.name}, as in use.",
        evaluates=output,
    )


def named(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return the entry points of outputs, by the output's name."""
    return {entry.evaluates.name: entry for entry in entries if entry.evaluates is not None}
