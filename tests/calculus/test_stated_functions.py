"""Powers, weighted logarithms, norms: values, second derivatives, what prints and is emitted."""

from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.special
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.ranges import Ranges
from symbp.calculus.reverse import reverse
from symbp.calculus.zero_weights import closed, opened
from symbp.compiler import module_source
from symbp.notation.program import Program
from symbp.notation.singular import (
    absorbing_product,
    half_reciprocal,
    norm,
    plainly,
    power_log,
    power_slope,
)

jax.config.update("jax_enable_x64", True)

E = bp.Equation
C = bp.tensor("C")
x, y = bp.parameter("x"), bp.parameter("y")


def hessian(body: Any, at: dict[str, float]) -> np.ndarray:
    """Return the second derivatives of a formula in x and y, by reverse mode applied twice."""
    first = reverse(normalise(Program([E(C, body)], cost=C)))
    rows = []
    for _, gradient in first.gradients:
        # Without the first cost, whose adjoints are ordinary tensors now.
        second = reverse(first.replace(cost=gradient, gradients=()), [x, y])
        found = interpret(second, at)
        rows.append([float(found[tensor.name]) for _, tensor in second.gradients])
    return np.array(rows)


FORMULAS = {
    "power": (lambda u, v: u**v, lambda u, v: u**v),
    "xlogy": (bp.xlogy, lambda u, v: u * mpmath.log(v)),
    "xlog1py": (bp.xlog1py, lambda u, v: u * mpmath.log(1 + v)),
    "norm": (lambda u, v: bp.sqrt(u**2 + v**2), lambda u, v: mpmath.sqrt(u**2 + v**2)),
    "slope": (power_slope, lambda u, v: v * u ** (v - 1)),
    "growth": (power_log, lambda u, v: u**v * mpmath.log(u)),
    "maximum": (
        lambda u, v: sympy.Max(u**2, v, u * v) * u, lambda u, v: max(u**2, v, u * v) * u
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("point", [(0.7, 1.3), (2.5, 3.0), (1.0, 0.25)])
def test_first_and_second_derivatives_are_those_of_the_formula(
    name: str, point: tuple[float, float]
) -> None:
    ours, exact = FORMULAS[name]
    at = dict(zip("xy", point, strict=True))
    with mpmath.workdps(50):
        first = [mpmath.diff(exact, point, n) for n in ((1, 0), (0, 1))]
        second = [[mpmath.diff(exact, point, n) for n in row]
                  for row in (((2, 0), (1, 1)), ((1, 1), (0, 2)))]  # fmt: skip
    differentiated = reverse(normalise(Program([E(C, ours(x[()], y[()]))], cost=C)), [x, y])
    found = interpret(differentiated, at)
    gradients = [float(found[tensor.name]) for _, tensor in differentiated.gradients]
    np.testing.assert_allclose(gradients, np.array(first, float), rtol=1e-12)
    np.testing.assert_allclose(
        hessian(ours(x[()], y[()]), at), np.array(second, float), rtol=1e-11, atol=1e-13
    )


@pytest.mark.parametrize(
    ("body", "at", "expected"),
    [
        (lambda: x**y, {"x": 0.0, "y": 2.0}, [[2, 0], [0, 0]]),
        (lambda: x**y, {"x": 0.0, "y": 3.0}, [[0, 0], [0, 0]]),
        (lambda: x**y, {"x": 2.0, "y": 0.0}, [[0, 0.5], [0.5, np.log(2) ** 2]]),
        (lambda: x**3 + y**2, {"x": 0.0, "y": 0.0}, [[0, 0], [0, 2]]),
        (lambda: bp.sqrt(x**2 + y**2), {"x": 0.0, "y": 0.0}, [[0, 0], [0, 0]]),
        (lambda: bp.where(x > 0, bp.sqrt(x), x * y), {"x": 0.0, "y": 1.0}, [[0, 1], [1, 0]]),
    ],
)
def test_second_derivatives_at_zero_are_finite(
    body: Any, at: dict[str, float], expected: list[list[float]]
) -> None:
    np.testing.assert_allclose(hessian(body(), at), expected, atol=1e-15)


def values_of(body: Any, points: np.ndarray) -> np.ndarray:
    (i,) = bp.indices("i", len(points))
    u, v, f = bp.parameter("u", i), bp.parameter("v", i), bp.tensor("f", i)
    program = Program([E(f[i], body(u[i], v[i]))])
    return interpret(program, {"u": points[:, 0], "v": points[:, 1]})["f"]


GRID = np.array([
    (u, v)
    for u in (0.0, -0.0, 1.0, -2.0, 3.5, np.inf, -np.inf, np.nan)
    for v in (0.0, -0.0, 1.0, -1.0, -3.0, 1e-300, np.inf, -np.inf, np.nan)
])  # fmt: skip


def test_values_are_scipys_at_every_kind_of_number() -> None:
    with np.errstate(all="ignore"):
        for ours, theirs in ((bp.xlogy, scipy.special.xlogy), (bp.xlog1py, scipy.special.xlog1py)):
            np.testing.assert_array_equal(values_of(ours, GRID), theirs(*GRID.T))
        plain = GRID[:, 0] * GRID[:, 1]
        expected = np.where(GRID[:, 0] == 0, 0, plain)
        np.testing.assert_array_equal(values_of(absorbing_product, GRID), expected)


def test_modules_have_the_same_values_at_every_kind_of_number() -> None:
    n, k = bp.indices("n k", "N", 6)
    u, v, w = bp.input("u", n), bp.input("v", n), bp.parameter("w")
    f = bp.tensor("f", n, k)
    functions = [bp.xlogy, bp.xlog1py, absorbing_product, power_slope, power_log,
                 lambda a, b: half_reciprocal(a) + norm(b)]  # fmt: skip
    rows = [bp.where(sympy.Eq(k, place), g(u[n], v[n]), 0) for place, g in enumerate(functions)]
    body = rows[0]
    for row in rows[1:]:
        body = body + row
    program = Program(
        [E(f[n, k], body), E(C, bp.Sum(w * f[n, k], n, k))], cost=C, output=f
    )  # fmt: skip
    for dtype, tolerance in (("float64", 1e-14), ("float32", 1e-5)):
        points = GRID[np.abs(GRID[:, 1]) != 1e-300].astype(dtype)
        found = bp.compile(program, dtype=dtype).module.predict({"w": 1.0}, *points.T.copy())
        for place, function in enumerate(functions):
            expected = values_of(function, points.astype(float))
            np.testing.assert_allclose(found[:, place], expected, rtol=tolerance)


def test_a_nan_that_is_used_stays_nan() -> None:
    r, s = bp.tensor("r"), bp.tensor("s")
    program = Program([E(r, bp.sqrt(x[()])), E(s, bp.where(y > 0, r[()], 0)), E(C, s**2)], cost=C)
    differentiated = reverse(normalise(program))
    for at, expected in (({"x": np.nan, "y": 1.0}, np.nan), ({"x": -1.0, "y": 1.0}, np.nan),
                         ({"x": np.nan, "y": -1.0}, 0.0)):  # fmt: skip
        found = interpret(differentiated, at)
        np.testing.assert_equal(float(found["x_adjoint"]), expected)


def test_a_step_of_training_leaves_a_learnable_exponent_finite() -> None:
    n, j = bp.indices("n j", "N", 3)
    inputs, a, o = bp.input("x", n, j), bp.tensor("a", n, j), bp.tensor("o", n)
    target, b = bp.target("y", n), bp.parameter("b")
    p = bp.parameter("p", initial=("constant", 3.0))
    program = Program(
        [
            E(a[n, j], bp.relu(inputs[n, j] + b)),
            E(o[n], bp.Mean(a[n, j] ** p, j) ** (1 / p)),
            E(C, bp.Mean((o[n] - target[n]) ** 2, n)),
        ],
        cost=C,
        output=o,
    )
    trainer = bp.compile(program, bp.SGD(0.1))
    data = np.array([[0.0, 1, 2], [-1.0, 4, 2]])
    trainer.fit(data, np.array([1.0, 2.0]), epochs=1, batch_size=2)
    found = {name: float(getattr(trainer.parameters, name)) for name in ("p", "b")}
    assert all(np.isfinite(value) for value in found.values()), found

    def cost(parameters: Any) -> Any:
        # JAX's own power gives the same at a base of 0.
        out = jnp.mean(jax.nn.relu(data + parameters[1]) ** parameters[0], 1) ** (1 / parameters[0])
        return jnp.mean((out - np.array([1.0, 2.0])) ** 2)

    before = np.array([3.0, 0.0])
    by_jax = before - 0.1 * np.array(jax.grad(cost)(before))
    np.testing.assert_allclose([found["p"], found["b"]], by_jax, rtol=1e-12)


# What prints ----------------------------------------------------------------------------------


def text_of(*equations: bp.Equation) -> str:
    return bp.derive(Program(equations, cost=C)).text()


def test_conventions_print_below_a_derivation() -> None:
    s, r = bp.tensor("s"), bp.tensor("r")
    shown = text_of(E(s, x**2 + y**2), E(r, bp.sqrt(s)), E(C, 3 * r))
    assert "∂C/∂s = 3/(2 √(s))" in shown
    assert "by convention, the derivative of a norm is 0 where the norm is 0" in shown
    shown = text_of(E(C, x**y))
    assert "∂C/∂x = x^(y - 1) y" in shown
    assert "∂C/∂y = C ln x" in shown
    assert "derivative of a power by its base is 0 at exponent 0" in shown
    assert "derivative of a power by its exponent is 0 at base 0" in shown
    shown = text_of(E(r, bp.sqrt(x)), E(C, bp.where(x > 0, r[()], 0)))
    assert "an exact 0 times a derivative that is not finite is 0" in shown
    shown = text_of(E(C, bp.xlogy(x, y)))
    assert "C = x ln y" in shown
    assert "x log(y) and its derivatives are 0 at x = 0" in shown


def test_nothing_is_said_of_what_is_regular() -> None:
    for shown in (
        text_of(E(C, x**3 + bp.sqrt(x**2 + 1) / y)),
        bp.derive(bp.mlp(3, 2, activation="sigmoid", loss="cross_entropy")).text(),
        bp.derive(bp.mlp(3, 4, 2, activation="tanh", loss="softmax_cross_entropy")).text(),
    ):
        assert "convention" not in shown


def test_latex_documents_hold_the_conventions() -> None:
    latex = bp.derive(Program([E(C, x**y)], cost=C)).latex()
    said = "by convention, the derivative of a power by its base is 0 at exponent 0"
    assert rf"\text{{{said}}}" in latex


def test_they_print_as_their_formulas() -> None:
    a, b = bp.tensor("a"), bp.tensor("b")
    assert str(bp.xlogy(a, b)) == "a*log(b)"
    assert str(absorbing_product(a, b)) == "a*b"
    assert str(power_slope(a, b)) == "b*a**(b - 1)"
    assert str(plainly(half_reciprocal(norm(a[()])))) == "1/sqrt(a)/2"


# What is emitted ------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy", "binary_cross_entropy",
                                  "softmax_cross_entropy"])  # fmt: skip
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu", "elu", "silu"])
def test_networks_whose_derivatives_are_finite_have_no_guard(loss: str, activation: str) -> None:
    if loss == "cross_entropy" and activation != "sigmoid":
        pytest.skip("its outputs need not be probabilities")
    network = bp.mlp(30, 20, 10, activation=activation, loss=loss)
    text = module_source(network)
    network_code = text[text.index("def ") :]
    assert "if " not in "".join(
        line for line in network_code.splitlines() if "_adjoint" in line and "!= real(0)" in line
    )


