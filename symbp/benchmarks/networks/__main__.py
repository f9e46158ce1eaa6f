"""``python -m symbp.benchmarks.networks``: a process that times networks and prints a line each."""

import argparse
import json
import os

__all__ = ["main"]


def main() -> None:
    """Measure the networks that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.2)
    given = parser.parse_args()
    if given.threads == "1" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if given.dtype == "float64":
        os.environ["JAX_ENABLE_X64"] = "1"

    from dataclasses import asdict

    from symbp.benchmarks.networks.compare import compare
    from symbp.benchmarks.networks.registry import named_network

    for name in given.names:
        found = compare(named_network(name)(), given.dtype, given.rounds, given.seconds)
        print(json.dumps({"name": name, "results": [asdict(each) for each in found]}), flush=True)


if __name__ == "__main__":
    main()
