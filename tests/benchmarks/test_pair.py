"""A pair as it is measured: results are compared first, and every failure has its name."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from symbp.benchmarks import pair, runner
from symbp.benchmarks.agreement import TOLERANCES, difference
from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.memory import Memory
from symbp.benchmarks.peers import numpy_by_hand, scikit_learn
from symbp.benchmarks.prepared import AbsentError, CannotExpressError, Prepared
from symbp.benchmarks.problem import Problem
from symbp.benchmarks.rates import Rates
from symbp.benchmarks.runner import Conditions, environment, run_task
from symbp.benchmarks.selection import Task
from symbp.benchmarks.timing import Effort, Quartiles, interleaved
from symbp.benchmarks.workloads import KINDS, WORKLOADS, Case, Workload

BRIEF = Effort(seconds=0.0, least=2, most=2)
SMALL = Workload((3, 5, 4), 6, "relu", 3)
PREDICTION = Case(SMALL, KINDS[1], "float64", measure="predict", rows=6)


def test_a_wrong_peer_is_found_out() -> None:
    def prepare(problem: Problem) -> Prepared:
        right = numpy_by_hand.prepare(problem)
        wrong = [array + 1e-6 for array in right.result() or ()]
        return Prepared(right.run, lambda: wrong)

    found = pair.measure_prepared(PREDICTION, "numpy", "1", prepare, BRIEF)
    assert found.status == "disagrees"
    assert found.ratio is None
    assert found.symbp is not None
    right = pair.measure_prepared(PREDICTION, "numpy", "1", numpy_by_hand.prepare, BRIEF)
    assert (right.status, right.ratio is None) == ("measured", False)
    assert right.agreement is not None
    assert right.agreement <= TOLERANCES["float64"]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (AbsentError("no C++ compiler"), "absent", "no C++ compiler"),
        (CannotExpressError("no such cost"), "cannot express", "no such cost"),
        (RuntimeError("first\nsecond"), "failed", "RuntimeError: first"),
    ],
)
def test_what_became_of_a_peer(
    error: Exception, status: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(_: Problem) -> Prepared:
        raise error

    peer = SimpleNamespace(package="numpy", load=lambda: SimpleNamespace(prepare=prepare))
    monkeypatch.setattr(pair, "named_peer", lambda _: peer)
    found = pair.measure(PREDICTION, "numpy", "1", BRIEF)
    assert (found.status, found.reason, found.ratio) == (status, reason, None)
    assert found.symbp is not None


def test_when_symbp_fails_no_peer_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(_: Problem) -> Prepared:
        raise TypeError("symbp's own")

    monkeypatch.setattr(pair.own, "prepare", prepare)
    found = pair.measure(PREDICTION, "numpy", "1", BRIEF)
    assert (found.status, found.reason) == ("symbp failed", "TypeError: symbp's own")
    assert (found.symbp, found.ratio) == (None, None)


def test_differences_are_relative_to_each_array() -> None:
    small, large = np.array([1e-3, 0.0]), np.array([1e3, 1.0])
    assert difference([small, large], [small * 1.5, large]) == pytest.approx(0.5)
    assert difference([small], [large[:1]]) == float("inf")
    assert difference([small], [np.array([np.nan, 0.0])]) == float("inf")
    assert difference([np.zeros(2)], [np.zeros(2)]) == 0.0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_numpy_by_hand_descends_along_the_derivative(kind: object, optimizer: str) -> None:
    # Against differences of its own cost, so that the peer is right by itself.
    case = Case(SMALL, kind, "float64", measure="gradient")  # type: ignore[arg-type]
    problem = Problem(case)
    cost, *gradients = numpy_by_hand.prepare(problem).result() or ()
    for number, parameter in enumerate(problem.parameters):
        parameter.flat[0] += 1e-6
        (moved, *_) = numpy_by_hand.prepare(problem).result() or ()
        parameter.flat[0] -= 1e-6
        assert (moved - cost) / 1e-6 == pytest.approx(gradients[number].flat[0], abs=2e-6)
    stepped = numpy_by_hand.prepare(Problem(Case(SMALL, kind, "float64", optimizer)))  # type: ignore[arg-type]
    stepped.run(1)
    assert difference(problem.parameters, stepped.result() or ()) > 0


def test_scikit_learn_declines_what_it_lacks() -> None:
    pytest.importorskip("sklearn")
    two = Case(WORKLOADS[2], KINDS[1], "float32")
    for case in (
        Case(SMALL, KINDS[0], "float32"),
        two,
        Case(SMALL, KINDS[1], "float32", measure="gradient"),
    ):
        with pytest.raises(CannotExpressError):
            scikit_learn.prepare(Problem(case))


def test_scikit_learn_takes_the_same_steps_as_numpy() -> None:
    pytest.importorskip("sklearn")
    results = []
    for peer in (scikit_learn, numpy_by_hand):
        prepared = peer.prepare(Problem(Case(SMALL, KINDS[1], "float64")))
        prepared.run(2)
        results.append(prepared.result() or ())
    assert difference(*results) < 1e-12


def test_interleaving_alternates_and_takes_ratios_pair_by_pair() -> None:
    calls: list[str] = []
    clock = {"a": 0.005, "b": 0.01}

    def run(name: str) -> object:
        def waits(count: int) -> None:
            import time

            calls.append(name)
            time.sleep(clock[name] * count)

        return waits

    ours, theirs, ratio = interleaved(run("a"), run("b"), Effort(0.0, 3, 3))  # type: ignore[arg-type]
    assert calls == ["a", "b", *"ababab"]
    assert ours.low <= ours.median <= ours.high
    assert theirs.low <= ratio.median * ours.high
    assert Quartiles.of([1.0, 2.0, 3.0]) == Quartiles(1.5, 2.0, 2.5)
    assert Quartiles.of([4.0]) == Quartiles(4.0, 4.0, 4.0)


def test_a_worker_measures_one_workload(tmp_path: Path) -> None:
    task = Task("numpy", "1", (Case(SMALL, KINDS[1], "float64"),), memory=True)
    measurement, conditions, memory = run_task(task, BRIEF, str(tmp_path))
    assert isinstance(measurement, Measurement)
    assert (measurement.status, measurement.case.workload) == ("measured", SMALL)
    assert measurement.ratio is not None
    assert measurement.agreement is not None
    assert measurement.agreement < TOLERANCES["float64"]
    assert isinstance(conditions, Conditions)
    assert isinstance(conditions.rates, Rates)
    assert conditions.rates.gemm["float32"] > 0
    assert isinstance(memory, Memory)
    # 44 parameters; a batch of 6 through 3 + 5 + 4 units.
    assert (memory.parameters, memory.state, memory.activations) == (8 * 44, 0, 8 * 72)
    assert 0 <= memory.buffers < 10_000


def test_memory_is_measured_though_the_last_case_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    worker = AT_FLOAT32.format("sys.exit(3)").split("cache =")[0] + (
        "sizes = dict(parameters=1, state=2, buffers=3, activations=4)\n"
        "for case in specification['memory']:\n"
        "    print(json.dumps({'memory': dict(sizes, case=case)}))\n"
    )
    monkeypatch.setattr(runner, "_WORKER", ("-c", worker))
    cases = tuple(Case(SMALL, KINDS[1], dtype) for dtype in ("float64", "float32"))  # type: ignore[arg-type]
    found = list(run_task(Task("numpy", "1", cases, memory=True), BRIEF, str(tmp_path)))
    statuses = [each.status for each in found if isinstance(each, Measurement)]
    assert statuses == ["measured", "failed"]
    assert [each.case for each in found if isinstance(each, Memory)] == list(cases)


def test_a_process_that_dies_leaves_its_cases_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runner, "_WORKER", ("-c", "import sys; sys.stdin.read(); sys.exit(3)"))
    (found,) = run_task(Task("numpy", "1", (PREDICTION,)), BRIEF, str(tmp_path))
    assert isinstance(found, Measurement)
    assert (found.status, found.ratio) == ("failed", None)
    assert found.reason == "the process ended with 3: no message"


# A worker that ends, or falls asleep, at cases in float32, and measures the others.
AT_FLOAT32 = """
import json, os, pathlib, sys, time
specification = json.load(sys.stdin)
for case in specification["cases"]:
    if case["dtype"] == "float32":
        {}
    one = {{"low": 1.0, "median": 1.0, "high": 1.0}}
    found = dict(case=case, peer="numpy", threads="1", status="measured", reason="")
    print(json.dumps({{"measurement": found | dict(symbp=one, theirs=one, ratio=one)}}))
    sys.stdout.flush()
