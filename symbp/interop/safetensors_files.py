"""Parameters, and all of a trainer, in the safetensors format: names, shapes and bytes, no code."""

import importlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from symbp.notation.errors import SymbpError, UnsupportedError, suggest
from symbp.notation.files import write_bytes
from symbp.training.trainer import Trainer

__all__ = ["load_safetensors", "save_safetensors"]

_VERSION = "1"
_STATE, _REST = "state.", "optimizer"


def save_safetensors(trainer: Trainer, path: str | os.PathLike[str]) -> Path:
    """Write a trainer's parameters by their names, and the rest of what training goes on from.

    Parameters
    ----------
    trainer : Trainer
        Of :func:`symbp.compile`, or of a generated module.
    path : path
        Where to write; the file appears only when it is complete.

    Returns
    -------
    Path
        The file: a tensor for each parameter, ``state.NAME`` for each state, ``optimizer`` for the
        optimizer's numbers; metadata with the format, the program's signature, hyperparameters,
        history and the generator of the shuffling.

    Raises
    ------
    UnsupportedError
        The package safetensors is not here.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import symbp as bp
    >>> from symbp.interop import load_safetensors, save_safetensors
    >>> net = bp.mlp(2, 4, 1)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.safetensors"
    >>> save_safetensors(bp.compile(net, seed=1), path).name             # doctest: +SKIP
    'net.safetensors'
    >>> load_safetensors(bp.compile(net), path).epochs                   # doctest: +SKIP
    0
    """
    format_of = _library()
    held = _held(trainer)
    tensors = dict(trainer.parameters._asdict())
    tensors |= {_STATE + name: array for name, array in _states(trainer).items()}
    tensors[_REST] = held._state
    metadata = {
        "format": "symbp",
        "version": _VERSION,
        "signature": held.network.signature,
        "hyperparameters": json.dumps(trainer.hyperparameters, default=float),
        "history": json.dumps(trainer.history, default=float),
        "epochs": str(trainer.epochs),
        "generator": json.dumps(held._generator.bit_generator.state),
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    write_bytes(Path(path), format_of.save(arrays, metadata))
    return Path(path)


def load_safetensors(
    trainer: Trainer, path: str | os.PathLike[str], names: Mapping[str, str] | None = None
) -> Trainer:
    """Read parameters into a trainer; from a file of `save_safetensors`, all that it held.

    Parameters
    ----------
    trainer : Trainer
        Of the same program; what it holds is replaced, when everything was found to be right.
    path : path
        Of any safetensors file, such as a ``state_dict`` that PyTorch wrote.
    names : mapping of str to str, optional
        The tensor of the file for each parameter, where their names differ:
        ``{"W1": "0.weight", "b1": "0.bias"}``. Then parameters alone are read.

    Returns
    -------
    Trainer
        The same one.

    Raises
    ------
    SymbpError
        The file is damaged, a tensor is missing, of another shape or not finite, or the file is of
        another program. Nothing is changed then.
    UnsupportedError
        The package safetensors is not here.
    """
    _library()
    path = Path(path)
    tensors, metadata = _read(path)
    whole = names is None and metadata.get("format") == "symbp"
    held = _held(trainer)
    flat = held._flat.copy()
    for name, view in zip(trainer.parameters._fields, held.network.views(flat), strict=True):
        view[...] = _tensor(path, tensors, (names or {}).get(name, name), name, view)
    if not whole:
        held._flat[...] = flat
        return trainer
    if metadata.get("version") != _VERSION:
        raise SymbpError(f"{path}: version {metadata.get('version')!r} of the format, expected '1'")
    if metadata.get("signature") != held.network.signature:
        raise SymbpError(
            f"{path}: saved by program {metadata.get('signature')}, this is "
            f"{held.network.signature}; names= reads its parameters alone"
        )
    rest = _tensor(path, tensors, _REST, "the optimizer's numbers", held._state)
    try:
        generator = json.loads(metadata["generator"])
        held._generator.bit_generator.state = generator
        history, epochs = json.loads(metadata["history"]), int(metadata["epochs"])
        hyperparameters = dict(json.loads(metadata["hyperparameters"]))
        held.network.hyperparameter_values(hyperparameters)
    except (KeyError, TypeError, ValueError) as error:
        raise SymbpError(f"{path}: its metadata are damaged ({error})") from None
    held._flat[...], held._state[...] = flat, rest
    trainer.history, trainer.epochs, trainer.hyperparameters = history, epochs, hyperparameters
    return trainer


def _library() -> Any:
    try:
        return importlib.import_module("safetensors.numpy")
    except ImportError:
        raise UnsupportedError("this needs safetensors: pip install symbp[safetensors]") from None


def _held(trainer: Trainer) -> Any:
    """Return the trainer as what generated modules make: numbers in one vector, and a network."""
    if not hasattr(trainer, "_flat") or not hasattr(trainer, "network"):
        raise SymbpError(f"expected a trainer of symbp.compile, got {type(trainer).__name__}")
    return trainer


def _states(trainer: Trainer) -> dict[str, Any]:
    state = getattr(trainer, "state", None)
    return {} if state is None else dict(state._asdict())


def _read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    library = importlib.import_module("safetensors")
    if not path.is_file():
        raise SymbpError(f"{path}: no such file")
    try:
        with library.safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, dict(file.metadata() or {})
    except library.SafetensorError as error:
        raise SymbpError(f"{path}: no safetensors file ({error})") from None


def _tensor(path: Path, tensors: dict[str, Any], key: str, name: str, expected: Any) -> Any:
    if key not in tensors:
        raise SymbpError(f"{path}: no tensor {key!r} for {name}; {suggest(key, tensors)}")
    found = tensors[key]
    if found.shape != expected.shape:
        raise SymbpError(f"{path}: {key} has shape {found.shape}, {name} {expected.shape}")
    if found.dtype.kind != "f" or not np.isfinite(found).all():
        raise SymbpError(f"{path}: {key} holds what is no finite number")
    return found
