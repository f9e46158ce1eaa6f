"""What a module has besides if it keeps a state, or computes otherwise in training than in use.

A network that is given a state is one whose kernels need none: every entry point then works as in
other modules. A trainer holds the state before the optimizer's, in one array, so that it is saved,
loaded and copied with that.
"""

import copy
import itertools
import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.arguments import describe, numbers
from symbp.targets.numba.runtime.entry_calls import NetworkWithEntries
from symbp.targets.numba.runtime.trainer import NetworkTrainer


class NetworkInPhases(NetworkWithEntries):
    """A network whose gradient is that of training, and whose loss and output are those of use.

    Parameters
    ----------
    *described, **options
        See `EntryPoints`.
    states : sequence
        Of each state its name, its shape and its value at the start.
    state_record : type
        The module's State, or None without states.
    frozen : sequence of str
        The parameters that training leaves as they are.
    """

    def __init__(
        self,
        *described: Any,
        states: Sequence[Any],
        state_record: Any,
        frozen: Sequence[str],
        **options: Any,
    ) -> None:
        super().__init__(*described, **options)
        self.states, self.state_record = tuple(states), state_record
        self.frozen = np.zeros(self.count, np.bool_)
        for (name, _, _), (place, _) in zip(self.parameters, self.places, strict=True):
            self.frozen[place] = name in frozen
        ends = list(itertools.accumulate(math.prod(shape) for _, shape, _ in self.states))
        self.kept = ends[-1] if ends else 0
        self.state_places = tuple(
            (slice(start, stop), shape)
            for start, stop, (_, shape, _) in zip([0, *ends], ends, self.states, strict=False)
        )

    def initial_state(self) -> Any:
        """Return the state that training starts from.

        Returns
        -------
        state : State
            Views over one new contiguous buffer of DTYPE.
        """
        flat = np.empty(self.kept, self.dtype)
        for (place, _), (_, _, value) in zip(self.state_places, self.states, strict=True):
            flat[place] = value
        return self.state_views(flat)

    def state_views(self, flat: NDArray[Any]) -> Any:
        """Return State over a flat buffer."""
        return self.state_record(*[flat[place].reshape(s) for place, s in self.state_places])

    def flat_state(self, state: Any) -> NDArray[Any]:
        """Return a new buffer with all of a state, given as State or as a tuple or dict."""
        names = [name for name, _, _ in self.states]
        given = state._asdict() if hasattr(state, "_asdict") else state
        if isinstance(given, tuple | list) and len(given) == len(names):
            given = dict(zip(names, given, strict=True))
        if not isinstance(given, dict):
            came = f"{len(given)} arrays" if hasattr(given, "__len__") else type(given).__name__
            raise TypeError(
                f"state: expected State, or a tuple or dict of {len(names)} arrays "
                f"({', '.join(names)}), got {came}"
            )
        if set(given) != set(names):
            came = ", ".join(str(name) for name in given)
            raise ValueError(f"state: expected {', '.join(names)}, got {came or 'none'}")
        flat = np.empty(self.kept, self.dtype)
        for (place, shape), name in zip(self.state_places, names, strict=True):
            array = numbers(f"state.{name}", given[name], "biuf")
            if array.shape != shape:
                raise ValueError(f"state.{name}: expected {describe(shape)}, got {array.shape}")
            flat[place] = array.ravel()
        return flat

    def packed(self, label: str, value: Any) -> NDArray[Any]:
        """Return the flat buffer of a state too."""
        return self.flat_state(value) if label == "state" else super().packed(label, value)

    def with_state(self, flat: NDArray[Any]) -> Self:
        """Return the network whose kernels read a state from a buffer, as it is when they run."""
        made = copy.copy(self)
        for name in ("predict_kernel", "loss_kernel", "gradient_kernel"):
            setattr(made, name, reading(getattr(self, name), flat))
        return made

    def training_cost(self, flat: NDArray[Any], arrays: Sequence[NDArray[Any]]) -> float:
        """Return the cost of training, which is not that of use."""
        return float(self.gradient_kernel(flat, np.empty(self.count, self.dtype), *arrays))

    def compare_gradient(
        self, seed: int = 0, examples: int = 4, step: float | None = None
    ) -> tuple[float, int, int]:
        """Compare the gradient with differences of the cost in training, which it returns too.

        The cost is that of the parameters that are trained.
        """
        made = copy.copy(self)
        if self.kept:
            start = self.flat_state(self.initial_state())
            start += 0.1 * np.abs(np.random.default_rng(seed).standard_normal(self.kept))
            made = self.with_state(start.astype(self.dtype))
        gradient, memory = made.gradient_kernel, np.empty(self.count, self.dtype)
        held: list[NDArray[Any]] = []

        def cost(flat: NDArray[Any], *arrays: NDArray[Any]) -> float:
            held.append(flat.copy())
            flat = np.where(self.frozen, held[0], flat)
            return float(gradient(flat, memory, *arrays))

        made.loss_kernel = cost
        return super(NetworkInPhases, made).compare_gradient(seed, examples, step)


def reading(kernel: Any, state: NDArray[Any]) -> Any:
    """Return a kernel that gets a state after the parameters."""
    if kernel is None:
        return None
    return lambda parameters, *others: kernel(parameters, state, *others)


class TrainerWithState(NetworkTrainer):
    """A trainer that keeps the state of its program.

    Parameters
    ----------
    parameters, seed, **hyperparameters
        See `NetworkTrainer`.
    state : State, tuple or dict of arrays, optional
        Where to start; copied. By default ``initial_state()``.
    """

    def __init__(
        self, parameters: Any = None, seed: int = 0, state: Any = None, **hyperparameters: float
    ) -> None:
        super().__init__(parameters, seed, **hyperparameters)
        network = self._kept_network()
        start = network.initial_state() if state is None else state
        self._state[: network.kept] = network.flat_state(start)
        self._bind()

    @property
    def state(self) -> Any:
        """The current state: views, which training changes in place."""
        network = self._kept_network()
        return network.state_views(self._state[: network.kept])

    @classmethod
    def _kept_network(cls) -> NetworkInPhases:
        assert isinstance(cls.network, NetworkInPhases)
        return cls.network

    def _minimised(self) -> NetworkInPhases:
        names = ", ".join(name for name, _, _ in self._kept_network().states)
        raise TypeError(
            f"minimise: SciPy's methods take no steps, from which the states of this program "
            f"({names}) would become what they are in use; train it with fit"
        )

    def _bind(self) -> None:
        network = self._kept_network()
        self.network = network.with_state(self._state[: network.kept])

    def __getstate__(self) -> dict[str, Any]:
        # The network of the class, bound to the state that travels.
        return {name: value for name, value in super().__getstate__().items() if name != "network"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._bind()
