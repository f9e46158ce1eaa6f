"""The same program gives the same bytes, and the same bytes give the same numbers."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp import gallery
from symbp.compiler import module_source
from symbp.networks.optimizers import Optimizer
from tests.programs import PROGRAMS

# Other processes compile with all of LLVM's passes.
pytestmark = pytest.mark.optimised

ROOT = Path(__file__).parents[1]


def hashes() -> dict[str, str]:
    """Return a hash of the source and of the derivation of several networks' modules."""
    n = sympy.Symbol("N", integer=True, positive=True)
    X, W, Y = (sympy.MatrixSymbol(*s) for s in (("X", n, 3), ("W", 2, 3), ("Y", n, 2)))
    D = (X * W.T).applyfunc(sympy.tanh) - Y
    programs: dict[str, tuple[bp.Program, Optimizer]] = {
        "adam": (bp.mlp(6, 5, 3, activation="gelu", loss="softmax_cross_entropy"), bp.Adam(0.01)),
        "penalties": (bp.mlp(4, 3, 1, penalty=[bp.L1(0.1), bp.L2(0.2)]), bp.Nesterov(0.1)),
        "lstm": (PROGRAMS["lstm"]()[0], bp.RMSProp(0.01)),
        "attention": (PROGRAMS["attention"]()[0], bp.AdamW(0.01)),
        "matrices": (
            bp.from_matrices(sympy.Trace(D.T * D) / 2, parameters=[W], inputs=[X], targets=[Y]),
            bp.Momentum(0.1),
        ),
    }
    found = {}
    for name, (program, optimizer) in programs.items():
        derivation = bp.derive(program)
        texts = {
            "module": module_source(program, optimizer, "float32"),
            "text": derivation.text(),
            "latex": derivation.latex(form="index"),
        }
        for part, text in texts.items():
            found[f"{name} {part}"] = hashlib.sha256(text.encode()).hexdigest()
    return found


# The same in another process.
GENERATE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tests.test_reproducible import hashes
print(json.dumps(hashes()))
"""

# An emitted module where nothing but numpy, numba and scipy can be imported.
ALONE = """
import importlib.util, json, sys

FORBIDDEN = {"symbp", "sympy", "mpmath", "opt_einsum", "typer", "rich", "sklearn", "jax"}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in FORBIDDEN:
            raise ModuleNotFoundError(f"this environment has no {name}", name=name)

sys.meta_path.insert(0, Refuse())
spec = importlib.util.spec_from_file_location("emitted", sys.argv[1])
module = sys.modules["emitted"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
y = [[0.0], [1.0], [1.0], [0.0]]
trainer = module.Trainer(seed=4).fit(x, y, epochs=30, batch_size=2)
trainer.save(sys.argv[2])
same = module.Trainer.load(sys.argv[2])
assert same.loss(x, y) == trainer.loss(x, y)
assert module.check_gradient() < 1e-6
assert trainer.predict(x).shape == (4, 1)
loaded = sorted(FORBIDDEN & {name.split(".")[0] for name in sys.modules})
print(json.dumps({"parameters": trainer._flat.tobytes().hex(), "loaded": loaded}))
"""


def started(code: str, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *([] if environment else ["-I"]), "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def answer(process: subprocess.Popen[str]) -> Any:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return json.loads(output)


def test_generating_twice_gives_identical_bytes() -> None:
    # Where nothing says otherwise, this process has a hash seed that was drawn for it.
    seed = "54321" if os.environ.get("PYTHONHASHSEED") != "54321" else "0"
    other = started(GENERATE, ROOT, PYTHONHASHSEED=seed)
    here = hashes()
    assert len(here) == 15
    assert here == answer(other)


@pytest.fixture(scope="module")
def modules() -> dict[str, str]:
    return gallery.gallery()


def test_generating_again_in_one_process_gives_identical_bytes(modules: dict[str, str]) -> None:
    # Indices and tensors are numbered as they are made; no number may reach the text.
    assert gallery.gallery() == modules


def test_the_gallery_regenerates_byte_for_byte(capsys: pytest.CaptureFixture[str]) -> None:
    assert gallery.main(["--check", "--folder", str(ROOT / "generated")]) == 0, (
        capsys.readouterr().err
    )


@pytest.fixture(scope="module")
def xor(modules: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("emitted") / "xor.py"
    path.write_text(modules["xor_2_4_1.py"], encoding="utf-8")
    return bp.load_module(path)


X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])


def test_a_module_needs_numpy_numba_and_scipy_only(xor: ModuleType, tmp_path: Path) -> None:
    assert xor.__file__ is not None
    found = answer(started(ALONE, xor.__file__, tmp_path / "saved.npz"))
    assert found["loaded"] == []
    # ... and in that other process it trains to the same bits as here.
    trainer = xor.Trainer(seed=4).fit(X, Y, epochs=30, batch_size=2)
    assert found["parameters"] == trainer._flat.tobytes().hex()
    assert xor.Trainer.load(tmp_path / "saved.npz").loss(X, Y) == trainer.loss(X, Y)


@pytest.fixture(scope="module", params=["float64", pytest.param("float32", marks=pytest.mark.slow)])
def digits(request: pytest.FixtureRequest) -> ModuleType:
    net = bp.mlp(8, 6, 3, activation="sigmoid", loss="softmax_cross_entropy")
    return bp.compile(net, bp.Adam(0.01), dtype=request.param).module


def data() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    return generator.normal(size=(101, 8)), generator.integers(0, 3, 101)


def test_training_is_the_same_to_the_bit_from_run_to_run(digits: ModuleType) -> None:
    first, second, other = (
        digits.Trainer(seed=seed).fit(*data(), epochs=5, batch_size=16, validation=data())
        for seed in (7, 7, 8)
    )
    assert first._flat.tobytes() == second._flat.tobytes() != other._flat.tobytes()
    assert first.history == second.history


def test_a_loaded_training_continues_to_the_bit(digits: ModuleType, tmp_path: Path) -> None:
    whole = digits.Trainer(seed=3, beta1=0.8).fit(*data(), epochs=6, batch_size=16)
    half = digits.Trainer(seed=3, beta1=0.8).fit(*data(), epochs=2, batch_size=16)
    half.save(tmp_path / "half.npz")
    rest = digits.Trainer.load(tmp_path / "half.npz").fit(*data(), epochs=4, batch_size=16)
    assert rest._flat.tobytes() == whole._flat.tobytes()
    assert rest._state.tobytes() == whole._state.tobytes()
    assert rest.history == whole.history
    assert (rest.epochs, rest.hyperparameters) == (whole.epochs, whole.hyperparameters)
