"""Optimizers against PyTorch's and Optax's: 20 steps in double precision, from the same gradients.

The reference gets the gradients that our equations compute at our parameters, and must then have
the parameters that our equations of the step compute.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.networks.optimizers import Optimizer
from tests.networks.test_gradient_changes import steps

OF_PYTORCH: dict[str, tuple[Optimizer, str, dict[str, Any]]] = {
    "sgd": (bp.SGD(0.5), "SGD", {"lr": 0.5}),
    "momentum": (bp.Momentum(0.1, 0.8), "SGD", {"lr": 0.1, "momentum": 0.8}),
    "nesterov": (bp.Nesterov(0.1, 0.8), "SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    "rmsprop": (bp.RMSProp(0.01, 0.9), "RMSprop", {"lr": 0.01, "alpha": 0.9}),
    "adam": (bp.Adam(0.01), "Adam", {"lr": 0.01}),
    "adamw": (bp.AdamW(0.01), "AdamW", {"lr": 0.01}),
    "nadam": (bp.NAdam(), "NAdam", {}),
    "radam": (bp.RAdam(), "RAdam", {}),
    "adamax": (bp.Adamax(), "Adamax", {}),
    "adagrad": (bp.Adagrad(), "Adagrad", {}),
    "adadelta": (bp.Adadelta(), "Adadelta", {}),
}
# Optax's RAdam has its ε elsewhere.
OF_OPTAX: dict[str, tuple[Optimizer, Callable[[Any], Any]]] = {
    "lion": (bp.Lion(0.01, weight_decay=0.1), lambda o: o.lion(0.01, weight_decay=0.1)),
    "lamb": (bp.LAMB(0.01, weight_decay=0.1), lambda o: o.lamb(0.01, weight_decay=0.1)),
    "adam": (bp.Adam(0.01), lambda o: o.adam(0.01)),
    "adamax": (bp.Adamax(0.01), lambda o: o.adamax(0.01)),
    "clipped by norm": (
        bp.Clip(bp.SGD(2.0), max_norm=0.05),
        lambda o: o.chain(o.clip_by_global_norm(0.05), o.sgd(2.0)),
    ),
    "clipped by value": (
        bp.Clip(bp.SGD(2.0), max_value=0.01), lambda o: o.chain(o.clip(0.01), o.sgd(2.0))
    ),
    "accumulated": (
        bp.Accumulate(bp.Momentum(0.5, 0.8), batches=3),
        lambda o: o.MultiSteps(
            o.sgd(0.5, momentum=0.8), every_k_schedule=3, accumulator_dtype="float64"
        ),
    ),
    "warm-up and cosine": (
        bp.AdamW(bp.CosineDecay(0.1, steps=15, warmup=4), weight_decay=0.1),
        lambda o: o.adamw(
            as_double(o.warmup_cosine_decay_schedule(0.0, 0.1, 4, 15)), weight_decay=0.1
        ),
    ),
}  # fmt: skip


def assert_near(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def as_double(schedule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a schedule of Optax that computes in double precision: its counts are int32."""
    return lambda count: schedule(count.astype("float64"))


@pytest.mark.parametrize("name", OF_PYTORCH)
def test_twenty_steps_are_those_of_pytorch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    # The precision of the scalars that an optimizer remembers, such as NAdam's.
    nadam = importlib.import_module("torch.optim.nadam")
    monkeypatch.setattr(nadam, "_get_scalar_dtype", lambda: torch.float64)
    optimizer, kind, options = OF_PYTORCH[name]
    theirs: Any = None
    for before, gradients, after in steps(optimizer, 20):
        if theirs is None:
            tensors = {key: torch.tensor(value) for key, value in before.items()}
            theirs = getattr(torch.optim, kind)(list(tensors.values()), **options)
        for key, tensor in tensors.items():
            tensor.grad = torch.tensor(gradients[key])
        theirs.step()
        for key, tensor in tensors.items():
            assert_near(after[key], tensor.numpy())


@pytest.mark.parametrize("name", OF_OPTAX)
def test_twenty_steps_are_those_of_optax(name: str) -> None:
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    optimizer, make = OF_OPTAX[name]
    state: Any = None
    with jax.enable_x64(True):
        theirs = make(optax)
        for before, gradients, after in steps(optimizer, 20):
            if state is None:
                values = {key: jax.numpy.asarray(value) for key, value in before.items()}
                state = theirs.init(values)
            changes, state = theirs.update(
                {key: jax.numpy.asarray(g) for key, g in gradients.items()}, state, values
            )
            values = optax.apply_updates(values, changes)
            for key, value in values.items():
                assert_near(after[key], value)
