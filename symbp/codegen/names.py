"""names: one identifier for every tensor and index, made here and nowhere else.

A user's name is taken over only when it is a plain ASCII identifier that nothing else in the
module uses; otherwise the generator numbers its own. So no user's text ever becomes code.
"""

import builtins
import keyword
import re
from collections.abc import Iterable

from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["Names", "is_safe_name"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z")


def is_safe_name(name: str) -> bool:
    """Whether a name may stand in code as it is."""
    return bool(_PLAIN.match(name)) and not keyword.iskeyword(name) and not hasattr(builtins, name)


class Names:
    """Gives each tensor, index and temporary of one function its identifier."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._used = set(reserved)
        # Up to which number the names of a stem are in use: thousands of temporaries share one.
        self._counts: dict[str, int] = {}
        self._tensors: dict[Tensor, str] = {}
        self._indices: dict[Index, str] = {}

    def unique(self, wanted: str) -> str:
        """Return an identifier that is not in use: the wanted one, or it with a number."""
        stem = wanted if is_safe_name(wanted) else "t"
        count = self._counts.get(stem, 1)
        name = stem if count == 1 else f"{stem}_{count}"
        while name in self._used:
            count += 1
            name = f"{stem}_{count}"
        self._used.add(name)
        self._counts[stem] = count
        return name

    def tensor(self, tensor: Tensor) -> str:
        """Return the identifier of a tensor."""
        if tensor not in self._tensors:
            self._tensors[tensor] = self.unique(tensor.name)
        return self._tensors[tensor]

    def same(self, tensor: Tensor, other: Tensor) -> None:
        """Give a tensor the identifier of another, whose memory it shares."""
        self._tensors[tensor] = self.tensor(other)

    def index(self, index: Index, in_use: Iterable[str] = ()) -> str:
        """Return the identifier of a loop's index; loops side by side may share one."""
        taken = set(in_use)
        stem = index.name if is_safe_name(index.name) else "i"
        name, count = stem, 1
        while name in taken or (name in self._used and name not in self._indices.values()):
            count += 1
            name = f"{stem}_{count}"
        self._used.add(name)
        self._indices[index] = name
        return name
