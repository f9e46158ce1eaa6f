"""Look at this machine for what makes generated code slow or keeps it from being cached.

Everything is asked of the libraries themselves, as they are loaded in this process: a kernel
family read off a file name would say what was shipped, not what runs.
"""

import ctypes
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

__all__ = ["Finding", "diagnose"]

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Finding:
    """One thing that was examined.

    Attributes
    ----------
    subject : str
        What it is.
    state : str
        How it is, in one line.
    mend : str or None
        What to do about it; None where nothing is wrong.
    """

    subject: str
    state: str
    mend: str | None = None


def diagnose() -> list[Finding]:
    """Examine packages, BLAS, threads, Numba and caches.

    Returns
    -------
    list of Finding
        In the order in which they are best read.
    """
    return [
        *_packages(),
        _processor(),
        _vectors(),
        _team(),
        *_blas(),
        *_numba(),
        *_caches(),
    ]


def _packages() -> Iterator[Finding]:
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("Python", python)
    for name in ("numpy", "scipy", "numba", "llvmlite", "sympy", "opt_einsum"):
        try:
            yield Finding(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, "not installed", f"pip install {name}")
    try:
        yield Finding("scikit-learn", metadata.version("scikit-learn"))
    except metadata.PackageNotFoundError:
        yield Finding("scikit-learn", "not installed: `train --data digits` and the like need it")


def _processor() -> Finding:
    import llvmlite.binding as llvm

    features = {name for name, present in llvm.get_host_cpu_features().items() if present}
    if {"avx512f", "avx512vl"} <= features:
        best = "AVX-512"
    elif {"avx2", "fma"} <= features:
        best = "AVX2"
    elif "neon" in features or "fp-armv8" in features:
        best = "NEON"
    else:
        best = "no wide vectors"
    cores = _usable_cores()
    return Finding("processor", f"{llvm.get_host_cpu_name()}, {best}, cores: {cores} usable")


def _vectors() -> Finding:
    from numba.core import codegen

    from symbp.targets.numba.runtime.tile_builder import VECTOR_BITS, vector_bits

    widest = vector_bits(codegen.get_host_cpu_features())
    return Finding(
        "vectors of matrix products",
        f"{VECTOR_BITS} bits",
        f"this processor has {widest} bits: unset NUMBA_CPU_FEATURES"
        if widest > VECTOR_BITS
        else None,
    )


def _team() -> Finding:
    from symbp.targets.numba.runtime.team import available_threads

    threads = available_threads()
    given = {name: os.environ[name] for name in _THREAD_LIMITS if os.environ.get(name)}
    limits = [f"{name}={value}" for name, value in given.items() if _is_positive(value)]
    said = f" ({' and '.join(limits)} in the environment)" if limits else ""
    state = "1" if threads == 1 else f"1 to {threads}, whichever is the fastest"
    ignored = [f"{name}={value}" for name, value in given.items() if not _is_positive(value)]
    mend = None
    if ignored:
        mend = (
            f"ignored, as no whole number from 1 on: {' and '.join(ignored)}; "
            "set it to the number of threads, or unset it"
        )
    return Finding("threads of an epoch", f"{state}{said}", mend)


def _is_positive(text: str) -> bool:
    return text.isdecimal() and int(text) > 0


def _usable_cores() -> int | None:
    # A container may be held to fewer cores than the machine has; not every system can say.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _blas() -> Iterator[Finding]:
    from symbp.targets.numba.runtime.openblas import load_cython_blas

    load_cython_blas()  # as generated modules do, with the kernels that they ask for
    found = False
    for path in _loaded_libraries("openblas"):
        library = ctypes.CDLL(str(path))
        owner = "scipy" if "scipy.libs" in path.parts else path.parent.name.removesuffix(".libs")
        yield from _openblas(library, owner)
        found = True
    if not found:
        yield Finding("BLAS", "no OpenBLAS is loaded: SciPy uses another library, left as it is")


