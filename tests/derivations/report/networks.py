"""The networks that reports are made of in these tests."""

import functools
from collections.abc import Callable
from typing import Any

import symbp as bp
from tests.programs import attention


class Residual:
    """A layer that adds to its input: a = x + relu(W x + b)."""

    def equations(self, source: Any, number: int) -> Any:
        n, j = source.indices
        k = bp.Index("k", j.extent)
        weights, bias = bp.parameter(f"W{number}", j, k), bp.parameter(f"b{number}", j)
        total = bp.tensor(f"r{number}", n, j)
        inner = bp.Sum(weights[j, k] * source[n, k], k) + bias[j]
        return [bp.Equation(total[n, j], source[n, j] + bp.relu(inner))], total


def residual() -> bp.Network:
    """Return a network with two residual layers."""
    layers: list[Any] = [bp.Dense(3, "tanh"), Residual(), Residual(), bp.Dense(2)]
    return bp.Network(layers, input=2, loss="softmax_cross_entropy")


NETWORKS: dict[str, Callable[[], bp.Program]] = {
    "2-2-2": lambda: bp.mlp(2, 2, 2),
    "3-3-3": lambda: bp.mlp(3, 3, 3),
    "784-100-10": lambda: bp.mlp(784, 100, 10),
    "residual": residual,
    "user's equations": lambda: attention()[0],
}
FORMS = ("matrix", "index", "component")


@functools.cache
def derivation_of(name: str) -> bp.Derivation:
    """Return the derivation of a network, which many tests read and none changes."""
    return bp.derive(NETWORKS[name]())


def hostile() -> bp.Program:
    """Return a program whose names and symbols would break a page that trusts them."""
    k = bp.Index("k", 2)
    x = bp.input("x", k, symbol="</math><script>alert(1)</script>")
    w = bp.parameter("größe_β_中", k, symbol='<img src="http://x" onerror=1>')
    v = bp.parameter("a_very_long_name_that_a_program_of_somebody_has", k)
    cost = bp.tensor("C", symbol="`$x$` & C")
    body = bp.Sum(w[k] * x[k] + v[k] ** 2, k)
    return bp.Program([bp.Equation(cost, body)], cost=cost)
