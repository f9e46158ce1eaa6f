"""module: the translation unit and the header of a program.

The unit holds the functions and the parts of the runtime that they use, the header the structs
and declarations. With the numbers of trained parameters it holds the prediction alone.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from string import Template

import numpy as np

from symbp.entries.entry import Entry
from symbp.entries.epoch import epoch
from symbp.entries.gradient import gradient
from symbp.entries.loss import loss
from symbp.entries.predict import predict
from symbp.entries.step import step
from symbp.notation.errors import SymbpError, UnsupportedError
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.targets.c.function import FunctionText, Structs, function_text
from symbp.targets.c.names import comment, prefix_of
from symbp.targets.c.paste import pasted, template
from symbp.targets.c.places import Field, Struct, fields_of, size_of
from symbp.targets.c.tables import constants
from symbp.targets.target import Job, Target, check_dtype

__all__ = ["C"]


_ABOUT_NOISE = """\
/* Noise is drawn by a seed and the number of a step, each in parts that are whole numbers:
   seed = seed_low + 2^22 seed_middle + 2^44 seed_high, step = step_low + 2^22 step_high, with no
   part but the highest of 2^22 or more. In a state, set the seed; each step counts itself. */
"""
# The most examples of a batch, unless the user says it.
_BATCH = 32


def _check_sizes(program: Program) -> None:
    """Refuse sizes that only arrays tell: the memory of a C function is laid out beforehand."""
    others = [size for size in program.run_time_sizes if size != program.batch]
    if others:
        raise UnsupportedError(
            f"C: the size {', '.join(map(str, others))} is known at run time only; write it as a "
            f"number, the largest there will be, and give how much of it counts as data (lengths=)"
        )


def _texts(job: Job) -> dict[str, str]:
    """Return the translation unit and its header."""
    rows = _BATCH if job.batch is None else job.batch
    job = replace(job, batch=rows)
    model = job.model
    _check_sizes(model.given)
    trained = job.parameters is None and model.optimise is not None
    check_dtype(model.updated if trained else model.inference.gradient, job.dtype)
    prefix = prefix_of(job.stem)
    structs = _structs(job, prefix)
    functions = [
        function_text(entry, structs, prefix, job.dtype, rows, job.parameters is not None)
        for entry in _entries(job)
    ]
    kind = "float" if job.dtype == "float32" else "double"
    given = {
        "title": comment(job.title),
        "stem": _checked_stem(job.stem),
        "type": kind,
        "prefix_upper": prefix.upper(),
        "guard": f"{prefix.upper()}_H",
    }
    texts = [function.text for function in functions]
    if job.parameters is not None:
        texts.insert(0, constants(structs.parameters, job.parameters, prefix, job.dtype))
    body = "\n".join(texts)
    source = Template(template("source.c")).substitute(
        given,
        settings=template("settings.c").strip("\n"),
        runtime=pasted(body, job.dtype),
        functions=body,
    )
    declarations = _declarations(job, structs, functions, prefix, kind)
    header = Template(template("header.h")).substitute(given, declarations=declarations)
    return {f"{job.stem}.c": source, f"{job.stem}.h": header}


def _checked_stem(stem: str) -> str:
    """Return a file's name without its ending, which the unit includes its header by."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", stem):
        raise SymbpError(
            f"{stem}.c: the unit includes {stem}.h by its name; expected letters, digits and any "
            f"of _ . - in it"
        )
    return stem


#: C99, for every compiler that has it, from microcontrollers on.
C = Target("c", "a C translation unit", ".c", frozenset({"batch", "parameters"}), _texts)


def _entries(job: Job) -> list[Entry]:
    model = job.model
    if job.parameters is not None:
        return [predict(model)]
    entries = [predict(model)] if model.given.output is not None else []
    if model.given.cost is not None:
        entries.append(loss(model))
        if model.training.gradient.gradients:
            entries.append(gradient(model))
            if model.optimise is not None:
                entries.append(step(model))
                if model.given.batch is not None:
                    entries.append(epoch(model))
    return entries


