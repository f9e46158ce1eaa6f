"""An epoch in C is its steps, one batch after another, the last one shorter."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.epoch import epoch
from tests.comparison import assert_close
from tests.loops.running import example, model_of
from tests.loops.test_epoch import SIZE, arguments_of, steps_by_equations
from tests.programs import PROGRAMS
from tests.targets.c.running import Call, model_job, needs_compiler, results

pytestmark = needs_compiler

BATCHED = [name for name in PROGRAMS if name not in ("gram", "scalar_graph")]


@pytest.mark.parametrize("name", BATCHED)
def test_an_epoch_is_its_steps(name: str, tmp_path: Path) -> None:
    entry, values, data = arguments_of(name)
    order = np.random.default_rng(2).permutation(len(next(iter(data.values()))))
    model, _ = example(name)
    call = Call(epoch(model), {**values, **data}, len(order), order, SIZE)
    (got,) = results(model_job(model, batch=SIZE), [call], tmp_path, ("-O1",))
    assert_close(got, steps_by_equations(entry, values, data, order))


def test_an_epoch_of_single_examples_copies_none(tmp_path: Path) -> None:
    model = model_of(bp.mlp(5, 4, 3), bp.SGD(0.3))
    generator = np.random.default_rng(3)
    values: dict[str, Any] = {t.name: generator.normal(size=t.shape) for t in model.parameters}
    values |= {"x": generator.normal(size=(6, 5)), "y": generator.normal(size=(6, 3))}
    values["learning_rate"] = 0.3
    order = generator.permutation(6)
    call = Call(epoch(model), values, 6, order, 1)
    (got,) = results(model_job(model, batch=1), [call], tmp_path, ("-O1",))
    text = (tmp_path / "net.h").read_text(encoding="utf-8")
    assert "NET_BATCH * 5" not in text
    trainer = bp.compile(model.given, bp.SGD(0.3))
    for name in ("W1", "b1", "W2", "b2"):
        getattr(trainer.parameters, name)[...] = values[name]
    costs = []
    for row in order:
        costs.append(trainer.loss(values["x"][[row]], values["y"][[row]]))
        trainer.fit(values["x"][[row]], values["y"][[row]], epochs=1, batch_size=1)
    wanted = {name: getattr(trainer.parameters, name) for name in ("W1", "b1", "W2", "b2")}
    assert_close(got, {**wanted, "returned": np.mean(costs)})
