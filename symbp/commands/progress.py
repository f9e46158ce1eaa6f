"""Lines and a bar for epochs, and what is compiled meanwhile."""

import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from symbp.commands.compiling import telling_what_compiles

__all__ = ["Epochs", "epoch_lines"]


class Epochs:
    """Prints a line for each epoch; knows how many seconds kernels were compiled in.

    Attributes
    ----------
    compiling : float
        These seconds, which are no training.
    started : float
        When the first epoch began.
    """

    def __init__(self, epochs: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
            # Rich would send stdout to its own console: wrong for a pipe or a file.
            redirect_stdout=sys.stdout.isatty(),
        )
        self.epochs, self.numbers, self.compiling = epochs, itertools.count(1), 0.0
        self.task = self.progress.add_task("training", total=epochs)
        self.started, self._since, self._depth = time.perf_counter(), 0.0, 0

    def start(self) -> None:
        """Count from now on."""
        self.started, self.compiling = time.perf_counter(), 0.0

    def line(self, text: str) -> None:
        """Print the line of the next epoch."""
        # Not typer.echo: it would write past rich, into the bar.
        width = len(str(self.epochs))
        print(f"epoch {next(self.numbers):{width}}/{self.epochs}  {text}", flush=True)
        self.progress.advance(self.task)

    def tell(self, kernel: str) -> None:
        """Show what is compiled, or that nothing is."""
        # Kernels may be compiled for the sake of others.
        if kernel:
            if not self._depth:
                self._since = time.perf_counter()
            self._depth += 1
        elif self._depth:
            self._depth -= 1
            if not self._depth:
                self.compiling += time.perf_counter() - self._since
        description = f"compiling {kernel}" if kernel else "training"
        self.progress.update(self.task, description=description, refresh=True)

    def seconds(self) -> str:
        """Return how long training took until now, and compiling."""
        trained = time.perf_counter() - self.started - self.compiling
        more = f", {self.compiling:.1f} s of compiling" if self.compiling > 0.05 else ""
        return f"{trained:.1f} s{more}"


@contextmanager
def epoch_lines(epochs: int) -> Iterator[Epochs]:
    """Print one line an epoch to stdout, above a progress bar on stderr if that is a terminal.

    Parameters
    ----------
    epochs : int
        How many there will be.
    """
    shown = Epochs(epochs)
    with shown.progress, telling_what_compiles(shown.tell):
        yield shown
