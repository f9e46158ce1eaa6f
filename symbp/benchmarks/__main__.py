"""``python -m symbp.benchmarks``: the same as ``symbp bench``."""

import typer

from symbp.commands.bench import bench

typer.run(bench)
