"""A process that times one peer against symbp: ``python -m symbp.benchmarks.worker``.

It reads a specification (JSON) from standard input and writes one line of JSON for each case, then
one with the machine's rates and, if that is asked for, one for the memory of each of symbp's steps.
A process of its own keeps thread pools, allocators and compilers of one peer away from the next.
"""

import json
import os
import sys
from dataclasses import asdict
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Do what the specification on standard input says."""
    # Whatever the libraries print must not come between the lines of the report.
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    specification = json.load(sys.stdin)
    single = specification["threads"] == "1"
    if single and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    from symbp.benchmarks.machine import blas_kernels
    from symbp.benchmarks.memory import measure_memory
    from symbp.benchmarks.pair import measure
    from symbp.benchmarks.rates import measure_rates, usable_cores
    from symbp.benchmarks.timing import Effort
    from symbp.benchmarks.workloads import Case

    cores = 1 if single else usable_cores()

    def say(line: dict[str, Any]) -> None:
        print(json.dumps(line), file=report, flush=True)

    # Each process measures them once; the report takes the best of all with its thread setting.
    rates = measure_rates(cores)
    effort = Effort(**specification["effort"])
    cases = [Case.from_json(entries) for entries in specification["cases"]]
    for case in cases:
        found = measure(case, specification["peer"], specification["threads"], effort)
        say({"measurement": found.to_json()})
    say({"rates": asdict(rates), "blas": blas_kernels()})
    for entries in specification["memory"]:
        say({"memory": asdict(measure_memory(Case.from_json(entries)))})


if __name__ == "__main__":
    main()
