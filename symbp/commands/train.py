"""``symbp train``: derive, generate, train on data, and measure on data held out."""

import io
import math
import warnings
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbp.commands.arguments import (
    Activation,
    Clip,
    Dtype,
    OptimizerName,
    OptionalNetwork,
    Output,
    Rate,
    chosen_optimizer,
    read_network,
)
from symbp.commands.errors import FAILED, fail, reports_errors
from symbp.commands.generate import refuse_to_overwrite, write_module
from symbp.commands.progress import epoch_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from symbp.training.datasets import Dataset, Standardisation

__all__ = ["train"]


@reports_errors
def train(
    data: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="digits, iris, wine, breast_cancer, diabetes, FILE.npz (arrays x and y) or "
            "FILE.csv; with --layers also other text, compressed or not, Parquet and Arrow.",
        ),
    ],
    network: OptionalNetwork = None,
    layers: Annotated[
        str | None,
        typer.Option(
            metavar="SIZES",
            help="In place of NETWORK the sizes of hidden layers, such as 32-16, or none. The "
            "others come from the table, which may hold text, dates and missing values.",
            show_default=False,
        ),
    ] = None,
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
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMNS",
            help="With --layers: columns to leave out, separated by commas.",
            show_default="none",
        ),
    ] = None,
    embed_above: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="COUNT",
            help="With --layers: a column of more categories is read by an embedding, a vector "
            "learnt for each, and not one-hot.",
            show_default="20",
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
        bool | None,
        typer.Option(
            "--derivation/--no-derivation",
            help="Print the derivation.",
            show_default="of a NETWORK",
        ),
    ] = None,
    module: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the module here; with --layers a predictor, which reads the table.",
            show_default="not written",
        ),
    ] = None,
    parameters: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz", help="Write the parameters here.", show_default="not written"
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="Go on from parameters, and the optimizer's state, that --parameters wrote.",
            show_default="from the start",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the cost of each epoch, such as to curve.svg.",
            show_default="not drawn",
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

    symbp train --layers 32-16 --data passengers.csv --target survived --module predictor.py
    """
    if layers is not None:
        if network is not None:
            raise fail(f"{network} and --layers {layers}: expected one of them")
        from symbp.commands.train_table import Request, train_on_table

        return train_on_table(
            Request(
                layers, data, target, classes, header, drop or (), embed_above, activation, loss,
                output, epochs, batch_size, seed, test_fraction, optimizer, learning_rate,
                schedule, clip, dtype, bool(derivation), module, parameters, resume, plot,
            )
        )  # fmt: skip
    if network is None:
        raise fail("which network? --layers 32-16, or all sizes such as 64-30-10, or FILE.py:NAME")
    if drop:
        raise fail(f"--drop {drop[0]}: only --layers, in place of {network}, leaves columns out")
    if embed_above is not None:
        raise fail("--embed-above: only --layers, in place of a network, reads categories")
    from symbp.commands.resuming import resumed
    from symbp.networks.options import shorthand_sizes
    from symbp.notation.files import write_bytes
    from symbp.training.curves import learning_curve, require_drawable
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
    if plot is not None:
        require_drawable(plot)
        _require_writable(plot)
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

    if derivation is not False:
        typer.echo(bp.derive(net).text())
        typer.echo()
    if module is not None:
        write_module(net, module, rule, dtype)
    # The seed belongs to the trainer: the module is the same for every seed.
    compiled = bp.compile(net, optimizer=rule, dtype=dtype).module
    trainer = compiled.Trainer(seed=seed)
    if resume is not None:
        trainer = resumed(trainer, resume)
    typer.echo(f"{dataset.name}: {len(x)} examples to train on, {len(x_test)} held out")
    score = partial(_score, test_part, compiled.Trainer.network.classes_of)
    with epoch_lines(epochs) as shown, warnings.catch_warnings():
        # The trainer warns of a cost that is not finite; here that ends the command.
        warnings.filterwarnings("ignore", "the cost is", RuntimeWarning)

        def report(_epoch: int, record: dict[str, float]) -> None:
            if not math.isfinite(record["cost"]):
                raise fail("the cost is no longer finite: lower --learning-rate", FAILED)
            costs = f"cost {record['cost']:.5f}  test cost {record['validation_cost']:.5f}"
            shown.line(f"{costs}  test {score(trainer.predict(x_test), y_test)}")

        trainer.fit(
            x,
            y,
            epochs=epochs,
            batch_size=batch_size,
            validation=(x_test, y_test),
            callback=report,
        )
    if parameters is not None:
        _save(trainer, parameters, units)
    result = score(trainer.predict(x_test), y_test, counted=True)
    typer.echo(f"test {result} after {epochs} epoch{'s' * (epochs != 1)}, {shown.seconds()}")
    if plot is not None:
        drawing = io.BytesIO()
        learning_curve(trainer.history).savefig(drawing, format=plot.suffix[1:].lower())
        write_bytes(plot, drawing.getvalue())
        typer.echo(f"wrote {plot}")


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
