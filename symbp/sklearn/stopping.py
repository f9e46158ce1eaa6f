"""stopping: training that ends when the score of examples held out rises no more."""

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["BestScore"]


class BestScore:
    """The best score so far, and the parameters that had it.

    Parameters
    ----------
    score : callable
        Returns the score of the examples held out with the parameters as they are.
    tol : float
        By how much a score has to be higher to count.
    patience : int
        So many epochs in a row without a higher one end the training.
    """

    def __init__(self, score: Callable[[], float], tol: float, patience: int) -> None:
        self.score, self.tol, self.patience = score, tol, patience
        self.scores: list[float] = []
        self._best, self._waited, self._kept = -np.inf, 0, None

    def note(self, trainer: Any) -> bool:
        """Take the score after an epoch, and say whether training ends."""
        score = self.score()
        self.scores.append(score)
        self._waited = self._waited + 1 if score < self._best + self.tol else 0
        if score > self._best or self._kept is None:
            self._best, self._kept = score, trainer.snapshot()
        return self._waited > self.patience

    def restore(self, trainer: Any) -> None:
        """Go back to the best parameters; the history stays whole."""
        if self._kept is not None:
            whole = {"history": trainer.history, "epochs": trainer.epochs}
            trainer.restore({**self._kept, **whole})
