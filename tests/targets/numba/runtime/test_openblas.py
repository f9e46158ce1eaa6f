"""OpenBLAS's kernels: chosen by features before it loads, never against the user, one warning."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from numba import njit

import symbp as bp
from symbp.targets.numba.runtime import openblas, threads

ROOT = Path(__file__).parents[4]
AVX2 = {"avx": True, "avx2": True, "fma": True}
AVX512 = AVX2 | {f"avx512{part}": True for part in ("f", "cd", "bw", "dq", "vl")}
NEON = {"neon": True, "fp-armv8": True}

kernels_of_scipy_can_be_chosen = pytest.mark.skipif(
    openblas.widest_kernels() is None or not openblas.chooses_kernels(),
    reason="needs AVX2 and an OpenBLAS with kernels to choose from",
)


@pytest.fixture
def processor(monkeypatch):
    """Return a function that pretends to run on a processor, for what asks LLVM."""

    def pretend(name, features):
        monkeypatch.setattr(openblas.binding, "get_host_cpu_name", lambda: name)
        monkeypatch.setattr(openblas.binding, "get_host_cpu_features", lambda: features)

    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    return pretend


@pytest.fixture
def library(monkeypatch):
    """Return a function that pretends that an OpenBLAS is loaded, for what asks the library."""

    def pretend(family, config="OpenBLAS 0.3.30 DYNAMIC_ARCH NO_AFFINITY MAX_THREADS=64"):
        said = {"get_corename": family, "get_config": config}
        monkeypatch.setattr(openblas, "openblas_text", said.__getitem__)

    return pretend


@pytest.mark.parametrize(
    ("name", "features", "requested"),
    [
        ("znver5", AVX512, "SkylakeX"),
        ("a processor of next year", AVX512, "SkylakeX"),
        ("a processor of next year", AVX512 | {"avx512vl": False}, "Haswell"),
        ("a processor of next year", AVX2, "Haswell"),
        ("alderlake", AVX2, "Haswell"),
        ("znver3", AVX2, None),
        ("sapphirerapids", AVX512, None),
        ("nehalem", {"sse4.2": True}, None),
        ("sandybridge", {"avx": True, "avx2": False}, None),
        ("neoverse-v2", NEON, None),
        ("apple-m1", {}, None),
    ],
)
def test_kernels_are_requested_by_features(processor, name, features, requested):
    processor(name, features)
    assert openblas.kernels_to_request() == requested


@pytest.mark.parametrize("choice", ["Zen", "SkylakeX", ""])
def test_a_choice_in_the_environment_is_left_alone(processor, library, monkeypatch, choice):
    processor("znver5", AVX512)
    library("Nehalem")
    monkeypatch.setenv("OPENBLAS_CORETYPE", choice)
    assert openblas.kernels_to_request() is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        openblas.warn_of_slow_kernels()
    assert os.environ["OPENBLAS_CORETYPE"] == choice


@pytest.mark.parametrize(
    ("features", "family", "better"),
    [
        (AVX512, "Haswell", "SkylakeX"),
        (AVX512, "Zen", "SkylakeX"),
        (AVX512, "Katmai", "SkylakeX"),  # what the wheels call Prescott
        (AVX2, "Prescott", "Haswell"),
        (AVX2, "Nehalem", "Haswell"),
        (AVX2, "Sandybridge", "Haswell"),
        (AVX512, "SkylakeX", None),
        (AVX512, "Cooperlake", None),
        (AVX512, "SapphireRapids", None),
        (AVX512, "a family of next year", None),
        (AVX2, "Haswell", None),
        (AVX2, "Zen", None),
        (AVX2, "Excavator", None),
        ({"avx": True}, "Nehalem", None),
        (NEON, "ARMV8", None),
        (NEON, "generic", None),
    ],
)
def test_slower_families_are_told_from_suitable_ones(processor, library, features, family, better):
    processor("unknown", features)
    library(family)
    assert openblas.better_kernels(family) == better
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        openblas.warn_of_slow_kernels()
    if better is None:
        assert caught == []
    else:
        (warning,) = caught
        assert warning.category is RuntimeWarning
        assert f"its {family} kernels" in str(warning.message)
        assert f"set OPENBLAS_CORETYPE={better} in the environment" in str(warning.message)


@pytest.mark.parametrize(
    ("family", "config"),
    [("Haswell", "OpenBLAS 0.3.30 NO_AFFINITY Haswell MAX_THREADS=64"), ("", "")],
    ids=["built for one processor", "another library"],
)
def test_nothing_is_said_where_there_is_no_choice(processor, library, family, config):
    processor("znver5", AVX512)
    library(family, config)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        openblas.warn_of_slow_kernels()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with two modules that call BLAS, and one that does not."""
    folder = tmp_path_factory.mktemp("modules")
    wide = bp.generate(bp.mlp(512, 2048, 512), folder / "wide.py")
    assert "BLAS_SYMBOLS" in wide.read_text()
    (folder / "other.py").write_text(wide.read_text())
    small = bp.generate(bp.mlp(2, 4, 1), folder / "small.py")
    assert "BLAS_SYMBOLS" not in small.read_text()
    return folder


