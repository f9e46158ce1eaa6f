"""The report as tables of text: printed with rich on a terminal, or as Markdown."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table

from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.report import Report, Row

__all__ = ["Grid", "grids_of", "markdown_text", "rich_table", "rows_text", "three_digits"]

_TITLES = {
    "step": "One training step",
    "gradient": "One call that returns the gradient",
    "predict": "One call that predicts",
}


@dataclass(frozen=True)
class Grid:
    """A table of text.

    Attributes
    ----------
    title : str
        One line.
    header : tuple of str
        Names of the columns.
    rows : tuple of tuple of str
        Of the header's length.
    notes : tuple of str
        Lines below.
    numbers : bool
        Whether the columns after the first are aligned to the right.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    numbers: bool = True


def three_digits(value: float | None) -> str:
    """Return a number with about three digits, or a dash for None.

    Examples
    --------
    >>> three_digits(1234.5), three_digits(12.345), three_digits(0.01234), three_digits(None)
    ('1234', '12.3', '0.0123', '–')
    """
    if value is None:
        return "–"
    if value >= 99.95:
        return f"{value:.0f}"
    for least, digits in ((9.995, 1), (0.9995, 2), (0.09995, 3)):
        if value >= least:
            return f"{value:.{digits}f}"
    return f"{value:.3g}"


def grids_of(report: Report) -> list[Grid]:
    """Return all tables of a report."""
    found = [
        _timings(report, threads, measure)
        for threads in dict.fromkeys(row.threads for row in report.rows)
        for measure in dict.fromkeys(row.case.measure for row in report.rows)
        if any((row.threads, row.case.measure) == (threads, measure) for row in report.rows)
    ]
    found += [_memory(report)] if report.memory else []
    found += [_starts(report)] if report.starts else []
    found += [_limits(report)] if report.rates else []
    return [*found, _machine(report)]


