"""A derivative is compared with differences at random values before anyone sees it."""

from collections.abc import Callable, Mapping

import numpy as np

from symbp.matrices.assumptions import Assumptions, drawn
from symbp.matrices.evaluate import Array, Evaluator, Undefined
from symbp.matrices.shapes import Shaped, Shapes
from symbp.notation.errors import UnsupportedError

__all__ = ["Comparison", "compared", "stand_ins"]

DRAWS = 2
MOST_DRAWS = 12
TOLERANCE = 1e-6
STEP = 1e-4

Function = Callable[[Array], Array]


def stand_ins(functions: tuple[str, ...]) -> Undefined:
    """Return values for undefined functions and their derivatives, all smooth and different."""
    out: dict[str, Function] = {}
    for n, name in enumerate(functions):
        out.update(_smooth(name, 0.7 + 0.2 * n, 0.3 + 0.1 * n))
    return out


def _smooth(name: str, a: float, b: float) -> dict[str, Function]:
    return {
        name: lambda x: np.sin(a * x + b) + 0.1 * x * x,
        name + "'": lambda x: a * np.cos(a * x + b) + 0.2 * x,
        name + "''": lambda x: 0.2 - a * a * np.sin(a * x + b),
    }


class Comparison:
    """The largest relative difference over the draws, and how many there were."""

    def __init__(self, error: float, draws: int) -> None:
        self.error, self.draws = error, draws

    def __repr__(self) -> str:
        return f"largest relative difference {self.error:.1e} in {self.draws} random draws"


def compared(
    function: tuple[Shapes, Shaped],
    derivative: tuple[Shapes, Shaped],
    wrt: str,
    declared: Mapping[str, tuple[str, ...]],
    assumptions: Assumptions,
    functions: tuple[str, ...] = (),
    draws: int = DRAWS,
) -> Comparison:
    """Compare a derivative with central differences of a function, Richardson's of fourth order.

    The function is a column or a scalar; the derivative has its rows, or the shape of the
    variable. A draw at which the function is not finite, or has a kink nearby, is left out.

    Raises
    ------
    UnsupportedError
        They differ, or there are no values at which both are finite.
    """
    undefined = stand_ins(functions)
    worst, done, wrong = 0.0, 0, 0
    for number in range(MOST_DRAWS):
        if done == draws:
            return Comparison(worst, done)
        rng = np.random.default_rng([19, number])
        way = 0 if number < draws else number % 3
        sizes, values = drawn(declared, assumptions, rng, way, undefined)
        with np.errstate(all="ignore"):
            got = Evaluator(derivative[0], sizes, undefined).value(derivative[1], values)
            evaluator = Evaluator(function[0], sizes, undefined)
            fine = _differences(evaluator, function[1], wrt, values, STEP)
            finer = _differences(evaluator, function[1], wrt, values, STEP / 4)
        if not (np.all(np.isfinite(fine)) and np.all(np.isfinite(finer))):
            continue
        scale = max(np.abs(finer).max(), 1e-3)
        if np.abs(fine - finer).max() > 1e-6 * scale:
            continue
        if finer.shape != got.shape:
            finer = finer.T.reshape(got.shape[::-1]).T if finer.size == got.size else finer
        if finer.shape != got.shape:
            break
        error = float(np.abs(finer - got).max() / scale)
        if not error <= TOLERANCE:
            wrong += 1
            if wrong > 1:
                break
            continue
        worst, done = max(worst, error), done + 1
    if done and not wrong:
        return Comparison(worst, done)
    if wrong or done:
        raise UnsupportedError(
            f"the derivative by {wrt} that was found does not agree with differences, so it is "
            f"not shown; this is a fault of symbp"
        )
    raise UnsupportedError(
        "no random values were found at which the formula is finite and smooth; say what is "
        "assumed, such as assume={'x': 'positive'}"
    )


def _differences(
    evaluator: Evaluator, node: Shaped, wrt: str, values: Mapping[str, Array], step: float
) -> Array:
    """Return the derivative by each entry of the variable, its columns stacked."""
    start = values[wrt]
    columns = []
    for j in range(start.shape[1]):
        for i in range(start.shape[0]):

            def at(distance: float, i: int = i, j: int = j) -> Array:
                moved = start.copy()
                moved[i, j] += distance
                value = evaluator.value(node, {**values, wrt: moved})
                return value.T.reshape(-1)

            coarse = (at(2 * step) - at(-2 * step)) / (4 * step)
            columns.append((4 * (at(step) - at(-step)) / (2 * step) - coarse) / 3)
    return np.array(columns).T
