"""Whoever waits is told what is compiled."""

from pathlib import Path

import numpy as np
import pytest

import symbp as bp
from symbp.training.compiling import telling_what_compiles


def test_kernels_are_told_of_while_they_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bp.generate(bp.mlp(2, 3, 1), tmp_path / "told.py")
    told: list[str] = []
    x, y = np.zeros((4, 2)), np.zeros((4, 1))
    with telling_what_compiles(told.append):
        trainer = bp.load_module(path).Trainer()
        trainer.fit(x, y, epochs=1)
        assert told == ["epoch", ""]
        trainer.fit(x, y, epochs=1)
        trainer.predict(x)
    assert told == ["epoch", "", "predict", ""]
    trainer.loss(x, y)
    assert len(told) == 4
