"""The type of a trainer says what the classes of generated modules have, and a checker reads it."""

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import symbp as bp
from symbp.targets.numba.runtime.evaluation import EvaluatingTrainer
from symbp.targets.numba.runtime.example_weights import TrainerWithWeights
from symbp.targets.numba.runtime.noise import TrainerWithNoise
from symbp.targets.numba.runtime.phases import TrainerWithState
from symbp.targets.numba.runtime.ranks import TrainerOverRanks
from symbp.targets.numba.runtime.trainer import NetworkTrainer
from symbp.training.loaded import LoadedTrainer

CLASSES = (
    LoadedTrainer, TrainerWithNoise, TrainerWithState, TrainerWithWeights, EvaluatingTrainer,
    TrainerOverRanks, NetworkTrainer,
)  # fmt: skip


def public(owner: type) -> set[str]:
    return {name for name in vars(owner) if not name.startswith("_")}


def test_what_a_trainer_can_do_is_in_its_type() -> None:
    there = set().union(*map(public, CLASSES)) - {
        "network",
        "jacobian",
        "evaluations",
        "parts",
        "on_disk",
    }
    assert public(bp.Trainer) == there


@pytest.mark.parametrize("name", sorted(public(bp.Trainer)))
def test_a_method_of_the_type_takes_what_those_of_modules_take(name: str) -> None:
    stated = inspect.getattr_static(bp.Trainer, name)
    if isinstance(stated, property):
        return
    found = [vars(owner)[name] for owner in CLASSES if name in vars(owner)]
    # What one of them hands on (`**options`) is named by another.
    assert parameters(stated) == set().union(*map(parameters, found))


def parameters(method: Any) -> set[str]:
    signature = inspect.signature(getattr(method, "__func__", method))
    texts = map(str, signature.parameters.values())
    return {text for text in texts if not text.startswith("**")}


WRONG = """
import symbp as bp

n, k = bp.Index("n", "N"), bp.Index("k", 2)
x = bp.input("x", n, k, symbl="z")
trainer = bp.compile(bp.mlp(2, 4, 1))
trainer.fitt(1)
trainer.fit([[1.0, 2.0]], [[1.0]], epoch=3)
reveal_type(trainer.fit([[1.0, 2.0]], [[1.0]], epochs=3).loss([[1.0, 2.0]], [[1.0]]))
w = bp.parameter("w", k, initial=("normal", 0.1), trainable=False, label=2)
"""


@pytest.mark.slow  # mypy reads SymPy's and NumPy's types
def test_a_type_checker_finds_what_is_misspelt(tmp_path: Path) -> None:
    file = tmp_path / "user.py"
    file.write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    environment = {**os.environ, "MYPYPATH": str(Path(bp.__file__).parents[1])}
    done = subprocess.run(
        [*command, str(file)], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    lines = [line for line in done.stdout.splitlines() if "user.py" in line]
    assert [line.split(":")[1] for line in lines if "error" in line] == ["5", "7", "8"], lines
    assert any('"builtins.float"' in line or '"float"' in line for line in lines)
