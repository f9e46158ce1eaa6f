"""A check that a generated module carries with it: its gradient against differences of its loss.

Nothing goes in but a seed; out comes the largest relative error, or an ArithmeticError that says
where the two disagree. It uses the kernels alone, so that it holds for the compiled code, on the
machine at hand. `python MODULE.py --check` runs it.
"""

import argparse
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.arguments import class_count, ends_of, place
from symbp.targets.numba.runtime.entry_points import EntryPoints, extents

# So many steps are tried, each an eighth of the one before.
SHORTER = 6


class Differences:
    """The cost around random parameters, and its difference quotients.

    Parameters
    ----------
    network : EntryPoints
        The module's.
    seed : int
        Seed of the parameters, of the data and of what is compared.
    examples : int
        Rows of the random batch.
    """

    def __init__(self, network: EntryPoints, seed: int, examples: int) -> None:
        self.network = network
        # The step balances truncation against rounding of a central difference.
        single = network.dtype.itemsize < 8
        self.step, self.tolerance = (1e-2, 1e-2) if single else (1e-5, 1e-6)
        self.generator = np.random.default_rng(seed)
        parameters = network.initial_parameters(seed)
        for array, (_, shape, (law, _)) in zip(parameters, network.parameters, strict=True):
            if law == "constant":  # zeros would hide errors: they make other gradients vanish
                array[...] += 0.1 * self.generator.standard_normal(shape)
        self.flat = network.flatten(parameters)
        for positive in (False, True):  # logarithms or roots may need positive data
            self.arrays = self.random_arrays(examples, positive)
            self.cost = self.cost_at(self.flat)
            if math.isfinite(self.cost):
                break
        else:
            raise ArithmeticError(f"the cost at random values is {self.cost}: nothing to compare")
        self.gradients = np.empty_like(self.flat)
        found = float(network.gradient_kernel(self.flat, self.gradients, *self.arrays))
        if not abs(found - self.cost) <= self.tolerance * max(1.0, abs(self.cost)):
            raise ArithmeticError(f"gradient returns the cost {found}, loss returns {self.cost}")
        # What rounding is relative to: the loss, and its terms, if they cancel here.
        scaled = (self.flat * network.dtype.type(factor) for factor in (1.0, 0.9, 0.5))
        size = max(abs(self.cost_at(flat)) for flat in scaled)
        self.size = max(abs(self.cost), size if math.isfinite(size) else 0.0)

    def cost_at(self, flat: NDArray[Any]) -> float:
        """Return the cost for other parameters."""
        return float(self.network.loss_kernel(flat, *self.arrays))

    def random_arrays(self, examples: int, positive: bool) -> list[NDArray[Any]]:
        """Return arrays of every kind of argument."""
        arrays, generator = [], self.generator
        # A size that arrays tell may be any; 5 is enough for what reads neighbours.
        sizes = [e for argument in self.network.arguments for e in argument[2]]
        named = dict.fromkeys([e for e in sizes if isinstance(e, str)], 5)
        for argument in self.network.arguments:
            name, _, expected, kind, limit = argument
            shape = extents(expected, examples, named)
            value: NDArray[Any]
            if kind == "integer":
                low, high = ends_of(limit, named)
                low = max(low, min(0, high - 9))
                high = high if high < 2**62 else low + 9
                value = generator.integers(low, high, shape, endpoint=True)
            elif kind == "classes":
                classes = class_count(expected)
                value = generator.integers(0, max(classes, 2), shape[:-1] if classes > 1 else shape)
            elif kind == "distribution":
                value = generator.uniform(0.1, 1.0, shape)
                value /= value.sum(axis=-1, keepdims=True)
            elif positive:
                value = generator.uniform(0.1, 1.0, shape)
            else:
                value = generator.normal(size=shape)
            arrays.append(self.network.check_array(name, argument, value, finite=True))
        return arrays

    def one_sided(self, k: int, h: float) -> tuple[float, float]:
        """Return the difference quotients (right, left) at coordinate k."""
        flat, value = self.flat, self.flat[k]
        flat[k] = value + h
        right = (self.cost_at(flat) - self.cost) / float(flat[k] - value)
        flat[k] = value - h
        left = (self.cost_at(flat) - self.cost) / float(flat[k] - value)
        flat[k] = value
        return right, left

    def compare(self, k: int, h: float, scale: float) -> tuple[float, float] | None:
        """Return the relative error at coordinate k and the difference quotient, if it is clear."""
        slope = float(self.gradients[k])
        for _ in range(SHORTER):
            right, left = self.one_sided(k, h)
            mean = (right + left) / 2
            error = abs(mean - slope)
            if error <= self.tolerance * scale:
                return error / scale if scale else 0.0, mean
            if error <= 40 * float(np.finfo(self.network.dtype).eps) * self.size / h:
                return None  # rounding is all that there is
            # Where the loss is smooth, halving the step halves (right - left) and leaves the
            # mean of the two alone. A kink within the step changes one by 0.4 errors or more.
            right2, left2 = self.one_sided(k, h / 2)
            bend = abs(2 * (right2 - left2) - (right - left))
            drift = abs((right2 + left2) - (right + left)) / 2
            if math.isfinite(bend + drift) and not max(bend, drift) > 0.25 * error:
                return error / scale if scale else math.inf, mean
            h /= 8
        return None


