"""Orders of many networks: what NumPy's generators draw."""

import numpy as np
import pytest

from symbp.targets.numba.runtime import replica_orders
from symbp.targets.numba.runtime.replica_orders import shuffled


@pytest.mark.parametrize("machine_code", [False, True])
def test_orders_are_those_of_numpy(machine_code: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if machine_code:
        monkeypatch.setattr(replica_orders, "WORTHWHILE_ORDERS", 0)
    for examples in (1, 2, 3, 8, 37, 300):
        ours, theirs = ([np.random.default_rng(seed) for seed in range(4)] for _ in range(2))
        # One has half of a word left, which comes first.
        for generators in (ours, theirs):
            generators[1].integers(0, 9, size=3, dtype=np.int32)
        orders = np.tile(np.arange(examples) * 3, (5, 1))
        for _ in range(2):
            shuffled(orders, ours)
            orders[4] = orders[3]
        for row, generator in enumerate(theirs):
            expected = generator.permutation(np.arange(examples) * 3)
            expected = generator.permutation(expected)
            np.testing.assert_array_equal(orders[row], expected)
            assert generator.bit_generator.state == ours[row].bit_generator.state
        np.testing.assert_array_equal(orders[4], orders[3])
