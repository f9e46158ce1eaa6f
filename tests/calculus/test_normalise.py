"""normalise: every reduction gets an equation of its own, and no value changes."""

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.notation.functions import where
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element
from tests import jax_oracle
from tests.comparison import assert_close
from tests.programs import PROGRAMS
from tests.strategies import programs


def assert_normal(program: bp.Program) -> None:
    """Assert what the other passes rely on."""
    names = [tensor.name for tensor in program.tensors]
    assert len(set(names)) == len(names)
    for equation in program.equations:
        assert not equation.body.has(Reduction)
        assert len(set(equation.domain)) == len(equation.domain)
        assert equation.body.free_symbols <= {*equation.domain, program.batch}
        if equation.operation == "max":
            computed = [n for n in equation.body.args if n.has(Element)]
            assert isinstance(equation.body, (Element, where)) or not computed


@settings(max_examples=20)
@given(programs())
def test_normalising_changes_no_value(example: tuple[bp.Program, dict[str, Any]]) -> None:
    program, values = example
    normal = normalise(program)
    assert_normal(normal)
    result = interpret(normal, values)
    expected = jax_oracle.evaluate(program, values)
    assert_close({name: result[name] for name in expected}, expected)


@settings(max_examples=20)
@given(programs())
def test_normalising_twice_is_normalising_once(example: tuple[bp.Program, Any]) -> None:
    once = normalise(example[0])
    assert [str(e) for e in normalise(once).equations] == [str(e) for e in once.equations]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_of_the_suite_are_normal_afterwards(name: str) -> None:
    assert_normal(normalise(PROGRAMS[name]()[0]))


def scalar_of(body: Any, x: Any) -> float:
    """Return the value of a scalar formula of the vector ``x[k]`` after normalisation."""
    f = bp.tensor("f")
    program = normalise(bp.Program([bp.Equation(f, body)]))
    assert_normal(program)
    return float(interpret(program, {"x": x})["f"])


k = bp.Index("k", 3)
x = bp.input("x", k)
X = np.array([0.5, -1.0, 2.0])
LSE = np.log(np.exp(X).sum())


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (-bp.Max(x[k], k), -2.0),
        (-2 * bp.LogSumExp(x[k], k), -2 * LSE),
        (bp.Max(x[k], k) + bp.Max(-x[k], k), 3.0),
        (3 * (bp.Sum(x[k], k) - bp.Max(x[k], k)), 3 * (1.5 - 2.0)),
        (bp.Sum(bp.Sum(x[k], k), k), 4.5),
        (bp.Sum(bp.Sum(x[k], k) * x[k], k), 2.25),
        (bp.Sum(x[k], k) * bp.Sum(x[k], k), 2.25),
        (bp.Sum(1, k), 3.0),
        (bp.Max(k, k), 2.0),
        (bp.Sum(bp.Max(x[k] * k, k), k), 12.0),
        (bp.Max(bp.Sum(x[k], k), k), 1.5),
        (bp.where(bp.Sum(x[k], k) > 1, bp.Sum(x[k] ** 2, k), 0), 5.25),
        (bp.Sum(bp.where(sympy.Gt(k, 0), bp.Sum(x[k], k), 0), k), 3.0),
        (bp.Sum(bp.where(sympy.Gt(k, 0), bp.Max(x[k - 1] * x[k], k.fresh()), 0), k), -2.5),
        (bp.Max(bp.where(sympy.Lt(k, 2), x[k], -sympy.oo), k), 0.5),
        (bp.LogSumExp(bp.where(sympy.Lt(k, 1), x[k], -sympy.oo), k), 0.5),
    ],
    ids=str,
)
def test_a_formula_keeps_its_value(body: Any, value: float) -> None:
    assert scalar_of(body, X) == pytest.approx(value, rel=1e-15)


def test_a_sum_that_is_reduced_by_maximum_is_stored_first() -> None:
    j = bp.Index("j", 2)
    m = bp.tensor("m", j)
    given_ = bp.Equation(m[j], bp.sigmoid(x[k]) * j, reduce=(k,), operation="max")
    program = normalise(bp.Program([given_]))
    assert_normal(program)
    expected = np.array([0.0, 1 / (1 + np.exp(-2.0))])
    np.testing.assert_allclose(interpret(program, {"x": X})["m"], expected)
