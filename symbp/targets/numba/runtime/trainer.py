"""The trainer of a generated module: an optimizer's state, and the loop over epochs.

Arrays and settings go in; parameters, improved in place, and a record of each epoch come out. An
epoch is one call of a kernel, so that Python costs nothing for each batch. The whole state can be
saved and loaded, and training then continues bit for bit.
"""

import contextlib
import copy
import io
import json
import math
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.notation.whole_file import write_whole
from symbp.targets.numba.runtime.arguments import check_count, class_count, refuse
from symbp.targets.numba.runtime.best_epoch import BestEpoch
from symbp.targets.numba.runtime.entry_points import EntryPoints
from symbp.targets.numba.runtime.minimising import (
    LEAST_SQUARES,
    minimise_cost,
    minimise_squares,
)
from symbp.targets.numba.runtime.saved import check_finite, check_history, read_saved


class NetworkTrainer:
    """Parameters, optimizer state and a random generator, trained epoch by epoch.

    Parameters
    ----------
    parameters : Parameters, tuple or dict of arrays, optional
        Where to start; copied. By default ``initial_parameters(seed)``.
    seed : int
        Seed of the initial parameters and of the shuffling.
    **hyperparameters : float
        Values for those of the optimizer. They may be changed in the dict `hyperparameters`
        between epochs, from a callback too.

    Attributes
    ----------
    history : list of dict
        One record an epoch: epoch, cost and, with validation, validation_cost, validation_accuracy.
    """

    network: EntryPoints
    """What is trained; a module's Trainer says it."""
    jacobian: Any = None
    """The derivatives of the output, if the module has that entry point."""
    on_disk: Any = None
    """Returns what reads arrays on disk in windows, or None; symbp gives it to what it loads."""

    def __init__(self, parameters: Any = None, seed: int = 0, **hyperparameters: float) -> None:
        check_count("seed", seed, 0)
        self.hyperparameters: dict[str, float] = {**self.network.hyperparameters, **hyperparameters}
        self.network.hyperparameter_values(self.hyperparameters)
        start = self.network.initial_parameters(seed) if parameters is None else parameters
        self._flat = self.network.flatten(start).copy()
        self._state = np.zeros(self.network.state_size, self.network.dtype)
        # A child stream, so that the shuffling does not repeat the draws of the parameters.
        self._generator = np.random.default_rng(seed).spawn(1)[0]
        self.history: list[dict[str, Any]] = []
        self.epochs = 0

    @property
    def parameters(self) -> Any:
        """The current parameters: views, which training changes in place."""
        return self.network.views(self._flat)

    def fit(
        self,
        *arrays: ArrayLike,
        epochs: int = 1,
        batch_size: int = 32,
        validation: Sequence[ArrayLike] | None = None,
        shuffle: bool = True,
        callback: Callable[[int, dict[str, Any]], object] | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
    ) -> Self:
        """Train for some more epochs and return the trainer.

        Parameters
        ----------
        *arrays : array_like
            As for `loss`, but finite; or what gives them in windows, such as `symbp.Blocks`.
        epochs : int
            Passes over the data, at least 0.
        batch_size : int
            Examples a step, at least 1. The last batch may be short; all of the data is the most.
        validation : tuple of array_like, optional
            Arrays whose cost (and accuracy, for classes) is recorded after each epoch.
        shuffle : bool
            Visit the examples in a new random order in each epoch.
        callback : callable, optional
            ``callback(epoch, record)`` after each epoch; training stops when it returns True.
        patience : int, optional
            Stop after so many epochs in a row without a lower cost of the validation arrays. At the
            end, parameters and state are those after the epoch in which it was lowest.
        min_delta : float
            By how much that cost has to be lower to count.
        """
        network = self.network
        check_count("epochs", epochs, 0)
        check_count("batch_size", batch_size, 1)
        source = self._source(arrays)
        if source is None:
            checked, rows = network.check_arrays("fit", network.arguments, arrays, finite=True)
        if validation is not None:
            held_out, _ = network.check_arrays(
                "validation", network.arguments, validation, finite=True
            )
        elif patience is not None:
            raise TypeError("patience: expected validation=… too, whose cost says when to stop")
        best = None if patience is None else BestEpoch(patience, min_delta)
        if source is None:
            rows = self._examples(rows)
            order = np.arange(rows, dtype=np.int64)
        warned = False
        for _ in range(epochs):
            values = network.hyperparameter_values(self.hyperparameters)
            if source is None:
                visited = self._generator.permutation(order) if shuffle else order
                cost = self._epoch(values, visited, min(int(batch_size), rows), checked)
            else:
                windows = source.windows(self._block, self._generator, int(batch_size), shuffle)
                cost = self._windows(values, windows, int(batch_size))
            record = self._record(cost, None if validation is None else held_out)
            if not warned and not math.isfinite(cost):
                warned = True
                self._warn(cost)
            stop = best is not None and best.note(
                record["validation_cost"], self._flat, self._state
            )
            if self._ends((callback is not None and bool(callback(self.epochs, record))) or stop):
                break
        if best is not None:
            best.restore(self._flat, self._state)
        return self

    def _source(self, arrays: Sequence[Any]) -> Any:
        """Return what gives the data in windows, or None if they are arrays in memory."""
        if len(arrays) == 1 and hasattr(arrays[0], "windows"):
            return arrays[0]
        return None if self.on_disk is None else type(self).on_disk(arrays)

    def _block(self, arrays: Sequence[Any]) -> list[NDArray[Any]]:
        """Return some rows as kernels take them."""
        network = self.network
        for name, _, shape, _, _ in network.arguments:
            if shape[:1] != (None,):
                raise TypeError(f"{name} is not of rows: fit takes it with arrays in memory only")
        return network.check_arrays("fit", network.arguments, arrays, finite=True)[0]

    def _windows(self, values: NDArray[Any], windows: Any, batch_size: int) -> float:
        """Train for an epoch on one window after the other; return the mean of the cost."""
        mean, rows = 0.0, 0
        with contextlib.closing(windows):
            for arrays, visited in windows:
                rows += len(visited)
                cost = self._epoch(values, visited, min(batch_size, len(visited)), arrays)
                mean += (cost - mean) * (len(visited) / rows)
        return mean

    def _examples(self, rows: int) -> int:
        """Return how many examples an epoch has, where some rows are given."""
        return rows

    def _epoch(
        self, values: NDArray[Any], visited: NDArray[Any], size: int, arrays: Sequence[Any]
    ) -> float:
        """Train for an epoch on checked arrays, in an order; return the mean of the cost."""
        kernel = self.network.epoch_kernel
        return float(kernel(self._flat, self._state, values, visited, size, *arrays))

    def _ends(self, stop: bool) -> bool:
        """Return whether training ends, where a callback or the validation asks for it."""
        return stop

    def minimise(
        self,
        *arrays: ArrayLike,
        method: str = "L-BFGS-B",
        iterations: int = 100,
        validation: Sequence[ArrayLike] | None = None,
        callback: Callable[[int, dict[str, Any]], object] | None = None,
        **options: Any,
    ) -> Self:
        """Minimise the cost of all examples together with SciPy, and return the trainer.

        Each iteration has its record in `history`, as an epoch has; the last one says in `message`
        why the search ended. The optimizer and its state take no part. Noise is drawn once, as the
        next step of `fit` would draw it, and held; a program with states is refused.

        Parameters
        ----------
        *arrays : array_like
            As for `fit`.
        method : str
            Of `scipy.optimize.minimize`: one that takes gradients, such as L-BFGS-B, BFGS, CG, TNC
            or SLSQP; or lm, trf or dogbox of `scipy.optimize.least_squares`, if the cost is a
            multiple of the sum of squares of output - target, in a module with the entry point
            jacobian.
        iterations : int
            How many there may be, at least 0.
        validation, callback
            As for `fit`.
        **options
            What else that function takes, such as ``tol=1e-9`` or ``options={"maxcor": 50}``.
        """
        check_count("iterations", iterations, 0)
        network = self._minimised()
        checked, _ = network.check_arrays("minimise", network.arguments, arrays, finite=True)
        held_out = None
        if validation is not None:
            held_out, _ = network.check_arrays(
                "validation", network.arguments, validation, finite=True
            )
        last = self.epochs + int(iterations)
        if last == self.epochs:
            return self

        def found(iterate: NDArray[Any], cost: float | None) -> bool:
            if np.array_equal(self._flat, iterate.astype(self._flat.dtype)):
                return False  # what was found last, once more
            self._flat[:] = iterate
            if cost is None:
                cost = network.training_cost(self._flat, checked)
            record = self._record(cost, held_out)
            stop = callback is not None and bool(callback(self.epochs, record))
            return stop or self.epochs >= last

        start = self._flat.copy()
        if method not in LEAST_SQUARES:
            why = minimise_cost(network, start, checked, method, found, options)
        elif self.jacobian is None:
            raise TypeError(
                f"minimise: method {method!r} needs a module with entries=('jacobian',), and an "
                f"output that is not drawn"
            )
        else:
            jacobian = type(self).jacobian
            why = minimise_squares(network, jacobian, start, checked, method, found, options)
        if self.epochs + int(iterations) == last:
            message = f"minimise: {method} found no lower cost: {why}"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
            return self
        self.history[-1]["message"] = why or "as many iterations as asked for, or the callback"
        if not math.isfinite(self.history[-1]["cost"]):
            self._warn(self.history[-1]["cost"])
        return self

    def _minimised(self) -> EntryPoints:
        """Return the network whose cost is minimised."""
        return self.network

    def _record(self, cost: float, held_out: list[NDArray[Any]] | None) -> dict[str, Any]:
        """Count an epoch, and note its cost and that of data held out."""
        self.epochs += 1
        record: dict[str, Any] = {"epoch": self.epochs, "cost": cost}
        if held_out is not None:
            record["validation_cost"] = float(self.network.loss_kernel(self._flat, *held_out))
            accuracy = self._accuracy(held_out)
            if accuracy is not None:
                record["validation_accuracy"] = accuracy
        self.history.append(record)
        return record

    def _warn(self, cost: float) -> None:
        settings = ", ".join(f"{name}={v}" for name, v in self.hyperparameters.items())
        message = f"the cost is {cost} in epoch {self.epochs}, with {settings or 'no settings'}"
        warnings.warn(message, RuntimeWarning, stacklevel=3)

    def predict(self, *inputs: ArrayLike) -> NDArray[Any]:
        """Return the output for these inputs, as `predict` does with the current parameters."""
        return self.network.predict(self._flat, inputs)

    def loss(self, *arrays: ArrayLike) -> float:
        """Return the cost, as `loss` does with the current parameters."""
        return self.network.loss(self._flat, arrays)

    def gradient(self, *arrays: ArrayLike) -> tuple[float, Any]:
        """Return the cost and its gradient, as `gradient` does with the current parameters."""
        return self.network.gradient(self._flat, arrays)

    def accuracy(self, *arrays: ArrayLike) -> float:
        """Return the fraction of examples that get the right class.

        It is the class of the largest output. A single output tells class 1 from class 0: it says 1
        where it exceeds a threshold (0 for a logit, 0.5 for a probability), and its target holds
        zeros and ones only.
        """
        network = self.network
        checked, _ = network.check_arrays("accuracy", network.arguments, arrays)
        for target, (name, role, shape, kind, _) in zip(checked, network.arguments, strict=True):
            if role == "target" and kind == "classes" and class_count(shape) <= 1:
                refuse(name, target, (target != 0) & (target != 1), "class 0 or 1")
        accuracy = self._accuracy(checked)
        if accuracy is None:
            raise TypeError("accuracy: this program has no target of classes like its output")
        return accuracy

    def _accuracy(self, arrays: list[NDArray[Any]]) -> float | None:
        network = self.network
        for target, (_, role, shape, kind, _) in zip(arrays, network.arguments, strict=True):
            several = class_count(shape) > 1
            # A distribution over a single class is 1, and numbers such as -1 and 1 are no classes.
            told = (
                kind in ("classes", "distribution")
                if several
                else kind == "classes" and bool(((target == 0) | (target == 1)).all())
            )
            if role == "target" and shape == network.output and told:
                inputs = [
                    a for a, b in zip(arrays, network.arguments, strict=True) if b[1] == "input"
                ]
                output = np.empty(target.shape, network.dtype)
                network.predict_kernel(self._flat, output, *inputs)  # type: ignore[misc]
                if several:
                    return float(np.mean(network.classes_of(output) == target.argmax(axis=-1)))
                return float(
                    np.mean(network.classes_of(output.reshape(-1, 1)) == target.reshape(-1))
                )
        return None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state of the training to a file (npz), from which `load` continues.

        The file appears whole or not at all; a link, a mode, a pipe or a device at the path stays.
        """
        metadata = {
            "signature": self.network.signature,
            "hyperparameters": self.hyperparameters,
            "generator": self._generator.bit_generator.state,
            "epochs": self.epochs,
            "history": self.history,
        }
        text = np.array(json.dumps(metadata, default=float))
        content = io.BytesIO()
        np.savez(content, parameters=self._flat, state=self._state, metadata=text)
        write_whole(path, content.getvalue(), durable=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the trainer that `save` wrote; it continues as if it had never stopped.

        A ValueError says if the file is damaged, of another program, dtype or optimizer, or holds
        what no training can go on from, such as parameters that are not finite.
        """
        trainer = cls()
        try:
            with open(path, "rb") as file:
                flat, state, metadata = read_saved(cls.network, file)
            check_finite(cls.network, flat, state)
            hyperparameters = dict(metadata["hyperparameters"])
            cls.network.hyperparameter_values(hyperparameters)
            check_count("epochs", metadata["epochs"], 0)
            check_history(metadata["history"])
            trainer._generator.bit_generator.state = metadata["generator"]
            if trainer._generator.bit_generator.state != metadata["generator"]:
                raise ValueError("generator: this is no state of one")
        except OSError:
            raise
        except Exception as error:  # a damaged file can fail anywhere in zipfile, zlib, numpy, json
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{path}: not a saved trainer of this program ({reason})") from None
        trainer._flat[...], trainer._state[...] = flat, state
        trainer.hyperparameters = hyperparameters
        trainer.epochs, trainer.history = metadata["epochs"], metadata["history"]
        return trainer

    def __getstate__(self) -> dict[str, Any]:
        return {"signature": self.network.signature, **self.__dict__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        own, signature = self.network.signature, state.pop("signature", None)
        if signature != own:
            raise ValueError(f"pickled by program {signature}, this is {own}")
        self.__dict__.update(state)

    def __copy__(self) -> Self:
        # One that shared the parameters would train them, and count its epochs alone.
        return copy.deepcopy(self)
