"""Time to the first trained step, in processes of their own: cold, and with a warm cache."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["StartTime", "start_time"]

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

_IMPORT = """
import importlib, pathlib, sys
import numpy as np
path = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(path.parent))
module = importlib.import_module(path.stem)
inputs, classes = module._ARGUMENTS[0][2][1], module._ARGUMENTS[1][2][1]
x = np.zeros((32, inputs))
module.Trainer().fit(x, np.arange(32) % classes, epochs=1)
"""


@dataclass(frozen=True)
class StartTime:
    """Seconds.

    Attributes
    ----------
    library : float
        Importing symbp.
    cold : float
        From the definition to the first trained step, nothing cached.
    warm : float
        A whole new process that imports the module from its cache and trains one step.
    """

    library: float
    cold: float
    warm: float


def start_time(sizes: tuple[int, ...]) -> StartTime:
    """Measure a network of dense layers in new processes with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SYMBP_CACHE": str(Path(folder) / "cache")}
        environment.pop("NUMBA_CACHE_DIR", None)
        first = subprocess.run(
            [sys.executable, "-c", _DEFINE, json.dumps(sizes)],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        library, cold, module = json.loads(first.stdout)
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", _IMPORT, module], env=environment, check=True)
        return StartTime(library, cold, time.perf_counter() - begin)
