"""trace gives the numbers that the module gives, on the graph of the formula as written."""

import math
from typing import Any

import numpy as np
import pytest

import symbp as bp

CASES: list[tuple[str, float, float, float]] = [
    ("log(1 + exp(x))", 1e4, 1e4, 1.0),
    ("log(1 + exp(x))", -1e4, 0.0, 0.0),
    ("1/(1 + exp(-x))", -1e4, 0.0, 0.0),
    ("-log(sigmoid(x))", -1e4, 1e4, -1.0),
    ("log(1 - tanh(x)**2)", 20.0, math.log(4) - 40 - 2 * math.log1p(math.exp(-40)), -2.0),
    ("exp(x)/(1 + exp(x))", 1e4, 1.0, 0.0),
    ("log(exp(x) - 1)", 1000.0, 1000.0, 1.0),
    ("log(softplus(x))", -1e4, -1e4, 1.0),
    ("log(sigmoid(x)/(1 - sigmoid(x)))", 700.0, 700.0, 1.0),
    ("(exp(x) - exp(-x))/(exp(x) + exp(-x))", 800.0, 1.0, 0.0),
    ("1 - sigmoid(x)", 40.0, math.exp(-40) / (1 + math.exp(-40)), -math.exp(-40)),
]


@pytest.mark.parametrize(("formula", "at", "value", "slope"), CASES)
def test_the_numbers_are_right_far_out(formula: str, at: float, value: float, slope: float) -> None:
    traced = bp.trace(formula, {"x": at})
    assert traced.value == pytest.approx(value, rel=1e-13, abs=1e-300)
    assert traced.gradient["x"] == pytest.approx(slope, rel=1e-13, abs=1e-300)
    assert not any(math.isnan(node.gradient or 0.0) for node in traced.nodes)


def test_the_graph_is_the_formula_as_written() -> None:
    far, near = (bp.trace("log(1 + exp(x))", {"x": x}) for x in (1e4, 1.0))
    assert [node.operation for node in far.nodes] == [node.operation for node in near.nodes]
    assert [str(node.expression) for node in far.nodes] == ["None", "exp(x)", "1 + v1", "log(v2)"]
    assert [node.value for node in far.nodes] == [1e4, math.inf, math.inf, 1e4]
    assert [node.gradient for node in far.nodes] == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("x", [1e4, -1e4, 30.0, 0.0])
def test_trace_and_module_agree(x: float) -> None:
    w, C = bp.parameter("w"), bp.tensor("C")
    body: Any = bp.log(1 + bp.exp(w)) - bp.log(1 - bp.sigmoid(w / 2))
    program = bp.Program([bp.Equation(C, body)], cost=C)
    module = bp.compile(program).module
    cost, gradient = module.gradient(module.Parameters(np.array(x)))
    traced = bp.trace(program, {"w": x})
    assert traced.value == pytest.approx(cost, rel=1e-13)
    assert traced.gradient["w"] == pytest.approx(float(gradient.w), rel=1e-13)


@pytest.mark.parametrize(
    "formula", ["max(max(x, y), z)", "min(x, min(y, z))", "max(max(x, y), max(y, z))"]
)
def test_nested_maxima_share_equally_on_the_edges_too(formula: str) -> None:
    traced = bp.trace(formula, {"x": 1, "y": 1, "z": 1})
    assert [node.name for node in traced.nodes] == ["x", "y", "z", "f"]
    assert [edge.value for edge in traced.edges] == pytest.approx([1 / 3] * 3)
    assert [traced.gradient[name] for name in "xyz"] == pytest.approx([1 / 3] * 3)


def test_the_slope_at_a_pole_is_infinite() -> None:
    assert bp.trace("3*x**-2", {"x": 0}).gradient["x"] == -math.inf
