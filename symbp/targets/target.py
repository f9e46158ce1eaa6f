"""What a target is: a name, and a function from what is asked for to the texts of files.

Everything before it is the same for all targets: entry points, equation passes, loop programs and
the passes over them. A target says how a loop program is written in its language, and what stands
around it; ``README.md`` beside this file says in numbered steps how to add one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symbp.entries.model import Model
from symbp.notation.errors import SymbpError, UnsupportedError, suggest
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["DTYPES", "Job", "Target", "check_dtype"]

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Job:
    """What a target is asked for.

    Attributes
    ----------
    model : Model
        The program, from which entry points are made.
    title : str
        One line that says what is computed.
    stem : str
        The name of the file to be written, without its ending: public names may start with it.
    dtype : {"float32", "float64"}
        The precision of parameters and arithmetic.
    batch : int
        The most examples of one call, where memory for them is part of the program.
    parameters : mapping of Tensor to ndarray, optional
        The numbers of each parameter, to be written into the text; nothing is trained then.
    """

    model: Model
    title: str
    stem: str
    dtype: str = "float64"
    batch: int = 32
    parameters: Mapping[Tensor, NDArray[Any]] | None = None


@dataclass(frozen=True)
class Target:
    """A language that programs are written in.

    Attributes
    ----------
    name : str
        What users call it.
    endings : tuple of str
        Those of the files that are written, the main one first.
    texts : callable
        Returns the text of each file, in the order of the endings: the same to the byte for the
        same job.
    """

    name: str
    endings: tuple[str, ...]
    texts: Callable[[Job], tuple[str, ...]]


def check_dtype(program: Program, dtype: str) -> None:
    """Raise an error if a precision is unknown, or a number of an equation is none of it.

    Parameters
    ----------
    program : Program
        What is computed.
    dtype : str
        Any text.
    """
    if dtype not in DTYPES:
        raise SymbpError(f"dtype {dtype!r}: {suggest(str(dtype), DTYPES)}")
    largest = float(np.finfo(dtype).max)
    for equation in program.equations:
        for number in equation.body.atoms(sympy.Number):
            if number.is_finite and abs(number) > largest:
                raise UnsupportedError(
                    f"{equation.lhs}: {sympy.N(number, 4)} is too large for {dtype}"
                )
