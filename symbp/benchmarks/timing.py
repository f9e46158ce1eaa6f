"""Two computations timed in turn, so that a change of the machine's speed hits both."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

__all__ = [
    "MOST_WITH_PAUSES",
    "UNTIL_THREADS_SLEEP",
    "WARM_UP",
    "Effort",
    "Quartiles",
    "alone",
    "interleaved",
]

Run = Callable[[int], object]

# A timed unit shorter than this would measure the clock and the call.
_UNIT = 0.004
# Seconds until the threads of the one sleep, which wait in a loop after their work (OpenBLAS's for
# 100 ms): until then they have the cores that the threads of the other are to run on.
UNTIL_THREADS_SLEEP = 0.12
MOST_WITH_PAUSES = 15
# Seconds that each runs before it is timed with several threads: symbp tries how many pay.
WARM_UP = 0.7


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes
    ----------
    seconds : float
        For one pair, beyond the least number of repeats.
    least, most : int
        Timed units of each.
    """

    seconds: float
    least: int
    most: int


@dataclass(frozen=True)
class Quartiles:
    """The median with the quartiles around it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Quartiles":
        """Return those of at least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(low, median, high)

    def scaled(self, factor: float) -> "Quartiles":
        """Return all three multiplied."""
        return Quartiles(self.low * factor, self.median * factor, self.high * factor)


def interleaved(
    ours: Run, theirs: Run, effort: Effort, threads: str = "1"
) -> tuple[Quartiles, Quartiles, Quartiles]:
    """Time two computations ABAB….

    Parameters
    ----------
    ours, theirs : callable
        ``run(count)``; both have been called before, so that they are compiled.
    effort : Effort
        How long to measure.
    threads : {"1", "all"}
        With several there is a pause before each unit.

    Returns
    -------
    ours, theirs, ratio : Quartiles
        Seconds of one of each, and theirs over ours taken pair by pair.
    """
    our_count, their_count = _calibrated(ours), _calibrated(theirs)
    first: list[float] = []
    second: list[float] = []
    pause = 0.0
    if threads != "1":
        pause = UNTIL_THREADS_SLEEP
        effort = replace(effort, most=min(effort.most, MOST_WITH_PAUSES))
        for run, count in ((theirs, their_count), (ours, our_count)):
            time.sleep(pause)
            begin = time.perf_counter()
            while time.perf_counter() - begin < WARM_UP:
                run(count)
    taken = 0.0
    while _unfinished(len(first), taken, effort):
        time.sleep(pause)
        first.append(_timed(ours, our_count))
        time.sleep(pause)
        second.append(_timed(theirs, their_count))
        taken += first[-1] * our_count + second[-1] * their_count
    ratios = [b / a for a, b in zip(first, second, strict=True)]
    return Quartiles.of(first), Quartiles.of(second), Quartiles.of(ratios)


def alone(run: Run, effort: Effort) -> Quartiles:
    """Time one computation; return seconds."""
    count = _calibrated(run)
    found: list[float] = []
    taken = 0.0
    while _unfinished(len(found), taken, effort):
        found.append(_timed(run, count))
        taken += found[-1] * count
    return Quartiles.of(found)


def _unfinished(done: int, taken: float, effort: Effort) -> bool:
    if done < effort.least:
        return True
    return done < effort.most and taken < effort.seconds


def _calibrated(run: Run) -> int:
    """Return how many make a unit long enough to time; this also warms the caches."""
    count, taken = 1, _timed(run, 1)
    while taken * count < _UNIT:
        count = max(2 * count, math.ceil(min(_UNIT / max(taken, 1e-9), 64.0 * count)))
        taken = _timed(run, count)
    return count


def _timed(run: Run, count: int) -> float:
    start = time.perf_counter()
    run(count)
    return (time.perf_counter() - start) / count
