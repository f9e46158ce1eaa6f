"""files: a program written to the files of a target, from what a user asks for."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from symbp.notation.arguments import numbers_for
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.files import require_writable, write_text
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.targets.known import TARGETS
from symbp.targets.target import Job, Target

__all__ = ["check_options", "checked_target", "numbers_of", "write_files"]


def checked_target(name: str) -> Target:
    """Return the target of a name.

    Parameters
    ----------
    name : str
        What a user calls it.
    """
    if name not in TARGETS:
        raise SymbpError(f"target {name!r}: {suggest(str(name), TARGETS)}")
    return TARGETS[name]


def check_options(target: Target, path: str | os.PathLike[str], options: Mapping[str, Any]) -> None:
    """Raise an error if a target does not take an option, or writes no file of this ending.

    Parameters
    ----------
    target : Target
        What is asked for.
    path : path
        The main file.
    options : mapping of str to object
        Optional attributes of a job, empty or None where they are not given.
    """
    for option, value in options.items():
        if option not in target.options and value is not None and value != ():
            takers = " or ".join(repr(t.name) for t in TARGETS.values() if option in t.options)
            raise SymbpError(f"{option}: only target {takers} takes it, not {target.name!r}")
    ending = Path(path).suffix
    if target.strict and ending != target.ending:
        raise SymbpError(
            f"{os.fspath(path)}: expected a file that ends in {target.ending} for target "
            f"{target.name!r}"
        )
    for other in TARGETS.values():
        if other is not target and ending == other.ending:
            raise SymbpError(
                f"{os.fspath(path)}: target {target.name!r} writes {target.language}; write "
                f"{target.ending}, or pass target={other.name!r}"
            )


def write_files(target: Target, job: Job, path: str | os.PathLike[str]) -> Path:
    """Write the files of a target and return the main one.

    Parameters
    ----------
    target : Target
        What writes them.
    job : Job
        What is asked for.
    path : path
        The main file; the others are beside it.
    """
    path = Path(path)
    main, *others = target.texts(job).items()
    if others:
        for name in (path.name, *(name for name, _ in others)):
            require_writable(path.with_name(name))
    for name, text in others:
        if Path(name).stem != job.stem:
            _require_own(path.with_name(name), text)
    # The main file last: once it is there, the others are.
    for name, text in reversed(others):
        write_text(path.with_name(name), text)
    return write_text(path, main[1])


def _require_own(path: Path, text: str) -> None:
    """Refuse to replace a file whose name nobody chose by text that begins otherwise."""
    if path.exists() and path.read_bytes().split(b"\n")[0] != text.split("\n")[0].encode():
        raise SymbpError(
            f"{path}: a file of this name is there that symbp has not written: move it, or write "
            f"to another folder"
        )


def numbers_of(program: Program, given: Any, states: bool = False) -> dict[Tensor, NDArray[Any]]:
    """Return the numbers of each parameter, checked.

    Parameters
    ----------
    program : Program
        With an output.
    given : trainer, mapping of str to array, or the Parameters of a module
        What a user passes.
    states : bool
        Whether the numbers of the program's states are needed too.
    """
    if program.output is None:
        raise SymbpError("parameters: with them predict alone is written, but there is no output")
    fields = _fields(given)
    wanted = (*program.parameters, *(program.states if states else ()))
    if states and program.states and sorted(fields) == sorted(t.name for t in program.parameters):
        names = ", ".join(tensor.name for tensor in program.states)
        raise SymbpError(f"parameters: the output reads states too ({names}): pass the trainer")
    if not states:
        kept = {tensor.name for tensor in program.states}
        fields = {name: array for name, array in fields.items() if name not in kept}
    if sorted(fields) != sorted(tensor.name for tensor in wanted):
        names = ", ".join(tensor.name for tensor in wanted)
        raise SymbpError(f"parameters: expected {names}, got {', '.join(fields)}")
    result = {}
    for tensor in wanted:
        result[tensor] = numbers_for(
            tensor.shape, fields[tensor.name], f"parameters: {tensor.name}"
        )
    return result


def _fields(given: Any) -> dict[str, Any]:
    """Return arrays by name, those of a trainer's state too."""
    if hasattr(given, "parameters") and hasattr(given, "fit"):
        state = getattr(given, "state", None)
        return {**given.parameters._asdict(), **({} if state is None else state._asdict())}
    fields = given._asdict() if hasattr(given, "_asdict") else given
    if not isinstance(fields, Mapping):
        raise SymbpError(
            f"parameters: expected a trainer, its parameters or a dict of arrays, got "
            f"{type(given).__name__}"
        )
    return dict(fields)
