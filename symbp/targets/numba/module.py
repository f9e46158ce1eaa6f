"""module: the text of a standalone module for Numba, from a model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from symbp.entries.entry import Entry
from symbp.entries.model import Model
from symbp.schedules.limits import Limits
from symbp.targets.numba.assemble import Range, assembled
from symbp.targets.numba.kernels import entry_kernel, kernels
from symbp.targets.target import check_dtype

__all__ = ["LIMITS", "module_text"]

#: What Numba can do, and what is worth doing with it.
LIMITS = Limits()


def module_text(
    model: Model,
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
    model : Model
        With an optimizer.
    dtype, equations, title, threshold, ranges, entries
        As for :func:`symbp.targets.numba.assemble.assembled`.

    Returns
    -------
    str
        Python source that imports numpy, numba and, for BLAS, scipy.
    """
    for checked in (model.updated, *(entry.program for entry in entries)):
        check_dtype(checked, dtype)
    limits = replace(LIMITS, itemsize=np.dtype(dtype).itemsize)
    made = (*kernels(model, limits), *(entry_kernel(entry, limits) for entry in entries))
    return assembled(made, model, dtype, equations, title, threshold, ranges, entries)
