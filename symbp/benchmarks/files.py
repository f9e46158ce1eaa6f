"""The report as JSON: every figure, and the summary that the tables print."""

import json
from dataclasses import asdict
from typing import Any

from symbp.benchmarks.memory import Memory
from symbp.benchmarks.rates import Rates
from symbp.benchmarks.report import Report, Row

__all__ = ["report_json"]


def report_json(report: Report) -> str:
    """Return the report as JSON text.

    Times are microseconds of one step or call (start times: seconds), sizes bytes, rates per
    second; a capacity of null is main memory.
    """
    entries = {
        "format": 1,
        "machine": report.machine,
        "rates": {threads: _rates(rates) for threads, rates in report.rates.items()},
        "rows": [_row(row) for row in report.rows],
        "memory": [_memory(each) for each in report.memory],
        "starts": [asdict(each) for each in report.starts],
    }
    return json.dumps(entries, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _rates(rates: Rates) -> dict[str, Any]:
    levels = [
        {"capacity": None if level.capacity == float("inf") else level.capacity, "rate": level.rate}
        for level in rates.bandwidths
    ]
    return {"gemm": rates.gemm, "bandwidths": levels}


def _row(row: Row) -> dict[str, Any]:
    best = row.best
    floor = None
    if row.floor is not None:
        floor = {
            "microseconds": row.floor.seconds * 1e6,
            "arithmetic": row.floor.arithmetic * 1e6,
            "memory": row.floor.memory * 1e6,
        }
    return {
        "case": row.case.to_json(),
        "name": row.case.name,
        "threads": row.threads,
        "symbp": row.symbp,
        "floor": floor,
        "symbp_over_floor": row.over_floor,
        "best_peer": None if best is None else best.peer,
        "best_ratio": None if best is None or best.ratio is None else best.ratio.median,
        "peers": [
            {key: value for key, value in each.to_json().items() if key not in ("case", "threads")}
            for each in row.peers
        ],
    }


def _memory(memory: Memory) -> dict[str, Any]:
    return {
        "name": memory.case.name,
        **{key: value for key, value in asdict(memory).items() if key != "case"},
        "peak": memory.peak,
        "ratio": memory.ratio,
    }