# Ranges ---------------------------------------------------------------------------------------

ATOMS = [lambda u, v: u, lambda u, v: v, lambda u, v: 0.5 * u + 2, lambda u, v: u * v]
UNARY = [
    bp.exp, bp.log, bp.sqrt, bp.tanh, bp.sigmoid, bp.softplus, bp.relu, bp.log1p, bp.expm1, abs,
    bp.elu, bp.gelu, bp.silu, bp.sign, bp.sin, bp.erf, lambda u: u**2, lambda u: u**3,
    lambda u: 1 / u, lambda u: u**-2, lambda u: u**-0.5, lambda u: -u, lambda u: u + 1,
    lambda u: bp.where(u > 0, u, 1),
]  # fmt: skip
BINARY = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, bp.maximum,
    bp.minimum, bp.xlogy, lambda a, b: a**b, lambda a, b: bp.where(a > b, a, b), absorbing_product,
    power_slope, power_log,
]  # fmt: skip


def drawn(random: np.random.Generator, u: Any, v: Any, depth: int) -> Any:
    choice = random.random()
    if depth == 0 or choice < 0.1:
        return ATOMS[random.integers(len(ATOMS))](u, v)
    if choice < 0.6:
        return UNARY[random.integers(len(UNARY))](drawn(random, u, v, depth - 1))
    first, second = drawn(random, u, v, depth - 1), drawn(random, u, v, depth - 1)
    return BINARY[random.integers(len(BINARY))](first, second)


