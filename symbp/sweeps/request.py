"""A sweep as a TOML file says it, for ``symbp sweep``."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from symbp.networks.network import mlp
from symbp.networks.optimizers import named_optimizer
from symbp.notation.errors import SymbpError, suggest
from symbp.sweeps.results import Sweep
from symbp.sweeps.sweep import TRAINING, sweep
from symbp.training.datasets import Dataset, load_dataset
from symbp.training.matching import matched

__all__ = ["Request", "read_request", "run_request"]

_KINDS: dict[str, tuple[type, ...]] = {
    "layers": (list,),
    "data": (str,),
    "target": (str,),
    "activation": (str,),
    "loss": (str,),
    "optimizer": (str,),
    "learning_rate": (int, float),
    "epochs": (int,),
    "batch_size": (int,),
    "patience": (int,),
    "cv": (int,),
    "validation": (float,),
    "seeds": (int, list),
    "draws": (int,),
    "seed": (int,),
    "dtype": (str,),
    "backend": (str,),
    "workers": (int,),
    "store": (str,),
    "grid": (dict,),
}
_NAMES = {int: "a whole number", float: "a number", str: "a text", list: "a list", dict: "a table"}
#: What a grid may vary; all but those of the training are given to the network or its optimizer.
_VARIED = ("layers", "activation", "loss", "optimizer", "learning_rate", *TRAINING)
_NEEDED = ("layers", "data", "grid")


@dataclass(frozen=True)
class Request:
    """What a file says.

    Attributes
    ----------
    path : Path
        The file, for messages.
    values : mapping of str to object
        Its keys, of the right types.
    """

    path: Path
    values: Mapping[str, Any]


def read_request(path: Path) -> Request:
    """Read a file; raise in one line, with the key, what is wrong in it.

    Parameters
    ----------
    path : Path
        A TOML file.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SymbpError(f"{path}: {error}") from error
    for key, value in values.items():
        if key not in _KINDS:
            raise SymbpError(f"{path}: no key {key!r}; {suggest(key, _KINDS)}")
        kinds = _KINDS[key]
        if not isinstance(value, kinds) or isinstance(value, bool):
            expected = " or ".join(_NAMES[kind] for kind in kinds)
            raise SymbpError(f"{path}: {key}: expected {expected}, got {value!r}")
    for key in _NEEDED:
        # What the grid says need not stand above it.
        if key not in values and key not in values.get("grid", {}):
            raise SymbpError(f"{path}: {key} is missing")
    for key, value in values["grid"].items():
        if key not in _VARIED:
            raise SymbpError(f"{path}: grid.{key}: {suggest(key, _VARIED)}")
        if not isinstance(value, list) or not value:
            raise SymbpError(f"{path}: grid.{key}: expected a list of values, got {value!r}")
    each = values["grid"].get("layers", [values.get("layers")])
    for sizes in each:
        whole = isinstance(sizes, list) and all(type(n) is int and n > 0 for n in sizes)
        if not whole:
            raise SymbpError(f"{path}: layers: expected sizes such as [32, 16], got {sizes!r}")
    return Request(path, values)


def run_request(request: Request, **options: Any) -> Sweep:
    """Run the sweep of a file.

    Parameters
    ----------
    request : Request
        What the file says.
    **options
        Of :func:`symbp.sweep`, in place of what the file says.
    """
    values = dict(request.values)
    name = values["data"]
    beside = request.path.parent / name
    # A file is looked for beside the one that names it.
    named = str(beside) if name.endswith((".csv", ".npz")) else name
    dataset = load_dataset(named, values.get("target"))
    if dataset.classes is None:
        dataset = _with_usual_targets(dataset)
    dtype = values.get("dtype", "float32")
    make = _maker(values, dataset)
    x, y = matched(dataset, make(**_first(values["grid"]))[0], dtype)
    taken = ("cv", "validation", "seeds", "draws", "seed", "backend", "workers", *TRAINING)
    given: dict[str, Any] = {key: values[key] for key in taken if key in values}
    if "store" in values:
        given["store"] = request.path.parent / values["store"]
    if "cv" not in given and "validation" not in given:
        given["validation"] = 0.2
    given["dtype"] = dtype
    return sweep(make, values["grid"], x, y, standardise=True, **(given | options))


def _first(grid: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {name: listed[0] for name, listed in grid.items() if name not in TRAINING}


def _maker(values: Mapping[str, Any], dataset: Dataset) -> Callable[..., Any]:
    usual = "mean_squared_error" if dataset.classes is None else "softmax_cross_entropy"

    def make(**settings: Any) -> Any:
        said = {**values, **settings}
        sizes = (dataset.features, *said["layers"], dataset.outputs)
        program = mlp(
            *sizes, activation=said.get("activation", "relu"), loss=said.get("loss", usual)
        )
        rate = said.get("learning_rate")
        return program, named_optimizer(said.get("optimizer", "adam"), rate)

    return make


def _with_usual_targets(dataset: Dataset) -> Dataset:
    """Return numbers to predict with zero mean and unit variance, so that one rate serves any."""
    y = dataset.y.astype("float64")
    scale = y.std(axis=0)
    return replace(dataset, y=(y - y.mean(axis=0)) / (scale + (scale == 0)))
