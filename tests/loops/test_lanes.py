"""Many networks side by side: what each becomes is what the epoch of one network makes of it."""

from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.compiler import _model
from symbp.entries.epoch import epoch
from symbp.loops.interpret import interpret
from symbp.loops.lanes import Lanes, lanes
from symbp.loops.nodes import Function
from symbp.loops.verify import verify
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower, lower_many

WIDTH, BLOCKS, EXAMPLES = 2, 2, 5
NETWORKS = {
    "softmax": (bp.mlp(1, 2, activation="relu", loss="softmax_cross_entropy"), bp.Momentum(0.2)),
    "powers in the update": (bp.mlp(1, 1, activation="tanh"), bp.Adam(0.1)),
    "a norm of all gradients": (bp.mlp(1, 2, 1), bp.Clip(bp.SGD(0.3), max_norm=0.1)),
    "a penalty": (bp.mlp(1, 1, penalty=bp.L2(0.1)), bp.SGD(0.3)),
}


def of_one(program: bp.Program, optimizer: bp.Optimizer) -> Function:
    """Return the epoch of one network by element."""
    found = lower(epoch(_model(program, optimizer, "fast")), Limits(itemsize=8))
    (function,) = [arrow.result for arrow in found.arrows if arrow.name == "hoist"]
    assert isinstance(function, Function)
    return function


def made(function: Function, group: int) -> Lanes:
    found = lanes(function, WIDTH, group)
    assert found is not None
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_becomes_what_it_becomes_alone(name: str) -> None:
    group = 1 if name == "a penalty" else 2
    program, optimizer = NETWORKS[name]
    function = of_one(program, optimizer)
    found = made(function, group)
    assert str(verify(found.function)) == "sound"
    rng = np.random.default_rng(3)
    data: dict[str, Any] = {}
    for argument in function.arguments:
        shape = argument.array.shape
        if argument.array not in found.packed and argument.array.kind != "integer":
            data[argument.array.name] = rng.uniform(0.1, 0.9, size=(EXAMPLES, *shape[1:]))
    values = [tensor.value for tensor in _model(program, optimizer, "fast").hyperparameters]
    networks = np.zeros((BLOCKS, found.rows, WIDTH))
    for array, row in found.packed.items():
        count = int(array.shape[0])
        part = rng.normal(size=(BLOCKS, count, WIDTH)) * (array.name != "state")
        if array.name == "hyperparameters":
            part = np.array(values)[:, None] * rng.uniform(0.5, 1.0, size=(BLOCKS, 1, WIDTH))
        networks[:, row : row + count] = part
    orders = np.array(
        [[rng.permutation(EXAMPLES) for _ in range(WIDTH)] for _ in range(BLOCKS)], np.int64
    )
    for own in (0, 1):
        for batch_size in (2, 3):
            after, costs = networks.copy(), np.zeros((BLOCKS, WIDTH))
            given = {"networks": after, "costs": costs, "orders": orders, "order": orders[0, 0]}
            sizes = {"batch_size": batch_size, "own_order": own}
            interpret(found.function, {**given, **data}, sizes)
            for block, lane in np.ndindex(BLOCKS, WIDTH):
                alone = {
                    array.name: networks[block, row : row + int(array.shape[0]), lane].copy()
                    for array, row in found.packed.items()
                }
                order = orders[block, lane] if own else orders[0, 0]
                cost = interpret(
                    function, {**alone, **data, "order": order}, {"batch_size": batch_size}
                )
                assert costs[block, lane] == pytest.approx(cost, rel=1e-12)
                for array, row in found.packed.items():
                    there = after[block, row : row + int(array.shape[0]), lane]
                    np.testing.assert_allclose(there, alone[array.name], rtol=1e-11, atol=1e-14)


def test_two_sums_over_a_batch_are_left_to_the_epoch_of_one() -> None:
    program = bp.Network([bp.Dense(2), bp.BatchNorm1d(), bp.Dense(1)], input=2)
    found = lower_many(epoch(_model(program, bp.SGD(0.1), "fast")), Limits())
    assert found.lanes is None
    (choice,) = [each for each in found.decisions if each.what == "replicas"]
    assert choice.choice == "dealt out"


def test_decisions_say_why() -> None:
    tiny = lower_many(epoch(_model(bp.mlp(2, 4, 1), bp.SGD(0.1), "fast")), Limits(itemsize=4))
    said = {each.what: each for each in tiny.decisions}
    assert said["replicas"].choice == "along lanes"
    assert said["block"].numbers["bytes"] <= said["block"].numbers["cache"]
    assert tiny.lanes is not None
    assert tiny.lanes.width == said["block"].numbers["networks"]
    larger = lower_many(epoch(_model(bp.mlp(8, 32, 2), bp.SGD(0.1), "fast")), Limits(itemsize=4))
    said = {each.what: each for each in larger.decisions}
    assert said["replicas"].numbers["operations"] > said["replicas"].numbers["most"]
