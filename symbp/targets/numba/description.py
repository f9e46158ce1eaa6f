"""description: what a module says of its program, and what makes functions of its kernels."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symbp.calculus.flat_vector import length
from symbp.entries.entry import Entry
from symbp.entries.evaluate import named
from symbp.entries.model import Model
from symbp.notation.errors import UnsupportedError
from symbp.notation.tensor import Tensor
from symbp.targets.numba.kernels import passed_to
from symbp.targets.numba.public import (
    argument_text,
    entry_functions,
    public_functions,
    quoted,
    shape_text,
)

__all__ = ["COMPILED", "LATER", "REPLICAS", "Range", "description", "network"]

Range = tuple[float, bool, float]
_INDENTED: dict[str, Any] = {"initial_indent": "    ", "subsequent_indent": " " * 8}
#: The public functions that are methods of the network.
_METHODS = ("initial_parameters", "check_gradient")
_OF_ENTRIES = ("as_vector", "as_parameters")
#: For a module whose runtime stands after its kernels.
LATER = """\
# Each is compiled when it is first called; the end of the module says how.
_KERNELS: dict[str, Any] = {}


def _compiled(function: Any) -> Any:
    _KERNELS[function.__name__] = function
    return function
"""
COMPILED = """\
for _name, _function in _KERNELS.items():
    globals()[_name] = {}(_function)
