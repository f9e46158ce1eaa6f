"""What the machine can do at best, here and now: GEMM rates and bandwidths of the cache levels.

Both are measured in the process that times the steps, on its cores and with its number of
threads, so that the floor of a step meets the same clock frequency and the same neighbours.
"""

import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np

__all__ = ["Bandwidth", "Rates", "cache_sizes", "measure_rates", "usable_cores"]

_SQUARES = (256, 512, 1024)
# Where the system does not tell: half of the customary L1, L2 and L3.
_WORKING_SETS = (16 * 2**10, 256 * 2**10, 8 * 2**20)
_MEMORY = 128 * 2**20
# Bytes of one timing of a small working set: handing work to another thread must not show.
_MOVED = 2**26


@dataclass(frozen=True)
class Bandwidth:
    """Bytes read and written a second while all of them lie in one level of the memory.

    Attributes
    ----------
    capacity : float
        Bytes that the level holds; infinity for main memory.
    rate : float
        Bytes a second.
    """

    capacity: float
    rate: float


@dataclass(frozen=True)
class Rates:
    """The best that was measured.

    Attributes
    ----------
    gemm : dict of str to float
        Floating-point operations a second of a matrix product, by dtype.
    bandwidths : tuple of Bandwidth
        From the smallest level to main memory.
    """

    gemm: dict[str, float]
    bandwidths: tuple[Bandwidth, ...]

    def bandwidth(self, size: float) -> float:
        """Return the bytes a second of the smallest level that holds a working set."""
        return next(level.rate for level in self.bandwidths if size <= level.capacity)

    def best_of(self, other: "Rates") -> "Rates":
        """Return the better of two measurements of one machine."""
        gemm = {dtype: max(rate, other.gemm[dtype]) for dtype, rate in self.gemm.items()}
        pairs = zip(self.bandwidths, other.bandwidths, strict=True)
        return Rates(gemm, tuple(Bandwidth(a.capacity, max(a.rate, b.rate)) for a, b in pairs))


def measure_rates(threads: int, repeats: int = 3) -> Rates:
    """Measure GEMM rates and bandwidths.

    Parameters
    ----------
    threads : int
        Cores that the bandwidth is measured on at once; BLAS has its own setting.
    repeats : int
        The best of so many counts.
    """
    gemm = {dtype: _gemm_rate(dtype, repeats) for dtype in ("float32", "float64")}
    capacities = cache_sizes()
    working = [size // 2 for size in capacities] if capacities else list(_WORKING_SETS)
    limits = [float(size) for size in capacities or [2 * size for size in _WORKING_SETS]]
    working.append(max(_MEMORY, 4 * int(limits[-1])))
    limits.append(float("inf"))
    # Each core has a cache of its own, but the last level is common.
    shared = {len(working) - 1, len(working) - 2}
    found = []
    for level, (size, capacity) in enumerate(zip(working, limits, strict=True)):
        each = size // threads if level in shared else size
        total = capacity if level in shared else capacity * threads
        found.append(Bandwidth(total, _bandwidth(each, threads, repeats)))
    return Rates(gemm, tuple(found))


def cache_sizes(folder: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> list[int]:
    """Return the bytes of the data caches from the first level up; empty where unknown."""
    found: dict[int, int] = {}
    try:
        for entry in sorted(folder.glob("index*")):
            if (entry / "type").read_text().strip() == "Instruction":
                continue
            size = re.fullmatch(r"(\d+)([KMG]?)", (entry / "size").read_text().strip())
            if size:
                unit = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[size[2]]
                found[int((entry / "level").read_text())] = int(size[1]) * unit
    except (OSError, ValueError):
        return []
    return [found[level] for level in sorted(found)]


def _gemm_rate(dtype: str, repeats: int) -> float:
    from scipy.linalg.blas import dgemm, sgemm

    gemm = sgemm if dtype == "float32" else dgemm
    generator = np.random.default_rng(0)
    best = 0.0
    for size in _SQUARES:
        a, b, c = (
            np.asfortranarray(generator.normal(size=(size, size)), dtype=dtype) for _ in range(3)
        )

        def product(a: Any = a, b: Any = b, c: Any = c) -> None:
            gemm(1.0, a, b, 0.0, c, overwrite_c=True)

        best = max(best, 2.0 * size**3 / _least_seconds(product, repeats))
    return best


def _bandwidth(size: int, threads: int, repeats: int) -> float:
    """Return bytes a second, `size` bytes of three arrays on each of the threads."""
    length = max(size // 24, 1)
    arrays = [[np.ones(length) for _ in range(3)] for _ in range(threads)]
    sweeps = max(1, _MOVED // (24 * length))

    def one(own: Any) -> None:
        _triad(*own, sweeps)

    if threads == 1:
        seconds = _least_seconds(lambda: one(arrays[0]), repeats)
    else:
        with ThreadPoolExecutor(threads) as pool:
            seconds = _least_seconds(lambda: list(pool.map(one, arrays)), repeats)
    return 24.0 * length * sweeps * threads / seconds


@numba.njit(nogil=True, cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def _triad(a: Any, b: Any, c: Any, sweeps: int) -> None:
    # Two reads and one write, in the proportion in which a step moves its parameters.
    for _ in range(sweeps):
        for i in range(a.shape[0]):
            a[i] = b[i] + 0.5 * c[i]


def _least_seconds(function: Callable[[], object], repeats: int) -> float:
    function()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def usable_cores() -> int:
    """Return the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
