"""What is built from an entry point computes what its equations say."""

from dataclasses import dataclass

import pytest
from sympy.core.expr import Expr

import symbp as bp
from symbp.loops.build import build
from symbp.networks.optimizers import Optimizer, Updates
from symbp.notation.tensor import Tensor
from tests.comparison import assert_close
from tests.loops.running import (
    ENTRIES,
    EXAMPLES,
    all_values,
    built,
    contracted,
    example,
    expected,
    model_of,
    prepared,
    run,
    sampled,
    values_of,
)


@pytest.mark.parametrize(("name", "entry_name"), sampled(EXAMPLES, ENTRIES))
def test_a_loop_program_computes_what_the_equations_say(name: str, entry_name: str) -> None:
    if entry_name == "predict" and example(name)[0].given.output is None:
        pytest.skip("nothing to predict")
    entry, values, right = prepared(name, entry_name)
    assert_close(run(entry, built(name, entry_name), values), right)


@pytest.mark.parametrize("entry_name", ENTRIES)
def test_a_maximum_is_added_as_a_whole(entry_name: str) -> None:
    """The innermost loop runs along memory, and is not the one that is reduced."""
    n, j, k = bp.indices("n j k", "N", 3, 2)
    x, W, d = bp.input("x", n, j), bp.parameter("W", j, k), bp.parameter("d", j)
    z, C = bp.tensor("z", j), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(z[j], bp.Sum(W[j, k], k) + bp.Max(d[j] * x[n, j], n)),
            bp.Equation(C, bp.Sum(z[j] ** 2, j)),
        ],
        cost=C,
        output=z,
    )
    entry = contracted(ENTRIES[entry_name](model_of(program)))
    values = all_values(entry, values_of(program, 0))
    assert_close(run(entry, build(entry), values), expected(entry, values))


@dataclass(frozen=True)
class Exchange(Optimizer):
    """What was the parameter becomes the state, and what was the state the parameter."""

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        state = updates.state(parameter, "other")
        updates.replace(state, parameter.element + g)
        updates.replace(parameter, state.element - g)


def test_updates_that_read_each_other_have_memory_of_their_own() -> None:
    n, j, k = bp.indices("n j k", "N", 3, 2)
    x, W, s = bp.input("x", n, k), bp.parameter("W", j, k), bp.parameter("s")
    z, C = bp.tensor("z", n, j), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(z[n, j], s * bp.Sum(W[j, k] * x[n, k], k)),
            bp.Equation(C, bp.Mean(bp.tanh(z[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )
    entry = contracted(ENTRIES["step"](model_of(program, Exchange())))
    values = all_values(entry, values_of(program, 0))
    assert_close(run(entry, build(entry), values), expected(entry, values))
