"""Training on scikit-learn's digits in C is what the Numba module does."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.entries.predict import predict
from symbp.networks.optimizers import Optimizer
from symbp.training.datasets import load_dataset, split, standardise
from tests.loops.running import model_of
from tests.targets.c.running import SANITIZED, Call, model_job, needs_compiler, results

# Not imported to find out: that takes a second of every run, and these tests are slow.
pytestmark = pytest.mark.skipif(
    find_spec("sklearn") is None, reason="the digits are scikit-learn's"
)


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("options", [("-O3", "-march=native"), ("-O0", *SANITIZED)])
@pytest.mark.parametrize("optimizer", [bp.SGD(0.5), bp.Adam(0.003)], ids=repr)
def test_an_epoch_is_that_of_the_numba_module(
    optimizer: Optimizer, options: tuple[str, ...], tmp_path: Path
) -> None:
    net = bp.mlp(64, 30, 10, activation="sigmoid", loss="softmax_cross_entropy")
    train, test, _ = standardise(*split(load_dataset("digits")))
    targets = np.eye(10)[train.y] if train.y.ndim == 1 else train.y
    labels = test.y if test.y.ndim == 1 else test.y.argmax(axis=1)
    trainer = bp.compile(net, optimizer, dtype="float64")
    model = model_of(net, optimizer)
    order = np.random.default_rng(5).permutation(len(train.x))
    values = {name: array.copy() for name, array in trainer.parameters._asdict().items()}
    values |= {tensor.name: np.zeros(tensor.shape) for tensor in model.states}
    values |= {tensor.name: tensor.value for tensor in model.hyperparameters}
    values |= {"x": train.x, "y": targets}
    call = Call(epoch(model), values, len(order), order, 32)
    (got,) = results(model_job(model, batch=32), [call], tmp_path, options)
    hyperparameters = np.array([float(tensor.value) for tensor in model.hyperparameters])
    cost = trainer.module._epoch_kernel(
        trainer._flat, trainer._state, hyperparameters, order, 32, train.x, targets
    )
    assert abs(got["returned"] - cost) <= 1e-10 * abs(cost)
    for name, array in trainer.parameters._asdict().items():
        assert np.max(np.abs(got[name] - array)) <= 1e-10 * np.max(np.abs(array)), name
    parameters = {name: got[name] for name in trainer.parameters._fields}
    again = Call(predict(model), {**parameters, "x": test.x}, len(test.x))
    (predicted,) = results(model_job(model, batch=32), [again], tmp_path, options)
    (output,) = predicted.values()
    accuracy = np.mean(output.argmax(axis=1) == labels)
    assert abs(accuracy - np.mean(trainer.predict(test.x).argmax(axis=1) == labels)) <= 0.01
