"""Layers that keep and draw among others: images, sequences, branches, each trained and resumed.

Everything that can be said of a training stands together: frozen parameters, a schedule, clipping,
several batches a step, states, noise, outputs by name.
"""

from pathlib import Path

import numpy as np
import pytest

import symbp as bp
from symbp.compiler import module_source
from tests.emitted_text import load_as_python

generator = np.random.default_rng(3)
LABELS = generator.integers(0, 3, 7)
NETWORKS = {
    "images": (
        bp.Network(
            [
                bp.Conv2d(2, 3, padding=1), bp.BatchNorm2d(), bp.Activation("relu"),
                bp.Dropout(0.3), bp.MaxPool2d(2), bp.Flatten(), bp.Dense(4),
                bp.BatchNorm1d(momentum=None), bp.GaussianNoise(0.1), bp.Dense(3),
            ],
            input=(1, 4, 4), loss="softmax_cross_entropy",
        ),
        [generator.normal(size=(7, 1, 4, 4))],
    ),
    "sequences": (
        bp.Network(
            [
                bp.Embedding(9, 3), bp.Dropout(0.2), bp.LSTM(2), bp.BatchNorm1d(),
                bp.LSTM(2, last=True), bp.GaussianNoise(0.1), bp.Dense(3),
            ],
            input=(4,), loss="softmax_cross_entropy",
        ),
        [generator.integers(0, 9, (7, 4))],
    ),
    "branches": (
        bp.Network(
            [
                bp.Concatenate([bp.Dense(3), bp.BatchNorm1d()], [bp.Dropout(0.4)]),
                bp.Residual(bp.Dense(5, "tanh"), bp.BatchNorm1d(), bp.Dropout()), bp.Dense(3),
            ],
            input={"u": 4, "v": 2}, loss="softmax_cross_entropy",
        ),
        [generator.normal(size=(7, 4)), generator.normal(size=(7, 2))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_of_all_sorts_goes_on_after_it_was_saved(name: str, tmp_path: Path) -> None:
    net, inputs = NETWORKS[name]
    first = net.parameters[0].name
    rate = bp.CosineDecay(0.05, steps=12, warmup=2)
    optimizer = bp.Accumulate(bp.Clip(bp.AdamW(rate, weight_decay=0.1), max_norm=1.0), batches=2)
    source = module_source(net.freeze(first), optimizer, outputs=("C", net.output.name))
    module = load_as_python(source)
    trainer = module.Trainer(seed=5)
    start = [parameter.copy() for parameter in trainer.parameters]
    data = (*inputs, LABELS)
    # The last batch is of one example.
    trainer.fit(*data, epochs=1, batch_size=3, validation=data)
    trainer.save(tmp_path / "half.npz")
    resumed = module.Trainer.load(tmp_path / "half.npz")
    for each in (trainer, resumed):
        each.fit(*data, epochs=2, batch_size=3, validation=data)
    assert trainer.history == resumed.history
    np.testing.assert_array_equal(trainer._state, resumed._state)
    for after, again in zip(trainer.parameters, resumed.parameters, strict=True):
        np.testing.assert_array_equal(after, again)
        assert np.isfinite(after).all()
    np.testing.assert_array_equal(start[0], getattr(trainer.parameters, first))
    assert not np.array_equal(start[-1], trainer.parameters[-1])
    np.testing.assert_allclose(trainer.evaluate("C", *data), trainer.loss(*data), rtol=1e-12)
    output = trainer.predict(*inputs)
    np.testing.assert_allclose(trainer.evaluate(net.output.name, *inputs), output, rtol=1e-12)
    # One example is what it is among others.
    alone = trainer.predict(*(array[:1] for array in inputs))
    np.testing.assert_allclose(alone, output[:1], rtol=1e-12)
