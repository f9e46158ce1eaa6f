"""One run from the plan to the files: progress on the terminal, then the report."""

import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from symbp.benchmarks.files import report_json
from symbp.benchmarks.grids import grids_of, markdown_text, rich_table
from symbp.benchmarks.machine import machine
from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.memory import Memory
from symbp.benchmarks.plot import plot_svg
from symbp.benchmarks.rates import Rates
from symbp.benchmarks.report import Report, rows_of
from symbp.benchmarks.runner import Trouble, run_task
from symbp.benchmarks.selection import Plan, peers_of
from symbp.benchmarks.starts import START_NETWORKS, StartTime, start_time
from symbp.notation.errors import SymbpError
from symbp.notation.files import write_text

__all__ = ["run", "run_and_report"]


def run_and_report(
    plan: Plan, *, json: Path | None = None, markdown: Path | None = None, svg: Path | None = None
) -> None:
    """Measure what a plan says, print the tables and write the files.

    Raises
    ------
    SymbpError
        A file lies in a folder that does not exist: said before anything is measured.
    """
    for path in (json, markdown, svg):
        if path is not None and not path.parent.is_dir():
            raise SymbpError(f"{path}: no folder {path.parent}")
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)  # a file has no edge to wrap at
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("measuring", total=_total(plan))

        def advance(description: str, done: int) -> None:
            progress.update(bar, description=description, advance=done)
            if not done and not console.is_terminal:
                print(f"{description} …", file=sys.stderr, flush=True)

        report = run(plan, advance)
    for grid in grids_of(report):
        console.print(rich_table(grid))
        for note in grid.notes:
            console.print(f"  {note}", style="dim", highlight=False)
        console.print()
    if json is not None:
        write_text(json, report_json(report))
    if markdown is not None:
        write_text(markdown, markdown_text(report))
    if svg is not None:
        write_text(svg, plot_svg(report))


def run(plan: Plan, advance: Callable[[str, int], None]) -> Report:
    """Measure what a plan says.

    Parameters
    ----------
    plan : Plan
        From `selection.plan`.
    advance : callable
        ``advance(description, done)`` before (with 0) a process and after (with 1) each of its
        measurements.

    Returns
    -------
    Report
        Interrupted from the keyboard, of what was measured until then.
    """
    measurements: list[Measurement] = []
    memory: list[Memory] = []
    rates: dict[str, Rates] = {}
    starts: list[StartTime] = []
    description = machine()
    try:
        _measure(plan, advance, measurements, memory, rates, description, starts)
    except KeyboardInterrupt:
        description["interrupted"] = "the figures are those measured until then"
    rows = rows_of(measurements, rates)
    peers = tuple(peers_of(plan.tasks))
    return Report(description, peers, rates, tuple(rows), tuple(memory), tuple(starts))


def _measure(
    plan: Plan,
    advance: Callable[[str, int], None],
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
        for found in run_task(task, plan.effort):
            if isinstance(found, Measurement):
                measurements.append(found)
                advance(name, 1)
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
        starts.append(start_time(sizes))
        advance(name, 1)


def _total(plan: Plan) -> int:
    cases = sum(len(task.cases) for task in plan.tasks)
    return cases + (len(START_NETWORKS) if plan.starts else 0)
