"""``symbp check``: are the gradients right? For a generated module, or for a network."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from symbp.commands.arguments import Activation, Loss, Output, read_network
from symbp.commands.errors import FAILED, fail, reports_errors

__all__ = ["check"]


@reports_errors
def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="MODULE|NETWORK",
            help="A generated module (FILE.py), or a network: 64-30-10 or FILE.py:NAME.",
            show_default=False,
        ),
    ],
    activation: Activation = None,
    loss: Loss = None,
    output: Output = None,
    dtype: Annotated[
        Literal["float64", "float32", "both"] | None,
        typer.Option(help="Precision of the module of a network.", show_default="float64"),
    ] = None,
) -> None:
    """Compare gradients with differences; exit with 1 where they disagree or cannot be compared.

    A generated module checks itself, in its own precision. A network's derived equations are
    compared with differences in sixty digits, and the module generated from them with the
    equations.

    [bold]Examples[/bold]

    symbp check digits.py

    symbp check 2-4-1 --loss quadratic

    symbp check model.py:net
    """
    if what.endswith(".py"):
        passed = _check_module(Path(what), activation or loss or output, dtype)
    else:
        import symbp as bp

        precisions = ("float64", "float32") if dtype == "both" else dtype or "float64"
        report = bp.check(read_network(what, activation, loss, output), dtype=precisions)
        typer.echo(str(report))
        if report.left_out and not report.wrong:
            raise fail(f"{what}: not everything could be compared", FAILED)
        passed = report.passed
    if not passed:
        raise fail(f"{what}: the gradient check failed", FAILED)


def _check_module(path: Path, option: str | None, dtype: str | None) -> bool:
    """Run ``python FILE --check``, so that the module is judged exactly as it runs by itself."""
    if not path.is_file():
        raise fail(f"{path}: no such file")
    if option is not None:
        raise fail(f"{path} is a generated module: {option!r} applies to layer sizes only")
    if dtype is not None:
        raise fail(f"{path} is a generated module, of a precision of its own: leave out --dtype")
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise fail(f"{path} is not Python: {error}") from error
    assigned = (node.targets for node in tree.body if isinstance(node, ast.Assign))
    names = {name.id for targets in assigned for name in targets if isinstance(name, ast.Name)}
    names |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    if "check_gradient" not in names:
        raise fail(
            f"{path} is not a generated module (it has no check_gradient); for a network that "
            f"it defines, write {path}:NAME"
        )
    run = subprocess.run(
        [sys.executable, str(path), "--check"], capture_output=True, text=True, check=False
    )
    typer.echo(run.stdout, nl=False)
    # A traceback ends with the line that says what went wrong; the rest is of no use here.
    if run.returncode and run.stderr.strip():
        typer.echo(run.stderr.strip().splitlines()[-1], err=True)
    return run.returncode == 0
