"""What a target is: a name, and a function from what is asked for to the texts of files.

Everything before it is the same for all targets: entry points, equation passes, loop programs and
the passes over them. A target says how a loop program is written in its language, and what stands
around it; ``README.md`` beside this file says in numbered steps how to add one.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symbp.entries.entry import Entry
from symbp.entries.model import Model
from symbp.notation.errors import SymbpError, UnsupportedError, suggest
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.targets.preparation import Preparation

__all__ = ["DTYPES", "Job", "Many", "Target", "check_dtype"]

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Many:
    """Many networks of a program at once.

    Attributes
    ----------
    count : int, optional
        How many, unless a caller says it.
    values : mapping of str to tuple of float
        Hyperparameters that have a value for each, by name.
    """

    count: int | None = None
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


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
    entries : tuple of Entry
        Entry points besides those that are always there.
    equations : mapping of str to str
        LaTeX of each equation, by the name of what it defines.
    threshold : float
        What a single output exceeds for class 1: 0 for a logit, 0.5 for a probability.
    ranges : mapping of str to (float, bool, float)
        For each hyperparameter by name the least value, whether that is excluded, and what it
        must stay below.
    batch : int, optional
        The most examples of one call, where memory for them is part of the program.
    parameters : mapping of Tensor to ndarray, optional
        The numbers of each parameter, to be written into the text; nothing is trained then.
    runtime : str, optional
        Where what is common to all programs stands, such as ``"beside"``.
    preparation : Preparation, optional
        With parameters: what is done to a table before the network, and to its outputs after it.
    ranks : bool
        Whether several processes can train together.
    replicas : Many, optional
        If it trains many networks of the program at once, too: how many.
    is_read : bool
        Whether people read the text, rather than the cache alone: a short one is worth a longer
        start then.
    """

    model: Model
    title: str
    stem: str
    dtype: str = "float64"
    entries: tuple[Entry, ...] = ()
    equations: Mapping[str, str] = field(default_factory=dict)
    threshold: float = 0.5
    ranges: Mapping[str, tuple[float, bool, float]] = field(default_factory=dict)
    batch: int | None = None
    parameters: Mapping[Tensor, NDArray[Any]] | None = None
    runtime: str | None = None
    preparation: Preparation | None = None
    ranks: bool = False
    replicas: Many | None = None
    is_read: bool = True


@dataclass(frozen=True)
class Target:
    """A language that programs are written in.

    Attributes
    ----------
    name : str
        What users call it.
    language : str
        What a file is in words, such as ``"a Python module"``.
    ending : str
        That of the main file.
    options : frozenset of str
        Which optional attributes of a job it takes.
    texts : callable
        Returns the text of each file by its name, the main one first: the same to the byte for
        the same job.
    strict : bool
        Whether the main file must have the ending.
    """

    name: str
    language: str
    ending: str
    options: frozenset[str]
    texts: Callable[[Job], dict[str, str]]
    strict: bool = True


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
            # What tells the finite from the infinite is infinity itself in a smaller precision.
            is_bound = abs(number) == sys.float_info.max
            if number.is_finite and abs(number) > largest and not is_bound:
                raise UnsupportedError(
                    f"{equation.lhs}: {sympy.N(number, 4)} is too large for {dtype}"
                )
