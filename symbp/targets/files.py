"""files: a program written to the files of a target, from what a user asks for."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.entries.model import Model
from symbp.notation.errors import SymbpError
from symbp.notation.files import require_writable, write_text
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.targets.known import TARGETS
from symbp.targets.target import Job

__all__ = ["write_files"]


def write_files(
    model: Model,
    path: str | os.PathLike[str],
    target: str,
    title: str,
    dtype: str,
    batch: int,
    parameters: Any,
) -> Path:
    """Write the files of a target and return the main one.

    Parameters
    ----------
    model : Model
        Of a program with at least one parameter; with a cost, unless parameters are given.
    path : path
        The main file; the others are beside it, with other endings.
    target : str
        One of :data:`symbp.targets.known.TARGETS`.
    title : str
        One line that says what is computed.
    dtype : {"float32", "float64"}
        The precision.
    batch : int
        The most rows of a batch.
    parameters : mapping of str to array, or the Parameters of a module, optional
        Numbers to be written in as constants.
    """
    known = TARGETS[target]
    path = Path(path)
    main = known.endings[0]
    if path.suffix != main:
        raise SymbpError(f"{path}: expected a file that ends in {main} for target {target!r}")
    fixed = None if parameters is None else _numbers(model.given, parameters)
    if fixed is not None and model.given.output is None:
        raise SymbpError("parameters: with them predict alone is written, but there is no output")
    job = Job(model, title, path.stem, dtype, batch, fixed)
    texts = known.texts(job)
    files = [path.with_suffix(ending) for ending in known.endings]
    for file in files:
        require_writable(file)
    # The main file last: once it is there, the others are.
    for file, text in reversed(list(zip(files, texts, strict=True))):
        write_text(file, text)
    return path


def _numbers(program: Program, given: Any) -> dict[Tensor, NDArray[Any]]:
    """Return the numbers of each parameter, checked."""
    fields = given._asdict() if hasattr(given, "_asdict") else given
    names = [tensor.name for tensor in program.parameters]
    if not isinstance(fields, Mapping):
        raise SymbpError(
            f"parameters: expected a trainer's parameters or a dict of arrays, got "
            f"{type(given).__name__}"
        )
    if sorted(fields) != sorted(names):
        raise SymbpError(f"parameters: expected {', '.join(names)}, got {', '.join(fields)}")
    result = {}
    for tensor in program.parameters:
        array = np.asarray(fields[tensor.name])
        if array.shape != tensor.shape or array.dtype.kind not in "fiu":
            raise SymbpError(
                f"parameters: {tensor.name}: expected numbers of shape {tensor.shape}, got shape "
                f"{array.shape} of {array.dtype}"
            )
        result[tensor] = array
    return result
