"""check: the gradient of a program, by ways that must agree.

First, the derived formulas against differences of the cost as its equations were written, both in
sixty digits, so that a derivative is right or wrong, whatever its scale. Second, the generated
module against the formulas, within what rounding can do.
"""

import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.calculus.counts import operations
from symbp.calculus.gradient_program import gradient_program
from symbp.calculus.interpreter import interpret
from symbp.calculus.many_digits import ManyDigits
from symbp.calculus.phases import training_form
from symbp.calculus.precise import DIGITS, evaluate
from symbp.checking.check_report import CheckReport, Kink, ModuleCheck
from symbp.checking.differences import DoubleCost, PreciseCost
from symbp.checking.draws import Draw, draws, random_values
from symbp.checking.gradient_comparison import Findings, Gradients, compare_gradients
from symbp.checking.module_comparison import (
    RATE,
    Bounds,
    Reference,
    bounds_of,
    compare_module,
)
from symbp.checking.settled import Settled, agree, is_finite, without_rounding
from symbp.compiler import lowered
from symbp.networks.optimizers import SGD
from symbp.notation.arguments import no_program
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.index import Index
from symbp.notation.program import Program

__all__ = ["CheckReport", "Kink", "ModuleCheck", "check", "random_values"]

# A program of more operations is evaluated in double precision, as many digits take too long.
PRECISE_OPERATIONS = 100_000
# Fewer examples are drawn where a program has more operations than it takes to be quick.
_MANY_OPERATIONS = 25_000
# Special draws have fewer examples where these are many.
_SPECIAL_OPERATIONS = 6_000
# More digits are tried where a result has not settled, while operations times digits stay below.
_LEVELS = (DIGITS, 90, 200, 500, 1000)
_MOST_WORK = 10_000_000
_DOUBLE_TOLERANCE = 1e-6
# Progress is said after so many seconds.
_SILENT = 2.0
_DTYPES = ("float64", "float32")

Values = dict[str, NDArray[Any]]


def check(
    program: Program,
    values: Mapping[str, Any] | None = None,
    *,
    examples: int = 4,
    seed: int = 0,
    dtype: str | Sequence[str] = "float64",
) -> CheckReport:
    """Check the gradient of a program against differences, and the module against the formulas.

    Two comparisons, each with its figures. The derived formulas are evaluated in sixty digits and
    compared with differences of the cost, whose equations are evaluated as they were written: a
    derivative that is wrong by one part in a million is found at any scale. The generated module is
    compared with the formulas, at a small multiple of its rounding. A program of more than 100 000
    operations is evaluated in double precision, and the report says so.

    Parameters
    ----------
    program : Program
        A network, or your own equations with a cost.
    values : mapping of str to array_like, optional
        Where to check; by default at random parameters and data, and at draws of zeros, ones,
        equal and negative numbers.
    examples : int, default 4
        The batch size of random data; fewer are drawn where that allows for sixty digits.
    seed : int, default 0
        Of the random values.
    dtype : {"float64", "float32"} or both, default "float64"
        The precision of the module, or of several.

    Returns
    -------
    CheckReport
        ``print`` it; ``report.passed`` says whether all is well. What could not be compared is
        listed, and then the check does not pass.

    Raises
    ------
    SymbpError
        The program has no cost or no parameters, a value has no place in it, or the cost is finite
        at no draw.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.check(bp.mlp(3, 3, 3, activation="sigmoid")).passed
    True
    """
    if not isinstance(program, Program):
        raise SymbpError(f"expected a Program or Network, got {no_program(program)}")
    if program.cost is None:
        raise SymbpError("nothing to check: the program has no cost")
    if not program.parameters:
        raise SymbpError("nothing to check: the program has no parameters")
    if not program.trained:
        raise SymbpError("nothing to check: all parameters are frozen")
    dtypes = (dtype,) if isinstance(dtype, str) else tuple(dtype)
    for each in dtypes or (dtype,):
        if each not in _DTYPES:
            raise SymbpError(f"dtype: expected 'float64', 'float32' or both, got {each!r}")
    points, batch = _points(program, values, examples, seed)
    checker = _Checker(program, points, seed)
    for draw in points:
        checker.compare(draw)
    if not checker.references:
        raise SymbpError(
            f"nothing to compare: the cost is {checker.costs[0]} at these values; pass values= at "
            f"which it is finite"
        )
    return checker.report(dtypes, batch)


