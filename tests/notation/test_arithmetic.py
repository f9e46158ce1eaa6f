"""Sums, products and powers: the written order is kept, from the formula to the module."""

import itertools
import random
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.notation.arithmetic import Plus, Times
from symbp.notation.collected import product_of, sum_of

n, j, k = bp.indices("n j k", "N", 3, 4)
x, w, b = bp.input("x", n, j), bp.parameter("w", j), bp.parameter("b")
X, W, B = x[n, j], w[j], b[()]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ((X + B) - B, "x[n, j] + b - b"),
        (X - (W - B), "x[n, j] - (w[j] - b)"),
        (X + (W + B), "x[n, j] + (w[j] + b)"),
        (2 * (X + W), "2*(x[n, j] + w[j])"),
        (-(X + W), "-(x[n, j] + w[j])"),
        ((X + W) / 3, "(x[n, j] + w[j])/3"),
        (-1e9 * (1 - X) + W * B, "-1000000000.0*(1 - x[n, j]) + w[j]*b"),
        ((X - 1) * 1e30, "1.0e+30*(x[n, j] - 1)"),
        (X * (W * B), "x[n, j]*(w[j]*b)"),
        (X / (W * B), "x[n, j]/(w[j]*b)"),
        ((X * W) ** 2, "(x[n, j]*w[j])**2"),
        (bp.sqrt(4 * X), "sqrt(4*x[n, j])"),
        (2 * (bp.exp(X) + 1), "2*(exp(x[n, j]) + 1)"),
        (3 * (bp.Sum(w[j], j) - 1), "3*(Sum(w[j], j) - 1)"),
        (bp.exp(X) * bp.exp(W), "exp(x[n, j])*exp(w[j])"),
        (bp.exp(X) ** 2, "exp(x[n, j])**2"),
        (bp.tanh(X - W), "tanh(x[n, j] - w[j])"),
        ((X * W) * 1e300, "x[n, j]*w[j]*1.0e+300"),
        (B * sympy.Mul(X, 3), "b*(3*x[n, j])"),
        (B * sympy.Add(X, 3), "b*(x[n, j] + 3)"),
    ],
)
def test_what_is_written_stays_as_it_was_written(written: Any, text: str) -> None:
    assert str(written) == text
    assert written.func(*written.args) == written


@pytest.mark.parametrize(
    ("written", "simpler"),
    [
        (X + 0, X), (1 * X, X), (0 * X, 0), (X - X, 0), (-(1 * -X), X), (X * X, X**2), (X / X, 1),
        (3 * (2 * X), 6 * X), (1 / (1 / X), X), (bp.sqrt(X**2), abs(X)), (X**1, X), (X**0, 1),
        (bp.log(bp.exp(X)), X), (bp.exp(bp.log(X)), X), (bp.exp(0 * X), 1),
    ],
)  # fmt: skip
def test_what_is_exact_is_simplified(written: Any, simpler: Any) -> None:
    assert written == simpler


def test_what_a_pass_derives_has_no_written_order() -> None:
    assert sum_of(X, W, -X) == W
    assert sum_of(X * W, W * X) == 2 * X * W
    assert product_of(X, 1 / X, W) == W
    assert str(product_of(W, 2, X * 3, B)) == "6*b*w[j]*x[n, j]"


def test_the_user_s_own_session_of_sympy_does_not_notice() -> None:
    s, t = sympy.symbols("s t")
    assert str(2 * (s + t)) == "2*s + 2*t"
    assert (s + t) - t == s
    assert type(sympy.exp(s) + 1) is sympy.Add
    assert sympy.core.parameters.global_parameters.distribute


def test_sympy_s_own_functions_are_translated() -> None:
    equation = bp.Equation(bp.tensor("C"), sympy.exp(B) * sympy.sqrt(1 + sympy.tanh(B)))
    assert type(equation.body) is Times
    assert all(type(node).__module__.startswith("symbp") for node in equation.body.atoms(
        sympy.Function, sympy.Pow, sympy.Add))  # fmt: skip


