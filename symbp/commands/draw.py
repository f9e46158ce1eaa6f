"""``symbp draw``: draw a network, its backward pass, or a formula with its numbers."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from symbp.commands.arguments import (
    Activation,
    Loss,
    Output,
    read_network,
)
from symbp.commands.errors import reports_errors

__all__ = ["draw"]


@reports_errors
def draw(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="Layer sizes such as 3-3-3, FILE.py:NAME for a Network or Program that your own "
            "file defines, or with --at a formula such as '(x + y) * z'.",
            show_default=False,
        ),
    ],
    view: Annotated[
        Literal["layers", "reverse", "equations", "trace"] | None,
        typer.Option(
            help="Neurons and weights; the backward pass from right to left; which tensor is "
            "computed from which; or a formula's computational graph.",
            show_default="layers, or trace with --at",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="x=1,y=2",
            help="A number for each variable of a formula.",
            show_default=False,
        ),
    ] = None,
    activation: Activation = None,
    loss: Loss = None,
    output: Output = None,
    limit: Annotated[
        int, typer.Option(help="How many vertices are drawn at the most; columns fold beyond.")
    ] = 200,
    format: Annotated[
        Literal["svg", "tikz", "dot", "mermaid", "markdown"] | None,
        typer.Option(help="The format.", show_default="what the file's name says, else svg"),
    ] = None,
    animate: Annotated[
        bool,
        typer.Option(
            "--animate", help="SVG of a trace that moves: values forward, gradients backward."
        ),
    ] = False,
    style: Annotated[
        Literal["nielsen", "goodfellow", "bishop", "petersen"],
        typer.Option(help="The book whose letters a network has."),
    ] = "nielsen",
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            "-o",
            metavar="FILE",
            help="Write to a file: .svg, .tex (TikZ), .dot, .mmd (Mermaid) or .md.",
            show_default="standard output",
        ),
    ] = None,
) -> None:
    """Draw a network as SVG, TikZ, Graphviz or Mermaid.

    [bold]Examples[/bold]

    symbp draw 3-3-3 -o network.svg

    symbp draw 784-30-10 --view reverse -o backward.svg

    symbp draw model.py:net --view equations --format dot

    symbp draw "(x + y) * z" --at x=-2,y=5,z=-4 -o graph.svg

    symbp draw "(x + y) * z" --at x=-2,y=5,z=-4 --animate -o trace.svg

    symbp draw 3-3-3 -o network.tex
    """
    from symbp.derivations.draw import draw as drawing
    from symbp.derivations.graphs.formats import format_of, text_of
    from symbp.notation.files import write_text

    chosen = format or ("svg" if to is None else format_of(to))
    thing: Any
    if at is not None or view == "trace":
        thing = _traced(network, at, {"--activation": activation, "--loss": loss,
                                      "--output": output})  # fmt: skip
    else:
        thing = read_network(network, activation, loss, output)
    if style != "nielsen" and view != "equations" and at is None:
        from symbp.derivations.derive import derive

        thing = derive(thing).styled(style)
    text = text_of(drawing(thing, view, limit=limit), chosen, animate)
    if to is None:
        typer.echo(text, nl=False)
    else:
        write_text(to, text)
        typer.echo(f"wrote {to}")


def _traced(formula: str, at: str | None, options: dict[str, str | None]) -> Any:
    """Return the trace of a formula at the numbers that --at gives."""
    from symbp.derivations.trace import trace
    from symbp.networks.options import shorthand_sizes
    from symbp.notation.errors import SymbpError

    for option, value in options.items():
        if value is not None:
            raise SymbpError(f"{option} {value}: a formula has none; leave the option out")
    if shorthand_sizes(formula) is not None or ".py:" in formula:
        raise SymbpError(
            f"{formula}: --at and --view trace take a formula such as '(x + y) * z'; for a "
            f"network with numbers, draw bp.trace(network, values) in Python"
        )
    if at is None:
        raise SymbpError(f"--view trace: {formula!r} needs numbers, such as --at x=1,y=2")
    return trace(formula, _numbers(at))


def _numbers(text: str) -> dict[str, float]:
    from symbp.notation.errors import SymbpError

    values: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        try:
            value = float(number)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise SymbpError(f"--at {part}: expected a name and a number, such as x=-2")
        if name in values:
            raise SymbpError(f"--at {text}: {name} is given twice")
        values[name] = value
    return values