class Network(EntryPoints):
    """What a module computes, and all that surrounds its kernels."""

    def check_gradient(self, seed: int = 0, examples: int = 4, step: float | None = None) -> float:
        """Compare `gradient` with central differences of `loss` at random values.

        Up to 60 random coordinates of each parameter are compared. Where the difference quotients
        change as the step is halved, the loss is steep or has a kink (of ReLU, say) within the
        step: shorter steps follow, and a coordinate is skipped if none of them is clear, or if its
        derivative is too small beside the loss for differences in this precision.

        Parameters
        ----------
        seed : int
            Seed of the parameters, of the data and of the coordinates.
        examples : int
            Number of examples in the random batch.
        step : float, optional
            Step of the differences, times max(1, |parameter|); by default 1e-5 (float64) or 1e-2.

        Returns
        -------
        error : float
            The largest, relative to the largest gradient of the same parameter.

        Raises
        ------
        ArithmeticError
            If the error exceeds 1e-6 (float64) or 1e-2 (float32), or if nothing could be compared.
        """
        return self.compare_gradient(seed, examples, step)[0]

    def compare_gradient(
        self, seed: int = 0, examples: int = 4, step: float | None = None
    ) -> tuple[float, int, int]:
        """Return the largest relative error, and how many coordinates were compared and skipped."""
        near = Differences(self, seed, examples)
        step = near.step if step is None else step
        worst, compared, skipped, start = 0.0, 0, 0, 0
        for name, shape, _ in self.parameters:
            count = math.prod(shape)
            part = np.abs(near.gradients[start : start + count])
            scale = float(np.max(part, initial=0.0, where=np.isfinite(part)))
            for k in near.generator.choice(count, min(count, 60), replace=False):
                h = step * max(1.0, abs(float(near.flat[start + k])))
                found = near.compare(start + k, h, scale)
                if found is None:
                    skipped += 1
                    continue
                error, mean = found
                if not error <= near.tolerance:
                    where, slope = (
                        place(name, np.unravel_index(k, shape)),
                        near.gradients[start + k],
                    )
                    raise ArithmeticError(
                        f"the gradient of {where} is {float(slope):.9g}, differences give "
                        f"{mean:.9g}: relative error {error:.1e}, tolerance {near.tolerance:g}"
                    )
                worst = max(worst, error)
                compared += 1
            start += count
        if compared == 0:
            raise ArithmeticError(
                f"all {skipped} coordinates are skipped: try another seed or step"
            )
        return worst, compared, skipped


def run_check(network: Network, document: str | None) -> int:
    """Run the check if the command line asks for it; return the exit status."""
    parser = argparse.ArgumentParser(description=(document or "").split("\n\n")[0])
    help_text = "compare the gradient with central differences; exit code 1 if they disagree"
    parser.add_argument("--check", action="store_true", help=help_text)
    if not parser.parse_args().check:
        parser.print_help()
        return 0
    try:
        error, compared, skipped = network.compare_gradient()
    except ArithmeticError as failure:
        print(f"gradient check FAILED: {failure}")
        return 1
    tolerance = 1e-2 if network.dtype.itemsize < 8 else 1e-6
    print(
        f"gradient check passed: largest relative error {error:.1e} (tolerance {tolerance:g}), "
        f"{compared} coordinates compared, {skipped} skipped"
    )
    return 0
