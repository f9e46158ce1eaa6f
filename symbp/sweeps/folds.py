"""Folds: which examples are trained on, and which are held out."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.networks.options import checked_count
from symbp.notation.errors import SymbpError
from symbp.training.datasets import held_out

__all__ = ["Fold", "folds_of"]

#: The rows that are trained on, and those that are held out.
Fold = tuple[NDArray[np.int64], NDArray[np.int64]]


def folds_of(
    cv: Any, share: float | None, x: NDArray[Any], y: NDArray[Any], seed: int = 0
) -> tuple[Fold, ...]:
    """Return the folds of some data; none if all of it is trained on.

    Parameters
    ----------
    cv : int, splitter or iterable, optional
        How many folds, which then are drawn, each class in equal parts; an object with
        ``split(x, y)``, as scikit-learn has them; or pairs of arrays of rows.
    share : float, optional
        Without `cv`: the share that is held out, once.
    x, y : array
        The first input and the first target, of N examples.
    seed : int
        Of what is drawn.

    Raises
    ------
    SymbpError
        There are fewer examples than folds, or a fold is no pair of rows.

    Examples
    --------
    >>> [held.size for _, held in folds_of(3, None, np.zeros((8, 2)), np.zeros((8, 1)))]
    [3, 3, 2]
    """
    labels = _labels(y)
    if cv is None:
        if share is None:
            return ()
        held = held_out(len(x), labels, share, seed)
        return ((np.flatnonzero(~held), np.flatnonzero(held)),)
    if isinstance(cv, int | np.integer):
        count = checked_count("cv", cv, 2, "an int >= 2, or a splitter")
        return _drawn(count, labels, len(x), seed)
    splits = hasattr(cv, "split") and not isinstance(cv, str)
    pairs = cv.split(x, y) if splits else cv
    if isinstance(pairs, str) or not isinstance(pairs, Iterable):
        raise SymbpError(f"cv: expected an int, a splitter, or pairs of rows, got {cv!r}")
    folds = tuple(_fold(place, pair, len(x)) for place, pair in enumerate(pairs))
    if not folds:
        raise SymbpError(f"cv: {cv!r} has no folds")
    return folds


def _labels(y: NDArray[Any]) -> NDArray[np.int64] | None:
    if y.ndim != 1 or y.dtype.kind not in "bui":
        return None
    labels: NDArray[np.int64] = np.unique(y, return_inverse=True)[1].astype(np.int64)
    return labels


def _drawn(count: int, labels: NDArray[np.int64] | None, total: int, seed: int) -> tuple[Fold, ...]:
    if count > total:
        raise SymbpError(f"cv: {count} folds of {total} examples")
    order = np.random.default_rng(seed).permutation(total)
    if labels is not None:
        # Dealt in the order of the classes, each gets its share of every one, to within one.
        order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(total, np.int64)
    fold[order] = np.arange(total) % count
    return tuple((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(count))


def _fold(place: int, pair: Any, total: int) -> Fold:
    try:
        train, held = (np.asarray(rows) for rows in pair)
    except (TypeError, ValueError):
        raise SymbpError(f"cv: fold {place} is no pair of arrays of rows") from None
    if train.dtype == bool and held.dtype == bool and train.shape == held.shape == (total,):
        train, held = np.flatnonzero(train), np.flatnonzero(held)
    for rows in (train, held):
        whole = rows.ndim == 1 and rows.size and rows.dtype.kind in "ui"
        if not whole or rows.min() < 0 or rows.max() >= total:
            raise SymbpError(f"cv: fold {place}: expected rows from 0 to {total - 1}")
    return train.astype(np.int64), held.astype(np.int64)
