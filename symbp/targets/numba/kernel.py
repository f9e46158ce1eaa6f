"""kernel: a function of a module as text, and what is known of the text."""

from dataclasses import dataclass
from typing import Literal

from symbp.notation.equation import Equation

__all__ = ["Kernel", "Passage"]


@dataclass(frozen=True)
class Passage:
    """Lines of a function that belong together, and the equations that they compute.

    Attributes
    ----------
    start, end : int
        The lines are those from `start` on, before `end`.
    equations : tuple of Equation
        As they reached the loops, each with its origin.
    joins : {"", "next", "previous"}
        Whether the lines only prepare the next passage, or finish the previous one.
    """

    start: int
    end: int
    equations: tuple[Equation, ...]
    joins: Literal["", "next", "previous"] = ""


@dataclass(frozen=True)
class Kernel:
    """A function's text, the runtime functions that it calls, and which lines compute what.

    Attributes
    ----------
    text : str
        The decorated function, with a newline at its end.
    calls : frozenset of str
        The functions of the runtime that stand in the text.
    passages : tuple of Passage
        In the order of the lines, which are counted from the decorator on.
    buffers : tuple of (int, int)
        Of a team's function, what it needs of the team's memory: for each buffer the number of
        elements for each row of a batch, and besides.
    multiplications : int
        Of one example, in the matrix products.
    emitted : bool
        Whether it is compiled past Numba's front end.
    """

    text: str
    calls: frozenset[str]
    passages: tuple[Passage, ...] = ()
    buffers: tuple[tuple[int, int], ...] = ()
    multiplications: int = 0
    emitted: bool = True
