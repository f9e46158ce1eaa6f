"""What symbp and every peer hand to the clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["AbsentError", "CannotExpressError", "Prepared", "log_softmax"]


class AbsentError(Exception):
    """The peer, or something that it needs, is not installed; the message says what."""


class CannotExpressError(Exception):
    """The peer has no such network, cost or call; the message says what it lacks."""


@dataclass(frozen=True)
class Prepared:
    """A case made ready in one library.

    Attributes
    ----------
    run : callable
        ``run(count)`` computes `count` epochs, or calls, and returns when the last is complete.
    result : callable
        Returns the arrays to compare, float64, W of shape (units, inputs): for a step the
        parameters as they are now, for a gradient the cost and the gradient of each parameter, for
        `predict` the output (its log softmax where the network has one). None where the
        library does not let them be compared.
    """

    run: Callable[[int], object]
    result: Callable[[], Sequence[NDArray[Any]] | None]


def log_softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """Return the logarithm of the softmax along the last axis, in float64."""
    shifted = logits.astype(np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
