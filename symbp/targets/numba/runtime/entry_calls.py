"""What stands behind the entry points that a module was asked for, such as `hvp` or `jacobian`.

Parameters and directions go in by name or as one vector, arrays as `arguments.py` takes them; the
kernel writes its results into memory that is made here.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbp.targets.numba.runtime.arguments import numbers, sizes_of
from symbp.targets.numba.runtime.entry_points import extents
from symbp.targets.numba.runtime.gradient_check import Network


class EntryPoint(NamedTuple):
    """How a kernel is called: what it takes, what it writes, what it returns."""

    name: str
    arguments: tuple[Any, ...]
    """A name for what holds all parameters, or what an array must be, as in _ARGUMENTS."""
    results: tuple[Any, ...]
    """None for what holds all parameters, or the shape of an array (None is N)."""
    returns: bool
    flat: bool
    """Whether what holds all parameters is passed and returned as a vector."""


class NetworkWithEntries(Network):
    """A network with further entry points, which take parameters as vectors too."""

    def as_vector(self, parameters: Any) -> NDArray[Any]:
        """Return all parameters one after another, in a vector of their own.

        Parameters
        ----------
        parameters : Parameters, or a tuple or dict of arrays
            Or gradients, or a direction: anything with the same fields.

        Returns
        -------
        vector : ndarray of DTYPE
            In the order of the fields, each row after row: what `scipy.optimize` takes.
        """
        return self.packed("parameters", parameters).copy()

    def as_parameters(self, vector: ArrayLike) -> Any:
        """Return the parameters that lie one after another along the last axis of an array.

        Parameters
        ----------
        vector : array_like, its last axis as long as there are parameters
            A vector, or a matrix or more: the rows of a Jacobian or a Hessian have the same order.

        Returns
        -------
        parameters : Parameters
            Views, where `vector` is an array: of shape (2, 3) for a parameter of that shape and one
            vector, (N, 2, 3) for N of them.
        """
        array = numbers("vector", vector, "biuf")
        if array.ndim == 0 or array.shape[-1] != self.count:
            wanted = f"a last axis of {self.count} parameters"
            raise ValueError(f"vector: expected {wanted}, got shape {array.shape}")
        rows = array.shape[:-1]
        return self.record(
            *[array[..., place].reshape((*rows, *shape)) for place, shape in self.places]
        )

    def packed(self, label: str, value: Any) -> NDArray[Any]:
        """Return the flat buffer of what has the fields of Parameters, or of a vector."""
        if isinstance(value, np.ndarray) and value.ndim == 1:
            array = numbers(label, value, "biuf")
            if array.shape != (self.count,):
                raise ValueError(f"{label}: expected shape ({self.count},), got {array.shape}")
            array = np.ascontiguousarray(array, self.dtype)
            return array if array.flags.carray else array.copy()
        try:
            return self.flatten(value)
        except (TypeError, ValueError) as error:
            said = str(error).replace("parameters", label, 1)
            said = said.replace("dict of arrays", f"dict of arrays, or a vector of {self.count}")
            raise type(error)(said) from None

    def call_entry(
        self, kernel: Callable[..., Any], entry: EntryPoint, values: Sequence[Any]
    ) -> Any:
        """Check and run an entry point; return what it returns, then what it has written."""
        given = list(zip(entry.arguments, values, strict=True))
        packed = [self.packed(what, value) for what, value in given if isinstance(what, str)]
        expected = [what for what, _ in given if not isinstance(what, str)]
        arrays = [value for what, value in given if not isinstance(what, str)]
        checked, rows = self.check_arrays(entry.name, expected, arrays)
        sizes = sizes_of(expected, checked) if self.sized else None
        written: list[Any] = [
            np.empty(self.count if shape is None else extents(shape, rows, sizes), self.dtype)
            for shape in entry.results
        ]
        returned = kernel(*packed, *written, *checked)
        results: list[Any] = [
            self.views(array) if shape is None and not entry.flat else array
            for array, shape in zip(written, entry.results, strict=True)
        ]
        if entry.flat:
            # Minimisers go on with what they get, and compute in double precision.
            results = [array.astype(np.float64, copy=False) for array in results]
        if entry.returns:
            results.insert(0, float(returned))
        return results[0] if len(results) == 1 else tuple(results)
