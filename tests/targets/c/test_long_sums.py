"""C adds up the rows of large batches in blocks; of batches that cannot be large, as they come."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.gradient import gradient
from symbp.entries.step import step
from symbp.targets.c.module import C
from tests.loops.running import model_of
from tests.targets.c.running import SANITIZED, Call, model_job, needs_compiler, results
from tests.targets.numba.test_long_sums import assert_sums, by_hand, data

ROWS = 50_000
RATE = 1e3


def model(units: int) -> Any:
    network = bp.mlp(2, units, 1, activation="identity", output="identity")
    return model_of(network, bp.SGD(RATE))


def values_of(kind: str, units: int, rows: int) -> dict[str, Any]:
    """Return data and parameters with which nothing cancels on the way to a term."""
    generator = np.random.default_rng(3)
    shapes = {"W1": (units, 2), "b1": (units,), "W2": (1, units), "b2": (1,)}
    drawn = {n: generator.uniform(0.1, 0.9, s).astype(np.float32) for n, s in shapes.items()}
    x, y = data(kind, rows, 2, 1), -100 * data(kind, rows, 1, 2)
    return {"x": x, "y": y, "learning_rate": RATE, **drawn}


@needs_compiler
@pytest.mark.parametrize("kind", ["equal", "random"])
@pytest.mark.parametrize("units", [3, 40])
def test_sums_over_a_large_batch(units: int, kind: str, tmp_path: Path) -> None:
    made = model(units)
    values = values_of(kind, units, ROWS)
    parameters = [values[name] for name in ("W1", "b1", "W2", "b2")]
    expected = by_hand(parameters, values["x"], values["y"])
    job = model_job(made, "float32", batch=ROWS)
    calls = [Call(entry(made), values, ROWS) for entry in (gradient, step)]
    found, moved = results(job, calls, tmp_path, SANITIZED)
    names = {name: found[f"{name}_adjoint"] for name in ("W1", "b1", "W2", "b2")}
    assert_sums({"cost": found["returned"], **names}, expected)
    expected.pop("cost")
    changed = {name: moved[name].astype(np.float64) - values[name] for name in expected}
    assert_sums(changed, expected, -RATE)


def test_nothing_is_wide_where_batches_are_small() -> None:
    made = model(3)
    for dtype, batch, wide in (
        ("float32", 4096, True),
        ("float32", 256, False),
        ("float64", 4096, False),
    ):
        texts = C.texts(model_job(made, dtype, batch=batch))
        assert any("_wide" in text for text in texts.values()) == wide, (dtype, batch)
