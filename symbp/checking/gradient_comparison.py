"""The derived formulas against differences of the cost, at one draw of values.

A direction that moves many entries at once is compared first; where it does not agree, it is
halved until the entries are found that are wrong or at a kink.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.checking.check_report import Kink
from symbp.checking.differences import DoubleCost, PreciseCost, Verdict
from symbp.notation.program import Program

__all__ = ["Findings", "Gradients", "compare_gradients"]

Coordinate = tuple[str, int]

# So many entries of a parameter are compared by themselves, besides its direction.
_SINGLE = 4
# Entries within a factor of 2²⁴ are compared together.
_BAND = 24
# How far gradients beside a kink may be from the one-sided derivatives, relatively: all are floats.
_BESIDE = 1e-14
# Gradients that are no numbers: so many of each draw are compared with differences.
_NOT_FINITE = 6


@dataclass(frozen=True)
class Gradients:
    """The gradients that the formulas give at a draw, and how far each entry may be off.

    Attributes
    ----------
    values : dict of str to ndarray
        By parameter: numbers of many digits, or floats.
    tolerances : dict of str to ndarray
        Of the same shapes: floats.
    """

    values: dict[str, NDArray[Any]]
    tolerances: dict[str, NDArray[Any]]


@dataclass
class Findings:
    """What a comparison found; the entries are lines for a report."""

    errors: dict[str, float] = field(default_factory=dict)
    kinks: list[Kink] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add_error(self, name: str, error: float) -> None:
        """Keep the largest error of a parameter; one that is NaN stays."""
        before = self.errors.get(name, 0.0)
        self.errors[name] = before if math.isnan(before) or error <= before else error


def compare_gradients(
    program: Program,
    cost: PreciseCost | DoubleCost,
    gradients: Gradients,
    draw: str,
    *,
    together: bool,
    budget: int,
    singles: int,
    generator: np.random.Generator,
) -> Findings:
    """Compare gradients with differences of the cost.

    Parameters
    ----------
    program : Program
        Whose parameters are moved.
    cost : PreciseCost or DoubleCost
        The cost near the draw.
    gradients : Gradients
        What is compared.
    draw : str
        The name of the draw, for the findings.
    together : bool
        Whether all parameters are moved at once, instead of one after another.
    budget : int
        How many directions may be compared where something does not agree.
    singles : int
        How many entries are compared by themselves, at most, though their direction agrees.
    generator : numpy.random.Generator
        Draws the directions.
    """
    comparison = _Comparison(cost, gradients, draw, budget, generator)
    finite: list[list[Coordinate]] = []
    for tensor in program.trained:
        values = gradients.values[tensor.name].reshape(-1)
        good = [i for i, g in enumerate(values) if math.isfinite(g)]
        broken = [i for i, g in enumerate(values) if not math.isfinite(g)]
        comparison.not_finite(tensor.name, broken)
        finite.append([(tensor.name, i) for i in good])
    groups = [[entry for group in finite for entry in group]] if together else finite
    for group in groups:
        for band in comparison.bands(group):
            comparison.group(band)
    for group in [] if together else finite:
        count = min(len(group), _SINGLE, singles // len(finite)) if len(group) > 1 else 0
        for position in generator.choice(len(group), count, replace=False) if count else ():
            comparison.group([group[int(position)]])
    return comparison.findings


class _Comparison:
    def __init__(
        self,
        cost: PreciseCost | DoubleCost,
        gradients: Gradients,
        draw: str,
        budget: int,
        generator: np.random.Generator,
    ) -> None:
        self.cost, self.gradients, self.draw = cost, gradients, draw
        self.budget, self.generator = budget, generator
        self.findings = Findings()
        self.settled: set[Coordinate] = set()

    def _judge(self, entries: Sequence[Coordinate]) -> Verdict:
        """Compare the derivative in a direction in which some entries move."""
        self.budget -= 1
        direction: dict[str, NDArray[Any]] = {}
        sizes: dict[str, float] = {}
        expected: Any = 0
        tolerance = 0.0
        for name, i in entries:
            if name not in direction:
                direction[name] = np.zeros(self.gradients.values[name].shape)
                sizes[name] = self._size(name)
            size = sizes[name]
            if len(entries) > 1:
                size *= self.generator.uniform(0.5, 1.5) * self.generator.choice((-1.0, 1.0))
            direction[name].reshape(-1)[i] = size
            expected = expected + self.gradients.values[name].reshape(-1)[i] * float(size)
            tolerance += abs(size) * float(self.gradients.tolerances[name].reshape(-1)[i])
        return self.cost.judge(direction, expected, tolerance)

    def _size(self, name: str) -> float:
        """Return how large the numbers of a parameter are, as a power of two."""
        largest = float(np.max(np.abs(np.asarray(self.cost.values[name], dtype=float)), initial=0))
        return 2.0 ** math.frexp(largest)[1] if 0 < largest < math.inf else 1.0

    def bands(self, entries: Sequence[Coordinate]) -> list[list[Coordinate]]:
        """Return entries by the size of their derivatives: beside large ones, small ones vanish."""
        sizes = {name: self._size(name) for name in {name for name, _ in entries}}
        found: dict[Any, list[Coordinate]] = {}
        for name, i in entries:
            moved = abs(float(self.gradients.values[name].reshape(-1)[i])) * sizes[name]
            band = math.frexp(moved)[1] // _BAND if 0 < moved < math.inf else None
            found.setdefault(band, []).append((name, i))
        return list(found.values())

    def group(self, entries: Sequence[Coordinate]) -> None:
        """Compare entries, all at once if they agree."""
        entries = [entry for entry in entries if entry not in self.settled]
        if not entries:
            return
        verdict = self._judge(entries)
        if verdict.kind == "agrees":
            for name in {name for name, _ in entries}:
                self.findings.add_error(name, verdict.error)
            if len(entries) == 1:
                self.settled.add(entries[0])
        elif len(entries) == 1:
            self._single(entries[0], verdict)
        elif self.budget <= 0:
            self._give_up(entries, verdict)
        else:
            middle = len(entries) // 2
            before = self._trouble()
            self.group(entries[:middle])
            self.group(entries[middle:])
            if verdict.kind == "differs" and self._trouble() == before:
                self._give_up(entries, verdict)

    def _trouble(self) -> int:
        found = self.findings
        return len(found.wrong) + len(found.kinks) + len(found.left_out)

    def _give_up(self, entries: Sequence[Coordinate], verdict: Verdict) -> None:
        names = " and ".join(dict.fromkeys(name for name, _ in entries))
        what = f"{len(entries)} entries of {names}" if len(entries) > 1 else names
        if verdict.kind == "differs":
            for name, _ in entries:
                self.findings.add_error(name, verdict.error)
            self.findings.wrong.append(
                f"{what}: the gradient disagrees with differences, relative error "
                f"{verdict.error:.1e} ({self.draw})"
            )
        else:
            self.findings.left_out.append(f"{what}: kinks or jumps among them ({self.draw})")

    def _single(self, entry: Coordinate, verdict: Verdict) -> None:
        """Say what is the matter with one entry."""
        self.settled.add(entry)
        name, i = entry
        place = self._place(entry)
        gradient = float(self.gradients.values[name].reshape(-1)[i])
        # The entry was moved by its own size, not by 1.
        right, left = verdict.right / self._size(name), verdict.left / self._size(name)
        found = self.findings
        if verdict.kind == "agrees":
            found.add_error(name, verdict.error)
        elif verdict.kind == "differs":
            found.add_error(name, verdict.error)
            found.wrong.append(
                f"{place}: the gradient is {gradient:.9g}, differences give "
                f"{(right + left) / 2:.9g} ({self.draw})"
            )
        elif verdict.kind == "kink":
            self._kink(entry, Kink(place, left, right, gradient, self.draw))
        elif verdict.kind == "undefined":
            found.left_out.append(
                f"{place}: no finite derivative by differences; the gradient is {gradient:.6g} "
                f"({self.draw})"
            )
        else:
            found.left_out.append(
                f"{place}: differences do not resolve the gradient {gradient:.6g} ({self.draw})"
            )

    def _kink(self, entry: Coordinate, kink: Kink) -> None:
        """Compare the gradient on both sides of a kink; the one at the kink lies between them."""
        name, i = entry
        found = self.findings
        found.kinks.append(kink)
        if not math.isfinite(kink.gradient):
            found.add_error(name, kink.gradient)
            found.wrong.append(str(kink))
            return
        direction = np.zeros(self.gradients.values[name].shape)
        direction.reshape(-1)[i] = self._size(name)
        sides = self.cost.beside({name: direction}, name, i)
        size = max(abs(kink.left), abs(kink.right))
        if sides is not None:
            off = max(abs(sides[0] - kink.right), abs(sides[1] - kink.left))
            if not off <= _BESIDE * size:
                found.add_error(name, off / size)
                found.wrong.append(
                    f"{kink.place}: beside a kink, the gradient is {sides[1]:.9g} to the left and "
                    f"{sides[0]:.9g} to the right, differences give {kink.left:.9g} and "
                    f"{kink.right:.9g} ({self.draw})"
                )
                return
            found.add_error(name, off / size)
        low, high = min(kink.left, kink.right), max(kink.left, kink.right)
        if not low - _BESIDE * size <= kink.gradient <= high + _BESIDE * size:
            found.left_out.append(
                f"{kink.place}: at a kink, and its gradient {kink.gradient:.6g} is not between the "
                f"one-sided derivatives {kink.left:.6g} and {kink.right:.6g} ({self.draw})"
            )

    def not_finite(self, name: str, entries: Sequence[int]) -> None:
        """Compare entries whose gradient is infinite or NaN."""
        for i in entries[:_NOT_FINITE]:
            self._single((name, i), self._judge([(name, i)]))
        if len(entries) > _NOT_FINITE:
            self.findings.left_out.append(
                f"{name}: {len(entries)} entries of the gradient are not finite ({self.draw})"
            )

    def _place(self, entry: Coordinate) -> str:
        name, i = entry
        shape = self.gradients.values[name].shape
        return f"{name}{[int(k) for k in np.unravel_index(i, shape)]}" if shape else name
