"""What a step allocates, counted, against what it cannot do without."""

from dataclasses import replace

import numpy as np
import pytest

import symbp as bp
from symbp.benchmarks.networks.registry import NETWORKS
from symbp.entries.epoch import epoch
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from symbp.schedules.memory import Memory, memory
from tests.loops.running import model_of

# Those that are above, with what takes the memory: copies of patches of images for a product
# (cnn), gates and their adjoints once more (lstm).
ABOVE = {"cnn": 1.9, "lstm": 1.7}


def counted(program: bp.Program, optimizer: bp.Optimizer, batch: int) -> Memory:
    model = model_of(program, optimizer)
    limits = replace(Limits(), itemsize=4)
    return memory(model, lower(epoch(model), limits), 4, batch)


def test_of_a_small_network_the_count_is_known() -> None:
    found = counted(bp.mlp(784, 30, 10), bp.Adam(), 10)
    size = 4 * (785 * 30 + 31 * 10)
    assert (found.parameters, found.gradient) == (size, size)
    assert found.state == 2 * size + 4
    assert 1.0 < found.needed / (4 * size) < 1.1
    assert found.ratio < 1.3


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name.startswith("factor") else [pytest.mark.slow])
        for name in NETWORKS
    ],
)
def test_a_step_allocates_little_more_than_it_needs(name: str) -> None:
    training = NETWORKS[name]()
    found = counted(training.program, training.optimizer, training.batch)
    assert found.ratio <= ABOVE.get(name, 1.3), found.largest[:6]


def test_what_is_counted_is_what_a_table_takes() -> None:
    training = NETWORKS["factorisation"]()
    found = counted(training.program, training.optimizer, 1024)
    assert found.parameters == 4 * 32 * 12_000
    assert found.gradient == found.state == 0
    assert np.isclose(found.total, found.parameters + sum(found.allocated.values()))
