"""Machine code is kept where it can be; wherever it cannot, or was damaged, a module runs."""

import os
import re
import shutil
import subprocess
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numba
import numpy as np
import pytest

import symbp as bp
from symbp.compiler import module_source
from symbp.targets.numba.assemble import NUMBA

ROOT = Path(__file__).parents[4]


def network() -> bp.Program:
    """One that compiles in no time: a number times a number."""
    n = bp.Index("n", "N")
    x, y, w = bp.input("x", n), bp.target("y", n), bp.parameter("w", initial=("constant", 3.0))
    z, C = bp.tensor("z", n), bp.tensor("C")
    return bp.Program([bp.Equation(z[n], w[()] * x[n]), bp.Equation(C, bp.Mean(z[n] * y[n], n))], C)


# What a process does with the module: the output, and whether it found machine code.
USE = """
import sys
sys.path.insert(0, sys.argv[1])
import small
print(small.predict(small.initial_parameters(), [2.0]).tolist())
print(sum(small._predict_kernel.stats.cache_hits.values()))
"""


@pytest.fixture(scope="module")
def source() -> str:
    return module_source(network())


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, source: str) -> Path:
    """Return a folder with the module and its machine code."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "small.py").write_text(source, encoding="utf-8")
    assert run(folder) == ("[6.0]\n0\n", "")
    return folder


@pytest.fixture
def place(filled: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder."""
    return Path(shutil.copytree(filled, tmp_path / "copy"))


def run(folder: Path, code: str = USE, **environment: str) -> tuple[str, str]:
    """Return what a new process prints and complains of."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")}
    process = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        env={**inherited, "HOME": os.devnull, "XDG_CACHE_HOME": os.devnull, **environment},
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout, process.stderr


def used(folder: Path) -> tuple[float, int, list[str]]:
    """Return what a module of this process predicts, the hits of its cache, and its warnings."""
    with (
        warnings.catch_warnings(record=True) as caught,
        patch.object(numba.config, "CACHE_DIR", ""),
    ):
        warnings.simplefilter("always")
        module = bp.load_module(folder / "small.py", "small")
        del sys.modules["small"]
        answer = module.predict(module.initial_parameters(), [2.0])
        hits = sum(module._predict_kernel.stats.cache_hits.values())
    return float(answer[0]), hits, [str(warning.message) for warning in caught]


def files(folder: Path, suffix: str) -> list[Path]:
    found = sorted((folder / "__pycache__").glob(f"*_predict_kernel*.{suffix}"))
    assert found
    return found


def overwritten(content: bytes, start: int) -> bytes:
    return content[:start] + b"\xff" * 64 + content[start + 64 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "one byte": lambda content: content[:1],
    "half": lambda content: content[: len(content) // 2],
    "a byte short of the pickle's end": lambda content: content[:-45],
    "garbage": lambda content: bytes(range(256)) * (len(content) // 256 + 1),
    "zeros": lambda content: bytes(len(content)),
    "garbage within": lambda content: overwritten(content, len(content) // 2),
    "garbage at the start": lambda content: overwritten(content, 0),
    "a bit": lambda content: content[:200] + bytes([content[200] ^ 4]) + content[201:],
}


def test_a_folder_that_was_moved_keeps_its_machine_code(place: Path) -> None:
    assert used(place) == (6.0, 1, [])


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named_and_replaced(place: Path, damage: str, suffix: str) -> None:
    for path in files(place, suffix):
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    answer, hits, said = used(place)
    assert (answer, hits) == (6.0, 0)
    assert len(said) == 1
    assert str(place) in said[0]
    assert "damaged files in Numba's cache, small._predict_kernel@small" in said[0]
    assert "\n" not in said[0]
    assert used(place) == (6.0, 1, [])


def test_a_missing_file_is_written_again(place: Path) -> None:
    for path in files(place, "nbc"):
        path.unlink()
    assert used(place) == (6.0, 0, [])
    assert used(place) == (6.0, 1, [])


def test_where_nothing_can_be_written_a_module_runs_and_says_so_once(
    tmp_path: Path, source: str
) -> None:
    (tmp_path / "small.py").write_text(source, encoding="utf-8")
    (tmp_path / "__pycache__").write_text("no folder", encoding="utf-8")
    several = USE + "small.loss(small.initial_parameters(), [1.0], [1.0])\n"
    output, said = run(tmp_path, several, NUMBA_CACHE_DIR=str(tmp_path / "small.py"))
    assert output == "[6.0]\n0\n"
    assert said.count("\n") == 1
    assert f"{tmp_path}: compiled code cannot be kept" in said
    assert "set NUMBA_CACHE_DIR to a folder" in said


# As on a read-only file system, which the superuser cannot write to either.
READ_ONLY = """
import errno, os, tempfile
def refuse(*arguments, **options):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))
tempfile.TemporaryFile = tempfile.NamedTemporaryFile = os.mkdir = os.replace = refuse
before = os.open
os.open = lambda path, flags, *rest, **more: (
    refuse() if flags & os.O_CREAT else before(path, flags, *rest, **more)
)
"""


def test_machine_code_that_is_there_is_used_where_nothing_can_be_written(place: Path) -> None:
    assert run(place, READ_ONLY + USE) == ("[6.0]\n1\n", "")
    # Also where another folder would take new code.
    assert run(place, USE, NUMBA_CACHE_DIR=str(place / "elsewhere")) == ("[6.0]\n1\n", "")


def test_a_folder_that_fills_up_is_no_reason_to_fail(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (place / "__pycache__").glob("*.nb*"):
        path.unlink()

    def full(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    answer, hits, (said,) = used(place)
    assert (answer, hits) == (6.0, 0)
    assert "compiled code cannot be kept (No space left on device)" in said


COMPILE = """
import symbp as bp
from tests.targets.numba.runtime.test_cache import network
trainer = bp.compile(network())
print(trainer.predict([2.0]).tolist())
print(sum(trainer.module._predict_kernel.stats.cache_hits.values()))
"""


def test_compile_works_with_a_read_only_cache_filled_or_not(tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    here = {"PYTHONPATH": str(ROOT), "SYMBP_CACHE": cache}
    assert run(ROOT, COMPILE, **here) == ("[6.0]\n0\n", "")
    assert run(ROOT, READ_ONLY + COMPILE, **here) == ("[6.0]\n1\n", "")
    nowhere = {**here, "SYMBP_CACHE": f"{os.devnull}/cache"}
    output, said = run(ROOT, READ_ONLY + COMPILE, **nowhere)
    assert output == "[6.0]\n0\n"
    assert len(re.findall("compiled modules cannot be kept here", said)) == 1
    assert len(re.findall("compiled code cannot be kept", said)) == 1


def test_a_module_in_an_archive_runs(place: Path) -> None:
    shutil.make_archive(str(place / "archive"), "zip", place, "small.py")
    archive = place / "archive.zip"
    assert run(archive)[0] == "[6.0]\n0\n"
    os.rename(archive, place / "archive.pyz")
    output, said = run(place / "archive.pyz")
    assert output == "[6.0]\n0\n"
    assert said.count("\n") == 1


DISABLED = """
import numba, types
@numba.njit
def own(x):
    return x
