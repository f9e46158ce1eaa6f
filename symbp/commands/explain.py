"""``symbp explain``: how a network becomes a function, arrow by arrow, with every decision."""

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbp.commands.arguments import (
    Activation,
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
    from symbp import Program
    from symbp.entries.entry import Entry
    from symbp.entries.model import Model
    from symbp.schedules.schedule import Lowered

__all__ = ["explain"]

# Those whose programs are parts of the gradient's; the others derive equations of their own.
_BY_GRADIENT = ("predict", "loss", "gradient", "loss_and_gradient")
# Those that are of the training form.
_OF_TRAINING = (
    "gradient", "loss_and_gradient", "hvp", "hessian", "per_example_gradients", "step", "epoch",
)  # fmt: skip


@dataclass(frozen=True)
class _Step:
    """An arrow: its name, its file, what it says of itself, and the program after it."""

    name: str
    file: str
    summary: str
    result: Any


@reports_errors
def explain(
    network: NetworkArgument,
    activation: Activation = None,
    loss: Loss = None,
    output: Output = None,
    optimizer: OptimizerName = "sgd",
    learning_rate: Rate = None,
    dtype: Dtype = "float32",
    derivatives: Derivatives = "fast",
    entry: Annotated[
        str, typer.Option(help="Which function: epoch, step, or one that bp.generate can add.")
    ] = "epoch",
    many: Annotated[
        bool, typer.Option("--many", help="Print it for many networks at once, bp.Replicas.")
    ] = False,
    stage: Annotated[
        str | None,
        typer.Option(help="Print the program after this arrow; all prints each.", metavar="NAME"),
    ] = None,
) -> None:
    """Print how a network becomes a function: each arrow of the compiler, and each decision.

    [bold]Examples[/bold]

    symbp explain 3-3-3

    symbp explain 64-30-10 --entry gradient --stage fuse
    """
    from symbp.entries.epoch import epoch
    from symbp.entries.model import Model
    from symbp.networks.optimizers import optimise
    from symbp.notation.errors import SymbpError, suggest
    from symbp.notation.operation import DerivativeForm
    from symbp.schedules.lower import lower, lower_many
    from symbp.targets.numba.kernels import limits_of
    from symbp.targets.numba.module import LIMITS

    net = read_network(network, activation, loss, output)
    chosen = chosen_optimizer(optimizer, learning_rate)
    form: DerivativeForm = "fast" if derivatives == "fast" else "accurate"
    model = Model(net, lambda program: optimise(program, chosen), form)
    asked = _entry(entry, model)
    limits = replace(LIMITS, itemsize=4 if dtype == "float32" else 8)
    lowered: Any = lower(epoch(model), limits)
    if many and asked.name != "epoch":
        raise SymbpError(f"--many: an epoch trains many networks, not --entry {entry}")
    if many:
        lowered = lower_many(epoch(model), limits, draws=bool(model.training.key))
    elif asked.name != "epoch":
        lowered = lower(asked, limits_of(asked, limits, lowered))
    steps = [*_front(model, asked)]
    for arrow in lowered.arrows:
        steps.append(
            _Step(arrow.name, arrow.file, _first_line(arrow.name, arrow.file), arrow.result)
        )
    if stage is None:
        # One line over it: what follows depends on all of these.
        typer.echo(f"{entry} of {' '.join(repr(net).split())}, {chosen!r}, {dtype}, for Numba\n")
        _list(steps, lowered.decisions, _modes(model))
        if asked.name in ("step", "epoch"):
            _memory(model, lowered, limits.itemsize)
        return
    wanted = [step for step in steps if stage in ("all", step.name)]
    if not wanted:
        names = list(dict.fromkeys(step.name for step in steps))
        raise SymbpError(f"--stage {stage}: {suggest(stage, names)}")
    for number, step in enumerate(wanted):
        place = f" ({step.file})" if step.file else ""
        typer.echo(("\n" if number else "") + f"after {step.name}{place}: {step.summary}")
        typer.echo(_text(step.result))


def _entry(name: str, model: Any) -> "Entry":
    from symbp.entries.epoch import epoch
    from symbp.entries.registry import ENTRIES
    from symbp.entries.step import step
    from symbp.notation.errors import SymbpError, suggest

    entries = {**ENTRIES, "step": step, "epoch": epoch}
    if name not in entries:
        raise SymbpError(f"--entry {name}: {suggest(name, entries)}")
    return entries[name](model)


def _front(model: Any, entry: "Entry") -> Iterator[_Step]:
    """Yield the arrows from the given equations to the finished program of an entry point."""
    from symbp.calculus.expand import expand
    from symbp.calculus.phases import inference_form, training_form
    from symbp.entries.model import FINISHING
    from symbp.entries.registry import ENTRIES
    from symbp.networks.optimizers import optimise

    program: Program = model.given
    yield _Step("given", "", "the equations as they were written", program)
    trains = entry.name in _OF_TRAINING
    form = model.training if trains else model.inference
    if form is not model:
        choose = training_form if trains else inference_form
        file = choose.__module__.replace(".", "/") + ".py"
        yield _Step(choose.__name__, file, _first_line(choose.__name__, file), form.given)
        model = form
    derives = ENTRIES.get(entry.name)
    own = derives is not None and entry.name not in _BY_GRADIENT
    found = model.prepared if own else model.derived.arrows
    arrows = [(change.__name__, change.__module__, made) for change, made in found]
    if derives is not None and own:
        arrows.append((entry.name, derives.__module__, entry))
    else:
        program = found[-1][1]
        if derives is None:
            program = model.optimise(program)
            arrows.append((optimise.__name__, optimise.__module__, program))
        program = expand(program, model.derivatives)
        arrows.append((expand.__name__, expand.__module__, program))
        for finish in FINISHING:
            program = finish(program)
            arrows.append((finish.__name__, finish.__module__, program))
    for name, module, made in arrows:
        file = module.replace(".", "/") + ".py"
        yield _Step(name, file, _first_line(name, file), made)


def _first_line(name: str, file: str) -> str:
    module = sys.modules[file.removesuffix(".py").replace("/", ".")]
    paragraph = (inspect.getdoc(getattr(module, name)) or "").partition("\n\n")[0]
    said = " ".join(paragraph.split())
    return said.removeprefix("Return ").rstrip(".")


def _modes(model: Any) -> list[str]:
    """Return what decided how the derivatives in the equations are computed."""
    from symbp.calculus.derivative import choose_modes, define_derivatives

    before: Program = model.given
    for change, made in model.prepared:
        if change is define_derivatives:
            return choose_modes(before).text().splitlines()
        before = made
    return []


def _list(steps: list[_Step], decisions: Any, modes: list[str]) -> None:
    from symbp.calculus.contract import TYPICAL_BATCH

    width = max(len(step.name) for step in steps)
    place = max(len(step.file) for step in steps)
    for step in steps:
        line = (
            f"{step.name:<{width}}  {step.file:<{place}}  {_size(step.result):<15}  {step.summary}"
        )
        typer.echo(line.rstrip())
    typer.echo("\nDecisions:")
    for line in modes:
        typer.echo(f"  derivatives in equations: {line}")
    for decision in decisions:
        numbers = ", ".join(f"{name} {value}" for name, value in decision.numbers.items())
        shown = f" ({numbers})" if numbers else ""
        typer.echo(f"  {decision.what}: {decision.choice}: {decision.reason}{shown}")
    typer.echo(
        f"\nNumbers of a product count a batch as {TYPICAL_BATCH} rows. --stage NAME prints the "
        "program after an arrow."
    )


def _size(result: Any) -> str:
    from symbp.loops.nodes import Function

    if isinstance(result, Function):
        count = len(result.statements)
        return f"{count} statement{'s' * (count != 1)}"
    count = len(_program(result).equations)
    return f"{count} equation{'s' * (count != 1)}"


def _program(result: Any) -> "Program":
    found: Program = getattr(result, "program", result)
    return found


def _text(result: Any) -> str:
    from symbp.loops.nodes import Function
    from symbp.loops.text import text

    return text(result) if isinstance(result, Function) else str(_program(result))


def _memory(model: "Model", lowered: "Lowered", itemsize: int) -> None:
    """Print what a step of a usual batch allocates, against what it cannot do without."""
    from symbp.calculus.contract import TYPICAL_BATCH
    from symbp.schedules.memory import memory

    found = memory(model, lowered, itemsize, TYPICAL_BATCH)
    parts = (
        ("parameters", found.parameters), ("state", found.state),
        ("stored gradient", found.gradient), ("activations", found.activations),
    )  # fmt: skip
    typer.echo(f"\nMemory of a step of {TYPICAL_BATCH} examples, bytes:")
    typer.echo(f"  needed: {found.needed} (" + ", ".join(f"{n} {b}" for n, b in parts) + ")")
    largest = ", ".join(f"{name} {size}" for name, size in found.largest[:4])
    typer.echo(f"  held and allocated: {found.total}, {found.ratio:.2f} × that; most: {largest}")
