"""What a run found: for each case symbp, every peer, the best of them, and the floor."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symbp.benchmarks.floor import Floor, floor
from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.memory import Memory
from symbp.benchmarks.peers import Peer
from symbp.benchmarks.rates import Rates
from symbp.benchmarks.starts import StartTime
from symbp.benchmarks.workloads import Case

__all__ = ["Report", "Row", "rows_of"]


@dataclass(frozen=True)
class Row:
    """One case with one thread setting.

    Attributes
    ----------
    case : Case
        What was timed.
    threads : str
        ``"1"`` or ``"all"``.
    peers : tuple of Measurement
        One for each peer of the run, in its order, whatever became of it.
    floor : Floor or None
        At the best rates of the run; None where no process lived to measure them.
    """

    case: Case
    threads: str
    peers: tuple[Measurement, ...]
    floor: Floor | None

    @property
    def symbp(self) -> float | None:
        """Microseconds: the median over the pairs' medians."""
        found = [each.symbp.median for each in self.peers if each.symbp is not None]
        return statistics.median(found) if found else None

    @property
    def best(self) -> Measurement | None:
        """The peer with the smallest ratio among those measured."""
        measured = [each for each in self.peers if each.ratio is not None]
        return min(measured, key=_ratio, default=None)

    @property
    def over_floor(self) -> float | None:
        """Symbp's time over the floor."""
        if self.floor is None or self.symbp is None:
            return None
        return self.symbp / (self.floor.seconds * 1e6)


@dataclass(frozen=True)
class Report:
    """Everything that is printed and written.

    Attributes
    ----------
    machine : dict of str to str
        Processor, versions, and the BLAS kernels of each thread setting.
    peers : tuple of Peer
        Those that were asked for.
    rates : dict of str to Rates
        The best of each thread setting.
    rows : tuple of Row
        In the order of the run.
    memory : tuple of Memory
        Of the steps.
    starts : tuple of StartTime
        Compile times.
    """

    machine: dict[str, str]
    peers: tuple[Peer, ...]
    rates: dict[str, Rates]
    rows: tuple[Row, ...]
    memory: tuple[Memory, ...] = ()
    starts: tuple[StartTime, ...] = ()


def rows_of(measurements: Sequence[Measurement], rates: Mapping[str, Rates]) -> list[Row]:
    """Return the rows, in the order in which their cases were first measured.

    Parameters
    ----------
    measurements : sequence of Measurement
        Of all processes.
    rates : mapping of str to Rates
        The best rates of each thread setting.
    """
    groups: dict[Any, list[Measurement]] = {}
    for found in measurements:
        groups.setdefault((found.threads, found.case.name), []).append(found)
    return [
        Row(
            group[0].case, threads, tuple(group),
            floor(group[0].case, rates[threads]) if threads in rates else None,
        )
        for (threads, _), group in groups.items()
    ]  # fmt: skip


def _ratio(measurement: Measurement) -> float:
    assert measurement.ratio is not None
    return measurement.ratio.median
