"""SymbpTransformer: the features that a network has learnt."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from symbp.networks.costs import cost
from symbp.sklearn.base import NetworkEstimator
from symbp.sklearn.checking import SPARSE, checked_table, dense
from symbp.sklearn.describing import documented

__all__ = ["SymbpTransformer"]

_TASKS = ("auto", "classes", "numbers", "reconstruction")
_TASK = """\
task : {"auto", "classes", "numbers", "reconstruction"}
    What is learnt: the classes or the numbers `y`, or the table itself (an autoencoder). By default
    the table without a `y`, numbers if `y` holds fractions, else classes."""


@documented("that of the task", "the cross-entropy or half the squared error", _TASK)
class SymbpTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator):
    """A network whose last hidden layer is the features of an example.

    It learns to predict `y`, or without one to give back its input, and `transform` returns what
    its last layer reads.

    {arguments}

    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from symbp.sklearn import SymbpTransformer
    >>> x, y = load_iris(return_X_y=True)
    >>> model = SymbpTransformer((8, 2), optimizer="lbfgs", standardise=True, random_state=0)
    >>> model.fit_transform(x).shape, model.get_feature_names_out().tolist()
    ((150, 2), ['symbptransformer0', 'symbptransformer1'])
    """

    _hidden = True

    def __init__(
        self,
        layers: Any = (100,),
        *,
        task: str = "auto",
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
        super().__init__(
            layers, activation=activation, output=output, loss=loss, optimizer=optimizer,
            learning_rate=learning_rate, batch_size=batch_size, max_iter=max_iter, tol=tol,
            n_iter_no_change=n_iter_no_change, early_stopping=early_stopping,
            validation_fraction=validation_fraction, alpha=alpha, dropout=dropout,
            standardise=standardise, categorical_features=categorical_features,
            embedding_size=embedding_size, shuffle=shuffle, warm_start=warm_start,
            random_state=random_state, dtype=dtype, verbose=verbose,
        )  # fmt: skip
        self.task = task

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Train on a table.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (examples, features)
            Finite numbers.
        y : array_like, optional
            Classes or numbers, as for the other estimators; or nothing.
        sample_weight : array_like of shape (examples,), optional
            How much each example counts.
        """
        if self.task not in _TASKS:
            raise ValueError(f"task: expected one of {', '.join(_TASKS)}, got {self.task!r}")
        again = self.warm_start and hasattr(self, "trainer_")
        if y is None or self.task == "reconstruction":
            if self.task not in ("auto", "reconstruction"):
                raise ValueError(f"task {self.task!r} needs y, got None")
            if self.categorical_features is not None:
                raise ValueError("categorical_features: codes cannot be given back, as y=None asks")
            options: Any = {"accept_sparse": SPARSE, "dtype": (np.float64, np.float32)}
            x = dense(validate_data(self, X, reset=not again, **options))
            self.task_ = "reconstruction"
            return self._train(x, None, sample_weight, first=not again)
        x, y = checked_table(self, X, y, reset=not again)
        kind = type_of_target(y)
        self.task_ = self.task
        if self.task == "auto":
            self.task_ = "numbers" if kind.startswith("continuous") else "classes"
        return self._train(x, y, sample_weight, first=not again)

    def transform(self, X: Any) -> NDArray[Any]:
        """Return what the last layer reads, of shape (examples, units)."""
        check_is_fitted(self)
        found = np.asarray(self.trainer_.evaluate(self._hidden_name, *self._checked(X)))
        return found.reshape(len(found), -1)

    def _numbers(self, y: Any, first: bool) -> tuple[Any, Any]:
        if self.task_ == "reconstruction":
            return None, None
        if self.task_ == "numbers":
            return np.asarray(y, dtype=np.float64).reshape(len(y), -1), None
        if first:
            self._binarizer = LabelBinarizer().fit(y)
        columns = self._binarizer.transform(y)
        columns = columns.toarray() if hasattr(columns, "toarray") else columns
        return columns.astype(np.float64), y if np.ndim(y) == 1 else None

    def _scaled_target(self, y: Any, x: Any, weight: Any, fit: bool) -> Any:
        return x if self.task_ == "reconstruction" else super()._scaled_target(y, x, weight, fit)

    def _loss_and_output(self, outputs: int) -> tuple[Any, Any]:
        loss: Any = self.loss
        if loss is None and self.task_ == "classes":
            one_of_several = outputs > 1 and self._binarizer.y_type_ == "multiclass"
            loss = "softmax_cross_entropy" if one_of_several else "binary_cross_entropy"
        elif loss is None:
            loss = "quadratic"
        if self.output is not None:
            return loss, self.output
        return loss, cost(loss).output_activation or "identity"

    def _meaning(self) -> tuple[Any, dict[str, Any]]:
        tensors = {tensor.name: tensor for tensor in self.program_.tensors}
        program = self.program_.replace(output=tensors[str(self._hidden_name)])
        return program, {"named": "transform"}

    @property
    def _n_features_out(self) -> int:
        return int(self.transform(np.zeros((1, self.n_features_in_))).shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags
