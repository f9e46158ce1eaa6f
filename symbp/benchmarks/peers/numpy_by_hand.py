"""NumPy by hand: buffers made once, every operation with ``out=`` or in place.

The cost is computed only where it is asked for: training by hand does without.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.benchmarks.prepared import Prepared, log_softmax
from symbp.benchmarks.problem import Problem

__all__ = ["STEPS", "prepare"]

Array = NDArray[Any]

STEPS = 250


def prepare(problem: Problem) -> Prepared:
    """Make a case ready in NumPy."""
    case = problem.case
    network = _Network(problem)
    if case.measure == "step":
        update = _Adam(network, case.learning_rate) if case.optimizer == "adam" else None
        x, y, order = problem.x, problem.y, problem.order
        x_batch, y_batch = np.empty_like(x[: case.rows]), np.empty_like(y[: case.rows])

        def epochs(count: int) -> None:
            for start in list(range(0, len(order), case.rows)) * count:
                rows = order[start : start + case.rows]
                # mode="clip" writes to `out` directly; the rows are known to be in range.
                np.take(x, rows, axis=0, out=x_batch, mode="clip")
                np.take(y, rows, axis=0, out=y_batch, mode="clip")
                network.backward(x_batch, y_batch)
                if update is not None:
                    update.step()
                    continue
                for parameter, gradient in zip(network.parameters, network.gradients, strict=True):
                    gradient *= case.learning_rate
                    parameter -= gradient

        return Prepared(epochs, lambda: _doubled(network.parameters))

    if case.measure == "gradient":

        def gradients(count: int) -> None:
            for _ in range(count):
                network.backward(problem.x, problem.y, with_cost=True)

        def gradient() -> list[Array]:
            cost = network.backward(problem.x, problem.y, with_cost=True)
            return _doubled([np.array(cost), *network.gradients])

        return Prepared(gradients, gradient)

    def predictions(count: int) -> None:
        for _ in range(count):
            network.forward(problem.x)

    def prediction() -> list[Array]:
        found = network.forward(problem.x)
        return [log_softmax(found) if case.softmax else found.astype(np.float64)]

    return Prepared(predictions, prediction)


class _Network:
    """Parameters, their gradients, and the buffers of one batch."""

    def __init__(self, problem: Problem) -> None:
        case = problem.case
        self.parameters = [parameter.copy() for parameter in problem.parameters]
        self.gradients = [np.empty_like(parameter) for parameter in self.parameters]
        self.count = len(self.parameters) // 2
        self.softmax, self.sigmoid = case.softmax, case.kind.activation == "sigmoid"
        shapes = [(case.rows, units) for units in case.workload.sizes[1:]]
        self.activations = [np.empty(shape, case.dtype) for shape in shapes]
        self.errors = [np.empty(shape, case.dtype) for shape in shapes]
        self.masks = [np.empty(shape, bool) for shape in shapes]

    def forward(self, x: Array) -> Array:
        """Return the output (logits for the softmax), a buffer that the next call overwrites."""
        a = x
        for layer, z in enumerate(self.activations):
            np.matmul(a, self.parameters[2 * layer].T, out=z)
            z += self.parameters[2 * layer + 1]
            if self.sigmoid:
                np.negative(z, out=z)
                np.exp(z, out=z)
                z += 1
                np.reciprocal(z, out=z)
            elif not (self.softmax and layer == self.count - 1):
                np.maximum(z, 0, out=z)
            a = z
        return a

    def backward(self, x: Array, y: Array, with_cost: bool = False) -> float:
        """Fill the gradients; return the cost if asked for, else 0."""
        output, delta = self.forward(x), self.errors[-1]
        examples, cost = len(x), 0.0
        if self.softmax:
            output -= output.max(axis=1, keepdims=True)
            np.exp(output, out=delta)
            total = delta.sum(axis=1, keepdims=True)
            if with_cost:
                np.log(total, out=self._column(total))
                cost = float((self._column(total).sum() - np.vdot(output, y)) / examples)
            delta /= total
            delta -= y
        else:
            np.subtract(output, y, out=delta)
            if with_cost:
                cost = 0.5 * float(np.vdot(delta, delta)) / examples
            self._times_derivative(self.count - 1)
        delta *= 1 / examples
        for layer in reversed(range(self.count)):
            below = self.activations[layer - 1] if layer else x
            np.matmul(self.errors[layer].T, below, out=self.gradients[2 * layer])
            self.errors[layer].sum(axis=0, out=self.gradients[2 * layer + 1])
            if layer:
                np.matmul(
                    self.errors[layer], self.parameters[2 * layer], out=self.errors[layer - 1]
                )
                self._times_derivative(layer - 1)
        return cost

    def _times_derivative(self, layer: int) -> None:
        a, error = self.activations[layer], self.errors[layer]
        if not self.sigmoid:
            np.greater(a, 0, out=self.masks[layer])
            error *= self.masks[layer]
            return
        error *= a
        # The activation of the output is not needed again; that of a hidden layer still is.
        error *= 1 - a

    def _column(self, total: Array) -> Array:
        if not hasattr(self, "_logs"):
            self._logs = np.empty_like(total)
        return self._logs


class _Adam:
    """Kingma and Ba's algorithm 1, in place."""

    def __init__(self, network: _Network, rate: float) -> None:
        self.network, self.rate, self.count = network, rate, 0
        self.m = [np.zeros_like(parameter) for parameter in network.parameters]
        self.v = [np.zeros_like(parameter) for parameter in network.parameters]
        self.scratch = [np.empty_like(parameter) for parameter in network.parameters]

    def step(self) -> None:
        self.count += 1
        root = (1 - 0.999**self.count) ** 0.5
        rate = self.rate * root / (1 - 0.9**self.count)
        for parameter, g, m, v, scratch in zip(
            self.network.parameters, self.network.gradients, self.m, self.v, self.scratch,
            strict=True,
        ):  # fmt: skip
            m *= 0.9
            np.multiply(g, 0.1, out=scratch)
            m += scratch
            v *= 0.999
            np.multiply(g, g, out=scratch)
            scratch *= 0.001
            v += scratch
            np.sqrt(v, out=scratch)
            scratch += 1e-8 * root
            np.divide(m, scratch, out=scratch)
            scratch *= rate
            parameter -= scratch


def _doubled(arrays: list[Array]) -> list[Array]:
    return [array.astype(np.float64) for array in arrays]
