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
        _expected[name] = jax_oracle.cost_and_gradients(program, values)
    return _expected[name]


def assert_right(derived: bp.Program, values: dict[str, Any], name: str) -> None:
    """Check cost and gradients of a differentiated program."""
    result = interpret(derived, values)
    cost, gradients = expected(name)
    assert_close({"cost": result[derived.cost.name]}, {"cost": cost}, TOLERANCE)
    found = {tensor.name: result[adjoint.name] for tensor, adjoint in derived.gradients}
    assert_close(found, gradients, TOLERANCE)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_cost_and_gradients_are_those_of_jax_in_every_mode(name: str) -> None:
    program, values = DERIVATIVES[name]()
    assert_right(reverse(normalise(program)), values, name)
    normal = separate(program)
    chosen = choose_modes(normal)
    assert dict(chosen.counted[0][0]).keys() == chosen.modes.keys()
    assert min(chosen.counted, key=lambda each: each[1])[0] == chosen.modes
    orders = sorted({order for _, order in chosen.modes})
    for combination in itertools.product(("reverse", "forward"), repeat=len(orders)):
        modes = {key: combination[orders.index(key[1])] for key in chosen.modes}
        assert_right(reverse(define_derivatives(normal, modes)), values, name)
    # -> what is compiled, and what is printed
    model = Model(program)
    assert not has_derivatives(model.plain)
    assert_right(model.gradient, values, name)
