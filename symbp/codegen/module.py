"""module: the text of a generated module, from a program, its gradient and its updates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from symbp.codegen.kernels import (
    entry_kernel,
    epoch_kernel,
    gradient_kernel,
    loss_kernel,
    predict_kernel,
)
from symbp.codegen.unrolled_epoch import unrolled_epoch
from symbp.codegen.writer import Layout
from symbp.entries.entry import Entry
from symbp.notation.program import Program
from symbp.targets.numba.assemble import SUMS, Range, assembled
from symbp.targets.numba.kernel import Kernel
from symbp.targets.target import check_dtype

__all__ = ["gradient_kernel_of", "module_text"]


def module_text(
    given: Program,
    program: Program,
    updated: Program,
    dtype: str,
    equations: Mapping[str, str],
    title: str,
    threshold: float = 0.5,
    ranges: Mapping[str, Range] | None = None,
    entries: Sequence[Entry] = (),
) -> str:
    """Return the source of a standalone module.

    Parameters
    ----------
    given : Program
        The program as its author wrote it.
    program : Program
        The differentiated program, its bodies written out.
    updated : Program
        The same with an optimizer's update equations.
    dtype : {"float32", "float64"}
        The precision of parameters and arithmetic.
    equations : mapping of str to str
        LaTeX of each equation, by the name of what it defines.
    title : str
        One line that says what the module computes.
    threshold : float
        What a single output exceeds for class 1: 0 for a logit, 0.5 for a probability.
    ranges : mapping of str to (float, bool, float), optional
        For each hyperparameter by name the least value, whether that is excluded, and what it
        must stay below; without one it may be any finite number.
    entries : sequence of Entry
        Entry points besides those of every module.

    Returns
    -------
    str
        Python source that imports numpy, numba and, for BLAS, scipy.
    """
    for checked in (updated, *(entry.program for entry in entries)):
        check_dtype(checked, dtype)
    layout = replace(_layout(given, program, updated), itemsize=np.dtype(dtype).itemsize)
    kernels = [predict_kernel(program, layout)] if program.output is not None else []
    kernels += [
        loss_kernel(program, layout),
        gradient_kernel(program, layout),
        unrolled_epoch(updated, layout) or epoch_kernel(updated, layout),
        *(entry_kernel(entry, layout) for entry in entries),
    ]
    return assembled(
        kernels, given, program, updated, dtype, equations, title, threshold, ranges, entries
    )


def gradient_kernel_of(given: Program, program: Program, updated: Program) -> Kernel:
    """Return the kernel of the gradient as it stands in the module, with what its lines compute.

    Parameters
    ----------
    given, program, updated : Program
        As for :func:`module_text`.
    """
    return gradient_kernel(program, _layout(given, program, updated))


def _layout(given: Program, program: Program, updated: Program) -> Layout:
    # As given: what cancels out of the derived equations is an argument all the same.
    parameters = tuple(tensor for tensor, _ in program.gradients)
    states = tuple(old for old, _ in updated.updates if old.role == "state")
    fixed = set(program.with_role("constant"))
    constants = sorted(updated.with_role("constant"), key=lambda tensor: tensor.serial)
    hyperparameters = tuple(tensor for tensor in constants if tensor not in fixed)
    return Layout(parameters, states, hyperparameters, given.inputs, given.targets, _reserved())


def _reserved() -> frozenset[str]:
    """Return the names that the kernels use for other things than tensors."""
    team = (
        "memory offsets team member members first last row_first row_last arrived ahead later one"
    )
    calls = "view part flat natural tiled tiled_onto prefetch copy_row wait_for_team"
    threads = "blas_threads limit_threads restore_threads"
    own = "real np njit N batch_size order start row example examples total parameters gradients"
    given = "state hyperparameters gemm gemv dot threads min float abs cos k0 k1 k2 k3 k4 k5 k6 k7"
    maths = (
        "exp expm1 log log1p tanh maximum sigmoid silu softplus erf gelu gelu_prime gelu_tanh sin"
    )
    slopes = "tanh_prime erf_prime silu_prime gelu_tanh_prime"
    sums = " ".join(sorted(SUMS))
    return frozenset(f"{own} {given} {maths} {slopes} {team} {calls} {threads} {sums}".split())
