"""``symbp derive``: print the derivation of a network's gradient."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from symbp.commands.arguments import Activation, Loss, NetworkArgument, Output, read_network
from symbp.commands.errors import reports_errors

__all__ = ["derive"]


@reports_errors
def derive(
    network: NetworkArgument,
    activation: Activation = None,
    loss: Loss = None,
    output: Output = None,
    form: Annotated[
        Literal["matrix", "index"],
        typer.Option(help="Vectors and matrices, or components with indices."),
    ] = "matrix",
    format: Annotated[
        Literal["text", "latex"],
        typer.Option(help="Unicode for a terminal, or LaTeX."),
    ] = "text",
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", "-o", metavar="FILE", help="Write to a file.", show_default="standard output"
        ),
    ] = None,
) -> None:
    """Print the forward equations of a network and its derived BP1–BP4.

    [bold]Examples[/bold]

    symbp derive 784-30-10 --activation sigmoid --loss quadratic

    symbp derive 64-30-10 --loss softmax_cross_entropy --form index --format latex -o bp.tex

    symbp derive model.py:net
    """
    import symbp as bp

    derivation = bp.derive(read_network(network, activation, loss, output))
    text = derivation.text(form=form) if format == "text" else derivation.latex(form=form)
    if to is None:
        typer.echo(text)
    else:
        from symbp.training.compiler import write_text

        write_text(to, text.rstrip("\n") + "\n")
        typer.echo(f"wrote {to}")
