"""The networks by name."""

from collections.abc import Callable
from functools import partial

from symbp.benchmarks.networks.dense import deep, full_batch, normalised, pinn
from symbp.benchmarks.networks.factorisation import factorisation
from symbp.benchmarks.networks.images import cnn
from symbp.benchmarks.networks.sequences import gpt, lstm
from symbp.benchmarks.networks.training import Training
from symbp.notation.errors import SymbpError, suggest

__all__ = ["NETWORKS", "named_network"]

#: What makes each, and how many steps an epoch has.
NETWORKS: dict[str, Callable[[], Training]] = {
    "cnn": partial(cnn, 8),
    "lstm": partial(lstm, 8),
    "gpt": partial(gpt, 4),
    "pinn": partial(pinn, 20),
    "normalised": partial(normalised, 20),
    "deep": partial(deep, 20),
    "full-batch": partial(full_batch, 4),
    "factorisation": partial(factorisation, 20, 10_000, 2_000),
    "factorisation-large": partial(factorisation, 20, 200_000, 40_000),
    "factorisation-lazy": partial(factorisation, 20, 10_000, 2_000, lazy=True),
    "factorisation-large-lazy": partial(factorisation, 20, 200_000, 40_000, lazy=True),
}


def named_network(name: str) -> Callable[[], Training]:
    """Return what makes the network of a name."""
    if name not in NETWORKS:
        raise SymbpError(f"--network {name}: there is none; {suggest(name, NETWORKS)}")
    return NETWORKS[name]
