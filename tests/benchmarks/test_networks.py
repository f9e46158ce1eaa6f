"""Networks of other kinds: the same numbers in JAX, and what is said of those that differ."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.benchmarks.networks.compare import compare
from symbp.benchmarks.networks.factorisation import factorisation
from symbp.benchmarks.networks.registry import NETWORKS, named_network
from symbp.benchmarks.networks.training import Runner, Training

pytest.importorskip("jax", reason="the extra bench")


@pytest.fixture(autouse=True)
def double() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)


def assert_agrees(training: Training) -> None:
    results = compare(training, "float64", 1, 0.0)
    absent = [each for each in results if each.remark.startswith("absent")]
    assert len(results) > 1 + len(absent)
    for each in results:
        assert each in absent or each.microseconds is not None, each


@pytest.mark.parametrize("lazy", [False, True])
def test_a_factorisation_is_the_same_everywhere(lazy: bool) -> None:
    assert_agrees(factorisation(2, 1500, 1200, lazy))


@pytest.mark.slow
@pytest.mark.optimised
@pytest.mark.parametrize("name", [n for n in NETWORKS if not n.startswith("factorisation")])
def test_a_network_is_the_same_everywhere(name: str) -> None:
    assert_agrees(NETWORKS[name]())


def test_what_computes_something_else_is_not_timed() -> None:
    training = factorisation(1, 1500, 1200)

    def idle(training: Any, p: Any, data: Any) -> Runner:
        return Runner(lambda count: None, lambda: {n: np.array(a) for n, a in p.items()})

    (own, other) = compare(replace(training, peers={"idle": idle}), "float64", 1, 0.0)
    assert (own.name, own.ratio) == ("symbp", 1.0)
    assert other.microseconds is None
    assert other.remark.startswith("its parameters differ by")


def test_a_name_that_is_none_is_answered() -> None:
    with pytest.raises(bp.SymbpError, match="--network lstn: there is none; did you mean 'lstm'"):
        named_network("lstn")
