"""``python -m symbp.benchmarks``: print the tables."""

import importlib.util
import statistics

from rich.console import Console
from rich.progress import track
from rich.table import Table

from symbp.benchmarks.starts import start_time
from symbp.benchmarks.steps import step_time
from symbp.benchmarks.workloads import WORKLOADS


def main() -> None:
    """Measure, with a progress bar, and print."""
    console = Console()
    if importlib.util.find_spec("jax") is None:
        console.print('JAX is absent: pip install "symbp[bench]" to compare with it')
    else:
        pairs = [(workload, dtype) for dtype in ("float32", "float64") for workload in WORKLOADS]
        table = Table(title="One training step, plain gradient descent (medians)")
        for column in ("network", "dtype", "symbp µs", "JAX scan µs", "JAX / symbp"):
            table.add_column(column, justify="right")
        for workload, dtype in track(pairs, "steps", console=console):
            found = step_time(workload, dtype)
            table.add_row(
                workload.name, dtype, f"{found.symbp:.1f}", f"{found.jax:.1f}", f"{found.ratio:.2f}"
            )
        console.print(table)
    table = Table(title="Seconds to the first trained step (medians of 3)")
    for column in ("network", "import symbp", "define to first step, cold", "new process, cached"):
        table.add_column(column, justify="right")
    for sizes in track([(64, 30, 10), (64, 30, 30, 30, 30, 30, 10)], "starts", console=console):
        runs = [start_time(sizes) for _ in range(3)]
        figures = [[run.library, run.cold, run.warm] for run in runs]
        medians = [f"{statistics.median(column):.2f}" for column in zip(*figures, strict=True)]
        table.add_row("-".join(map(str, sizes)), *medians)
    console.print(table)


main()
