"""The ``symbp`` console script: the commands gathered under one name."""

import gc

import typer

from symbp.commands.bench import bench
from symbp.commands.check import check
from symbp.commands.derive import derive
from symbp.commands.doctor import doctor
from symbp.commands.draw import draw
from symbp.commands.explain import explain
from symbp.commands.generate import generate
from symbp.commands.sweep import sweep
from symbp.commands.train import train

__all__ = ["app", "main"]

app = typer.Typer(
    name="symbp",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help=(
        "Derive the backpropagation of a network as equations, print them, and generate the "
        "standalone Numba module that computes them."
    ),
    epilog=(
        "Exit codes: 0 done; 1 what was asked failed; 2 the request itself is wrong; "
        "130 interrupted."
    ),
)

for command in (derive, draw, explain, generate, check, train, sweep, bench, doctor):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from importlib.metadata import version as installed_version

        typer.echo(f"symbp {installed_version('symbp')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def main() -> None:
    """Run the console script."""
    # A command makes few circles and ends soon; looking for them took a tenth of its time.
    gc.set_threshold(100_000, 20, 20)
    app()


if __name__ == "__main__":
    main()
