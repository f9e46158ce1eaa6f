"""A character GPT of the ready layers trains as JAX's and PyTorch's do, step by step."""

from typing import Any

import jax
import numpy as np
import pytest

import symbp as bp
from tests.comparison import assert_close
from tests.networks.gpt import TOKENS, batches, cost_in_jax, gpt, gpt_in_torch

jax.config.update("jax_enable_x64", True)


def test_five_steps_are_those_of_jax() -> None:
    heads, rate = 4, 0.3
    net = gpt(steps=8, width=16, heads=heads, layers=1)
    trainer = bp.compile(net, bp.SGD(rate), "float64", seed=0)
    x, y = batches(5, 6, 8)
    found = jax.jit(jax.value_and_grad(lambda p, x, y: cost_in_jax(p, x, y, heads)))
    expected = [np.array(parameter) for parameter in trainer.parameters]
    for tokens, following in zip(x, y, strict=True):
        trainer.fit(tokens, following, batch_size=len(tokens), shuffle=False)
        cost, gradient = found(expected, tokens, following)
        assert trainer.history[-1]["cost"] == pytest.approx(float(cost), rel=1e-12)
        expected = [w - rate * np.asarray(g) for w, g in zip(expected, gradient, strict=True)]
    names = [parameter.name for parameter in net.parameters]
    assert_close(trainer.parameters._asdict(), dict(zip(names, expected, strict=True)), 1e-11)


@pytest.mark.slow
def test_a_hundred_steps_lie_on_the_curve_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    shape = {"steps": 32, "width": 64, "heads": 4, "layers": 2}
    model = gpt_in_torch(**shape).double()
    net = gpt(**shape)
    trainer = bp.compile(net, bp.AdamW(3e-3, weight_decay=0.01), "float64")
    for ours, theirs in zip(trainer.parameters, model.state_dict().values(), strict=True):
        ours[...] = theirs.numpy()
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.01)
    curve: list[Any] = []
    for tokens, following in zip(*batches(100, 16, 32), strict=True):
        trainer.fit(tokens, following, batch_size=16, shuffle=False)
        optimizer.zero_grad()
        logits = model(torch.from_numpy(tokens)).flatten(0, 1)
        cost = torch.nn.functional.cross_entropy(logits, torch.from_numpy(following).flatten())
        cost.backward()
        optimizer.step()
        curve.append((trainer.history[-1]["cost"], cost.item()))
    ours, theirs = np.transpose(curve)
    assert np.max(np.abs(ours / theirs - 1)) <= 1e-6
    # It learns more than how often each character comes.
    frequencies = np.bincount(TOKENS) / len(TOKENS)
    assert np.mean(ours[-10:]) < -np.sum(frequencies * np.log(frequencies)) - 0.5
