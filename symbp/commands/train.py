"""``symbp train``: derive, generate, train on data, and measure on data held out."""

import io
import itertools
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbp.commands.arguments import (
    Activation,
    Clip,
    Dtype,
    NetworkArgument,
    OptimizerName,
    Output,
    Rate,
    chosen_optimizer,
    read_network,
)
from symbp.commands.compiling import telling_what_compiles
from symbp.commands.errors import FAILED, fail, reports_errors
from symbp.commands.generate import refuse_to_overwrite, write_module

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from symbp.training.datasets import Dataset, Standardisation

__all__ = ["train"]


@reports_errors
def train(
    network: NetworkArgument,
    data: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="digits, iris, wine, breast_cancer, diabetes, FILE.npz (arrays x and y) or "
            "FILE.csv.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            help="The column of a FILE.csv to predict, or the array of a FILE.npz.",
            show_default="the last column; y",
        ),
    ] = None,
    classes: Annotated[
        bool | None,
        typer.Option(
            "--classes/--numbers",
            help="What the target of a file holds.",
            show_default="classes if text or labels 0, 1, 2, …",
        ),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="Whether the first row of a FILE.csv is a header.",
            show_default="it is if it holds no number",
        ),
    ] = None,
    activation: Activation = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="Cost of a shorthand.",
            show_default="softmax_cross_entropy for classes, mean_squared_error for numbers",
        ),
    ] = None,
    output: Output = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training part.")] = 30,
    batch_size: Annotated[int, typer.Option(min=1, help="Examples in a step.")] = 32,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the split, the initial parameters and the order.")
    ] = 0,
    test_fraction: Annotated[float, typer.Option(help="The share that is held out.")] = 0.2,
    optimizer: OptimizerName = "adam",
    learning_rate: Rate = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="How the step size falls until the end of the training: cosine, linear or "
            "one-cycle.",
            show_default="it does not",
        ),
    ] = None,
    clip: Clip = None,
    dtype: Dtype = "float32",
    derivation: Annotated[
        bool, typer.Option("--derivation/--no-derivation", help="Print the derivation first.")
    ] = True,
    module: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the module here.", show_default="not written"),
    ] = None,
    parameters: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz", help="Write the parameters here.", show_default="not written"
        ),
    ] = None,
) -> None:
    """Train a network on data: prints cost and accuracy (or R²) on a held-out part, every epoch.

    Features are standardised on the training part, and numbers to predict as well. A single output
    that tells two classes apart is a logit for the loss binary_cross_entropy, else a probability.

    [bold]Examples[/bold]

    symbp train 64-30-10 --data digits

    symbp train 13-16-3 --data wine --activation tanh --epochs 60 --module wine.py

    symbp train 10-16-1 --data diabetes --optimizer momentum --no-derivation

    symbp train 64-30-10 --data digits --optimizer lamb --schedule cosine --clip 1

    symbp train 4-8-3 --data flowers.csv --target species --parameters flowers.npz
    """
    from symbp.networks.options import shorthand_sizes
    from symbp.training.datasets import load_dataset, split, standardise
    from symbp.training.matching import matched

    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        dataset = load_dataset(data, target, classes, header)
    for note in notes:
        typer.echo(f"symbp: {note.message}", err=True)
    sizes = shorthand_sizes(network)
    if sizes is not None:
        _require_fit(dataset, sizes)
        loss = _default_loss(dataset, sizes) if loss is None else loss
    if module is not None:
        refuse_to_overwrite(network, module)
    if parameters is not None:
        _require_writable(parameters)  # before training, not after it
    chosen_optimizer(optimizer, learning_rate, clip, schedule, 10)  # what is wrong is said first
    net = read_network(network, activation, loss, output)
    train_part, test_part, units = standardise(*split(dataset, test_fraction, seed))
    steps = epochs * math.ceil(len(train_part) / batch_size)
    rule = chosen_optimizer(optimizer, learning_rate, clip, schedule, steps)
    program = getattr(net, "program", net)
    if program.output is None:
        raise fail(f"{network} has no output to score: name it, bp.Program(…, cost=C, output=z)")
    x, y = matched(train_part, program, dtype)
    x_test, y_test = matched(test_part, program, dtype)

    import symbp as bp

    if derivation:
        typer.echo(bp.derive(net).text())
        typer.echo()
    if module is not None:
        write_module(net, module, rule, dtype)
    # The seed belongs to the trainer: the module is the same for every seed.
    compiled = bp.compile(net, optimizer=rule, dtype=dtype).module
    trainer = compiled.Trainer(seed=seed)
    typer.echo(f"{dataset.name}: {len(x)} examples to train on, {len(x_test)} held out")
    score = partial(_score, test_part, compiled.Trainer.network.classes_of)
    started = time.perf_counter()
    with _epoch_lines(epochs) as line, warnings.catch_warnings():
        # The trainer warns of a cost that is not finite; here that ends the command.
        warnings.filterwarnings("ignore", "the cost is", RuntimeWarning)

        def report(_epoch: int, record: dict[str, float]) -> None:
            if not math.isfinite(record["cost"]):
                raise fail("the cost is no longer finite: lower --learning-rate", FAILED)
            costs = f"cost {record['cost']:.5f}  test cost {record['validation_cost']:.5f}"
            line(f"{costs}  test {score(trainer.predict(x_test), y_test)}")

        trainer.fit(
            x,
            y,
            epochs=epochs,
            batch_size=batch_size,
            validation=(x_test, y_test),
            callback=report,
        )
    seconds = time.perf_counter() - started
    if parameters is not None:
        _save(trainer, parameters, units)
    result = score(trainer.predict(x_test), y_test, counted=True)
    typer.echo(f"test {result} after {epochs} epoch{'s' * (epochs != 1)}, {seconds:.1f} s")


