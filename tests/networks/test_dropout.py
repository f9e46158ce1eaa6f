"""Layers with noise: what they do while training, and that they are gone at inference."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.noise import at_mean
from symbp.calculus.normalise import normalise
from tests.comparison import assert_close

jax.config.update("jax_enable_x64", True)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.25, 0.5, 0.9])
def test_dropout_keeps_some_and_the_mean(p: float) -> None:
    net = bp.Network([bp.Dropout(p), bp.Dense(2)], input=50)
    x = np.random.default_rng(0).normal(size=(200, 50))
    values = {"x": x, "y": np.zeros((200, 2)), "W2": np.zeros((2, 50)), "b2": np.zeros(2)}
    found = interpret(normalise(net), values)["a1"]
    kept = found != 0
    np.testing.assert_allclose(found[kept], (x / (1 - p))[kept], rtol=1e-15)
    assert abs(kept.mean() - (1 - p)) <= 3 * np.sqrt(p * (1 - p) / kept.size)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1 / 3])
def test_at_inference_dropout_is_the_identity_to_the_bit(p: float) -> None:
    net = bp.Network([bp.Dropout(p), bp.Dense(2)], input=3)
    assert str(at_mean(net).equations[0]) == "a1[n, k] = x[n, k]"


def test_a_network_with_dropout_is_what_jax_says_for_the_same_mask() -> None:
    layers = [bp.Dense(7, "tanh"), bp.Dropout(0.3), bp.GaussianNoise(0.2), bp.Dense(4)]
    net = bp.Network(layers, input=5, loss="softmax_cross_entropy")
    module = bp.compile(net).module
    generator = np.random.default_rng(2)
    x, labels = generator.normal(size=(6, 5)), generator.integers(0, 4, 6)
    parameters = module.initial_parameters(1)

    def cost(p: Any, keep: Any, e: Any) -> Any:
        a = jnp.tanh(x @ p["W1"].T + p["b1"]) * keep / 0.7 + e
        rows = jax.nn.log_softmax(a @ p["W4"].T + p["b4"])
        return -rows[np.arange(6), labels].mean()

    given = {name: jnp.asarray(array) for name, array in parameters._asdict().items()}
    for seed, step in ((0, 0), (9, 4)):
        noise = bp.replayed(net, 6, seed, step)
        found = module.gradient(parameters, x, labels, seed=seed, step=step)
        wanted = jax.value_and_grad(cost)(given, noise["keep2"], noise["e3"])
        gradients = {name: np.asarray(array) for name, array in wanted[1].items()}
        assert_close({"cost": found[0]}, {"cost": float(wanted[0])}, 1e-12)
        assert_close(found[1]._asdict(), gradients, 1e-11)
    expected = float(cost(given, 0.7, 0.0))
    assert module.loss(parameters, x, labels) == pytest.approx(expected, rel=1e-12)


def test_training_with_dropout_is_resumed_and_repeated_by_its_seed(tmp_path: Any) -> None:
    net = bp.Network([bp.Dense(20, "relu"), bp.Dropout(0.5), bp.Dense(3)], input=8)
    module = bp.compile(net, bp.Adam(0.01), "float32").module
    generator = np.random.default_rng(3)
    x, y = generator.normal(size=(70, 8)), generator.normal(size=(70, 3))
    whole = module.Trainer(seed=5).fit(x, y, epochs=6, batch_size=16)
    again = module.Trainer(seed=5).fit(x, y, epochs=3, batch_size=16)
    again.save(tmp_path / "half.npz")
    resumed = module.Trainer.load(tmp_path / "half.npz").fit(x, y, epochs=3, batch_size=16)
    for one, other in zip(whole.parameters, resumed.parameters, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(whole.predict(x), whole.predict(x))


def test_a_derivation_prints_the_mask_as_data() -> None:
    net = bp.Network([bp.Dense(20, "relu"), bp.Dropout(0.2), bp.Dense(3)], input=8)
    text = str(bp.derive(net))
    assert "a³ = 5/4 (a² ⊙ r³)" in text
    assert "δ² = 5/4 (∂C/∂a³ ⊙ r³ ⊙ relu′(z²))" in text


@pytest.mark.parametrize("p", [1, -0.1, 2, "half", None, np.nan, True])
def test_a_probability_that_is_none_is_told_in_one_line(p: Any) -> None:
    with pytest.raises(bp.SymbpError, match=r"^Dropout p: expected a number >= 0 and < 1, got "):
        bp.Dropout(p)


def test_a_scale_that_is_none_is_told_in_one_line() -> None:
    with pytest.raises(bp.SymbpError, match=r"^GaussianNoise scale: expected .*, got -1$"):
        bp.GaussianNoise(-1)
