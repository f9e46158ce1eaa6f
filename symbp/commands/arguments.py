"""What several commands take: a network argument, its options, and an optimizer by name."""

import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from symbp import Network, Program

__all__ = [
    "Activation",
    "Clip",
    "Derivatives",
    "Dtype",
    "Loss",
    "NetworkArgument",
    "OptimizerName",
    "OptionalNetwork",
    "Output",
    "Rate",
    "chosen_optimizer",
    "read_network",
]

NetworkArgument = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="Layer sizes such as 64-30-10, or FILE.py:NAME for a Network or Program that your "
        "own file defines. The file is run, as `python FILE.py` would.",
        show_default=False,
    ),
]
OptionalNetwork = Annotated[
    str | None,
    typer.Argument(
        metavar="NETWORK",
        help="Layer sizes such as 64-30-10, or FILE.py:NAME for a Network or Program that your "
        "own file defines. The file is run, as `python FILE.py` would.",
        show_default=False,
    ),
]
Activation = Annotated[
    str | None,
    typer.Option(help="Activation of the layers of a shorthand.", show_default="sigmoid"),
]
Loss = Annotated[
    str | None,
    typer.Option(help="Cost of a shorthand.", show_default="quadratic"),
]
Output = Annotated[
    str | None,
    typer.Option(
        help="Activation of a shorthand's last layer.", show_default="what the cost expects"
    ),
]
Dtype = Annotated[
    Literal["float32", "float64"], typer.Option(help="Precision of the generated code.")
]
Derivatives = Annotated[
    Literal["fast", "accurate"],
    typer.Option(
        help="How sigmoid and tanh are differentiated: from their output, or from their input, "
        "which keeps all digits where they are flat."
    ),
]
OptimizerName = Annotated[
    str,
    typer.Option(
        help="sgd, momentum, nesterov, rmsprop, adagrad, adadelta, adam, adamw, nadam, radam, "
        "adamax, lamb or lion."
    ),
]
Clip = Annotated[
    float | None,
    typer.Option(
        metavar="NORM",
        help="The largest norm of all gradients together; longer ones are shortened to it.",
        show_default="not clipped",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option("--learning-rate", "--lr", help="Step size.", show_default="by optimizer"),
]


def read_network(
    text: str, activation: str | None, loss: str | None, output: str | None
) -> "Network | Program":
    """Return the network that a command's argument and options name.

    Parameters
    ----------
    text : str
        Layer sizes such as ``64-30-10``, or ``FILE.py:NAME``.
    activation, loss, output : str or None
        The options of a shorthand; None where the user gave none.

    Returns
    -------
    Network or Program
        Built by `symbp.mlp`, or taken from the user's file.

    Raises
    ------
    SymbpError
        If the text is neither, the file does not define the name, or an option that only a
        shorthand has is given with a file.
    """
    from symbp.networks.options import shorthand_sizes

    if shorthand_sizes(text) is not None:
        from symbp.networks.network import mlp

        # Only what was given is passed on: the library owns the other defaults.
        options: dict[str, Any] = {
            "activation": "sigmoid" if activation is None else activation,
            "loss": "quadratic" if loss is None else loss,
        }
        if output is not None:
            options["output"] = output
        return mlp(text, **options)
    from symbp.notation.errors import SymbpError

    given = {"--activation": activation, "--loss": loss, "--output": output}
    path, colon, name = text.rpartition(":")
    if not colon and text.endswith(".py"):
        raise SymbpError(f"{text}: which network of the file? write {text}:NAME")
    if not path.endswith(".py"):
        raise SymbpError(
            f"{text!r} is not a network: expected layer sizes such as 64-30-10, or FILE.py:NAME"
        )
    for option, value in given.items():
        if value is not None:
            raise SymbpError(f"{option} {value}: {text} already says it; leave the option out")
    return _network_of_file(Path(path), name)


def _network_of_file(path: Path, name: str) -> "Network | Program":
    import symbp as bp
    from symbp.notation.errors import SymbpError, suggest

    if not path.is_file():
        raise SymbpError(f"{path}: no such file")
    # The file may import its neighbours, as it could if Python ran it.
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        names: dict[str, Any] = runpy.run_path(str(path))
    except SystemExit as error:
        raise SymbpError(f"{path} ends the program when it is run (exit {error.code})") from error
    except Exception as error:
        raise SymbpError(f"{path}{_line_in(path, error)}: {_described(error)}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    networks = {
        key: value for key, value in names.items() if isinstance(value, (bp.Network, bp.Program))
    }
    if name in networks:
        return networks[name]
    if name in names:
        kind = type(names[name]).__name__
        raise SymbpError(f"{path}:{name} is a {kind}, not a Network or Program")
    if not networks:
        raise SymbpError(f"{path} defines no Network or Program named {name!r}, nor any other")
    raise SymbpError(f"{path} defines no {name!r}: {suggest(name, networks)}")


def _line_in(path: Path, error: BaseException) -> str:
    """Return ``, line 12`` for the deepest frame of the traceback that lies in the user's file."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    line = None
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == str(path):
            line = frame.tb_lineno
        frame = frame.tb_next
    return "" if line is None else f", line {line}"


def _described(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg}"
    return f"{type(error).__name__}: {error}"


def chosen_optimizer(
    name: str,
    learning_rate: float | None,
    clip: float | None = None,
    schedule: str | None = None,
    steps: int = 0,
) -> Any:
    """Return the optimizer that the options of a command name.

    Parameters
    ----------
    name : str
        Such as ``sgd`` or ``adam``, in any case.
    learning_rate : float or None
        The step size; None for one that suits the optimizer.
    clip : float, optional
        The largest norm of all gradients together.
    schedule : str, optional
        How the step size changes: ``"cosine"``, ``"linear"`` or ``"one-cycle"``.
    steps : int
        How many there will be, for the schedule.

    Returns
    -------
    object
        An instance such as ``symbp.Adam(0.003)``.

    Raises
    ------
    SymbpError
        If there is no such optimizer (the nearest names are listed), or the rate is not positive.
    """
    from dataclasses import replace

    from symbp.networks import gradient_changes
    from symbp.networks.learning_rates import CosineDecay, LinearDecay, OneCycle
    from symbp.networks.optimizers import named_optimizer
    from symbp.notation.errors import SymbpError, suggest

    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise SymbpError(f"--learning-rate {learning_rate:g}: expected a positive number")
    if clip is not None and not 0 < clip < float("inf"):
        raise SymbpError(f"--clip {clip:g}: expected a positive number")
    rule: Any = named_optimizer(name, learning_rate)
    if schedule is not None:
        kinds = {"cosine": CosineDecay, "linear": LinearDecay, "one-cycle": OneCycle}
        if schedule not in kinds:
            raise SymbpError(f"--schedule {schedule}: {suggest(schedule, kinds)}")
        rule = replace(rule, learning_rate=kinds[schedule](rule.learning_rate, steps=steps))
    return rule if clip is None else gradient_changes.Clip(rule, max_norm=clip)
