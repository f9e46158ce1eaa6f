"""Every optimizer in the loops of an epoch: sound, and the interpreter's steps, however divided."""

import functools
import itertools
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.loops.nodes import Barrier
from symbp.loops.verify import verify
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.comparison import assert_close
from tests.loops.running import ENTRIES, all_values, contracted, model_of, values_of
from tests.loops.test_epoch import run_epoch, steps_by_equations
from tests.optimizers import EVERY

ORDER = [3, 0, 6, 4, 1, 2, 5]
LIMITS = {
    "for a team": Limits(most_operations=0),
    "for one": Limits(team=False, folds=False, strip=None),
    "written out": Limits(most_operations=10**6),
    "single precision": Limits(itemsize=4, most_operations=0),
}


# The others are tried in CI.
IN_EVERY_RUN = {
    ("all at once", "for a team"), ("lamb", "single precision"), ("nadam", "written out"),
    ("step", "for one"), ("adadelta", "for a team"),
}  # fmt: skip


@functools.cache
def prepared(name: str) -> tuple[Any, ...]:
    """Return a model, its step, numbers for it, examples, and what an epoch makes of them."""
    network = bp.mlp(4, 3, 2, activation="tanh", loss="softmax_cross_entropy")
    model = model_of(network, EVERY[name])
    entry = contracted(ENTRIES["step"](model))
    values = all_values(entry, values_of(network, 1))
    # As training starts: a step count that is not whole is none.
    values |= {state.name: np.zeros(state.shape) for state in model.states}
    data = {t.name: np.abs(np.resize(values[t.name], (7, *t.shape[1:]))) for t in model.data}
    return model, entry, values, data, steps_by_equations(entry, values, data, ORDER)


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        pytest.param(*pair, marks=[] if pair in IN_EVERY_RUN else [pytest.mark.slow])
        for pair in itertools.product(EVERY, LIMITS)
    ],
)
def test_an_epoch_is_its_steps(name: str, limits: str) -> None:
    model, entry, values, data, expected = prepared(name)
    function = lower(epoch(model), LIMITS[limits]).function
    assert str(verify(function)) == "sound"
    for members in (1, 3) if function.team else (1,):
        assert_close(run_epoch(entry, function, values, data, ORDER, members), expected)


def test_members_meet_once_more_for_a_norm() -> None:
    plain = model_of(bp.mlp(64, 30, 10), bp.SGD(0.1))
    clipped = model_of(bp.mlp(64, 30, 10), bp.Clip(bp.SGD(0.1), max_norm=1.0))
    meetings = [
        sum(isinstance(s, Barrier) for s in lower(epoch(model), Limits()).function.statements)
        for model in (plain, clipped)
    ]
    assert meetings == [2, 3]
