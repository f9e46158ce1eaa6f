"""Derivatives of a cost from differences of its values, and whether given ones agree with them.

At sixty digits a step of 1e-25 leaves an error of 1e-35 or so, so that differences settle what a
derivative is, at any scale and steepness; and a direction shows every entry of a gradient at once.
Where a derivative and the differences disagree, digits are doubled and steps made shorter, until
it is clear whether the derivative is wrong, the cost has a kink, or no derivative at all.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from symbp.calculus.interpreter import interpret
from symbp.calculus.many_digits import ManyDigits
from symbp.calculus.precise import evaluate
from symbp.notation.program import Program

__all__ = ["DoubleCost", "PreciseCost", "Verdict"]

# How far a derivative may be off where differences are taken in double precision, relatively.
_DOUBLE_TOLERANCE = 1e-6

Array = NDArray[Any]
Direction = Mapping[str, Array]
Kind = Literal["agrees", "differs", "kink", "undefined", "unresolved"]


@dataclass(frozen=True)
class Verdict:
    """What differences say of a derivative in one direction.

    Attributes
    ----------
    kind : str
        ``"agrees"`` or ``"differs"``; ``"kink"`` where the one-sided derivatives differ;
        ``"undefined"`` where there is no finite derivative, on one side at least;
        ``"unresolved"`` where the differences do not tell.
    error : float
        Of the derivative, relative to it; NaN where it is not compared.
    right, left : float
        The one-sided derivatives.
    """

    kind: Kind
    error: float
    right: float
    left: float

    @property
    def slope(self) -> float:
        """The derivative by differences."""
        return (self.right + self.left) / 2


class PreciseCost:
    """The cost of a program near a point, in many digits.

    Parameters
    ----------
    program : Program
        As its user wrote it.
    values : mapping of str to ndarray
        The point.
    digits : int
        At least so many.
    size : float
        Of the largest numbers that are added up in the cost: what its rounding is relative to.
    most : int
        The most digits that this program may be evaluated with.
    differentiated : Program
        With the equations of the gradient.
    """

    def __init__(
        self,
        program: Program,
        values: Mapping[str, Any],
        digits: int,
        size: float,
        most: int,
        differentiated: Program,
    ) -> None:
        assert program.cost is not None
        self.differentiated = differentiated
        self.program, self.name = program.prune([program.cost]), program.cost.name
        self.values, self.digits, self.size, self.most = values, digits, size, most
        self.near: dict[int, tuple[ManyDigits, Any, dict[Any, Any]]] = {}

    def _slopes(self, direction: Direction, digits: int) -> tuple[Any, Any, Any]:
        """Return the one-sided difference quotients, right and left, and how far they are off."""
        if digits not in self.near:
            arithmetic = ManyDigits(digits)
            stopped: dict[Any, Any] = {}
            here = self._cost(arithmetic, self.values, stopped)
            self.near[digits] = arithmetic, here, stopped
        arithmetic, here, stopped = self.near[digits]
        context = arithmetic.context
        step = self._step(context, digits)
        above, below = (
            self._cost(arithmetic, self._moved(direction, context, sign * step), stopped)
            for sign in (1, -1)
        )
        noise = context.mpf(10) ** (8 - digits) * max(abs(here), self.size) / step
        return (above - here) / step, (here - below) / step, noise

    def _step(self, context: Any, digits: int) -> Any:
        return context.mpf(10) ** -(5 * digits // 12)

    def beside(self, direction: Direction, name: str, entry: int) -> tuple[float, float] | None:
        """Return an entry of the gradient a step to the right of the point, and to the left."""
        arithmetic = ManyDigits(self.digits)
        step = self._step(arithmetic.context, self.digits)
        gradient = next(g for t, g in self.differentiated.gradients if t.name == name)
        found = []
        for sign in (1, -1):
            moved = self._moved(direction, arithmetic.context, sign * step)
            array = evaluate(self.differentiated, moved, arithmetic)[gradient.name]
            found.append(float(array.reshape(-1)[entry]))
        return found[0], found[1]

    def _moved(self, direction: Direction, context: Any, step: Any) -> dict[str, Any]:
        moved = dict(self.values)
        for name, towards in direction.items():
            exact = [
                context.mpf(x) + step * context.mpf(d) if d else context.mpf(x)
                for x, d in zip(
                    np.asarray(self.values[name], dtype=np.float64).reshape(-1).tolist(),
                    towards.reshape(-1).tolist(),
                    strict=True,
                )
            ]
            array = np.empty(len(exact), dtype=object)
            array[:] = exact
            moved[name] = array.reshape(towards.shape)
        return moved

    def _cost(
        self, arithmetic: ManyDigits, values: Mapping[str, Any], stopped: dict[Any, Any]
    ) -> Any:
        return evaluate(self.program, values, arithmetic, stopped=stopped)[self.name][()]

    def judge(self, direction: Direction, expected: Any, tolerance: Any) -> Verdict:
        """Compare a directional derivative with differences.

        Parameters
        ----------
        direction : mapping of str to ndarray
            How far each parameter moves.
        expected : number
            The derivative that is claimed.
        tolerance : number
            What it may be off by.
        """
        digits = self.digits
        before: tuple[Any, Any] | None = None
        while True:
            right, left, noise = self._slopes(direction, digits)
            context = self.near[digits][0].context
            slope = (right + left) / 2
            if context.isfinite(slope):
                kind = _kind(before, right, left, expected, tolerance, noise)
            else:
                # Beside the point, the cost is infinite or NaN; once more, as digits may lack.
                kind = "undefined" if digits > self.digits else None
            if kind is None and 2 * digits > self.most:
                kind = "unresolved"
            if kind is not None:
                off = abs(slope - expected)
                size = max(abs(expected), abs(slope)) if kind in ("agrees", "differs") else 0
                if kind == "agrees" and (expected == 0 or size <= tolerance + noise):
                    size = 0  # two zeros, to rounding: one is not 100 % off the other
                error = float(off / size) if size else float(off)
                error = error if kind in ("agrees", "differs") else math.nan
                return Verdict(kind, error, float(right), float(left))
            before = right, left
            digits *= 2


def _kind(
    before: tuple[Any, Any] | None,
    right: Any,
    left: Any,
    expected: Any,
    tolerance: Any,
    noise: Any,
) -> Kind | None:
    """Return what one-sided differences say, and those of a longer step; None if more are needed.

    Parameters
    ----------
    before : pair of numbers or None
        The one-sided difference quotients, right and left, of a step that is longer by far.
    right, left : number
        Those of this step.
    expected, tolerance : number
        The derivative that is claimed, and what it may be off by.
    noise : number
        What rounding may have done to the difference quotients.
    """
    gap, size = abs(right - left), max(abs(right), abs(left))
    settled = before is not None and _same(before, (right, left), noise)
    smooth = gap <= max(1e-12 * size, noise)
    if before is not None and not smooth:
        smooth = gap <= 1e-6 * abs(before[0] - before[1])
    if before is not None and expected == 0 and size <= 1e-6 * max(map(abs, before)):
        return "agrees"  # flatter the nearer, as u³ at 0: the quotients fall with the step
    if smooth:
        off = abs((right + left) / 2 - expected)
        if off <= tolerance + noise:
            # What is too small to be told from rounding is looked at with more digits, once.
            clear = max(abs(expected), size) > 1e9 * noise or expected == size == 0
            return "agrees" if clear or (before is not None and abs(expected) <= noise) else None
        if expected != expected or settled:
            return "differs"
    elif settled:
        return "kink"
    if before is not None and size > 1e3 * max(abs(before[0]), abs(before[1]), noise):
        return "undefined"  # steeper the nearer: a jump, or a slope without end
    return None


def _same(one: tuple[Any, Any], two: tuple[Any, Any], noise: Any) -> bool:
    """Whether a pair of one-sided derivatives is the same with a shorter step."""
    size = max(abs(one[0]), abs(one[1]))
    return all(abs(a - b) <= 1e-6 * size + noise for a, b in zip(one, two, strict=True))


class DoubleCost:
    """The cost of a program near a point, in double precision.

    Central differences, extrapolated to a step of zero (Ridders, "Accurate computation of F'(x)
    and F'(x)F''(x)", Advances in Engineering Software, 1982), with an estimate of their error.

    Parameters
    ----------
    program : Program
        Normalised.
    values : mapping of str to ndarray
        The point.
    """

    def __init__(self, program: Program, values: Mapping[str, Any]) -> None:
        assert program.cost is not None
        self.program, self.name = program.prune([program.cost]), program.cost.name
        self.values = values
        self.here = self._cost({}, 0.0)

    def _cost(self, direction: Direction, step: float) -> float:
        moved = dict(self.values)
        for name, towards in direction.items():
            moved[name] = np.asarray(moved[name], dtype=np.float64) + step * towards
        return float(interpret(self.program, moved)[self.name])

    def beside(self, direction: Direction, name: str, entry: int) -> tuple[float, float] | None:
        """Return None: beside a kink, double precision does not tell one side from the other."""
        return None

    def judge(self, direction: Direction, expected: Any, tolerance: Any) -> Verdict:
        """Compare a directional derivative with differences, as :class:`PreciseCost` does."""
        expected = float(expected)
        slope, unsure, right, left = extrapolated(
            lambda step: self._cost(direction, step), self.here
        )
        if not (math.isfinite(slope) and math.isfinite(unsure)):
            return Verdict("undefined", math.nan, right, left)
        off, size = abs(slope - expected), max(abs(slope), abs(expected))
        error = off / size if size else 0.0
        allowed = max(_DOUBLE_TOLERANCE * size, float(tolerance))
        if off <= allowed and unsure <= allowed:
            return Verdict("agrees", off if size <= tolerance else error, right, left)
        if not math.isfinite(expected):
            return Verdict("differs", math.nan, right, left)
        if off <= 20 * unsure:
            return Verdict("unresolved", math.nan, right, left)
        # The two sides disagree as much as the derivative does: a kink lies within the step.
        kind: Kind = "kink" if abs(right - left) > 0.5 * off else "differs"
        return Verdict(kind, error if kind == "differs" else math.nan, right, left)


def extrapolated(cost: Callable[[float], float], here: float) -> tuple[float, float, float, float]:
    """Return a derivative at 0 by differences, how far it may be off, and one-sided ones.

    Parameters
    ----------
    cost : callable
        The function, of a step.
    here : float
        Its value at 0.
    """
    best, unsure, right, left = math.nan, math.inf, math.nan, math.nan
    for start in (2e-6, 1e-4, 1e-2, 1e-9):
        table: list[list[float]] = []
        step = start
        for row in range(5):
            above, below = cost(step), cost(-step)
            table.append([(above - below) / (2 * step)])
            for column in range(1, row + 1):
                weight = 4.0**column
                better = weight * table[row][column - 1] - table[row - 1][column - 1]
                table[row].append(better / (weight - 1))
                error = max(
                    abs(table[row][column] - table[row][column - 1]),
                    abs(table[row][column] - table[row - 1][column - 1]),
                )
                error += 4e-16 * abs(here) / step
                if error < unsure:
                    best, unsure = table[row][column], error
                    right, left = (above - here) / step, (here - below) / step
            if unsure <= 0.1 * _DOUBLE_TOLERANCE * abs(best):
                return best, unsure, right, left
            step /= 2
    return best, unsure, right, left
