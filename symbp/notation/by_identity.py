"""Remember what a pass made of an object, and not what it made of an equal one.

Equal expressions may print in another order, and equal equations have another origin: they were
written elsewhere.
"""

import functools
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["remembered"]

R = TypeVar("R")


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
