"""An epoch that is divided among the members of a team computes what one thread computes.

The emitted text is run as Python by three members in turn, who meet where it says so (see
:mod:`tests.emitted_text`), and compiled with one, two and three threads.
"""

import _thread
import threading
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import symbp as bp
from symbp.compiler import module_source
from symbp.loops.divide import divide
from symbp.loops.nodes import Barrier, Function
from symbp.networks.optimizers import Optimizer
from symbp.schedules import lower
from symbp.targets.numba.runtime.team import PATIENCE, TRIALS, Pace, together
from tests.emitted_text import assert_text_agrees

SOFTMAX, SIGMOID = "softmax_cross_entropy", "sigmoid"
NETWORKS = {
    "two layers": lambda: bp.mlp(7, 40, 20, activation="relu", loss=SOFTMAX),
    "short rows": lambda: bp.mlp(20, 40, 3, activation="tanh", loss=SOFTMAX),
    "one output": lambda: bp.mlp(20, 40, 1, activation="gelu", loss="binary_cross_entropy"),
    "four layers": lambda: bp.mlp(9, 17, 33, 18, 5, activation=SIGMOID, loss="quadratic"),
    "linear": lambda: bp.Network(
        [bp.Dense(30, "relu"), bp.Dense(20)], input=12, loss="mean_squared_error"
    ),
}
OPTIMIZERS = {
    "SGD": lambda: bp.SGD(0.1),
    "momentum": lambda: bp.Momentum(0.1),
    "Adam": lambda: bp.Adam(0.01),
    "clipped": lambda: bp.Clip(bp.Adam(0.01), max_norm=0.05),
}


def combinations() -> list[Any]:
    """Return each network with each optimizer; every run has each of them at least once."""
    return [
        pytest.param(name, optimizer, marks=[pytest.mark.slow] if (i - j) % smaller else [])
        for smaller in [min(len(NETWORKS), len(OPTIMIZERS))]
        for i, name in enumerate(NETWORKS)
        for j, optimizer in enumerate(OPTIMIZERS)
    ]


@pytest.mark.parametrize(("name", "optimizer"), combinations())
def test_three_members_in_turn_agree_with_the_interpreter(name: str, optimizer: str) -> None:
    network, chosen = NETWORKS[name](), OPTIMIZERS[optimizer]()
    assert "def _epoch_part" in module_source(network, chosen)
    assert_text_agrees(network, chosen)


def over_the_batch() -> bp.Program:
    """The inputs are normalised by means over the batch, read before anything is computed."""
    n, j, k = bp.indices("n j k", "N", 20, 30)
    x, y = bp.input("x", n, j), bp.target("y", n, k)
    W, b = bp.parameter("W", k, j), bp.parameter("b", k)
    mean, z, C = bp.tensor("mean", j), bp.tensor("z", n, k), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(mean[j], bp.Mean(x[n, j], n)),
            bp.Equation(z[n, k], bp.Sum(W[k, j] * (x[n, j] - mean[j]), j) + b[k]),
            bp.Equation(C, bp.Mean((z[n, k] - y[n, k]) ** 2, n, k)),
        ],
        cost=C,
    )


def couples(width: int) -> bp.Program:
    """Each two examples of a batch meet: no row can be finished before the others."""
    n, m, j, k = bp.indices("n m j k", "N", "N", 3, width)
    x, W = bp.input("x", n, j), bp.parameter("W", k, j)
    z, S, C = bp.tensor("z", n, k), bp.tensor("S", n, m), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(z[n, k], bp.Sum(W[k, j] * x[n, j], j)),
            bp.Equation(S[n, m], bp.Sum(z[n, k] * z[m, k], k)),
            bp.Equation(C, bp.Mean(bp.tanh(S[n, m]), n, m)),
        ],
        cost=C,
    )


def test_what_reads_all_of_the_batch_waits_for_it_to_be_gathered() -> None:
    program = over_the_batch()
    assert "def _epoch_part" in module_source(program)
    assert_text_agrees(program)


@pytest.mark.parametrize("width", [2, 40])
def test_rows_that_read_other_rows_are_not_run_in_strips(width: int) -> None:
    assert_text_agrees(couples(width))


