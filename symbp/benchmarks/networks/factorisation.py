"""Matrix factorisation: rows of two tables are looked up, multiplied and changed."""

from functools import partial
from typing import Any

import numpy as np

import symbp as bp
from symbp.benchmarks.networks.training import Array, Parameters, Runner, Training, drawn

__all__ = ["factorisation"]

_BATCH = 1024
# So small that it does not matter where it stands: PyTorch does not correct it with the moments.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-30


def factorisation(steps: int, users: int, items: int, lazy: bool = False) -> Training:
    """Return a factorisation of rank 32, 1024 pairs a batch, by descent or by lazy Adam."""
    n, k, u, v = bp.indices("n k u v", "N", 32, users, items)
    user, item = (bp.input(name, n, kind="integer") for name in ("user", "item"))
    r, p, C = bp.target("r", n), bp.tensor("p", n), bp.tensor("C")
    U, V = bp.parameter("U", u, k), bp.parameter("V", v, k)
    equations = [
        bp.Equation(p[n], bp.Sum(U[user[n], k] * V[item[n], k], k)),
        bp.Equation(C, bp.Sum((p[n] - r[n]) ** 2, n) / n.extent),
    ]
    generator = np.random.default_rng(0)
    rows = _BATCH * steps
    arrays = generator.integers(0, users, rows), generator.integers(0, items, rows), drawn(rows)
    peers: dict[str, Any]
    if lazy:
        peers = {
            "JAX, last of equal rows": partial(_jax_lazy, by_sorting=False),
            "JAX, sorted": partial(_jax_lazy, by_sorting=True),
            "torch SparseAdam": _torch_lazy,
        }
    else:
        peers = {"JAX .at[].add": _jax, "torch index_add_": _torch}
    optimizer = bp.LazyAdam(0.01, epsilon=_EPSILON) if lazy else bp.SGD(0.5)
    program = bp.Program(equations, cost=C, output=p)
    return Training(program, optimizer, arrays, _BATCH, steps, {}, peers)


def _changes(U: Any, V: Any, user: Any, item: Any, r: Any) -> tuple[Any, Any]:
    """Return what the gradient adds to each row that is looked up."""
    a, b = U[user], V[item]
    g = (2 / _BATCH * ((a * b).sum(1) - r))[:, None]
    return g * b, g * a


def _scanned(step: Any, state: Any, training: Training, data: tuple[Array, ...]) -> Runner:
    """Return the epochs of a step under ``lax.scan``, its arrays donated."""
    import jax
    import jax.numpy as jnp

    epoch = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches)[0], donate_argnums=0)
    batches = tuple(
        jnp.asarray(a.astype("int32") if a.dtype.kind == "i" else a).reshape(training.steps, -1)
        for a in data
    )
    kept = [state]

    def run(count: int) -> None:
        for _ in range(count):
            kept[0] = epoch(kept[0], batches)
        jax.block_until_ready(kept[0])

    return Runner(run, lambda: {"U": np.asarray(kept[0][0]), "V": np.asarray(kept[0][1])})


def _jax(training: Training, p: Parameters, data: tuple[Array, ...]) -> Runner:
    import jax.numpy as jnp

    def step(state: Any, batch: Any) -> Any:
        (U, V), (user, item, r) = state, batch
        of_U, of_V = _changes(U, V, user, item, r)
        return (U.at[user].add(-0.5 * of_U), V.at[item].add(-0.5 * of_V)), None

    return _scanned(step, (jnp.array(p["U"]), jnp.array(p["V"])), training, data)


def _jax_lazy(
    training: Training, p: Parameters, data: tuple[Array, ...], *, by_sorting: bool
) -> Runner:
    import jax
    import jax.numpy as jnp

    def summed(rows: int, places: Any, g: Any) -> tuple[Any, Any]:
        """Return places, and for each the sum over equal ones."""
        if by_sorting:
            order = jnp.argsort(places)
            places = places[order]
            new = jnp.concatenate([jnp.array([False]), places[1:] != places[:-1]])
            segment = jnp.cumsum(new)
            return places, jax.ops.segment_sum(g[order], segment, len(g))[segment]
        numbers = jnp.arange(len(g), dtype=jnp.int32)
        last = jnp.zeros(rows, jnp.int32).at[places].max(numbers)[places]
        return places, jnp.zeros_like(g).at[last].add(g)[last]

    def changed(kept: Any, places: Any, g: Any, t: Any) -> Any:
        w, m, v = kept
        places, g = summed(len(w), places, g)
        mean = _BETA1 * m[places] + (1 - _BETA1) * g
        square = _BETA2 * v[places] + (1 - _BETA2) * g**2
        root = jnp.sqrt(1 - _BETA2**t)
        change = 0.01 * root / (1 - _BETA1**t) * mean / (jnp.sqrt(square) + _EPSILON * root)
        new = w[places] - change
        return w.at[places].set(new), m.at[places].set(mean), v.at[places].set(square)

    def step(state: Any, batch: Any) -> Any:
        U, V, mU, vU, mV, vV, t = state
        user, item, r = batch
        of_U, of_V = _changes(U, V, user, item, r)
        U, mU, vU = changed((U, mU, vU), user, of_U, t + 1)
        V, mV, vV = changed((V, mV, vV), item, of_V, t + 1)
        return (U, V, mU, vU, mV, vV, t + 1), None

    U, V = jnp.array(p["U"]), jnp.array(p["V"])
    zeros = [jnp.zeros_like(w) for w in (U, U, V, V)]
    return _scanned(step, (U, V, *zeros, jnp.zeros((), U.dtype)), training, data)


def _torch_batches(data: tuple[Array, ...]) -> list[tuple[Any, ...]]:
    import torch

    parts = [torch.tensor(a).split(_BATCH) for a in data]
    return list(zip(*parts, strict=True))


def _torch(training: Training, p: Parameters, data: tuple[Array, ...]) -> Runner:
    import torch

    U, V = torch.tensor(p["U"]), torch.tensor(p["V"])
    batches = _torch_batches(data)

    def run(count: int) -> None:
        for user, item, r in batches * count:
            of_U, of_V = _changes(U, V, user, item, r)
            U.index_add_(0, user, of_U, alpha=-0.5)
            V.index_add_(0, item, of_V, alpha=-0.5)

    return Runner(run, lambda: {"U": U.numpy().copy(), "V": V.numpy().copy()})


def _torch_lazy(training: Training, p: Parameters, data: tuple[Array, ...]) -> Runner:
    import torch

    tables = [
        torch.nn.Embedding(*p[name].shape, sparse=True, _weight=torch.tensor(p[name]))
        for name in ("U", "V")
    ]
    optimizer = torch.optim.SparseAdam([table.weight for table in tables], lr=0.01, eps=_EPSILON)
    batches = _torch_batches(data)

    def run(count: int) -> None:
        for user, item, r in batches * count:
            optimizer.zero_grad()
            predicted = (tables[0](user) * tables[1](item)).sum(1)
            ((predicted - r) ** 2).mean().backward()
            optimizer.step()

    return Runner(
        run,
        lambda: {n: t.weight.detach().numpy().copy() for n, t in zip("UV", tables, strict=True)},
    )
