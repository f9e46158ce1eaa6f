"""The entry points of a generated module: what a user calls.

Parameters and arrays go in, checked by `arguments.py`; the kernels compute. `Trainer` owns a flat
buffer, and the public functions look for one under the parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.targets.numba.runtime.arguments import Arguments, sizes_of


def extents(
    shape: Sequence[Any], rows: int, sizes: Mapping[Any, int] | None = None
) -> tuple[Any, ...]:
    """Return a shape with a number of rows, and with the sizes that arrays tell."""
    known = sizes or {}
    return tuple([rows if extent is None else known.get(extent, extent) for extent in shape])


class EntryPoints(Arguments):
    """The kernels of a module, called with what was checked.

    Parameters
    ----------
    *described
        See `Arguments`.
    output : tuple, optional
        The shape of the output (None is N), if there is one.
    threshold : float
        What a single output exceeds for class 1.
    state_size : int
        Numbers that the optimizer keeps.
    kernels : dict of str to callable
        By name: predict, loss, gradient and epoch.
    """

    def __init__(
        self,
        *described: Any,
        output: tuple[int | None, ...] | None,
        threshold: float,
        state_size: int,
        kernels: dict[str, Callable[..., Any]],
    ) -> None:
        super().__init__(*described)
        self.output, self.threshold, self.state_size = output, threshold, state_size
        self.predict_kernel = kernels.get("predict")
        self.loss_kernel, self.gradient_kernel = kernels["loss"], kernels["gradient"]
        self.epoch_kernel = kernels["epoch"]
        self.output_of_one = extents(output or (), 1)
        # Whether arrays tell sizes besides the number of rows.
        self.sized = any(isinstance(e, str) for argument in self.arguments for e in argument[2])
        # The shape of a single example, if a program with an output has one input of real numbers.
        self.one_example: Any = None
        if output is not None and [argument[3] for argument in self.inputs] == ["real"]:
            self.one_example = extents(self.inputs[0][2], 1)

    def initial_parameters(self, seed: int = 0) -> Any:
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
        parameters = self.views(np.empty(self.count, self.dtype))
        for array, (_, shape, (law, value)) in zip(parameters, self.parameters, strict=True):
            if law == "normal":
                array[...] = generator.normal(0.0, value, shape)
            elif law == "uniform":
                array[...] = generator.uniform(-value, value, shape)
            else:
                array[...] = value
        return parameters

    def predict(self, flat: NDArray[Any], inputs: Sequence[Any]) -> NDArray[Any]:
        """Return the output."""
        # One example, as the kernel takes it, is asked for no more than it needs: the checks below
        # take longer than a small network. What is odd in any way goes on to them.
        if (
            len(inputs) == 1
            and type(x := inputs[0]) is np.ndarray
            and x.shape == self.one_example
            and x.dtype is self.dtype
            and x.flags.carray
        ):
            output = np.empty(self.output_of_one, self.dtype)
            self.predict_kernel(flat, output, x)  # type: ignore[misc]
            return output
        if self.output is None or self.predict_kernel is None:
            raise TypeError(
                "predict: this program defines a cost only, it has no output to predict"
            )
        arrays, rows = self.check_arrays("predict", self.inputs, inputs)
        sizes = sizes_of(self.inputs, arrays) if self.sized else None
        output = np.empty(extents(self.output, rows, sizes), self.dtype)
        self.predict_kernel(flat, output, *arrays)
        return output

    def training_cost(self, flat: NDArray[Any], arrays: Sequence[NDArray[Any]]) -> float:
        """Return the cost whose gradient there is, for arrays that were checked."""
        return float(self.loss_kernel(flat, *arrays))

    def loss(self, flat: NDArray[Any], arrays: Sequence[ArrayLike]) -> float:
        """Return the cost."""
        checked, _ = self.check_arrays("loss", self.arguments, arrays)
        return float(self.loss_kernel(flat, *checked))

    def gradient(self, flat: NDArray[Any], arrays: Sequence[ArrayLike]) -> tuple[float, Any]:
        """Return the cost and its derivatives by the parameters."""
        checked, _ = self.check_arrays("gradient", self.arguments, arrays)
        gradients = np.empty(self.count, self.dtype)
        return float(self.gradient_kernel(flat, gradients, *checked)), self.views(gradients)

    def classes_of(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """Return the classes that outputs of shape (…, outputs) say, of shape (…).

        That of the largest; of a single output, 1 where it exceeds the threshold and else 0.
        """
        if outputs.shape[-1] > 1:
            return np.asarray(outputs.argmax(axis=-1), np.int64)
        return np.asarray(outputs[..., 0] > self.threshold, np.int64)
