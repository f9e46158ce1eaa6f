"""Layers: values and all gradients of each, in each of its options, are those of JAX."""

import numpy as np
import pytest

from tests.comparison import assert_close
from tests.networks.layers import combined, convolution, sequences
from tests.networks.layers.cases import TOLERANCE, Case, evaluated, in_jax, in_torch

CASES: dict[str, Case] = {**convolution.CASES, **sequences.CASES, **combined.CASES}

# JAX compiles each for a quarter of a second; what others show, too, waits for the slow tests.
SLOW = {
    "Conv1d circular", "Conv2d padded unevenly", "Conv2d depthwise", "Conv2d groups to one",
    "Conv2d valid", "ConvTranspose1d without a bias", "ConvTranspose2d", "MaxPool1d", "AvgPool2d",
    "ConvTranspose2d depthwise", "AvgPool2d padded", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d",
    "Flatten some", "RNN without a bias", "LSTM", "LSTM, last of two layers", "GRU",
    "GRU without a bias", "LayerNorm alone", "GroupNorm alone", "MultiHeadAttention",
    "PositionalEncoding of an odd width", "TransformerBlock without biases", "Conv2d padded",
    "TransformerBlock", "Residual", "RMSNorm of two axes", "Conv2d depthwise, several",
    "AvgPool2d to the end", "Conv2d replicate",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in CASES]
)
def test_values_and_gradients_are_those_of_jax(name: str) -> None:
    case = CASES[name]
    output, gradients, values = evaluated(case)
    expected, slopes = in_jax(case, values)
    assert_close({"output": output}, {"output": expected}, TOLERANCE)
    assert_close(gradients, slopes, TOLERANCE)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.torch])
def test_values_and_gradients_are_those_of_pytorch(name: str) -> None:
    pytest.importorskip("torch")
    case = CASES[name]
    output, gradients, values = evaluated(case, seed=1)
    expected, slopes = in_torch(case, values)
    assert output.dtype == expected.dtype == np.float64
    assert_close({"output": output}, {"output": expected}, TOLERANCE)
    assert_close(gradients, slopes, TOLERANCE)
