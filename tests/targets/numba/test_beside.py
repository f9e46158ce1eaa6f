"""Modules whose runtime lies beside them: the same numbers, short, and one version to a folder."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.targets.numba.beside import runtime_files

NETWORKS: dict[str, Any] = {
    "xor": lambda: bp.mlp(2, 4, 1, activation="tanh"),
    "digits": lambda: bp.mlp(64, 30, 10, loss="softmax_cross_entropy"),
}


def data_of(network: Any, dtype: str) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(12, network.inputs[0].shape[1])).astype(dtype)
    classes = network.targets[0].shape[1]
    y = np.eye(max(classes, 2))[generator.integers(0, max(classes, 2), 12)][:, :classes]
    return x, y.astype(dtype)


@pytest.mark.parametrize("name", ["xor", pytest.param("digits", marks=pytest.mark.slow)])
def test_a_module_beside_its_runtime_gives_the_same_bits(tmp_path: Path, name: str) -> None:
    network = NETWORKS[name]()
    path = bp.generate(network, tmp_path / "beside.py", bp.SGD(0.1), runtime="beside")
    assert sorted(os.listdir(tmp_path)) == ["beside.py", "symbp_runtime.py"]
    beside, pasted = bp.load_module(path), bp.compile(network, bp.SGD(0.1)).module
    x, y = data_of(network, "float64")
    trained = []
    for module in (beside, pasted):
        trainer = module.Trainer(seed=1).fit(x, y, epochs=3, batch_size=4)
        assert module.check_gradient() < 1e-6
        cost, gradients = module.gradient(trainer.parameters, x, y)
        trained.append([cost, *gradients, *trainer.parameters, trainer.predict(x)])
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("network", "optimizer", "most"),
    [
        (lambda: bp.mlp(2, 4, 1, activation="tanh"), bp.SGD(0.5), 450),
        (lambda: bp.mlp(784, 30, 10), bp.SGD(3.0), 450),
    ],
    ids=["2-4-1", "784-30-10"],
)
def test_a_module_beside_its_runtime_is_short(
    tmp_path: Path, network: Any, optimizer: Any, most: int
) -> None:
    path = bp.generate(network(), tmp_path / "net.py", optimizer, runtime="beside")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= most


def test_modules_of_both_precisions_and_with_further_entries_share_a_runtime(
    tmp_path: Path,
) -> None:
    network = bp.mlp(3, 4, 2, activation="gelu")
    single = bp.generate(network, tmp_path / "single.py", dtype="float32", runtime="beside")
    double = bp.generate(network, tmp_path / "double.py", entries=["hvp"], runtime="beside")
    assert sorted(os.listdir(tmp_path)) == ["double.py", "single.py", "symbp_runtime.py"]
    for path, dtype in ((single, "float32"), (double, "float64")):
        module = bp.load_module(path)
        x, y = data_of(network, dtype)
        assert module.predict(module.initial_parameters(), x).dtype == dtype
        assert np.isfinite(module.loss(module.initial_parameters(), x, y))
    start = bp.load_module(double).initial_parameters()
    assert bp.load_module(double).hvp(start, start, *data_of(network, "float64")) is not None


def test_what_calls_blas_lies_in_a_file_of_its_own() -> None:
    assert set(runtime_files({"tiled"})) == {"symbp_runtime.py"}
    files = runtime_files({"gemm"})
    assert set(files) == {"symbp_runtime.py", "symbp_runtime_blas.py"}
    assert "scipy" in files["symbp_runtime_blas.py"]


def test_a_runtime_of_another_version_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("symbp_runtime_")]:
        monkeypatch.delitem(sys.modules, name)  # it is loaded once for all folders
    path = bp.generate(NETWORKS["xor"](), tmp_path / "net.py", runtime="beside")
    runtime = tmp_path / "symbp_runtime.py"
    text = runtime.read_text(encoding="utf-8")
    version = next(line for line in text.splitlines() if line.startswith("VERSION = "))
    runtime.write_text(text.replace(version, 'VERSION = "other"'), encoding="utf-8")
    with pytest.raises(
        ImportError, match=r"symbp_runtime\.py: version other, .*net\.py needs .*again$"
    ):
        bp.load_module(path)


def test_it_runs_as_a_script_without_symbp(tmp_path: Path) -> None:
    path = bp.generate(NETWORKS["xor"](), tmp_path / "net.py", runtime="beside")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, path, "--check"], cwd="/", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("gradient check passed")


def test_the_runtime_is_for_numba_alone(tmp_path: Path) -> None:
    with pytest.raises(bp.SymbpError, match="runtime: only target 'numba' takes it, not 'c'"):
        bp.generate(NETWORKS["xor"](), tmp_path / "net.c", target="c", runtime="beside")
    with pytest.raises(bp.SymbpError, match="runtime 'besides': did you mean 'beside'"):
        bp.generate(NETWORKS["xor"](), tmp_path / "net.py", runtime="besides")


def test_files_of_others_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "symbp_runtime.py").write_text("mine = 1\n", encoding="utf-8")
    with pytest.raises(bp.SymbpError, match=r"symbp_runtime\.py: a file of this name is there"):
        bp.generate(NETWORKS["xor"](), tmp_path / "net.py", runtime="beside")
    assert os.listdir(tmp_path) == ["symbp_runtime.py"]
    assert (tmp_path / "symbp_runtime.py").read_text(encoding="utf-8") == "mine = 1\n"


def test_a_module_has_another_name_than_its_runtime(tmp_path: Path) -> None:
    with pytest.raises(bp.SymbpError, match=r"symbp_runtime\.py: modules share a file"):
        bp.generate(NETWORKS["xor"](), tmp_path / "symbp_runtime.py", runtime="beside")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "expected a file beside"), ("mine = 1\n", "version None, .*needs")],
    ids=["missing", "another's"],
)
def test_a_runtime_that_is_none_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, said: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("symbp_runtime_")]:
        monkeypatch.delitem(sys.modules, name)
    path = bp.generate(NETWORKS["xor"](), tmp_path / "net.py", runtime="beside")
    (tmp_path / "symbp_runtime.py").unlink()
    if text is not None:
        (tmp_path / "symbp_runtime.py").write_text(text, encoding="utf-8")
    with pytest.raises(ImportError, match=rf"symbp_runtime\.py: {said}"):
        bp.load_module(path)


@pytest.mark.parametrize("runtime", ["pasted", "beside"])
def test_the_text_of_a_module_can_be_executed(tmp_path: Path, runtime: str) -> None:
    bp.generate(NETWORKS["xor"](), tmp_path / "net.py", bp.SGD(0.1), runtime=runtime)
    code = (
        "known = {'__name__': 'text'}\n"
        "exec(open('net.py').read(), known)\n"
        "print(known['predict'](known['initial_parameters'](), [[1.0, 2.0]]).shape)\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "(1, 1)", done.stderr
