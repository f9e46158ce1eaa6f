"""progress: what ``fit(verbose=)`` prints of each epoch."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from symbp.notation.errors import SymbpError
from symbp.training.compiling import Stopwatch, telling_what_compiles

__all__ = ["Lines", "described", "reporting"]

Report = Callable[[int, dict[str, Any]], object]
_LABELS = {"cost": "cost", "validation_cost": "validation cost"}
# So many times a second a line that is written over is written.
_A_SECOND = 10


def described(record: dict[str, Any]) -> str:
    """Return what a record of the history says, without its number."""
    parts = [f"{label} {record[name]:.5f}" for name, label in _LABELS.items() if name in record]
    if "validation_accuracy" in record:
        parts.append(f"validation accuracy {100 * record['validation_accuracy']:.1f} %")
    return "  ".join(parts)


class Lines:
    """Prints epochs: a line that is written over where a person looks, else one line each.

    Parameters
    ----------
    epochs : int
        How many there are to be.
    over : bool
        Whether the line is written over.
    stream : file
        Where it is written.
    """

    def __init__(self, epochs: int, over: bool, stream: TextIO) -> None:
        self.epochs, self.over, self.stream = epochs, over, stream
        self.watch, self._count, self._width, self._next = Stopwatch(), 0, 0, 0.0
        self._last = ""

    def tell(self, kernel: str) -> None:
        """Show what is compiled."""
        self.watch.note(kernel)
        if self.over:
            self._write(f"compiling {kernel}" if kernel else "")

    def epoch(self, number: int, record: dict[str, Any]) -> None:
        """Show an epoch; the number is that since the training began."""
        self._count += 1
        width = len(str(self.epochs))
        self._last = f"epoch {self._count:{width}}/{self.epochs}  {described(record)}"
        if not self.over:
            print(self._last, file=self.stream, flush=True)
        elif time.perf_counter() >= self._next:
            self._next = time.perf_counter() + 1 / _A_SECOND
            self._write(self._last)

    def end(self) -> None:
        """Write the last epoch once more, with the time that was spent."""
        if not self._count:
            return
        if self.over:
            self._write(f"{self._last}  {self.watch.text()}")
            print(file=self.stream, flush=True)
        else:
            plural = "epoch" if self._count == 1 else "epochs"
            print(f"{self._count} {plural}, {self.watch.text()}", file=self.stream, flush=True)

    def _write(self, text: str) -> None:
        # Spaces and no control sequence, which not every notebook knows.
        self.stream.write("\r" + text.ljust(self._width))
        self.stream.flush()
        self._width = len(text)


@contextmanager
def reporting(verbose: Any, epochs: int) -> Iterator[Report | None]:
    """Return what is called after each epoch for a `verbose`, or None if that is silent.

    Parameters
    ----------
    verbose : int, bool or callable
        0: silent; 1: a line that is written over, on a terminal and in a notebook, else one line
        for each epoch; 2: one line for each epoch; or what is called with epoch and record.
    epochs : int
        How many there are to be.
    """
    if callable(verbose):
        yield verbose
        return
    if not isinstance(verbose, int) or verbose not in (0, 1, 2):
        raise SymbpError(
            f"verbose: expected 0, 1, 2 or a function of the epoch and its record, got {verbose!r}"
        )
    if not verbose:
        yield None
        return
    lines = Lines(epochs, verbose == 1 and _is_watched(sys.stdout), sys.stdout)
    with telling_what_compiles(lines.tell):
        try:
            yield lines.epoch
        finally:
            lines.end()


def _is_watched(stream: TextIO) -> bool:
    """Whether a person looks at what is written: on a terminal, or in a notebook."""
    return stream.isatty() or type(stream).__module__.startswith("ipykernel")
