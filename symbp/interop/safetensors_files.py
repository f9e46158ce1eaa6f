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
from symbp.training.snapshots import restore, snapshot
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
    found = snapshot(trainer)
    tensors = dict(found["parameters"])
    tensors |= {_STATE + name: array for name, array in _states(trainer).items()}
    tensors[_REST] = found["state"]
    metadata = {
        "format": "symbp",
        "version": _VERSION,
        "signature": _signature(trainer),
        "hyperparameters": json.dumps(found["hyperparameters"], default=float),
        "history": json.dumps(found["history"], default=float),
        "epochs": str(found["epochs"]),
        "generator": json.dumps(found["generator"]),
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
    found = snapshot(trainer)
    found["parameters"] = {
        name: _tensor(path, tensors, (names or {}).get(name, name), name, array)
        for name, array in found["parameters"].items()
    }
    if not whole:
        restore(trainer, found)
        return trainer
    if metadata.get("version") != _VERSION:
        raise SymbpError(f"{path}: version {metadata.get('version')!r} of the format, expected '1'")
    if metadata.get("signature") != _signature(trainer):
        raise SymbpError(
            f"{path}: saved by program {metadata.get('signature')}, this is "
            f"{_signature(trainer)}; names= reads its parameters alone"
        )
    found["state"] = _tensor(path, tensors, _REST, "the optimizer's numbers", found["state"])
    try:
        for key in ("generator", "history", "hyperparameters"):
            found[key] = json.loads(metadata[key])
        found["epochs"] = int(metadata["epochs"])
        restore(trainer, found)
    except (KeyError, TypeError, ValueError, SymbpError) as error:
        raise SymbpError(f"{path}: its metadata are damaged ({error})") from None
    return trainer


def _library() -> Any:
    try:
        return importlib.import_module("safetensors.numpy")
    except ImportError:
        raise UnsupportedError("this needs safetensors: pip install symbp[safetensors]") from None


def _signature(trainer: Trainer) -> str:
    network: Any = getattr(trainer, "network", None)
    return str(network.signature)


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