def _openblas(library: ctypes.CDLL, owner: str) -> Iterator[Finding]:
    kernel = _text_of(library, "get_corename")
    config = _text_of(library, "get_config") or ""
    threads = _number_of(library, "get_num_threads")
    subject = f"BLAS of {owner}"
    version = re.search(r"OpenBLAS [\d.]+\w*", config)
    state = f"{version.group() if version else 'OpenBLAS'}, {kernel or 'unknown'} kernels"
    mend = _better_kernels(kernel, config) if owner != "numpy" and kernel else None
    chosen = os.environ.get("OPENBLAS_CORETYPE")
    if chosen:
        state += f" (OPENBLAS_CORETYPE={chosen} in the environment)"
    yield Finding(subject, state, mend)
    if threads is not None:
        usable = _usable_cores()
        too_many = usable is not None and threads > usable
        yield Finding(
            f"{subject}, threads",
            str(threads),
            f"more than the {usable} cores that may be used: set OPENBLAS_NUM_THREADS={usable}"
            if too_many
            else None,
        )


def _better_kernels(kernel: str, config: str) -> str | None:
    """Return how to get kernels for this processor, where others are in use and there is a choice.

    NumPy's own library is not looked at: generated code does not call it.
    """
    from symbp.targets.numba.runtime.openblas import better_kernels

    better = better_kernels(kernel)
    if better is None or "DYNAMIC_ARCH" not in config.split():
        return None
    return (
        f"those of {better} suit this processor and are faster: set OPENBLAS_CORETYPE={better} "
        "before Python starts"
    )


def _loaded_libraries(word: str) -> list[Path]:
    """Return the shared libraries of this process whose file name holds a word."""
    maps = Path("/proc/self/maps")
    if maps.exists():
        lines = maps.read_text(encoding="utf-8", errors="replace").splitlines()
        # The sixth field is the path, and may hold blanks.
        paths = {Path(fields[5]) for line in lines if len(fields := line.split(maxsplit=5)) == 6}
    else:
        # Elsewhere the wheels' own folders tell which libraries were loaded.
        folders = [Path(import_module(name).__path__[0]) for name in ("numpy", "scipy")]
        paths = {
            file
            for folder in folders
            for beside in (folder / ".dylibs", folder.with_name(f"{folder.name}.libs"))
            for file in beside.glob("*")
        }
    return sorted(path for path in paths if word in path.name.lower() and path.is_file())


def _symbol(library: ctypes.CDLL, name: str) -> Any:
    # Wheels rename the symbols of OpenBLAS so that two copies can live in one process.
    for prefix in ("scipy_openblas_", "openblas_"):
        for suffix in ("", "64_", "_64", "_"):
            try:
                return getattr(library, f"{prefix}{name}{suffix}")
            except AttributeError:
                continue
    return None


def _text_of(library: ctypes.CDLL, name: str) -> str | None:
    function = _symbol(library, name)
    if function is None:
        return None
    function.restype = ctypes.c_char_p
    value = function()
    return value.decode(errors="replace") if isinstance(value, bytes) else None


def _number_of(library: ctypes.CDLL, name: str) -> int | None:
    function = _symbol(library, name)
    if function is None:
        return None
    function.restype = ctypes.c_int
    return int(function())


def _numba() -> Iterator[Finding]:
    from numba import config

    if config.DISABLE_JIT:
        yield Finding(
            "Numba", "compilation is switched off", "unset NUMBA_DISABLE_JIT: it is set now"
        )
    else:
        yield Finding("Numba", f"compiles; threads: at most {config.NUMBA_NUM_THREADS}")


def _caches() -> Iterator[Finding]:
    configured = os.environ.get("NUMBA_CACHE_DIR")
    if configured:
        folder = Path(configured)
        yield _folder("Numba's cache", folder, "set NUMBA_CACHE_DIR to a folder that is")
    else:
        yield Finding("Numba's cache", "__pycache__ beside each module (NUMBA_CACHE_DIR is unset)")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    yield _folder("user's cache", home, "set XDG_CACHE_HOME to a folder that is")


def _folder(subject: str, folder: Path, mend: str) -> Finding:
    """Say whether a folder, or the nearest parent that exists, takes a file."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        # Trying is the only test: permissions do not tell of a full or read-only file system.
        with tempfile.NamedTemporaryFile(dir=existing):
            pass
    except OSError:
        return Finding(subject, f"{folder} is not writable: every start compiles anew", mend)
    return Finding(subject, f"{folder} is writable")
