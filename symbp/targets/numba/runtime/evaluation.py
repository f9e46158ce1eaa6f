"""What a trainer has if its module computes more outputs than one, each by its name."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from symbp.targets.numba.runtime.entry_calls import EntryPoint
from symbp.targets.numba.runtime.trainer import NetworkTrainer


class EvaluatingTrainer(NetworkTrainer):
    """A trainer that evaluates outputs of its program by name."""

    evaluations: Mapping[str, tuple[Any, EntryPoint]]
    """The kernel of each output, and how it is called; a module's Trainer says it."""

    def evaluate(self, name: str, *arrays: ArrayLike) -> Any:
        """Return an output with the current parameters, as in use.

        Parameters
        ----------
        name : str
            Of the output.
        *arrays : array_like
            The inputs, and the targets if the output depends on them.

        Returns
        -------
        output : ndarray, or float for a scalar
            Of DTYPE.
        """
        if not isinstance(name, str) or name not in self.evaluations:
            raise ValueError(f"evaluate: no output {name!r}; it has {', '.join(self.evaluations)}")
        kernel, entry = self.evaluations[name]
        expected = [what[0] for what in entry.arguments if not isinstance(what, str)]
        if len(arrays) != len(expected):
            names = ", ".join(expected)
            raise TypeError(
                f"evaluate: expected {len(expected)} arrays for {name} ({names}), got {len(arrays)}"
            )
        held = {"parameters": self._flat, "state": getattr(self, "state", None), "noise": (0, 0)}
        packed = [held[what] for what in entry.arguments if isinstance(what, str)]
        network: Any = self.network
        return network.call_entry(kernel, entry, (*packed, *arrays))
