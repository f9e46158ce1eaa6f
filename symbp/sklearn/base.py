"""What all estimators share: arguments, the training, and what is known after it.

An estimator is thin: scikit-learn checks tables and labels, symbp's trainer trains. Here stands
how one is passed to the other.
"""

import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from symbp.derivations import Derivation, derive
from symbp.networks.optimizers import SGD
from symbp.notation.errors import SymbpError
from symbp.sklearn.categories import category_columns
from symbp.sklearn.checking import SPARSE, checked_weight, dense
from symbp.sklearn.exporting import export
from symbp.sklearn.programs import (
    STRENGTH,
    WEIGHT,
    Compiled,
    Design,
    checked_design,
    compiled,
    split_rate,
)
from symbp.sklearn.stopping import BestScore

__all__ = ["NetworkEstimator"]

# Of `symbp.compile`'s optimizers this is none: SciPy's L-BFGS-B over all examples at once.
LBFGS = "lbfgs"


class NetworkEstimator(BaseEstimator):
    """Arguments and training of an estimator."""

    def __init__(
        self,
        layers: Any = (100,),
        *,
        activation: Any = "relu",
        output: Any = None,
        loss: Any = None,
        optimizer: Any = "adam",
        learning_rate: float | None = None,
        batch_size: Any = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: Any = False,
        validation_fraction: float = 0.1,
        alpha: float = 1e-4,
        dropout: float = 0.0,
        standardise: Any = False,
        categorical_features: Any = None,
        embedding_size: int | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        random_state: Any = None,
        dtype: str | None = None,
        verbose: Any = False,
    ) -> None:
        self.layers = layers
        self.activation = activation
        self.output = output
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.alpha = alpha
        self.dropout = dropout
        self.standardise = standardise
        self.categorical_features = categorical_features
        self.embedding_size = embedding_size
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.random_state = random_state
        self.dtype = dtype
        self.verbose = verbose

    # What a kind of estimator says.

    def _numbers(self, y: Any, first: bool) -> tuple[NDArray[Any], Any]:
        """Return the targets as columns of numbers, and what a split keeps in proportion."""
        raise NotImplementedError

    def _loss_and_output(self, outputs: int) -> tuple[Any, Any]:
        """Return the cost, and the activation of the last layer."""
        raise NotImplementedError

    def _score_of(self, outputs: NDArray[Any], y: NDArray[Any], weight: Any) -> float:
        """Return the score of outputs, both as the network has them: R² of numbers."""
        return float(r2_score(y, outputs, sample_weight=weight))

    def _meaning(self) -> tuple[Any, dict[str, Any]]:
        """Return the program that a predictor computes, and what its outputs say."""
        raise NotImplementedError

    _hidden = False

    # Training.

    def _before_training(self) -> None:
        """For the command line, which starts its clock or goes on from a file."""

    def _train(
        self, x: Any, y: Any, weight: Any, *, incremental: bool = False, first: bool = True
    ) -> Self:
        """Train on checked arrays; from the start if it is the first time."""
        if not isinstance(self.early_stopping, bool | np.bool_) and self.early_stopping != "score":
            raise ValueError(
                f"early_stopping: expected True, False or 'score', got {self.early_stopping!r}"
            )
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.early_stopping and self.optimizer == LBFGS:
            raise ValueError("early_stopping: expected an optimizer that takes batches, not lbfgs")
        again = not first
        weight = checked_weight(weight, x)
        columns, strata = self._numbers(y, not again)
        if not again:
            self._random = check_random_state(self.random_state)
            self.dtype_ = self.dtype or ("float32" if x.dtype == np.float32 else "float64")
            names = getattr(self, "feature_names_in_", None)
            self._categories = category_columns(
                x, names, self.categorical_features, self.embedding_size
            )
        x = self._scaled(x, weight, fit=not again)
        columns = self._scaled_target(columns, x, weight, fit=not again)
        weighted = weight is not None
        made = self._compiled(x.shape[1], columns.shape[1], weighted)
        if not again:
            rates = self._rates
            seed = int(self._random.randint(np.iinfo(np.int32).max))
            self.trainer_ = made.module.Trainer(seed=seed, **rates)
        elif made.module.Trainer is not type(self.trainer_):
            self.trainer_ = continued(self.trainer_, made.module)
        self.program_, self._hidden_name = made.program, made.hidden
        self.n_outputs_ = columns.shape[1]
        self._before_training()
        held_out = None
        if self.early_stopping:
            x, columns, weight, held_out = self._split(x, columns, weight, strata)
        self._run(x, columns, weight, held_out, 1 if incremental else self._epochs(), incremental)
        return self

    def _cost_on(self, X: Any, y: Any) -> float:
        """Return the cost of other examples, without the penalty."""
        x = self._scaled(X, None, fit=False)
        columns = self._scaled_target(self._numbers(y, False)[0], x, None, fit=False)
        return float(self.trainer_.loss(*self._arguments(x, columns, None, 0.0)))

    def _epochs(self) -> int:
        if not isinstance(self.max_iter, int | np.integer) or self.max_iter < 1:
            raise ValueError(f"max_iter: expected an int >= 1, got {self.max_iter!r}")
        return int(self.max_iter)

    def _compiled(self, features: int, outputs: int, weighted: bool) -> Compiled:
        loss, output = self._loss_and_output(outputs)
        if not isinstance(self.alpha, int | float | np.number) or not 0 <= self.alpha < math.inf:
            raise ValueError(f"alpha: expected a number >= 0, got {self.alpha!r}")
        design = checked_design(
            Design(
                self.layers, len(self._categories.numbers(features)), outputs, self.activation,
                output, loss, self.dropout, penalised=self.alpha > 0, weighted=weighted,
                hidden=self._hidden,
                categories=tuple(
                    zip(self._categories.counts, self._categories.sizes, strict=True)
                ),
            )
        )  # fmt: skip
        # No step of an optimizer is taken by a minimiser.
        rule, rates = split_rate(
            SGD(0.1) if self.optimizer == LBFGS else self.optimizer,
            None if self.optimizer == LBFGS else self.learning_rate,
        )
        self._rates = rates
        return compiled(design, rule, self.dtype_)

    def _run(
        self, x: Any, y: Any, weight: Any, held_out: Any, epochs: int, incremental: bool
    ) -> None:
        trainer, rows = self.trainer_, len(x)
        batch = self._batch_size(rows)
        # The penalty is a share of the examples of a batch, as in scikit-learn's own networks, or
        # of the sum of their weights; and those are made one on average.
        total = float(rows) if weight is None else float(weight.sum())
        strength = self.alpha * rows / (batch * total)
        scaled = None if weight is None else weight * (rows / total)
        arrays = self._arguments(x, y, scaled, strength)
        before = len(trainer.history)
        stop = self._stopping(None if incremental or held_out is not None else self.tol)
        best: BestScore | None = None
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "the cost is", RuntimeWarning)
            if self.optimizer == LBFGS:
                trainer.minimise(
                    *arrays, iterations=epochs, callback=self._shown,
                    options={"gtol": self.tol, "maxfun": 15000, "maxiter": epochs},
                )  # fmt: skip
            else:
                validation = None
                if held_out is not None:
                    kept_x, kept_y, kept_weight = held_out
                    validation = self._arguments(kept_x, kept_y, kept_weight, 0.0)
                    if self.early_stopping == "score":
                        best = self._best_score(kept_x, kept_y, kept_weight)

                def after(epoch: int, record: dict[str, Any]) -> bool:
                    return stop(epoch, record) or (best is not None and best.note(trainer))

                trainer.fit(
                    *arrays, epochs=epochs, batch_size=batch, callback=after,
                    shuffle=bool(self.shuffle) and batch < rows, validation=validation,
                    patience=None if held_out is None or best else int(self.n_iter_no_change),
                    min_delta=0.0 if held_out is None else float(self.tol),
                )  # fmt: skip
                if best is not None:
                    best.restore(trainer)
                    self.validation_scores_ = best.scores
                    self.best_validation_score_ = max(best.scores)
        self._note(trainer.history, before, epochs, incremental)

    def _best_score(self, x: Any, y: Any, weight: Any) -> BestScore:
        sources = self._sources(x)

        def score() -> float:
            outputs = self.trainer_.predict(*sources)
            return self._score_of(outputs.reshape(len(outputs), -1), y, weight)

        return BestScore(score, float(self.tol), int(self.n_iter_no_change))

    def _note(
        self, history: list[dict[str, Any]], before: int, epochs: int, incremental: bool
    ) -> None:
        self.loss_curve_ = [record["cost"] for record in history]
        self.n_iter_ = len(history) if incremental else len(history) - before
        if not all(np.isfinite(array).all() for array in self.trainer_.parameters):
            raise ValueError(
                "training ended with parameters that are not finite: scale the input, for "
                "instance by standardise=True, or lower learning_rate"
            )
        self.loss_ = self.loss_curve_[-1] if history else math.nan
        self.best_loss_ = min(self.loss_curve_, default=math.nan)
        if history and "validation_cost" in history[-1]:
            self.validation_loss_curve_ = [record["validation_cost"] for record in history]
            self.best_validation_loss_ = min(self.validation_loss_curve_)
        if self.n_iter_ == epochs and not incremental:
            message = f"max_iter={epochs} was reached before the loss stopped falling"
            warnings.warn(message, ConvergenceWarning, stacklevel=4)

    def _arguments(self, x: Any, y: Any, weight: Any, strength: float) -> list[Any]:
        """Return arrays in the order in which the module takes them."""
        ones = np.ones(len(x)) if weight is None else weight
        others = {WEIGHT: ones, STRENGTH: strength}
        given = [others.get(tensor.name, y) for tensor in self.program_.targets]
        return [*self._sources(x), *given]

    def _sources(self, x: NDArray[Any]) -> list[NDArray[Any]]:
        """Return a scaled table as the arrays that the network reads."""
        found = []
        for source, array in zip(self.program_.inputs, self._categories.sources(x), strict=True):
            inner = tuple(map(int, source.shape[1:]))
            if math.prod(inner) != array.shape[1]:
                raise SymbpError(
                    f"layers: input {source.name} has shape {source.shape}, X {array.shape}"
                )
            found.append(array.reshape(len(array), *inner))
        return found

    def _batch_size(self, rows: int) -> int:
        if isinstance(self.batch_size, str) and self.batch_size == "auto":
            return min(200, rows)
        if not isinstance(self.batch_size, int | np.integer) or self.batch_size < 1:
            raise ValueError(f"batch_size: expected 'auto' or an int >= 1, got {self.batch_size!r}")
        return min(int(self.batch_size), rows)

    def _stopping(self, tol: float | None) -> Callable[[int, dict[str, Any]], bool]:
        """Return what is called after each epoch, and says whether the loss falls no more."""
        best, waited = math.inf, 0

        def after(epoch: int, record: dict[str, Any]) -> bool:
            nonlocal best, waited
            self._shown(epoch, record)
            cost = record["cost"]
            if not math.isfinite(cost):
                return True
            if tol is None:
                return False
            waited = waited + 1 if cost > best - tol else 0
            best = min(best, cost)
            return waited > self.n_iter_no_change

        return after

    def _shown(self, epoch: int, record: dict[str, Any]) -> bool:
        if callable(self.verbose):
            self.verbose(epoch, record)
        elif self.verbose:
            held_out = record.get("validation_cost")
            more = "" if held_out is None else f", validation loss {held_out:.6f}"
            print(f"epoch {epoch}, loss {record['cost']:.6f}{more}", flush=True)
        return False

    def _split(self, x: Any, y: Any, weight: Any, strata: Any) -> tuple[Any, Any, Any, Any]:
        places = np.arange(len(x))
        train, test = train_test_split(
            places, test_size=self.validation_fraction, random_state=self._random, stratify=strata
        )
        if len(test) < 2:
            raise ValueError(
                "early_stopping: validation_fraction leaves fewer than two examples to validate "
                "on; raise it or give more examples"
            )
        parts = [(x[rows], y[rows], None if weight is None else weight[rows])
                 for rows in (train, test)]  # fmt: skip
        for _, _, each in parts:
            if each is not None and not each.any():
                raise ValueError("sample_weight: zero for all examples of a part of the split")
        (x, y, weight), held_out = parts
        return x, y, weight, held_out

    # Units.

    def _scaled(self, x: Any, weight: Any, fit: bool) -> Any:
        numbers = self._categories.numbers(x.shape[1])
        if fit:
            whole = self.standardise and self.standardise != "target" and numbers
            scaler = StandardScaler()
            self.scaler_ = scaler.fit(x[:, numbers], sample_weight=weight) if whole else None
        if self.scaler_ is None:
            return x
        scaled = self.scaler_.transform(x[:, numbers])
        if len(numbers) == x.shape[1]:
            return scaled
        result = np.array(x)
        result[:, numbers] = scaled
        return result

    def _scaled_target(self, y: Any, x: Any, weight: Any, fit: bool) -> Any:
        """Return the targets in the units in which they are learnt."""
        if fit:
            self.target_scaler_ = None
        return y

    # After training.

    def _checked(self, X: Any) -> list[NDArray[Any]]:
        """Return a table as the network takes it."""
        check_is_fitted(self)
        x = validate_data(
            self, X, accept_sparse=SPARSE, dtype=(np.float64, np.float32), reset=False
        )
        return self._sources(self._scaled(dense(x), None, fit=False))

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Return the outputs of the network, (examples, outputs)."""
        found: NDArray[Any] = self.trainer_.predict(*self._checked(X))
        return found.reshape(len(found), -1)

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write a module that predicts from a table; see :func:`symbp.sklearn.export`."""
        return export(self, path)

    @property
    def parameters_(self) -> Any:
        """The parameters of the network, views that training changes in place."""
        check_is_fitted(self)
        return self.trainer_.parameters

    @property
    def derivation_(self) -> Derivation:
        """The derivation of the gradient that the training followed; a notebook shows it."""
        check_is_fitted(self)
        return derive(self.program_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "trainer_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        trainer = getattr(self, "trainer_", None)
        if trainer is not None:
            # joblib maps a file read-only; kernels take arrays of their own.
            trainer.restore(trainer.snapshot())


def continued(trainer: Any, module: Any) -> Any:
    """Return a trainer of another module of the same parameters, which goes on from one.

    The states of an optimizer are the same, as the modules differ in their arguments alone.
    """
    return module.Trainer().restore(trainer.snapshot())
