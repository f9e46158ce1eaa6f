"""module: the text of a standalone module for Numba, from a model."""

from collections.abc import Mapping

import numpy as np

from symbp.entries.model import Model
from symbp.schedules.limits import Limits
from symbp.targets.numba.assemble import Range, assembled
from symbp.targets.numba.kernels import kernels
from symbp.targets.target import check_dtype

__all__ = ["module_text"]


def module_text(
    model: Model,
    dtype: str,
    equations: Mapping[str, str],
    title: str,
    threshold: float = 0.5,
    ranges: Mapping[str, Range] | None = None,
) -> str:
    """Return the source of a standalone module.

    Parameters
    ----------
    model : Model
        With an optimizer.
    dtype, equations, title, threshold, ranges
        As for :func:`symbp.targets.numba.assemble.assembled`.

    Returns
    -------
    str
        Python source that imports numpy, numba and, for BLAS, scipy.
    """
    check_dtype(model.updated, dtype)
    made = kernels(model, Limits(itemsize=np.dtype(dtype).itemsize))
    return assembled(
        made, model.given, model.gradient, model.updated, dtype, equations, title, threshold, ranges
    )
