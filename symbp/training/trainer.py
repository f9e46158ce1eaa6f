"""The type of what :func:`symbp.compile` returns: what every generated ``Trainer`` has.

A generated module imports nothing of symbp, so that its classes cannot derive from this one: it is
a protocol, which type checkers and editors read. What is for people (`plot`, ``verbose=``,
snapshots) joins the class when symbp loads the module; one that is imported alone has the rest.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol, Self

from numpy.typing import ArrayLike, NDArray

__all__ = ["Trainer"]


class Trainer(Protocol):
    """Parameters, the optimizer's state and a random generator, trained epoch by epoch.

    :func:`symbp.compile` returns one; every generated module has a class of this form, called as
    ``Trainer(parameters=None, seed=0, **hyperparameters)``. `plot`, `snapshot`, `restore`,
    ``verbose=`` and the display of notebooks are there where symbp loaded the module, by
    :func:`symbp.compile` or :func:`symbp.load_module`, not where it is imported alone.

    Attributes
    ----------
    hyperparameters : dict of str to float
        Those of the optimizer; they may be changed between epochs, from a callback too.
    history : list of dict
        One record an epoch: epoch, cost and, with validation, validation_cost and, for classes,
        validation_accuracy.
    epochs : int
        How many have been trained.
    module : module
        The generated module, with ``predict``, ``loss``, ``gradient`` and other entry points as
        functions.

    Examples
    --------
    >>> import symbp as bp
    >>> trainer: bp.Trainer = bp.compile(bp.mlp(2, 4, 1), bp.SGD(0.5))
    >>> trainer.fit([[0, 1], [1, 1]], [[1], [0]], epochs=2).epochs
    2
    """

    hyperparameters: dict[str, float]
    history: list[dict[str, Any]]
    epochs: int
    module: ModuleType

    @property
    def parameters(self) -> Any:
        """The current parameters, a named tuple of arrays: views, which training changes."""

    @property
    def state(self) -> Any:
        """The state of a program that has one, a named tuple of arrays: views too."""

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
        communicator: Any = None,
        verbose: int | Callable[[int, dict[str, Any]], object] = 0,
    ) -> Self:
        """Train for some more epochs and return the trainer.

        Parameters
        ----------
        *arrays : array_like
            Inputs and targets in the order of the program, N examples each, finite; or
            :class:`symbp.Blocks` of them, as large arrays on disk are read.
        epochs : int
            Passes over the data, at least 0.
        batch_size : int
            Examples a step, at least 1. The last batch may be short; all of the data is the most.
        validation : tuple of array_like, optional
            Arrays whose cost (and accuracy, for classes) is recorded after each epoch.
        sample_weight : array_like, optional
            A weight of 0 or more for each example, if a target of the program holds weights; other
            programs take none.
        shuffle : bool
            Visit the examples in a new random order in each epoch.
        callback : callable, optional
            ``callback(epoch, record)`` after each epoch; training stops when it returns True.
        patience : int, optional
            Stop after so many epochs in a row without a lower cost of the validation arrays, and
            return to the parameters after the epoch in which it was lowest.
        min_delta : float
            By how much that cost has to be lower to count.
        communicator : object, optional
            Of several processes that train together, each with rows of its own: one of mpi4py, a
            process group of torch.distributed, or an object with ``rank()``, ``size()`` and
            ``all_reduce(array)``; for programs compiled with ``ranks=True``.
        verbose : {0, 1, 2} or callable, default 0
            0: nothing is printed; 1: a line that is written over, on a terminal and in a notebook,
            elsewhere a line for each epoch; 2: a line for each epoch. Or a function of the epoch
            and its record, which is called instead and cannot stop the training.

        Raises
        ------
        TypeError, ValueError
            In one line: which argument, what was expected, what came.
        """
        ...

    def minimise(
        self,
        *arrays: ArrayLike,
        method: str = "L-BFGS-B",
        iterations: int = 100,
        validation: Sequence[ArrayLike] | None = None,
        sample_weight: ArrayLike | None = None,
        callback: Callable[[int, dict[str, Any]], object] | None = None,
        **options: Any,
    ) -> Self:
        """Minimise the cost of all examples together with SciPy, and return the trainer.

        Parameters
        ----------
        *arrays : array_like
            As for `fit`.
        method : str
            Of ``scipy.optimize.minimize``: one that takes gradients; or lm, trf or dogbox of
            ``scipy.optimize.least_squares``, in a module with the entry point jacobian.
        iterations : int
            How many there may be, at least 0.
        validation, sample_weight, callback
            As for `fit`.
        **options
            What else that function takes, such as ``tol=1e-9`` or ``options={"maxcor": 50}``.
        """
        ...

    def predict(self, *inputs: ArrayLike, seed: int = 0, step: int = 0) -> NDArray[Any]:
        """Return the output for these inputs.

        Parameters
        ----------
        *inputs : array_like
            Those of the program, N examples each.
        seed, step : int
            Of what is drawn, if the program has noise that is drawn in use; others take neither.
        """
        ...

    def loss(
        self,
        *arrays: ArrayLike,
        sample_weight: ArrayLike | None = None,
        seed: int = 0,
        step: int = 0,
    ) -> float:
        """Return the cost; for the arguments see `predict` and `fit`."""
        ...

    def gradient(
        self,
        *arrays: ArrayLike,
        sample_weight: ArrayLike | None = None,
        seed: int = 0,
        step: int = 0,
    ) -> tuple[float, Any]:
        """Return the cost and its derivatives by the parameters, a named tuple of arrays."""
        ...

    def evaluate(self, name: str, *arrays: ArrayLike) -> Any:
        """Return one of the ``outputs=`` by its name, with the current parameters.

        Parameters
        ----------
        name : str
            Of a tensor that ``bp.compile(…, outputs=)`` was given.
        *arrays : array_like
            The inputs, and the targets if it depends on them.
        """
        ...

    def accuracy(self, *arrays: ArrayLike) -> float:
        """Return the fraction of examples that get the right class."""
        ...

    def plot(self, axes: Any = None) -> Any:
        """Draw the cost of each epoch, and that of the validation arrays, with matplotlib.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            What is drawn onto; by default new ones, which a notebook shows.

        Returns
        -------
        matplotlib.axes.Axes
            ``trainer.plot().figure.savefig("curve.svg")`` writes a file.

        Raises
        ------
        SymbpError
            Nothing was trained, or matplotlib is missing (the extra ``plot``).
        """
        ...

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of all that training goes on from, in memory.

        Returns
        -------
        dict
            parameters (a dict of arrays by name), state (the optimizer's numbers and the
            program's state, one vector), generator, hyperparameters, history and epochs.
        """
        ...

    def restore(self, snapshot: Mapping[str, Any]) -> Self:
        """Go on from a snapshot, and return the trainer.

        Parameters
        ----------
        snapshot : mapping
            Of this trainer, or of another one with the same parameters and optimizer.

        Raises
        ------
        SymbpError
            A part is missing or of another size; then nothing is changed.
        """
        ...

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state of the training to a file (npz), from which `load` continues."""
        ...

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the trainer that `save` wrote; it continues as if it had never stopped."""
        ...
