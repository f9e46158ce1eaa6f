"""A network inside of a program of JAX's or PyTorch's: values and gradients as if all were one."""

from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.interop import to_jax, to_torch
from tests import jax_oracle  # noqa: F401 - it gives JAX 64 bits
from tests.programs import PROGRAMS

NET = bp.mlp(3, 4, 2, activation="tanh")
X = np.random.default_rng(0).normal(size=(7, 3))


@pytest.fixture(scope="module")
def weights() -> list[Any]:
    generator = np.random.default_rng(1)
    return [generator.normal(size=shape) for shape in ((4, 3), (4,), (2, 4), (2,))]


def ours(weights: Any, x: Any, tanh: Any) -> Any:
    W1, b1, W2, b2 = weights
    return tanh(tanh(x @ W1.T + b1) @ W2.T + b2)


def test_jax_trains_through_a_network(weights: list[Any]) -> None:
    import jax
    import jax.numpy as jnp

    network = to_jax(NET, "float64")

    def cost(function: Any, weights: Any, scale: Any) -> Any:
        return jnp.sum(function(weights, jnp.sin(scale * X)) ** 2)

    both = []
    for function in (network, lambda w, x: ours(w, x, jnp.tanh)):
        gradients = jax.jit(jax.value_and_grad(lambda w, s, f=function: cost(f, w, s), (0, 1)))
        both.append(jax.tree.leaves(gradients(weights, jnp.array(0.7))))
    for found, expected in zip(*both, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    named = dict(zip(network.module.Parameters._fields, weights, strict=True))
    np.testing.assert_array_equal(network(named, X), network(weights, X))


def test_jax_has_no_gradient_by_whole_numbers() -> None:
    import jax
    import jax.numpy as jnp

    program, values = PROGRAMS["embedding"]()
    network = to_jax(program, "float64")
    given = {name: values[name] for name in network.module.Parameters._fields}
    found = jax.grad(lambda w: jnp.sum(network(w, values["token"]) ** 2))(given)
    assert {name: each.shape for name, each in found.items()} == {
        name: each.shape for name, each in given.items()
    }
    assert all(np.any(each) for each in found.values())


def test_torch_trains_through_a_network(weights: list[Any]) -> None:
    torch = pytest.importorskip("torch")
    network = to_torch(NET, "float64")
    both = []
    for function in (network, lambda w, x: ours(w, x, torch.tanh)):
        leaves = [torch.tensor(w, requires_grad=True) for w in weights]
        scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        (function(leaves, torch.sin(scale * torch.tensor(X))) ** 2).sum().backward()
        both.append([each.grad.numpy() for each in (*leaves, scale)])
    for found, expected in zip(*both, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    leaves = [torch.tensor(w, requires_grad=True) for w in weights]
    inputs = torch.tensor(X, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *w: network(w[:-1], w[-1]), (*leaves, inputs))


def test_what_is_wrong_is_said_in_one_line(weights: list[Any]) -> None:
    network = to_jax(NET, "float64")
    for parameters, inputs, message in (
        (weights[:3], [X], "parameters: expected a dict or a sequence of W1, b1, W2, b2, got 3"),
        ({"W1": weights[0]}, [X], "parameters: expected W1, b1, W2, b2, got W1"),
        (weights, [X, X], r"inputs: expected 1 \(x\), got 2"),
        (weights, [X[0]], r"x: expected the shape \(N, 3\), got \(3,\)"),
    ):
        with pytest.raises(bp.SymbpError, match=f"^{message}$"):
            network(parameters, *inputs)
    torch = pytest.importorskip("torch")
    function = to_torch(NET)
    tensors = [torch.tensor(w) for w in weights]
    with pytest.raises(bp.SymbpError, match=r"^W1: expected torch.float32, got torch.float64$"):
        function(tensors, torch.tensor(X))
    with pytest.raises(bp.SymbpError, match=r"^W1: expected a tensor, got ndarray$"):
        function(weights, torch.tensor(X))