def _require_writable(path: Path) -> None:
    from symbp.notation.errors import SymbpError
    from symbp.notation.files import require_writable

    try:
        require_writable(path)
    except SymbpError as error:
        raise fail(str(error), FAILED) from error


def _require_fit(dataset: "Dataset", sizes: tuple[int, ...]) -> None:
    from symbp.notation.errors import SymbpError
    from symbp.training.matching import described, suggested_shorthand

    better = suggested_shorthand(dataset, sizes)
    if better is not None:
        raise SymbpError(f"{described(dataset)}: use {better}")


def _default_loss(dataset: "Dataset", sizes: tuple[int, ...]) -> str:
    if dataset.classes is None:
        return "mean_squared_error"
    return "binary_cross_entropy" if sizes[-1] == 1 else "softmax_cross_entropy"


def _score(
    dataset: "Dataset",
    classes_of: "Callable[[NDArray[Any]], NDArray[Any]]",
    predicted: "NDArray[Any]",
    y: "NDArray[Any]",
    counted: bool = False,
) -> str:
    """Return ``accuracy 97.2 %`` for classes, and R² = 1 - Σ(y - ŷ)² / Σ(y - mean)² for numbers.

    Which class an output says is asked of the module, so that it is what `Trainer.accuracy` counts.
    """
    outputs = predicted.reshape(len(predicted), -1)
    if dataset.classes is None:
        targets = y.reshape(outputs.shape).astype("float64")
        total = float(((targets - targets.mean(axis=0)) ** 2).sum())
        missed = float(((targets - outputs) ** 2).sum())
        return f"R² {1 - missed / total if total else math.nan:.4f}"
    if outputs.shape[1] not in (1, len(dataset.classes)):
        raise fail(
            f"{dataset.name} has {len(dataset.classes)} classes: the network's output has "
            f"shape {predicted.shape}"
        )
    right = int((classes_of(outputs) == dataset.y).sum())
    count = f" ({right}/{len(dataset)})" if counted else ""
    return f"accuracy {100 * right / len(dataset):.1f} %{count}"


def _save(trainer: Any, path: Path, units: "Standardisation") -> None:
    """Write the parameters, and beside them the units in which they expect their input."""
    import numpy as np

    from symbp.notation.files import write_bytes

    trainer.save(path)
    arrays = {key: value for key, value in asdict(units).items() if value is not None}
    beside = path.with_suffix(".standardisation.npz")
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_bytes(beside, content.getvalue())
    typer.echo(f"wrote {path}; inputs are to be standardised with {beside}: (x - mean) / scale")


@contextmanager
def _epoch_lines(epochs: int) -> Iterator[Callable[[str], None]]:
    """Print one line an epoch to stdout, above a progress bar on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
        # Rich would send stdout to its own console, which is stderr: wrong for a pipe or a file.
        redirect_stdout=sys.stdout.isatty(),
    )
    width = len(str(epochs))
    numbers = itertools.count(1)
    with progress:
        task = progress.add_task("training", total=epochs)

        def line(text: str) -> None:
            # Not typer.echo: it would write past rich, into the bar.
            print(f"epoch {next(numbers):{width}}/{epochs}  {text}", flush=True)
            progress.advance(task)

        def tell(kernel: str) -> None:
            description = f"compiling {kernel}" if kernel else "training"
            progress.update(task, description=description, refresh=True)

        with telling_what_compiles(tell):
            yield line
