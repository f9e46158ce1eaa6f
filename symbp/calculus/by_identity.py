"""Remember what a pass made of an object, and not what it made of an equal one.

Equal expressions may print in another order, and equal equations have another origin: they were
written elsewhere.
"""

import functools
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["remembered"]

R = TypeVar("R")


class _Itself:
    """A key that is equal to that of the same object only."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def remembered(most: int) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Return a decorator: the results of the last calls are kept, by the identity of the object.

    Parameters
    ----------
    most : int
        How many results are kept. Other arguments than the first are compared as usual.
    """

    def decorated(function: Callable[..., R]) -> Callable[..., R]:
        @functools.lru_cache(maxsize=most)
        def known(key: _Itself, *arguments: Hashable) -> R:
            return function(key.value, *arguments)

        @functools.wraps(function)
        def remembering(value: Any, *arguments: Hashable) -> R:
            return known(_Itself(value), *arguments)

        return remembering

    return decorated
