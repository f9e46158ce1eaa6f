"""Networks with windows: their layout and strips are decided, and change neither value nor bits."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.entries.model import Model
from symbp.entries.step import step
from symbp.loops.verify import verify
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.comparison import assert_close
from tests.loops.running import all_values, contracted, model_of, values_of
from tests.loops.test_epoch import run_epoch, steps_by_equations
from tests.sliding_networks import SLIDING

ORDER = [3, 0, 4, 1, 2]
# So little that even examples of these networks are worth strips.
LIMITS = Limits(most_operations=0, cache=2**13, team=True)


def lowered_epoch(program: bp.Program, **changes: Any) -> tuple[Model, Any]:
    model = model_of(program, bp.SGD(0.001))
    return model, lower(epoch(model), replace(LIMITS, **changes))


@pytest.mark.parametrize(
    "name",
    [
        name if name == "transposed" else pytest.param(name, marks=pytest.mark.slow)
        for name in SLIDING
    ],
)
def test_an_epoch_of_sliding_windows_is_its_steps(name: str) -> None:
    program = SLIDING[name]()
    model, lowered = lowered_epoch(program)
    entry = contracted(step(model))
    values = all_values(entry, values_of(program, 5))
    generator = np.random.default_rng(2)
    data = {tensor.name: generator.normal(size=(5, *tensor.shape[1:])) for tensor in model.data}
    right = steps_by_equations(entry, values, data, ORDER)
    by_members = [
        run_epoch(entry, lowered.function, values, data, ORDER, members)
        for members in ((1, 2) if lowered.function.team else (1,))
    ]
    for found in by_members:
        assert_close(found, right)
        for key, value in found.items():
            np.testing.assert_array_equal(value, by_members[0][key])
    report = verify(lowered.function)
    assert not report.findings, str(report)
    assert not report.unproved, str(report)


def test_a_network_with_windows_works_in_strips_of_few_examples() -> None:
    net = bp.Network(
        [bp.Conv2d(8, 3), bp.Activation("relu"), bp.MaxPool2d(2), bp.Conv2d(16, 3), bp.Flatten(),
         bp.Dense(10)],
        input=(1, 28, 28), loss="softmax_cross_entropy",
    )  # fmt: skip
    lowered = lower(epoch(model_of(net)), Limits(itemsize=4))
    assert lowered.choice("layout") == "channels last"
    assert lowered.choice("strips") == "added up in strips"
    (strips,) = (d for d in lowered.decisions if d.what == "strips")
    assert strips.numbers["rows"] < 24
    assert lowered.function.team


def test_networks_without_windows_have_no_layout_to_decide() -> None:
    lowered = lower(epoch(model_of(bp.mlp(20, 30, 10))), Limits(itemsize=4))
    assert lowered.choice("layout") == ""
