"""The floor's formulas against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from symbp.benchmarks.floor import bytes_moved, floor, gemm_operations, working_set
from symbp.benchmarks.rates import Bandwidth, Rates, cache_sizes, measure_rates
from symbp.benchmarks.workloads import KINDS, WORKLOADS, Case, Workload

XOR = Workload((2, 4, 1), 4, "sigmoid", 10)
RATES = Rates(
    {"float32": 2e9, "float64": 1e9},
    (Bandwidth(200.0, 4e9), Bandwidth(1e6, 2e9), Bandwidth(float("inf"), 1e9)),
)


def case(**changes: object) -> Case:
    return Case(**{"workload": XOR, "kind": KINDS[0], "dtype": "float32", **changes})  # type: ignore[arg-type]


def test_products_of_a_step() -> None:
    # Forward and the weights' gradient: 2·4·(2·4 + 4·1) = 96 each; backward: 2·4·(4·1) = 32.
    assert gemm_operations(case()) == 96 + 96 + 32
    assert gemm_operations(case(measure="gradient")) == 224
    assert gemm_operations(case(measure="predict", rows=1)) == 24


def test_bytes_of_a_step() -> None:
    # 17 parameters moved three times; the batch 4·(2 + 1); the activations 2·4·(4 + 1).
    assert bytes_moved(case()) == 4 * (3 * 17 + 12 + 40)
    assert bytes_moved(case(dtype="float64")) == 2 * bytes_moved(case())
    # Adam's two moments are read and written.
    assert bytes_moved(case(optimizer="adam")) == 4 * (3 * 17 + 12 + 40 + 2 * 34)
    # One row: 17 parameters, 2 inputs, 4 hidden written and read, 1 output.
    assert bytes_moved(case(measure="predict", rows=1)) == 4 * (17 + 2 + 8 + 1)


def test_working_sets() -> None:
    # Each once: 17 parameters, 4·(2 + 4 + 1) activations, 4 targets; a gradient of 17 more.
    assert working_set(case()) == 4 * (17 + 28 + 4)
    assert working_set(case(measure="gradient")) == 4 * (17 + 28 + 4 + 17)
    assert working_set(case(optimizer="adam")) == 4 * (17 + 28 + 4 + 34)
    assert working_set(case(measure="predict", rows=1)) == 4 * (17 + 7)


def test_the_larger_time_is_the_floor() -> None:
    # 196 bytes fit into the first level: 412 bytes at 4 GB/s against 224 operations at 2 GFLOP/s.
    found = floor(case(), RATES)
    assert found.memory == pytest.approx(103e-9)
    assert found.arithmetic == pytest.approx(112e-9)
    assert (found.seconds, found.limit) == (found.arithmetic, "arithmetic")
    # Of twice the size they no longer do, and move at 2 GB/s.
    found = floor(case(dtype="float64"), RATES)
    assert found.memory == pytest.approx(412e-9)
    assert (found.seconds, found.limit) == (found.memory, "memory")


def test_the_large_workload_is_bound_by_its_products() -> None:
    large = Case(WORKLOADS[-1], KINDS[1], "float32")
    # 512-1024-512, 256 rows: 2·256·(2·2·512·1024 + 512·1024) operations.
    assert gemm_operations(large) == 2 * 256 * 5 * 512 * 1024


def test_the_best_of_two_measurements() -> None:
    other = Rates(
        {"float32": 1e9, "float64": 3e9},
        (Bandwidth(200.0, 5e9), Bandwidth(1e6, 1e9), Bandwidth(float("inf"), 1e9)),
    )
    best = RATES.best_of(other)
    assert best.gemm == {"float32": 2e9, "float64": 3e9}
    assert [level.rate for level in best.bandwidths] == [5e9, 2e9, 1e9]


def test_caches_are_read_off_the_system(tmp_path: Path) -> None:
    caches = [("1", "Data", "32K"), ("1", "Instruction", "48K"), ("3", "Unified", "8M")]
    for number, entries in enumerate(caches):
        folder = tmp_path / f"index{number}"
        folder.mkdir()
        for name, text in zip(("level", "type", "size"), entries, strict=True):
            (folder / name).write_text(f"{text}\n")
    assert cache_sizes(tmp_path) == [32 * 2**10, 8 * 2**20]
    assert cache_sizes(tmp_path / "missing") == []


def test_the_triad_moves_what_is_counted() -> None:
    from symbp.benchmarks.rates import _triad

    a, b, c = np.zeros(5), np.arange(5.0), np.ones(5)
    _triad(a, b, c, 2)
    np.testing.assert_array_equal(a, b + 0.5)


@pytest.mark.slow
def test_measured_rates_are_of_this_world() -> None:
    rates = measure_rates(1)
    assert all(1e8 < rate < 1e14 for rate in rates.gemm.values())
    assert all(1e8 < level.rate < 1e13 for level in rates.bandwidths)
    capacities = [level.capacity for level in rates.bandwidths]
    assert capacities == sorted(capacities)
    assert capacities[-1] == float("inf")
