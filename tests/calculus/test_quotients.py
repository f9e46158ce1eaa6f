"""Derived quotients: what cancels is gone, what a user wrote stays, the value is the same."""

import itertools

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.expand import expand
from symbp.calculus.inline_denominators import inline_denominators
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.partial import partial
from symbp.calculus.polynomials import powers_of
from symbp.calculus.quotients import over_one_denominator
from symbp.calculus.reverse import reverse
from symbp.notation.arithmetic import Plus
from symbp.notation.equation import Origin
from symbp.notation.standard import exp, sign, sqrt, tanh

x, y, z = (bp.parameter(name)[()] for name in "xyz")
D = 1 + abs(z)


def derivative(body, element):
    return over_one_denominator(partial(body, element))


@pytest.mark.parametrize(
    ("body", "element", "expected"),
    [
        (z / D, z, "(1 + Abs(z))**(-2)"),
        (abs(z) / D, z, "sign(z)*(1 + Abs(z))**(-2)"),
        (z / (1 + abs(z) / 2), z, "(1 + Abs(z)/2)**(-2)"),
        (0.1 * z / (1 + 0.1 * z), z, "0.1*(1 + 0.1*z)**(-2)"),
        (z / D**2, z, "(-1 + 2*1/(1 + Abs(z)))*(1 + Abs(z))**(-2)"),
        (z / sqrt(1 + z**2), z, "1/(1 + z**2)*1/sqrt(1 + z**2)"),
        ((1 - z) / (1 + z), z, "-2*(1 + z)**(-2)"),
        (z**2 / (1 + z**2), z, "2*z/(1 + z**2)/(1 + z**2)"),
        (x / (x + y), x, "y/(x + y)/(x + y)"),
        ((x - y) / (x + y), y, "-2*x/(x + y)/(x + y)"),
        ((x - y) / (1 + abs(x - y)), x, "(1 + Abs(x - y))**(-2)"),
        (x * y / (1 + abs(x * y)), x, "y/(1 + Abs(x*y))/(1 + Abs(x*y))"),
        ((x - y) ** 2 / (1 + (x - y) ** 2), x, "2*(x - y)/(1 + (x - y)**2)/(1 + (x - y)**2)"),
        (exp(x) / (2 + exp(x)), x, "2*exp(x)/(2 + exp(x))/(2 + exp(x))"),
        (x * z + z / D, z, "x + (1 + Abs(z))**(-2)"),
        (y * (z / D) + x * z, z, "y*(1 + Abs(z))**(-2) + x"),
        (tanh(z) / (1 + tanh(z)), z, "tanh'(z)/(1 + tanh(z))/(1 + tanh(z))"),
    ],
)
def test_what_cancels_is_gone(body, element, expected):
    assert str(derivative(body, element)) == expected


@pytest.mark.parametrize(
    "body",
    [tanh(z) / z, z * bp.sigmoid(z), z * abs(z), (z**3 + z) / (1 + z**2 + z**4)],
)
def test_what_cancels_nowhere_keeps_its_terms(body):
    given = partial(body, z)
    assert len(over_one_denominator(given).args) == len(given.args)


def test_a_sum_that_a_user_wrote_stays():
    written = 1 / D - z * sign(z) / D**2
    assert over_one_denominator(x * written, {written}) == x * written
    assert over_one_denominator(x * written) != x * written


def test_what_a_user_wrote_is_computed_as_written():
    w, f = bp.parameter("w"), bp.tensor("f")
    written = 1 / (1 + x**2) - x**2 / (1 + x**2) ** 2
    body = w * written
    program = expand(reverse(normalise(bp.Program([bp.Equation(f, body)], cost=f)), [w]))
    assert str(program.equations[0].body) == str(body)
    assert str(program.equations[-1].body) != "(1 + x**2)**(-2)"


def value(body, **values):
    result = bp.tensor("result")
    equation = bp.Equation(result[()], body, origin=Origin("reverse"))
    return float(interpret(bp.Program([equation], derived=True), values)["result"])


def random_quotient(seed):
    """Return a random rational function of x, y, z and absolute values of sums of them."""
    random = np.random.default_rng(seed)

    def linear():
        terms = [int(random.integers(-3, 4)) * s for s in (1, x, y, z)]
        return sum(terms[1:], terms[0]) + abs(x - y * int(random.integers(0, 3)))

    numerator, below = linear(), 1 + linear() ** 2
    if random.random() < 0.5:
        numerator = numerator * linear()
    if random.random() < 0.3:
        below = sqrt(below)
    return numerator / below


@pytest.mark.parametrize("seed", range(60))
def test_before_is_after_for_random_quotients(seed):
    given = partial(random_quotient(seed), x)
    found = over_one_denominator(given)
    random = np.random.default_rng(seed + 1000)
    for _ in range(5):
        values = dict(zip("xyz", random.normal(size=3) * 3, strict=True))
        assert value(found, **values) == pytest.approx(value(given, **values), rel=1e-9, abs=1e-9)


