"""Memory is taken over only by what comes after the last use; the fuzzer proves the numbers."""

import pytest

import symbp as bp
from symbp.compiler import module_source


def epoch_kernel(activation: str) -> str:
    network = bp.mlp(20, 16, 12, activation=activation, loss="softmax_cross_entropy")
    text = module_source(network, bp.SGD(0.1))
    return text[text.index("def _epoch") : text.index("# --- Arguments")]


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_an_activation_overwrites_a_pre_activation_that_nothing_else_reads(activation: str) -> None:
    assert "a1 = z1  # its memory" in epoch_kernel(activation)


@pytest.mark.parametrize("activation", ["sin", "silu", "softplus"])
def test_a_pre_activation_that_the_gradient_reads_keeps_its_memory(activation: str) -> None:
    assert "a1 = z1" not in epoch_kernel(activation)
