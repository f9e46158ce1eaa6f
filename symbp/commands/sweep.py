"""``symbp sweep``: many trainings, as a TOML file says."""

from pathlib import Path
from typing import Annotated, Any

import typer

from symbp.commands.errors import FAILED, fail, reports_errors

__all__ = ["sweep"]


@reports_errors
def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="What is swept.")],
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="How many processes.", show_default="as the file says, or cores"),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where rows go: .sqlite, .parquet, .csv.", show_default="as there"
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="The K-th of N parts, K from 0.", show_default="all"),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed before.")
    ] = False,
    best: Annotated[int, typer.Option(min=0, help="How many settings are printed.")] = 5,
) -> None:
    """Train a network for all settings of a grid, on all cores; prints the best ones.

    The file has keys layers (sizes of hidden layers), data (digits, iris, …, FILE.csv, FILE.npz),
    and a table grid, which lists values of layers, activation, loss, optimizer, learning_rate,
    epochs, batch_size or patience. Further keys: those of the grid for all settings, target, cv,
    validation (the share that is held out), seeds, draws, seed, dtype, backend, workers, store. A
    sweep that is called again with its store goes on where it ended.

    [bold]Examples[/bold]

    symbp sweep sweep.toml --store results.sqlite

    symbp sweep sweep.toml --part 3/10 --store results-3.sqlite
    """
    if not file.is_file():
        raise fail(f"{file}: no such file", FAILED)
    from symbp.sweeps.request import read_request, run_request

    options: dict[str, Any] = {"verbose": 1, "retry_failed": retry_failed}
    if workers is not None:
        options["workers"] = workers
    if store is not None:
        options["store"] = store
    if part is not None:
        first, _, second = part.partition("/")
        if not (first.isdecimal() and second.isdecimal()):
            raise fail(f"--part {part}: expected K/N such as 3/10")
        options["part"] = (int(first), int(second))
    found = run_request(read_request(file), **options)
    rows = found.summary()
    measure = next((name for name in rows[0] if name not in ("settings", "spread")), "cost")
    for row in rows[:best]:
        settings = ", ".join(f"{name} = {value}" for name, value in row["settings"].items())
        if row[measure] is None:
            typer.echo(f"no {measure.replace('_', ' ')} ({row['failed']} failed)  {settings}")
            continue
        spread = "" if row["spread"] is None else f" ± {row['spread']:.5f}"
        typer.echo(f"{measure.replace('_', ' ')} {row[measure]:.5f}{spread}  {settings}")
    failures = found.failures
    if failures:
        typer.echo(f"{len(failures)} failed; the first: {failures[0]['message']}", err=True)
    if len(failures) == len(found):
        raise typer.Exit(FAILED)