cache = pathlib.Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
cache.mkdir()
(cache / "half").write_text("written")
pathlib.Path("caches.txt").write_text(str(cache))
"""


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("sys.exit('out of\\nluck')", "the process ended with 1: luck"),
        ("os.kill(os.getpid(), 9)", "the process ended with -9: no message"),
        ("os.system('sleep 60')", "no result after 10 s, the process was ended"),
    ],
)
def test_a_case_that_ends_a_process_costs_the_others_nothing(
    does: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "_WORKER", ("-c", AT_FLOAT32.format(does)))
    dtypes = ("float64", "float32", "float64")
    cases = tuple(Case(SMALL, KINDS[1], dtype) for dtype in dtypes)  # type: ignore[arg-type]
    folder = tmp_path / "caches"
    (folder / "pytensor").mkdir(parents=True)
    found = list(run_task(Task("numpy", "1", cases), BRIEF, str(folder), patience=10.0))
    assert all(isinstance(each, Measurement) for each in found)
    assert [(each.case.dtype, each.status) for each in found] == [  # type: ignore[union-attr]
        (dtype, "measured" if dtype == "float64" else "failed") for dtype in dtypes
    ]
    assert {each.reason for each in found} == {"", reason}  # type: ignore[union-attr]
    # What compilers kept is gone, also what a process that was ended had in common with others.
    assert folder in Path((tmp_path / "caches.txt").read_text(encoding="utf-8")).parents
    assert list(folder.iterdir()) == []


def test_the_environment_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    one, every = environment("1", "/run", "/run/own"), environment("all", "/run", "/run/own")
    assert one["OMP_NUM_THREADS"] == one["OPENBLAS_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in every
    # Caches of its own, whatever is set; other flags are kept.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/common")
    monkeypatch.setenv("PYTENSOR_FLAGS", "optimizer_verbose=True")
    found = environment("all", "/run", "/run/own")
    assert found["TORCHINDUCTOR_CACHE_DIR"] == "/run/own/inductor"
    assert found["PYTENSOR_FLAGS"] == "optimizer_verbose=True,base_compiledir=/run/pytensor"
