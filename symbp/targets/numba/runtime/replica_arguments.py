"""What is said of many networks: a seed, a value or rows for each, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.targets.numba.runtime.arguments import check_count, numbers, refuse
from symbp.targets.numba.runtime.entry_points import EntryPoints


def many_seeds(seed: Any, replicas: int) -> tuple[int, ...]:
    """Return the seed of each replica: from one on, or as they are given."""
    if isinstance(seed, Sequence | np.ndarray) and not isinstance(seed, str):
        if len(seed) != replicas:
            raise ValueError(f"seed: expected an integer, or {replicas} of them, got {len(seed)}")
        for each in seed:
            check_count("seed", each, 0)
        return tuple(int(each) for each in seed)
    check_count("seed", seed, 0)
    return tuple(range(int(seed), int(seed) + replicas))


def many_values(
    network: EntryPoints, given: Mapping[str, Any], replicas: int
) -> dict[str, NDArray[np.float64]]:
    """Return the hyperparameters, an array with a value for each replica of each, checked."""
    found: dict[str, NDArray[np.float64]] = {}
    columns = {**network.hyperparameters, **given}
    for name, value in columns.items():
        array = np.asarray(numbers(name, value, "iuf"), np.float64)
        if array.shape not in ((), (replicas,)):
            raise ValueError(
                f"{name}: expected a number, or {replicas} numbers, one for each replica, got "
                f"shape {array.shape}"
            )
        found[name] = np.broadcast_to(array, (replicas,)).copy()
    # A value of its own is told in the same words as that of a trainer.
    distinct: dict[str, list[float]] = {
        name: np.unique(values).tolist() for name, values in found.items()
    }
    for place in range(max((len(values) for values in distinct.values()), default=1)):
        network.hyperparameter_values(
            {name: values[min(place, len(values) - 1)] for name, values in distinct.items()}
        )
    return found


def chosen_rows(
    label: str, rows: Sequence[ArrayLike] | None, replicas: int, count: int
) -> list[NDArray[np.int64]]:
    """Return the numbers of the examples that each replica has; by default all of them."""
    if rows is None:
        return [np.arange(count, dtype=np.int64)] * replicas
    if isinstance(rows, str) or not hasattr(rows, "__len__") or len(rows) != replicas:
        came = f"{len(rows)}" if hasattr(rows, "__len__") else repr(rows)
        raise ValueError(
            f"{label}: expected {replicas} arrays of row numbers, one for each replica, got {came}"
        )
    found = []
    for replica, each in enumerate(rows):
        name = f"{label}[{replica}]"
        array = numbers(name, each, "iu")
        if array.ndim != 1 or not len(array):
            raise ValueError(
                f"{name}: expected the numbers of one row or more, got shape {array.shape}"
            )
        refuse(name, array, (array < 0) | (array >= count), f"a row from 0 to {count - 1}")
        found.append(np.ascontiguousarray(array, np.int64))
    return found


def stopped_by(answer: Any, replicas: int) -> NDArray[np.bool_]:
    """Return which replicas stop by what a callback returned."""
    array = np.asarray(False if answer is None else answer)
    if array.shape == ():
        return np.full(replicas, bool(answer))
    if array.shape != (replicas,) or array.dtype != np.bool_:
        raise ValueError(
            f"callback: expected True, None or {replicas} booleans, one for each replica, got "
            f"shape {array.shape} of {array.dtype}"
        )
    return array


def best_of(costs: NDArray[Any], name: str) -> int:
    """Return the number of the replica with the lowest cost."""
    if np.isnan(costs).all():
        raise ValueError(f"best: the {name} is NaN of all replicas")
    return int(np.nanargmin(costs))