"""
_TRAINER = '''\
class Trainer({bases}):
    """Trains Parameters: ``Trainer(parameters=None, seed=0, {hyperparameters})``.

    See `{base}` for what it takes and keeps.
    """

    network = _NETWORK
'''
#: The class of many networks.
REPLICAS = '''\
class Replicas(NetworkReplicas):
    """Trains many networks at once: ``Replicas(replicas, seed=0, **hyperparameters)``.

    See `NetworkReplicas` for what it takes and keeps.
    """

    trainer = Trainer
'''
_WITH_JACOBIAN = "    jacobian = staticmethod(jacobian)\n"


def description(
    model: Model,
    dtype: str,
    stamp: str,
    equations: Mapping[str, str],
    threshold: float,
    ranges: Mapping[str, Range],
) -> str:
    """Return what a module says of its program: constants, Parameters, and the list of its kernels.

    Parameters
    ----------
    model, dtype, equations, threshold, ranges
        As for :func:`symbp.targets.numba.assemble.assembled`.
    stamp : str
        The signature.
    """
    lines = [
        f'DTYPE = np.dtype("{dtype}")', f"real = np.{dtype}", f'SIGNATURE = "{stamp}"', "",
        "# LaTeX of each equation.", "EQUATIONS = {",
        *(f"    {quoted(name)}: {quoted(latex)}," for name, latex in equations.items()),
        "}", "", "",
        "class Parameters(NamedTuple):",
        '    """The parameters, views over one contiguous buffer."""', "",
    ]  # fmt: skip
    for tensor in model.parameters:
        lines.append(f"    {tensor.name}: NDArray[Any]  # {shape_text(tensor)}")
    if not model.parameters:
        raise UnsupportedError("the program has no parameters, there is nothing to train")
    lines += ["", "", "# Name, shape, and the law by which it starts.", "_PARAMETERS: Any = ("]
    for tensor in model.parameters:
        law, value = tensor.initial or _default_initial(tensor)
        number = repr(value if isinstance(value, tuple) else float(value))
        line = f'    ("{tensor.name}", {shape_text(tensor)}, ("{law}", {number})),'
        lines += [line] if len(line) <= 100 else textwrap.wrap(line, 100, **_INDENTED)
    lines += [")", *_states(model), "# Name, role, shape (None is N), kind and limit."]
    lines += ["_ARGUMENTS: Any = ("]
    limits = model.given.integer_limits
    for tensor in model.data:
        lines.append(f"    {argument_text(tensor, limits, model.given.batch)},")
    settings = {tensor.name: repr(tensor.value) for tensor in model.hyperparameters}
    lines += [
        ")",
        f"_STATE_SIZE = {length(model.states)}",
        *_table("_HYPERPARAMETERS", "float", settings),
        "# What each must be above (or at least) and below.",
    ]
    bounds = {
        tensor.name: f"({', '.join(_number(bound) for bound in ranges[tensor.name])})"
        for tensor in model.hyperparameters
        if tensor.name in ranges
    }
    lines += _table("_RANGES", "tuple[float, bool, float]", bounds)
    output = model.given.output
    lines += [
        f"_OUTPUT: Any = {None if output is None else shape_text(output, model.given.batch)}",
        f"_THRESHOLD = {float(threshold)!r}",
    ]
    return "\n".join(lines) + "\n"


def network(
    model: Model,
    dtype: str,
    predicts: bool,
    team: bool,
    entries: Sequence[Entry],
    ranks: Sequence[Entry] = (),
    replicas: str = "",
) -> str:
    """Return the end of a module: its kernels compiled, its public functions and its Trainer.

    Parameters
    ----------
    model : Model
        With an optimizer.
    dtype : {"float32", "float64"}
        The precision.
    predicts, team : bool
        Whether there is a kernel of the output, and whether that of the epoch is for a team.
    entries : sequence of Entry
        Further entry points.
    ranks : sequence of Entry
        The parts of a step over ranks.
    replicas : str
        The class of many networks, if there is one.
    """
    lines = []
    if team:
        lines += ["_epoch_kernel = TeamEpoch(_epoch_part, _BUFFERS, _MULTIPLICATIONS, DTYPE)"]
    names = [*["predict"] * predicts, "loss", "gradient", "epoch"]
    kernels = textwrap.wrap(", ".join(f'"{name}": _{name}_kernel' for name in names), 80)
    lines += [
        f"_NETWORK = {_class_of(model, entries)}(",
        "    DTYPE, SIGNATURE, Parameters, _PARAMETERS, _ARGUMENTS, _HYPERPARAMETERS, _RANGES,",
        "    output=_OUTPUT, threshold=_THRESHOLD, state_size=_STATE_SIZE,",
        *_phases(model),
        "    kernels={",
        *(f"        {line}" for line in kernels),
        "    },",
        ")",
        *(f"{name} = _NETWORK.{name}" for name in _METHODS),
        *(f"{name} = _NETWORK.{name}" for name in _OF_ENTRIES if entries),
        *(["initial_state = _NETWORK.initial_state"] if model.kept else []),
    ]
    settings = ", ".join(f"{t.name}={t.value!r}" for t in model.hyperparameters)
    drawing = drawing_kernels(model)
    parts = ["\n".join(lines), public_functions(model.given, dtype, bool(entries), drawing)]
    outputs = named(entries)
    kinds = ["TrainerWithNoise"] * bool(drawing) + ["TrainerWithState"] * bool(model.kept)
    weights = model.weights
    if len(weights) > 1:
        listed = " and ".join(tensor.name for tensor in weights)
        raise UnsupportedError(f"only one target can be of kind 'weight', got {listed}")
    bases = ["EvaluatingTrainer"] * bool(outputs) + ["TrainerWithWeights"] * bool(weights)
    bases += ["TrainerOverRanks"] * bool(ranks) + kinds
    if entries:
        parts.append(entry_functions(entries, model.given.integer_limits, dtype))
    base = kinds[0] if kinds else "NetworkTrainer"
    shown = ", ".join(bases or [base])
    text = _TRAINER.format(bases=shown, base=base, hyperparameters=settings)
    text += "".join(_evaluations(outputs)) + "".join(_parts(model, ranks))
    # Of a state, and of what is drawn, it would have to be told.
    told = model.kept or model.inference.key
    has_jacobian = any(entry.name == "jacobian" for entry in entries) and not told
    parts.append(text + (_WITH_JACOBIAN if has_jacobian else ""))
    parts += [replicas] if replicas else []
    parts.append('if __name__ == "__main__":\n    sys.exit(run_check(_NETWORK, __doc__))\n')
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def drawing_kernels(model: Model) -> tuple[str, ...]:
    """Return the names of the kernels of every module that draw noise, but for the epoch."""
    at_inference = ("predict", "loss") if model.inference.key else ()
    return (*at_inference, "gradient") if model.training.key else ()


def _class_of(model: Model, entries: Sequence[Entry]) -> str:
    if model.key:
        return "NetworkWithNoise"
    if model.has_phases:
        return "NetworkInPhases"
    return "NetworkWithEntries" if entries else "Network"


def _evaluations(outputs: Mapping[str, Entry]) -> Iterator[str]:
    """Yield the lines that say a trainer what it evaluates."""
    if outputs:
        yield "    evaluations = {\n"
        for name, entry in outputs.items():
            yield f"        {quoted(name)}: (_{entry.name}_kernel, _{entry.name.upper()}),\n"
        yield "    }\n"


def _parts(model: Model, ranks: Sequence[Entry]) -> Iterator[str]:
    """Yield the lines that say a trainer the parts of a step over ranks."""
    if not ranks:
        return
    places = {tensor: place for place, tensor in enumerate(model.data)}
    batch = model.training.given.batch
    kept: dict[Tensor, str] = {}
    yield "    # Of each its kernel, what that takes, how many sums it gives, and what it keeps.\n"
    yield "    parts: Any = (\n"
    for entry in ranks:
        made: list[str] = []
        names: list[str] = []
        count = 0
        for slot in passed_to(entry):
            tensor = None if slot.packed else slot.tensors[0]
            if tensor is None:
                names.append(quoted(slot.name))
                count += length(slot.tensors) if slot.role == "out" else 0
            elif tensor in places:
                names.append(str(places[tensor]))
            elif slot.role == "out":
                kept[tensor] = quoted(f"kept_{len(kept)}")
                made.append(f"({kept[tensor]}, {shape_text(tensor, batch)})")
                names.append(kept[tensor])
            else:
                names.append(kept.get(tensor, quoted("places")))
        kept_text = f"({', '.join(made)}{',' * (len(made) == 1)})"
        text = f"(_{entry.name}_kernel, ({', '.join(names)},), {count}, {kept_text}),"
        yield textwrap.indent("\n".join(textwrap.wrap(text, 88, subsequent_indent="    ")), " " * 8)
        yield "\n"
    yield "    )\n"


def _phases(model: Model) -> list[str]:
    if not model.has_phases:
        return []
    frozen = ", ".join(quoted(parameter.name) for parameter in model.frozen)
    frozen += "," * (len(model.frozen) == 1)
    states = "_STATES, state_record=State" if model.kept else "(), state_record=None"
    drawing = drawing_kernels(model)
    drawn = [f"    drawing=({', '.join(map(quoted, drawing))},),"] if drawing else []
    return [f"    states={states},", f"    frozen=({frozen}),", *drawn]


def _states(model: Model) -> list[str]:
    """Return the lines of what is kept from step to step."""
    if not model.kept:
        return []
    lines = ["", "", "class State(NamedTuple):"]
    lines += ['    """What is kept from step to step, views over one contiguous buffer."""', ""]
    lines += [f"    {tensor.name}: NDArray[Any]  # {shape_text(tensor)}" for tensor in model.kept]
    lines += ["", "", "# Name, shape, and the value that it starts from.", "_STATES: Any = ("]
    for tensor in model.kept:
        _, value = tensor.initial or ("constant", 0.0)
        lines.append(f'    ("{tensor.name}", {shape_text(tensor)}, {float(value)!r}),')
    return [*lines, ")"]


def _number(value: float) -> str:
    return 'float("inf")' if value == float("inf") else repr(value)


def _default_initial(tensor: Tensor) -> tuple[str, float]:
    if tensor.rank < 2:
        return "constant", 0.0
    columns = tensor.shape[-1]
    assert isinstance(columns, int)
    return "uniform", columns**-0.5


def _table(name: str, kind: str, entries: Mapping[str, str]) -> list[str]:
    """Return the lines of a dict."""
    parts = [f"{quoted(key)}: {value}" for key, value in entries.items()]
    line = f"{name}: dict[str, {kind}] = {{{', '.join(parts)}}}"
    if len(line) <= 100:
        return [line]
    return [f"{name}: dict[str, {kind}] = {{", *(f"    {part}," for part in parts), "}"]
