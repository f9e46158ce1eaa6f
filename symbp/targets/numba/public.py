"""public: the text of a module's public functions, with the names and shapes of its program.

``predict(parameters, x)`` rather than ``predict(parameters, *inputs)``: what a reader, an editor or
``help`` sees is the program's own. The names of arguments are made by
:mod:`symbp.targets.numba.names`, so that no user's text becomes code; in the docstrings a user's
name stands as it is.
"""

import textwrap
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from symbp.entries.entry import Entry, Slot
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.notation.whole_numbers import Limit
from symbp.targets.numba.names import Names

__all__ = ["argument_text", "entry_functions", "plain", "public_functions", "quoted", "shape_text"]

#: Those of every module, whose general form stands in the runtime.
WRITTEN = ("predict", "loss", "gradient")

_PARAMETERS = (
    "Parameters, or a tuple or dict of arrays",
    "Used without a copy if they are views over one buffer, as from `initial_parameters`.",
)
_OR_VECTOR = ", or a vector"
_STATE = ("State, or a tuple or dict of arrays", "Such as `initial_state()` or `trainer.state`.")
_RAISES = (
    "TypeError, ValueError",
    "In one line: which argument, what was expected, what came.",
)


@dataclass(frozen=True)
class _Part:
    """A line of a docstring's section, and what is said below it."""

    name: str
    kind: str
    remark: str = ""


#: What says which noise is drawn.
_KEY = (
    _Part("seed", "int", "What a trainer is given: 0 or more, below 2**64."),
    _Part("step", "int", "How many steps of its training came before."),
)


def public_functions(
    given: Program, dtype: str, vectors: bool = False, drawing: Collection[str] = ()
) -> str:
    """Return the text of ``predict``, ``loss`` and ``gradient``.

    Parameters
    ----------
    given : Program
        As its author wrote it.
    dtype : str
        The precision of the module.
    vectors : bool, default False
        Whether all parameters may come as one vector, as for further entry points.
    drawing : collection of str
        Those of the functions that draw noise.
    """
    data = (*given.inputs, *given.targets)
    output = given.output
    returned = [_Part("output", _array(output, dtype))] if output is not None else []
    cost = plain(given.cost.name) if given.cost is not None else "cost"
    what = f"the output {plain(output.name)} of the network" if output is not None else "the output"
    gradients = _Part("gradients", "Parameters", "Views over one new buffer.")
    functions = [
        ("predict", given.inputs, f"Return {what}.", "NDArray[Any]", returned),
        ("loss", data, f"Return the cost {cost}.", "float", []),
        (
            "gradient",
            data,
            f"Return the cost {cost} and its gradient with respect to every parameter.",
            "tuple[float, Parameters]",
            [_Part("cost", "float"), gradients],
        ),
    ]
    return "\n\n".join(
        _function(*function, vectors, bool(given.states), function[0] in drawing)
        for function in functions
    )


def _function(
    name: str,
    tensors: Sequence[Tensor],
    summary: str,
    returns: str,
    results: Sequence[_Part],
    vectors: bool,
    state: bool,
    draws: bool,
) -> str:
    key = ("seed", "step") if draws else ()
    names = Names(["parameters", *(["state"] if state else []), *key])
    arguments = [(names.unique(tensor.name), tensor) for tensor in tensors]
    kind, remark = _PARAMETERS
    documented = [
        _Part("parameters", kind + _OR_VECTOR * vectors, remark),
        *([_Part("state", *_STATE)] if state else []),
        *(_documented(argument, tensor) for argument, tensor in arguments),
        *(_KEY if draws else ()),
    ]
    passed = ", ".join([_tuple([argument for argument, _ in arguments]), *key])
    flat = 'packed("parameters", parameters)' if vectors else "flatten(parameters)"
    bound = "_NETWORK.with_state(_NETWORK.flat_state(state))" if state else "_NETWORK"
    return _definition(
        name,
        [
            "parameters: Any",
            *(["state: Any"] if state else []),
            *(f"{argument}: ArrayLike" for argument, _ in arguments),
            *(f"{name}: int = 0" for name in key),
        ],
        returns,
        # The others raise the same.
        [summary, "", *_sections(documented, results, name == "predict")],
        f"return {bound}.{name}(_NETWORK.{flat}, {passed})",
    )


def entry_functions(entries: Iterable[Entry], limits: dict[Tensor, Limit], dtype: str) -> str:
    """Return the text of the entry points that a module has besides, and how each is called.

    Parameters
    ----------
    entries : iterable of Entry
        As their kernels are written, see :func:`symbp.targets.numba.kernels.entry_kernel`.
    limits : dict of Tensor to Limit
        What the elements of integer tensors are.
    dtype : str
        The precision of the module.
    """
    return "\n\n".join(_entry(entry, limits, dtype) for entry in entries)


