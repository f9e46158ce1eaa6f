"""Many networks at once: symbp's replicas against JAX, in one process and by its CPU time.

``symbp bench --many`` prints it. All start from the same parameters, see the same examples in the
same orders, and must agree before they are timed; then they take turns, and the medians count.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import symbp as bp
from symbp.notation.errors import SymbpError

__all__ = ["MANY", "ManyWorkload", "measured", "report"]

_LEARNING_RATE = 0.01
_TURNS = 9
# Epochs of a turn of symbp, as of a training: what comes before the first one counts too.
_EPOCHS = 4


@dataclass(frozen=True)
class ManyWorkload:
    """Networks of one shape.

    Attributes
    ----------
    sizes : tuple of int
        Units of each layer, the inputs first.
    activation : str
        Of every layer.
    batch, steps, replicas : int
        Examples of a step, steps of an epoch, and how many networks.
    own : bool
        Whether each has its own order of the examples.
    by_hand : bool
        Whether JAX is also written out with the networks as last axis.
    """

    sizes: tuple[int, ...]
    activation: str
    batch: int
    steps: int
    replicas: int
    own: bool
    by_hand: bool

    @property
    def name(self) -> str:
        """For example ``2-4-1 b4, 4096 replicas``."""
        sizes = "-".join(map(str, self.sizes))
        return f"{sizes} b{self.batch}, {self.replicas} replicas"


MANY = (
    ManyWorkload((2, 4, 1), "sigmoid", 4, 64, 4096, own=False, by_hand=True),
    ManyWorkload((8, 32, 32, 2), "tanh", 16, 32, 256, own=True, by_hand=True),
    ManyWorkload((784, 30, 10), "sigmoid", 10, 50, 64, own=True, by_hand=False),
)


@dataclass(frozen=True)
class Figure:
    """Nanoseconds of CPU time that a network takes for a step, and seconds of the clock."""

    way: str
    cpu: float
    clock: float


def _jax() -> Any:
    try:
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    return jax


def measured(workload: ManyWorkload, dtype: str, threads: int, turns: int) -> list[Figure]:
    """Return the figures of each way of training some networks.

    Parameters
    ----------
    workload : ManyWorkload
        What is trained.
    dtype : {"float32", "float64"}
        The precision.
    threads : int
        Of symbp; JAX's are what its environment says.
    turns : int
        How often each is timed.
    """
    rng = np.random.default_rng(0)
    rows, count = workload.batch * workload.steps, workload.replicas
    x = rng.normal(size=(rows, workload.sizes[0])).astype(dtype)
    y = rng.uniform(size=(rows, workload.sizes[-1])).astype(dtype)
    orders = [rng.permutation(rows) for _ in range(count)] if workload.own else None
    network = bp.mlp(*workload.sizes, activation=workload.activation)
    many = bp.compile(network, bp.SGD(_LEARNING_RATE), dtype, replicas=count)
    start = tuple(array.copy() for array in many.parameters)
    options: dict[str, Any] = {"batch_size": workload.batch, "shuffle": False, "rows": orders}
    many.fit(x, y, threads=threads, **options)
    after = tuple(array.copy() for array in many.parameters)
    ways: dict[str, Callable[[], object]] = {
        "symbp": lambda: many.fit(x, y, threads=threads, epochs=_EPOCHS, **options)
    }
    if workload.own:
        drawn = bp.compile(network, bp.SGD(_LEARNING_RATE), dtype, replicas=count)
        ways["symbp, orders drawn too"] = lambda: drawn.fit(
            x, y, threads=threads, epochs=_EPOCHS, batch_size=workload.batch
        )
    one = bp.compile(network, bp.SGD(_LEARNING_RATE), dtype)
    few = min(count, 64)
    several = _several(one, few)

    def in_turn() -> None:
        for trainer in several:
            trainer.fit(x, y, batch_size=workload.batch, shuffle=False)

    ways["trainers in turn"] = in_turn
    jax = _jax()
    if jax is not None:
        for name, way in _jax_ways(jax, workload, x, y, orders, start):
            ways[name] = way
    for name, way in ways.items():
        result = way()
        if name.startswith("JAX"):
            _agree(name, result, after, start, dtype)
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            cpu, clock = time.process_time(), time.perf_counter()
            way()
            taken = time.process_time() - cpu, time.perf_counter() - clock
            networks = few if name == "trainers in turn" else count
            epochs = _EPOCHS if name.startswith("symbp") else 1
            scale = 1e9 / (networks * workload.steps * epochs)
            figures[name].append((taken[0] * scale, taken[1] * scale))
    return [
        Figure(name, *(statistics.median(each) for each in zip(*found, strict=True)))
        for name, found in figures.items()
    ]


def _several(trainer: Any, count: int) -> list[Any]:
    kind = type(trainer)
    return [kind(seed=seed, learning_rate=_LEARNING_RATE) for seed in range(count)]


def _agree(name: str, result: Any, ours: Any, start: Any, dtype: str) -> None:
    """Raise an error unless one epoch has given what symbp's first one gave."""
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    for theirs, own, first in zip(result, ours, start, strict=True):
        moved = np.abs(own - first).max()
        error = np.abs(np.asarray(theirs) - own).max()
        if not error <= tolerance * max(moved, 1.0):
            raise SymbpError(f"{name}: parameters differ by {error:.1e} after an epoch")


