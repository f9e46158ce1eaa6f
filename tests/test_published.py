"""Published numbers: Matt Mazur's worked example, and the textbooks' 3-3-3 network."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp

ROOT = Path(__file__).parents[1]

# Matt Mazur, "A Step by Step Backpropagation Example" (2015).
X, TARGET = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
W1, B1 = np.array([[0.15, 0.20], [0.25, 0.30]]), np.full(2, 0.35)
W2, B2 = np.array([[0.40, 0.45], [0.50, 0.55]]), np.full(2, 0.60)
HIDDEN = [0.593269992, 0.596884378]
OUTPUT = [0.75136507, 0.77292847]
COST = 0.298371109
D_W2 = [[0.08216704, 0.08266763], [-0.02260254, -0.02274024]]
D_W1 = [[0.00043857, 0.00087714], [0.00049771, 0.00099543]]
W1_NEXT = [[0.149780716, 0.19956143], [0.24975114, 0.29950229]]
W2_NEXT = [[0.35891648, 0.408666186], [0.511301270, 0.561370121]]
COST_NEXT = 0.2910277737
RATE = 0.5


@pytest.fixture(scope="module")
def mazur() -> Any:
    network = bp.mlp(2, 2, 2, activation="sigmoid", loss="quadratic")
    return bp.compile(network, bp.SGD(RATE)).module


def digits(published: Any) -> Any:
    """Half a unit in the last place of each published number."""
    decimals = [len(repr(float(v)).split(".")[1]) for v in np.ravel(published)]
    return np.array([0.51 * 10.0**-d for d in decimals]).reshape(np.shape(published))


def agrees(found: Any, published: Any) -> bool:
    return bool(np.all(np.abs(np.asarray(found) - np.asarray(published)) <= digits(published)))


def test_mazurs_forward_pass(mazur: Any) -> None:
    parameters = (W1, B1, W2, B2)
    assert agrees(mazur.predict(parameters, X)[0], OUTPUT)
    assert agrees(mazur.loss(parameters, X, TARGET), COST)
    hidden = bp.mlp(2, 2, activation="sigmoid", loss="quadratic")
    assert agrees(bp.compile(hidden).module.predict((W1, B1), X)[0], HIDDEN)


def test_mazurs_gradients_and_the_cost_after_one_step(mazur: Any) -> None:
    _, gradient = mazur.gradient((W1, B1, W2, B2), X, TARGET)
    assert agrees(gradient.W2, D_W2)
    assert agrees(gradient.W1, D_W1)
    # He keeps the biases.
    first, second = W1 - RATE * gradient.W1, W2 - RATE * gradient.W2
    assert agrees(first, W1_NEXT)
    assert agrees(second, W2_NEXT)
    assert agrees(mazur.loss((first, B1, second, B2), X, TARGET), COST_NEXT)


def test_the_3_3_3_module_of_the_gallery_against_jax() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    path = ROOT / "generated" / "textbook_3_3_3.py"
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    generator = np.random.default_rng(3)
    parameters = {name: generator.normal(size=shape) for name, shape, _ in module._PARAMETERS}
    x, y = generator.normal(size=(5, 3)), generator.normal(size=(5, 3))

    def cost(p: dict[str, Any]) -> Any:
        hidden = jax.nn.sigmoid(x @ p["W1"].T + p["b1"])
        output = jax.nn.sigmoid(hidden @ p["W2"].T + p["b2"])
        return 0.5 * jax.numpy.mean(jax.numpy.sum((output - y) ** 2, axis=1))

    expected = jax.grad(cost)(parameters)
    _, found = module.gradient(parameters, x, y)
    for name, reference in expected.items():
        error = np.max(np.abs(getattr(found, name) - reference)) / np.max(np.abs(reference))
        assert error <= 1e-11