def test_a_quotient_in_two_equations_is_seen_as_one():
    i = bp.Index("i", 3)
    t, r, s, a, f = bp.parameter("t", i), *(bp.tensor(n, i) for n in "rsa"), bp.tensor("f")
    equations = [
        bp.Equation(s[i], 1 + t[i] ** 2),
        bp.Equation(r[i], sqrt(s[i])),
        bp.Equation(a[i], t[i] / r[i]),
        bp.Equation(f, bp.Sum(a[i], i)),
    ]
    program = inline_denominators(normalise(bp.Program(equations, cost=f)))
    assert "sqrt(1 + t[i]**2)" in str(program.equations[2].body)
    found = interpret(reverse(program), {"t": [1e3, -1e5, 0.5]})
    gradient = found[dict(reverse(program).gradients)[t].name]
    np.testing.assert_allclose(gradient, (1 + np.array([1e3, -1e5, 0.5]) ** 2) ** -1.5, rtol=1e-2)


def test_a_reciprocal_in_an_equation_of_its_own_is_a_denominator():
    s, f = bp.tensor("s"), bp.tensor("f")
    equations = [bp.Equation(s, 1 / (1 + abs(z))), bp.Equation(f, z * s[()])]
    program = inline_denominators(normalise(bp.Program(equations, cost=f)))
    derived = reverse(program)
    found = interpret(expand(derived), {"z": 1e15})[derived.gradients[0][1].name]
    assert found == pytest.approx(1e-30, rel=1e-12, abs=0)


@pytest.mark.parametrize("body", [z * (1 + z**2) ** -0.5, z / (1 + z**2) ** 0.5])
def test_an_exponent_written_as_a_decimal_is_a_root(body):
    f = bp.tensor("f")
    derived = reverse(normalise(bp.Program([bp.Equation(f, body)], cost=f)))
    found = interpret(expand(derived), {"z": 1e10})[derived.gradients[0][1].name]
    assert found == pytest.approx(1e-30, rel=1e-12, abs=0)


@pytest.mark.parametrize("below", ["sum over an index", "a function", "nothing in common"])
def test_other_denominators_stay_equations_of_their_own(below):
    i = bp.Index("i", 3)
    t, w, a, f = bp.parameter("t", i), bp.parameter("w"), bp.tensor("a", i), bp.tensor("f")
    s, u = bp.tensor("s"), bp.tensor("u", i)
    definition, quotient = {
        "sum over an index": (bp.Equation(s, 1 + bp.Sum(t[i] ** 2, i)), t[i] / s),
        "a function": (bp.Equation(u[i], 1 + exp(t[i])), t[i] / u[i]),
        "nothing in common": (bp.Equation(s, 1 + w**2), t[i] / s),
    }[below]
    equations = [definition, bp.Equation(a[i], quotient), bp.Equation(f, bp.Sum(a[i], i))]
    program = normalise(bp.Program(equations, cost=f))
    assert inline_denominators(program) is program


def test_polynomials_of_decimal_numbers_cancel():
    body = 0.3 * z / (0.7 + 0.3 * abs(z))
    assert str(derivative(body, z)) == "0.21*(0.7 + 0.3*Abs(z))**(-2)"


def test_the_index_of_a_long_sum_is_left_alone():
    many = [bp.parameter(f"p{k}")[()] for k in range(40)]
    body = sympy.S.Zero
    for each in many:
        body = body + each / (1 + each**2)
    assert len(derivative(body, many[0]).args) == 2


def test_at_most_four_definitions_deep_is_looked_for_what_is_shared():
    x, f = bp.parameter("x"), bp.tensor("f")
    for depth in range(1, 8):
        chain = [bp.tensor(f"a{i}") for i in range(depth)]
        equations = [bp.Equation(chain[0], abs(x[()]) + 1)]
        equations += [
            bp.Equation(after, before[()] + 1) for before, after in itertools.pairwise(chain)
        ]
        equations.append(bp.Equation(f, x[()] / chain[-1][()]))
        found = inline_denominators(normalise(bp.Program(equations, cost=f))).equations[-1].body
        assert found.has(abs(x[()])) == (depth <= 4)


def test_two_quotients_of_one_equation_are_both_seen_whole():
    i = bp.Index("i", 3)
    t, w = bp.parameter("t", i), bp.parameter("w", i)
    r, s, a, f = *(bp.tensor(n, i) for n in "rsa"), bp.tensor("f")
    equations = [
        bp.Equation(r[i], 1 + abs(t[i])),
        bp.Equation(s[i], 1 + abs(w[i])),
        bp.Equation(a[i], t[i] / r[i] + w[i] / s[i]),
        bp.Equation(f, bp.Sum(a[i], i)),
    ]
    found = inline_denominators(normalise(bp.Program(equations, cost=f))).equations[2].body
    assert found == t[i] / (1 + abs(t[i])) + w[i] / (1 + abs(w[i]))


def test_all_numbers_of_a_product_are_its_number():
    third, far = sympy.Rational(1, 3), sympy.Rational(1, 2**40)
    number, exponents = powers_of((third * x * y) * far)
    assert number == third * far
    assert exponents == {x: 1, y: 1}


@pytest.mark.parametrize(("count", "is_one_quotient"), [(20, True), (200, True), (201, False)])
def test_a_denominator_of_up_to_two_hundred_terms_is_multiplied_out(count, is_one_quotient):
    others = [abs(bp.parameter(f"p{i}")[()]) for i in range(count - 2)]
    found = derivative(x / Plus(sympy.S.One, abs(x), *others), x)
    assert isinstance(found, sympy.Mul) == is_one_quotient
