"""snapshots: all that a trainer goes on from, as plain arrays and numbers in memory.

What `save` writes to a file, for who keeps it elsewhere. Here alone symbp reads how a trainer of a
generated module holds its numbers.
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from symbp.notation.errors import SymbpError

__all__ = ["restore", "snapshot"]

_KEYS = ("parameters", "state", "generator", "hyperparameters", "history", "epochs")


def snapshot(trainer: Any) -> dict[str, Any]:
    """Return a copy of what a trainer goes on from.

    Parameters
    ----------
    trainer : Trainer
        Of a generated module.
    """
    _require_trainer(trainer)
    named = trainer.parameters._asdict().items()
    return {
        "parameters": {name: np.array(array) for name, array in named},
        "state": trainer._state.copy(),
        "generator": copy.deepcopy(trainer._generator.bit_generator.state),
        "hyperparameters": dict(trainer.hyperparameters),
        "history": copy.deepcopy(trainer.history),
        "epochs": trainer.epochs,
    }


def restore(trainer: Any, found: Mapping[str, Any]) -> None:
    """Let a trainer go on from what another one, or itself, was at; all of it or, wrong, nothing.

    Parameters
    ----------
    trainer : Trainer
        Of a module with the same parameters and the same optimizer.
    found : mapping
        Of `snapshot`.

    Raises
    ------
    SymbpError
        A part is missing or of another size.
    """
    _require_trainer(trainer)
    missing = [key for key in _KEYS if key not in found]
    if missing:
        raise SymbpError(f"restore: no {missing[0]!r} in what was given, expected a snapshot")
    network, given = trainer.network, found["parameters"]
    flat = np.empty_like(trainer._flat)
    for name, view in zip(network.record._fields, network.views(flat), strict=True):
        if name not in given:
            raise SymbpError(f"restore: no parameter {name!r}; got {', '.join(given)}")
        view[...] = _checked(name, given[name], view.shape)
    state = _checked("state", found["state"], trainer._state.shape).astype(flat.dtype)
    try:
        network.hyperparameter_values(dict(found["hyperparameters"]))
        generator = copy.deepcopy(trainer._generator)
        generator.bit_generator.state = found["generator"]
    except (KeyError, TypeError, ValueError) as error:
        raise SymbpError(f"restore: {error}") from None
    # New arrays: those that were there may be mapped from a file, which can only be read.
    trainer._flat, trainer._state, trainer._generator = flat, state, generator
    trainer.hyperparameters = dict(found["hyperparameters"])
    trainer.history, trainer.epochs = copy.deepcopy(found["history"]), int(found["epochs"])


def _checked(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    if array.shape != shape:
        raise SymbpError(f"restore: {name} has shape {array.shape}, expected {shape}")
    if array.dtype.kind != "f":
        raise SymbpError(f"restore: {name} is of dtype {array.dtype}, expected real numbers")
    return array


def _require_trainer(trainer: Any) -> None:
    if not hasattr(trainer, "_flat") or not hasattr(trainer, "network"):
        raise SymbpError(f"expected a trainer of symbp.compile, got {type(trainer).__name__}")