def _jax_ways(
    jax: Any,
    workload: ManyWorkload,
    x: NDArray[Any],
    y: NDArray[Any],
    orders: Sequence[NDArray[Any]] | None,
    start: Sequence[NDArray[Any]],
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield JAX's ways: vmap of a scanned epoch, and gradients written out by hand."""
    jnp = jax.numpy
    act = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}[workload.activation]
    slopes: dict[str, Callable[[Any], Any]] = {
        "sigmoid": lambda a: a * (1 - a),
        "tanh": lambda a: 1 - a * a,
    }
    slope = slopes[workload.activation]
    rate, batch = jnp.asarray(_LEARNING_RATE, x.dtype), workload.batch
    xs, ys = jnp.asarray(x), jnp.asarray(y)
    rows = np.arange(len(x)) if orders is None else np.stack(list(orders))
    numbers = jnp.asarray(rows.reshape(*rows.shape[:-1], workload.steps, batch))

    def cost(parameters: Any, inputs: Any, targets: Any) -> Any:
        a = inputs
        for weights, biases in zip(parameters[::2], parameters[1::2], strict=True):
            a = act(a @ weights.T + biases)
        return ((a - targets) ** 2).sum() / (2 * len(inputs))

    def epoch(parameters: Any, order: Any) -> Any:
        def step(now: Any, chosen: Any) -> Any:
            gradients = jax.grad(cost)(now, xs[chosen], ys[chosen])
            return [p - rate * g for p, g in zip(now, gradients, strict=True)], None

        return jax.lax.scan(step, parameters, order)[0]

    axes = (0, None if orders is None else 0)
    mapped = jax.jit(jax.vmap(epoch, in_axes=axes))
    first = [jnp.asarray(array) for array in start]
    yield "JAX vmap of scan", lambda: jax.block_until_ready(mapped(first, numbers))
    if not workload.by_hand:
        return

    def by_hand(parameters: Any, order: Any) -> Any:
        # The networks are the last axis, sums over few units are written out.
        def step(now: Any, chosen: Any) -> Any:
            activations = [_data(jnp, xs, chosen)]
            for weights, biases in zip(now[::2], now[1::2], strict=True):
                a = activations[-1]
                z = biases[None] + sum(
                    weights[None, :, k] * a[:, None, k] for k in range(weights.shape[1])
                )
                activations.append(act(z))
            delta = (activations[-1] - _data(jnp, ys, chosen)) / batch
            changed: list[Any] = []
            for layer in reversed(range(len(now) // 2)):
                delta = delta * slope(activations[layer + 1])
                weights, biases = now[2 * layer], now[2 * layer + 1]
                a = activations[layer]
                gradient = sum(delta[n, :, None] * a[n, None] for n in range(batch))
                changed = [weights - rate * gradient, biases - rate * delta.sum(0), *changed]
                if layer:
                    delta = sum(weights[None, j] * delta[:, j, None] for j in range(len(biases)))
            return changed, None

        return jax.lax.scan(step, parameters, order)[0]

    def batched(parameters: Any, order: Any) -> Any:
        # The networks are the first axis of batched products.
        def step(now: Any, chosen: Any) -> Any:
            activations = [xs[chosen]]
            for weights, biases in zip(now[::2], now[1::2], strict=True):
                z = jnp.einsum("rnk,rjk->rnj", activations[-1], weights) + biases[:, None]
                activations.append(act(z))
            delta = (activations[-1] - ys[chosen]) / batch
            changed: list[Any] = []
            for layer in reversed(range(len(now) // 2)):
                delta = delta * slope(activations[layer + 1])
                weights, biases = now[2 * layer], now[2 * layer + 1]
                gradient = jnp.einsum("rnj,rnk->rjk", delta, activations[layer])
                changed = [weights - rate * gradient, biases - rate * delta.sum(1), *changed]
                if layer:
                    delta = jnp.einsum("rnj,rjk->rnk", delta, weights)
            return changed, None

        return jax.lax.scan(step, parameters, order)[0]

    if workload.own:
        hand = jax.jit(batched)
        by_step = jnp.swapaxes(numbers, 0, 1)
        yield "JAX by hand", lambda: jax.block_until_ready(hand(first, by_step))
        return
    hand = jax.jit(by_hand)
    last = [jnp.moveaxis(array, 0, -1) for array in first]

    def back(result: Any) -> Any:
        return [jnp.moveaxis(array, -1, 0) for array in jax.block_until_ready(result)]

    yield "JAX by hand", lambda: back(hand(last, numbers))


def _data(jnp: Any, values: Any, chosen: Any) -> Any:
    return values[chosen][..., None]


def report(quick: bool = False) -> Iterator[str]:
    """Yield the lines of a Markdown table of all workloads.

    Parameters
    ----------
    quick : bool
        Whether each is timed three times only.
    """
    from llvmlite import binding

    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    yield (
        f"{platform.machine()}, {binding.get_host_cpu_name()}, {len(cores) or os.cpu_count()} "
        f"cores; nanoseconds of CPU time for a step of one network, medians of turns in one process"
    )
    yield ""
    yield "| networks | precision | threads | way | ns | times symbp |"
    yield "|---|---|---|---|---|---|"
    for workload in MANY:
        for dtype in ("float32", "float64"):
            for threads in (1, 2):
                figures = measured(workload, dtype, threads, 3 if quick else _TURNS)
                for figure in figures:
                    ratio = figure.cpu / figures[0].cpu
                    clock = f" ({figure.clock:.0f} of the clock)" if threads > 1 else ""
                    yield (
                        f"| {workload.name} | {dtype} | {threads} | {figure.way} | "
                        f"{figure.cpu:.1f}{clock} | {ratio:.2f} |"
                    )


if __name__ == "__main__":
    for line in report():
        print(line, flush=True)
