"""A check that a generated module carries with it: its gradient against differences of its loss.

Nothing goes in but a seed; out comes the largest relative error, or an ArithmeticError that says
where the two disagree. It uses the kernels alone, so that it holds for the compiled code, on the
machine at hand. `python MODULE.py --check` runs it.
"""

import argparse
import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.arguments import _check_array, _class_count, _flatten, _place
from symbp.targets.numba.runtime.entry_points import initial_parameters
from symbp.targets.numba.runtime.stand_in import (
    _ARGUMENTS,
    _PARAMETERS,
    DTYPE,
    _gradient_kernel,
    _loss_kernel,
)

# Verification of the gradient

# The step balances truncation against rounding of a central difference.
_STEP, _TOLERANCE = (1e-5, 1e-6) if DTYPE.itemsize == 8 else (1e-2, 1e-2)
# So many steps are tried, each an eighth of the one before.
_SHORTER = 6


def check_gradient(seed: int = 0, examples: int = 4, step: float = _STEP) -> float:
    """Compare `gradient` with central differences of `loss` at random values.

    Up to 60 random coordinates of each parameter are compared. Where the difference quotients
    change as the step is halved, the loss is steep or has a kink (of ReLU, say) within the step:
    shorter steps follow, and a coordinate is skipped if none of them is clear, or if its derivative
    is too small beside the loss for differences in this precision.

    Parameters
    ----------
    seed : int
        Seed of the parameters, of the data and of the coordinates.
    examples : int
        Number of examples in the random batch.
    step : float
        Step of the differences, times max(1, |parameter|).

    Returns
    -------
    error : float
        The largest, relative to the largest gradient of the same parameter.

    Raises
    ------
    ArithmeticError
        If the error exceeds 1e-6 (float64) or 1e-2 (float32), or if nothing could be compared.
    """
    return _compare_gradient(seed, examples, step)[0]


def _compare_gradient(seed: int, examples: int, step: float) -> tuple[float, int, int]:
    """Return the largest relative error, and how many coordinates were compared and skipped."""
    generator = np.random.default_rng(seed)
    parameters = initial_parameters(seed)
    for array, (_, shape, (law, _)) in zip(parameters, _PARAMETERS, strict=True):
        if law == "constant":  # zeros would hide errors: they make other gradients vanish
            array[...] += 0.1 * generator.standard_normal(shape)
    flat = _flatten(parameters)
    for positive in (False, True):  # a program with logarithms or roots may need positive data
        arrays = _random_arrays(generator, examples, positive)
        cost = float(_loss_kernel(flat, *arrays))
        if math.isfinite(cost):
            break
    else:
        raise ArithmeticError(f"the cost at random values is {cost}: nothing to compare")

    gradients = np.empty_like(flat)
    same_cost = float(_gradient_kernel(flat, gradients, *arrays))
    if not abs(same_cost - cost) <= _TOLERANCE * max(1.0, abs(cost)):
        raise ArithmeticError(f"gradient returns the cost {same_cost}, loss returns {cost}")

    def one_sided(k: int, h: float) -> tuple[float, float]:
        """Return the difference quotients (right, left) at coordinate k."""
        value = flat[k]
        flat[k] = value + h
        right = (float(_loss_kernel(flat, *arrays)) - cost) / float(flat[k] - value)
        flat[k] = value - h
        left = (float(_loss_kernel(flat, *arrays)) - cost) / float(flat[k] - value)
        flat[k] = value
        return right, left

    # What rounding is relative to: the loss, and its terms, if they cancel here.
    size = max(abs(float(_loss_kernel(flat * DTYPE.type(s), *arrays))) for s in (1.0, 0.9, 0.5))
    size = max(abs(cost), size if math.isfinite(size) else 0.0)

    def compare(k: int, h: float, scale: float) -> tuple[float, float] | None:
        """Return the relative error at coordinate k and the difference quotient, if it is clear."""
        slope = float(gradients[k])
        for _ in range(_SHORTER):
            right, left = one_sided(k, h)
            mean = (right + left) / 2
            error = abs(mean - slope)
            if error <= _TOLERANCE * scale:
                return error / scale if scale else 0.0, mean
            if error <= 40 * float(np.finfo(DTYPE).eps) * size / h:
                return None  # rounding is all that there is
            # Where the loss is smooth, halving the step halves (right - left) and leaves the
            # mean of the two alone. A kink within the step changes one by 0.4 errors or more.
            right2, left2 = one_sided(k, h / 2)
            bend = abs(2 * (right2 - left2) - (right - left))
            drift = abs((right2 + left2) - (right + left)) / 2
            if math.isfinite(bend + drift) and not max(bend, drift) > 0.25 * error:
                return error / scale if scale else math.inf, mean
            h /= 8
        return None

    worst, compared, skipped, start = 0.0, 0, 0, 0
    for name, shape, _ in _PARAMETERS:
        count = math.prod(shape)
        part = np.abs(gradients[start : start + count])
        scale = float(np.max(part, initial=0.0, where=np.isfinite(part)))
        for k in generator.choice(count, min(count, 60), replace=False):
            found = compare(start + k, step * max(1.0, abs(float(flat[start + k]))), scale)
            if found is None:
                skipped += 1
                continue
            error, mean = found
            if not error <= _TOLERANCE:
                place = _place(name, np.unravel_index(k, shape))
                came = f"the gradient of {place} is {float(gradients[start + k]):.9g}, differences "
                came += f"give {mean:.9g}: relative error {error:.1e}"
                raise ArithmeticError(f"{came}, tolerance {_TOLERANCE:g}")
            worst = max(worst, error)
            compared += 1
        start += count
    if compared == 0:
        raise ArithmeticError(f"all {skipped} coordinates are skipped: try another seed or step")
    return worst, compared, skipped


def _random_arrays(
    generator: np.random.Generator, examples: int, positive: bool
) -> list[NDArray[Any]]:
    arrays = []
    for argument in _ARGUMENTS:
        name, _, expected, kind, limit = argument
        shape = tuple(examples if extent is None else extent for extent in expected)
        value: NDArray[Any]
        if kind == "integer":
            value = generator.integers(0, 10 if limit is None else limit, shape)
        elif kind == "classes":
            classes = _class_count(expected)
            value = generator.integers(0, max(classes, 2), shape[:-1] if classes > 1 else shape)
        elif kind == "distribution":
            value = generator.uniform(0.1, 1.0, shape)
            value /= value.sum(axis=-1, keepdims=True)
        else:
            value = generator.uniform(0.1, 1.0, shape) if positive else generator.normal(size=shape)
        arrays.append(_check_array(name, argument, value, finite=True))
    return arrays


def _main() -> int:
    summary = (__doc__ or "").split("\n\n")[0]
    parser = argparse.ArgumentParser(description=summary)
    help_text = "compare the gradient with central differences; exit code 1 if they disagree"
    parser.add_argument("--check", action="store_true", help=help_text)
    if not parser.parse_args().check:
        parser.print_help()
        return 0
    try:
        error, compared, skipped = _compare_gradient(seed=0, examples=4, step=_STEP)
    except ArithmeticError as failure:
        print(f"gradient check FAILED: {failure}")
        return 1
    print(
        f"gradient check passed: largest relative error {error:.1e} (tolerance {_TOLERANCE:g}), "
        f"{compared} coordinates compared, {skipped} skipped"
    )
    return 0


if __name__ == "__main__":
    sys.exit(_main())
