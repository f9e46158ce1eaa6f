"""PyTensor's Numba mode: data, parameters and state are shared variables, a step is one call."""

from typing import Any

import numpy as np

from symbp.benchmarks.prepared import Prepared, log_softmax
from symbp.benchmarks.problem import Problem
from symbp.benchmarks.workloads import Case

__all__ = ["STEPS", "prepare"]

STEPS = 250


def prepare(problem: Problem) -> Prepared:
    """Make a case ready in PyTensor."""
    import pytensor
    import pytensor.tensor as pt

    case = problem.case
    pytensor.config.floatX = case.dtype

    def function(inputs: Any, outputs: Any, updates: Any = ()) -> Any:
        made = pytensor.function(inputs, outputs, updates=list(updates), mode="NUMBA")
        made.trust_input = True
        return made

    parameters = [pytensor.shared(p.copy(), borrow=True) for p in problem.parameters]
    x_all, y_all = pytensor.shared(problem.x, borrow=True), pytensor.shared(problem.y, borrow=True)

    if case.measure == "step":
        rows = pt.lvector("rows")
        cost = _cost(case, _forward(case, parameters, x_all[rows]), y_all[rows])
        step = function([rows], cost, _updates(case, parameters, pt.grad(cost, parameters)))
        size = case.rows
        batches = [problem.order[i : i + size] for i in range(0, problem.examples, size)]

        def epochs(count: int) -> None:
            for batch in batches * count:
                step(batch)

        return Prepared(epochs, lambda: [np.array(p.get_value(), np.float64) for p in parameters])

    x, y = pt.matrix("x"), pt.matrix("y")
    output = _forward(case, parameters, x)
    if case.measure == "gradient":
        cost = _cost(case, output, y)
        call = function([x, y], [cost, *list(pt.grad(cost, parameters))])

        def gradients(count: int) -> None:
            for _ in range(count):
                call(problem.x, problem.y)

        return Prepared(
            gradients, lambda: [np.array(g, np.float64) for g in call(problem.x, problem.y)]
        )

    predict = function([x], output)

    def predictions(count: int) -> None:
        for _ in range(count):
            predict(problem.x)

    def prediction() -> list[Any]:
        found = np.array(predict(problem.x), np.float64)
        return [log_softmax(found) if case.softmax else found]

    return Prepared(predictions, prediction)


def _forward(case: Case, parameters: Any, x: Any) -> Any:
    import pytensor.tensor as pt

    a = x
    for number, (weights, biases) in enumerate(
        zip(parameters[::2], parameters[1::2], strict=True), start=2
    ):
        z = a @ weights.T + biases
        if case.softmax:
            a = z if number == len(case.workload.sizes) else pt.maximum(z, 0)
        else:
            a = pt.sigmoid(z)
    return a


def _cost(case: Case, output: Any, y: Any) -> Any:
    import pytensor.tensor as pt

    if case.softmax:
        return -(y * pt.special.log_softmax(output, axis=-1)).sum() / output.shape[0].astype(
            case.dtype
        )
    return 0.5 * ((output - y) ** 2).sum() / output.shape[0].astype(case.dtype)


def _updates(case: Case, parameters: Any, gradient: Any) -> list[Any]:
    import pytensor
    import pytensor.tensor as pt

    real = np.dtype(case.dtype).type
    rate = real(case.learning_rate)
    if case.optimizer == "sgd":
        return [(p, p - rate * g) for p, g in zip(parameters, gradient, strict=True)]
    count = pytensor.shared(real(0))
    t = count + real(1)
    root = pt.sqrt(1 - real(0.999) ** t)
    scale, epsilon = rate * root / (1 - real(0.9) ** t), real(1e-8) * root
    updates = [(count, t)]
    for p, g in zip(parameters, gradient, strict=True):
        m, v = (pytensor.shared(np.zeros_like(p.get_value())) for _ in range(2))
        m_next = real(0.9) * m + real(0.1) * g
        v_next = real(0.999) * v + real(0.001) * g * g
        updates += [(m, m_next), (v, v_next), (p, p - scale * m_next / (pt.sqrt(v_next) + epsilon))]
    return updates
