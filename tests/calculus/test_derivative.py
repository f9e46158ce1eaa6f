"""Derivatives in equations against JAX, which has them as functions of functions."""

import itertools
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.derivative import choose_modes, define_derivatives, has_derivatives
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise, separate
from symbp.calculus.reverse import reverse
from symbp.entries.model import Model
from tests import jax_oracle
from tests.comparison import assert_close
from tests.derivative_programs import DERIVATIVES

TOLERANCE = 1e-11
_expected: dict[str, Any] = {}


def expected(name: str) -> tuple[float, dict[str, np.ndarray]]:
    """Return the cost and its gradients from JAX's own derivatives of derivatives."""
    if name not in _expected:
        program, values = DERIVATIVES[name]()
        cost = jax_oracle.evaluate(program, values)[program.cost.name]
        _expected[name] = float(cost), jax_oracle.gradients(program, values)
    return _expected[name]


def assert_right(derived: bp.Program, values: dict[str, Any], name: str) -> None:
    """Check cost and gradients of a differentiated program."""
    result = interpret(derived, values)
    cost, gradients = expected(name)
    assert_close({"cost": result[derived.cost.name]}, {"cost": cost}, TOLERANCE)
    found = {tensor.name: result[adjoint.name] for tensor, adjoint in derived.gradients}
    assert_close(found, gradients, TOLERANCE)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_cost_and_gradients_are_those_of_jax(name: str) -> None:
    program, values = DERIVATIVES[name]()
    assert_right(reverse(normalise(program)), values, name)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_what_is_compiled_has_the_same_values(name: str) -> None:
    program, values = DERIVATIVES[name]()
    model = Model(program)
    assert not has_derivatives(model.plain)
    assert_right(model.gradient, values, name)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_every_choice_of_modes_gives_the_same_values(name: str) -> None:
    program, values = DERIVATIVES[name]()
    normal = separate(program)
    chosen = choose_modes(normal)
    counts = [count for _, count in chosen.counted]
    assert dict(chosen.modes) in [modes for modes, count in chosen.counted if count == min(counts)]
    orders = sorted({order for _, order in chosen.modes})
    for combination in itertools.product(("reverse", "forward"), repeat=len(orders)):
        modes = {key: combination[orders.index(key[1])] for key in chosen.modes}
        assert_right(reverse(define_derivatives(normal, modes)), values, name)
