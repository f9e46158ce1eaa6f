import math

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.networks.activations import ACTIVATIONS, activation
from symbp.notation.errors import NotationError, SymbpError
from tests.networks.numerics import assert_gradients_match_differences

Z = np.array([[-30.0, -2.0, -0.5, 0.0, 0.3, 1.7, 30.0]])
ERF = np.vectorize(math.erf)


def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))


FORMULAS = {
    "identity": lambda z: z,
    "linear": lambda z: z,
    "sigmoid": sigmoid,
    "logistic": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "gelu": lambda z: z * (1 + ERF(z / np.sqrt(2))) / 2,
    "gelu_tanh": lambda z: z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2,
    "silu": lambda z: z * sigmoid(z),
    "swish": lambda z: z * sigmoid(z),
    "softplus": lambda z: np.logaddexp(0, z),
    "sin": np.sin,
    "exp": np.exp,
}


def test_every_activation_has_a_formula_here():
    assert FORMULAS.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("name", FORMULAS)
def test_value_is_the_formula(name):
    z = bp.input("z", *bp.indices("n j", "N", Z.shape[1]))
    a = bp.tensor("a", *z.indices)
    program = bp.Program([bp.Equation(a[z.indices], activation(name)(z.element))])
    value = interpret(program, {"z": Z})["a"]
    np.testing.assert_allclose(value, FORMULAS[name](Z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_match_differences(name):
    assert_gradients_match_differences(bp.mlp(3, 4, 2, activation=name, output="identity"), seed=1)


def test_a_sympy_function_a_lambda_and_a_users_function_are_activations():
    mish = bp.function("mish", lambda z: z * sympy.tanh(bp.softplus(z)))
    for own in (sympy.atan, lambda z: z / (1 + abs(z)), mish):
        assert_gradients_match_differences(bp.mlp(2, 3, 1, activation=own))
    with pytest.raises(NotationError, match="LambertW"):
        bp.mlp(2, 3, 1, activation=sympy.LambertW)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("sigmod", "activation 'sigmod': did you mean 'sigmoid'"),
        ("softmax", "not elementwise.*softmax_cross_entropy"),
        (3, "activation 3: expected a name or a function"),
    ],
)
def test_an_unknown_activation_is_refused(value, message):
    with pytest.raises(SymbpError, match=message):
        activation(value)