def test_ranges_hold_every_value_and_what_is_called_finite_is() -> None:
    random = np.random.default_rng(7)
    points = np.array([(a, b) for a in (-30.0, -2, -1, -0.5, 0, 0.5, 1, 2, 30) for b in
                       (-30.0, -2, -1, -0.5, 0, 0.5, 1, 2, 30)])  # fmt: skip
    (i,) = bp.indices("i", len(points))
    u, v, f = bp.parameter("u", i), bp.parameter("v", i), bp.tensor("f", i)
    finite = 0
    for _ in range(600):
        body = sympy.sympify(drawn(random, u[i], v[i], 4))
        if body.is_number or body.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
            continue
        program = Program([E(f[i], body)])
        found = interpret(program, {"u": points[:, 0], "v": points[:, 1]})["f"]
        known = Ranges(normalise(program)).tensors[f]
        if known.finite:
            finite += 1
            # Overflow of huge arguments is no singular point.
            assert not np.isnan(found).any() or np.isinf(found).any(), body
        regular = found[np.isfinite(found)]
        assert (regular >= known.low - 1e-9 * abs(regular)).all(), (body, known)
        assert (regular <= known.high + 1e-9 * abs(regular)).all(), (body, known)
    assert finite > 100


def test_ranges_of_a_recurrence_are_found() -> None:
    t = bp.Index("t", 5, sequential=True)
    u, g, h, q = (bp.tensor(name, t) for name in "ughq")
    w = bp.parameter("w", t)
    before = lambda tensor: bp.where(t > 0, tensor[t - 1], 0)  # noqa: E731
    program = Program([
        E(u[t], before(u) + bp.sigmoid(w[t])), E(g[t], before(g) / 2 + w[t] ** 2 + 1),
        E(h[t], bp.tanh(before(h) + w[t])), E(q[t], before(q) + 1 / w[t]),
    ])  # fmt: skip
    known = Ranges(normalise(program)).tensors
    assert (known[u].low, known[u].finite) == (0, True)
    assert known[g].low >= 0
    assert (known[h].low, known[h].high, known[h].finite) == (-1, 1, True)
    assert not known[q].finite


