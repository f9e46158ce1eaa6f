"""SymbpRegressor: numbers from a table."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from symbp.networks.costs import cost
from symbp.sklearn.base import NetworkEstimator
from symbp.sklearn.checking import checked_table
from symbp.sklearn.describing import documented

__all__ = ["SymbpRegressor"]


@documented("quadratic", "half the squared error, as scikit-learn's MLPRegressor")
class SymbpRegressor(RegressorMixin, NetworkEstimator):
    """A network that predicts one number or several, as an estimator of scikit-learn.

    {arguments}

    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from symbp.sklearn import SymbpRegressor
    >>> x = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = SymbpRegressor((8,), activation="tanh", optimizer="lbfgs", random_state=0)
    >>> bool(model.fit(x, np.sin(3 * x[:, 0])).score(x, np.sin(3 * x[:, 0])) > 0.99)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on a table.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (examples, features)
            Finite numbers.
        y : array_like of shape (examples,) or (examples, outputs)
            What is to be predicted.
        sample_weight : array_like of shape (examples,), optional
            How much each example counts.
        """
        again = self.warm_start and hasattr(self, "trainer_")
        x, y = checked_table(self, X, y, reset=not again, y_numeric=True)
        return self._train(x, y, sample_weight, first=not again)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on a part of a table; parameters as those of :meth:`fit`."""
        again = hasattr(self, "trainer_")
        x, y = checked_table(self, X, y, reset=not again, y_numeric=True)
        return self._train(x, y, sample_weight, incremental=True, first=not again)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the numbers for a table, of shape (examples,) or (examples, outputs)."""
        check_is_fitted(self)
        outputs = self._outputs(X)
        if self.target_scaler_ is not None:
            outputs = self.target_scaler_.inverse_transform(outputs)
        return outputs[:, 0] if self._flat_target else outputs

    def _numbers(self, y: Any, first: bool) -> tuple[NDArray[Any], Any]:
        if first:
            self._flat_target = y.ndim == 1
        columns = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        if not first and columns.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {columns.shape[1]} outputs, the first had {self.n_outputs_}")
        return columns, None

    def _scaled_target(self, y: Any, x: Any, weight: Any, fit: bool) -> Any:
        if fit:
            scaler = StandardScaler().fit(y, sample_weight=weight) if self.standardise else None
            self.target_scaler_ = scaler
        return y if self.target_scaler_ is None else self.target_scaler_.transform(y)

    def _loss_and_output(self, outputs: int) -> tuple[Any, Any]:
        loss = "quadratic" if self.loss is None else self.loss
        if self.output is not None:
            return loss, self.output
        return loss, cost(loss).output_activation or "identity"

    def _meaning(self) -> tuple[Any, dict[str, Any]]:
        scaler = self.target_scaler_
        if scaler is None:
            return self.program_, {}
        units = (("*", tuple(scaler.scale_)), ("+", tuple(scaler.mean_)))
        return self.program_, {"units": units}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
