"""names: one identifier for every tensor and index, made here and nowhere else.

A user's name is taken over only when it is a plain ASCII identifier that nothing else in the
module uses; otherwise the generator numbers its own. So no user's text ever becomes code.
"""

import builtins
import functools
import keyword
import re
from collections.abc import Iterable

from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["Names", "is_safe_name"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z")


@functools.lru_cache(maxsize=4096)
def is_safe_name(name: str) -> bool:
    """Whether a name may stand in code as it is."""
    return bool(_PLAIN.match(name)) and not keyword.iskeyword(name) and not hasattr(builtins, name)


class Names:
    """Gives each tensor, index and temporary of one function its identifier.

    Parameters
    ----------
    reserved : iterable of str
        What the function's text means something else by.
    tensors : iterable of Tensor
        All that get an identifier, so that comments can use it before.
    """

    def __init__(self, reserved: Iterable[str], tensors: Iterable[Tensor] = ()) -> None:
        self._used = set(reserved)
        self._tensors: dict[Tensor, str] = {}
        self._indices: set[str] = set()
        self._first: dict[str, Tensor] = {}
        for tensor in tensors:
            self._first.setdefault(tensor.name, tensor)

    def unique(self, wanted: str) -> str:
        """Return an identifier that is not in use: the wanted one, or it with a number."""
        stem = wanted if is_safe_name(wanted) else "t"
        name, count = stem, 1
        while name in self._used:
            count += 1
            name = f"{stem}_{count}"
        self._used.add(name)
        return name

    def tensor(self, tensor: Tensor) -> str:
        """Return the identifier of an array or a register."""
        if tensor not in self._tensors:
            self._tensors[tensor] = self.unique(tensor.name)
        return self._tensors[tensor]

    def show(self, tensor: Tensor, held: Tensor) -> None:
        """Let comments call a tensor that the code does not have like the one that holds it."""
        self._first.setdefault(tensor.name, held)

    def shown(self, tensor: Tensor) -> str:
        """Return what a comment calls a tensor of an equation: as that of its name in the code."""
        return self.tensor(self._first.setdefault(tensor.name, tensor))

    def index(self, index: Index, in_use: Iterable[str] = ()) -> str:
        """Return the identifier of a loop's index; loops side by side may share one."""
        taken = set(in_use)
        stem = index.name if is_safe_name(index.name) else "i"
        name, count = stem, 1
        while name in taken or (name in self._used and name not in self._indices):
            count += 1
            name = f"{stem}_{count}"
        self._used.add(name)
        self._indices.add(name)
        return name
