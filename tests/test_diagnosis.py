"""diagnose: what doctor says of kernels, vectors and threads, here and on made-up machines."""

import os
import subprocess
import sys
from typing import Any

import pytest
from numba.core import codegen

from symbp import diagnosis
from symbp.diagnosis import Finding, diagnose
from symbp.targets.numba.runtime import openblas, team, tile_builder

AVX2 = {"avx2": True, "fma": True}
AVX512 = AVX2 | {f"avx512{part}": True for part in ("f", "cd", "bw", "dq", "vl")}
DYNAMIC = "OpenBLAS 0.3.30 DYNAMIC_ARCH NO_AFFINITY MAX_THREADS=64"


def kernels(
    monkeypatch: pytest.MonkeyPatch,
    features: dict[str, bool],
    family: str,
    config: str = DYNAMIC,
    owner: str = "scipy",
) -> Finding:
    """Return the finding about a library that runs a family's kernels."""
    said: dict[str, Any] = {"get_corename": family, "get_config": config}
    monkeypatch.setattr(openblas.binding, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(diagnosis, "_text_of", lambda library, name: said[name])
    monkeypatch.setattr(diagnosis, "_number_of", lambda library, name: 1)
    finding, threads = diagnosis._openblas(None, owner)  # type: ignore[arg-type]
    assert (threads.subject, threads.state) == (f"BLAS of {owner}, threads", "1")
    return finding


@pytest.mark.parametrize(
    ("features", "family", "better"),
    [(AVX512, "Haswell", "SkylakeX"), (AVX2, "Prescott", "Haswell"), (AVX2, "Zen", None),
     (AVX512, "SkylakeX", None), ({"neon": True}, "ARMV8", None)],
)  # fmt: skip
def test_the_better_kernels_are_named_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, features: dict[str, bool], family: str, better: str | None
) -> None:
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    finding = kernels(monkeypatch, features, family)
    assert finding.state == f"OpenBLAS 0.3.30, {family} kernels"
    if better is None:
        assert finding.mend is None
    else:
        assert finding.mend is not None
        assert f"set OPENBLAS_CORETYPE={better} before Python starts" in finding.mend


def test_a_library_without_a_choice_or_of_numpy_has_no_mend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixed = DYNAMIC.replace("DYNAMIC_ARCH ", "")
    assert kernels(monkeypatch, AVX512, "Haswell", fixed).mend is None
    assert kernels(monkeypatch, AVX512, "Haswell", owner="numpy").mend is None
    assert kernels(monkeypatch, AVX512, "Haswell", owner="lib").mend is not None  # conda's


def test_a_choice_in_the_environment_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    finding = kernels(monkeypatch, AVX512, "Zen")
    assert finding.state.endswith("Zen kernels (OPENBLAS_CORETYPE=Zen in the environment)")


def test_vectors_are_as_wide_as_the_tiles_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codegen, "get_host_cpu_features", lambda: "+avx,+avx512f,+avx512vl")
    for bits, mend in [
        (512, None),
        (256, "this processor has 512 bits: unset NUMBA_CPU_FEATURES"),
    ]:
        monkeypatch.setattr(tile_builder, "VECTOR_BITS", bits)
        finding = diagnosis._vectors()
        assert (finding.state, finding.mend) == (f"{bits} bits", mend)


def test_threads_of_an_epoch_are_those_of_the_team(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    threads = team.available_threads()
    expected = "1" if threads == 1 else f"1 to {threads}, whichever is the fastest"
    assert diagnosis._team().state == expected
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert diagnosis._team().state == "1 (OMP_NUM_THREADS=1 in the environment)"
    assert diagnosis._team().mend is None


@pytest.mark.parametrize("value", ["abc", "-1", "1.5", "2 threads"])
def test_a_limit_that_is_no_number_is_said_to_be_ignored(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    unlimited = diagnosis._team()
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    finding = diagnosis._team()
    assert finding.state == unlimited.state
    assert finding.mend is not None
    assert finding.mend.startswith(
        f"ignored, as no whole number from 1 on: OMP_NUM_THREADS={value};"
    )
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert diagnosis._team().state == "1 (OPENBLAS_NUM_THREADS=1 in the environment)"
    assert diagnosis._team().mend == finding.mend


def test_every_subject_is_examined_once() -> None:
    subjects = [finding.subject for finding in diagnose()]
    assert len(set(subjects)) == len(subjects)
    assert {"processor", "vectors of matrix products", "threads of an epoch"} <= set(subjects)


def test_the_kernels_shown_are_those_that_modules_load() -> None:
    if openblas.widest_kernels() is None or not openblas.chooses_kernels():
        pytest.skip("needs AVX2 and an OpenBLAS with kernels to choose from")
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    outputs = [
        subprocess.run(
            [sys.executable, "-m", "symbp", "doctor"],
            env=environment | chosen, capture_output=True, text=True, check=True,
        ).stdout
        for chosen in ({}, {"OPENBLAS_CORETYPE": "Nehalem"})
    ]  # fmt: skip
    better = f"set OPENBLAS_CORETYPE={openblas.widest_kernels()} before Python starts"
    assert "OPENBLAS_CORETYPE" not in outputs[0]
    assert "Nehalem kernels (OPENBLAS_CORETYPE=Nehalem in the environment)" in outputs[1]
    assert outputs[1].count(better) == 1  # SciPy's library; NumPy's is not looked at
