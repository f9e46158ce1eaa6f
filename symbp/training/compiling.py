"""What Numba compiles at a time, for whoever waits, and how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Stopwatch", "telling_what_compiles"]


class Stopwatch:
    """Seconds of training, and apart from them those in which kernels were compiled.

    Attributes
    ----------
    compiling : float
        Seconds of compiling until now.
    """

    def __init__(self) -> None:
        self._since, self._depth = 0.0, 0
        self.start()

    def start(self) -> None:
        """Count from now on."""
        self._started, self.compiling = time.perf_counter(), 0.0

    def note(self, kernel: str) -> None:
        """Take what :func:`telling_what_compiles` tells."""
        # Kernels may be compiled for the sake of others.
        if kernel:
            if not self._depth:
                # Before an epoch is compiled, there was nothing but what prepares it.
                first = kernel == "epoch" and not self.compiling
                self._since = self._started if first else time.perf_counter()
            self._depth += 1
        elif self._depth:
            self._depth -= 1
            if not self._depth:
                self.compiling += time.perf_counter() - self._since

    def text(self) -> str:
        """Return how long training took until now, and compiling."""
        trained = time.perf_counter() - self._started - self.compiling
        more = f", {self.compiling:.1f} s of compiling" if self.compiling > 0.05 else ""
        return f"{trained:.1f} s{more}"


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
