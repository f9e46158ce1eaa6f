"""What a trainer has if its program has a target of weights, one number for each example.

``sample_weight=`` takes the place of the last array; without it each example counts once.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.targets.numba.runtime.arguments import numbers, refuse
from symbp.targets.numba.runtime.trainer import NetworkTrainer


class TrainerWithWeights(NetworkTrainer):
    """A trainer whose methods take ``sample_weight``, of shape (N,) and none below 0.

    `fit`, `minimise`, `loss`, `gradient` and `accuracy` are those of `NetworkTrainer` otherwise.
    The weights may also come as an array at their place among the others.
    """

    def fit(
        self,
        *arrays: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation: Sequence[ArrayLike] | None = None,
        **options: Any,
    ) -> Self:
        """Train for some more epochs; each array of `validation` may have its weights last."""
        if len(arrays) != 1 or not hasattr(arrays[0], "windows"):
            arrays = tuple(self._weighted("fit", arrays, sample_weight))
        elif sample_weight is not None:
            raise TypeError("sample_weight: expected in the blocks, as the last of their arrays")
        return super().fit(*arrays, validation=self._held_out(validation), **options)

    def _block(self, arrays: Sequence[Any]) -> list[NDArray[Any]]:
        return super()._block(self._weighted("fit", arrays, None))

    def minimise(
        self,
        *arrays: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation: Sequence[ArrayLike] | None = None,
        **options: Any,
    ) -> Self:
        """Minimise the cost of all examples together with SciPy."""
        checked = self._weighted("minimise", arrays, sample_weight)
        return super().minimise(*checked, validation=self._held_out(validation), **options)

    def loss(
        self, *arrays: ArrayLike, sample_weight: ArrayLike | None = None, **options: Any
    ) -> float:
        """Return the cost."""
        return super().loss(*self._weighted("loss", arrays, sample_weight), **options)

    def gradient(
        self, *arrays: ArrayLike, sample_weight: ArrayLike | None = None, **options: Any
    ) -> tuple[float, Any]:
        """Return the cost and its gradient."""
        return super().gradient(*self._weighted("gradient", arrays, sample_weight), **options)

    def accuracy(self, *arrays: ArrayLike) -> float:
        """Return the fraction of examples that get the right class, whatever their weights."""
        return super().accuracy(*self._weighted("accuracy", arrays, None))

    def _held_out(self, validation: Sequence[ArrayLike] | None) -> Sequence[Any] | None:
        if validation is None:
            return None
        return self._weighted("validation", tuple(validation), None)

    def _weighted(
        self, caller: str, arrays: Sequence[ArrayLike], sample_weight: ArrayLike | None
    ) -> Sequence[Any]:
        """Return all arrays that the network takes, with the weights at their place."""
        arguments = self.network.arguments
        place = next(i for i, argument in enumerate(arguments) if argument[3] == "weight")
        name, others = arguments[place][0], len(arguments) - 1
        if len(arrays) == others:
            given = sample_weight
            if given is None:
                given = np.ones(_rows(arrays), self.network.dtype)
            result = [*arrays[:place], given, *arrays[place:]]
        elif sample_weight is not None:
            names = ", ".join(argument[0] for i, argument in enumerate(arguments) if i != place)
            raise TypeError(
                f"{caller}: expected {others} arrays ({names}) beside sample_weight, "
                f"got {len(arrays)}"
            )
        else:
            result = list(arrays)
        if len(result) == len(arguments):
            weights: NDArray[Any] = numbers(name, result[place], "biuf")
            refuse(name, weights, weights < 0, "a weight of 0 or more")
        return result


def _rows(arrays: Sequence[ArrayLike]) -> int:
    shape = np.shape(arrays[0]) if arrays else ()
    return shape[0] if shape else 1