def test_a_weight_times_what_is_finite_stays_a_product() -> None:
    k = bp.Index("k", 3)
    W, x, y = bp.parameter("W", k), bp.input("x", k), bp.input("y")
    a, f = bp.tensor("a"), bp.tensor("f")
    layer = bp.Equation(a, bp.Sum(W[k] * x[k], k))
    for value, kept in ((2 + bp.sin(a[()]), False), (a[()] ** 2, True)):
        program = normalise(bp.Program([layer, bp.Equation(f, bp.xlogy(y[()], value))]))
        assert closed(opened(program)).equations[-1].body.has(bp.xlogy) == kept


def test_a_weighted_logarithm_among_factors_is_multiplied_with_them_from_left_to_right() -> None:
    k = bp.Index("k", 3)
    W, x, y, u = bp.parameter("W", k), bp.input("x", k), bp.input("y"), bp.input("u")
    a, f = bp.tensor("a"), bp.tensor("f")
    layer = bp.Equation(a, bp.Sum(W[k] * x[k], k))
    body = u[()] * bp.xlogy(y[()], 2 + bp.sin(a[()])) * a[()]
    program = normalise(bp.Program([layer, bp.Equation(f, body)]))
    closed_again = closed(opened(program)).equations[-1].body
    assert str(closed_again) == "u*y*log(2 + sin(a))*a"


