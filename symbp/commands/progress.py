"""Lines and a bar for epochs, and what is compiled meanwhile."""

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from symbp.training.compiling import Stopwatch, telling_what_compiles

__all__ = ["Epochs", "epoch_lines"]


class Epochs:
    """Prints a line for each epoch; knows how many seconds kernels were compiled in."""

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
        self.epochs, self.numbers, self.watch = epochs, itertools.count(1), Stopwatch()
        self.task = self.progress.add_task("training", total=epochs)

    def start(self) -> None:
        """Count from now on."""
        self.watch.start()

    def line(self, text: str) -> None:
        """Print the line of the next epoch."""
        # Not typer.echo: it would write past rich, into the bar.
        width = len(str(self.epochs))
        print(f"epoch {next(self.numbers):{width}}/{self.epochs}  {text}", flush=True)
        self.progress.advance(self.task)

    def tell(self, kernel: str) -> None:
        """Show what is compiled, or that nothing is."""
        self.watch.note(kernel)
        description = f"compiling {kernel}" if kernel else "training"
        self.progress.update(self.task, description=description, refresh=True)

    def seconds(self) -> str:
        """Return how long training took until now, and compiling."""
        return self.watch.text()


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
