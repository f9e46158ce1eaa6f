"""Who is who: tensors and indices are told apart by where and when they were made.

Each has a number, which counts up in a process and says which of two is older, and the name of the
process that made it. A pickled one is found again by both: in the process that it comes from it is
the object that went out, in another one it is the same object each time, and never one made there.
"""

import itertools
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Serials", "home", "remember", "restored"]

T = TypeVar("T")

_home = os.urandom(12).hex()
_known: weakref.WeakValueDictionary[Any, Any] = weakref.WeakValueDictionary()


def home() -> str:
    """Return the name of this process, which no other process has."""
    return _home


def _after_fork() -> None:
    # From here on parent and child make different objects, with the same numbers.
    global _home
    _home = os.urandom(12).hex()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Serials:
    """Numbers in the order in which objects are made."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __next__(self) -> int:
        return next(self._numbers)

    def pass_over(self, number: float) -> None:
        """Let all that is made from now on be younger than an object that came from elsewhere."""
        with self._lock:
            if number >= next(self._numbers):
                self._numbers = itertools.count(int(number) + 1)


def remember(key: tuple[Any, ...], made: T) -> T:
    """Note an object that is pickled, so that it is found when it comes back."""
    _known[key] = made
    return made


def restored(key: tuple[Any, ...], make: Callable[[], T]) -> T:
    """Return the object of a key, made now if this process has none."""
    found: T | None = _known.get(key)
    return remember(key, make()) if found is None else found
