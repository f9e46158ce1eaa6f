"""The entry points of a generated module: what a user calls.

Parameters and arrays go in, checked by `arguments.py`; the kernels compute. Behind each public
function stands one that takes the flat buffer, which `Trainer` owns and need not look for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.targets.numba.runtime.arguments import (
    _INPUTS,
    _PARAMETER_COUNT,
    _check_arrays,
    _flatten,
    _views,
)
from symbp.targets.numba.runtime.stand_in import (
    _ARGUMENTS,
    _OUTPUT,
    _OUTPUT_SHAPE,
    _PARAMETERS,
    DTYPE,
    Parameters,
    _gradient_kernel,
    _loss_kernel,
    _predict_kernel,
)

# Entry points


def initial_parameters(seed: int = 0) -> Parameters:
    """Draw the parameters that training starts from.

    Parameters
    ----------
    seed : int
        The same seed gives the same parameters.

    Returns
    -------
    parameters : Parameters
        Views over one new contiguous buffer of DTYPE.
    """
    generator = np.random.default_rng(seed)
    parameters = _views(np.empty(_PARAMETER_COUNT, DTYPE))
    for array, (_, shape, (law, value)) in zip(parameters, _PARAMETERS, strict=True):
        if law == "normal":
            array[...] = generator.normal(0.0, value, shape)
        elif law == "uniform":
            array[...] = generator.uniform(-value, value, shape)
        else:
            array[...] = value
    return parameters


def predict(parameters: Any, *inputs: ArrayLike) -> NDArray[Any]:
    """Return the output of the network, an array of DTYPE and of shape _OUTPUT_SHAPE.

    Parameters
    ----------
    parameters : Parameters, or a tuple or dict of arrays
        Used without a copy if they are views over one buffer, as from `initial_parameters`.
    *inputs : array_like
        In the order and of the shapes of _ARGUMENTS (None is N, the number of examples).
        NaN and infinity propagate.

    Raises
    ------
    TypeError, ValueError
        In one line: which argument, what was expected, what came.
    """
    return _predict(_flatten(parameters), inputs)


def loss(parameters: Any, *arrays: ArrayLike) -> float:
    """Return the cost.

    Takes and raises what `predict` does, with the targets after the inputs. A target of classes may
    be integer labels (N,), a target of shape (N, 1) may be (N,).
    """
    return _loss(_flatten(parameters), arrays)


def gradient(parameters: Any, *arrays: ArrayLike) -> tuple[float, Parameters]:
    """Return the cost and its gradient with respect to every parameter.

    Takes and raises what `loss` does. The gradient is a Parameters, of views over one new buffer.
    """
    return _gradient(_flatten(parameters), arrays)


def _extents(shape: Sequence[int | None], rows: int) -> tuple[int, ...]:
    return tuple([rows if extent is None else extent for extent in shape])


_OUTPUT_OF_ONE = _extents(_OUTPUT_SHAPE or (), 1)
# The shape of a single example, if a program with an output has one input, of real numbers.
_ONE_EXAMPLE: Any = None
if _OUTPUT is not None and [argument[3] for argument in _INPUTS] == ["real"]:
    _ONE_EXAMPLE = _extents(_INPUTS[0][2], 1)


def _predict(flat: NDArray[Any], inputs: Sequence[Any]) -> NDArray[Any]:
    # One example, as the kernel takes it, is asked for no more than it needs: the checks below
    # take longer than a small network. What is odd in any way goes on to them.
    if (
        len(inputs) == 1
        and type(x := inputs[0]) is np.ndarray
        and x.shape == _ONE_EXAMPLE
        and x.dtype is DTYPE
        and x.flags.carray
    ):
        output = np.empty(_OUTPUT_OF_ONE, DTYPE)
        _predict_kernel(flat, output, x)
        return output
    if _OUTPUT is None:
        raise TypeError("predict: this program defines a cost only, it has no output to predict")
    arrays, rows = _check_arrays("predict", _INPUTS, inputs)
    output = np.empty(_extents(_OUTPUT_SHAPE or (), rows), DTYPE)
    _predict_kernel(flat, output, *arrays)
    return output


def _loss(flat: NDArray[Any], arrays: Sequence[ArrayLike]) -> float:
    checked, _ = _check_arrays("loss", _ARGUMENTS, arrays)
    return float(_loss_kernel(flat, *checked))


def _gradient(flat: NDArray[Any], arrays: Sequence[ArrayLike]) -> tuple[float, Parameters]:
    checked, _ = _check_arrays("gradient", _ARGUMENTS, arrays)
    gradients = np.empty(_PARAMETER_COUNT, DTYPE)
    return float(_gradient_kernel(flat, gradients, *checked)), _views(gradients)