def _entry(entry: Entry, limits: dict[Tensor, Limit], dtype: str) -> str:
    names = Names([])
    read = [slot for slot in entry.slots if slot.role == "in"]
    written = [slot for slot in entry.slots if slot.role == "out"]
    arguments = [(names.unique(slot.name), slot) for slot in read]
    record = f"_{entry.name.upper()}"
    lines = [
        f"{record}: Any = EntryPoint(",
        f"    name={quoted(entry.name)},",
        "    arguments=(",
        *(
            f"        {quoted(slot.name)},"
            if slot.packed
            else f"        {argument_text(slot.tensors[0], limits, entry.batch)},"
            for _, slot in arguments
        ),
        "    ),",
        f"    results={_tuple([_result_shape(slot, entry.batch) for slot in written])},",
        f"    returns={entry.returns is not None},",
        f"    flat={entry.flat},",
        ")",
    ]
    documented = [
        _packed(argument, slot, entry.flat)
        if slot.packed
        else _documented(argument, slot.tensors[0])
        for argument, slot in arguments
    ]
    results = []
    if entry.returns is not None:
        is_cost = entry.returns is entry.program.cost
        results = [_Part("cost" if is_cost else plain(entry.returns.name), "float")]
    vector = "ndarray of float64, as long as there are parameters"
    results += [
        _Part(slot.name, vector if entry.flat else "Parameters")
        if slot.packed
        else _Part(slot.name, _array(slot.tensors[0], dtype))
        for slot in written
    ]
    passed = _tuple([argument for argument, _ in arguments])
    kinds = ["float"] if entry.returns is not None else []
    kinds += ["Parameters" if s.packed and not entry.flat else "NDArray[Any]" for s in written]
    definition = _definition(
        entry.name,
        [f"{argument}: {'Any' if slot.packed else 'ArrayLike'}" for argument, slot in arguments],
        kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(kinds)}]",
        [*_wrapped(plain(entry.summary), 4), "", *_sections(documented, results)],
        f"return _NETWORK.call_entry(_{entry.name}_kernel, {record}, {passed})",
    )
    return "\n".join([*lines, "", "", definition])


def _packed(argument: str, slot: Slot, flat: bool) -> _Part:
    if flat:
        return _Part(argument, "ndarray, as long as there are parameters", "See `as_vector`.")
    if slot.name == "noise":
        return _Part(
            argument, "tuple of two int", "A trainer's seed, and how many steps came before."
        )
    if slot.name == "state":
        return _Part(argument, *_STATE)
    if slot.name == "parameters":
        return _Part(argument, _PARAMETERS[0] + _OR_VECTOR, _PARAMETERS[1])
    return _Part(argument, _PARAMETERS[0] + _OR_VECTOR, "A direction of the parameters.")


def _result_shape(slot: Slot, batch: object) -> str:
    return "None" if slot.packed else shape_text(slot.tensors[0], batch)


def _definition(
    name: str, arguments: Sequence[str], returns: str, doc: Sequence[str], body: str
) -> str:
    head = f"def {name}({', '.join(arguments)}) -> {returns}:"
    if len(head) > 100:
        head = "\n".join([f"def {name}(", *(f"    {a}," for a in arguments), f") -> {returns}:"])
    first, *rest = doc
    lines = [head, f'    """{first}', *(f"    {line}" if line else "" for line in rest), '    """']
    if len(body) > 96:
        call, _, inner = body.partition("(")
        body = f"{call}(\n        {inner.removesuffix(')')}\n    )"
    return "\n".join([*lines, f"    {body}"]) + "\n"


def _sections(
    arguments: Sequence[_Part], results: Sequence[_Part], raises: bool = True
) -> list[str]:
    lines = ["Parameters", "----------"]
    for part in arguments:
        lines += _lines(part)
    if results:
        lines += ["", "Returns", "-------"]
        for part in results:
            lines += _lines(part)
    if not raises:
        return lines
    kind, remark = _RAISES
    return [*lines, "", "Raises", "------", kind, f"    {remark}"]


def _lines(part: _Part) -> list[str]:
    return [f"{part.name} : {part.kind}", *(f"    {t}" for t in _wrapped(part.remark, 8) if t)]


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, 100 - indent, break_long_words=False) or [""]


def _documented(argument: str, tensor: Tensor) -> _Part:
    """Return what is said of an array argument."""
    shape, remark = _shape(tensor.shape), ""
    kind = f"array_like of shape {shape}"
    last = tensor.shape[-1] if tensor.shape else 0
    if tensor.kind == "integer":
        kind = f"array_like of integers, of shape {shape}"
    elif tensor.kind in ("classes", "distribution") and isinstance(last, int) and last > 1:
        kind += f", or integer labels of shape {_shape(tensor.shape[:-1])}"
        remark = "Its rows sum to 1." if tensor.kind == "distribution" else ""
    elif tensor.role == "target" and last == 1:
        kind += f" or {_shape(tensor.shape[:-1])}"
    elif tensor.role == "input":
        remark = "NaN and infinity propagate."
    if argument != tensor.name:
        remark = f"The {tensor.role} {plain(tensor.name)}. {remark}".strip()
    return _Part(argument, kind, remark)


def _array(tensor: Tensor, dtype: str) -> str:
    return f"ndarray of {dtype}, of shape {_shape(tensor.shape)}"


def _shape(shape: Sequence[object]) -> str:
    extents = list(map(str, shape))
    return f"({', '.join(extents)}{',' if len(extents) == 1 else ''})"


def _tuple(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def argument_text(tensor: Tensor, limits: dict[Tensor, Limit], batch: object) -> str:
    """Return the text of what an array argument must be: name, role, shape, kind, limit."""
    limit = limits.get(tensor) if tensor.kind == "integer" else None
    role = "target" if tensor.role == "target" else "input"
    return (
        f"({quoted(tensor.name)}, {quoted(role)}, {shape_text(tensor, batch)}, "
        f"{quoted(tensor.kind)}, {None if limit is None else limit.given})"
    )


def shape_text(tensor: Tensor, batch: object = None) -> str:
    """Return the text of a shape: None for the size of a batch, others that arrays tell by name."""
    names = {extent: quoted(str(extent)) for extent in tensor.shape if not isinstance(extent, int)}
    parts = ["None" if e == batch else names.get(e, str(e)) for e in tensor.shape]
    return _tuple(parts)


def quoted(text: str) -> str:
    """Return the text of a string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")
    return f'"{escaped}"'


def plain(text: str) -> str:
    """Return text that can stand in a docstring: it cannot end it or escape from it."""
    return text.replace("\\", "/").replace('"', "'").replace("\r", " ").replace("\n", " ")