def test_a_thread_that_cannot_start_leaves_the_work_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[int, int]] = []

    def part(member: int, members: int, first: int, last: int) -> float:
        started.append((member, members))
        return 1.0

    def refuse(*arguments: object) -> None:
        raise RuntimeError("can't start new thread")

    assert together(part, 3, 0, 1)[0] == 1.0
    assert sorted(started) == [(0, 3), (1, 3), (2, 3)]
    started.clear()
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    assert together(part, 3, 0, 1)[0] == 1.0
    assert started == [(0, 1)]


def test_a_meeting_that_is_missing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_meetings(function: Function) -> Function:
        made = divide(function)
        return made.replace(body=tuple(s for s in made.body if not isinstance(s, Barrier)))

    monkeypatch.setattr(lower, "divide", without_meetings)
    with pytest.raises(AssertionError):
        assert_text_agrees(NETWORKS["two layers"](), bp.SGD(0.1))


def test_dense_layers_meet_twice_a_step() -> None:
    text = module_source(bp.mlp(9, 17, 33, 18, 5, activation="relu", loss=SOFTMAX), bp.SGD(0.1))
    assert text.count("arrived = wait_for_team(") == 2


def test_the_faster_number_of_threads_works_and_the_other_is_tried_again() -> None:
    pace = Pace(2)
    for _ in range(2 * TRIALS):
        members, steps = pace.next()
        pace.note(members, steps, steps * {1: 2e-4, 2: 1e-4}[members])
    assert pace.next()[0] == 2
    pace.tried -= 2 * PATIENCE
    members, steps = pace.next()
    assert members == 1
    pace.note(members, steps, steps * 5e-5)
    assert pace.next()[0] == 1, "the cores have become busy"


def test_short_rows_are_turned_in_an_epoch_also_where_they_are_the_output() -> None:
    text = module_source(bp.mlp(20, 64, 10, activation="relu", loss=SOFTMAX), bp.SGD(0.1))
    epoch = text[text.index("def _epoch_part") :]
    assert "(10, batch_size,))" in epoch
    assert "(batch_size, 10,))" not in epoch


def test_a_recurrence_is_divided_along_the_batch() -> None:
    from tests.programs import PROGRAMS

    program, _ = PROGRAMS["lstm"]()
    assert "_epoch_part" in module_source(program)
    assert_text_agrees(program)


def parts(
    module: ModuleType, members: int, batch_size: int, order: NDArray[np.int64],
    arrays: tuple[NDArray[np.float64], ...],
) -> tuple[NDArray[np.float64], float]:  # fmt: skip
    """Return the parameters after an epoch run by some members, and its cost."""
    trainer = module.Trainer(seed=1)
    values = module._NETWORK.hyperparameter_values(trainer.hyperparameters)
    memory, offsets = module._epoch_kernel.workspace(batch_size)
    team = np.zeros(16, np.int64)
    costs = np.zeros(members)

    def part(member: int) -> None:
        costs[member] = module._epoch_part(
            trainer._flat, trainer._state, values, order, batch_size, memory, offsets, team,
            member, members, *arrays,
        )  # fmt: skip

    others = [threading.Thread(target=part, args=(m,)) for m in range(1, members)]
    for thread in others:
        thread.start()
    part(0)
    for thread in others:
        thread.join()
    assert len(set(costs)) == 1, "every member computes the cost"
    return trainer._flat, costs[0]


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
def test_the_bits_do_not_depend_on_the_number_of_members(dtype: str) -> None:
    # With a norm over all members' gradients, and a rate that changes with each step.
    rate = bp.CosineDecay(0.01, steps=30, warmup=2)
    optimizer: Optimizer = bp.Clip(bp.Adam(rate), max_norm=0.1)
    trainer = bp.compile(bp.mlp(37, 70, 12, 5, activation="relu", loss=SOFTMAX), optimizer, dtype)
    module = trainer.module
    generator = np.random.default_rng(0)
    rows = 150
    x = generator.normal(size=(rows, 37)).astype(dtype)
    y = np.eye(5, dtype=dtype)[generator.integers(0, 5, rows)]
    order = generator.permutation(rows)
    for batch_size in (1, 7, 64, 70):
        alone, cost = parts(module, 1, batch_size, order, (x, y))
        assert np.isfinite(alone).all()
        for members in (2, 3):
            together, same = parts(module, members, batch_size, order, (x, y))
            assert np.array_equal(alone, together)
            assert cost == same
    assert len(module._epoch_part.signatures) == 1
