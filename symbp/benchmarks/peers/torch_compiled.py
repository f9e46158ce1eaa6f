"""``torch.compile``: the gather, the gradient and the update in one compiled function.

Each call of compiled code costs some 40 µs, so that small networks take several steps in one call:
the loop over the batches is unrolled into the graph.
"""

import os
import shutil
from collections.abc import Callable
from typing import Any

from symbp.benchmarks.floor import gemm_operations
from symbp.benchmarks.peers.torch_eager import cost_function, doubled, forward_function
from symbp.benchmarks.prepared import AbsentError, Prepared, log_softmax
from symbp.benchmarks.problem import Problem
from symbp.benchmarks.workloads import Case

__all__ = ["STEPS", "prepare"]

STEPS = 250
_UNROLLED = 10
# Beyond, the call no longer shows.
_SMALL = 2_000_000


def prepare(problem: Problem) -> Prepared:
    """Make a case ready for torch.compile.

    Raises
    ------
    AbsentError
        There is no C++ compiler, which its code for processors needs.
    """
    compilers = [os.environ.get("CXX"), "g++", "clang++", "cl"]
    if not any(shutil.which(name) for name in compilers if name):
        raise AbsentError("torch.compile found no C++ compiler")
    import torch

    case = problem.case
    parameters = [torch.tensor(p) for p in problem.parameters]
    x, order = torch.tensor(problem.x), torch.tensor(problem.order)
    y = torch.tensor(problem.labels if case.softmax else problem.y)
    forward = forward_function(case)
    cost = cost_function(case, forward)
    torch._dynamo.reset()

    def compiled(function: Callable[..., Any]) -> Any:
        return torch.compile(function, dynamic=False, fullgraph=True)

    if case.measure == "step":
        unrolled = _UNROLLED if gemm_operations(case) < _SMALL else 1
        unrolled = next(n for n in (unrolled, 5, 2, 1) if problem.steps % n == 0)
        steps = compiled(_steps(case, cost))
        state = _state(case, parameters)
        calls = order.split(case.rows * unrolled)

        def epochs(count: int) -> None:
            with torch.no_grad():
                for rows in calls * count:
                    steps(parameters, state, x, y, rows)

        return Prepared(epochs, lambda: doubled(parameters))

    if case.measure == "gradient":
        gradient_and_cost = compiled(torch.func.grad_and_value(cost))

        def gradients(count: int) -> None:
            for _ in range(count):
                gradient_and_cost(parameters, x, y)

        def gradient() -> list[Any]:
            found, value = gradient_and_cost(parameters, x, y)
            return doubled([value, *found])

        return Prepared(gradients, gradient)

    predict = compiled(forward)

    def predictions(count: int) -> None:
        with torch.inference_mode():
            for _ in range(count):
                predict(parameters, x)

    def prediction() -> list[Any]:
        with torch.inference_mode():
            found = doubled([predict(parameters, x)])[0]
        return [log_softmax(found) if case.softmax else found]

    return Prepared(predictions, prediction)


def _state(case: Case, parameters: Any) -> Any:
    """Return Adam's step count and two moments."""
    import torch

    if case.optimizer != "adam":
        return None
    moments = [[torch.zeros_like(p) for p in parameters] for _ in range(2)]
    return (torch.zeros((), dtype=torch.float64), *moments)


def _steps(case: Case, cost: Callable[..., Any]) -> Callable[..., None]:
    """Return ``steps(parameters, state, x, y, rows)``, which takes as many as rows hold batches."""
    import torch

    rate = case.learning_rate
    gradient_of = torch.func.grad(cost)

    def adam(parameters: Any, state: Any, gradient: Any) -> None:
        count, first, second = state
        count += 1
        root = torch.sqrt(1 - 0.999**count)
        scale = (rate * root / (1 - 0.9**count)).to(parameters[0].dtype)
        epsilon = (1e-8 * root).to(parameters[0].dtype)
        for p, m, v, g in zip(parameters, first, second, gradient, strict=True):
            m.mul_(0.9).add_(g, alpha=0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            p.sub_(scale * m / (v.sqrt() + epsilon))

    def steps(parameters: Any, state: Any, x: Any, y: Any, rows: Any) -> None:
        for batch in rows.split(case.rows):
            found = gradient_of(parameters, x.index_select(0, batch), y.index_select(0, batch))
            if state is None:
                for p, g in zip(parameters, found, strict=True):
                    p.sub_(g, alpha=rate)
            else:
                adam(parameters, state, found)

    return steps
