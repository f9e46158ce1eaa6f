"""SymbpClassifier: classes from a table."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d

from symbp.networks.costs import cost
from symbp.sklearn.base import NetworkEstimator
from symbp.sklearn.checking import checked_table, checked_weight
from symbp.sklearn.describing import documented
from symbp.sklearn.exporting import class_names
from symbp.targets.numba.runtime.likelihood import Likelihood

__all__ = ["SymbpClassifier"]

_CLASS_WEIGHT = """\
class_weight : dict or "balanced", optional
    How much examples of each class count; ``"balanced"``: so that all classes count the same."""


def _has_likelihood(estimator: Any) -> bool:
    if estimator._likelihood().kind == "margin":
        raise AttributeError(
            f"loss {estimator._cost().name} does not say how its outputs are probabilities; "
            f"output='sigmoid' makes them some"
        )
    return True


@documented(
    "the cross-entropy", "softmax, of one logit for two classes and for labels", _CLASS_WEIGHT
)
class SymbpClassifier(ClassifierMixin, NetworkEstimator):
    """A network that tells classes apart, as an estimator of scikit-learn.

    {arguments}

    {attributes}
    classes_ : ndarray
        The classes, in the order of the columns of `predict_proba`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from symbp.sklearn import SymbpClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> model = SymbpClassifier((8,), optimizer="lbfgs", standardise=True, random_state=0)
    >>> bool(model.fit(x, y).score(x, y) > 0.95)
    True
    """

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
        class_weight: Any = None,
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
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on a table.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (examples, features)
            Finite numbers.
        y : array_like of shape (examples,), or of zeros and ones of shape (examples, labels)
            The class of each example, or which labels it has.
        sample_weight : array_like of shape (examples,), optional
            How much each example counts.
        """
        again = self.warm_start and hasattr(self, "trainer_")
        x, y = checked_table(self, X, y, reset=not again)
        y, kind = _labels(y)
        present = np.unique(y) if kind == "classes" else np.arange(y.shape[1])
        if again and not (kind == self._kind and np.array_equal(present, self.classes_)):
            raise ValueError(
                f"warm_start: expected the classes {self.classes_}, as before, got {present}"
            )
        return self._fitted(x, y, kind, present, sample_weight, again, incremental=False)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on a part of a table.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        classes : array_like, optional
            All classes that there will be; the first call needs them.
        """
        again = hasattr(self, "trainer_")
        x, y = checked_table(self, X, y, reset=not again)
        y, kind = _labels(y)
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight: 'balanced' needs all examples, not a part; give a weight for each"
            )
        if kind == "labels":
            present = np.arange(y.shape[1])
        elif classes is not None:
            present = np.unique(classes)
        elif again:
            present = self.classes_
        else:
            raise ValueError("classes: the first call to partial_fit needs all classes")
        if again and not (kind == self._kind and np.array_equal(present, self.classes_)):
            raise ValueError(f"classes: expected {self.classes_}, as before, got {present}")
        unknown = np.setdiff1d(y, present) if kind == "classes" else np.empty(0)
        if len(unknown):
            raise ValueError(f"y holds {unknown[0]!r}, which is none of the classes {present}")
        return self._fitted(x, y, kind, present, sample_weight, again, incremental=True)

    def _fitted(
        self, x: Any, y: Any, kind: str, classes: Any, weight: Any, again: bool, incremental: bool
    ) -> Self:
        if kind == "classes" and len(classes) < 2:
            raise ValueError(f"y holds one class, {classes[0]!r}: there is nothing to tell apart")
        weight = checked_weight(weight, x)
        if weight is not None and kind == "classes":
            counted = np.unique(y[weight > 0])
            if len(counted) < 2:
                raise ValueError(
                    f"sample_weight: one class only has a weight, {counted[0]!r}: there is nothing "
                    f"to tell apart"
                )
        if self.class_weight is not None:
            if kind == "labels":
                raise ValueError("class_weight: expected one class an example, not labels")
            of_class = compute_sample_weight(self.class_weight, y)
            weight = of_class if weight is None else weight * of_class
        self._kind, self.classes_ = kind, classes
        return self._train(x, y, weight, incremental=incremental, first=not again)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each example, or a 1 for each label that it has."""
        check_is_fitted(self)
        places = self._likelihood().decided(self._outputs(X))
        if self._kind == "labels":
            return places
        found: NDArray[Any] = self.classes_[places]
        return found

    @available_if(_has_likelihood)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class, (examples, classes)."""
        check_is_fitted(self)
        return self._likelihood().probabilities(self._outputs(X))

    @available_if(_has_likelihood)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithm of :meth:`predict_proba`, exact where that is 0."""
        check_is_fitted(self)
        return self._likelihood().log_probabilities(self._outputs(X))

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return what the outputs exceed their thresholds by; of two classes, the second's."""
        check_is_fitted(self)
        decided = self._outputs(X) - self._likelihood().threshold
        one = self._kind == "classes" and decided.shape[1] == 1
        return decided[:, 0] if one else decided

    def _numbers(self, y: Any, first: bool) -> tuple[NDArray[Any], Any]:
        if self._kind == "labels":
            columns, strata = y.astype(np.float64), None
        else:
            places, strata = np.searchsorted(self.classes_, y), y
            one = len(self.classes_) == 2 and not self._cost().softmax
            columns = (
                places[:, np.newaxis]
                if one
                else places[:, np.newaxis] == np.arange(len(self.classes_))
            )
        columns = columns.astype(np.float64)
        if self._cost().signed:
            columns = 2 * columns - 1
        return columns, strata

    def _score_of(self, outputs: NDArray[Any], y: NDArray[Any], weight: Any) -> float:
        decided, middle = self._likelihood().decided(outputs), 0.0 if self._cost().signed else 0.5
        if self._kind == "labels":
            right = (decided == (y > middle)).all(axis=1)
        elif y.shape[1] == 1:
            right = decided == (y[:, 0] > middle)
        else:
            right = decided == y.argmax(axis=1)
        return float(np.average(right, weights=weight))

    def _cost(self) -> Any:
        if self.loss is not None:
            return cost(self.loss)
        two = getattr(self, "_kind", "classes") == "labels" or len(self.classes_) == 2
        return cost("binary_cross_entropy" if two else "softmax_cross_entropy")

    def _likelihood(self) -> Likelihood:
        several = getattr(self, "_kind", "classes") == "labels"
        if not hasattr(self, "classes_") and self.loss is None:
            return Likelihood("softmax", 0.0, several)
        record = self._cost()
        activation = self.output if self.output is not None else record.output_activation
        if record.softmax:
            return Likelihood("softmax", 0.0, several)
        if activation == "sigmoid":
            return Likelihood("probability", 0.5, several)
        is_margin = record.threshold != 0 or record.signed
        kind = "margin" if is_margin or activation is not None else "logit"
        return Likelihood(kind, record.threshold, several)

    def _loss_and_output(self, outputs: int) -> tuple[Any, Any]:
        record = self._cost()
        loss = record.name if self.loss is None else self.loss
        if self.output is not None:
            return loss, self.output
        return loss, record.output_activation or "identity"

    def _meaning(self) -> tuple[Any, dict[str, Any]]:
        likelihood = self._likelihood()
        return self.program_, {
            "kind": likelihood.kind,
            "threshold": likelihood.threshold,
            "several": likelihood.several,
            "classes": class_names(self.classes_),
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _labels(y: Any) -> tuple[NDArray[Any], str]:
    """Return classes of shape (examples,), or zeros and ones of shape (examples, labels)."""
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multilabel-indicator":
        return np.asarray(y.toarray() if hasattr(y, "toarray") else y), "labels"
    if kind == "multiclass-multioutput":
        raise ValueError(
            "y: expected one class an example, or zeros and ones for each label; for several "
            "targets of more classes use sklearn.multioutput.MultiOutputClassifier"
        )
    return column_or_1d(y, warn=True), "classes"
