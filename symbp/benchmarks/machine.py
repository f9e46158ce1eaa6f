"""What was measured on: processor, BLAS kernels, and the versions of everything involved."""

import os
import platform
import re
from importlib import metadata
from pathlib import Path

from symbp.benchmarks.peers import PEERS
from symbp.benchmarks.rates import usable_cores

__all__ = ["blas_kernels", "machine", "processor_name"]


def machine() -> dict[str, str]:
    """Return the processor, the system and the versions, absent packages as ``absent``."""
    names = ["symbp", "numpy", "scipy", "numba", "llvmlite"]
    names += [peer.distribution for peer in PEERS]
    return {
        "processor": processor_name(),
        "cores": f"{usable_cores()} usable of {os.cpu_count()}",
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        **{name: _version(name) for name in dict.fromkeys(names)},
    }


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name as the system gives it."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.M)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def blas_kernels() -> str:
    """Return which BLAS kernels this process has loaded, and their threads."""
    from symbp.diagnosis import diagnose

    found = [f for f in diagnose() if f.subject.startswith("BLAS")]
    return "; ".join(f"{f.subject.removeprefix('BLAS of ')}: {f.state}" for f in found)


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "absent"
