"""Whatever a schedule decides, a function computes what its equations say."""

from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.loops.nodes import Barrier, For, Product
from symbp.loops.traverse import writes_of
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.comparison import assert_close
from tests.loops.running import (
    ENTRIES,
    EXAMPLES,
    all_values,
    contracted,
    example,
    model_of,
    prepared,
    run,
    sampled,
    values_of,
)
from tests.loops.test_epoch import arguments_of, run_epoch, steps_by_equations
from tests.loops.test_passes import BLOCKS

LIMITS = {
    "numba": Limits(),
    "one thread": Limits(team=False, strip=2),
    "single precision": Limits(itemsize=4, strip=2, most_operations=0, blocks=BLOCKS),
    "plain": Limits(team=False, strip=None, short_row=0, blas=False, most_operations=0),
}


@pytest.mark.parametrize(("name", "entry_name", "limits"), sampled(EXAMPLES, ENTRIES, LIMITS))
def test_a_schedule_changes_no_value(name: str, entry_name: str, limits: str) -> None:
    if entry_name == "predict" and example(name)[0].given.output is None:
        pytest.skip("nothing to predict")
    entry, values, right = prepared(name, entry_name, contract=False)
    function = lower(entry, LIMITS[limits]).function
    assert_close(run(entry, function, values), right)


@pytest.mark.parametrize("members", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize(
    ("name", "limits"),
    sampled(["convolution", "attention", "embedding", "lstm"], LIMITS, least=3),
)
def test_a_scheduled_epoch_is_its_steps(name: str, limits: str, members: int) -> None:
    entry, values, data = arguments_of(name)
    order = [3, 0, 4, 1, 2]
    function = lower(epoch(example(name)[0]), LIMITS[limits]).function
    found = run_epoch(entry, function, values, data, order, members)
    assert_close(found, steps_by_equations(entry, values, data, order))


@pytest.mark.parametrize(
    "name",
    ["bilinear", "equations 0", "equations 1", "recurrence 0",
     *(pytest.param(f"{kind} {seed}", marks=pytest.mark.slow)
       for kind in ("equations", "recurrence") for seed in range(2, 12))],
)  # fmt: skip
def test_an_epoch_that_is_written_out_is_its_steps(name: str) -> None:
    entry, values, data = arguments_of(name)
    if not data:
        pytest.skip("without examples an epoch is one step")
    order = [3, 0, 4, 1, 2]
    lowered = lower(epoch(example(name)[0]), Limits(most_operations=3000))
    if "unroll" not in {arrow.name for arrow in lowered.arrows}:
        pytest.skip("too large to be written out")
    found = run_epoch(entry, lowered.function, values, data, order)
    assert_close(found, steps_by_equations(entry, values, data, order))


def test_of_the_data_only_what_is_read_is_written_out() -> None:
    """The first and the last number of an example are not; a target is one number."""
    n, k = bp.indices("n k", "N", 2)
    x, y = bp.input("x", n, bp.Index("i", 4)), bp.target("y", n)
    w, z, C = bp.parameter("w", k), bp.tensor("z", n), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(z[n], bp.Sum(w[k] * x[n, k + 1], k)),
            bp.Equation(C, bp.Mean((z[n] - y[n]) ** 2, n)),
        ],
        cost=C,
    )
    model = model_of(program)
    entry = ENTRIES["step"](model)
    values = all_values(entry, values_of(program, 1))
    data = {t.name: np.resize(values[t.name], (5, *t.shape[1:])) for t in model.data}
    order = [3, 0, 4, 1, 2]
    lowered = lower(epoch(model), Limits())
    assert "unroll" in {arrow.name for arrow in lowered.arrows}
    made = {e.tensor.name for s in lowered.function.statements for e in writes_of(s)}
    assert {"x_1", "x_2"} <= made
    assert not {"x_0", "x_3"} & made
    found = run_epoch(entry, lowered.function, values, data, order)
    assert_close(found, steps_by_equations(contracted(entry), values, data, order))


def decided(program: bp.Program, **limits: Any) -> dict[str, str]:
    lowered = lower(epoch(model_of(program)), Limits(**limits))
    return {decision.what: decision.choice for decision in lowered.decisions}


def test_a_tiny_network_is_written_out_and_a_larger_one_runs_in_rows() -> None:
    assert decided(bp.mlp(2, 4, 1))["unrolling"] == "written out"
    assert decided(bp.mlp(64, 30, 10))["rows"] == "in rows"


def test_a_tiny_program_whose_data_decides_what_is_read_has_loops_and_says_so() -> None:
    n, j = bp.indices("n j", "N", 3)
    x, label = bp.input("x", n, j), bp.target("label", n, kind="integer")
    b, z, C = bp.parameter("b", j), bp.tensor("z", n, j), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(z[n, j], b[j] * x[n, j]),
            bp.Equation(C, bp.Mean(z[n, label[n]] ** 2, n)),
        ],
        cost=C,
    )
    lowered = lower(epoch(model_of(program)), Limits())
    (decision,) = (d for d in lowered.decisions if d.what == "unrolling")
    assert (decision.choice, decision.reason) == (
        "loops",
        "the data decides which elements are read",
    )
    assert "unroll" not in {arrow.name for arrow in lowered.arrows}


def test_dense_layers_meet_twice_a_step() -> None:
    function = lower(epoch(model_of(bp.mlp(64, 30, 10))), Limits()).function
    assert sum(isinstance(statement, Barrier) for statement in function.statements) == 2
    assert any(isinstance(s, For) and s.kind == "rows" for s in function.statements)


def test_every_product_has_a_reason() -> None:
    lowered = lower(epoch(model_of(bp.mlp(64, 30, 10))), Limits())
    found = [s for s in lowered.function.statements if isinstance(s, Product)]
    reasons = [d.reason for d in lowered.decisions if d.what.startswith("product ")]
    assert len(found) == len(reasons)
    assert all(reasons)


@pytest.mark.parametrize("members", [1, 3])
def test_members_of_a_team_update_a_scalar_once(members: int) -> None:
    network = bp.mlp(12, 18, 9, loss="softmax_cross_entropy")
    model = model_of(network, bp.Adam(0.01))
    entry = ENTRIES["step"](model)
    values = all_values(entry, values_of(network, 1))
    data = {t.name: np.abs(np.resize(values[t.name], (7, *t.shape[1:]))) for t in model.data}
    order = [3, 0, 6, 4, 1, 2, 5]
    function = lower(epoch(model), Limits()).function
    assert function.team
    found = run_epoch(entry, function, values, data, order, members)
    assert_close(found, steps_by_equations(contracted(entry), values, data, order))
