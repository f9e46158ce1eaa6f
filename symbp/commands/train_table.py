"""``symbp train --layers``: from a table as it is to a predictor of one file."""

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from symbp.commands.arguments import chosen_optimizer
from symbp.commands.errors import FAILED, fail
from symbp.commands.progress import epoch_lines
from symbp.commands.resuming import resumed
from symbp.notation.errors import SymbpError
from symbp.notation.files import require_writable, write_bytes

if TYPE_CHECKING:
    from symbp.tables.columns import Table
    from symbp.tables.reading import Source

__all__ = ["Request", "train_on_table"]


@dataclass(frozen=True)
class Request:
    """What the command line asks for; for the meaning see `symbp.commands.train.train`."""

    layers: str
    data: str
    target: str | None
    classes: bool | None
    header: bool | None
    drop: Sequence[str]
    embed_above: int | None
    activation: str | None
    loss: str | None
    output: str | None
    epochs: int
    batch_size: int
    seed: int
    test_fraction: float
    optimizer: str
    learning_rate: float | None
    schedule: str | None
    clip: float | None
    dtype: str
    derivation: bool
    module: Path | None
    parameters: Path | None
    resume: Path | None
    plot: Path | None


def train_on_table(request: Request) -> None:
    """Read a table, say what is made of it, train, and write a predictor.

    Parameters
    ----------
    request : Request
        The options.
    """
    try:
        from symbp.tables.columns import EMBED_ABOVE, recognised
        from symbp.tables.preparing import codes, prepared
    except ImportError as error:
        raise SymbpError(f"--layers: {error}") from error
    from sklearn.pipeline import Pipeline

    from symbp.sklearn import export
    from symbp.training.curves import learning_curve, require_drawable
    from symbp.training.datasets import held_out

    units = _units(request.layers)
    for path in (request.module, request.parameters, request.plot):
        if path is not None:
            require_writable(path)  # before training, not after it
    if request.plot is not None:
        require_drawable(request.plot)
    source = _source(request)
    above = EMBED_ABOVE if request.embed_above is None else request.embed_above
    table = recognised(source, request.target, request.classes, request.drop, above)
    for line in _described(source, table):
        typer.echo(line)
    labels = None
    if table.target.kind == "classes":
        labels = np.unique(table.y, return_inverse=True)[1].reshape(-1)
    test = held_out(len(table.y), labels, request.test_fraction, request.seed)
    used = [column for column in table.columns if column.kind != "left out"]
    columns = prepared(used)
    x, x_test = columns.fit_transform(table.frame[~test]), columns.transform(table.frame[test])
    y, y_test = table.y[~test], table.y[test]
    rows = f"{len(x)} rows to train on, {len(x_test)} held out"
    typer.echo(f"{rows}; {x.shape[1]} features")
    steps = request.epochs * math.ceil(len(x) / request.batch_size)
    history: list[dict[str, Any]] = []
    with epoch_lines(request.epochs) as shown, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that all epochs were trained, which were asked for

        def report(epoch: int, record: dict[str, float]) -> None:
            if not math.isfinite(record["cost"]):
                raise fail("the cost is no longer finite: lower --learning-rate", FAILED)
            cost = estimator._cost_on(x_test, y_test)
            history.append({**record, "epoch": epoch, "validation_cost": cost})
            costs = f"cost {record['cost']:.5f}  test cost {cost:.5f}"
            shown.line(f"{costs}  test {_score(estimator, x_test, y_test)}")

        def begin() -> None:
            if request.resume is not None:
                estimator.trainer_ = resumed(estimator.trainer_, request.resume)
            shown.start()

        estimator = _estimator(request, units, table.target.kind == "classes", steps, report)
        estimator.set_params(categorical_features=codes(used, x.shape[1]) or None)
        estimator._before_training = begin
        estimator.fit(x, y)
    if request.derivation:
        typer.echo(f"\n{estimator.derivation_.text()}\n")
    result = _score(estimator, x_test, y_test, counted=True)
    count = f"{request.epochs} epoch{'s' * (request.epochs != 1)}"
    typer.echo(f"test {result} after {count}, {shown.seconds()}")
    if request.parameters is not None:
        estimator.trainer_.save(request.parameters)
        typer.echo(f"wrote {request.parameters}: --resume goes on from there")
    if request.plot is not None:
        import io

        drawing = io.BytesIO()
        learning_curve(history).savefig(drawing, format=request.plot.suffix[1:].lower())
        write_bytes(request.plot, drawing.getvalue())
        typer.echo(f"wrote {request.plot}")
    if request.module is not None:
        model = Pipeline([("columns", columns), ("network", estimator)])
        export(model, request.module, table.missing)
        names = ", ".join(map(str, table.frame.columns[:6]))
        names += ", …" if len(table.frame.columns) > 6 else ""
        typer.echo(f"wrote {request.module}: predict(rows) reads {names}, as they are in the table")