def _points(
    program: Program, values: Mapping[str, Any] | None, examples: int, seed: int
) -> tuple[list[Draw], int | None]:
    """Return where to check, and the batch size."""
    if values is None and program.batch is not None:
        # One example has the same formulas as four, and takes a quarter of the time.
        while examples > 1 and _count(program, examples) > _MANY_OPERATIONS:
            examples //= 2
    point = random_values(program, examples, seed)
    for name in values or {}:
        if name not in point:
            raise SymbpError(f"values: no array {name!r} in this program; {suggest(name, point)}")
    if values is not None:
        given = {name: np.array(value) for name, value in {**point, **values}.items()}
        return [Draw("the given values", given)], _rows(program, given)
    found = draws(program, examples, seed)
    few = examples
    while few > 1 and _count(program, few) > _SPECIAL_OPERATIONS:
        few //= 2
    if few < examples:
        found[1:] = draws(program, few, seed)[1:]
    if _count(program, few) > _MANY_OPERATIONS:
        del found[1:]
    return found, None if program.batch is None else examples


def _rows(program: Program, values: Values) -> int | None:
    for tensor in (*program.inputs, *program.targets):
        if tensor.rank and not isinstance(tensor.shape[0], int) and values[tensor.name].ndim:
            return len(values[tensor.name])
    return None


def _count(program: Program, rows: int | None) -> int:
    """Return how many operations the cost takes."""

    def size(index: Index) -> int:
        return index.extent if isinstance(index.extent, int) else rows or 1

    assert program.cost is not None
    return int(operations(program.prune([program.cost]).equations, size).total)


