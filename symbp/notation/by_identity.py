"""Remember what a pass made of an object, and not what it made of an equal one.

Equal expressions may print in another order, and equal equations have another origin: they were
written elsewhere.
"""

import functools
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["noted", "remembered"]

R = TypeVar("R")


def noted(function: Callable[..., R]) -> Callable[..., R]:
    """Return the function with its results noted in the objects that it is asked about.

    They are gone with the object, an equation or a statement, which cannot change.

    Parameters
    ----------
    function : callable
        Other arguments than the first are compared as usual.
    """
    name = f"_{function.__module__}.{function.__qualname__}"

    @functools.wraps(function)
    def noting(value: Any, *arguments: Hashable) -> R:
        notes = value.__dict__
        if arguments:
            notes = notes.setdefault("_notes", {})
        key: Any = (name, *arguments) if arguments else name
        found: R
        try:
            found = notes[key]
        except KeyError:
            found = notes[key] = function(value, *arguments)
        return found

    return noting


def remembered(most: int) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Return a decorator: the last results are kept, by the identity of the object.

    Parameters
    ----------
    most : int
        How many results are kept at most; when there are more, all are forgotten. Other arguments
        than the first are compared as usual.
    """

    def decorated(function: Callable[..., R]) -> Callable[..., R]:
        # The object is kept beside the result, so that its id stays its own.
        known: dict[Hashable, tuple[Any, R]] = {}

        @functools.wraps(function)
        def remembering(value: Any, *arguments: Hashable) -> R:
            key = (id(value), *arguments) if arguments else id(value)
            found = known.get(key)
            if found is None:
                if len(known) >= most:
                    known.clear()
                found = known[key] = value, function(value, *arguments)
            return found[1]

        return remembering

    return decorated
