"""What is done to recurrences alone changes no value, and does what it is for."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.gather_steps import gather_steps
from symbp.calculus.inline_reshapes import inline_reshapes
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.share import share
from symbp.calculus.time_major import time_major
from symbp.entries.entry import Entry
from symbp.entries.epoch import epoch
from symbp.entries.model import Model
from symbp.entries.step import step
from symbp.loops.build import build
from symbp.loops.first_writes import first_writes
from symbp.loops.forward_copies import forward_copies
from symbp.loops.fuse import fuse
from symbp.loops.nodes import Barrier, For, Function, If, Product
from symbp.loops.peel_steps import peel_steps
from symbp.loops.products import products
from symbp.loops.storage import storage
from symbp.loops.text import text
from symbp.loops.verify import verify
from symbp.notation.program import Program
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.calculus.test_passes import results
from tests.comparison import assert_close
from tests.loops.reading import changes
from tests.loops.running import (
    all_values,
    contracted,
    expected,
    model_of,
    run,
    values_of,
)
from tests.loops.test_epoch import run_epoch, steps_by_equations
from tests.random_equations import random_recurrence

LAYERS: dict[str, list[Any]] = {
    "lstm": [bp.LSTM(3, last=True), bp.Dense(2)],
    "gru": [bp.GRU(2), bp.Dense(2)],
    "both ways": [bp.LSTM(2, num_layers=2, bidirectional=True), bp.Flatten(), bp.Dense(2)],
    "relu": [bp.RNN(3, nonlinearity="relu", bias=False, last=True), bp.Dense(2)],
}
SEEDS = [f"random {seed}" for seed in range(8)]
LIMITS = Limits(most_operations=0)


def separate_gates() -> bp.Program:
    """Return a cell whose gates are four equations, as a textbook writes it."""
    n, t, m = bp.Index("n", "N"), bp.Index("t", 4, sequential=True), bp.Index("m", 2)
    j, k = bp.Index("j", 3), bp.Index("k", 3)
    x, y = bp.input("x", n, t, m), bp.target("y", n, j)
    c, h, C = bp.tensor("c", n, t, j), bp.tensor("h", n, t, j), bp.tensor("C")
    equations, gates = [], {}
    for name, function in zip("ifgo", (bp.sigmoid, bp.sigmoid, bp.tanh, bp.sigmoid), strict=True):
        W, U = bp.parameter(f"W{name}", j, m), bp.parameter(f"U{name}", j, k)
        b = bp.parameter(f"b{name}", j)
        gate = gates[name] = bp.tensor(name, n, t, j)
        state = bp.where(t > 0, bp.Sum(U[j, k] * h[n, t - 1, k], k), 0)
        body = function(bp.Sum(W[j, m] * x[n, t, m], m) + b[j] + state)
        equations.append(bp.Equation(gate[n, t, j], body))
    i, f, g, o = (gates[name][n, t, j] for name in "ifgo")
    kept = bp.where(t > 0, f * c[n, t - 1, j], 0)
    equations += [
        bp.Equation(c[n, t, j], i * g + kept),
        bp.Equation(h[n, t, j], o * bp.tanh(c[n, t, j])),
        bp.Equation(C, bp.Mean((h[n, 3, j] - y[n, j]) ** 2, n, j)),
    ]
    return bp.Program(equations, cost=C)


@functools.cache
def example(name: str) -> tuple[Model, dict[str, Any]]:
    if name.startswith("random"):
        made = random_recurrence(int(name.split()[1]))
        return model_of(made.program, made.optimizer), values_of(made.program, 0)
    if name == "separate gates":
        program = separate_gates()
    else:
        program = bp.Network(LAYERS[name], input=(4, 2), loss="mean_squared_error")
    return model_of(program), values_of(program, 0)


# Each pass is tried on these in every run, on the others with the slow tests.
NAMES = ["lstm", "random 0"]
OTHERS = [
    "gru",
    "both ways",
    "relu",
    "separate gates",
    *(seed for seed in SEEDS if seed not in NAMES),
]
SOME = [NAMES, pytest.param(OTHERS, marks=pytest.mark.slow)]


@functools.cache
def plain(name: str) -> tuple[Entry, dict[str, Any], dict[str, Any]]:
    """Return a step of a recurrence, values for it, and what it computes of them."""
    model, values = example(name)
    entry = step(model)
    values = all_values(entry, values)
    return entry, values, expected(entry, values)


@functools.cache
def by_equations(name: str) -> dict[str, Any]:
    """Return what the equations of a step compute before any pass."""
    entry, values, _ = plain(name)
    return results(entry.program, values)


@functools.cache
def by_steps(name: str) -> Entry:
    """Return a step whose tensors have their steps outermost."""
    entry = plain(name)[0]
    program = time_major(inline_reshapes(share(lower_logsumexp(entry.program))))
    entry = contracted(replace(entry, program=program))
    return replace(entry, program=gather_steps(entry.program))


EQUATION_PASSES: dict[str, Callable[[Program], Program]] = {
    "inline_reshapes": inline_reshapes,
    "time_major": time_major,
    "gather_steps": gather_steps,
    "all": lambda program: gather_steps(time_major(inline_reshapes(program))),
}


@pytest.mark.parametrize("names", SOME)
@pytest.mark.parametrize("pass_name", EQUATION_PASSES)
def test_a_pass_over_equations_changes_no_value(pass_name: str, names: list[str]) -> None:
    wrong = []
    for name in names:
        entry, values, _ = plain(name)
        program = contracted(entry).program if pass_name == "gather_steps" else entry.program
        try:
            assert_close(results(EQUATION_PASSES[pass_name](program), values), by_equations(name))
        except AssertionError as error:
            wrong.append((name, str(error)[:200]))
    assert not wrong


LOOP_PASSES: dict[str, tuple[list[Callable[[Function], Function]], Any]] = {
    "forward_copies": ([products], forward_copies),
    "first_writes": ([], first_writes),
    "fuse": ([products, forward_copies, first_writes], fuse),
    "storage": ([products, forward_copies, first_writes, fuse], storage),
    "peel_steps": ([products, forward_copies, first_writes, fuse, storage], peel_steps),
}


@pytest.mark.parametrize("names", SOME)
@pytest.mark.parametrize("pass_name", LOOP_PASSES)
def test_a_pass_over_loops_changes_no_value(pass_name: str, names: list[str]) -> None:
    earlier, under_test = LOOP_PASSES[pass_name]
    wrong = []
    for name in names:
        _, values, right = plain(name)
        entry = by_steps(name)
        function = build(entry)
        for change in earlier:
            function = change(function)
        try:
            assert_close(run(entry, under_test(function), values), right)
        except AssertionError as error:
            wrong.append((name, str(error)[:200]))
    assert not wrong


@pytest.mark.parametrize(
    "name",
    [
        "lstm",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("gru", "both ways", "separate gates")),
    ],
)
def test_an_epoch_of_a_team_is_its_steps_for_any_number_of_members(name: str) -> None:
    model, values = example(name)
    entry = contracted(step(model))
    values = all_values(entry, values)
    generator = np.random.default_rng(1)
    data = {t.name: generator.normal(size=(5, *t.shape[1:])) for t in model.data}
    order = [3, 0, 4, 1, 2]  # in batches of two, the last one shorter
    lowered = lower(epoch(model), LIMITS)
    assert lowered.choice("layout") == "steps outermost"
    assert lowered.choice("rows") == "in rows"
    found = [run_epoch(entry, lowered.function, values, data, order, m) for m in (1, 2, 3)]
    assert_close(found[0], steps_by_equations(entry, values, data, order))
    for other in found[1:]:
        for key, value in found[0].items():
            np.testing.assert_array_equal(other[key], value, err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_a_scheduled_epoch_of_a_recurrence_is_proved_sound(name: str) -> None:
    assert str(verify(lower(epoch(example(name)[0]), LIMITS).function)) == "sound"


def test_the_steps_of_an_lstm_have_no_conditions_and_one_product() -> None:
    function = lower(epoch(example("lstm")[0]), LIMITS).function
    steps = [s for s in function.statements if isinstance(s, For) and s.index.sequential]
    loops = [s for s in steps if any(isinstance(inner, Product) for inner in s.body)]
    middle = [loop for loop in loops if abs(loop.end - loop.start) > 1]
    assert len(middle) == 2  # forwards and backwards
    for loop in middle:
        assert sum(isinstance(s, Product) for s in loop.body) == 1
        assert not any(isinstance(s, If) for s in loop.body)
        assert "where" not in text(function.replace(body=(loop,)))
    assert sum(isinstance(s, Barrier) for s in function.statements) <= 4


def test_the_weights_of_the_states_are_updated_by_one_product_of_all_steps() -> None:
    function = lower(epoch(example("lstm")[0]), LIMITS).function
    found = [s for s in function.statements if isinstance(s, Product) and len(s.summed) == 2]
    (product,) = (s for s in found if s.second.tensor.name == "h1_l0")
    assert (1, 4) in [(span.start, span.end) for span in product.summed]


CASES = {
    "parts that are all there is": (
        first_writes,
        """
        function f(in x[N, 3], out y[N, 6], N):
            allocate z[N, 6]
            for n from 0 to N:
                for j from 0 to 6:
                    z[n, j] = 0
            for n from 0 to N:
                for k from 0 to 3:
                    z[n, k] += x[n, k]
            for n from 0 to N:
                for k from 0 to 3:
                    z[n, k + 3] += 2*x[n, k]
            for n from 0 to N:
                for j from 0 to 6:
                    y[n, j] = z[n, j]
        """,
        """
        allocate z[N, 6]
        for n from 0 to N:
            for k from 0 to 3:
                z[n, k] = x[n, k]
        for n from 0 to N:
            for k from 0 to 3:
                z[n, k + 3] = 2*x[n, k]
        for n from 0 to N:
            for j from 0 to 6:
                y[n, j] = z[n, j]
        """,
    ),
    "parts that overlap are added up": (
        first_writes,
        """
        function f(in x[N, 3], out y[N, 4], N):
            allocate z[N, 4]
            for n from 0 to N:
                for j from 0 to 4:
                    z[n, j] = 0
            for n from 0 to N:
                for k from 0 to 3:
                    z[n, k] += x[n, k]
            for n from 0 to N:
                for k from 0 to 3:
                    z[n, k + 1] += 2*x[n, k]
            for n from 0 to N:
                for j from 0 to 4:
                    y[n, j] = z[n, j]
        """,
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
