"""What is made of measurements: rows, the best peer, and the files."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable

from symbp.benchmarks.files import report_json
from symbp.benchmarks.grids import grids_of, markdown_text, rich_table
from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.memory import Memory
from symbp.benchmarks.peers import named_peer
from symbp.benchmarks.plot import plot_svg
from symbp.benchmarks.rates import Bandwidth, Rates
from symbp.benchmarks.report import Report, rows_of
from symbp.benchmarks.starts import StartTime
from symbp.benchmarks.timing import Quartiles
from symbp.benchmarks.workloads import KINDS, PREDICT_ROWS, WORKLOADS, Case

RATES = Rates(
    {"float32": 1e11, "float64": 5e10}, (Bandwidth(32768.0, 2e11), Bandwidth(float("inf"), 3e10))
)
NIELSEN = Case(WORKLOADS[3], KINDS[0], "float32")
TINY = Case(WORKLOADS[0], KINDS[0], "float64", measure="predict", rows=PREDICT_ROWS[0])


def measured(
    case: Case, peer: str, symbp: float, ratio: float, checked: bool = True
) -> Measurement:
    quartiles = [Quartiles(0.9 * m, m, 1.2 * m) for m in (symbp, symbp * ratio, ratio)]
    return Measurement(case, peer, "1", "measured", "", *quartiles, 1e-6 if checked else None)


def missing(case: Case, peer: str, status: str, reason: str, symbp: float) -> Measurement:
    alone = Quartiles(symbp, symbp, symbp)
    return Measurement(case, peer, "1", status, reason, alone)


def example() -> Report:
    found = [
        measured(NIELSEN, "jax", 14.0, 2.5),
        missing(NIELSEN, "torch", "absent", "torch is not installed", 12.0),
        missing(NIELSEN, "sklearn", "cannot express", "no sigmoid output", 13.0),
        measured(NIELSEN, "numpy", 13.0, 3.25, checked=False),
        measured(TINY, "jax", 4.0, 7.5),
        missing(TINY, "torch", "failed", "RuntimeError: out of luck", 4.5),
        missing(TINY, "sklearn", "disagrees", "its results differ by 0.1", 4.0),
        measured(TINY, "numpy", 4.0, 0.8),
    ]
    memory = Memory(NIELSEN, 95440, 0, 36000, 32960)
    starts = StartTime((64, 30, 10), 0.45, 0.6, 0.2, 0.4, 1.0, 0.5, 1.4, 0.8)
    peers = tuple(named_peer(name) for name in ("jax", "torch", "sklearn", "numpy"))
    machine = {
        "processor": "An <Example> & co",
        "cores": "2 usable of 2",
        "date": "2026-02-03 04:05 +0000",
        "timings": "quick timings (--quick)",
        "jax": "0.10",
        "torch": "absent",
    }
    rates = {"1": RATES}
    return Report(machine, peers, rates, tuple(rows_of(found, rates)), (memory,), (starts,))


def test_a_row_takes_the_median_of_symbp_and_the_nearest_peer() -> None:
    nielsen, tiny = example().rows
    assert nielsen.symbp == 13.0
    assert nielsen.best is not None
    assert nielsen.best.peer == "jax"
    assert tiny.best is not None
    assert (tiny.best.peer, tiny.best.ratio and tiny.best.ratio.median) == ("numpy", 0.8)


def test_a_peer_that_was_not_measured_is_never_beaten() -> None:
    for status in ("absent", "cannot express", "disagrees", "failed"):
        (row,) = rows_of([missing(NIELSEN, "jax", status, "a reason", 13.0)], {"1": RATES})
        assert row.best is None
        report = Report({}, (named_peer("jax"),), {"1": RATES}, (row,))
        entry = json.loads(report_json(report))["rows"][0]
        assert (entry["best_peer"], entry["best_ratio"]) == (None, None)
        assert (entry["peers"][0]["status"], entry["peers"][0]["ratio"]) == (status, None)
        table = grids_of(report)[0]
        assert table.rows[0][-1] == "–"
        assert any("a reason" in note for note in table.notes)


def test_step_over_floor() -> None:
    row = example().rows[0]
    # 2·10·(2·(784·30 + 30·10) + 30·10) = operations at 100 GFLOP/s; the bytes take longer:
    # 3·23860 + 10·(784 + 10 + 2·40) elements of 4 bytes at 30 GB/s.
    assert row.floor is not None
    assert row.floor.arithmetic * 1e6 == 2 * 10 * (2 * (784 * 30 + 300) + 300) / 1e11 * 1e6
    assert row.floor.memory == 4 * (3 * 23860 + 10 * (784 + 10 + 80)) / 3e10
    assert row.over_floor == 13.0 / (row.floor.memory * 1e6)


def test_threads_are_rows_of_their_own() -> None:
    one, every = measured(NIELSEN, "jax", 14.0, 2.5), measured(NIELSEN, "jax", 10.0, 2.0)
    every = Measurement(**{**vars(every), "threads": "all"})
    rows = rows_of([one, every], {"1": RATES})
    assert [(row.threads, row.symbp) for row in rows] == [("1", 14.0), ("all", 10.0)]
    assert rows[1].floor is None


def test_memory_is_compared_with_what_a_step_needs() -> None:
    memory = Memory(NIELSEN, 100, 200, 90, 50)
    assert (memory.peak, memory.ratio) == (390, 390 / 350)


def test_measurements_survive_json() -> None:
    for row in example().rows:
        for each in row.peers:
            assert Measurement.from_json(json.loads(json.dumps(each.to_json()))) == each


def test_the_files_are_as_committed(golden: Callable[[str, str], None]) -> None:
    golden("bench-report.md", markdown_text(example()))
    golden("bench-report.json", report_json(example()))


def test_the_json_says_what_the_rows_say() -> None:
    entries = json.loads(report_json(example()))
    first = entries["rows"][0]
    assert (first["best_peer"], first["best_ratio"], first["symbp"]) == ("jax", 2.5, 13.0)
    assert [peer["status"] for peer in first["peers"]] == [
        "measured", "absent", "cannot express", "measured",
    ]  # fmt: skip
    assert entries["rates"]["1"]["bandwidths"][-1]["capacity"] is None
    assert entries["machine"]["torch"] == "absent"


def test_tables_are_rectangular() -> None:
    for grid in grids_of(example()):
        assert {len(row) for row in grid.rows} == {len(grid.header)}
        assert rich_table(grid).row_count == len(grid.rows)


def test_the_plot_has_a_bar_for_each_ratio_and_a_word_for_each_missing_one() -> None:
    text = plot_svg(example())
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    bars = [r for r in root.iter(f"{space}rect") if r.get("height") == "8"]
    assert len(bars) == 4
    words = [t.text or "" for t in root.iter(f"{space}text")]
    assert "torch eager: absent" in words
    # The heading says what was measured, where, when and how.
    assert "float32 and float64; 1 thread; SGD; sigmoid with the quadratic cost" in words
    assert "An <Example> & co; 2026-02-03 04:05 +0000; quick timings (--quick)" in words
    assert "784-30-10 b10 sigmoid SGD float32" in words
    # Slower than the peer: the bar ends at the line where faster ones begin.
    slower = bars[-1]
    line = float(bars[0].get("x", "nan"))
    assert abs(float(slower.get("x", "nan")) + float(slower.get("width", "nan")) - line) < 0.2
