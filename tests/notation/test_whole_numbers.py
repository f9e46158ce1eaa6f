"""Whole numbers in subscripts: rolling, upsampling, offsets of data, and what they must be."""

from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.gradient_program import gradient_program
from symbp.calculus.interpreter import interpret
from symbp.notation.whole_numbers import Limit, span_of

jax.config.update("jax_enable_x64", True)

I = 5
n, i, u = bp.indices("n i u", "N", I, 3 * I)
x, length = bp.input("x", n, i), bp.input("length", n, kind="integer")
C = bp.tensor("C")


def limit_of(value: Any) -> Limit:
    """Return what the length must be where a program reads a value."""
    bound = [n, i] if value.has(i) else [n]
    equation = bp.Equation(C, bp.Sum(value, *bound))
    return bp.Program([equation], cost=C).integer_limits.get(length, Limit(None, None))


@pytest.mark.parametrize(
    ("subscript", "text"),
    [
        ((i + 1) % I, "(i + 1) % 5"),
        (i % I, "i"),
        (i // I, "0"),
        (u // 3, "u // 3"),
        ((u + 1) // 2 % I, "((u + 1) // 2) % 5"),
        (length[n] - 1, "length[n] - 1"),
        (length[n] - 1 - i, "length[n] - i - 1"),
        ((i - length[n]) % I, "(i - length[n]) % 5"),
        (length[n] // 2, "length[n] // 2"),
        ((length[n] + 7) % np.int64(I), "(length[n] + 7) % 5"),
        (2 * (i + 1) - i, "i + 2"),
    ],
)
def test_subscripts_print_as_they_are_written(subscript: Any, text: str) -> None:
    assert str(x[n, subscript]) == f"x[n, {text}]"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (x[n, length[n] - 1], Limit(1, I + 1)),
        (x[n, length[n]], Limit(0, I)),
        (x[n, 3 - length[n]], Limit(-1, 4)),
        (x[n, 2 * length[n] + 1], Limit(0, 2)),
        (x[n, length[n] // 2], Limit(0, 2 * I)),
        (x[n, (i + length[n]) % I], Limit(None, None)),
        # Guards that speak of the data count.
        (bp.where(i < length[n], x[n, length[n] - 1 - i], 0), Limit(None, I + 1)),
        (bp.where(length[n] > 0, x[n, length[n] - 1], 0), Limit(None, I + 1)),
        (bp.where(i + length[n] < I, x[n, i + length[n]], 0), Limit(0, None)),
        # Two subscripts: both.
        (x[n, length[n] - 1] * x[n, length[n]], Limit(1, I)),
    ],
)  # fmt: skip
def test_what_data_must_be(value: Any, expected: Limit) -> None:
    assert limit_of(value) == expected


def test_data_that_are_not_so_are_refused_by_modules() -> None:
    W = bp.parameter("W", i)
    program = bp.Program([bp.Equation(C, bp.Mean(W[i] * x[n, i] * x[n, length[n] - 1], n, i))], C)
    module = bp.compile(program, bp.SGD(0.1), dtype="float64").module
    parameters = module.initial_parameters(0)
    rows = np.ones((2, I))
    with pytest.raises(ValueError, match="is 0, expected an integer from 1 to 5"):
        module.loss(parameters, rows, np.array([0, 5]))
    with pytest.raises(ValueError, match="is 6, expected an integer from 1 to 5"):
        module.loss(parameters, rows, np.array([6, 5]))
    assert module.check_gradient()


def test_quotients_are_not_rounded() -> None:
    # 49 * (1/49) is not 1.
    wide, out = bp.Index("t", 120), bp.tensor("out", bp.Index("t", 120))
    w = bp.parameter("w", bp.Index("q", 3))
    program = bp.Program([bp.Equation(out[wide], w[wide // 49] + wide // 49 - (wide + 48) // 49)])
    found = interpret(program, {"w": np.arange(3.0)})["out"]
    at = np.arange(120)
    assert np.array_equal(found, 2 * (at // 49) - (at + 48) // 49)


def random_subscript(generator: np.random.Generator, depth: int = 2) -> Any:
    """Return a whole number of i and the length, not yet inside of anything."""
    a, b, c = (int(k) for k in generator.integers(-3, 4, 3))
    number = a * i + b * length[n] + c
    for _ in range(depth):
        divisor = int(generator.integers(2, 9))
        kind = generator.integers(3)
        if kind == 0:
            number = number % divisor + int(generator.integers(3)) * i
        elif kind == 1:
            number = (number + int(generator.integers(5))) // divisor + i
    return number


@pytest.mark.parametrize("seed", range(12))
def test_random_subscripts_are_those_of_python(seed: int) -> None:
    generator = np.random.default_rng(seed)
    W, h = bp.parameter("W", i, bp.Index("k", I)), bp.tensor("h", n, i)
    k = bp.Index("k", I)
    first, second = random_subscript(generator), random_subscript(generator)
    program = bp.Program(
        [
            bp.Equation(h[n, i], bp.Sum(W[i, k] * x[n, k], k)),
            bp.Equation(C, bp.Mean(h[n, first % I] * bp.sin(h[n, second % I]) + h[n, i], n, i)),
        ],
        cost=C,
    )
    values = {
        "W": generator.normal(size=(I, I)),
        "x": generator.normal(size=(4, I)),
        "length": generator.integers(-9, 10, 4),
    }

    def places(subscript: Any) -> Any:
        scope = {"i": np.arange(I), "l": values["length"][:, None]}
        return np.broadcast_to(_evaluated(subscript % I, scope), (4, I)).astype(int)

    def cost(weights: Any) -> Any:
        h = values["x"] @ weights.T
        rows = np.arange(4)[:, None]
        return jnp.mean(h[rows, places(first)] * jnp.sin(h[rows, places(second)]) + h)

    derived = gradient_program(program).differentiated
    found = interpret(derived, values)
    ((_, gradient),) = derived.gradients
    assert np.isclose(found["C"], cost(values["W"]), rtol=1e-13, atol=1e-13)
    assert np.allclose(found[gradient.name], jax.grad(cost)(values["W"]), rtol=1e-12, atol=1e-13)


def _evaluated(node: Any, scope: dict[str, Any]) -> Any:
    """Evaluate by exact fractions, which share nothing with the package."""
    if node.is_Symbol:
        return scope["i"].astype(object)
    if getattr(node, "is_element", False):
        return scope["l"].astype(object)
    if node.is_Rational:
        return Fraction(int(node.p), int(node.q))
    parts = [_evaluated(part, scope) for part in node.args]
    if node.is_Add:
        return sum(parts[1:], parts[0])
    if node.is_Mul:
        result = parts[0]
        for part in parts[1:]:
            result = result * part
        return result
    if type(node).__name__ in ("floor", "Quotient"):
        return np.vectorize(lambda value: value // 1, otypes=[object])(parts[0])
    return np.vectorize(lambda value: int(value % int(parts[1])), otypes=[int])(parts[0])


def test_spans() -> None:
    assert span_of(2 * i - 3).is_within(-3, 5)
    assert not span_of(2 * i - 3).is_within(-2, 5)
    assert span_of((u + 1) // 4).is_within(0, 3)
    assert span_of(length[n] - 1).low is None
    assert span_of(length[n] - 1, {length: Limit(1, 6)}).is_within(0, 4)


def test_of_data_they_are_no_values() -> None:
    m = bp.tensor("m", n)
    for value in (length[n] % 2, length[n] // 2, bp.where(sympy.Eq(length[n] % 2, 0), 1, 2)):
        with pytest.raises(bp.NotationError, match=r"as values they are bp.mod\(a, b\)"):
            bp.Equation(m[n], value)
    bp.Equation(m[n], bp.mod(length[n], 2) + bp.floor(length[n] / 2))


def test_zero_divides_nothing() -> None:
    x = bp.input("x", n, i)
    with pytest.raises(bp.NotationError, match="a subscript of x is divided by zero"):
        x[n, i // 0]
