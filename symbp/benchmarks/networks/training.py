"""What a network's benchmark says: a program, its data, and the same in other libraries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import symbp as bp

__all__ = ["Array", "Cost", "Parameters", "Runner", "Training", "drawn"]

Array = NDArray[Any]
Parameters = Mapping[str, Array]
#: A cost in JAX, of the parameters by name and the arrays of a batch.
Cost = Callable[..., Any]


@dataclass(frozen=True)
class Runner:
    """An epoch made ready: what runs it so many times, and what the parameters are then."""

    run: Callable[[int], object]
    parameters: Callable[[], dict[str, Array]]


@dataclass(frozen=True)
class Training:
    """A network that is trained, in symbp and elsewhere.

    Attributes
    ----------
    program : Program
        With its cost.
    optimizer : Optimizer
        ``SGD``, ``Adam`` or ``LazyAdam``.
    arrays : tuple of ndarray
        What `fit` is given, in its order, all examples; floats are of any precision.
    batch, steps : int
        Examples of a batch, and batches of an epoch.
    costs : dict of str to callable
        The same cost in JAX, in several ways, by what is tried.
    peers : dict of str to callable
        Whole epochs of other libraries: given this, the parameters and the arrays in the precision
        that is asked for, each makes a :class:`Runner`.
    """

    program: bp.Program
    optimizer: bp.Optimizer
    arrays: tuple[Array, ...]
    batch: int
    steps: int
    costs: dict[str, Cost] = field(default_factory=dict)
    peers: dict[str, Callable[["Training", Parameters, tuple[Array, ...]], Runner]] = field(
        default_factory=dict
    )


def drawn(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    """Return normal numbers."""
    return np.random.default_rng(seed).normal(0.0, scale, shape)
