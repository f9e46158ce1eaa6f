"""Clipping and accumulation: what another optimizer gets, and when it steps."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.networks.optimizers import Optimizer, optimise
from tests.networks.numerics import random_values

Values = dict[str, Any]


def steps(optimizer: Optimizer, count: int = 20) -> Iterator[tuple[Values, Values, Values]]:
    """Yield, for each step, the parameters before, the gradients, and the parameters after."""
    program = optimise(reverse(normalise(bp.mlp(3, 4, 2))), optimizer)
    values = random_values(program, batch=6)
    values |= {state.name: np.zeros(state.shape) for state in program.with_role("state")}
    for _ in range(count):
        found = interpret(program, values)
        before = {of.name: values[of.name] for of in program.parameters}
        gradients = {of.name: found[gradient.name] for of, gradient in program.gradients}
        values |= {old.name: found[new.name] for old, new in program.updates}
        yield before, gradients, {of.name: values[of.name] for of in program.parameters}


def assert_same(found: Values, expected: Values) -> None:
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-14)


def norm_of(gradients: Values) -> float:
    return float(np.sqrt(sum(np.sum(g**2) for g in gradients.values())))


@pytest.mark.parametrize("limit", [1e-3, 0.05, 1e3])
def test_the_norm_is_that_of_all_gradients_together(limit: float) -> None:
    for before, gradients, after in steps(bp.Clip(bp.SGD(2.0), max_norm=limit)):
        scale = min(1.0, limit / norm_of(gradients))
        assert_same(after, {name: w - 2 * scale * gradients[name] for name, w in before.items()})


def test_values_are_clipped_one_by_one() -> None:
    for before, gradients, after in steps(bp.Clip(bp.SGD(2.0), max_value=0.01)):
        clipped = {name: np.clip(g, -0.01, 0.01) for name, g in gradients.items()}
        assert_same(after, {name: w - 2 * clipped[name] for name, w in before.items()})


def test_values_are_clipped_before_the_norm() -> None:
    for before, gradients, after in steps(bp.Clip(bp.SGD(2.0), max_norm=0.02, max_value=0.01)):
        clipped = {name: np.clip(g, -0.01, 0.01) for name, g in gradients.items()}
        scale = min(1.0, 0.02 / norm_of(clipped))
        assert_same(after, {name: w - 2 * scale * clipped[name] for name, w in before.items()})


def test_of_two_limits_the_smaller_holds() -> None:
    twice = bp.Clip(bp.Clip(bp.SGD(2.0), max_norm=0.01), max_norm=0.05)
    for before, gradients, after in steps(twice):
        scale = min(1.0, 0.01 / norm_of(gradients))
        assert_same(after, {name: w - 2 * scale * gradients[name] for name, w in before.items()})


def test_gradients_of_zero_stay_zero() -> None:
    w, C = bp.parameter("w"), bp.tensor("C")
    program = reverse(bp.Program([bp.Equation(C, w**2)], cost=C))
    updated = optimise(program, bp.Clip(bp.SGD(0.5), max_norm=1.0))
    assert interpret(updated, {"w": 0.0})["w_next"] == 0.0


def test_a_step_is_taken_after_so_many_batches_along_the_mean_gradient() -> None:
    velocity: Values = {}
    kept: list[Values] = []
    for number, (before, gradients, after) in enumerate(
        steps(bp.Accumulate(bp.Momentum(0.5, 0.8), batches=3)), start=1
    ):
        kept.append(gradients)
        if number % 3:
            assert all((after[name] == w).all() for name, w in before.items())
            continue
        mean = {name: np.mean([g[name] for g in kept[-3:]], axis=0) for name in before}
        velocity = {name: 0.8 * velocity.get(name, 0) + g for name, g in mean.items()}
        assert_same(after, {name: w - 0.5 * velocity[name] for name, w in before.items()})


def test_steps_not_taken_are_not_counted() -> None:
    schedule = bp.StepDecay(0.5, steps=1, factor=0.5)
    rates = iter(schedule.rates(4))
    for number, (before, gradients, after) in enumerate(
        steps(bp.Accumulate(bp.Accumulate(bp.SGD(schedule), 2), 2), 16), start=1
    ):
        if number % 4:
            assert all((after[name] == w).all() for name, w in before.items())
        else:
            # The parameters did not change between the batches, nor did the gradient.
            rate = next(rates)
            assert_same(after, {name: w - rate * gradients[name] for name, w in before.items()})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bp.Clip(bp.SGD(0.1)), "Clip: expected max_norm"),
        (lambda: bp.Clip(0.1, max_norm=1.0), "Clip optimizer: expected an instance"),
        (lambda: bp.Clip(bp.SGD, max_norm=1.0), "Clip optimizer: expected an instance"),
        (lambda: bp.Clip(bp.SGD(0.1), max_norm=0), "Clip max_norm: expected a number > 0, got 0"),
        (lambda: bp.Clip(bp.SGD(0.1), norm=1), "Clip: no option 'norm'; did you mean 'max_norm'"),
        (lambda: bp.Accumulate(bp.SGD(0.1), 0), "batches: expected a positive int, got 0"),
        (lambda: bp.Accumulate(bp.SGD(0.1), 1.5), "batches: expected a positive int, got 1.5"),
    ],
)
def test_bad_use_is_refused_in_one_line(make: Callable[[], object], message: str) -> None:
    with pytest.raises(bp.SymbpError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
