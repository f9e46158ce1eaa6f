"""PyTorch's order of a layer's options, the source's size first, is an error or has a warning."""

import warnings
from typing import Any

import pytest

import symbp as bp

SUSPECT: dict[str, tuple[Any, Any, str]] = {
    "Conv1d": (lambda: bp.Conv1d(2, 4, 3), (2, 9), "if Conv1d(4, 3) is meant"),
    "Conv2d": (lambda: bp.Conv2d(1, 4, 3), (1, 8, 8), "out_channels=1, kernel_size=4, stride=3"),
    "ConvTranspose2d": (
        lambda: bp.ConvTranspose2d(2, 8, 5), (2, 8, 8), "the number of channels is that of"
    ),
    "LSTM": (lambda: bp.LSTM(5, 8), (7, 5), "if LSTM(8) is meant"),
    "GRU": (lambda: bp.GRU(5, 8), (7, 5), "hidden_size=5, num_layers=8"),
    "TransformerBlock": (lambda: bp.TransformerBlock(8, 2), (7, 8), "num_heads=8"),
}  # fmt: skip
ERRORS: dict[str, tuple[Any, Any]] = {
    "Dense": (lambda: bp.Dense(3, 4), (3,)),
    "Conv2d of many": (lambda: bp.Conv2d(16, 32, 3), (16, 8, 8)),
    "LSTM of layers": (lambda: bp.LSTM(5, 20, 2), (7, 5)),
    "BatchNorm1d": (lambda: bp.BatchNorm1d(5), (5,)),
    "BatchNorm2d": (lambda: bp.BatchNorm2d(4), (4, 8, 8)),
    "LayerNorm": (lambda: bp.LayerNorm(5), (7, 5)),
    "GroupNorm": (lambda: bp.GroupNorm(2, 4), (4, 8, 8)),
    "MultiHeadAttention": (lambda: bp.MultiHeadAttention(8, 2), (7, 8)),
    "TransformerBlock": (lambda: bp.TransformerBlock(8, 2, 32), (7, 8)),
}
MEANT: dict[str, tuple[Any, Any]] = {
    "as many channels, a stride": (lambda: bp.Conv2d(16, 3, 2), (16, 8, 8)),
    "a great stride": (lambda: bp.Conv2d(8, 4, 3), (1, 8, 8)),
    "patches": (lambda: bp.Conv2d(3, 4, 4), (3, 8, 8)),
    "layers": (lambda: bp.LSTM(5, 2), (7, 5)),
    "heads": (lambda: bp.TransformerBlock(2, 8), (7, 8)),
}


def network(layer: Any, source: Any) -> bp.Network:
    layers = [layer(), bp.Flatten(), bp.Dense(2)] if len(source) > 1 else [layer(), bp.Dense(2)]
    return bp.Network(layers, input=source)


@pytest.mark.parametrize("name", SUSPECT)
def test_what_could_be_meant_has_a_warning(name: str) -> None:
    layer, source, told = SUSPECT[name]
    with pytest.warns(UserWarning, match="is that of the source, and is not given") as caught:
        network(layer, source)
    (message,) = {str(warning.message) for warning in caught}
    assert told in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_meant_is_an_error(name: str) -> None:
    layer, source = ERRORS[name]
    with pytest.raises(bp.SymbpError):
        network(layer, source)


@pytest.mark.parametrize("name", MEANT)
def test_what_is_usual_has_none(name: str) -> None:
    layer, source = MEANT[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network(layer, source)
