"""What a module has besides if its program draws noise: a seed and the number of a step.

The trainer keeps both in its state, where the kernel of an epoch counts the steps; they are saved
with the rest, so that a training that was resumed draws what it would have drawn. Functions take
them as arguments.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.targets.numba.runtime.arguments import check_count
from symbp.targets.numba.runtime.phases import NetworkInPhases, reading
from symbp.targets.numba.runtime.trainer import NetworkTrainer

# A part of a seed or a step has so many bits: a whole number in single precision, too.
KEY_BITS = 22


def held(kernel: Callable[..., Any], key: NDArray[Any]) -> Callable[..., Any]:
    """Return a kernel that draws for one seed and step."""
    return lambda flat, *others: kernel(flat, key, *others)


class NetworkWithNoise(NetworkInPhases):
    """A network whose kernels draw.

    Parameters
    ----------
    *described, **named
        See `EntryPoints`.
    drawing : tuple of str
        Those of the kernels that draw: gradient, and predict and loss if they do.
    """

    def __init__(self, *described: Any, drawing: Sequence[str], **named: Any) -> None:
        super().__init__(*described, **named)
        self.drawing = {
            name: named["kernels"][name] for name in drawing if name in named["kernels"]
        }
        self.state_buffer: NDArray[Any] | None = None
        self._hold(self.key(0, 0))

    def key(self, seed: int, step: int) -> NDArray[Any]:
        """Return a seed and the number of a step as kernels take them."""
        parts = []
        for name, value, bits in (("seed", seed, 64), ("step", step, 2 * KEY_BITS)):
            check_count(name, value, 0)
            if value >= 2**bits:
                raise ValueError(f"{name}: expected less than 2**{bits}, got {value}")
            parts += [int(value) >> place for place in range(0, bits, KEY_BITS)]
        return np.array([part % 2**KEY_BITS for part in parts], self.dtype)

    def _hold(self, key: NDArray[Any]) -> None:
        """Draw for a seed and a step where nobody says another."""
        for name, kernel in self.drawing.items():
            drawing = held(kernel, key)
            if self.state_buffer is not None:
                drawing = reading(drawing, self.state_buffer)
            setattr(self, f"{name}_kernel", drawing)

    def holding(self, key: NDArray[Any]) -> Self:
        """Return the network as it draws for a seed and a step, as kernels take them."""
        other = copy.copy(self)
        other._hold(key)
        return other

    def at(self, seed: int, step: int) -> Any:
        """Return the network as it draws for a seed and a step."""
        return super(NetworkWithNoise, self.holding(self.key(seed, step)))

    def with_state(self, flat: NDArray[Any]) -> Self:
        """Return the network whose kernels read a state from a buffer, as it is when they run."""
        made = super().with_state(flat)
        made.state_buffer = flat
        return made

    def packed(self, label: str, value: Any) -> NDArray[Any]:
        """Return a seed and a step as kernels take them too."""
        if label != "noise":
            return super().packed(label, value)
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise TypeError(f"noise: expected a tuple of a seed and a step, got {value!r}")
        return self.key(*value)

    def predict(
        self, flat: NDArray[Any], inputs: Sequence[Any], seed: int = 0, step: int = 0
    ) -> NDArray[Any]:
        """Return the output."""
        output: NDArray[Any] = self.at(seed, step).predict(flat, inputs)
        return output

    def loss(
        self, flat: NDArray[Any], arrays: Sequence[ArrayLike], seed: int = 0, step: int = 0
    ) -> float:
        """Return the cost."""
        return float(self.at(seed, step).loss(flat, arrays))

    def gradient(
        self, flat: NDArray[Any], arrays: Sequence[ArrayLike], seed: int = 0, step: int = 0
    ) -> tuple[float, Any]:
        """Return the cost, with its noise, and its derivatives by the parameters."""
        cost, gradients = self.at(seed, step).gradient(flat, arrays)
        return cost, gradients


class TrainerWithNoise(NetworkTrainer):
    """A trainer that draws noise anew in each step, by its seed."""

    network: NetworkWithNoise

    def __init__(self, parameters: Any = None, seed: int = 0, **hyperparameters: float) -> None:
        super().__init__(parameters, seed, **hyperparameters)
        key = self.network.key(seed, 0)
        self._state[-len(key) :] = key

    def _minimised(self) -> NetworkWithNoise:
        super()._minimised()
        return self.network.holding(self._state[-len(self.network.key(0, 0)) :].copy())

    def predict(self, *inputs: ArrayLike, seed: int = 0, step: int = 0) -> NDArray[Any]:
        """Return the output for these inputs, as `predict` does with the current parameters."""
        return self.network.predict(self._flat, inputs, seed, step)

    def loss(self, *arrays: ArrayLike, seed: int = 0, step: int = 0) -> float:
        """Return the cost, as `loss` does with the current parameters."""
        return self.network.loss(self._flat, arrays, seed, step)

    def gradient(self, *arrays: ArrayLike, seed: int = 0, step: int = 0) -> tuple[float, Any]:
        """Return the cost and its gradient, as `gradient` does with the current parameters."""
        return self.network.gradient(self._flat, arrays, seed, step)
