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


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("momenta_first", [True, False])
def test_a_force_inside_a_recurrence(mode: Any, momenta_first: bool) -> None:
    """A pendulum by symplectic Euler: ``p -= h ∂H/∂q``, ``q += h ∂H/∂p``, then a cost of the path.

    What q and p are computed from is no part of ∂H/∂q: they are variables of the step.
    """
    t, i, h = bp.Index("t", 5, sequential=True), bp.Index("i", 2), 0.3
    q, p, H = bp.tensor("q", t, i), bp.tensor("p", t, i), bp.tensor("H", t)
    force, speed = bp.tensor("force", t, i), bp.tensor("speed", t, i)
    start, k, C = bp.parameter("start", i), bp.parameter("k"), bp.tensor("C")
    energy = bp.Sum(p[t, i] ** 2 / 2 - k * bp.cos(q[t, i]), i) + k * q[t, 0] * q[t, 1]

    def program(force_is: Any, speed_is: Any) -> bp.Program:
        equations = [
            bp.Equation(force[t, i], force_is),
            bp.Equation(speed[t, i], speed_is),
            bp.Equation(q[t, i], bp.where(t > 0, q[t - 1, i] + h * speed[t - 1, i], start[i])),
            bp.Equation(p[t, i], bp.where(t > 0, p[t - 1, i] - h * force[t - 1, i], 0)),
            bp.Equation(H[t], energy),
            bp.Equation(C, bp.Sum(q[t, i] ** 2 * p[t, i], t, i) + bp.Sum(H[t] ** 2, t)),
        ]
        order = equations if momenta_first else equations[::-1]
        return bp.Program(order, cost=C)

    derived = program(
        bp.Derivative(H[t], q[t, i], mode=mode), bp.Derivative(H[t], p[t, i], mode=mode)
    )
    written = program(k * bp.sin(q[t, i]) + k * q[t, 1 - i], p[t, i])
    values = {"start": np.array([0.7, -1.1]), "k": np.array(1.3)}
    found, answer = (interpret(Model(each).gradient, values) for each in (derived, written))
    names = ["C", "start_adjoint", "k_adjoint"]
    assert_close({n: found[n] for n in names}, {n: answer[n] for n in names}, 1e-13)


def test_a_derivative_by_a_state_of_the_same_step_sees_no_other_step() -> None:
    t = bp.Index("t", 4, sequential=True)
    w, h, f, g = bp.parameter("w"), bp.tensor("h", t), bp.tensor("f", t), bp.tensor("g", t)
    C = bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(h[t], bp.where(t > 0, bp.tanh(w * h[t - 1]), w)),
            bp.Equation(f[t], h[t] ** 3),
            bp.Equation(g[t], bp.Derivative(f[t], h[t])),
            bp.Equation(C, bp.Sum(g[t], t)),
        ],
        cost=C,
    )
    found = interpret(Model(program).plain, {"w": np.array(1.5)})
    np.testing.assert_allclose(found["g"], 3 * found["h"] ** 2, rtol=1e-14)
