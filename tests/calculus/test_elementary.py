"""elementary: one operation an equation, each computed once, and the same values as before."""

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings

import symbp as bp
from symbp.calculus.algebra import Unknowns, ordinary, restored
from symbp.calculus.elementary import elementary
from symbp.calculus.interpreter import interpret
from symbp.calculus.unroll import unroll
from symbp.notation.functions import where
from symbp.notation.prime import Prime
from symbp.notation.tensor import Element
from tests.comparison import assert_close
from tests.programs import normal
from tests.random_equations import random_equations
from tests.strategies import programs

f = bp.tensor("f")
a, b, c, d, e = (bp.parameter(name)[()] for name in "abcde")


def lines(body: Any) -> list[str]:
    return str(elementary(bp.Program([bp.Equation(f, body)]))).splitlines()


def test_the_sigmoid_neuron_is_split_like_the_published_figure() -> None:
    # CS231n, optimization-2: ×, ×, +, ×−1, exp, +1, 1/x.
    neuron = 1 / (1 + sympy.exp(-(a * b + c * d + e)))
    assert lines(neuron) == [
        "v1 = a*b",
        "v2 = c*d",
        "v3 = v1 + v2 + e",
        "v4 = -v3",
        "v5 = exp(v4)",
        "v6 = 1 + v5",
        "f = 1/v6",
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (a * b * c, ["v1 = a*b", "f = v1*c"]),
        (a * (b * c), ["v1 = b*c", "f = a*v1"]),
        (2 * a * b, ["v1 = a*b", "f = 2*v1"]),
        (a + b + c, ["f = a + b + c"]),
        (a - b, ["f = a - b"]),
        (a + b - c - 2 * d, ["v1 = a + b", "v2 = v1 - c", "v3 = 2*d", "f = v2 - v3"]),
        (-a - b, ["v1 = -a", "f = v1 - b"]),
        (-(a + b), ["v1 = a + b", "f = -v1"]),
        (2 * (a + b), ["v1 = a + b", "f = 2*v1"]),
        ((a - b) / 5, ["v1 = a - b", "f = v1/5"]),
        (-3 * a - 3 * b, ["v1 = -3*a", "v2 = 3*b", "f = v1 - v2"]),
        (a + 1, ["f = a + 1"]),
        (1 - a, ["f = 1 - a"]),
        (-a - 1, ["v1 = -a", "f = v1 - 1"]),
        (1 - a * b - c, ["v1 = a*b", "v2 = 1 - v1", "f = v2 - c"]),
        (a / b, ["v1 = 1/b", "f = a*v1"]),
        (a / b**2, ["v1 = b**2", "v2 = 1/v1", "f = a*v2"]),
        (1 / sympy.sqrt(a), ["v1 = sqrt(a)", "f = 1/v1"]),
        (2**a + a**b, ["v1 = 2**a", "v2 = a**b", "f = v1 + v2"]),
        (sympy.pi * a**2, ["v1 = a**2", "f = pi*v1"]),
        (bp.leaky_relu(a + b, 0.1), ["v1 = a + b", "f = leaky_relu(v1, 0.1)"]),
        (bp.maximum(a * b, c), ["v1 = a*b", "f = maximum(v1, c)"]),
        (bp.maximum(bp.maximum(a, b), c * d), ["v1 = c*d", "f = maximum(maximum(a, b), v1)"]),
        (bp.minimum(a, b + c), ["v1 = b + c", "f = minimum(a, v1)"]),
        (a, ["f = a"]),
        (sympy.Integer(3), ["f = 3"]),
    ],
)
def test_numbers_stand_where_people_write_them(body: Any, expected: list[str]) -> None:
    assert lines(body) == expected


def test_what_is_computed_twice_is_one_tensor() -> None:
    found = lines(sympy.sin(a * b) * sympy.exp(a * b) + a * b + sympy.sin(a * b) ** 2)
    bodies = [line.split(" = ")[1] for line in found]
    assert len(set(bodies)) == len(bodies)
    assert bodies.count("a*b") == 1
    assert bodies.count("sin(v1)") == 1
    # Across equations, too: g reads f.
    g = bp.tensor("g")
    program = bp.Program([bp.Equation(f, sympy.exp(a)), bp.Equation(g, 2 * sympy.exp(a))])
    assert str(elementary(program)) == "f = exp(a)\ng = 2*f"


