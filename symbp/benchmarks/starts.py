"""Time to the first trained step, in processes of their own: cold, and with a warm cache.

Where the cold start goes is told apart, and JAX's stands beside it.
"""

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

# Two layers, six, and twenty.
START_NETWORKS = ((64, 30, 10), (64, 30, 30, 30, 30, 30, 10), (64,) * 20 + (10,))

# Defines a network, generates and compiles its module, trains one step; prints what each took.
# Numba tells when it waits for LLVM.
_DEFINE = """
import json, sys, time
import numpy as np
begin = time.perf_counter()
import symbp as bp
sizes = json.loads(sys.argv[1])
bp.mlp
from numba.core import event
from symbp.compiler import module_source
from symbp.training.loading import module_of
imported = time.perf_counter()
network = bp.mlp(*sizes, activation="sigmoid", loss="softmax_cross_entropy")
text = module_source(network, bp.SGD(0.1), "float32")
written = time.perf_counter()
trainer = module_of(text).Trainer()
loaded = time.perf_counter()
generator = np.random.default_rng(0)
x = generator.normal(size=(32, sizes[0]))
llvm = []
with event.install_timer("numba:llvm_lock", llvm.append):
    trainer.fit(x, generator.integers(0, sizes[-1], 32), epochs=1)
end = time.perf_counter()
took = [imported - begin, written - imported, loaded - written, end - loaded - llvm[0], llvm[0]]
print(json.dumps([*took, trainer.module.__file__]))
"""

# The same network in JAX, one step of gradient descent: to the first one.
_JAX = """
import json, sys, time
import numpy as np
try:
    import jax
except ImportError:
    sys.exit(0)
import jax.numpy as jnp
sizes = json.loads(sys.argv[1])
generator = np.random.default_rng(0)
x, y = generator.normal(size=(32, sizes[0])), generator.integers(0, sizes[-1], 32)
jnp.zeros(1).block_until_ready()
begin = time.perf_counter()
shapes = list(zip(sizes[1:], sizes[:-1]))
layers = [(jnp.array(generator.normal(size=shape), jnp.float32), jnp.zeros(shape[0]))
          for shape in shapes]

def cost(layers, x, y):
    for w, b in layers[:-1]:
        x = jax.nn.sigmoid(x @ w.T + b)
    w, b = layers[-1]
    logs = jax.nn.log_softmax(x @ w.T + b)
    return -jnp.take_along_axis(logs, y[:, None], axis=1).mean()

@jax.jit
def step(layers, x, y):
    return jax.tree.map(lambda p, g: p - 0.1 * g, layers, jax.grad(cost)(layers, x, y))

jax.block_until_ready(step(layers, jnp.array(x, jnp.float32), jnp.array(y)))
print(time.perf_counter() - begin)
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
    text : float
        Deriving the network and writing its module, nothing cached.
    load : float
        Importing that.
    instructions : float
        Numba's part of compiling the epoch, and the step.
    llvm : float
        LLVM's part.
    warm : float
        From the import of the generated module, compiled before, to the first trained step, in a
        process that has imported NumPy and Numba.
    process : float
        All of that process, the start of Python and those imports too.
    jax : float or None
        From the definition to the first step of the same network in JAX; None without it.
    """

    sizes: tuple[int, ...]
    library: float
    text: float
    load: float
    instructions: float
    llvm: float
    warm: float
    process: float
    jax: float | None = None

    @property
    def cold(self) -> float:
        """From the definition to the first trained step, nothing cached."""
        return self.text + self.load + self.instructions + self.llvm


def start_time(sizes: tuple[int, ...], repeats: int = 3) -> StartTime:
    """Measure a network of dense layers in new processes, each time with an empty cache.

    Raises
    ------
    StartError
        One of them failed.
    """
    runs = [_once(sizes) for _ in range(repeats)]
    library, text, load, instructions, llvm, warm, process = (
        statistics.median(column) for column in zip(*runs, strict=True)
    )
    theirs = [_output(_JAX, [json.dumps(sizes)], dict(os.environ)) for _ in range(repeats)]
    jax = statistics.median(map(float, theirs)) if all(theirs) else None
    return StartTime(sizes, library, text, load, instructions, llvm, warm, process, jax)


def _once(sizes: tuple[int, ...]) -> tuple[float, ...]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SYMBP_CACHE": str(Path(folder) / "cache")}
        environment.pop("NUMBA_CACHE_DIR", None)
        *took, module = json.loads(_output(_DEFINE, [json.dumps(sizes)], environment))
        begin = time.perf_counter()
        warm = _output(_IMPORT, [module, str(sizes[0]), str(sizes[-1])], environment)
        return *took, float(warm), time.perf_counter() - begin


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
