"""``symbp generate``: write the standalone module of a network, for Numba or in C."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from symbp.commands.arguments import (
    Activation,
    Clip,
    Derivatives,
    Dtype,
    Loss,
    NetworkArgument,
    OptimizerName,
    Output,
    Rate,
    chosen_optimizer,
    read_network,
)
from symbp.commands.errors import reports_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from symbp import Network, Program

__all__ = ["generate", "refuse_to_overwrite", "write_module"]


def refuse_to_overwrite(network: str, path: Path) -> None:
    """Raise if a module would be written over the file that defines its network.

    Parameters
    ----------
    network : str
        The network argument.
    path : Path
        Where the module would be written.

    Raises
    ------
    SymbpError
        If both are the same file.
    """
    source = Path(network.rpartition(":")[0])
    if source.suffix == ".py" and source.exists() and path.exists() and source.samefile(path):
        from symbp.notation.errors import SymbpError

        raise SymbpError(f"{path} defines the network: write the module to another file")


def write_module(
    net: "Network | Program",
    path: Path,
    optimizer: Any,
    dtype: str,
    derivatives: str = "fast",
    options: "Mapping[str, Any] | None" = None,
) -> None:
    """Generate a module and say so.

    Parameters
    ----------
    net : Network or Program
        What the module computes.
    path : Path
        Where it is written.
    optimizer : object
        An optimizer of the library.
    dtype : str
        ``"float32"`` or ``"float64"``.
    derivatives : str
        ``"fast"`` or ``"accurate"``.
    options : mapping, optional
        What else :func:`symbp.generate` takes.
    """
    import symbp as bp

    given = {"optimizer": optimizer, "dtype": dtype, "derivatives": derivatives, **(options or {})}
    bp.generate(net, path, **given)
    lines = len(path.read_text(encoding="utf-8").splitlines())
    typer.echo(f"wrote {path} ({lines} lines, {dtype})")


def _names(text: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


@reports_errors
def generate(
    network: NetworkArgument,
    to: Annotated[Path, typer.Option("--to", "-o", metavar="FILE", help="The module to write.")],
    activation: Activation = None,
    loss: Loss = None,
    output: Output = None,
    optimizer: OptimizerName = "adam",
    learning_rate: Rate = None,
    clip: Clip = None,
    dtype: Dtype = "float32",
    derivatives: Derivatives = "fast",
    entries: Annotated[
        str, typer.Option(help="Further functions of the module, such as hvp,jacobian.")
    ] = "",
    outputs: Annotated[
        str, typer.Option(help="Tensors that Trainer.evaluate gives by name, such as a1,z2.")
    ] = "",
    target: Annotated[
        Literal["numba", "c"],
        typer.Option(help="A Python module, or a C99 translation unit and its header."),
    ] = "numba",
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="ROWS", help="Of C: the most examples of one batch.", show_default="32"
        ),
    ] = None,
    runtime: Annotated[
        Literal["pasted", "beside"] | None,
        typer.Option(
            help="Of Python: what modules have in common stands in each, or beside them.",
            show_default="pasted",
        ),
    ] = None,
) -> None:
    """Write a network and its gradient as one module that needs numpy and numba, at most scipy.

    With --target c it is C99 that needs nothing but its own mathematical library.

    [bold]Examples[/bold]

    symbp generate 64-30-10 --loss softmax_cross_entropy -o digits.py

    symbp generate 784-30-10 --optimizer sgd --learning-rate 3 --dtype float64 -o nielsen.py

    symbp generate model.py:net -o module.py --entries loss_and_gradient,hvp

    symbp generate 64-30-10 -o module.py --outputs a1,z2

    symbp generate 64-30-10 --target c --batch 1 --optimizer sgd -o net.c

    symbp generate 64-30-10 --runtime beside -o digits.py
    """
    refuse_to_overwrite(network, to)
    net = read_network(network, activation, loss, output)
    rule = chosen_optimizer(optimizer, learning_rate, clip)
    options = {
        "entries": _names(entries), "outputs": _names(outputs), "target": target, "batch": batch,
        "runtime": runtime,
    }  # fmt: skip
    write_module(net, to, rule, dtype, derivatives, options)