assert type(own) is types.FunctionType  # the user's functions are left to Python, as asked
"""


def test_a_module_is_compiled_also_where_numba_is_told_not_to(place: Path) -> None:
    assert run(place, USE, NUMBA_DISABLE_JIT="1") == ("[6.0]\n1\n", "")
    for path in (place / "__pycache__").glob("*.nb*"):
        path.unlink()
    assert run(place, USE + DISABLED, NUMBA_DISABLE_JIT="1") == ("[6.0]\n0\n", "")


REMOVED = """
import os, tempfile
folder = tempfile.mkdtemp()
os.chdir(folder)
os.rmdir(folder)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove it")
def test_the_working_folder_may_be_gone(place: Path) -> None:
    for path in (place / "__pycache__").glob("*.nb*"):
        path.unlink()
    assert run(place, REMOVED + USE) == ("[6.0]\n0\n", "")
    assert run(place, REMOVED + USE) == ("[6.0]\n1\n", "")


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("0.61.2", False), ("0.59.0", False), ("0.62.0", True), ("0.62.0rc1", True),
     ("0.70.0dev0+12.gabc", True), ("1.0.0", True)],
)  # fmt: skip
def test_an_older_numba_is_refused_in_one_line_before_anything_fails(
    monkeypatch: pytest.MonkeyPatch, place: Path, version: str, accepted: bool
) -> None:
    if accepted:
        monkeypatch.setattr(numba, "__version__", version)
        bp.load_module(place / "small.py", "small")
        return
    # It has nothing of what the module imports.
    monkeypatch.setitem(sys.modules, "numba", types.SimpleNamespace(__version__=version))
    with pytest.raises(ImportError) as caught:
        bp.load_module(place / "small.py", "small")
    assert str(caught.value) == f"{place / 'small.py'}: expected Numba 0.62 or newer, got {version}"


def test_the_version_is_the_one_that_is_declared() -> None:
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"numba>={NUMBA[0]}.{NUMBA[1]}; ' in declared


def test_a_module_is_used_by_threads_while_it_is_compiled(place: Path) -> None:
    import threading

    for path in (place / "__pycache__").glob("*.nb*"):
        path.unlink()
    module = bp.load_module(place / "small.py", "small")
    del sys.modules["small"]
    found: list[float] = []
    parameters = module.initial_parameters()
    threads = [
        threading.Thread(target=lambda: found.append(float(module.predict(parameters, [2.0])[0])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [6.0] * 4
    np.testing.assert_array_equal(module.predict(parameters, [1.0]), [3.0])
