"""The option derivatives="accurate", from the command line to the numbers."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import symbp as bp
from symbp.cli import app
from symbp.compiler import load_module, module_source


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_a_saturated_layer_still_has_a_gradient(activation):
    net = bp.mlp(1, 1, activation=activation, loss="quadratic")
    size = 30.0 if activation == "sigmoid" else 15.0  # sigmoid' = e^-30, tanh' = 4 e^-30
    right = (1 if activation == "sigmoid" else 4) * np.exp(-30.0)
    found = {}
    for form in ("fast", "accurate"):
        module = bp.compile(net, dtype="float32", derivatives=form).module
        parameters = module.Parameters(np.ones((1, 1), "float32"), np.zeros(1, "float32"))
        x, y = np.full((1, 1), size, "float32"), np.zeros((1, 1), "float32")
        found[form] = float(module.gradient(parameters, x, y)[1].b1[0])
    assert found["fast"] == 0
    assert found["accurate"] == pytest.approx(right, rel=1e-6)


def test_the_command_line_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    arguments = ["generate", "2-3-1", "-o", str(path), "--dtype", "float64"]
    result = CliRunner().invoke(app, [*arguments, "--derivatives", "accurate"])
    assert result.exit_code == 0, result.output
    assert "accurate derivatives." in path.read_text(encoding="utf-8")
    load_module(path).check_gradient()


def test_a_network_without_flat_functions_is_computed_the_same() -> None:
    net = bp.mlp(3, 4, 2, activation="relu", loss="softmax_cross_entropy")
    fast = module_source(net).splitlines()
    accurate = module_source(net, derivatives="accurate").splitlines()
    other = [line for line in accurate if line not in fast]
    assert other == ["SGD(learning_rate=0.1), accurate derivatives."]
