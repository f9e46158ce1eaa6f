"""The errors of derivatives, as docs/vector_maths.md states them, and where they are exact."""

import re
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.notation.functions import OPERATIONS
from symbp.notation.prime import Prime
from symbp.notation.standard import erf, tanh
from tests.targets.numba.vector_maths.derivatives import (
    FLAT,
    FORMULAS,
    derivatives,
    largest_errors,
)
from tests.targets.numba.vector_maths.functions import runtime_function

PAGE = Path(__file__).parents[4] / "docs" / "vector_maths.md"
DTYPES = ("float32", "float64")
# A module for each formula, and sixty digits at each point: the other precision takes as long.
COMPILED = (pytest.param("float32", marks=pytest.mark.slow), "float64")
STEEP = [name for name in FORMULAS if name not in FLAT]


def stated(name: str, columns: int) -> list[float]:
    """Return the errors that the page states for a derivative."""
    pattern = rf"^\| `{re.escape(name)}` ((?:\|[^|\n]*){{{columns}}})\|$"
    row = re.search(pattern, PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row, f"no row for {name}"
    return [float(cell) for cell in row.group(1).split("|")[1:]]


@pytest.mark.parametrize("dtype", COMPILED)
def test_derivatives_are_as_right_as_the_page_says(dtype):
    errors = largest_errors(dtype, "fast")
    for name in STEEP:
        error, place = errors[name]
        bound = stated(name, 2)[DTYPES.index(dtype)]
        assert error <= 1.25 * bound + 0.25, f"{name}: {error} at {place!r}, stated {bound}"
        assert bound < 3


@pytest.mark.parametrize("dtype", COMPILED)
def test_accurate_derivatives_are_as_right_as_the_page_says(dtype):
    errors = largest_errors(dtype, "accurate")
    for name in FLAT:
        error, place = errors[name]
        bound = stated(name, 4)[2 + DTYPES.index(dtype)]
        assert error <= 1.25 * bound + 0.25, f"{name}: {error} at {place!r}, stated {bound}"
        assert bound < 3


@pytest.mark.parametrize("dtype", COMPILED)
def test_fast_derivatives_of_flat_functions_are_right_beside_one(dtype):
    with mp.workdps(60):
        for name in FLAT:
            x, found = derivatives(dtype, "fast")[name]
            for point, value in zip(x.tolist(), found.tolist(), strict=True):
                error = abs(mpf(value) - FORMULAS[name][1](mpf(point)))
                size = 1 + min(abs(point), 50)
                assert error <= 2 * size * np.finfo(dtype).eps, f"{name} at {point!r}"


@pytest.mark.parametrize("dtype", COMPILED)
@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "silu", "relu", "elu", "softplus", "erf"])
def test_derivatives_at_infinity_are_their_limits(dtype, name):
    x, found = derivatives(dtype, "fast")[name]
    right = 0.0 if name == "erf" else 1.0
    assert found[x == -np.inf].tolist() == [0.0]
    assert found[x == np.inf].tolist() == [right]


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "silu"])
def test_the_interpreter_has_the_same_values_at_infinity(name):
    i = bp.Index("i", 4)
    x, f, g = bp.parameter("x", i), bp.tensor("f", i), bp.tensor("g", i)
    function = getattr(bp, name)
    equations = [
        bp.Equation(f[i], function(x[i])),
        bp.Equation(g[i], Prime(function(x[i])), origin=bp.notation.equation.Origin("reverse")),
    ]
    points = [-np.inf, -1e200, 1e200, np.inf]
    found = interpret(bp.Program(equations, derived=True), {"x": points})
    assert found["f"].tolist() == [0.0, 0.0, 1e200, np.inf]
    assert found["g"].tolist() == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("function", [bp.gelu, bp.gelu_tanh, bp.silu, erf, tanh, bp.sigmoid])
def test_every_form_of_a_derivative_is_the_same_function(function):
    i = bp.Index("i", 61)
    x = bp.parameter("x", i)
    prime = Prime(function(x[i]))
    points = np.linspace(-6, 6, 61)
    values = []
    for form in ("textbook", "fast", "accurate"):
        g = bp.tensor("g", i)
        origin = bp.notation.equation.Origin("reverse")
        program = bp.Program([bp.Equation(g[i], prime.rule(form), origin=origin)], derived=True)
        values.append(interpret(program, {"x": points})["g"])
    np.testing.assert_allclose(values[1], values[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(values[2], values[0], rtol=0, atol=1e-14)


def test_computed_derivatives_are_kernels_and_have_no_name_for_users():
    for record in OPERATIONS.values():
        if record.computed is None:
            continue
        (rule,) = record.computed(bp.parameter("x")[()])
        assert runtime_function(type(rule).__name__, "float64")
        assert type(rule).__name__ not in OPERATIONS


def test_a_form_that_is_unknown_is_refused():
    with pytest.raises(bp.SymbpError, match="derivatives: expected 'fast' or 'accurate'"):
        bp.compile(bp.mlp(2, 2, 1), derivatives="exact")
