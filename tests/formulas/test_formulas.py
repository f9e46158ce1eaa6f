"""Formulas of matrix calculus, written with indices, differentiated and compared twice.

What symbp finds is what the book prints, and what JAX finds. What cannot be said:

- eigenvalues and singular values and their derivatives, (65)-(68), the nuclear norm: they are the
  fixed points of iterations that end when they have converged;
- derivatives by complex numbers, (225)-(260): numbers are real;
- expectations as symbols, as tensorgrad takes those over Gaussian tensors: an expectation of a
  cost is a mean over noise that is drawn, never an integral that is solved;
- formulas for a matrix of any size, or for any power: a size is a number, and a power is written
  out, so that a formula such as (121) is tested for one of each.
"""

import numpy as np
import pytest

import symbp as bp
from tests.formulas import cookbook, determinants, learning, networks
from tests.formulas.table import FORMULAS, formula

# Entering them into the table is what these do.
assert {cookbook.formula, determinants.formula, learning.formula, networks.formula} == {formula}
TOLERANCE = 1e-12
# One of each kind: a gradient, a Jacobian, a second derivative, a derivative as an operand.
COMPILED = ["(121) Tr X³", "The Jacobian of the softmax, written as a quotient: diag(p) - ppᵀ"]
MORE = ["‖V relu(Wx)‖², by W twice", "(60) (X⁻¹)_kl, by X_ij"]


def assert_equal(found: np.ndarray, answer: np.ndarray, whose: str) -> None:
    assert found.shape == answer.shape
    error, scale = np.max(np.abs(found - answer)), np.max(np.abs(answer))
    assert scale > 0.01
    assert error <= TOLERANCE * scale, f"{whose}: {error}"


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name: str) -> None:
    each = FORMULAS[name]
    found = each.found()
    assert_equal(found, each.answer_of_the_book(), "the book")
    assert_equal(found, each.answer_of_jax(), "JAX")


def test_there_are_about_a_hundred_of_them() -> None:
    assert len(FORMULAS) >= 95


@pytest.mark.parametrize(
    "name", [*COMPILED, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE)]
)
def test_formula_compiled(name: str) -> None:
    each = FORMULAS[name]
    values = each.given()
    at = {each.by.name: values[each.by.name]}
    program = each.program()
    if each.order == 1 and program.cost is not None:
        inputs = [values[tensor.name] for tensor in program.inputs]
        _, gradient = bp.compile(program).module.gradient(at, *inputs)
        found = getattr(gradient, each.by.name)
    else:
        program = each.derivative_program()
        cost = bp.tensor("of_the_module")
        total = bp.Sum(program.output.element, *program.output.indices)
        program = bp.Program(
            [*program.equations, bp.Equation(cost, total)], cost=cost, output=program.output
        )
        inputs = [values[tensor.name] for tensor in program.inputs]
        found = bp.compile(program).module.predict(at, *inputs)
    assert_equal(np.asarray(found), each.answer_of_the_book(), "the book")
