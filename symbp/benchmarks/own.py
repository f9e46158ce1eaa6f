"""symbp's side: the generated module as its users get it.

An epoch is one call of the module's compiled epoch, with the shuffled order given, as the peers'
epochs are called; `gradient` and `predict` are the methods of a trainer, with all their checks: it
holds the parameters, as the objects of the peers do.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import symbp as bp
from symbp.benchmarks.prepared import Prepared, log_softmax
from symbp.benchmarks.problem import Problem
from symbp.benchmarks.workloads import Case

__all__ = ["compiled_trainer", "prepare"]


def compiled_trainer(case: Case) -> Any:
    """Return the trainer that symbp compiles for a case."""
    rules = {"sgd": bp.SGD, "adam": bp.Adam}
    return bp.compile(case.network(), rules[case.optimizer](case.learning_rate), case.dtype)


def prepare(problem: Problem) -> Prepared:
    """Make a case ready in symbp."""
    case = problem.case
    module = compiled_trainer(case).module
    trainer = module.Trainer(problem.parameters)
    parameters = trainer.parameters
    x, y, order = problem.x, problem.y, problem.order

    if case.measure == "step":
        rates = module._NETWORK.hyperparameter_values(trainer.hyperparameters)
        kernel, flat, state = module._epoch_kernel, trainer._flat, trainer._state

        def epochs(count: int) -> None:
            for _ in range(count):
                kernel(flat, state, rates, order, case.rows, x, y)

        return Prepared(epochs, lambda: _doubled(parameters))

    if case.measure == "gradient":

        def gradients(count: int) -> None:
            for _ in range(count):
                trainer.gradient(x, y)

        def gradient() -> list[NDArray[Any]]:
            cost, found = trainer.gradient(x, y)
            return [np.array(cost), *_doubled(found)]

        return Prepared(gradients, gradient)

    def predictions(count: int) -> None:
        for _ in range(count):
            trainer.predict(x)

    def prediction() -> list[NDArray[Any]]:
        found = trainer.predict(x)
        return [log_softmax(found) if case.softmax else found.astype(np.float64)]

    return Prepared(predictions, prediction)


def _doubled(arrays: Any) -> list[NDArray[Any]]:
    return [np.array(array, np.float64) for array in arrays]