class _Checker:
    """Compares a program at its draws, and collects what is found."""

    def __init__(self, program: Program, points: list[Draw], seed: int) -> None:
        self.written = program
        # The gradient is that of training.
        self.program = program = training_form(program)
        self.differentiated = gradient_program(program).differentiated
        self.updated = lowered(program, SGD(RATE))[1]
        rows = _rows(program, points[0].values)
        self.count = max(1, _count(program, rows))
        self.precise = self.count <= PRECISE_OPERATIONS
        self.most_digits = max(2 * DIGITS, min(4 * _LEVELS[-1], _MOST_WORK // self.count))
        self.generator = np.random.default_rng(seed)
        self.progress = _Progress()
        self.points = points
        self.found = Findings()
        self.digits = DIGITS
        self.notes: list[str] = []
        self.costs: list[float] = []
        self.references: list[tuple[str, Reference]] = []
        self.compared: set[str] = set()
        self.bounds: dict[tuple[str, str], Bounds] = {}

    def compare(self, draw: Draw) -> None:
        """Compare the formulas with differences at one draw."""
        self.progress.say(f"formulas against differences at {draw.name}")
        (self._precisely if self.precise else self._in_doubles)(draw)

    def _precisely(self, draw: Draw) -> None:
        settled = self._settled(draw.values)
        cost = float(settled.cost)
        if not self._has_cost(draw, cost):
            return
        self.digits = max(self.digits, settled.digits)
        bounds = self._bounds_at(draw, "float64")
        gradients = Gradients(settled.gradients, _tolerances(settled.gradients, bounds))
        self._keep(draw, cost, settled.gradients)
        near = PreciseCost(
            self.program, draw.values, settled.digits, _size_of_terms(cost, bounds),
            self.most_digits, self.differentiated,
        )  # fmt: skip
        self._collect(draw, near, gradients)

    def _in_doubles(self, draw: Draw) -> None:
        # Doubles overflow where the equations are not stable as they were written.
        stable = gradient_program(self.program, stable=True)
        differentiated = stable.differentiated
        derived = interpret(differentiated, draw.values)
        assert self.program.cost is not None
        cost = float(derived[self.program.cost.name])
        if not self._has_cost(draw, cost):
            return
        values = {tensor.name: derived[g.name] for tensor, g in differentiated.gradients}
        self._keep(draw, cost, values)
        tolerances = {
            name: np.full(array.shape, _DOUBLE_TOLERANCE * _largest(array))
            for name, array in values.items()
        }
        self._collect(draw, DoubleCost(stable.normal, draw.values), Gradients(values, tolerances))

    def _has_cost(self, draw: Draw, cost: float) -> bool:
        self.costs.append(cost)
        if math.isfinite(cost):
            return True
        self.notes.append(f"{draw.name}: outside of the domain, the cost is {cost}")
        return False

    def _keep(self, draw: Draw, cost: float, gradients: Mapping[str, NDArray[Any]]) -> None:
        floats = {
            name: np.array([float(g) for g in array.reshape(-1)]).reshape(array.shape)
            for name, array in gradients.items()
        }
        self.references.append((draw.name, Reference(draw.values, cost, floats)))

    def _collect(self, draw: Draw, near: PreciseCost | DoubleCost, gradients: Gradients) -> None:
        budget = max(24, min(200, 1_000_000 // self.count)) if self.precise else 24
        singles = min(48, 200_000 // self.count) if self.precise else 100
        found = compare_gradients(
            self.program, near, gradients, draw.name,
            together=draw.special, budget=budget, singles=singles, generator=self.generator,
        )  # fmt: skip
        for name, error in found.errors.items():
            self.found.add_error(name, error)
        self.compared |= set(found.errors)
        self.found.kinks += found.kinks
        self.found.wrong += found.wrong
        note = f"{draw.name}: compared"
        if found.left_out:
            count = len(found.left_out)
            note += f", but for {count} {'entry' if count == 1 else 'entries'}"
            # Those of other draws are listed in full.
            first = found.left_out[0].removesuffix(f" ({draw.name})")
            note += f", the first {first}" if draw.special else ""
        self.notes.append(note)
        if not draw.special:
            self.found.left_out += found.left_out

    def _settled(self, values: Values) -> Settled:
        """Evaluate the formulas with so many digits that more do not change the result."""
        assert self.program.cost is not None
        before: Settled | None = None
        agreed: Settled | None = None
        for digits in _LEVELS:
            if before is not None and digits * self.count > max(_MOST_WORK, 90 * self.count):
                break
            found = evaluate(self.differentiated, values, ManyDigits(digits))
            gradients = {t.name: found[g.name] for t, g in self.differentiated.gradients}
            now = Settled(digits, found[self.program.cost.name][()], gradients)
            if before is not None and agree(before, now):
                without = without_rounding(before, now)
                if is_finite(before):
                    return without
                # An infinity may be a number that lacks digits: log(1 - σ(300)) is -300.
                agreed = agreed or without
            before = now
        assert before is not None
        return agreed or before

    def _bounds_at(self, draw: Draw, dtype: str) -> Bounds:
        key = draw.name, dtype
        if key not in self.bounds:
            self.bounds[key] = bounds_of(self.updated, draw.values, dtype)
        return self.bounds[key]

    def report(self, dtypes: Sequence[str], batch: int | None) -> CheckReport:
        """Compare the modules, and return everything that was found."""
        wrong, left_out = list(self.found.wrong), list(self.found.left_out)
        usable = {name for name, _ in self.references}
        modules = []
        for dtype in dtypes:
            self.progress.say(f"the {dtype} module against the formulas")
            at = [
                (name, reference, self._bounds_at(draw, dtype) if self.precise else None)
                for draw in self.points
                for name, reference in self.references
                if name == draw.name and name in usable
            ]
            found, bad, open_ = compare_module(self.written, dtype, at)
            modules.append(found)
            wrong += bad
            special = {draw.name for draw in self.points if draw.special}
            left_out += [line for line in open_ if not any(f"({n})" in line for n in special)]
        for tensor in self.program.trained:
            if tensor.name not in self.compared and not any(tensor.name in w for w in left_out):
                kinks = any(k.place.split("[")[0] == tensor.name for k in self.found.kinks)
                left_out.append(f"{tensor.name}: {'only at kinks' if kinks else 'at no draw'}")
        return CheckReport(
            dict(self.found.errors), modules[0].errors, modules[0].step, len(self.found.kinks),
            self.digits if self.precise else None, batch, tuple(modules), tuple(self.notes),
            tuple(self.found.kinks), tuple(wrong), tuple(left_out), self.count,
        )  # fmt: skip


def _tolerances(gradients: Mapping[str, NDArray[Any]], bounds: Bounds) -> dict[str, NDArray[Any]]:
    """Return what a formula may be off by because its constants are doubles: 0.3 for 3·0.1."""
    result = {}
    for name, array in gradients.items():
        sizes = np.array([abs(float(g)) for g in array.reshape(-1)]).reshape(array.shape)
        with np.errstate(all="ignore"):
            rounding = 16 * bounds.gradients[name]
            rounding = np.where(rounding <= 1e-7 * sizes, rounding, 1e-15 * _largest(sizes))
            result[name] = np.where(np.isfinite(sizes), rounding + 1e-15 * sizes, 0.0)
    return result


def _largest(array: NDArray[Any]) -> float:
    sizes = np.abs(array[np.isfinite(array)])
    return float(np.max(sizes, initial=0.0))


def _size_of_terms(cost: float, bounds: Bounds) -> float:
    """Return how large the numbers are of which the cost is the sum."""
    size = bounds.cost / float(np.finfo(np.float64).eps)
    return size if math.isfinite(size) else abs(cost)


class _Progress:
    """Says what is being done, once that has taken two seconds."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def say(self, what: str) -> None:
        if time.monotonic() - self.start > _SILENT:
            print(f"check: {what} …", file=sys.stderr, flush=True)
