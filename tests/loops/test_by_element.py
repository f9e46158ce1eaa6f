"""The passes over functions that are written out by element leave every value as it was."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.share import share
from symbp.entries.entry import Entry
from symbp.entries.epoch import epoch
from symbp.loops.build import build
from symbp.loops.fuse import fuse
from symbp.loops.interpret import interpret
from symbp.loops.join_terms import join_terms
from symbp.loops.nodes import Accumulate, Allocate, Argument, Assign, For, Function, Return
from symbp.loops.propagate_copies import propagate_copies
from symbp.loops.storage import storage
from symbp.loops.traverse import renamed
from symbp.loops.whole_arrays import whole_arrays
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from symbp.schedules.unroll import unroll
from tests.comparison import assert_close
from tests.loops.running import ENTRIES, all_values, expected, model_of, run, values_of
from tests.loops.test_epoch import run_epoch, steps_by_equations

NETWORKS: dict[str, Callable[[], bp.Program]] = {
    "tanh": lambda: bp.mlp(2, 4, 1, activation="tanh"),
    "softmax": lambda: bp.mlp(3, 4, 3, loss="softmax_cross_entropy"),
    "three layers": lambda: bp.mlp(2, 3, 3, 2, activation="relu"),
}
OPTIMIZERS = {"sgd": bp.SGD(0.1), "momentum": bp.Momentum(0.1, 0.9), "adam": bp.Adam(0.01)}
PASSES = {
    "whole arrays": [],
    "propagate copies": [fuse, storage, propagate_copies],
    "join terms": [join_terms],
    "join terms of a fused loop": [partial(fuse, farthest=100), storage, join_terms],
    "all": [partial(fuse, farthest=100), storage, propagate_copies, join_terms],
}


def written_out(name: str, entry_name: str) -> tuple[Entry, Function, dict[str, Any], Any]:
    """Return an entry, its loops by element, its numbers, and what it should give."""
    program = NETWORKS[name]()
    entry = ENTRIES[entry_name](model_of(program))
    entry = replace(entry, program=share(lower_logsumexp(entry.program)))
    small = unroll(entry, 10**6)
    assert small is not None
    values = all_values(entry, values_of(program, 1))
    return entry, whole_arrays(build(small)), values, expected(entry, values)


@pytest.mark.parametrize("entry_name", ["predict", "loss", "gradient"])
@pytest.mark.parametrize("pass_name", PASSES)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_pass_changes_no_value(name: str, pass_name: str, entry_name: str) -> None:
    entry, function, values, right = written_out(name, entry_name)
    for change in PASSES[pass_name]:
        function = change(function)
    assert_close(run(entry, function, values), right)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_an_epoch_by_element_is_its_steps(name: str, optimizer: str) -> None:
    program = NETWORKS[name]()
    model = model_of(program, OPTIMIZERS[optimizer])
    entry = ENTRIES["step"](model)
    values = all_values(entry, values_of(program, 1))
    data = {t.name: np.abs(np.resize(values[t.name], (5, *t.shape[1:]))) for t in model.data}
    lowered = lower(epoch(model), Limits(most_operations=10**6))
    assert lowered.choice("unrolling") == "written out"
    order = [3, 0, 4, 1, 2]
    found = run_epoch(entry, lowered.function, values, data, order)
    assert_close(found, steps_by_equations(entry, values, data, order))


# Random statements between registers, in which a pass finds every way to be wrong.


def random_function(seed: int) -> tuple[Function, Tensor, Tensor]:
    """Return registers set, copied and added to in a loop, and what is read and written."""
    generator = np.random.default_rng(seed)
    turns = Index("i", 3)
    given, result = Tensor("given", (Index("g", 3),)), Tensor("result", (Index("r", 6),))
    registers = [Tensor(f"r{place}") for place in range(6)]

    temporaries = [Tensor(f"t{place}") for place in range(5)]
    unused = list(temporaries)

    def statements(count: int) -> list[Any]:
        known = list(registers)  # what a block may read: temporaries only after they were set

        def picked() -> Any:
            return known[generator.integers(0, len(known))][()]

        def value() -> Any:
            choice = generator.integers(0, 5)
            values = (picked(), picked(), given[turns] * picked(), given[turns], sympy.Float(2))
            return values[choice]

        result: list[Any] = []
        for _ in range(count):
            if unused and generator.integers(0, 3) == 0:
                made = unused.pop()
                result.append(Assign(made[()], value()))
                known.append(made)
                continue
            target = registers[generator.integers(0, len(registers))][()]
            if generator.integers(0, 2):
                result.append(Assign(target, value()))
            else:
                free = bool(generator.integers(0, 2))
                result.append(Accumulate(target, value(), free_order=free))
        return result

    loop = For(turns, 0, 3, tuple(statements(generator.integers(3, 14))))
    body = (
        *(Allocate(register, (), "register") for register in (*registers, *temporaries)),
        *(Assign(register[()], sympy.Float(place)) for place, register in enumerate(registers)),
        *(outside(turns, made) for made in statements(generator.integers(0, 6))),
        loop,
        *(outside(turns, made) for made in statements(generator.integers(0, 6))),
        *(Assign(result[sympy.Integer(p)], r[()]) for p, r in enumerate(registers)),
        Return(registers[0][()]),
    )
    arguments = (Argument(given, "in"), Argument(result, "out"))
    return Function("random", arguments, (), body), given, result


def outside(turns: Index, statement: Any) -> Any:
    """Return a statement that stands outside of the loop."""
    return renamed(statement, {turns: sympy.Integer(1)})


@pytest.mark.parametrize("change", [propagate_copies, join_terms], ids=["copies", "terms"])
@pytest.mark.parametrize("block", range(4))
def test_random_statements_between_registers_give_the_same(block: int, change: Any) -> None:
    changed = 0
    for seed in range(150 * block, 150 * (block + 1)):
        function, _, _ = random_function(seed)
        after = change(function)
        changed += after != function
        found = []
        for each in (function, after):
            arrays = {"given": np.array([2.0, 3.0, 5.0]), "result": np.full(6, np.nan)}
            returned = interpret(each, arrays, {})
            found.append({"returned": returned, "result": arrays["result"]})
        assert_close(found[1], found[0])
    assert changed > 30