def run(folder, code, **variables):
    """Return what a fresh process prints, line by line."""
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    environment |= {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", **variables}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines(), done.stderr


IMPORT_TWO = """
import os, sys, warnings
if {scipy_first}:
    import scipy.linalg
if {forget}:
    del os.environ["OPENBLAS_CORETYPE"]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import wide, other
print(wide.kernel_family(), other.kernel_family(), os.environ.get("OPENBLAS_CORETYPE"))
for warning in caught:
    print(warning.category.__name__, os.path.basename(warning.filename), warning.message)
"""


@kernels_of_scipy_can_be_chosen
def test_the_kernels_that_a_module_loads_suit_the_processor(folder):
    code = IMPORT_TWO.format(scipy_first=False, forget=False)
    (state,), _ = run(folder, code)
    family, same, variable = state.split()
    assert openblas.better_kernels(family) is None
    assert (same, variable) == (family, "None")  # the variable is not left to other libraries


@kernels_of_scipy_can_be_chosen
@pytest.mark.parametrize("scipy_first", [False, True])
def test_the_user_s_kernels_are_used_in_silence(folder, scipy_first):
    code = IMPORT_TWO.format(scipy_first=scipy_first, forget=False)
    lines, errors = run(folder, code, OPENBLAS_CORETYPE="Nehalem")
    assert lines == ["Nehalem Nehalem Nehalem"]
    assert errors == ""


@kernels_of_scipy_can_be_chosen
def test_too_late_is_said_once_for_two_modules(folder):
    code = IMPORT_TWO.format(scipy_first=True, forget=True)
    (state, warning), _ = run(folder, code, OPENBLAS_CORETYPE="Nehalem")
    assert state == "Nehalem Nehalem None"
    assert warning.startswith(
        "RuntimeWarning <string> OpenBLAS was loaded with its Nehalem kernels"
    )
    better = openblas.widest_kernels()
    assert f"set OPENBLAS_CORETYPE={better} in the environment before Python starts" in warning
    assert warning.endswith("or import this module before SciPy")


@kernels_of_scipy_can_be_chosen
def test_what_is_requested_is_what_openblas_runs(folder):
    # An unknown processor that has AVX2 only: told apart from this one by what OpenBLAS runs.
    code = f"""
import llvmlite.binding
llvmlite.binding.get_host_cpu_name = lambda: "a processor of next year"
llvmlite.binding.get_host_cpu_features = lambda: {AVX2}
from symbp.targets.numba.runtime import openblas
print(openblas.kernel_family())
"""
    assert run(folder, code) == (["Haswell"], "")


def test_a_module_says_what_it_needs(folder):
    for name, packages in [("small", "numpy and numba"), ("wide", "numpy, numba and scipy")]:
        text = " ".join((folder / f"{name}.py").read_text().split())
        assert f"It needs {packages} only." in text
        assert ("import scipy " in text) == ("scipy" in packages)


WITHOUT_BLAS = """
import sys
if {missing}:
    sys.modules["scipy"] = None  # as if it were not installed
import numpy as np, small
x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
trainer = small.Trainer(seed=0).fit(x, x[:, :1] * x[:, 1:], epochs=1, batch_size=4)
print(trainer.predict(x).shape, "scipy.linalg" in sys.modules)
"""
NUMBA_WITH_BLAS = """
import numba
print(numba.njit(lambda a, b: a @ b)(x.T, x).tolist(), "scipy.linalg" in sys.modules)
"""


@pytest.mark.optimised
def test_a_module_without_blas_works_without_scipy_and_does_not_load_it(folder, tmp_path):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert run(folder, WITHOUT_BLAS.format(missing=True), **cache) == (["(4, 1) False"], "")
    assert run(folder, WITHOUT_BLAS.format(missing=False) + NUMBA_WITH_BLAS, **cache) == (
        ["(4, 1) False", "[[2.0, 1.0], [1.0, 2.0]] True"],
        "",
    )


def test_threads_are_limited_for_small_products_and_put_back():
    @njit
    def during(multiplications):
        threads_before = limit(multiplications)
        inside = get()
        restore(threads_before)
        return inside

    limit, restore, get = threads.limit_threads, threads.restore_threads, threads.get_threads
    before = get_in_python()
    assert during(threads.LARGE_PRODUCT - 1) == 1
    assert during(threads.LARGE_PRODUCT) == before
    assert get_in_python() == before


def get_in_python():
    """Return the number of BLAS threads."""
    return threads.THREAD_FUNCTIONS["symbp_blas_get_threads"]()
