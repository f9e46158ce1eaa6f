"""Trainers in safetensors files: read back to the bit, and read by and from other libraries."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.interop import load_safetensors, save_safetensors

library = pytest.importorskip("safetensors.numpy")

NET = bp.Network([bp.Dense(3, "tanh"), bp.BatchNorm1d(), bp.Dense(1)], input=2)
X = np.random.default_rng(0).normal(size=(12, 2))
Y = X[:, :1] * X[:, 1:]


@pytest.fixture(scope="module")
def trained() -> Any:
    return bp.compile(NET, bp.Adam(0.01), seed=3).fit(X, Y, epochs=3, batch_size=4)


def test_training_goes_on_to_the_bit(trained: Any, tmp_path: Path) -> None:
    path = save_safetensors(trained, tmp_path / "a.safetensors")
    other = load_safetensors(type(trained)(seed=9), path)
    assert (other.epochs, other.history) == (trained.epochs, trained.history)
    one, two = (t.fit(X, Y, epochs=2, batch_size=4) for t in (trained, other))
    for a, b in zip((*one.parameters, *one.state), (*two.parameters, *two.state), strict=True):
        assert np.array_equal(a, b)


def test_names_are_those_of_the_parameters_and_states(trained: Any, tmp_path: Path) -> None:
    tensors = library.load_file(save_safetensors(trained, tmp_path / "a.safetensors"))
    assert {*trained.parameters._fields} < set(tensors)
    assert {"optimizer", *(f"state.{name}" for name in trained.state._fields)} < set(tensors)
    assert np.array_equal(tensors["W1"], trained.parameters.W1)


def test_another_library_s_file_gives_parameters(tmp_path: Path) -> None:
    net = bp.mlp(2, 3, 1)
    trainer = bp.compile(net)
    arrays = {f"net.{k}": np.full(p.shape, k, np.float32) for k, p in enumerate(trainer.parameters)}
    library.save_file(arrays, tmp_path / "theirs.safetensors")
    names = {name: f"net.{k}" for k, name in enumerate(trainer.parameters._fields)}
    load_safetensors(trainer, tmp_path / "theirs.safetensors", names)
    assert [float(p.flat[0]) for p in trainer.parameters] == [0.0, 1.0, 2.0, 3.0]


def test_what_is_wrong_is_said_and_nothing_is_changed(trained: Any, tmp_path: Path) -> None:
    before = [p.copy() for p in trained.parameters]
    path = save_safetensors(trained, tmp_path / "a.safetensors")
    content = path.read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[:-9])
    (tmp_path / "text.safetensors").write_bytes(b"no such thing")
    library.save_file({"W1": np.zeros((2, 2))}, tmp_path / "shape.safetensors")
    library.save_file({"w1": np.zeros((3, 2))}, tmp_path / "name.safetensors")
    library.save_file({"W1": np.full((3, 2), np.nan)}, tmp_path / "nan.safetensors")
    for name, said in (
        ("cut", "no safetensors file"), ("text", "no safetensors file"), ("none", "no such file"),
        ("shape", r"W1 has shape \(2, 2\), W1 \(3, 2\)"), ("name", "no tensor 'W1' for W1"),
        ("nan", "W1 holds what is no finite number"),
    ):  # fmt: skip
        with pytest.raises(bp.SymbpError, match=said):
            load_safetensors(trained, tmp_path / f"{name}.safetensors")
    other = bp.compile(bp.Network([bp.Dense(3), bp.BatchNorm1d(), bp.Dense(1)], input=2))
    with pytest.raises(bp.SymbpError, match="saved by program"):
        load_safetensors(other, path)
    for a, b in zip(before, trained.parameters, strict=True):
        assert np.array_equal(a, b)
