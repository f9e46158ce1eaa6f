"""Attention and normalisation run in rows and in a team: what a turn keeps is each member's own."""

from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.entries.step import step
from symbp.loops.verify import verify
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.loops.running import all_values, contracted, model_of
from tests.loops.test_epoch import run_epoch, steps_by_equations

ORDER = [3, 0, 4, 1, 2]


def block() -> bp.Network:
    return bp.Network(
        [bp.TransformerBlock(2, 5, activation="tanh", norm_first=True, causal=True), bp.Dense(2)],
        input=(3, 4),
        loss="quadratic",
    )


def test_an_epoch_of_a_transformer_block_has_equal_bits_for_any_number_of_members() -> None:
    model = model_of(block())
    entry = contracted(step(model))
    generator = np.random.default_rng(0)
    sizes = {tensor: (len(ORDER), *tensor.shape[1:]) for tensor in model.data}
    data = {tensor.name: generator.normal(size=size) for tensor, size in sizes.items()}
    start = {t.name: generator.normal(size=t.shape) / 2 for t in model.parameters}
    values: dict[str, Any] = all_values(entry, {**start, **data})
    lowered = lower(epoch(model), Limits(most_operations=0))
    assert lowered.function.team
    expected = steps_by_equations(entry, values, data, ORDER)
    found = [run_epoch(entry, lowered.function, values, data, ORDER, m) for m in (1, 3)]
    for name, value in expected.items():
        np.testing.assert_allclose(found[0][name], value, rtol=1e-9, atol=1e-12)
        for other in found[1:]:
            np.testing.assert_array_equal(found[0][name], other[name])


@pytest.mark.slow
@pytest.mark.parametrize("itemsize", [4, 8])
def test_an_epoch_of_a_transformer_block_is_verified(itemsize: int) -> None:
    lowered = lower(epoch(model_of(block())), Limits(most_operations=0, itemsize=itemsize))
    report = verify(lowered.function)
    assert not report.findings, str(report)
    assert not report.unproved, str(report)