def _units(text: str) -> tuple[int, ...]:
    if text == "none":
        return ()
    if not re.fullmatch(r"[1-9][0-9]{0,5}(-[1-9][0-9]{0,5})*", text):
        raise SymbpError(
            f"--layers {text}: expected the sizes of hidden layers, such as 32-16, or none; "
            f"those of input and output come from the data"
        )
    return tuple(map(int, text.split("-")))


def _source(request: Request) -> "Source":
    """Return the table of a file, or of a data set or arrays as symbp reads them."""
    import pandas as pd

    from symbp.tables.reading import Source, is_table, read
    from symbp.training.datasets import BUNDLED, load_dataset

    path = Path(request.data)
    if request.data not in BUNDLED and path.suffix.lower() != ".npz":
        if not path.exists() and not is_table(path):
            load_dataset(request.data)  # says which names there are
        return read(path, request.header, request.target)
    dataset = load_dataset(request.data, request.target, request.classes, request.header)
    if dataset.outputs != 1 and dataset.classes is None:
        raise SymbpError(f"{request.data} has {dataset.outputs} numbers to predict: expected one")
    frame = pd.DataFrame(dataset.x, columns=list(dataset.feature_names))
    y = dataset.y.reshape(-1)
    frame["target"] = y if dataset.classes is None else np.array(dataset.classes)[y]
    frame.index = range(1, len(frame) + 1)
    return Source(path, frame, (f"{len(frame)} rows, {len(frame.columns)} columns",))


def _described(source: "Source", table: "Table") -> list[str]:
    """Return a line for what was read, and one for each column."""
    name = source.path.name
    lines = [f"{name}: {note}" for note in (*source.notes, *table.notes)]
    width = min(24, max(len(column.name) for column in (*table.columns, table.target)))
    for column in table.columns:
        lines.append(f"  {column.name:{width}}  {column.kind}: {column.told}")
    lines.append(f"  {table.target.name:{width}}  to predict: {table.target.told}")
    return lines


def _estimator(
    request: Request, units: tuple[int, ...], classes: bool, steps: int, report: Any
) -> Any:
    from symbp.sklearn import SymbpClassifier, SymbpRegressor

    rate, clip, schedule = request.learning_rate, request.clip, request.schedule
    optimizer: Any = "lbfgs"
    if request.optimizer.lower() != "lbfgs":
        optimizer = chosen_optimizer(request.optimizer, rate, clip, schedule, steps)
    elif (rate, clip, schedule) != (None, None, None):
        raise SymbpError("--optimizer lbfgs takes no rate, clip or schedule")
    kind = SymbpClassifier if classes else SymbpRegressor
    return kind(
        units, activation=request.activation or "relu", output=request.output, loss=request.loss,
        optimizer=optimizer, batch_size=request.batch_size, max_iter=request.epochs, tol=0.0,
        n_iter_no_change=request.epochs, random_state=request.seed, dtype=request.dtype,
        standardise=False if classes else "target", verbose=report,
    )  # fmt: skip


def _score(estimator: Any, x: Any, y: Any, counted: bool = False) -> str:
    score = float(estimator.score(x, y))
    if not hasattr(estimator, "classes_"):
        return f"R² {score:.4f}"
    count = f" ({round(score * len(y))}/{len(y)})" if counted else ""
    return f"accuracy {100 * score:.1f} %{count}"