def rich_table(grid: Grid) -> Table:
    """Return the table for a terminal."""
    table = Table(title=grid.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(grid.header):
        table.add_column(name, justify="right" if number and grid.numbers else "left")
    for row in grid.rows:
        table.add_row(*row)
    return table


def markdown_text(report: Report) -> str:
    """Return the tables as a Markdown file."""
    lines = ["# symbp bench", ""]
    for grid in grids_of(report):
        lines += [f"## {grid.title}", "", _line(grid.header)]
        lines.append(_line(["---", *("---:" if grid.numbers else "---" for _ in grid.header[1:])]))
        lines += [_line(row) for row in grid.rows]
        lines += ["", *(f"- {note}" for note in grid.notes), *([""] if grid.notes else [])]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _timings(report: Report, threads: str, measure: str) -> Grid:
    rows = [row for row in report.rows if (row.threads, row.case.measure) == (threads, measure)]
    header = (
        "case",
        "symbp µs",
        "floor µs",
        "symbp/floor",
        *(p.title for p in report.peers),
        "best",
    )
    named = {peer.name: peer.title for peer in report.peers}
    found = []
    for row in rows:
        by_name = {each.peer: each for each in row.peers}
        best = row.best
        found.append((
            _case_name(row, rows),
            three_digits(row.symbp),
            three_digits(row.floor.seconds * 1e6 if row.floor else None),
            three_digits(row.over_floor),
            *(_cell(by_name.get(peer.name)) for peer in report.peers),
            "–" if best is None else f"{_cell(best)} {named[best.peer]}",
        ))  # fmt: skip
    count = "1 thread" if threads == "1" else "all threads"
    title = f"{_TITLES[measure]}, {count}: peer's time / symbp's, medians"
    return Grid(title, header, tuple(found), tuple(_notes(rows, named)))


def _case_name(row: Row, rows: list[Row]) -> str:
    """Return the parts of a case's name in which the rows of its table differ."""
    case = row.case
    parts = [case.workload.name]
    if any(other.case.kind.name != other.case.workload.kind for other in rows):
        parts.append(case.kind.name)
    if case.measure == "step":
        parts.append(case.optimizer.upper() if case.optimizer == "sgd" else "Adam")
    if case.measure == "predict":
        parts = [case.workload.name.split()[0], *parts[1:], rows_text(case.rows)]
    return " ".join([*parts, case.dtype])


def rows_text(rows: int) -> str:
    """Return ``1 row`` or ``64 rows``."""
    return f"{rows} row" + ("s" if rows > 1 else "")


def _cell(measurement: Measurement | None) -> str:
    if measurement is None:
        return ""
    if measurement.ratio is None:
        short = {"cannot express": "cannot", "symbp failed": "symbp!"}
        return short.get(measurement.status, measurement.status)
    unchecked = "*" if measurement.agreement is None else ""
    return f"{three_digits(measurement.ratio.median)}{unchecked}"


def _notes(rows: list[Row], named: dict[str, str]) -> Iterator[str]:
    """Yield why ratios are missing, each reason once, and where."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        for each in row.peers:
            if each.ratio is None:
                key = (named[each.peer], each.status, each.reason)
                reasons.setdefault(key, []).append(_case_name(row, rows))
    for (peer, status, reason), cases in reasons.items():
        where = "all cases" if len(cases) == len(rows) else f"{len(cases)} cases"
        where = cases[0] if len(cases) == 1 else where
        yield f"{peer}: {status}: {reason} ({where})"
    if any(each.ratio and each.agreement is None for row in rows for each in row.peers):
        yield "* results not compared: this peer's arithmetic differs by design"


def _memory(report: Report) -> Grid:
    header = ("case", "parameters", "state", "activations", "buffers", "peak", "peak/needed")
    rows = tuple(
        (
            f"{each.case.workload.name} {each.case.kind.name} {each.case.optimizer} "
            f"{each.case.dtype}",
            *(
                f"{number:,}"
                for number in (
                    each.parameters, each.state, each.activations, each.buffers, each.peak
                )
            ),
            f"{each.ratio:.2f}",
        )
        for each in report.memory
    )  # fmt: skip
    return Grid(
        "Memory of symbp's step, bytes", header, rows,
        (
            "buffers: the most that an epoch allocates at once, measured; peak: with parameters "
            "and state",
            "needed: parameters, state, and the activations of all layers once, the batch's input "
            "too",
        ),
    )  # fmt: skip


def _starts(report: Report) -> Grid:
    header = (
        "network", "import symbp", "definition to first step, cold", "text", "its import",
        "instructions", "LLVM", "JAX", "import to first step, warm", "whole process, warm",
    )  # fmt: skip
    rows = tuple(
        (
            _sizes(each.sizes),
            *(
                "" if value is None else f"{value:.2f}"
                for value in (
                    each.library, each.cold, each.text, each.load, each.instructions, each.llvm,
                    each.jax, each.warm, each.process,
                )
            ),
        )
        for each in report.starts
    )  # fmt: skip
    notes = (
        "text, its import, instructions, LLVM: what the cold start is made of",
        "JAX: from the definition of the same network to its first jitted step",
        "warm: of the generated module, compiled before, after the imports of NumPy and Numba",
    )
    return Grid("Compile time, seconds", header, rows, notes)


def _sizes(sizes: tuple[int, ...]) -> str:
    """Return the units of each layer, those of many equal ones once."""
    runs = [(size, len(list(equal))) for size, equal in itertools.groupby(sizes)]
    if len(sizes) < 10:
        return "-".join(map(str, sizes))
    return "-".join(f"{count}×{size}" if count > 1 else f"{size}" for size, count in runs)


def _limits(report: Report) -> Grid:
    settings = list(report.rates)
    rows = [
        (f"matrix product, {dtype}, GFLOP/s",
         *(f"{report.rates[each].gemm[dtype] / 1e9:.1f}" for each in settings))
        for dtype in ("float32", "float64")
    ]  # fmt: skip
    levels = report.rates[settings[0]].bandwidths
    for number, level in enumerate(levels):
        last = number == len(levels) - 1
        name = "main memory" if last else f"cache of {level.capacity / 1024:.0f} KiB"
        found = (report.rates[each].bandwidths[number].rate / 1e9 for each in settings)
        rows.append((f"{name}, GB/s", *(f"{rate:.1f}" for rate in found)))
    header = ("limit", *("1 thread" if each == "1" else "all threads" for each in settings))
    return Grid("The machine's best, measured in the same run", header, tuple(rows))


def _machine(report: Report) -> Grid:
    return Grid("Measured on", ("what", "which"), tuple(report.machine.items()), numbers=False)
