"""What is printed computes what the loop program computes."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.entries.step import step
from symbp.loops.addends import addends
from symbp.loops.build import build
from symbp.loops.flatten import flatten
from symbp.loops.fuse import fuse
from symbp.loops.nodes import Barrier, Function, Product
from symbp.loops.products import products
from symbp.loops.reuse import reuse
from symbp.loops.storage import storage
from symbp.loops.traverse import map_statements
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from symbp.targets.numba.printer import kernel
from tests.comparison import assert_close
from tests.loops import running, test_epoch
from tests.loops.running import ENTRIES, EXAMPLES, all_values, contracted, example, model_of
from tests.loops.test_epoch import arguments_of, run_epoch
from tests.random_networks import random_network
from tests.targets.numba.compiled import run_printed

SCHEDULES = {"numba": Limits(), "strips": Limits(strip=2, team=False)}
# In every run test_emitted_kernels compares others with the interpreter too, products and sums
# rounded one by one; these round them at once.
QUICK = {("gradient", "gram", "as built"), ("predict", "lstm", "numba")}
CASES = [
    pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
    for entry in ENTRIES
    for name in EXAMPLES
    for case in [(entry, name, schedule) for schedule in ("as built", *SCHEDULES)]
]


def scheduled(entry: Any, schedule: str) -> Function:
    """Return the loop program of an entry point, by a schedule or by the passes alone."""
    if schedule != "as built":
        return lower(entry, SCHEDULES[schedule]).function
    function = build(contracted(entry))
    for change in (products, addends, fuse, storage, reuse, flatten):
        function = change(function)
    return function


@pytest.mark.parametrize(("kind", "name", "schedule"), CASES)
def test_an_entry_point_as_printed(
    monkeypatch: pytest.MonkeyPatch, kind: str, name: str, schedule: str
) -> None:
    model, values = example(name)
    if kind == "predict" and model.given.output is None:
        pytest.skip("nothing to predict")
    entry = ENTRIES[kind](model)
    values = all_values(entry, values)
    function = scheduled(entry, schedule)
    expected = running.run(entry, function, values)
    monkeypatch.setattr(running, "interpret", run_printed)
    assert_close(running.run(entry, function, values), expected)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 8))]
)
def test_random_networks_as_printed(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    made = random_network(seed)
    entry = ENTRIES["step"](model_of(made.program))
    values = all_values(entry, made.values)
    function = lower(entry, Limits()).function
    expected = running.run(entry, function, values)
    monkeypatch.setattr(running, "interpret", run_printed)
    assert_close(running.run(entry, function, values), expected)


EPOCHS = [
    pytest.param(*case, marks=() if case[0] in quick else pytest.mark.slow)
    for members, quick in ((1, ()), (2, ("embedding",)))
    for case in [(n, members) for n in ("convolution", "attention", "embedding", "lstm")]
]


@pytest.mark.parametrize(("name", "members"), EPOCHS)
def test_an_epoch_as_printed(monkeypatch: pytest.MonkeyPatch, name: str, members: int) -> None:
    entry, values, data = arguments_of(name)
    order = [3, 0, 4, 1, 2]
    function = lower(epoch(example(name)[0]), Limits()).function
    expected = run_epoch(entry, function, values, data, order, members)
    monkeypatch.setattr(test_epoch, "interpret", run_printed)
    assert_close(run_epoch(entry, function, values, data, order, members), expected)


@pytest.mark.parametrize("members", [*(pytest.param(m, marks=pytest.mark.slow) for m in (1, 2)), 3])
def test_a_divided_epoch_as_printed(monkeypatch: pytest.MonkeyPatch, members: int) -> None:
    network = bp.mlp(12, 18, 9, activation="relu", loss="softmax_cross_entropy")
    model = model_of(network, bp.Adam(0.01))
    entry = step(model)
    function = lower(epoch(model), Limits(strip=2)).function
    assert function.team
    assert any(isinstance(statement, Barrier) for statement in function.statements)
    data = running.values_of(network, 1)
    values = all_values(entry, data)
    generator = np.random.default_rng(0)
    rows = {t.name: generator.random((7, *t.shape[1:])) for t in model.data}
    order = [3, 0, 6, 4, 1, 2, 5]
    expected = run_epoch(entry, function, values, rows, order, members)
    monkeypatch.setattr(test_epoch, "interpret", run_printed)
    assert_close(run_epoch(entry, function, values, rows, order, members), expected)


@pytest.mark.parametrize("routine", ["blas", pytest.param("loops", marks=pytest.mark.slow)])
def test_products_of_a_library_and_in_loops(monkeypatch: pytest.MonkeyPatch, routine: Any) -> None:
    model, values = example("attention")
    entry = ENTRIES["gradient"](model)
    values = all_values(entry, values)
    function = products(build(contracted(entry)))
    function = function.replace(body=map_statements(function.body, partial(_by, routine)))
    text = kernel(function, "_kernel").text
    assert ("gemm(" in text) == (routine == "blas") == ("limit_threads(" in text)
    # Sums of columns are products with a row of ones, and stay tiles.
    assert all(", one, " in line for line in text.splitlines() if "tiled(" in line)
    expected = running.run(entry, function, values)
    monkeypatch.setattr(running, "interpret", run_printed)
    assert_close(running.run(entry, function, values), expected)


def _by(routine: Any, statement: Any) -> Any:
    is_library = isinstance(statement, Product) and statement.first is not None
    return replace(statement, routine=routine) if is_library else statement
