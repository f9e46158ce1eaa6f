"""One run from the plan to the files: progress on the terminal, then the report."""

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from symbp.benchmarks.duration import (
    START_SECONDS,
    announcement,
    case_seconds,
    duration,
    expected_seconds,
)
from symbp.benchmarks.files import report_json
from symbp.benchmarks.grids import grids_of, markdown_text, rich_table
from symbp.benchmarks.machine import machine
from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.memory import Memory
from symbp.benchmarks.plot import plot_svg
from symbp.benchmarks.rates import Rates
from symbp.benchmarks.report import Report, rows_of
from symbp.benchmarks.runner import Trouble, run_task
from symbp.benchmarks.selection import QUICK, Plan, peers_of
from symbp.benchmarks.starts import START_NETWORKS, StartError, StartTime, start_time
from symbp.notation.errors import SymbpError
from symbp.notation.files import require_writable, write_text

__all__ = ["run", "run_and_report"]


def run_and_report(
    plan: Plan, *, json: Path | None = None, markdown: Path | None = None, svg: Path | None = None
) -> bool:
    """Measure what a plan says, write the files and print the tables.

    Returns
    -------
    bool
        Whether all was measured: not, if it was interrupted from the keyboard.

    Raises
    ------
    SymbpError
        A file cannot be written where it is asked for: said before anything is measured.
    """
    paths = [path for path in (json, markdown, svg) if path is not None]
    for path in paths:
        require_writable(path)
        if [each.resolve() for each in paths].count(path.resolve()) > 1:
            raise SymbpError(f"{path}: named for two files")
    print(announcement(plan), file=sys.stderr, flush=True)
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)  # a file has no edge to wrap at
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(), TextColumn("of about"), TextColumn(duration(expected_seconds(plan))),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("measuring", total=expected_seconds(plan))

        def advance(description: str, done: float) -> None:
            progress.update(bar, description=description, advance=done)
            if not done and not console.is_terminal:
                print(f"{description} …", file=sys.stderr, flush=True)

        report = run(plan, advance)
    # Files first: who closes a pager early has closed what the tables go to.
    if json is not None:
        write_text(json, report_json(report))
    if markdown is not None:
        write_text(markdown, markdown_text(report))
    if svg is not None and report.rows:
        write_text(svg, plot_svg(report))
    elif svg is not None:
        print(f"{svg}: not written, there is no peer's time to draw", file=sys.stderr)
    for grid in grids_of(report):
        console.print(rich_table(grid))
        for note in grid.notes:
            console.print(f"  {note}", style="dim", highlight=False)
        console.print()
    return "interrupted" not in report.machine


def run(plan: Plan, advance: Callable[[str, float], None]) -> Report:
    """Measure what a plan says.

    Parameters
    ----------
    plan : Plan
        From `selection.plan`.
    advance : callable
        ``advance(description, done)`` before (with 0) a process and after each of its
        measurements, with the seconds that were expected for it.

    Returns
    -------
    Report
        Interrupted from the keyboard, of what was measured until then.
    """
    measurements: list[Measurement] = []
    memory: list[Memory] = []
    rates: dict[str, Rates] = {}
    starts: list[StartTime] = []
    description = {
        "date": f"{datetime.now().astimezone():%Y-%m-%d %H:%M %z}",
        "timings": "quick timings (--quick)" if plan.effort == QUICK else "thorough timings",
        **machine(),
    }
    before = _load()
    try:
        with tempfile.TemporaryDirectory(
            prefix="symbp-bench-", ignore_cleanup_errors=True
        ) as folder:
            _measure(plan, advance, folder, measurements, memory, rates, description, starts)
    except KeyboardInterrupt:
        description["interrupted"] = "the figures are those measured until then"
    # What else runs on the cores slows symbp and its peers, not always by the same factor.
    description["load average"] = f"{before} before, {_load()} after"
    rows = rows_of(measurements, rates)
    peers = tuple(peers_of(plan.tasks))
    return Report(description, peers, rates, tuple(rows), tuple(memory), tuple(starts))


def _load() -> str:
    """Return how many processes wanted a core in the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _measure(
    plan: Plan,
    advance: Callable[[str, float], None],
    folder: str,
    measurements: list[Measurement],
    memory: list[Memory],
    rates: dict[str, Rates],
    description: dict[str, str],
    starts: list[StartTime],
) -> None:
    """Append what is measured, so that an interruption loses only the last."""
    for task in plan.tasks:
        name = f"{task.cases[0].workload.name}, {task.peer}, threads: {task.threads}"
        advance(name, 0)
        for found in run_task(task, plan.effort, folder):
            if isinstance(found, Measurement):
                measurements.append(found)
                advance(name, case_seconds(found.case, task, plan.effort))
            elif isinstance(found, Memory):
                memory.append(found)
            elif isinstance(found, Trouble):
                description[f"trouble, {name}"] = found.reason
            else:
                known = rates.get(task.threads)
                rates[task.threads] = found.rates if known is None else known.best_of(found.rates)
                description[f"BLAS, threads: {task.threads}"] = found.blas
    for sizes in START_NETWORKS if plan.starts else ():
        name = f"compile time of {'-'.join(map(str, sizes))}"
        advance(name, 0)
        try:
            starts.append(start_time(sizes))
        except StartError as error:
            description[f"trouble, {name}"] = str(error)
        advance(name, START_SECONDS)