def _structs(job: Job, prefix: str) -> Structs:
    model = job.model
    _check_sizes(model.given)
    trained = job.parameters is None and model.optimise is not None
    states: tuple[Tensor, ...] = model.states if trained else model.kept
    hyperparameters: tuple[Tensor, ...] = model.hyperparameters if trained else ()
    return Structs(
        Struct(f"{prefix}_parameters", fields_of(model.parameters)),
        Struct(f"{prefix}_state", fields_of(states)),
        Struct(f"{prefix}_hyperparameters", fields_of(hyperparameters)),
        Struct(f"{prefix}_noise", fields_of(model.key)),
    )


def _declarations(
    job: Job, structs: Structs, functions: Iterable[FunctionText], prefix: str, kind: str
) -> str:
    parts = []
    functions = list(functions)
    if any(function.batched for function in functions):
        parts.append(
            f"/* The most rows of one call, where it says so. */\n"
            f"#define {prefix.upper()}_BATCH {job.batch}\n"
        )
    used = {struct.name for function in functions for struct in function.structs}
    if structs.noise.fields:
        parts.append(_ABOUT_NOISE)
    for struct in (structs.parameters, structs.state, structs.hyperparameters, structs.noise):
        if struct.name in used:
            starts = struct is structs.state
            parts.append(
                _declaration(struct, job, prefix, kind, "", _starts(job) if starts else {})
            )
    defaults = _defaults(job, structs, used, prefix)
    if defaults:
        parts.append(defaults)
    for function in functions:
        if function.buffers.fields:
            note = f"what {prefix}_{function.name} computes on the way"
            parts.append(_declaration(function.buffers, job, prefix, kind, note, {}))
            parts.append(
                f"/* So that a program can ask whether {prefix}_{function.name} takes buffers. */\n"
                f"#define {prefix.upper()}_HAS_{function.name.upper()}_BUFFERS 1\n"
            )
        parts.append(function.declaration)
    return "\n".join(parts)


def _starts(job: Job) -> dict[str, float]:
    """Return what the program's own states start from, by name, where that is not 0."""
    laws = {tensor.name: tensor.initial for tensor in job.model.kept}
    return {name: float(law[1]) for name, law in laws.items() if law is not None and law[1]}


def _declaration(
    struct: Struct, job: Job, prefix: str, kind: str, note: str, starts: Mapping[str, float]
) -> str:
    width = 4 if job.dtype == "float32" else 8
    # Whole numbers stand last, so that nothing but the end is padded.
    size = sum(
        size_of(field.shape, job.batch) * (8 if field.wide else 4 if field.whole else width)
        for field in struct.fields
    )
    if any(field.wide for field in struct.fields):
        width = 8
    size += -size % (width if any(not f.whole for f in struct.fields) else 4)
    said = f"{note}: {size} bytes" if note else f"{size} bytes"
    lines = [f"/* {said[0].upper()}{said[1:]}. */", "typedef struct {"]
    for field in struct.fields:
        type_name = "double" if field.wide else "int32_t" if field.whole else kind
        lines.append(f"    {type_name} {_member(field, prefix)};{_about(field, starts)}")
    return "\n".join([*lines, f"}} {struct.name};", ""])


def _member(field: Field, prefix: str) -> str:
    if not field.shape:
        return field.name
    extents = [
        str(int(e)) if isinstance(e, int) or e.is_Integer else f"{prefix.upper()}_BATCH"
        for e in field.shape
    ]
    return f"{field.name}[{' * '.join(extents)}]"


def _about(field: Field, starts: Mapping[str, float]) -> str:
    """Return a comment where a field has not its author's name, or does not start from zero."""
    said = [] if field.name == field.of else [comment(field.of)]
    said += [f"starts from {starts[field.of]!r}"] if field.of in starts else []
    return f" /* {', '.join(said)} */" if said else ""


def _defaults(job: Job, structs: Structs, used: set[str], prefix: str) -> str:
    """Return the macro of the hyperparameters as the optimizer was given them."""
    if structs.hyperparameters.name not in used:
        return ""
    values = ", ".join(
        repr(float(tensor.value or 0)) if job.dtype == "float64"
        else f"{np.float32(tensor.value or 0)!s}f"
        for tensor in job.model.hyperparameters
    )  # fmt: skip
    name = f"{prefix.upper()}_HYPERPARAMETERS"
    return f"/* As they were chosen, to set a struct to. */\n#define {name} {{{values}}}\n"
