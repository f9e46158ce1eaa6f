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
from symbp.checking.draws import random_values
from symbp.entries.model import Model
from tests import jax_oracle
from tests.comparison import assert_close
from tests.derivative_programs import DERIVATIVES
from tests.random_equations import random_equations, random_recurrence

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


# Their like is compared in every run.
SLOW = {"burgers_with_sigmoid", "burgers_with_silu", "third_derivative"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in DERIVATIVES]
)
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
    # -> what is compiled
    model = Model(program)
    assert not has_derivatives(model.plain)
    assert_right(model.gradient, values, name)


# JAX takes long to compile a recurrence that the oracle has unrolled.
SEEDS = [(random_equations, 0), (random_equations, 1), (random_recurrence, 4)]
MORE = [(random_equations, 2), (random_equations, 3), *((random_recurrence, s) for s in range(4))]


@pytest.mark.parametrize(
    ("make", "seed"), [*SEEDS, *(pytest.param(*each, marks=pytest.mark.slow) for each in MORE)]
)
def test_the_squared_gradient_of_a_random_program(make: Any, seed: int) -> None:
    program = make(seed).program
    values = random_values(program, 3, seed)
    total = bp.tensor("total")
    terms = []
    for parameter in program.parameters:
        element = parameter[tuple(bp.Index(i.name, i.extent) for i in parameter.indices)]
        slope = bp.Derivative(program.cost, element)
        terms.append(bp.Sum(slope**2, *element.args) if element.args else slope**2)
    norm = bp.Equation(total, bp.sqrt(1 + sum(terms[1:], terms[0])))
    squared = bp.Program([*program.equations, norm], cost=total)
    derived = reverse(normalise(squared))
    result = interpret(derived, values)
    cost, gradients = jax_oracle.cost_and_gradients(squared, values)
    assert_close({"cost": result["total"]}, {"cost": cost}, 1e-9)
    found = {tensor.name: result[adjoint.name] for tensor, adjoint in derived.gradients}
    assert_close(found, gradients, 1e-9)
