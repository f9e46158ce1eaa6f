"""The type of what ``symbp.compile(…, replicas=R)`` returns: many networks trained at once.

A protocol, for the reason that :class:`symbp.Trainer` is one.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.training.trainer import Trainer

__all__ = ["Replicas"]


class Replicas(Protocol):
    """Many networks of one program: another seed, rate or choice of examples for each.

    ``symbp.compile(…, replicas=R)`` returns them; a module that was generated with ``replicas=``
    has a class of this form, called as ``Replicas(replicas, seed=0, **hyperparameters)``. Each
    replica gives the bits that it gives alone, with ``replicas=1`` and its seed, for any number of
    threads.

    Attributes
    ----------
    seeds : tuple of int
        The seed of each.
    hyperparameters : dict of str to ndarray of shape (R,)
        Those of the optimizer; they may be changed between epochs, from a callback too.
    history : list of dict
        One record an epoch: epoch, and arrays (R,) of cost and, with validation, validation_cost
        and validation_accuracy; once some have stopped, trained says which were trained. Of one
        that was not, cost is NaN.
    epochs : int
        How many have been trained.
    module : module
        The generated module.

    Examples
    --------
    >>> import numpy as np, symbp as bp
    >>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> net = bp.mlp(2, 4, 1, activation="tanh")
    >>> many = bp.compile(net, bp.SGD([0.5, 0.3, 0.1]), replicas=3)
    >>> many.fit(x, y, epochs=2000, batch_size=4).predict(x).shape
    (3, 4, 1)
    >>> many.best().predict(x).round(1).ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    seeds: tuple[int, ...]
    hyperparameters: dict[str, NDArray[np.float64]]
    history: list[dict[str, Any]]
    epochs: int
    module: ModuleType

    @property
    def parameters(self) -> Any:
        """The current parameters, a named tuple of arrays (R, …): views, which training changes."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Trainer]: ...

    def __getitem__(self, replica: int) -> Trainer:
        """Return an ordinary trainer with a copy of all that a replica holds."""
        ...

    def fit(
        self,
        *arrays: ArrayLike,
        epochs: int = 1,
        batch_size: int = 32,
        validation: Sequence[ArrayLike] | None = None,
        sample_weight: ArrayLike | None = None,
        shuffle: bool = True,
        callback: Callable[[int, dict[str, Any]], object] | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
        rows: Sequence[ArrayLike] | None = None,
        validation_rows: Sequence[ArrayLike] | None = None,
        threads: int | None = None,
    ) -> Self:
        """Train all for some more epochs and return the replicas.

        Parameters
        ----------
        *arrays, epochs, batch_size, validation, sample_weight, shuffle
            As :meth:`symbp.Trainer.fit` takes them; each has its own order of the examples.
        callback : callable, optional
            ``callback(epoch, record)`` after each epoch. Training stops when it returns True; of
            an array (R,) of bool, those replicas stop.
        patience : int, optional
            A replica stops after so many epochs in a row without a lower validation_cost, and
            returns to the parameters after the epoch in which it was lowest.
        min_delta : float
            By how much that cost has to be lower to count.
        rows : sequence of array_like of int, optional
            For each replica, which examples it is trained on: a fold, or a bootstrap sample, in
            which an example may stand several times.
        validation_rows : sequence of array_like of int, optional
            For each replica, on which of the examples its validation_cost is computed.
        threads : int, optional
            How many work; by default as many as there are cores. The results are the same.

        Raises
        ------
        TypeError, ValueError
            In one line: which argument, what was expected, what came.
        """
        ...

    def predict(self, *inputs: ArrayLike, seed: int = 0, step: int = 0) -> NDArray[Any]:
        """Return the outputs of all for these inputs, of shape (R, N, …)."""
        ...

    def mean_and_spread(self, *inputs: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the mean of the outputs over the replicas, and their standard deviation."""
        ...

    def loss(
        self, *arrays: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return the cost of each, of shape (R,)."""
        ...

    def accuracy(self, *arrays: ArrayLike) -> NDArray[np.float64]:
        """Return for each the fraction of examples that get the right class, of shape (R,)."""
        ...

    def evaluate(self, name: str, *arrays: ArrayLike) -> NDArray[Any]:
        """Return one of the ``outputs=`` by its name, of shape (R, …)."""
        ...

    def best(self, *arrays: ArrayLike) -> Trainer:
        """Return an ordinary trainer of the replica with the lowest cost.

        Parameters
        ----------
        *arrays : array_like
            Inputs and targets whose cost is compared. Without any it is the last validation_cost,
            or that of the best epoch with patience; or else the cost of the last epoch.
        """
        ...

    def latest(self, name: str = "cost") -> NDArray[np.float64]:
        """Return what the record of the last epoch that each was trained in says, shape (R,)."""
        ...

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state of the training to a file (npz), from which `load` continues."""
        ...

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the replicas that `save` wrote; they continue as if they had never stopped."""
        ...
