"""scikit-learn's MLPClassifier: one epoch is one `partial_fit`, shuffled by itself.

It has no sigmoid output with the quadratic cost, gives two classes one logistic output, and
returns no gradient; such cases it cannot express. Its results are compared on a second network
that visits the examples in the common order; with Adam they are not, since its ε is not corrected
for the first steps as in the other libraries.
"""

from typing import Any

import numpy as np

from symbp.benchmarks.prepared import CannotExpressError, Prepared
from symbp.benchmarks.problem import Problem

__all__ = ["STEPS", "prepare"]

STEPS = 100


def prepare(problem: Problem) -> Prepared:
    """Make a case ready in scikit-learn.

    Raises
    ------
    CannotExpressError
        See above.
    """
    case = problem.case
    if not case.softmax:
        raise CannotExpressError("no sigmoid output with the quadratic cost")
    if case.workload.sizes[-1] == 2:
        raise CannotExpressError("two classes have one logistic output, not a softmax")
    if case.measure == "gradient":
        raise CannotExpressError("no function returns the gradient")
    x, labels = problem.x, problem.labels
    if case.measure == "predict":
        model = _model(problem, shuffle=False)

        def predictions(count: int) -> None:
            for _ in range(count):
                model.predict_proba(x)

        def prediction() -> list[Any]:
            return [np.log(model.predict_proba(x).astype(np.float64))]

        return Prepared(predictions, prediction)

    timed, compared = _model(problem, shuffle=True), _model(problem, shuffle=False)
    epochs_run = 0

    def epochs(count: int) -> None:
        nonlocal epochs_run
        for _ in range(count):
            timed.partial_fit(x, labels)
        epochs_run += count

    def result() -> list[Any] | None:
        if case.optimizer == "adam":
            return None
        found: list[Any] = []
        for _ in range(epochs_run):
            compared.partial_fit(x[problem.order], labels[problem.order])
        for weights, biases in zip(compared.coefs_, compared.intercepts_, strict=True):
            found += [weights.T.astype(np.float64), biases.astype(np.float64)]
        return found

    return Prepared(epochs, result)


def _model(problem: Problem, shuffle: bool) -> Any:
    """Return a network that starts from the problem's parameters."""
    from sklearn.neural_network import MLPClassifier

    case = problem.case
    settings = {"momentum": 0.0, "nesterovs_momentum": False} if case.optimizer == "sgd" else {}
    model = MLPClassifier(
        case.workload.sizes[1:-1], activation="relu", solver=case.optimizer, alpha=0.0,
        batch_size=case.rows, learning_rate_init=case.learning_rate, shuffle=shuffle,
        random_state=0, **settings,
    )  # fmt: skip
    classes = np.arange(case.workload.sizes[-1])
    # There is no other way to the first parameters than one epoch: of one batch, all zeros.
    start = np.zeros((len(classes), case.workload.sizes[0]), case.dtype)
    model.set_params(batch_size=len(classes))
    model.partial_fit(start, classes, classes=classes)
    model.set_params(batch_size=case.rows)
    for own, given in zip(model.coefs_, problem.parameters[::2], strict=True):
        own[...] = given.T
    for own, given in zip(model.intercepts_, problem.parameters[1::2], strict=True):
        own[...] = given
    return model