def test_powers_and_their_logarithms_are_finite_where_base_and_exponent_let_them_be() -> None:
    x, y = bp.parameter("x")[()], bp.parameter("y")[()]
    ranges = Ranges(bp.Program([bp.Equation(bp.tensor("f"), x + y)]))
    for base, exponent, log, slope in (
        (x**2, y**2, True, False),
        (x, y**2, False, False),
        (x**2, y, False, False),
        (x**2, y**2 + 1, True, True),
        (x**2, y**2 + bp.sigmoid(y), True, False),
        (1 + x**2, y, False, True),
        (x, 1 + y**2, False, False),
    ):
        assert ranges.of(power_log(base, exponent)).finite == log, (base, exponent)
        assert ranges.of(power_slope(base, exponent)).finite == slope, (base, exponent)


def test_an_index_runs_from_zero_to_its_last() -> None:
    k, n = bp.Index("k", 3), bp.Index("n", "N")
    x = bp.parameter("x")
    ranges = Ranges(bp.Program([bp.Equation(bp.tensor("f"), x[()] + 1)]))
    assert (ranges.of(k).low, ranges.of(k).high, ranges.of(k).finite) == (0, 2, True)
    assert (ranges.of(n).low, ranges.of(n).high) == (0, np.inf)


def test_powers_of_what_is_bounded_are_bounded() -> None:
    x = bp.parameter("x")[()]
    ranges = Ranges(bp.Program([bp.Equation(bp.tensor("f"), x + 1)]))
    share, turn = 2 * bp.sigmoid(x), 2 * bp.sin(x)
    for body, low, high in (
        (share**3, 0, 8), (turn**3, -8, 8), (turn**2, 0, 4), (turn**4, 0, 16),
        ((1 + share) ** -1, 1 / 3, 1), ((1 + share) ** -2, 1 / 9, 1),
        (bp.sqrt(share), 0, np.sqrt(2)), ((1 + share) ** sympy.Rational(3, 2), 1, 3**1.5),
    ):  # fmt: skip
        found = ranges.of(body)
        assert (found.low, found.high) == pytest.approx((low, high)), body


def test_the_largest_of_values_lies_within_their_range_and_a_sum_does_not() -> None:
    k = bp.Index("k", 3)
    x, f = bp.parameter("x", k), bp.tensor("f")
    for body, low, high in ((bp.sigmoid(x[k]), 0, 1), (bp.tanh(x[k]), -1, 1)):
        for reduced, least, most in (
            (bp.Max(body, k), low, high),
            (bp.Sum(body, k), low if low >= 0 else -np.inf, np.inf),
            (bp.logsumexp(body, k), low, np.inf),
        ):
            known = Ranges(normalise(Program([E(f, reduced)]))).tensors[f]
            assert (known.low, known.high, known.finite) == (least, most, True), reduced
