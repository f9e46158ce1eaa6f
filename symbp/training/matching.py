"""Bring a data set into the shape in which a program's input and target expect it."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symbp.notation.errors import SymbpError

if TYPE_CHECKING:
    from symbp.notation.program import Program
    from symbp.notation.tensor import Tensor
    from symbp.training.datasets import Dataset

__all__ = ["described", "matched", "suggested_shorthand"]


def described(dataset: "Dataset") -> str:
    """Return what a network must match, such as ``digits has 64 features and 10 classes``.

    Parameters
    ----------
    dataset : Dataset
        Any data set.

    Returns
    -------
    str
        A clause for a message.
    """
    kind = "number to predict" if dataset.classes is None else "class"
    plural = {"class": "classes", "number to predict": "numbers to predict"}[kind]
    features = f"{dataset.features} feature{'s' * (dataset.features != 1)}"
    outputs = f"{dataset.outputs} {kind if dataset.outputs == 1 else plural}"
    return f"{dataset.name} has {features} and {outputs}"


def suggested_shorthand(dataset: "Dataset", sizes: tuple[int, ...]) -> str | None:
    """Return the shorthand that fits a data set, or None if the given one does.

    Parameters
    ----------
    dataset : Dataset
        What is to be learnt.
    sizes : tuple of int
        The layer sizes that the user wrote.

    Returns
    -------
    str or None
        The user's hidden layers between the sizes that the data set has.
    """
    # One output tells two classes apart.
    fitting = {dataset.outputs, 1} if len(dataset.classes or ()) == 2 else {dataset.outputs}
    if sizes[0] == dataset.features and sizes[-1] in fitting:
        return None
    return "-".join(str(size) for size in (dataset.features, *sizes[1:-1], dataset.outputs))


def matched(
    dataset: "Dataset", program: "Program", dtype: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the arrays of a data set as a program's input and target take them.

    Parameters
    ----------
    dataset : Dataset
        N examples.
    program : Program
        With one input and one target, each with the examples as its first index.
    dtype : str
        ``"float32"`` or ``"float64"``.

    Returns
    -------
    x : array of shape (N, …)
        The features, reshaped to the input's other extents (an image, say).
    y : array
        Integer labels where the target takes classes; otherwise one column an output, one-hot
        for classes, or 0 and 1 for two classes on a single output.

    Raises
    ------
    SymbpError
        If the program has not one input and one target, or their sizes are not the data's.
    """
    source = _only(program.inputs, "input")
    target = _only(program.targets, "target")
    inner = tuple(source.shape[1:])
    if not all(isinstance(extent, int) for extent in inner) or math.prod(inner) != dataset.features:
        shape = ", ".join(str(extent) for extent in source.shape)
        raise SymbpError(f"{described(dataset)}: input {source.name} has shape ({shape})")
    x = np.ascontiguousarray(dataset.x.reshape(len(dataset), *inner), dtype=dtype)
    outputs = target.shape[-1] if target.rank > 1 else None
    if dataset.classes is None:
        if outputs is None and dataset.outputs == 1 and target.kind == "real":
            return x, dataset.y.reshape(-1).astype(dtype)
        if outputs == dataset.outputs and target.kind == "real":
            return x, dataset.y.astype(dtype)
    else:
        if target.kind == "integer" and outputs is None:
            return x, dataset.y.astype(np.int64)
        if outputs == dataset.outputs:
            if target.kind in ("classes", "distribution"):
                return x, dataset.y.astype(np.int64)
            return x, np.eye(dataset.outputs, dtype=dtype)[dataset.y.astype(np.int64)]
        if outputs == 1 and dataset.outputs == 2:
            return x, dataset.y.reshape(-1, 1).astype(dtype)
    shape = ", ".join(str(extent) for extent in target.shape)
    raise SymbpError(
        f"{described(dataset)}: target {target.name} has shape ({shape}) of kind {target.kind}"
    )


def _only(tensors: "tuple[Tensor, ...]", role: str) -> "Tensor":
    if len(tensors) != 1:
        names = f" ({', '.join(tensor.name for tensor in tensors)})" if tensors else ""
        raise SymbpError(
            f"training on a data set needs one {role}; this network has {len(tensors)}{names}"
        )
    return tensors[0]
