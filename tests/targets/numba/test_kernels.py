"""What is printed computes what the loop program computes."""

from collections.abc import Callable
from typing import Any

import pytest

from symbp.loops import interpret as interpreter
from symbp.loops.addends import addends
from symbp.loops.build import build
from symbp.loops.flatten import flatten
from symbp.loops.fuse import fuse
from symbp.loops.nodes import Function
from symbp.loops.products import products
from symbp.loops.reuse import reuse
from symbp.loops.storage import storage
from tests.comparison import assert_close
from tests.loops import running
from tests.loops.running import ENTRIES, EXAMPLES, all_values, contracted, example
from tests.targets.numba.compiled import run_printed

QUICK = {"gradient": ("convolution", "lstm", "embedding", "equations 0"), "step": ("attention",)}
CASES = [
    pytest.param(entry, name, marks=() if name in QUICK.get(entry, ()) else pytest.mark.slow)
    for entry in ENTRIES
    for name in EXAMPLES
]


def prepared(function: Function) -> Function:
    for change in (products, addends, fuse, storage, reuse, flatten):
        function = change(function)
    return function


def both_ways(
    monkeypatch: pytest.MonkeyPatch, entry: Any, function: Function, values: dict[str, Any],
    run: Callable[..., Any] = running.run,
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """Return what a loop program gives as it is interpreted, and as it is printed."""
    expected = run(entry, function, values)
    monkeypatch.setattr(running, "interpret", run_printed)
    return expected, run(entry, function, values)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_an_entry_point_as_printed(monkeypatch: pytest.MonkeyPatch, kind: str, name: str) -> None:
    assert running.interpret is interpreter.interpret
    model, values = example(name)
    if kind == "predict" and model.given.output is None:
        pytest.skip("nothing to predict")
    entry = contracted(ENTRIES[kind](model))
    values = all_values(entry, values)
    expected, found = both_ways(monkeypatch, entry, prepared(build(entry)), values)
    assert_close(found, expected)
