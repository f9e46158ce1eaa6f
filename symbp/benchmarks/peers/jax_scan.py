"""JAX: the whole epoch in one jitted function, the batches under ``lax.scan``, buffers donated.

What its users would try by hand is tried here, and the fastest is timed: weights stored as
(inputs, units) or as (units, inputs), and for small networks two steps in one iteration of the
scan. XLA compiles a loop in quite different ways by the size of what it carries.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from symbp.benchmarks.floor import gemm_operations
from symbp.benchmarks.prepared import Prepared, log_softmax
from symbp.benchmarks.problem import Problem
from symbp.benchmarks.workloads import Case

__all__ = ["STEPS", "prepare"]

STEPS = None  # the workload's own
# Floating-point operations of a step beyond which unrolling the scan was never faster.
_SMALL = 200_000


def prepare(problem: Problem) -> Prepared:
    """Make a case ready in JAX."""
    import jax

    # Without it, indices are 32 bits wide: what float32 code is run with.
    jax.config.update("jax_enable_x64", problem.case.dtype == "float64")
    makers = {"step": _prepared_epoch, "gradient": _prepared_gradient, "predict": _prepared_predict}
    make = makers[problem.case.measure]
    unrolls = [1]
    if problem.case.measure == "step" and gemm_operations(problem.case) < _SMALL:
        unrolls.append(2)
    settings = [(transposed, unroll) for transposed in (False, True) for unroll in unrolls]
    return fastest([partial(make, problem, *setting) for setting in settings])


def fastest(makers: Sequence[Callable[[], Prepared]]) -> Prepared:
    """Return what the maker of the fastest of some alternatives makes.

    It is made anew, since timing has changed the parameters of those that were tried.
    """
    seconds = []
    for make in makers:
        tried = make()
        tried.run(1)  # compiles
        times = []
        for _ in range(5):
            start = time.perf_counter()
            tried.run(1)
            times.append(time.perf_counter() - start)
        seconds.append(min(times))
    return makers[seconds.index(min(seconds))]()


def _prepared_epoch(problem: Problem, transposed: bool, unroll: int) -> Prepared:
    import jax
    import jax.numpy as jnp

    case = problem.case
    layers = _layers(problem, transposed)
    x, y, order = jnp.array(problem.x), jnp.array(problem.y), jnp.array(problem.order)
    run_epoch = jax.jit(_epoch(case, transposed, unroll), donate_argnums=(0, 1))
    state: Any = ()
    if case.optimizer == "adam":
        moments = (jax.tree.map(jnp.zeros_like, layers) for _ in range(2))
        state = (jnp.zeros((), jnp.int32), *moments)
    kept = [layers, state]

    def epochs(count: int) -> None:
        costs: Any = None
        for _ in range(count):
            kept[0], kept[1], costs = run_epoch(kept[0], kept[1], x, y, order)
        costs.block_until_ready()

    return Prepared(epochs, lambda: _arrays(kept[0], transposed))


def _prepared_gradient(problem: Problem, transposed: bool, _: int) -> Prepared:
    import jax
    import jax.numpy as jnp

    layers = _layers(problem, transposed)
    x, y = jnp.array(problem.x), jnp.array(problem.y)
    value_and_grad = jax.jit(jax.value_and_grad(_functions(problem.case, transposed)[1]))

    def gradients(count: int) -> None:
        for _ in range(count):
            jax.block_until_ready(value_and_grad(layers, x, y))

    def gradient() -> list[Any]:
        value, found = value_and_grad(layers, x, y)
        return [np.array(value, np.float64), *_arrays(found, transposed)]

    return Prepared(gradients, gradient)


def _prepared_predict(problem: Problem, transposed: bool, _: int) -> Prepared:
    import jax
    import jax.numpy as jnp

    layers, x = _layers(problem, transposed), jnp.array(problem.x)
    predict = jax.jit(_functions(problem.case, transposed)[0])

    def predictions(count: int) -> None:
        for _ in range(count):
            predict(layers, x).block_until_ready()

    def prediction() -> list[Any]:
        found = np.array(predict(layers, x), np.float64)
        return [log_softmax(found) if problem.case.softmax else found]

    return Prepared(predictions, prediction)


def _functions(case: Case, transposed: bool) -> tuple[Any, Any]:
    """Return ``forward(layers, x)`` and ``cost(layers, x, y)``."""
    import jax
    import jax.numpy as jnp

    activation = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu}[case.kind.activation]

    def forward(layers: Any, x: Any) -> Any:
        a = x
        for number, (weights, biases) in enumerate(layers):
            z = a @ (weights.T if transposed else weights) + biases
            a = z if case.softmax and number == len(layers) - 1 else activation(z)
        return a

    def cost(layers: Any, x: Any, y: Any) -> Any:
        output = forward(layers, x)
        if case.softmax:
            return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(output), axis=1))
        return 0.5 * jnp.mean(jnp.sum((output - y) ** 2, axis=1))

    return forward, cost


def _epoch(case: Case, transposed: bool, unroll: int) -> Any:
    """Return ``epoch(layers, state, x, y, order) -> layers, state, costs``."""
    import jax
    import jax.numpy as jnp

    rate = case.learning_rate
    cost = _functions(case, transposed)[1]

    def descend(layers: Any, state: Any, gradient: Any) -> tuple[Any, Any]:
        return jax.tree.map(lambda p, g: p - rate * g, layers, gradient), state

    def adam(layers: Any, state: Any, gradient: Any) -> tuple[Any, Any]:
        count, m, v = state
        count = count + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
        t = count.astype(case.dtype)
        root = jnp.sqrt(1 - 0.999**t)
        scale, epsilon = rate * root / (1 - 0.9**t), 1e-8 * root
        layers = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + epsilon), layers, m, v)
        return layers, (count, m, v)

    update = adam if case.optimizer == "adam" else descend

    def step(kept: tuple[Any, Any], batch: tuple[Any, Any]) -> tuple[Any, Any]:
        value, gradient = jax.value_and_grad(cost)(kept[0], *batch)
        return update(*kept, gradient), value

    def epoch(layers: Any, state: Any, x: Any, y: Any, order: Any) -> tuple[Any, Any, Any]:
        batches = tuple(a[order].reshape(-1, case.rows, a.shape[1]) for a in (x, y))
        (layers, state), costs = jax.lax.scan(step, (layers, state), batches, unroll=unroll)
        return layers, state, costs

    return epoch


def _layers(problem: Problem, transposed: bool) -> list[Any]:
    import jax.numpy as jnp

    return [(jnp.array(w if transposed else w.T), jnp.array(b)) for w, b in problem.layers]


def _arrays(layers: Any, transposed: bool) -> list[Any]:
    found: list[Any] = []
    for weights, biases in layers:
        w = np.array(weights, np.float64)
        found += [w if transposed else w.T, np.array(biases, np.float64)]
    return found
