"""PyTorch without a compiler: functional layers, autograd, and the leanest update there is."""

from collections.abc import Callable
from typing import Any

import numpy as np

from symbp.benchmarks.prepared import Prepared, log_softmax
from symbp.benchmarks.problem import Problem
from symbp.benchmarks.workloads import Case

__all__ = ["STEPS", "cost_function", "doubled", "forward_function", "prepare"]

STEPS = 250


def prepare(problem: Problem) -> Prepared:
    """Make a case ready in PyTorch."""
    import torch

    case = problem.case
    parameters = [torch.tensor(p, requires_grad=True) for p in problem.parameters]
    x, order = torch.tensor(problem.x), torch.tensor(problem.order)
    y = torch.tensor(problem.labels if case.softmax else problem.y)
    forward = forward_function(case)
    cost = cost_function(case, forward)

    if case.measure == "step":
        update = _update(case, parameters)
        batches = order.split(case.rows)

        def epochs(count: int) -> None:
            for rows in batches * count:
                value = cost(parameters, x.index_select(0, rows), y.index_select(0, rows))
                update(value)

        return Prepared(epochs, lambda: doubled(parameters))

    if case.measure == "gradient":

        def gradients(count: int) -> None:
            for _ in range(count):
                torch.autograd.grad(cost(parameters, x, y), parameters)

        def gradient() -> list[Any]:
            value = cost(parameters, x, y)
            return doubled([value, *torch.autograd.grad(value, parameters)])

        return Prepared(gradients, gradient)

    fixed = [p.detach() for p in parameters]

    def predictions(count: int) -> None:
        with torch.inference_mode():
            for _ in range(count):
                forward(fixed, x)

    def prediction() -> list[Any]:
        with torch.inference_mode():
            found = doubled([forward(fixed, x)])[0]
        return [log_softmax(found) if case.softmax else found]

    return Prepared(predictions, prediction)


def forward_function(case: Case) -> Callable[[Any, Any], Any]:
    """Return ``forward(parameters, x)``, the output of the network."""
    import torch
    from torch.nn.functional import linear

    activation = {"sigmoid": torch.sigmoid, "relu": torch.relu}[case.kind.activation]
    count = len(case.workload.sizes) - 1

    def forward(parameters: Any, x: Any) -> Any:
        a = x
        for number in range(count):
            z = linear(a, parameters[2 * number], parameters[2 * number + 1])
            a = z if case.softmax and number == count - 1 else activation(z)
        return a

    return forward


def cost_function(case: Case, forward: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return ``cost(parameters, x, y)``; y are labels for the softmax cross-entropy."""
    from torch.nn.functional import cross_entropy, mse_loss

    outputs = case.workload.sizes[-1]

    def cost(parameters: Any, x: Any, y: Any) -> Any:
        output = forward(parameters, x)
        # The mean over all entries, where the quadratic cost takes it over the examples.
        return cross_entropy(output, y) if case.softmax else 0.5 * outputs * mse_loss(output, y)

    return cost


def _update(case: Case, parameters: Any) -> Callable[[Any], None]:
    """Return ``update(cost)``, which computes the gradient and changes the parameters."""
    import torch

    if case.optimizer == "adam":
        # Measured: the fused one is the fastest of the three wherever a step is short.
        optimizer = torch.optim.Adam(parameters, lr=case.learning_rate, fused=True)

        def adam(value: Any) -> None:
            optimizer.zero_grad()
            value.backward()
            optimizer.step()

        return adam

    # Measured: a third faster than torch.optim.SGD (fused, foreach or plain) on small networks.
    fixed = [parameter.detach() for parameter in parameters]

    def descend(value: Any) -> None:
        gradient = torch.autograd.grad(value, parameters)
        torch._foreach_add_(fixed, gradient, alpha=-case.learning_rate)

    return descend


def doubled(tensors: Any) -> list[Any]:
    """Return NumPy arrays of float64."""
    return [tensor.detach().numpy().astype(np.float64) for tensor in tensors]
