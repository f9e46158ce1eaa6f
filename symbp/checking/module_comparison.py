"""A generated module against its program's formulas in many digits.

What rounding may do to each number is bounded by :mod:`symbp.calculus.rounding`, from the very
program that the module is written from: so a module that is right is never refused, and one that is
wrong by more than its rounding is found.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.calculus.precise import DIGITS, evaluate
from symbp.calculus.rounding import Rounding
from symbp.checking.check_report import ModuleCheck
from symbp.compiler import compile
from symbp.networks.optimizers import SGD
from symbp.notation.program import Program

__all__ = ["RATE", "Bounds", "Reference", "bounds_of", "compare_module"]

RATE = 0.1

# A module may round in another order than the program says: so many times its bound.
_SAFETY = 8.0
# So many roundings of the largest entry are always allowed.
_ROUNDINGS = 64.0
# Beyond this, relative to the largest entry, a bound is too wide for a comparison.
_WIDEST = 1e-2
# Where nothing is known of the rounding, as for programs that are too large.
_PLAIN = {"float64": 1e-11, "float32": 2e-3}

Array = NDArray[Any]


@dataclass(frozen=True)
class Bounds:
    """What rounding may do at a draw: to the cost, the gradients and the parameters after a step.

    Arrays of floats, by parameter.
    """

    cost: float
    gradients: dict[str, Array]
    steps: dict[str, Array]


@dataclass(frozen=True)
class Reference:
    """The right numbers at a draw, as floats.

    Attributes
    ----------
    values : dict of str to ndarray
        What the program is given.
    cost : float
        Its cost.
    gradients : dict of str to ndarray
        By parameter.
    """

    values: Mapping[str, Array]
    cost: float
    gradients: dict[str, Array]


def bounds_of(updated: Program, values: Mapping[str, Array], dtype: str) -> Bounds:
    """Return bounds of the rounding in a module.

    Parameters
    ----------
    updated : Program
        What the module is written from, with a step of an optimizer.
    values : mapping of str to ndarray
        The draw.
    dtype : {"float64", "float32"}
        The module's precision.
    """
    found = evaluate(updated, values, Rounding(DIGITS, dtype))
    assert updated.cost is not None

    def floats(name: str) -> Array:
        numbers = found[name]
        bounds = np.array([float(number.bound) for number in numbers.reshape(-1)])
        return bounds.reshape(numbers.shape)

    return Bounds(
        float(floats(updated.cost.name)),
        {tensor.name: floats(gradient.name) for tensor, gradient in updated.gradients},
        {tensor.name: floats(after.name) for tensor, after in updated.updates},
    )


@dataclass
class _Errors:
    """The errors of a module at a draw, and what to say of them."""

    dtype: str
    draw: str
    wrong: list[str]
    left_out: list[str]

    def compare(
        self, what: str, found: Any, expected: Any, bound: Any, scale: float, others: float = 0.0
    ) -> tuple[float, float]:
        """Return the largest error and the largest bound; NaN where the right number is.

        What is exactly 0, as the gradient of a bias before batch normalisation, has no size that a
        bound could be too wide for: it is that of the `others`.
        """
        limits = np.finfo(self.dtype)
        found = np.asarray(found, dtype=np.float64)
        expected, bound = np.asarray(expected), np.asarray(bound)
        with np.errstate(all="ignore"):
            expected = np.where(np.abs(expected) > limits.max, np.sign(expected) * np.inf, expected)
            error = np.where(found == expected, 0.0, np.abs(found - expected))
            least = _ROUNDINGS * float(limits.eps) / 2 * scale + float(limits.tiny)
            allowed = np.maximum(_SAFETY * bound, least)
            broken = ~np.isfinite(found) & np.isfinite(expected)
            # Where the formulas give no number, they were found wrong already.
            bad = (~(error <= allowed) | broken) & ~np.isnan(expected)
            loose = ~bad & (error > least) & ~(allowed <= _WIDEST * (scale or others))
        if bad.any():
            self._say(what, found, expected, int(np.flatnonzero(bad)[0]))
        if loose.any():
            self.left_out.append(
                f"{what}: rounding decides it in {self.dtype}, {int(loose.sum())} entries "
                f"({self.draw})"
            )
        worst = math.nan if np.isnan(error).any() else float(np.max(error, initial=0.0))
        return worst, float(np.max(allowed, initial=0.0))

    def _say(self, what: str, found: Array, expected: Array, at: int) -> None:
        place = [int(i) for i in np.unravel_index(at, found.shape)] if found.ndim else ""
        self.wrong.append(
            f"{what}{place}: the {self.dtype} module gives {found.flat[at]:.9g}, the formulas "
            f"{expected.flat[at]:.9g} ({self.draw})"
        )


def compare_module(
    program: Program,
    dtype: str,
    draws: list[tuple[str, Reference, Bounds | None]],
) -> tuple[ModuleCheck, list[str], list[str]]:
    """Compare a module's cost, gradients and one step with the right numbers.

    Parameters
    ----------
    program : Program
        As its user wrote it.
    dtype : {"float64", "float32"}
        The module's precision.
    draws : list of (str, Reference, Bounds or None)
        Where to compare; None where rounding is not known. One step is taken at the first.

    Returns
    -------
    ModuleCheck
    wrong, left_out : list of str
        What disagrees, and what could not be compared.
    """
    trainer = compile(program, SGD(RATE), dtype)
    wrong: list[str] = []
    left_out: list[str] = []
    errors: dict[str, float] = {}
    widest: dict[str, float] = {}
    cost_error = step_error = 0.0
    for position, (draw, reference, bounds) in enumerate(draws):
        report = _Errors(dtype, draw, wrong, left_out)
        arrays = [
            _as_given(reference.values[tensor.name], dtype)
            for tensor in (*program.inputs, *program.targets)
        ]
        parameters = {
            tensor.name: np.asarray(reference.values[tensor.name], dtype=dtype)
            for tensor in program.parameters
        }
        states = {
            tensor.name: np.asarray(reference.values[tensor.name], dtype=dtype)
            for tensor in program.states
        }
        kept = (states,) if states else ()
        cost, gradients = trainer.module.gradient(parameters, *kept, *arrays)
        scale = abs(reference.cost)
        bound: Any = _PLAIN[dtype] * max(scale, 1.0) if bounds is None else bounds.cost
        error, _ = report.compare("the cost", cost, reference.cost, bound, scale)
        cost_error = _larger(cost_error, _relative(error, scale))
        scales = {name: _largest(expected) for name, expected in reference.gradients.items()}
        others = max(scales.values())
        for name, expected in reference.gradients.items():
            scale, found = scales[name], getattr(gradients, name)
            bound = _PLAIN[dtype] * scale if bounds is None else bounds.gradients[name]
            error, allowed = report.compare(
                f"the gradient of {name}", found, expected, bound, scale, others
            )
            errors[name] = _larger(errors.get(name, 0.0), _relative(error, scale))
            if bounds is not None:
                widest[name] = max(widest.get(name, 0.0), _relative(allowed, scale))
        if position == 0:
            step_error = _step(trainer, parameters, kept, arrays, reference, bounds, report)
    check = ModuleCheck(dtype, errors, widest, cost_error, step_error)
    return check, wrong, left_out


def _step(
    trainer: Any,
    parameters: dict[str, Array],
    kept: tuple[dict[str, Array], ...],
    arrays: list[Array],
    reference: Reference,
    bounds: Bounds | None,
    report: _Errors,
) -> float:
    """Compare the parameters after one step on all examples."""
    rows = max((len(array) for array in arrays if array.ndim), default=1)
    states = {"state": kept[0]} if kept else {}
    stepped = trainer.module.Trainer(parameters, **states).fit(
        *arrays, epochs=1, batch_size=rows, shuffle=False
    )
    worst = change = 0.0
    for name, gradient in reference.gradients.items():
        before = np.asarray(reference.values[name], dtype=np.float64)
        expected = before - RATE * gradient
        sizes = np.abs(np.concatenate([before.ravel(), expected.ravel()]))
        scale = float(np.max(sizes[np.isfinite(sizes)], initial=0.0))
        bound = _PLAIN[report.dtype] * scale if bounds is None else bounds.steps[name]
        error, _ = report.compare(
            f"{name} after one step", getattr(stepped.parameters, name), expected, bound, scale
        )
        worst = _larger(worst, error)
        change = max(
            change, RATE * float(np.max(np.abs(gradient[np.isfinite(gradient)]), initial=0))
        )
    # The change is a difference of numbers: below their rounding, there is nothing to compare.
    largest = max((float(np.max(np.abs(p), initial=0.0)) for p in parameters.values()), default=0.0)
    return _relative(worst, max(change, 1e-3 * largest))


def _largest(numbers: Array) -> float:
    return float(np.max(np.abs(numbers[np.isfinite(numbers)]), initial=0.0))


def _relative(error: float, scale: float) -> float:
    return error / scale if scale > 0 else error


def _as_given(array: Array, dtype: str) -> Array:
    return array.astype(dtype) if array.dtype.kind == "f" else array


def _larger(one: float, other: float) -> float:
    """Return the larger of two errors, NaN if one of them is."""
    return one if math.isnan(one) or other <= one else other
