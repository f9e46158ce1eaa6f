"""``symbp bench --network``: a process for each precision and number of threads, and its table."""

import json as notation
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from symbp.benchmarks.machine import machine
from symbp.benchmarks.networks.registry import NETWORKS, named_network
from symbp.benchmarks.runner import environment
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.files import require_writable, write_text

__all__ = ["run_networks"]

_DTYPES, _THREADS = ("float32", "float64"), ("1", "all")


def run_networks(
    names: Sequence[str],
    dtypes: Sequence[str] = (),
    threads: Sequence[str] = (),
    *,
    quick: bool = False,
    json: Path | None = None,
) -> list[dict[str, Any]]:
    """Measure networks, print a table of each, and return what was found.

    Parameters
    ----------
    names : sequence of str
        Of the registry; ``"all"`` are all.
    dtypes, threads : sequence of str
        Those to measure with; by default all.
    quick : bool
        Whether shorter, noisier timings are enough.
    json : path, optional
        Where to write the figures.
    """
    wanted = list(NETWORKS) if "all" in names else list(dict.fromkeys(names))
    for name in wanted:
        named_network(name)
    for option, given, known in (("--dtype", dtypes, _DTYPES), ("--threads", threads, _THREADS)):
        for each in given:
            if each not in known:
                raise SymbpError(f"{option} {each}: there is none; {suggest(each, known)}")
    if json is not None:
        require_writable(json)
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    described = machine()
    for what, value in described.items():
        console.print(f"{what}: {value}", highlight=False)
    found = []
    for dtype in dtypes or _DTYPES:
        for count in threads or _THREADS:
            for entry in _process(wanted, dtype, count, quick):
                found.append({**entry, "dtype": dtype, "threads": count})
                console.print(_table(found[-1]))
    if json is not None:
        write_text(json, notation.dumps({"machine": described, "networks": found}, indent=1))
    return found


def _process(
    names: Sequence[str], dtype: str, threads: str, quick: bool
) -> Iterator[dict[str, Any]]:
    """Yield what a process measures, each network with all of its peers."""
    effort = ("3", "0.02") if quick else ("9", "0.2")
    command = [
        sys.executable, "-m", "symbp.benchmarks.networks", *names, "--dtype", dtype,
        "--threads", threads, "--rounds", effort[0], "--seconds", effort[1],
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env=environment(threads, folder, folder),
        )  # fmt: skip
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                yield notation.loads(line)
    if process.returncode:
        raise SymbpError(
            f"the process that measured {', '.join(names)} ended with {process.returncode}; what "
            f"it said stands above"
        )


def _table(entry: dict[str, Any]) -> Table:
    title = f"{entry['name']}, {entry['dtype']}, threads: {entry['threads']}"
    table = Table("", "µs a step", "over symbp", "", title=title, title_justify="left")
    for each in entry["results"]:
        time, ratio = each["microseconds"], each["ratio"]
        table.add_row(
            each["name"],
            "–" if time is None else f"{time:.4g}",
            "–" if ratio is None else f"{ratio:.2f}",
            each["remark"],
        )
    return table
