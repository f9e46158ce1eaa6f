"""Stopping early: when training ends, and what is left of it, which is the best epoch."""

from typing import Any

import numpy as np
import pytest

from symbp.targets.numba.runtime.best_epoch import BestEpoch
from symbp.targets.numba.runtime.stand_in import Trainer

GENERATOR = np.random.default_rng(1)
X = GENERATOR.normal(size=(12, 3))
W = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]])
# Few noisy examples to train on: their cost falls on when that of the others rises again.
Y = X @ W.T + GENERATOR.normal(size=(12, 2))
HELD_OUT = (X[4:], Y[4:])


def trained(**options: Any) -> Trainer:
    trainer = Trainer(seed=2, learning_rate=0.05)
    return trainer.fit(X[:4], Y[:4], epochs=500, validation=HELD_OUT, **options)


def costs(trainer: Trainer) -> list[float]:
    return [record["validation_cost"] for record in trainer.history]


def test_training_stops_when_patience_is_over_and_keeps_the_best_epoch() -> None:
    trainer = trained(patience=7)
    best = int(np.argmin(costs(trainer)))
    assert len(trainer.history) == best + 1 + 7 < 500
    assert trainer.loss(*HELD_OUT) == min(costs(trainer))
    again = Trainer(seed=2, learning_rate=0.05).fit(X[:4], Y[:4], epochs=best + 1)
    assert np.array_equal(trainer._flat, again._flat)
    assert np.array_equal(trainer._state, again._state)


def test_a_cost_that_is_hardly_lower_does_not_count() -> None:
    patient, strict = trained(patience=3), trained(patience=3, min_delta=0.05)
    assert len(strict.history) < len(patient.history)
    lows = costs(strict)
    assert strict.loss(*HELD_OUT) == lows[-4]
    assert min(lows[-3:]) > lows[-4] - 0.05


def test_views_of_the_parameters_see_what_is_restored() -> None:
    trainer = Trainer(seed=2, learning_rate=0.05)
    view = trainer.parameters.W
    trainer.fit(X[:4], Y[:4], epochs=500, validation=HELD_OUT, patience=3)
    assert np.array_equal(view, trainer.parameters.W)


def test_a_callback_may_stop_first_and_gets_the_best_too() -> None:
    trainer = trained(patience=400, callback=lambda epoch, record: epoch == 60)
    assert len(trainer.history) == 60
    assert trainer.loss(*HELD_OUT) == min(costs(trainer))


def test_costs_that_are_not_finite_are_never_the_best() -> None:
    best, array = BestEpoch(2, 0.0), np.zeros(1)
    assert not best.note(np.nan, array)
    array[:] = 1.0
    assert not best.note(3.0, array)
    array[:] = 2.0
    assert not best.note(np.nan, array)
    assert best.note(np.inf, array)
    best.restore(array)
    assert array == 1.0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 3}, TypeError, "patience: expected validation=… too"),
        ({"patience": 0, "validation": HELD_OUT}, ValueError, "patience: expected"),
        ({"patience": 1.5, "validation": HELD_OUT}, TypeError, "patience: expected"),
        ({"patience": 1, "min_delta": -1, "validation": HELD_OUT}, ValueError, "min_delta: exp"),
        ({"patience": 1, "min_delta": "1", "validation": HELD_OUT}, ValueError, "min_delta: exp"),
    ],
)
def test_bad_use_is_refused_before_training(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    trainer = Trainer()
    with pytest.raises(error, match=message) as caught:
        trainer.fit(X, Y, **options)
    assert "\n" not in str(caught.value)
    assert trainer.epochs == 0
