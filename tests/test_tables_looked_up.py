"""Steps that go over the rows of a batch are those that go over whole tables."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.changes_first import changes_first
from symbp.calculus.contract import contract
from symbp.calculus.fold import fold
from symbp.calculus.interpreter import interpret as interpret_equations
from symbp.calculus.share import share
from symbp.entries.epoch import epoch
from symbp.entries.step import step
from symbp.loops.build import build
from symbp.loops.gather import BATCH_SIZE
from symbp.loops.interpret import interpret
from symbp.loops.nodes import For, Function
from symbp.loops.touched_rows import touched_rows
from symbp.loops.verify import verify
from symbp.networks.optimizers import Optimizer
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.loops.running import all_values, expected, model_of, run
from tests.table_programs import classifier, factorisation, table_programs, values_for

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": bp.SGD(0.3),
    "lazy": bp.LazyAdam(0.05),
    "clipped": bp.Clip(bp.SGD(0.3), max_value=0.02),
    "lazy, clipped": bp.Clip(bp.LazyAdam(bp.CosineDecay(0.1, steps=4)), max_norm=0.05),
    "adam": bp.Adam(0.05),
    "momentum": bp.Momentum(0.3),
}
SLOW = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 40)]
LIMITS = Limits()


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-11, atol=1e-13, err_msg=name)


def names_of(program: bp.Program) -> set[str]:
    return {tensor.name for tensor in program.tensors}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("seed", [0, 1, *SLOW])
def test_a_step_is_the_gradient_and_then_the_update(seed: int, name: str) -> None:
    program = table_programs(seed)
    model = model_of(program, OPTIMIZERS[name])
    entry = step(model)
    values = all_values(entry, values_for(program, seed), seed)
    lowered = lower(entry, LIMITS)
    assert_same(run(lowered.entry, lowered.function, values), expected(entry, values))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("seed", [0, 1, 2, *SLOW])
def test_equations_stay_equivalent(seed: int, name: str) -> None:
    program = table_programs(seed)
    before = share(contract(model_of(program, OPTIMIZERS[name]).updated))
    values = all_values(step(model_of(program, OPTIMIZERS[name])), values_for(program, seed), seed)
    values |= {t.name: 0.1 for t in before.with_role("constant")}
    values |= {t.name: np.ones(t.shape) for t in before.with_role("state")}
    after = changes_first(fold(before))
    given, found = (interpret_equations(p, values, {"N": 5}) for p in (before, after))
    for (_, new), (_, same) in zip(before.updates, after.updates, strict=True):
        np.testing.assert_allclose(found[same.name], given[new.name], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("seed", [0, 1, 2, *SLOW])
def test_touched_rows_changes_nothing(seed: int) -> None:
    program = table_programs(seed)
    entry = step(model_of(program, OPTIMIZERS["lazy"]))
    entry = replace(entry, program=share(contract(entry.program)))
    values = all_values(entry, values_for(program, seed), seed)
    function = touched_rows(build(entry))
    assert str(verify(function)) == "sound"
    assert_same(run(entry, function, values), expected(entry, values))


@pytest.mark.parametrize("name", ["sgd", "lazy"])
@pytest.mark.parametrize("seed", [0, 1, *SLOW[:8]])
def test_every_proof_holds(seed: int, name: str) -> None:
    model = model_of(table_programs(seed), OPTIMIZERS[name])
    for entry in (step(model), epoch(model)):
        assert str(verify(lower(entry, LIMITS).function)) == "sound"


def extents_of(function: Function) -> set[Any]:
    return {loop.end for loop in function.statements if isinstance(loop, For)}


@pytest.mark.parametrize("name", ["sgd", "lazy"])
def test_a_step_goes_over_the_batch_alone(name: str) -> None:
    program = factorisation(9000, 7000)
    lowered = lower(epoch(model_of(program, OPTIMIZERS[name])), LIMITS)
    sizes = {e for e in extents_of(lowered.function) if str(e).isdigit()}
    assert sizes <= {3, 3 * BATCH_SIZE}
    # No memory is as large as a table but, for the lazy form, a whole number for each row.
    for made in lowered.function.allocations.values():
        assert made.array.kind == "integer" or not {9000, 7000} & set(made.shape)
    choices = {d.what: d.choice for d in lowered.decisions}
    assert {choices[f"table {t}"] for t in "UVb"} == {"the rows of the batch"}


def test_what_goes_over_all_rows_says_why() -> None:
    def reason(optimizer: Optimizer, program: bp.Program) -> str:
        decisions = lower(epoch(model_of(program, optimizer)), LIMITS).decisions
        (found,) = {d.reason for d in decisions if d.what == "table U"}
        return found

    program = factorisation()
    assert reason(bp.Adam(), program).startswith("U_m_next depends on all of U_adjoint")
    assert reason(bp.Momentum(0.1), program).startswith("U_velocity_next depends on all of")
    norm = bp.Clip(bp.SGD(0.1), max_norm=1.0)
    assert reason(norm, program).startswith("gradient_norm_squared depends on all of U_adjoint")
    few = factorisation(20, 20)
    assert reason(bp.SGD(0.1), few) == "it has no more rows than a batch looks up"
    decayed = bp.Clip(bp.LazyAdam(), max_norm=1.0)
    assert reason(decayed, program).endswith("depends on all of U_adjoint")


def test_a_penalty_keeps_all_rows() -> None:
    n, u = bp.indices("n u", "N", 500)
    user, C = bp.input("user", n, kind="integer"), bp.tensor("C")
    b = bp.parameter("b", u)
    cost = bp.Sum((b[user[n]] - 1) ** 2, n) / n.extent + bp.Sum(b[u] ** 2, u)
    program = bp.Program([bp.Equation(C, cost)], cost=C)
    for optimizer in (bp.SGD(0.1), bp.LazyAdam()):
        lowered = lower(epoch(model_of(program, optimizer)), LIMITS)
        (found,) = [d for d in lowered.decisions if d.what == "table b"]
        assert (found.choice, "has a term for every row" in found.reason) == ("all rows", True)


def test_a_table_of_which_every_row_is_looked_up_takes_adams_step() -> None:
    program = factorisation(4, 3)
    rows = np.arange(12)
    data = [rows % 4, rows % 3, np.linspace(-1, 1, 12)]
    lazy, full = (bp.compile(program, o, seed=3) for o in (bp.LazyAdam(0.1), bp.Adam(0.1)))
    for trainer in (lazy, full):
        trainer.fit(*data, epochs=3, batch_size=12, shuffle=False)
    for one, other in zip(lazy.parameters, full.parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def lazy_adam(w: Any, m: Any, v: Any, g: Any, rows: Any, t: int, eta: float) -> None:
    """Change rows in place: Kingma and Ba, algorithm 1, for these alone."""
    m[rows] = 0.9 * m[rows] + 0.1 * g[rows]
    v[rows] = 0.999 * v[rows] + 0.001 * g[rows] ** 2
    mean, square = m[rows] / (1 - 0.9**t), v[rows] / (1 - 0.999**t)
    w[rows] -= eta * mean / (np.sqrt(square) + 1e-8)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_emitted_epochs_are_those_of_the_formulas(dtype: str) -> None:
    users, items, rank, batch = 300, 200, 3, 16
    generator = np.random.default_rng(0)
    user = generator.integers(0, 40, 40)
    item, r = generator.integers(0, items, 40), generator.normal(size=40)
    program = factorisation(users, items, rank)
    for optimizer in [bp.LazyAdam(0.05), *([bp.SGD(0.2)] if dtype == "float64" else [])]:
        trainer = bp.compile(program, optimizer, dtype, seed=1)
        U, V, b, c = (np.array(p, dtype="float64") for p in trainer.parameters)
        state = {id(w): (np.zeros_like(w), np.zeros_like(w)) for w in (U, V, b, c)}
        t = 0
        for _ in range(2):
            for start in range(0, 40, batch):
                rows = slice(start, start + batch)
                i, j = user[rows], item[rows]
                e = 2 * ((U[i] * V[j]).sum(1) + b[i] + c - r[rows]) / len(i)
                gradients = [np.zeros_like(w) for w in (U, V, b, c)]
                np.add.at(gradients[0], i, e[:, None] * V[j])
                np.add.at(gradients[1], j, e[:, None] * U[i])
                np.add.at(gradients[2], i, e)
                gradients[3] += e.sum()
                t += 1
                for w, g, at in zip((U, V, b, c), gradients, (np.unique(i), np.unique(j),
                                    np.unique(i), ...), strict=True):  # fmt: skip
                    if isinstance(optimizer, bp.SGD):
                        w -= 0.2 * g
                    else:
                        lazy_adam(w, *state[id(w)], g, at, t, 0.05)
        trainer.fit(user, item, r, epochs=2, batch_size=batch, shuffle=False)
        digits = {"float64": 1e-11, "float32": 2e-4}[dtype]
        for found, wanted in zip(trainer.parameters, (U, V, b, c), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=digits, atol=digits / 10)


@pytest.mark.parametrize("name", ["sgd", "lazy"])
def test_any_number_of_members_gives_the_same_bits(name: str) -> None:
    lowered = lower(epoch(model_of(classifier(), OPTIMIZERS[name])), LIMITS)
    function, found = lowered.function, []
    assert str(verify(function)) == "sound"
    # A table's rows are added up along its columns, of which each member has its own.
    assert function.team == (name == "sgd")
    for members in (1, 2, 3):
        generator = np.random.default_rng(0)
        arrays: dict[str, Any] = {}
        for argument in function.arguments:
            tensor = argument.array
            shape = [e if isinstance(e, int) else 7 for e in tensor.shape]
            arrays[tensor.name] = generator.uniform(0.1, 0.9, size=shape)
            if tensor.kind == "integer":
                order = tensor.name.startswith("order")
                arrays[tensor.name] = np.arange(7) if order else generator.integers(0, 4, shape)
        interpret(function, arrays, {"batch_size": 4}, members, check_races=True)
        found.append(arrays[function.arguments[0].array.name])
    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()


def test_a_step_for_several_batches_refuses_the_rows_of_one() -> None:
    with pytest.raises(bp.SymbpError, match="U: an optimizer that changes the rows of one batch"):
        bp.compile(factorisation(), bp.Accumulate(bp.LazyAdam(), batches=2))


def test_the_gradient_entry_has_the_whole_table() -> None:
    program = factorisation(80, 70)
    trainer = bp.compile(program, bp.SGD(0.1), seed=0)
    gradient = trainer.module.gradient(trainer.parameters, [3, 3], [0, 69], [1.0, 2.0])
    table = gradient[1].U
    assert table.shape == (80, 3)
    assert np.unique(np.nonzero(table)[0]).tolist() == [3]
