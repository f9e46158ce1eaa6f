"""Networks of every layer, with numbers for their parameters and inputs, and what files give."""

from collections.abc import Callable
from typing import Any

import numpy as np

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.phases import inference_form

Values = dict[str, Any]
Case = tuple[bp.Program, Values]

PICTURE = (2, 8, 9)
END = (bp.Flatten(), bp.Dense(3))


def network(
    layers: Any, input: Any, loss: str = "quadratic", examples: int = 3
) -> Callable[[], Case]:
    """Return what makes a network with random numbers."""
    return lambda: numbered(bp.Network(layers, input=input, loss=loss), examples)


def numbered(program: bp.Program, examples: int = 3) -> Case:
    """Return a program with random numbers."""
    generator = np.random.default_rng(0)
    values: Values = {}
    for tensor in (*program.parameters, *program.states, *program.inputs):
        shape = [each if isinstance(each, int) else examples for each in tensor.shape]
        scale = np.sqrt(shape[-1]) if len(shape) > 1 else 1.0
        values[tensor.name] = generator.normal(size=shape) / scale
        if tensor.role == "state":
            values[tensor.name] = np.abs(values[tensor.name]) + 0.1
        if tensor.kind == "integer":
            values[tensor.name] = generator.integers(0, program.integer_limits[tensor].below, shape)
    return program, values


def expected(program: bp.Program, values: Values) -> Any:
    """Return the output as the interpreter computes it."""
    assert program.output is not None
    inference = inference_form(program).prune([program.output])
    needed = {t.name: values[t.name] for t in inference.tensors if t.name in values}
    return interpret(normalise(inference), needed)[program.output.name]


def of(tensors: Any, values: Values) -> Values:
    """Return the numbers of some tensors."""
    return {tensor.name: np.asarray(values[tensor.name]) for tensor in tensors}


def error(found: Any, right: Any) -> float:
    """Return the largest difference, relative to the largest value or to 1."""
    assert np.shape(found) == np.shape(right)
    scale = max(1.0, float(np.abs(right).max()))
    return float(np.abs(np.asarray(found, dtype=np.float64) - right).max()) / scale


QUICK = {
    "mlp": lambda: numbered(bp.mlp(5, 4, 3, activation="sigmoid")),
    "convolution": network([bp.Conv2d(4, 3, stride=2, padding=1, dilation=2), *END], PICTURE),
    "pooling": network([bp.MaxPool2d(3, stride=2, padding=1), bp.AvgPool2d(2), *END], PICTURE),
    "transposed": network([bp.ConvTranspose1d(4, 3, stride=2, padding=1), *END], (2, 6)),
    "lstm": network([bp.LSTM(4, bidirectional=True, last=True), bp.Dense(3)], (5, 3)),
    "block": network([bp.TransformerBlock(2, 8), bp.Dense(3)], (5, 4)),
    "embedding": network([bp.Embedding(7, 4), bp.PositionalEncoding(), *END], 5),
    "batch_norm": network([bp.Conv2d(3, 3), bp.BatchNorm2d(), *END], PICTURE),
}
"""One of each kind."""

SLOW = {
    "conv1d": network([bp.Conv1d(4, 3, stride=2, padding=1), *END], (2, 9)),
    "groups": network([bp.Conv2d(4, 3, padding=1, groups=2), *END], PICTURE),
    "depthwise": network([bp.Conv2d(2, 3, padding=1, groups=2), *END], PICTURE),
    "transposed2d": network([bp.ConvTranspose2d(4, 3, stride=2, padding=1), *END], PICTURE),
    "pool1d": network(
        [bp.MaxPool1d(2), bp.AvgPool1d(2, padding=1, count_include_pad=False), *END], (2, 9)
    ),
    "adaptive": network([bp.AdaptiveAvgPool2d((2, 2)), *END], (2, 8, 8)),
    "adaptive1d": network([bp.AdaptiveAvgPool1d(1), *END], (2, 8)),
    "batch_norm1d": network([bp.Dense(4), bp.BatchNorm1d(), bp.Dense(3)], 5),
    "layer_norm": network([bp.LayerNorm(), bp.RMSNorm(), bp.Dense(3)], 5),
    "group_norm": network([bp.GroupNorm(2), *END], (4, 5, 5)),
    "rnn": network([bp.RNN(4, bidirectional=True, num_layers=2), bp.Dense(3)], (5, 3)),
    "gru": network([bp.GRU(4, num_layers=2), bp.Dense(3)], (5, 3)),
    "attention": network([bp.MultiHeadAttention(2, causal=True), bp.Dense(3)], (5, 4)),
    "dropout": network([bp.Dense(4), bp.Dropout(0.3), bp.GaussianNoise(0.1), bp.Dense(3)], 5),
    "maxout": network([bp.Maxout(4, 3), bp.PReLU(), bp.Dense(3)], 5),
    "experts": network([bp.MixtureOfExperts(4, 3), bp.Dense(3)], 5),
    "residual": network([bp.Residual(bp.Dense(5, "tanh")), bp.Dense(3)], 5),
    "concatenate": network(
        [bp.Concatenate([bp.Dense(3)], [bp.Dense(2)]), bp.Dense(3)], {"u": 3, "w": 4}
    ),
}
"""The other layers."""
