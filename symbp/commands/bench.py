"""``symbp bench``: training steps, gradients and predictions against other libraries."""

from pathlib import Path
from typing import Annotated

import typer

from symbp.commands.errors import reports_errors
from symbp.notation.files import write_text

__all__ = ["bench"]


@reports_errors
def bench(
    workload: Annotated[
        list[str] | None,
        typer.Option(metavar="SIZES", help="Such as 784-30-10.", show_default="all"),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(
            help="One of other kinds, such as cnn, lstm, gpt, pinn or factorisation, or all; each "
            "against JAX, and PyTorch where it is written for it.",
            show_default=False,
        ),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            help="jax, torch, compiled, sklearn, numpy or pytensor.",
            show_default="all but compiled, which takes a minute a case",
        ),
    ] = None,
    dtype: Annotated[
        list[str] | None, typer.Option(help="float32 or float64.", show_default="both")
    ] = None,
    optimizer: Annotated[
        list[str] | None, typer.Option(help="sgd or adam.", show_default="sgd")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="sigmoid (with the quadratic cost) or relu (with the softmax cross-entropy).",
            show_default="the workload's customary one",
        ),
    ] = None,
    threads: Annotated[
        list[str] | None, typer.Option(help="1 or all.", show_default="both")
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="step, gradient, predict, or start (seconds to the first step, of two networks "
            "of its own).",
            show_default="step; without any choice of what to measure, start too",
        ),
    ] = None,
    many: Annotated[
        bool, typer.Option("--many", help="Many networks at once, against JAX: nothing else.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter, noisier timings.")] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="Every peer, kind, optimizer and measure where none is named: hours.",
        ),
    ] = False,
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all figures.", show_default=False),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the tables.", show_default=False),
    ] = None,
    svg: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the ratios.", show_default=False),
    ] = None,
) -> None:
    r"""Measure training steps, gradients and predictions of symbp and of other libraries.

    Each peer runs in a process of its own, in turn with symbp, on the same data from the same
    parameters, and its results are compared first. Options may be repeated. How long it will
    take is said first; Ctrl-C ends it with what was measured until then. A peer that is not
    installed is reported as absent: pip install "symbp\[bench]" brings most, the
    other two (torch, pytensor) are installed by hand.

    [bold]Examples[/bold]

    symbp bench --quick --workload 784-30-10 --peer jax --peer torch --threads 1

    symbp bench --network factorisation --network lstm --threads 1

    symbp bench --json bench.json --markdown bench.md --svg bench.svg
    """
    if many:
        from symbp.benchmarks.many import report

        lines = []
        for line in report(quick):
            typer.echo(line)
            lines.append(line)
        if markdown is not None:
            write_text(markdown, "\n".join(lines) + "\n")
        return
    if network:
        from symbp.benchmarks.networks.session import run_networks

        run_networks(network, dtype or (), threads or (), quick=quick, json=json)
        return
    from symbp.benchmarks.selection import plan
    from symbp.benchmarks.session import run_and_report

    chosen = plan(
        workload or (), peer or (), dtype or (), optimizer or (), kind or (), threads or (),
        measure or (), quick=quick, everything=everything,
    )  # fmt: skip
    if not run_and_report(chosen, json=json, markdown=markdown, svg=svg):
        raise typer.Exit(130)