def test_a_choice_stays_whole_so_that_no_gradient_comes_from_what_is_not_chosen() -> None:
    body = where(a > 0, sympy.log(a), b)
    assert lines(body * c) == [f"v1 = {body}", "f = v1*c"]
    # 0 · ∞ would make it nan.
    assert bp.trace(body * c, {"a": 0.0, "b": 2.0, "c": 3.0}).gradient["a"] == 0.0


def test_new_names_keep_clear_of_the_program_s() -> None:
    v1 = bp.parameter("v1")[()]
    found = elementary(bp.Program([bp.Equation(f, sympy.exp(v1 + a))]))
    assert len({tensor.name for tensor in found.tensors}) == len(found.tensors)


def test_where_it_comes_from_is_told() -> None:
    program = bp.Program([bp.Equation(f, sympy.exp(a * b))])
    for equation in elementary(program).equations:
        assert equation.origin.rule == "elementary"
        assert equation.origin.source is program.equations[0]


def test_equations_with_indices_are_refused() -> None:
    j = bp.Index("j", 3)
    x, z = bp.parameter("x", j), bp.tensor("z", j)
    with pytest.raises(bp.NotationError, match=r"z\[j\]: expected an equation without indices"):
        elementary(bp.Program([bp.Equation(z[j], 2 * x[j])]))
    with pytest.raises(bp.NotationError, match="f: expected an equation without indices"):
        elementary(bp.Program([bp.Equation(f, bp.Sum(x[j], j))]))


def is_elementary(body: Any) -> bool:
    """Whether a body is one operation of elements and numbers."""
    if isinstance(body, (Element, where)) or body.is_number:
        return True
    if isinstance(body, Prime):
        body = body.application
    if isinstance(body, (sympy.Add, sympy.Mul)):
        # Each part is a number or an element, in a sum perhaps with a sign.
        signed = isinstance(body, sympy.Add)
        return all(
            part.is_number or isinstance(part, Element) or (signed and isinstance(-part, Element))
            for part in body.args
        )
    return all(isinstance(part, Element) or part.is_number for part in body.args)


def check(program: bp.Program, values: dict[str, Any]) -> None:
    batch = program.batch
    sizes = {}
    if batch is not None:
        tensor = next(t for t in (*program.inputs, *program.targets) if batch in t.shape)
        sizes = {batch: np.shape(values[tensor.name])[tensor.shape.index(batch)]}
    integers = {t.name: values[t.name] for t in program.inputs if t.kind == "integer"}
    scalars = unroll(program, sizes, integers)
    numbers = {}
    for tensor in scalars.tensors:
        if tensor.role != "intermediate":
            whole, place = tensor.component_of or (tensor, ())
            numbers[tensor.name] = np.asarray(values[whole.name])[place]
    found = elementary(scalars)
    assert all(is_elementary(equation.body) for equation in found.equations)
    expected = interpret(scalars, numbers)
    got = interpret(found, numbers)
    finite = {name: v for name, v in expected.items() if np.all(np.isfinite(v))}
    assert_close({name: got[name] for name in finite}, finite, 1e-9)


@given(programs(most=2))
@settings(max_examples=10, deadline=None)
def test_before_is_after_for_random_networks(example: tuple[bp.Program, dict[str, Any]]) -> None:
    check(*example)


@pytest.mark.parametrize("seed", range(25))
def test_before_is_after_for_random_equations(seed: int) -> None:
    program = random_equations(seed).program
    N = 3
    shapes = {
        t.name: tuple(extent if isinstance(extent, int) else N for extent in t.shape)
        for t in (*program.inputs, *program.targets, *program.parameters)
    }
    check(program, normal(seed, **shapes))


def test_algebra_takes_powers_and_gives_them_back() -> None:
    x, y = bp.parameter("x")[()], bp.parameter("y")[()]
    for body in (x**3 + 2 * x * y, (x + bp.sin(y)) ** 2, x**-2 * y, bp.exp(x) ** 4 - 1):
        unknowns = Unknowns()
        plain = ordinary(body, unknowns)
        assert not plain.has(x, y)
        assert restored(plain, unknowns) == body
    unknowns = Unknowns()
    plain = ordinary(x**3 + 2 * x, unknowns)
    (symbol,) = plain.free_symbols
    assert plain == symbol**3 + 2 * symbol
