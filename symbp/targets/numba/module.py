"""module: a standalone module for Numba, from a model."""

from dataclasses import replace

import numpy as np

from symbp.notation.errors import SymbpError, suggest
from symbp.schedules.limits import Limits
from symbp.targets.numba.assemble import assembled
from symbp.targets.numba.beside import runtime_files
from symbp.targets.numba.kernels import kernels
from symbp.targets.target import Job, Target, check_dtype

__all__ = ["LIMITS", "NUMBA", "RUNTIMES"]

#: What Numba can do, and what is worth doing with it.
LIMITS = Limits()
#: Where what modules have in common stands: in each, or in files beside them.
RUNTIMES = ("pasted", "beside")


def _texts(job: Job) -> dict[str, str]:
    """Return the module, and what lies beside it."""
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
    made = kernels(job.model, limits, job.entries)
    text = assembled(
        made, job.model, job.dtype, job.equations, job.title, job.threshold, job.ranges,
        job.entries, runtime,
    )  # fmt: skip
    main = f"{job.stem}.py"
    if runtime == "pasted":
        return {main: text}
    others = runtime_files(frozenset().union(*(kernel.calls for kernel in made)))
    if main in others:
        raise SymbpError(f"{main}: modules share a file of this name, give this one another")
    return {main: text, **others}


#: Python modules that Numba compiles.
NUMBA = Target(
    "numba",
    "a Python module",
    ".py",
    frozenset({"entries", "equations", "outputs", "ranges", "runtime"}),
    _texts,
    strict=False,
)
