"""A stand-in for the generated part of a module: what the generator writes for each program.

It is an affine regression, z = W x + b, with mean squared error and descent with momentum, in plain
NumPy, so that what surrounds the kernels of a module is tested without compiling any.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.gradient_check import Network
from symbp.targets.numba.runtime.trainer import NetworkTrainer

DTYPE: np.dtype[Any] = np.dtype("float64")
SIGNATURE = "stand-in"
EQUATIONS = {"z": "z_{nj} = \\sum_k W_{jk} x_{nk} + b_j", "C": "C = \\overline{(z - y)^2}"}


class Parameters(NamedTuple):
    """The parameters, views over one contiguous buffer."""

    W: NDArray[Any]
    b: NDArray[Any]


_Shape = tuple[int | None, ...]

_PARAMETERS: tuple[tuple[str, tuple[int, ...], tuple[str, float]], ...] = (
    ("W", (2, 3), ("normal", 0.5)),
    ("b", (2,), ("constant", 0.0)),
)
_ARGUMENTS: tuple[tuple[str, str, _Shape, str, int | None], ...] = (
    ("x", "input", (None, 3), "real", None),
    ("y", "target", (None, 2), "real", None),
)
_STATE_SIZE = 8
_HYPERPARAMETERS: dict[str, float] = {"learning_rate": 0.1, "momentum": 0.5}
# What each must be above (or at least) and below.
_RANGES: dict[str, tuple[float, bool, float]] = {
    "learning_rate": (0.0, True, float("inf")),
    "momentum": (0.0, False, 1.0),
}
_OUTPUT: _Shape | None = (None, 2)
_THRESHOLD = 0.5


def _affine(parameters_flat: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(x @ parameters_flat[:6].reshape(2, 3).T + parameters_flat[6:])


def _predict_kernel(parameters_flat: NDArray[Any], z: NDArray[Any], x: NDArray[Any]) -> None:
    z[...] = _affine(parameters_flat, x)


def _loss_kernel(parameters_flat: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> float:
    return float(np.mean((_affine(parameters_flat, x) - y) ** 2))


def _gradient_kernel(
    parameters_flat: NDArray[Any], gradients_flat: NDArray[Any], x: NDArray[Any], y: NDArray[Any]
) -> float:
    residual = _affine(parameters_flat, x) - y
    delta = 2.0 / residual.size * residual
    gradients_flat[:6] = (delta.T @ x).ravel()
    gradients_flat[6:] = delta.sum(axis=0)
    return float(np.mean(residual**2))


def _epoch_kernel(
    parameters_flat: NDArray[Any],
    state_flat: NDArray[Any],
    hyperparameters: NDArray[Any],
    order: NDArray[np.int64],
    batch_size: int,
    x: NDArray[Any],
    y: NDArray[Any],
) -> float:
    total = 0.0
    gradients = np.empty_like(parameters_flat)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        total += len(rows) * _gradient_kernel(parameters_flat, gradients, x[rows], y[rows])
        state_flat[:] = hyperparameters[1] * state_flat - hyperparameters[0] * gradients
        parameters_flat += state_flat
    return total / len(order)


NETWORK = Network(
    DTYPE, SIGNATURE, Parameters, _PARAMETERS, _ARGUMENTS, _HYPERPARAMETERS, _RANGES,
    output=_OUTPUT,
    threshold=_THRESHOLD,
    state_size=_STATE_SIZE,
    kernels={
        "predict": _predict_kernel,
        "loss": _loss_kernel,
        "gradient": _gradient_kernel,
        "epoch": _epoch_kernel,
    },
)  # fmt: skip


class Trainer(NetworkTrainer):
    """Trains the stand-in."""

    network = NETWORK
