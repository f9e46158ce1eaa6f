"""Names: of options, optimizers, sizes, and of what other libraries have."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import symbp as bp
from symbp.compiler import module_source
from symbp.networks.optimizers import OPTIMIZERS, named_optimizer
from symbp.networks.recipes import _RECIPES, recipe

NET = bp.mlp(2, 1)
ROOT = Path(__file__).parents[2]

OPTIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "lr": (
        lambda: bp.Adam(lr=0.1),
        "Adam: no option 'lr'; did you mean 'learning_rate'? known: beta1",
    ),
    "lr of SGD": (lambda: bp.SGD(lr=0.1), "did you mean 'learning_rate'"),
    "step_size": (lambda: bp.Momentum(step_size=0.1), "did you mean 'learning_rate'"),
    "eps": (lambda: bp.Adam(eps=1e-8), "did you mean 'epsilon'"),
    "betas": (lambda: bp.AdamW(betas=(0.9, 0.99)), "did you mean 'beta1' or 'beta2'"),
    "rho": (lambda: bp.RMSProp(rho=0.9), "did you mean 'decay'"),
    "alpha": (lambda: bp.RMSProp(alpha=0.9), "did you mean 'learning_rate' or 'decay'"),
    "mu": (lambda: bp.Nesterov(0.1, mu=0.9), "did you mean 'momentum'"),
    "learning_rat": (lambda: bp.SGD(learning_rat=1), "did you mean 'learning_rate'"),
    "nothing like it": (lambda: bp.SGD(xyz=1), "SGD: no option 'xyz'; known: learning_rate"),
    "layers of a block": (
        lambda: bp.Residual(layers=[bp.Dense(3)]),
        "Residual: no option 'layers'; known: none",
    ),
    "axis": (lambda: bp.Concatenate([], [bp.Dense(3)], axes=1), "did you mean 'axis'"),
    "cost": (lambda: bp.mlp(2, 1, cost="quadratic"), "did you mean 'loss'"),
    "use_bias": (lambda: bp.Dense(3, use_bias=False), "did you mean 'bias'"),
    "out_features": (lambda: bp.Dense(out_features=3), "did you mean 'units'"),
    "input_dim": (lambda: bp.Network([bp.Dense(3)], input_dim=2), "did you mean 'input'"),
    "a rate to compile": (lambda: bp.compile(NET, lr=0.1), "did you mean 'optimizer'"),
    "an option missing": (lambda: bp.SGD(), "SGD: missing a required argument: 'learning_rate'"),
    "no size": (lambda: bp.Dense(), "Dense: missing a required argument: 'units'"),
    "no input": (lambda: bp.Network([bp.Dense(3)]), "missing a required argument: 'input'"),
    "too many": (
        lambda: bp.SGD(0.1, 0.9),
        "SGD: too many positional arguments; it takes learning_r",
    ),
    "a class": (lambda: bp.compile(NET, bp.Adam), "expected an instance such as bp.Adam(0.01)"),
    "an optimizer's name": (lambda: bp.compile(NET, "adm"), "did you mean 'Adam' or 'LazyAdam'?"),
    "sizes": (
        lambda: bp.mlp("3-x"),
        "mlp: expected the number of inputs and of each layer's units",
    ),
    "a size of sizes": (lambda: bp.mlp("3-0-2"), "mlp size: expected a positive int, got 0"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_a_name_that_is_not_known_is_answered_with_the_one_that_is_meant(case: str) -> None:
    call, message = OPTIONS[case]
    with pytest.raises(bp.SymbpError, match=re.escape(message)) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [*OPTIMIZERS, "Adam", "SGD", "RMSprop"])
def test_an_optimizer_by_its_name_is_that_of_the_command_line(name: str) -> None:
    named = named_optimizer(name)
    assert type(named) is OPTIMIZERS[name.lower()]
    assert module_source(NET, name) == module_source(NET, named)
    assert named_optimizer(name, 0.25).learning_rate == 0.25  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["3-4-2", "10-1", "2-2-2-2"])
def test_sizes_as_text_are_those_of_the_command_line(text: str) -> None:
    sizes = tuple(map(int, text.split("-")))
    assert bp.mlp(text, activation="tanh").sizes == sizes
    assert str(bp.mlp(text)) == str(bp.mlp(*sizes))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Conv2D", "the layer is bp.Conv2d"),
        ("Conv3d", "docs/layers.md, 'Convolution'"),
        ("MaxPooling2D", "bp.MaxPool2d(kernel_size)"),
        ("LSTMCell", "docs/layers.md, 'Recurrence'"),
        ("SimpleRNN", "bp.RNN(hidden_size)"),
        ("EmbeddingBag", "docs/layers.md, 'Embedding'"),
        ("MultiheadAttention", "the layer is bp.MultiHeadAttention"),
        ("TransformerEncoderLayer", "bp.TransformerBlock(num_heads)"),
        ("BatchNormalization", "it is bp.BatchNorm1d() or, of images, bp.BatchNorm2d()"),
        ("EMA", "bp.state with its bp.next_value"),
        ("AlphaDropout", "dropout is a layer, bp.Dropout(p)"),
        ("Linear", "bp.Dense(units, activation)"),
        ("ReLU", "bp.Activation('relu')"),
        ("LeakyReLU", "bp.leaky_relu"),
        ("MSELoss", 'loss="mean_squared_error"'),
        ("multiply", "write a*b"),
        ("matmul", "bp.Sum(W[j, k]*x[n, k], k)"),
    ],
)
def test_a_name_of_another_library_says_where_its_recipe_is(name: str, told: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(bp, name)
    assert str(caught.value).startswith(f"module 'symbp' has no attribute '{name}': ")
    assert told in str(caught.value)
    assert not hasattr(bp, name)


def test_recipes_name_what_there_is() -> None:
    for text in {recipe(name) or "" for name in _RECIPES}:
        for page, section in re.findall(r"see (docs/\w+\.md), '(.*?)'", text):
            headings = (ROOT / page).read_text(encoding="utf-8")
            assert f"\n## {section}\n" in headings, text
        for name in re.findall(r"\bbp\.(\w+)", text):
            assert hasattr(bp, name), text
    assert recipe("sigmod") is None
