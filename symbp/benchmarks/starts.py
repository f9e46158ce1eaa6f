"""Time to the first trained step, in processes of their own: cold, and with a warm cache."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from symbp.benchmarks.runner import PATIENCE

__all__ = ["START_NETWORKS", "StartError", "StartTime", "start_time"]

# Two layers, and six.
START_NETWORKS = ((64, 30, 10), (64, 30, 30, 30, 30, 30, 10))

# Defines a network, generates and compiles its module, trains one step; prints what each took.
_DEFINE = """
import json, sys, time
import numpy as np
begin = time.perf_counter()
import symbp as bp
sizes = json.loads(sys.argv[1])
bp.mlp
imported = time.perf_counter()
network = bp.mlp(*sizes, activation="sigmoid", loss="softmax_cross_entropy")
trainer = bp.compile(network, bp.SGD(0.1), "float32")
generator = np.random.default_rng(0)
x = generator.normal(size=(32, sizes[0]))
trainer.fit(x, generator.integers(0, sizes[-1], 32), epochs=1)
end = time.perf_counter()
print(json.dumps([imported - begin, end - imported, trainer.module.__file__]))
"""

# Imports the generated module from its cache, as a program that uses it would.
_IMPORT = """
import importlib, pathlib, sys, time
import numpy as np
import numba
numba.njit
begin = time.perf_counter()
path = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(path.parent))
module = importlib.import_module(path.stem)
x = np.zeros((32, int(sys.argv[2])))
module.Trainer().fit(x, np.arange(32) % int(sys.argv[3]), epochs=1)
print(time.perf_counter() - begin)
"""


class StartError(Exception):
    """A process did not come to its first step; the message says why, in one line."""


@dataclass(frozen=True)
class StartTime:
    """Seconds, medians.

    Attributes
    ----------
    sizes : tuple of int
        Units of each layer, the inputs first.
    library : float
        Importing symbp.
    cold : float
        From the definition to the first trained step, nothing cached.
    warm : float
        From the import of the generated module, compiled before, to the first trained step, in a
        process that has imported NumPy and Numba.
    process : float
        All of that process, the start of Python and those imports too.
    """

    sizes: tuple[int, ...]
    library: float
    cold: float
    warm: float
    process: float


def start_time(sizes: tuple[int, ...], repeats: int = 3) -> StartTime:
    """Measure a network of dense layers in new processes, each time with an empty cache.

    Raises
    ------
    StartError
        One of them failed.
    """
    runs = [_once(sizes) for _ in range(repeats)]
    return StartTime(sizes, *(statistics.median(column) for column in zip(*runs, strict=True)))


def _once(sizes: tuple[int, ...]) -> tuple[float, float, float, float]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SYMBP_CACHE": str(Path(folder) / "cache")}
        environment.pop("NUMBA_CACHE_DIR", None)
        first = _output(_DEFINE, [json.dumps(sizes)], environment)
        library, cold, module = json.loads(first)
        begin = time.perf_counter()
        warm = _output(_IMPORT, [module, str(sizes[0]), str(sizes[-1])], environment)
        return library, cold, float(warm), time.perf_counter() - begin


def _output(source: str, arguments: list[str], environment: dict[str, str]) -> str:
    try:
        finished = subprocess.run(
            [sys.executable, "-c", source, *arguments],
            env=environment, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise StartError(f"no result after {PATIENCE:.0f} s, the process was ended") from None
    if finished.returncode:
        lines = finished.stderr.strip().splitlines() or ["no message"]
        raise StartError(f"the process ended with {finished.returncode}: {lines[-1][:200]}")
    return finished.stdout
