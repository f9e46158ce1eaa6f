"""module: a standalone module for Numba, from a model."""

import math
from dataclasses import replace

import numpy as np

from symbp.entries.ranks import ranks
from symbp.notation.errors import SymbpError, suggest
from symbp.schedules.limits import Limits
from symbp.targets.numba.assemble import assembled
from symbp.targets.numba.beside import runtime_files
from symbp.targets.numba.kernels import kernels, lanes_kernel
from symbp.targets.numba.predictor import predictor_text
from symbp.targets.preparation import Preparation
from symbp.targets.target import Job, Target, check_dtype

__all__ = ["LIMITS", "NUMBA", "RUNTIMES"]

#: What Numba can do, and what is worth doing with it.
LIMITS = Limits()
#: Where what modules have in common stands: in each, or in files beside them.
RUNTIMES = ("pasted", "beside")


def _texts(job: Job) -> dict[str, str]:
    """Return the module, and what lies beside it; with parameters, a predictor."""
    if job.parameters is not None:
        return {f"{job.stem}.py": _predictor(job)}
    for checked in (job.model.updated, *(entry.program for entry in job.entries)):
        check_dtype(checked, job.dtype)
    runtime = "pasted" if job.runtime is None else job.runtime
    if runtime not in RUNTIMES:
        raise SymbpError(f"runtime {runtime!r}: {suggest(str(runtime), RUNTIMES)}")
    limits = replace(
        LIMITS, itemsize=np.dtype(job.dtype).itemsize,
        # Beside a module lies what compiles it in any case.
        front_end=runtime == "pasted" and job.is_read,
    )  # fmt: skip
    over_ranks = ranks(job.model) if job.ranks else ()
    made = kernels(job.model, limits, (*job.entries, *over_ranks))
    many = job.replicas
    lanes = None if many is None else lanes_kernel(job.model, limits)
    if lanes is not None:
        # In one way with the others.
        made = (*made, replace(lanes[0], emitted=made[0].emitted))
    text = assembled(
        made, job.model, job.dtype, job.equations, job.title, job.threshold, job.ranges,
        job.entries, runtime, over_ranks, many, None if lanes is None else lanes[1],
    )  # fmt: skip
    main = f"{job.stem}.py"
    if runtime == "pasted":
        return {main: text}
    others = runtime_files(frozenset().union(*(kernel.calls for kernel in made)))
    if main in others:
        raise SymbpError(f"{main}: modules share a file of this name, give this one another")
    return {main: text, **others}


def _predictor(job: Job) -> str:
    if job.entries or job.runtime is not None or job.ranks:
        option = "entries or outputs" if job.entries else "ranks" if job.ranks else "runtime"
        raise SymbpError(f"{option}: a module with parameters inside predicts alone")
    inputs = job.model.inputs
    plain = len(inputs) == 1 and inputs[0].kind != "integer" and inputs[0].shape[1:]
    if job.preparation is None and not plain:
        raise SymbpError(
            "parameters: a module with parameters inside reads one table of numbers, an input of "
            f"shape (N, …); this program reads {', '.join(map(str, inputs)) or 'none'}"
        )
    check_dtype(job.model.inference.gradient, job.dtype)
    count = math.prod(int(extent) for extent in inputs[0].shape[1:])
    preparation = Preparation.plain(count) if job.preparation is None else job.preparation
    limits = replace(LIMITS, itemsize=np.dtype(job.dtype).itemsize)
    assert job.parameters is not None
    return predictor_text(job.model, job.dtype, limits, job.parameters, preparation)


#: Python modules that Numba compiles.
NUMBA = Target(
    "numba",
    "a Python module",
    ".py",
    frozenset(
        {"entries", "equations", "outputs", "parameters", "ranges", "ranks", "replicas", "runtime"}
    ),
    _texts,
    strict=False,
)
