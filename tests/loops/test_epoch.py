"""An epoch is its steps, one batch after another, the last one shorter."""

from typing import Any

import numpy as np
import pytest

from symbp.calculus.interpreter import interpret as interpret_equations
from symbp.entries.step import step
from symbp.loops.addends import addends
from symbp.loops.batches import batches
from symbp.loops.build import build
from symbp.loops.flatten import flatten
from symbp.loops.fuse import fuse
from symbp.loops.gather import BATCH_SIZE, gather, inline_gathers
from symbp.loops.interpret import interpret
from symbp.loops.nodes import Function
from symbp.loops.products import products
from symbp.loops.reuse import reuse
from symbp.loops.storage import storage
from tests.comparison import assert_close
from tests.loops.running import all_values, contracted, example
from tests.programs import PROGRAMS

ROWS, SIZE = 5, 2


def arguments_of(name: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Return the entry of a step, its values, and data of several batches."""
    model, values = example(name)
    entry = contracted(step(model))
    values = all_values(entry, values)
    generator = np.random.default_rng(1)
    data = {}
    for tensor in model.data:
        if tensor.shape and not isinstance(tensor.shape[0], int):
            array = values[tensor.name]
            chosen = np.concatenate([array] * ROWS)[:ROWS]
            noise = 0 if tensor.kind == "integer" else generator.normal(size=chosen.shape)
            data[tensor.name] = chosen + noise
    return entry, values, data


def steps_by_equations(
    entry: Any, values: dict[str, Any], data: dict[str, Any], order: Any
) -> dict[str, Any]:
    values, total = dict(values), 0.0
    for start in range(0, len(order), SIZE):
        rows = order[start : start + SIZE]
        now = {**values, **{name: array[rows] for name, array in data.items()}}
        found = interpret_equations(entry.program, now)
        values |= {old.name: found[new.name] for old, new in entry.program.updates}
        total += len(rows) * float(found[entry.returns.name])
    updated = {old.name: values[old.name] for old, _ in entry.program.updates}
    return {**updated, "returned": total / len(order)}


def run_epoch(
    entry: Any,
    function: Function,
    values: dict[str, Any],
    data: dict[str, Any],
    order: Any,
    members: int = 1,
) -> dict[str, Any]:
    arrays: dict[str, Any] = {"order": np.asarray(order)}
    packed = {slot.name: slot for slot in entry.slots if slot.packed}
    for argument in function.arguments:
        name = argument.array.name
        if name in packed:
            parts = [np.ravel(np.asarray(values[t.name], float)) for t in packed[name].tensors]
            arrays[name] = np.concatenate(parts)
        elif name.removesuffix("_all") in data:
            arrays[name] = data[name.removesuffix("_all")]
        elif name != "order":
            arrays[name] = np.asarray(values[name])
    returned = interpret(function, arrays, {"batch_size": SIZE}, members)
    result: dict[str, Any] = {"returned": returned}
    for name, slot in packed.items():
        offset = 0
        for tensor in slot.tensors if slot.role == "inout" else ():
            size = int(np.prod(tensor.shape, dtype=int))
            result[tensor.name] = arrays[name][offset : offset + size].reshape(tensor.shape)
            offset += size
    return {name: result[name] for name in steps_by_equations(entry, values, data, order)}


@pytest.mark.parametrize("inlined", [False, True])
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "scalar_graph"])
def test_an_epoch_is_its_steps(name: str, inlined: bool) -> None:
    entry, values, data = arguments_of(name)
    if not data:
        pytest.skip("without examples an epoch is one step")
    order = [3, 0, 4, 1, 2]
    batch = entry.program.batch
    function = gather(products(build(entry, BATCH_SIZE)), batch)
    if inlined:
        function = inline_gathers(function, lambda tensor: tensor.rank > 1)
    function = batches(flatten(reuse(storage(fuse(addends(function))))), batch)
    found = run_epoch(entry, function, values, data, order)
    assert_close(found, steps_by_equations(entry, values, data, order))
