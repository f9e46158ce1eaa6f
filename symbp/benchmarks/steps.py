"""Time of one training step, symbp and JAX in turn in one process.

The two are interleaved so that a change of the machine's speed hits both, and the ratio is taken
pair by pair; the median is reported.
"""

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

import symbp as bp
from symbp.benchmarks.jax_peer import jax_epoch
from symbp.benchmarks.workloads import Workload

__all__ = ["StepTime", "step_time"]

_RATE = 0.1


@dataclass(frozen=True)
class StepTime:
    """Medians over the repeats, in microseconds a step; the ratio is JAX's time over symbp's."""

    symbp: float
    jax: float
    ratio: float


def step_time(workload: Workload, dtype: str, repeats: int = 15) -> StepTime:
    """Measure one workload.

    Parameters
    ----------
    workload : Workload
        The network and its batch size.
    dtype : {"float32", "float64"}
        The precision of both.
    repeats : int
        Timed epochs of each.
    """
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    generator = np.random.default_rng(0)
    rows = workload.batch * workload.steps
    x = generator.normal(size=(rows, workload.sizes[0])).astype(dtype)
    labels = generator.integers(0, workload.sizes[-1], rows)
    y = np.eye(workload.sizes[-1], dtype=dtype)[labels]
    order = generator.permutation(rows)

    trainer = bp.compile(workload.network(), bp.SGD(_RATE), dtype)
    kernel = trainer.module._epoch_kernel  # the compiled epoch, as JAX's is called directly
    flat = np.concatenate([p.ravel() for p in trainer.parameters])
    state, rates = np.zeros(0, dtype), np.array([_RATE], dtype)
    arrays = [np.asarray(p) for p in trainer.parameters]
    layers = [(jnp.array(w), jnp.array(b)) for w, b in zip(arrays[::2], arrays[1::2], strict=True)]
    epoch = jax_epoch(workload, _RATE)
    jx, jy, jorder = jnp.array(x), jnp.array(y), jnp.array(order)

    ours: list[float] = []
    theirs: list[float] = []
    for repeat in range(repeats + 2):
        start = time.perf_counter()
        kernel(flat, state, rates, order, workload.batch, x, y)
        middle = time.perf_counter()
        layers, costs = epoch(layers, jx, jy, jorder)
        costs.block_until_ready()
        end = time.perf_counter()
        if repeat >= 2:  # the first compile, the second warm the caches
            ours.append((middle - start) / workload.steps * 1e6)
            theirs.append((end - middle) / workload.steps * 1e6)
    return StepTime(
        statistics.median(ours), statistics.median(theirs), statistics.median(_ratios(theirs, ours))
    )


def _ratios(above: Iterable[float], below: Iterable[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]
