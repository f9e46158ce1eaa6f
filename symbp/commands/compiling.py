"""What Numba compiles at a time, for whoever waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["telling_what_compiles"]


@contextmanager
def telling_what_compiles(tell: Callable[[str], None]) -> Iterator[None]:
    """Call a function with the name of each kernel that is compiled meanwhile, then with "".

    A kernel that is in the cache is loaded, and not told of.

    Parameters
    ----------
    tell : function
        Takes a name such as ``"epoch"`` or ``"predict"``, or ``""`` when it is done.
    """
    from numba.core import event

    class Telling(event.Listener):
        def on_start(self, event: Any) -> None:
            name = kernel_name(event.data["dispatcher"])
            if name:
                tell(name)

        def on_end(self, event: Any) -> None:
            if kernel_name(event.data["dispatcher"]):
                tell("")

    with event.install_listener("numba:compile", Telling()):
        yield


def kernel_name(dispatcher: Any) -> str:
    """Return the name of a kernel, or "" for another function: ``_epoch_part`` is ``epoch``."""
    name = dispatcher.py_func.__name__
    for end in ("_kernel", "_part"):
        if name.startswith("_") and name.endswith(end):
            return str(name[1 : -len(end)])
    return ""
