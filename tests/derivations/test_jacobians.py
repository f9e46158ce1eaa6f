"""derive(wrt=, of=): gradients by inputs, and Jacobians of any tensor, against JAX."""

from typing import Any

import jax
import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.checking.draws import random_values
from tests import jax_oracle
from tests.comparison import assert_close

NET = bp.mlp(2, 3, 2, activation="tanh", loss="softmax_cross_entropy")


def of_one(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the first example."""
    batched = {"x", "y"}
    return {name: v[0] if name in batched else v for name, v in values.items()}


def test_gradients_by_inputs_are_those_of_jax() -> None:
    values = random_values(NET, 1, 0)
    derivation = bp.derive(NET, wrt=["x", "W2"])
    found = interpret(normalise(derivation.printed_program), of_one(values))
    expected = jax_oracle.gradients(NET, values, [NET.tensor("x"), NET.tensor("W2")])
    named = {tensor.name: found[adjoint.name] for tensor, adjoint in derivation.gradients}
    assert_close(named, {"x": expected["x"][0], "W2": expected["W2"]}, 1e-12)
    assert str(derivation.gradient("x")) == "∂C/∂a¹ = (w²)ᵀ δ²"


@pytest.mark.parametrize("of", ["z2", "a2", "a1"])
def test_jacobians_of_any_tensor_are_those_of_jax(of: str) -> None:
    values = random_values(NET, 1, 1)
    derivation = bp.derive(NET, wrt=["x", "W1", "b1"], of=of)
    found = interpret(normalise(derivation.printed_program), of_one(values))
    for tensor, jacobian in derivation.gradients:

        def function(value: Any, name: str = tensor.name) -> Any:
            return jax_oracle.Oracle(NET, {**values, name: value}).full(NET.tensor(of))[0]

        expected = np.asarray(jax.jacfwd(function)(np.asarray(values[tensor.name], dtype=float)))
        if tensor.name == "x":
            expected = expected[:, 0]
        assert_close({"J": found[jacobian.name]}, {"J": expected}, 1e-12)


def test_a_jacobian_prints_with_its_own_root() -> None:
    derivation = bp.derive(NET, wrt="x", of="z2")
    assert derivation.gradient("x").latex() == (
        r"\frac{\partial z^{3}}{\partial a^{1}} = "
        r"\frac{\partial z^{3}}{\partial z^{2}} w^{2}"
    )
    assert r"\partial C" not in derivation.latex("index")


def test_of_what_a_tensor_does_not_depend_on_its_derivative_is_zero() -> None:
    assert bp.derive(NET, wrt="W2", of="z1").gradient("W2").text().endswith("= 0")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"wrt": "q"}, "wrt: no tensor 'q' in this program"),
        ({"wrt": []}, "expected a tensor to differentiate by, got none"),
        ({"wrt": 3}, "wrt: expected tensors or their names, got 3"),
        ({"of": "x"}, "of=x: no equation defines it"),
        ({"of": "q"}, "of: no tensor 'q' in this program"),
    ],
)
def test_what_cannot_be_derived_is_told_in_one_line(options: dict[str, Any], told: str) -> None:
    with pytest.raises(bp.NotationError) as error:
        bp.derive(NET, **options)
    assert told in str(error.value)


def test_what_is_said_of_a_cost_is_refused_of_another_tensor() -> None:
    derivation = bp.derive(NET, wrt="x", of="z2")
    for method in (derivation.steps, derivation.operation_counts, lambda: derivation.entry("x")):
        with pytest.raises(bp.UnsupportedError, match="which is not the cost"):
            method()
    with pytest.raises(bp.NotationError, match="wrt='x'"):
        bp.derive(NET).gradient("x")
