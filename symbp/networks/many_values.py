"""A value for each of many networks, where an optimizer takes a number."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from symbp.networks.learning_rates import Schedule
from symbp.networks.optimizer import Optimizer
from symbp.networks.options import checked_count
from symbp.notation.errors import SymbpError

__all__ = ["checked_seeds", "of_one_network"]

T = TypeVar("T", bound=Optimizer | Schedule)


def of_one_network(optimizer: T, replicas: int | None) -> tuple[T, dict[str, tuple[float, ...]]]:
    """Return an optimizer of one network, and by name what has a value for each replica.

    Parameters
    ----------
    optimizer : Optimizer
        Such as ``bp.Adam([1e-3, 1e-4])``.
    replicas : int, optional
        How many values each has to have; None if nobody said.

    Returns
    -------
    Optimizer
        With the first value of each.
    dict of str to tuple of float
        All values, by the name of the hyperparameter.

    Raises
    ------
    SymbpError
        There are more or fewer values, or two of one name, as of an optimizer within another one.

    Examples
    --------
    >>> import symbp as bp
    >>> of_one_network(bp.Momentum([0.1, 0.2], momentum=0.5), 2)
    (Momentum(learning_rate=0.1, momentum=0.5), {'learning_rate': (0.1, 0.2)})
    """
    first: dict[str, Any] = {}
    values: dict[str, tuple[float, ...]] = {}
    for field in fields(optimizer):  # type: ignore[arg-type]  # every subclass is a dataclass
        value = getattr(optimizer, field.name)
        found: dict[str, tuple[float, ...]] = {}
        label = f"{type(optimizer).__name__} {field.name}"
        if isinstance(value, Optimizer | Schedule):
            first[field.name], found = of_one_network(value, replicas)
        elif isinstance(value, tuple):
            if replicas is None:
                raise SymbpError(f"{label}: {len(value)} values: pass replicas={len(value)}")
            if len(value) != replicas:
                raise SymbpError(
                    f"{label}: expected one value, or {replicas}, one for each replica, got "
                    f"{len(value)}"
                )
            first[field.name], found = value[0], {field.name: value}
        for name, each in found.items():
            if name in values:
                raise SymbpError(f"{label}: two hyperparameters {name} have a value for each")
            values[name] = each
    return replace(optimizer, **first), values  # type: ignore[type-var]


def checked_seeds(seed: int | Sequence[int], replicas: int) -> int | tuple[int, ...]:
    """Return a seed, or one for each replica; raise :class:`SymbpError` unless it is that.

    Parameters
    ----------
    seed : int or sequence of int
        What a user passes.
    replicas : int
        How many there are.
    """
    if not isinstance(seed, Sequence | np.ndarray) or isinstance(seed, str):
        return checked_count("seed", seed)
    if len(seed) != replicas:
        raise SymbpError(f"seed: expected an int, or {replicas} of them, got {len(seed)}")
    return tuple(checked_count("seed", each) for each in seed)
