"""Products, running sums, norms and variances over an index."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse

n, i, t = bp.indices("n i t", "N", 3, 5)
x, W = bp.input("x", n, i, t), bp.parameter("W", i, t)
C, q = bp.tensor("C"), bp.tensor("q", n)


def both(body: Any, w: Any) -> tuple[float, np.ndarray]:
    """Return a cost and its gradient by W."""
    program = reverse(normalise(bp.Program([bp.Equation(C, body)], cost=C)))
    ((_, gradient),) = program.gradients
    found = interpret(program, {"W": w})
    return float(found["C"]), found[gradient.name]


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_the_gradient_of_a_product_is_the_product_of_the_others(zeros: int) -> None:
    w = np.random.default_rng(1).normal(size=(3, 5))
    w.flat[:zeros] = 0
    value, gradient = both(bp.Prod(W[i, t], i, t), w)
    np.testing.assert_allclose(value, np.prod(w), rtol=1e-15)
    others = [np.prod(np.delete(w.ravel(), place)) for place in range(w.size)]
    np.testing.assert_allclose(gradient.ravel(), others, rtol=1e-14)


def test_running_sums_and_products_are_numpys() -> None:
    w = np.random.default_rng(2).normal(size=(3, 5))
    s, p = bp.tensor("s", i, t), bp.tensor("p", i, t)
    program = bp.Program(
        [
            bp.Equation(s[i, t], bp.cumsum(W[i, t], t) + bp.cumsum(W[i, t], i)),
            bp.Equation(p[i, t], bp.cumprod(1 + W[i, t] ** 2, t)),
            bp.Equation(C, bp.Sum(s[i, t] * p[i, t], i, t)),
        ],
        cost=C,
    )
    found = interpret(normalise(program), {"W": w})
    np.testing.assert_allclose(found["s"], np.cumsum(w, 1) + np.cumsum(w, 0), rtol=1e-14)
    np.testing.assert_allclose(found["p"], np.cumprod(1 + w**2, 1), rtol=1e-14)


def test_a_running_sum_takes_one_addition_a_value() -> None:
    long = bp.Index("t", 1000)
    v, s = bp.parameter("v", long), bp.tensor("s", long)
    equations = [
        bp.Equation(s[long], bp.cumsum(v[long], long)),
        bp.Equation(C, bp.Sum(s[long] ** 2, long)),
    ]
    program = reverse(normalise(bp.Program(equations, cost=C)))
    assert all(len(equation.domain) <= 1 for equation in program.equations)


NORMS: dict[str, tuple[Callable[[], Any], Callable[[np.ndarray], float]]] = {
    "2": (lambda: bp.norm(W[i, t], i, t), lambda w: np.linalg.norm(w.ravel())),
    "1": (lambda: bp.norm(W[i, t], i, t, ord=1), lambda w: np.linalg.norm(w.ravel(), 1)),
    "3": (lambda: bp.norm(W[i, t], i, t, ord=3), lambda w: np.linalg.norm(w.ravel(), 3)),
    "inf": (
        lambda: bp.norm(W[i, t], i, t, ord=math.inf), lambda w: np.linalg.norm(w.ravel(), math.inf)
    ),
    "var": (lambda: bp.var(W[i, t], i, t), np.var),
    "std": (lambda: bp.std(W[i, t], i, t), np.std),
    "var, ddof 1": (lambda: bp.var(W[i, t], i, t, ddof=1), lambda w: np.var(w, ddof=1)),
    "min": (lambda: bp.Min(W[i, t], i, t), np.min),
}  # fmt: skip


@pytest.mark.parametrize("name", NORMS)
def test_norms_variances_and_the_minimum_are_numpys(name: str) -> None:
    w = np.random.default_rng(3).normal(size=(3, 5))
    body, reference = NORMS[name]
    value, gradient = both(body(), w)
    np.testing.assert_allclose(value, reference(w), rtol=1e-14)
    for place in ((0, 0), (2, 3), np.unravel_index(np.argmin(w), w.shape)):
        step = np.zeros_like(w)
        step[place] = 1e-6
        slope = (reference(w + step) - reference(w - step)) / 2e-6
        np.testing.assert_allclose(gradient[place], slope, rtol=1e-6, atol=1e-9)


def test_equal_values_have_a_deviation_with_the_gradient_0() -> None:
    value, gradient = both(bp.std(W[i, t], i, t) + bp.norm(W[i, t] - 2, i, t), np.full((3, 5), 2.0))
    assert value == 0
    assert not gradient.any()


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "a product over the batch": (
        lambda: bp.Program([bp.Equation(C, bp.Prod(q[n], n))], cost=C),
        r"C: Prod\(q\[n\], n\): n has N values, known at run time only",
    ),
    "a running sum over the batch": (
        lambda: bp.Program([bp.Equation(q[n], bp.cumsum(x[n, 0, 0], n))], cost=C),
        "n has N values, known at run time only, and counts the examples; bp.cumsum takes an index",
    ),
    "another index": (lambda: bp.cumsum(q[n], t), r"bp.cumsum\(q\[n\], t\): t is not in it"),
    "no index": (lambda: bp.cumprod(q[n], "n"), "expected an index, got 'n'"),
    "nothing to run over": (lambda: bp.Prod(q[n]), "expected an index to reduce over"),
    "an exponent below 1": (lambda: bp.norm(q[n], n, ord=0.5), "a number from 1 on or math.inf"),
    "no exponent": (lambda: bp.norm(q[n], n, ord="fro"), "a number from 1 on or math.inf"),
    "too few values": (lambda: bp.var(W[i, t], i, ddof=3), "3 values less 3 are none"),
    "a broken ddof": (lambda: bp.std(W[i, t], i, ddof=0.5), "ddof: expected a whole number"),
    "a free index": (lambda: bp.Equation(C, bp.cumsum(W[i, t], t)), "is free on the right"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes_are_answered_in_one_line(name: str) -> None:
    make, message = BAD[name]
    with pytest.raises(bp.NotationError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
