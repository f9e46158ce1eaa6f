"""The numbers of a case: data, the order in which it is visited, and where training starts.

They depend on the case alone, so that every peer computes the same thing in every process.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.benchmarks.workloads import Case

__all__ = ["Problem"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Problem:
    """A case with its arrays, all of the case's dtype unless said.

    Attributes
    ----------
    case : Case
        What is timed.
    """

    case: Case

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.case.workload.steps

    @property
    def examples(self) -> int:
        """Rows of the data: all of an epoch, or what one call takes."""
        return self.case.rows * (self.steps if self.case.measure == "step" else 1)

    @cached_property
    def x(self) -> Array:
        """Standard normal inputs, (examples, inputs)."""
        shape = (self.examples, self.case.workload.sizes[0])
        return np.random.default_rng(0).normal(size=shape).astype(self.case.dtype)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Classes drawn at random, (examples,)."""
        classes = self.case.workload.sizes[-1]
        return np.random.default_rng(1).integers(0, max(classes, 2), self.examples)

    @cached_property
    def y(self) -> Array:
        """The labels one-hot encoded, (examples, outputs); for one output, 0 or 1."""
        outputs = self.case.workload.sizes[-1]
        if outputs == 1:
            return self.labels[:, np.newaxis].astype(self.case.dtype)
        return np.eye(outputs, dtype=self.case.dtype)[self.labels]

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The shuffled order of the examples, the same in each epoch, (examples,)."""
        return np.random.default_rng(2).permutation(self.examples)

    @cached_property
    def parameters(self) -> list[Array]:
        """W1, b1, W2, b2, …, with W of shape (units, inputs): where training starts."""
        generator = np.random.default_rng(3)
        sizes = self.case.workload.sizes
        found: list[Array] = []
        for inputs, units in pairwise(sizes):
            found.append(generator.normal(0, inputs**-0.5, (units, inputs)).astype(self.case.dtype))
            found.append(generator.normal(0, 0.1, units).astype(self.case.dtype))
        return found

    @property
    def layers(self) -> list[tuple[Array, Array]]:
        """The parameters as pairs (W, b)."""
        return list(zip(self.parameters[::2], self.parameters[1::2], strict=True))
