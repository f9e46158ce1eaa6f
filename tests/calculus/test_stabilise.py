"""stabilise: the same values, and no overflow where the formula by hand has one."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.log_form import is_nonnegative, log_of_sum
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from tests import jax_oracle
from tests.comparison import assert_close
from tests.strategies import programs

E = bp.Equation
w = bp.parameter("w")
j = bp.Index("j", 3)
k = j.fresh()
v = bp.parameter("v", j)
a, b, e, s, f = (bp.tensor(name) for name in "abesf")
A, Ex = bp.tensor("A", j), bp.tensor("Ex", j)

exp, log = sympy.exp, sympy.log
mp = mpmath.mp


def sigma(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


# Of one parameter w: the equations by hand, the same in arithmetic of many digits, and what must
# be gone afterwards.
SCALAR: dict[str, tuple[list[bp.Equation], Callable[[Any], Any]]] = {
    "log sigmoid": ([E(f, log(bp.sigmoid(w[()])))], lambda x: mpmath.log(sigma(x))),
    "log sigmoid, in two": (
        [E(a, bp.sigmoid(w[()])), E(f, log(a[()]))], lambda x: mpmath.log(sigma(x))
    ),
    "log of one minus sigmoid": (
        [E(f, log(1 - bp.sigmoid(w[()])))], lambda x: mpmath.log(sigma(-x))
    ),
    "log of one minus sigmoid, in three": (
        [E(a, bp.sigmoid(w[()])), E(b, 1 - a[()]), E(f, log(b[()]))],
        lambda x: mpmath.log(sigma(-x)),
    ),
    "log of one plus exp": ([E(f, log(1 + exp(w[()])))], lambda x: mpmath.log(1 + mpmath.exp(x))),
    "log of one plus exp, in three": (
        [E(e, exp(2 * w[()])), E(a, 1.0 + e[()]), E(f, 3 * log(a[()]))],
        lambda x: 3 * mpmath.log(1 + mpmath.exp(2 * x)),
    ),
    "logistic by hand": ([E(f, 1 / (1 + exp(-w[()])))], sigma),
    "logistic by hand, its log": (
        [E(a, 1 / (1 + exp(-w[()]))), E(f, log(a[()]) + 2 * log(1 - a[()]))],
        lambda x: mpmath.log(sigma(x)) + 2 * mpmath.log(sigma(-x)),
    ),
    "logistic the other way": ([E(f, exp(w[()]) / (1 + exp(w[()])))], sigma),
    "logistic the other way, in three": (
        [E(e, exp(w[()])), E(a, 1 + e[()]), E(f, e[()] / a[()])], sigma
    ),
    "its derivative by hand": (
        [E(f, exp(-w[()]) / (1 + exp(-w[()])) ** 2)], lambda x: sigma(x) * sigma(-x)
    ),
    "tanh by hand": ([E(f, (exp(2 * w[()]) - 1) / (exp(2 * w[()]) + 1))], mpmath.tanh),
    "tanh by hand, turned": ([E(f, (1 - exp(-2 * w[()])) / (1 + exp(-2 * w[()])))], mpmath.tanh),
    "log of exp": ([E(a, exp(3 * w[()])), E(f, log(a[()]))], lambda x: 3 * x),
    "binary cross-entropy": (
        [
            E(a, bp.sigmoid(w[()])),
            E(f, -(0.25 * log(a[()]) + 0.75 * log(1 - a[()]))),
        ],
        lambda x: -(mpmath.mpf("0.25") * mpmath.log(sigma(x))
                    + mpmath.mpf("0.75") * mpmath.log(sigma(-x))),
    ),
    "log of one minus exp": (
        [E(a, exp(-(w[()] ** 2))), E(f, log(1 - a[()]))],
        lambda x: mpmath.log(1 - mpmath.exp(-(x**2))),
    ),
}  # fmt: skip


def value_and_slope(program: bp.Program, values: dict[str, Any], name: str) -> Any:
    derived = reverse(stabilise(normalise(program)))
    result = interpret(derived, values)
    return result["f"], result[f"{name}_adjoint"]


@pytest.mark.parametrize("name", SCALAR)
@pytest.mark.parametrize("x", [-800.0, -50.0, -1.0, 1e-9, 0.3, 2.0, 50.0, 800.0])
def test_values_and_slopes_are_right_everywhere(name: str, x: float) -> None:
    equations, reference = SCALAR[name]
    value, slope = value_and_slope(bp.Program(equations, cost=f), {"w": x}, "w")
    with mp.workdps(800):
        exact = float(reference(mpmath.mpf(x)))
        change = mpmath.mpf(10) ** -300
        near = [reference(mpmath.mpf(x) + sign * change) for sign in (1, -1)]
        exact_slope = float((near[0] - near[1]) / (2 * change))
    assert value == pytest.approx(exact, rel=1e-14, abs=1e-300)
    # σ' is a(1 - a): to the rounding of a, which is all that a cost can see.
    assert slope == pytest.approx(exact_slope, rel=1e-13, abs=3e-16)


@pytest.mark.parametrize("x", [1e-20, -1e-12, 1e-9])
def test_small_arguments_keep_their_digits(x: float) -> None:
    program = bp.Program([E(f, (exp(w[()]) - 1) + 2 * (1 - exp(w[()])) + log(1 + w[()]) * 3)])
    got = interpret(stabilise(normalise(program)), {"w": x})["f"]
    assert got == pytest.approx(3 * np.log1p(x) - np.expm1(x), rel=1e-15)


def exps(body: Any) -> Any:
    return bp.Sum(exp(body.xreplace({j: k})), k)


# Of a vector v: the cost by hand; each is Σ_j (j + 1) · log softmax(v)_j, or a shift of it.
VECTOR: dict[str, list[bp.Equation]] = {
    "log of the quotient": [E(f, bp.Sum((j + 1) * log(exp(v[j]) / exps(v[j])), j))],
    "a softmax by hand": [
        E(A[j], exp(v[j]) / exps(v[j])), E(f, bp.Sum((j + 1) * log(A[j]), j))
    ],
    "in four": [
        E(Ex[j], exp(v[j])), E(s, bp.Sum(Ex[j], j)), E(A[j], Ex[j] / s[()]),
        E(f, bp.Sum((j + 1) * log(A[j]), j)),
    ],
    "the softmax of the notation": [
        E(A[j], bp.softmax(v[j], j)), E(f, bp.Sum((j + 1) * log(A[j]), j))
    ],
    "log of the sum": [E(f, bp.Sum((j + 1) * v[j], j) - 6 * log(exps(v[j])))],
    "log of the mean": [
        E(s, bp.Mean(exp(v[j]), j)),
        E(f, bp.Sum((j + 1) * v[j], j) - 6 * log(s[()]) - 6 * sympy.log(3)),
    ],
    "shifted by the maximum by hand": [
        E(s, bp.Max(v[j], j)), E(A[j], exp(v[j] - s[()]) / exps(v[j] - s[()])),
        E(f, bp.Sum((j + 1) * log(A[j]), j)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", VECTOR)
@pytest.mark.parametrize(
    "values", [[0.1, -0.5, 1.0], [800.0, -800.0, 0.0], [-800.0, -801.0, -802.0], [700.0] * 3]
)
def test_softmax_by_hand_is_right_everywhere(name: str, values: list[float]) -> None:
    x = np.array(values)
    value, slope = value_and_slope(bp.Program(VECTOR[name], cost=f), {"v": x}, "v")
    weights = np.arange(1.0, 4.0)
    shifted = x - x.max()
    logs = shifted - np.log(np.exp(shifted).sum())
    # x - logsumexp(x) is known to the rounding of x.
    rounding = 16 * np.finfo(float).eps * (1 + np.abs(x).max())
    np.testing.assert_allclose(value, (weights * logs).sum(), rtol=1e-14, atol=rounding)
    np.testing.assert_allclose(slope, weights - 6 * np.exp(logs), rtol=1e-14, atol=rounding)


def test_a_causal_softmax_by_hand() -> None:
    kept = sympy.Le(k, j)
    total = bp.Sum(bp.where(kept, exp(v[k]), 0), k)
    program = bp.Program([E(f, bp.Sum(v[j] - log(total), j))], cost=f)
    x = np.array([-900.0, 0.0, 900.0])
    value, slope = value_and_slope(program, {"v": x}, "v")
    assert value == 0.0
    np.testing.assert_allclose(slope, [0.0, 0.0, 0.0], atol=1e-15)


def test_labels_are_looked_up_through_the_softmax() -> None:
    _n, c = bp.indices("n c", "N", 3)
    z, q = bp.parameter("z", j, c), bp.tensor("q", j, c)
    label = bp.target("label", j, kind="integer")
    program = bp.Program(
        [
            E(q[j, c], exp(z[j, c]) / bp.Sum(exp(z[j, c]), c)),
            E(f, -bp.Mean(log(q[j, label[j]]), j)),
        ],
        cost=f,
    )
    x = np.array([[800.0, 0, 0], [0, 800, 0], [1, 2, 3]])
    value, slope = value_and_slope(program, {"z": x, "label": [0, 0, 2]}, "z")
    assert value == pytest.approx((800 + np.log1p(np.exp(-1) + np.exp(-2))) / 3)
    assert np.isfinite(slope).all()


def test_what_is_stopped_stays_stopped() -> None:
    equations = [E(a, bp.stop_gradient(bp.sigmoid(w[()]))), E(f, log(a[()]) * w[()])]
    _value, slope = value_and_slope(bp.Program(equations, cost=f), {"w": 0.5}, "w")
    assert slope == pytest.approx(np.log(1 / (1 + np.exp(-0.5))))


def test_what_needs_no_help_is_left_alone() -> None:
    equations = [
        E(a, sympy.sqrt(1 + w[()] ** 2) + log(2 + w[()] ** 2)),
        E(b, log(a[()] + 1e-12) + exp(w[()]) / (2 + w[()] ** 2)),
        E(f, b[()] / a[()] - sympy.tanh(w[()])),
    ]
    program = normalise(bp.Program(equations, cost=f))
    assert str(stabilise(program)) == str(program)


def test_an_average_beside_other_terms_needs_no_scale() -> None:
    # As in attention with a residual, before a normalisation: nothing in it can be large.
    x, w, r = bp.parameter("x", j), bp.parameter("w", j), bp.parameter("r")
    p, mean, out = bp.tensor("p", j), bp.tensor("mean"), bp.tensor("out")
    average = bp.Sum(p[j] * w[j], j)
    equations = [
        E(p[j], bp.softmax(x[j], j)),
        E(mean, r[()] + average),
        E(out, r[()] / sympy.sqrt(mean[()] ** 2 + 1e-5)),
    ]
    program = normalise(bp.Program(equations, cost=out))
    assert str(stabilise(program)) == str(program)
    alone = normalise(bp.Program([equations[0], E(mean, average), E(out, r[()] / mean[()])]))
    assert "mean_scale" in str(stabilise(alone))


def test_tensors_keep_their_equations() -> None:
    program = normalise(bp.Program(VECTOR["in four"], cost=f))
    stable = stabilise(program)
    assert {t.name for t in program.tensors} <= {t.name for t in stable.tensors}
    assert [str(eq) for eq in stabilise(stable).equations] == [str(eq) for eq in stable.equations]


@settings(max_examples=30)
@given(programs())
def test_stabilising_changes_no_value_and_no_gradient(
    example: tuple[bp.Program, dict[str, Any]],
) -> None:
    program, values = example
    plain = normalise(program)
    stable = stabilise(plain)
    before, after = interpret(reverse(plain), values), interpret(reverse(stable), values)
    names = [t.name for t in plain.tensors if t.name in before]
    names += [adjoint.name for _, adjoint in reverse(plain).gradients]
    assert_close({n: after[n] for n in names}, {n: before[n] for n in names}, 1e-11)


@pytest.mark.parametrize("name", VECTOR)
def test_the_rewritten_equations_mean_the_same_to_the_oracle(name: str) -> None:
    program = bp.Program(VECTOR[name], cost=f)
    values = {"v": np.array([0.3, -1.0, 0.7])}
    stable = stabilise(normalise(program))
    expected = jax_oracle.evaluate(program, values)
    got = jax_oracle.evaluate(stable, values)
    assert_close({n: got[n] for n in expected}, expected)


def test_a_parameter_that_cancels_stays_a_parameter() -> None:
    program = bp.Program([E(f, log(exp(w[()]) / exp(w[()] + 1)))], cost=f)
    stable = stabilise(normalise(program))
    assert stable.parameters == program.parameters
    assert value_and_slope(program, {"w": 1000.0}, "w") == (-1.0, 0.0)


def test_a_sum_in_several_equations_is_seen_through() -> None:
    # normalise makes one equation of Σ exp(v), and one of what is added to it.
    program = bp.Program([E(s, bp.Sum(exp(v[j]), j) + 1 + exp(-v[0])), E(f, log(s[()]))], cost=f)
    value, slope = value_and_slope(program, {"v": np.array([900.0, 1.0, -900.0])}, "v")
    assert value == 900.0
    np.testing.assert_array_equal(slope, [1.0, 0.0, 0.0])


def test_what_a_mask_leaves_out_is_left_out() -> None:
    mask = bp.target("mask", j)
    kept = bp.Sum(bp.where(mask[k] > 0, exp(v[k]), 0), k)
    program = bp.Program([E(f, bp.Sum(mask[j] * (v[j] - log(kept)), j))], cost=f)
    values = {"v": np.array([900.0, 2.0, 2.0]), "mask": np.array([0.0, 1.0, 1.0])}
    value, slope = value_and_slope(program, values, "v")
    assert value == pytest.approx(-2 * np.log(2))
    np.testing.assert_allclose(slope, [0.0, 0.0, 0.0], atol=1e-15)


@pytest.mark.parametrize("weights", [[0.0, 2.0, 0.0], [-1.0, 3.0, 0.5], [1e-300, 1.0, 1.0]])
def test_weights_may_be_zero_and_negative(weights: list[float]) -> None:
    y = bp.target("y", j)
    softmax = exp(v[j]) / exps(v[j])
    program = bp.Program([E(f, log(bp.Sum(y[j] * softmax, j)))], cost=f)
    x = np.array([-900.0, 300.0, -400.0])
    value, slope = value_and_slope(program, {"v": x, "y": np.array(weights)}, "v")
    assert value == pytest.approx(np.log(weights[1]), abs=1e-15)
    np.testing.assert_allclose(slope, np.zeros(3), atol=1e-15)


def test_a_weight_of_zero_keeps_its_derivative() -> None:
    y = bp.parameter("y", j)
    program = bp.Program([E(f, log(bp.Sum(y[j] * exp(v[j]), j)))], cost=f)
    values = {"v": np.array([1.0, 3.0, 5.0]), "y": np.array([1.0, 2.0, 0.0])}
    _value, slope = value_and_slope(program, values, "y")
    terms = np.exp(values["v"])
    np.testing.assert_allclose(slope, terms / (values["y"] * terms).sum(), rtol=1e-14)


def test_a_recurrence_is_not_looked_through() -> None:
    t = bp.Index("t", 3, sequential=True)
    h = bp.tensor("h", t)
    before = bp.where(t > 0, h[t - 1], 0)
    program = bp.Program([E(h[t], log(exp(before) + exp(w[()]))), E(f, bp.Sum(h[t], t))], cost=f)
    value, slope = value_and_slope(program, {"w": 800.0}, "w")
    assert value == pytest.approx(2400.0 + np.log(2) + np.log(3), rel=1e-14)
    assert slope == pytest.approx(3.0)


def test_the_largest_of_a_log_sum_exp_may_be_any_number() -> None:
    program = bp.Program([E(f, bp.logsumexp(v[j], j))], cost=f)
    module = bp.compile(program).module
    for values in ([1e39, 0.0, 0.0], [1e308, -1e308, 0.0], [-1e39, -2e39, -3e39]):
        cost, gradient = module.gradient(module.Parameters(np.array(values)))
        assert cost == max(values)
        np.testing.assert_array_equal(gradient.v, [1.0, 0.0, 0.0])
    for values, right in (([-np.inf] * 3, -np.inf), ([np.inf, 0.0, np.inf], np.inf)):
        assert module.loss(module.Parameters(np.array(values))) == right
        assert interpret(normalise(program), {"v": values})["f"] == right


@pytest.mark.parametrize(
    ("body", "value", "slope"),
    [
        (exp(w[()]) / 2 - 2, lambda x: np.exp(x) / 2 - 2, lambda x: np.exp(x) / 2),
        (2 * exp(w[()]) - 0.5, lambda x: 2 * np.exp(x) - 0.5, lambda x: 2 * np.exp(x)),
        (3 - exp(w[()]) / 3, lambda x: 3 - np.exp(x) / 3, lambda x: -np.exp(x) / 3),
        (4 - exp(w[()]), lambda x: 4 - np.exp(x), lambda x: -np.exp(x)),
        (exp(w[()]) + 1, lambda x: np.exp(x) + 1, np.exp),
        (-1 - exp(w[()]), lambda x: -1 - np.exp(x), lambda x: -np.exp(x)),
        (-2 * exp(w[()]) - 2, lambda x: -2 * np.exp(x) - 2, lambda x: -2 * np.exp(x)),
        (exp(w[()]) / 2 - 2 + w[()], lambda x: np.exp(x) / 2 - 2 + x, lambda x: np.exp(x) / 2 + 1),
        (1 - 3 * exp(w[()]), lambda x: 1 - 3 * np.exp(x), lambda x: -3 * np.exp(x)),
        (1 - exp(w[()]), lambda x: -np.expm1(x), lambda x: -np.exp(x)),
        (exp(w[()]) - 1, np.expm1, np.exp),
        (1 + w[()] - exp(w[()]), lambda x: x - np.expm1(x), lambda x: 1 - np.exp(x)),
    ],
)
@pytest.mark.parametrize("x", [-2.0, 0.3, 3.0])
def test_constants_beside_an_exponential_keep_their_size(
    body: Any, value: Any, slope: Any, x: float
) -> None:
    got = value_and_slope(bp.Program([E(f, body)], cost=f), {"w": x}, "w")
    assert got == pytest.approx((value(x), slope(x)), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("reduction", [bp.Sum, bp.Max])
def test_another_reduction_of_one_expression_is_another_value(reduction: Any) -> None:
    x = [0.1, -0.5, 1.0]
    expected = float(np.log(np.exp(x).sum()) - (np.sum(x) if reduction is bp.Sum else np.max(x)))
    pair = [E(a, reduction(v[j], j)), E(b, bp.logsumexp(v[j], j))]
    for equations in (pair, pair[::-1]):
        body = b[()] - a[()] + log(1 + exp(w[()]))
        program = bp.Program([*equations, E(f, body)], cost=f)
        value, _ = value_and_slope(program, {"v": x, "w": 0.5}, "v")
        assert value == pytest.approx(expected + np.log1p(np.exp(0.5)))


def test_a_sum_of_exponentials_of_which_one_is_1_has_no_negative_logarithm() -> None:
    first, second = w[()], 2 * w[()] + 1
    assert is_nonnegative(log_of_sum([sympy.S.Zero, first, second]))
    assert is_nonnegative(log_of_sum([sympy.S.One, first]))
    assert not is_nonnegative(log_of_sum([first, second]))
    assert not is_nonnegative(log_of_sum([sympy.S.NegativeOne, first]))


@pytest.mark.parametrize(("u", "v"), [(800.0, 0.0), (0.0, 800.0), (-800.0, 100.0), (900.0, 899.0)])
def test_a_mean_of_numbers_of_any_sign_is_weighted_by_the_larger_exponential(
    u: float, v: float
) -> None:
    p, q, c, d = (bp.parameter(name)[()] for name in "pqcd")
    mean = (p * exp(c) + q * exp(d)) / (exp(c) + exp(d))
    program = bp.Program([E(f, mean)], cost=f)
    values = {"p": -2.0, "q": 3.0, "c": u, "d": v}
    weight = float(sigma(u - v))
    for name, slope in (("p", weight), ("q", 1 - weight), ("c", -5 * weight * (1 - weight))):
        got = value_and_slope(program, values, name)
        assert got == pytest.approx((3 - 5 * weight, slope), rel=1e-12, abs=1e-15)