def masked(dtype: str) -> Any:
    """Return scores with the usual mask: ``-1e9 (1 - m) + q·w``."""
    m, q, s = bp.input("m", n, j), bp.parameter("q", k), bp.tensor("s", n, j)
    h, C = bp.input("h", n, k), bp.tensor("C")
    scores = bp.Equation(s[n, j], -1e9 * (1 - m[n, j]) + bp.Sum(h[n, k] * q[k], k))
    cost = bp.Equation(C, bp.Sum(s[n, j], n, j))
    return bp.compile(bp.Program([scores, cost], cost=C, output=s), dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mask_leaves_the_scores_it_does_not_hide(dtype: str) -> None:
    trainer = masked(dtype)
    trainer.parameters.q[:] = [1.0, 0.1, 0.0, 0.0]
    h, m = np.zeros((2, 4), dtype), np.array([[1, 1, 0], [1, 0, 1]], dtype)
    h[0], h[1] = [1, 1, 0, 0], [0, 1, 0, 0]
    found = np.asarray(trainer.predict(m, h) if _first_is_mask(trainer) else trainer.predict(h, m))
    expected = np.array([[1.1, 1.1, -1e9], [0.1, -1e9, 0.1]])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def _first_is_mask(trainer: Any) -> bool:
    return trainer.module._ARGUMENTS[0][0] == "m"


def trees(seed: int, count: int) -> list[Any]:
    """Return random formulas of sums, differences, products and quotients."""
    draw = random.Random(seed)
    leaves = [X, W, B, sympy.Integer(3), sympy.Float(0.1), sympy.Float(1e8), sympy.Float(-1e-7)]

    def tree(depth: int) -> Any:
        if depth == 0 or draw.random() < 0.15:
            return draw.choice(leaves)
        left, right = tree(depth - 1), tree(depth - 1)
        operation = draw.choice("++--**/n")
        if operation == "/":
            return left / (right * right + 1)
        if operation == "n":
            return -(left - right)
        return {"+": left + right, "-": left - right, "*": left * right}[operation]

    found = (tree(4) for _ in itertools.count())
    return list(itertools.islice((t for t in found if t.has(X)), count))


# The module is one loop with all formulas in it, which takes long to compile.
@pytest.mark.parametrize("count", [12, pytest.param(40, marks=pytest.mark.slow)])
def test_the_interpreter_and_the_module_evaluate_the_tree_that_was_written(count: int) -> None:
    formulas = trees(0, count)
    f = bp.Index("f", len(formulas))
    out, C = bp.tensor("out", n, j, f), bp.tensor("C")
    body = sympy.S.Zero
    for position, formula in reversed(list(enumerate(formulas))):
        body = bp.where(sympy.Eq(f, position), formula, body)
    program = bp.Program(
        [bp.Equation(out[n, j, f], body), bp.Equation(C, bp.Sum(out[n, j, f], n, j, f))],
        cost=C, output=out,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    values = {
        "x": rng.normal(size=(5, 3)) * 10.0 ** rng.integers(-6, 7, (5, 3)),
        "w": rng.normal(size=3), "b": np.asarray(1e8 * rng.normal()),
    }  # fmt: skip
    expected = np.empty((5, 3, len(formulas)))
    for position, formula in enumerate(formulas):
        expected[..., position] = evaluate(formula, values)
    np.testing.assert_array_equal(interpret(normalise(program), values)["out"], expected)
    trainer = bp.compile(program)
    trainer.parameters.w[:], trainer.parameters.b[...] = values["w"], values["b"]
    found = trainer.predict(values["x"])
    # A product and a sum may be one instruction, rounded once: see docs/vector_maths.md.
    scale = np.maximum(np.abs(expected), evaluate_size(formulas, values))
    np.testing.assert_array_less(np.abs(found - expected), 1e-15 * scale + 1e-300)


def evaluate(node: Any, values: dict[str, Any]) -> Any:
    """Evaluate a formula as Python would: each operation rounded, from left to right."""
    if node.is_Number:
        return np.float64(float(node))
    if getattr(node, "is_element", False):
        value = values[node.tensor.name]
        return np.broadcast_to(value, (5, 3))
    if isinstance(node, Plus):
        total = evaluate(node.args[0], values)
        for term in node.args[1:]:
            total = total + evaluate(term, values)
        return total
    if isinstance(node, Times):
        total = evaluate(node.args[0], values)
        for factor in node.args[1:]:
            if isinstance(factor, sympy.Pow) and factor.exp == -1:
                total = total / evaluate(factor.base, values)
            else:
                total = total * evaluate(factor, values)
        return total
    base, exponent = node.args
    value = evaluate(base, values)
    return {2: value * value, 3: value * value * value, -1: 1 / value}[int(exponent)]


def evaluate_size(formulas: list[Any], values: dict[str, Any]) -> Any:
    """Return how large the terms of each formula are together: what a fused rounding is of."""

    def size(node: Any) -> Any:
        if node.is_Number or getattr(node, "is_element", False):
            return np.abs(evaluate(node, values))
        if isinstance(node, Plus):
            return sum(size(term) for term in node.args)
        if isinstance(node, Times):
            result: Any = 1.0
            for factor in node.args:
                below = isinstance(factor, sympy.Pow) and factor.exp == -1
                result = result * (np.abs(evaluate(factor, values)) if below else size(factor))
            return result
        return size(node.args[0]) ** int(node.args[1])

    return np.stack([np.broadcast_to(size(f), (5, 3)) for f in formulas], axis=-1)


def test_a_product_is_made_anew_from_its_factors() -> None:
    N = bp.batch_extent()
    for product in (
        product_of(sympy.Rational(1, 2), 1 / N, X), -X * W, 1e300 * X * W, -1e300 * X * W,
        X * W * 1e300, X * (W * B), 3 * X / W, bp.Mean(X**2, n, j), -(X + W) / N, 2 * n * X,
    ):  # fmt: skip
        assert product.func(*product.args) == product, product


def test_terms_are_added_one_after_another_or_stay_apart() -> None:
    assert Plus(X + W, B).args == (X, W, B)
    assert Plus.apart(X + W, B).args == (X + W, B)
    assert Plus.apart(sympy.S.Zero, X, sympy.S.Zero) == X
    assert Plus.apart() == 0
