"""Kernels whose text is emitted as LLVM instructions compute what Numba's front end makes of it.

And what the interpreter of loops says, so that the text need not be compiled for that once more.
LLVM is given no freedom here, to add in another order or to round a product and a sum at once: what
it makes of that depends on which loops it unrolls first, and on how long it takes them for.
"""

from functools import partial
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.entries.step import step
from symbp.loops.interpret import interpret
from symbp.loops.nodes import Function
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from symbp.targets.numba.runtime import sums
from tests.comparison import assert_close
from tests.loops import running, test_epoch
from tests.loops.running import ENTRIES, EXAMPLES, all_values, example, model_of
from tests.loops.test_epoch import arguments_of, run_epoch
from tests.random_networks import COUNT, random_network
from tests.targets.numba import compiled
from tests.targets.numba.compiled import run_printed
from tests.targets.numba.test_kernels import SCHEDULES, scheduled

pytestmark = pytest.mark.optimised

EMITTED = partial(run_printed, emitted=True)
Results = dict[str, Any]


@pytest.fixture(autouse=True)
def _as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "ANY_ORDER", ())
    monkeypatch.setitem(compiled.OPTIONS, "fastmath", False)


def assert_equal_bits(found: Results, expected: Results) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(
            np.asarray(found[name]).view(np.int64), np.asarray(value).view(np.int64), name
        )


def both(monkeypatch: pytest.MonkeyPatch, entry: Any, function: Function, values: Any) -> None:
    """Assert that a function gives the same bits, whatever compiles it, and the right ones."""
    results = []
    for run in (EMITTED, run_printed, interpret):
        monkeypatch.setattr(running, "interpret", run)
        results.append(running.run(entry, function, dict(values)))
    emitted, printed, expected = results
    assert_equal_bits(emitted, printed)
    assert_close(printed, expected)


# Each entry point, schedule and kind of program, in about as many pairs as there can be.
QUICK = {
    ("gradient", "equations 0", "as built"), ("step", "equations 0", "numba"),
    ("gradient", "recurrence 5", "strips"), ("step", "bilinear", "strips"),
    ("predict", "convolution", "strips"), ("loss", "embedding", "numba"),
    ("loss", "attention", "as built"), ("gradient", "bilinear", "numba"),
    ("step", "scalar_graph", "as built"),
}  # fmt: skip
CASES = [
    pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
    for entry in ENTRIES
    for name in EXAMPLES
    for case in [(entry, name, schedule) for schedule in ("as built", *SCHEDULES)]
]


@pytest.mark.parametrize(("kind", "name", "schedule"), CASES)
def test_equal_bits_of_an_entry_point(
    monkeypatch: pytest.MonkeyPatch, kind: str, name: str, schedule: str
) -> None:
    model, values = example(name)
    if kind == "predict" and model.given.output is None:
        pytest.skip("nothing to predict")
    entry = ENTRIES[kind](model)
    both(monkeypatch, entry, scheduled(entry, schedule), all_values(entry, values))


@pytest.mark.parametrize(
    "seed",
    [pytest.param(n, marks=[pytest.mark.slow] if n % 140 else []) for n in range(0, COUNT, 7)],
)
def test_equal_bits_of_a_random_network(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    made = random_network(seed)
    entry = ENTRIES["step"](model_of(made.program))
    function = lower(entry, Limits()).function
    both(monkeypatch, entry, function, all_values(entry, made.values))


EPOCHS = [
    pytest.param(*case, marks=() if case == ("embedding", 1) else pytest.mark.slow)
    for members in (1, 2)
    for case in [(n, members) for n in ("convolution", "attention", "embedding", "lstm")]
]


@pytest.mark.parametrize(("name", "members"), EPOCHS)
def test_equal_bits_of_an_epoch(monkeypatch: pytest.MonkeyPatch, name: str, members: int) -> None:
    entry, values, data = arguments_of(name)
    function = lower(epoch(example(name)[0]), Limits()).function
    results = []
    for run in (EMITTED, run_printed, interpret):
        monkeypatch.setattr(test_epoch, "interpret", run)
        results.append(run_epoch(entry, function, values, data, [3, 0, 4, 1, 2], members))
    emitted, printed, expected = results
    assert_equal_bits(emitted, printed)
    assert_close(printed, expected)


@pytest.mark.parametrize("sizes", [(12, 18, 9), (2, 3, 1)])
def test_equal_bits_of_a_divided_epoch(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    model = model_of(bp.mlp(*sizes, activation="tanh", loss="quadratic"), bp.Adam(0.01))
    entry, function = step(model), lower(epoch(model), Limits(strip=2)).function
    values = all_values(entry, running.values_of(model.given, 1))
    rows = {t.name: np.random.default_rng(0).random((7, *t.shape[1:])) for t in model.data}
    results = []
    for run in (EMITTED, run_printed, interpret):
        monkeypatch.setattr(test_epoch, "interpret", run)
        members = 2 if function.team else 1
        order = [3, 0, 6, 4, 1, 2, 5]
        results.append(run_epoch(entry, function, values, rows, order, members))
    emitted, printed, expected = results
    assert_equal_bits(emitted, printed)
    assert_close(printed, expected)
