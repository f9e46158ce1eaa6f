"""The errors of symbp: one small family, each message one line.

A message names the thing as the user wrote it, says what was expected and what came.
"""

import difflib
from collections.abc import Iterable

__all__ = ["NotationError", "OperandError", "SymbpError", "UnsupportedError", "suggest"]


class SymbpError(ValueError):
    """Base class of every error that symbp raises on purpose."""


class NotationError(SymbpError):
    """An equation or a program is not well formed; raised when it is defined."""


class OperandError(NotationError, TypeError):
    """An operator or a function of Python or NumPy was given a symbol where it needs a number.

    Also a ``TypeError``: SymPy and NumPy try an operation and catch that when it has no meaning.
    """


class UnsupportedError(SymbpError):
    """The request is meaningful, but symbp cannot do it; the message says what it can do."""


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the nearest of the known names to a misspelt one, and the whole list.

    Parameters
    ----------
    word : str
        What the user wrote.
    known : iterable of str
        The names that would have been right.

    Returns
    -------
    str
        For example ``"did you mean 'sigmoid'? known: relu, sigmoid, tanh"``.

    Examples
    --------
    >>> suggest("sigmod", ["relu", "sigmoid"])
    "did you mean 'sigmoid'? known: relu, sigmoid"
    """
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=2, cutoff=0.5)
    question = f"did you mean {' or '.join(repr(name) for name in near)}? " if near else ""
    return f"{question}known: {', '.join(names) or 'none'}"
