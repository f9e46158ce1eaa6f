"""What is wrong with an equation or a program is said when it is defined, by name."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp as bp
from symbp.notation.errors import SymbpError

N = "N"
n, m = bp.indices("n m", N)
j, k, i = bp.indices("j k i", 3)
l = bp.Index("l", 4)
t = bp.Index("t", 5, sequential=True)
x, y = bp.input("x", n, k), bp.target("y", n, j)
W, b, A = bp.parameter("W", j, k), bp.parameter("b", j), bp.parameter("A", j, k)
z, a, s, v = bp.tensor("z", n, j), bp.tensor("a", n, j), bp.tensor("s"), bp.parameter("v", k)
h, u = bp.tensor("h", n, t), bp.tensor("u", n, t)
token, E = bp.input("token", n, kind="integer"), bp.parameter("E", l, k)
other = bp.input("other", n, kind="integer")
C = bp.tensor("C")
p = bp.parameter("p")


def equations(*pairs: tuple[Any, Any], cost: Any = None, **options: Any) -> bp.Program:
    return bp.Program([bp.Equation(*pair, **options) for pair in pairs], cost=cost)


EQUATIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "an index twice on the left": (
        lambda: bp.Equation(A[j, j], W[j, j]), "A[j, j]: index j is used twice on the left"
    ),
    "a free index not on the left": (
        lambda: bp.Equation(b[j], W[j, k]), "b[j]: index k is free on the right but not on the left"
    ),
    "another index of the same name": (
        lambda: bp.Equation(a[n, j], z[n, bp.Index("j", 3)]),
        "(the j on the left is another index of that name)",
    ),
    "a free index in a scalar": (lambda: bp.Equation(C, W[j, k]), "C: index"),
    "an extent of the left": (
        lambda: bp.Equation(z[n, l], x[n, 0]),
        "z[n, l]: index l has extent 4, axis 1 of z has 3",
    ),
    "a subscript on the left that leaves its axis": (
        lambda: bp.Equation(z[n, j + 1], x[n, j]),
        "z[n, j + 1]: subscript j + 1 on the left runs from 1 to 3, axis 1 of z from 0 to 2",
    ),
    "a subscript on the left, backwards": (
        lambda: bp.Equation(z[n, 1 - j], x[n, j]),
        "z[n, 1 - j]: subscript 1 - j on the left runs from -1 to 1, axis 1 of z from 0 to 2",
    ),
    "data on the left": (
        lambda: bp.Equation(z[n, token[n]], x[n, 0]),
        "z[n, token[n]]: the left-hand side takes indices, or sums of them such as 4*i + j, not",
    ),
    "a number among the indices on the left": (
        lambda: bp.Equation(z[n, 0], x[n, 0]), "z[n, 0]: the left-hand side takes indices"
    ),
    "the batch and a number on the left": (
        lambda: bp.Equation(z[n + 1, j], x[n, j]),
        "z[n + 1, j]: n + 1: an axis or index of extent N takes plain indices of that extent only",
    ),
    "an index twice in sums on the left": (
        lambda: bp.Equation(bp.tensor("B", i, bp.Index("m", 5))[i, i + j], W[j, 0]),
        "index i is used twice on the left",
    ),
    "another step on the left": (
        lambda: bp.Equation(h[n, t + 1], h[n, t]),
        "h[n, t + 1]: t + 1: time stands on the left by itself, as t; write the equation for step",
    ),
    "a number on the left": (lambda: bp.Equation(3, x[n, j]), "left-hand side 3: expected an"),
    "a tensor on the left": (lambda: bp.Equation(z, x[n, j]), "left-hand side z: expected an"),
    "a tensor on the right": (
        lambda: bp.Equation(z[n, j], x), "z[n, j]: x is a tensor with 2 indices, write x[n, k]"
    ),
    "a string": (lambda: bp.Equation(C, "1 + 1"), "C: right-hand side: expected an expression"),
    "None": (lambda: bp.Equation(C, None), "C: right-hand side: expected an expression, got None"),
    "an array": (lambda: bp.Equation(C, np.ones(3)), "C: right-hand side: expected an expression"),
    "a condition": (lambda: bp.Equation(C, p[()] > 0), "C: right-hand side: expected an expr"),
    "a condition in a sum": (lambda: bp.Sum(b[j] > 0, j), "Sum: expected an expression, got b[j]"),
    "a string in a sum": (lambda: bp.Sum("x", j), "Sum: expected an expression, got 'x'"),
    "a sum over nothing": (lambda: bp.Sum(b[j]), "expected an index to reduce over"),
    "a sum over a tensor": (lambda: bp.Sum(b[j], b), "Sum: expected indices, got b"),
    "a sum twice over one index": (lambda: bp.Sum(b[j], j, j), "an index is reduced over twice"),
    "an undeclared symbol": (
        lambda: bp.Equation(C, p[()] * sympy.Symbol("q")),
        "C: symbol q is not declared; declare a scalar with bp.constant('q', value)",
    ),
    "an undeclared symbol in a condition": (
        lambda: bp.Equation(C, bp.where(sympy.Symbol("q") > 0, 1, p[()])), "symbol q is not decl"
    ),
    "a symbol in a subscript": (
        lambda: b[sympy.Symbol("q")], "subscript q of b: expected an affine expression"
    ),
    "the wrong number of subscripts": (lambda: W[j], "W has 2 indices, got 1: W[j]"),
    "too many subscripts": (lambda: b[j, k], "b has 1 indices, got 2: b[j, k]"),
    "a fraction as subscript": (lambda: b[sympy.Rational(1, 2)], "of b: expected an integer"),
    "a float as subscript": (lambda: b[0.5], "subscript 0.5 of b: expected an integer"),
    "a fraction of an index": (lambda: b[j / 2], "subscript j/2 of b: expected an affine"),
    "a shift by a fraction": (
        lambda: b[j + sympy.Rational(1, 2)], "subscript j + 1/2 of b: expected an affine"
    ),
    "a square of an index": (lambda: b[j**2], "subscript j**2 of b: expected an affine"),
    "a product of indices": (lambda: b[j * k], "subscript j*k of b: expected an affine"),
    "a string as subscript": (lambda: b["j"], "subscript 'j' of b: expected an index"),
    "a slice": (lambda: b[:], "of b: expected an index, an int or an expression of indices"),
    "a real tensor as subscript": (
        lambda: E[b[j], k], "subscript b[j] of E: b is not an integer tensor (declare it with kind"
    ),
    "SymPy's Sum": (
        lambda: bp.Equation(C, sympy.Sum(b[j], (j, 0, 2))), "Sum of SymPy has no place in an equ"
    ),
    "SymPy's Derivative": (
        lambda: bp.Equation(C, sympy.Derivative(p[()] ** 2, sympy.Symbol("q"))),
        "Derivative of SymPy has no place",
    ),
    "an undefined function": (
        lambda: bp.Equation(C, sympy.Function("f")(p[()])), "f(p) is an undefined function"
    ),
    "an unknown function": (
        lambda: bp.Equation(C, sympy.zeta(p[()])), "function zeta: give it a value in terms of"
    ),
    "a complex number": (lambda: bp.Equation(C, sympy.I * p[()]), "C: I is not a real number"),
    "a division by zero": (lambda: bp.Equation(C, p[()] / sympy.S.Zero), "C: zoo is not a real"),
    "not a number": (lambda: bp.Equation(C, p[()] + sympy.nan), "C: nan is not a real number"),
    "a Piecewise without an end": (
        lambda: bp.Equation(C, sympy.Piecewise((p[()], p[()] > 0))), "C: a Piecewise must end with"
    ),
    "a Python comparison": (
        lambda: bp.where(j == k, 1, b[j]), "the condition is a Python bool; write an equality as"
    ),
    "a number as condition": (lambda: bp.where(b[j], 1, 0), "expected a condition such as i <= j"),
    "an operation": (
        lambda: bp.Equation(C, b[j], (j,), "product"), "C: operation 'product', expected one of sum"
    ),
    "a reduction over an index of the left": (
        lambda: bp.Equation(b[j], W[j, k], (j, k)), "b[j]: index j is reduced over, but used once"
    ),
    "a product of data in a subscript": (
        lambda: E[token[n] * token[n], j],
        "subscript token[n]**2 of E: expected an affine expression of indices and integer data",
    ),
    "two data in a subscript": (
        lambda: equations((z[n, j], E[token[n] + other[n], j])),
        "subscript other[n] + token[n] of E: which data keep it inside of axis 0, of 4 elements, "
        "is known of one datum",
    ),
    "data that never fit": (
        lambda: equations((z[n, j], E[token[n] + 2 * j, 0])),
        "no value of token[n] keeps it inside of axis 0, of 4 elements",
    ),
    "a remainder by a symbol": (lambda: E[token[n] % n.extent, k], "rounding and remainders are"),
    "a name of a tensor": (lambda: bp.tensor("2x"), "tensor name '2x': expected an identifier"),
    "a role": (lambda: bp.Tensor("x", (), "weights"), "tensor x: role 'weights', expected one of"),
    "an axis": (lambda: bp.parameter("W", 3), "tensor W: expected indices, got 3"),
    "a kind": (lambda: bp.input("x", n, kind="int"), "tensor x: kind 'int', expected one of real,"),
    "an extent of zero": (lambda: bp.Index("i", 0), "extent 0: expected a positive int"),
    "an extent that is no number": (lambda: bp.Index("i", 2.5), "extent 2.5: expected a positive"),
    "a constant without a number": (
        lambda: bp.constant("c", "one"), "constant c: expected a finite number, got 'one'"
    ),
    "the number of extents": (lambda: bp.indices("i j k", 1, 2), "3 indices (i j k) need as many"),
}  # fmt: skip


PROGRAMS: dict[str, tuple[Callable[[], Any], str]] = {
    "extents that disagree": (
        lambda: equations((z[n, j], bp.Sum(W[j, k] * x[n, l], k) * bp.Sum(1, l)), (C, z[0, 0])),
        "index l is free",
    ),
    "an extent of the right": (
        lambda: equations((C, bp.Sum(b[l], l))),
        "C: subscript l of b: extents disagree, the index has 4, axis 0 has 3",
    ),
    "a batch index on another axis": (
        lambda: equations((C, bp.Sum(b[n], n))), "subscript n of b: it cannot be shown to lie"
    ),
    "a shifted batch index": (
        lambda: equations((s, bp.Sum(x[n + 1, k], n, k))), "subscript n + 1 of x: an axis or index"
    ),
    "a subscript out of range": (
        lambda: equations((C, bp.Sum(b[2 * j], j))),
        "C: subscript 2*j of b runs from 0 to 4, its axis from 0 to 2: guard it with where",
    ),
    "an unguarded read": (
        lambda: equations((C, bp.Sum(b[j - 1], j))), "subscript j - 1 of b runs from -1 to 1"
    ),
    "a number out of range": (
        lambda: equations((C, b[3])), "C: b[3] is outside of b: axis 0 has 3 elements, counted"
    ),
    "a guard that is not enough": (
        lambda: equations((C, bp.Sum(bp.where(sympy.Gt(j, 1), b[j - 2], b[j + 1]), j))),
        None,
    ),
    "a guard on the wrong side": (
        lambda: equations((C, bp.Sum(bp.where(sympy.Gt(j, 0), 0, b[j - 1]), j))),
        "subscript j - 1 of b runs from -1 to -1",
    ),
    "a guard by data": (
        lambda: equations((C, bp.Sum(bp.where(b[j] > 0, b[j - 1], 0), j))), "subscript j - 1 of b"
    ),
    "a cycle": (
        lambda: equations((z[n, j], a[n, j]), (a[n, j], z[n, j] * b[j])),
        "the equations need each other and are no recurrence",
    ),
    "a tensor of itself": (lambda: equations((C, C[()] + p[()])), "are no recurrence"),
    "a recurrence without a sequential index": (
        lambda: equations((z[n, j], bp.where(sympy.Gt(j, 0), z[n, j - 1], 0) + b[j])), "recurrence"
    ),
    "a recurrence both ways": (
        lambda: equations(
            (
                h[n, t],
                bp.where(sympy.Gt(t, 0), h[n, t - 1], 0)
                + bp.where(sympy.Lt(t, 4), h[n, t + 1], 0),
            )
        ),
        "h: the equations need each other and are no recurrence",
    ),
    "a recurrence of one step": (
        lambda: equations((h[n, t], u[n, t]), (u[n, t], h[n, t] / 2)), "are no recurrence"
    ),
    "a recurrence of steps that change": (
        lambda: equations((h[n, t], bp.where(sympy.Gt(t, 0), h[n, 4 - t], 0))), "no recurrence"
    ),
    "a recurrence through a sum over time": (
        lambda: equations((h[n, t], bp.Sum(h[n, bp.Index("r", 5)], t))), "is free on the right"
    ),
    "an unused parameter": (
        lambda: equations((C, p[()] ** 2), (s, b[0]), cost=C),
        "parameter b is unused: the cost C does not depend on it",
    ),
    "a name used twice": (
        lambda: equations((C, p[()] + bp.input("p")[()])), "the name p is used for two tensors"
    ),
    "two equations": (lambda: equations((C, p[()]), (C, 2 * p[()])), "C is defined by 2 equations"),
    "an input on the left": (
        lambda: equations((b[j], W[j, 0])), "b is of role parameter and cannot stand on the left"
    ),
    "a tensor that nothing defines": (
        lambda: equations((C, s[()])), "s is read but no equation defines it; if it is an input"
    ),
    "a cost with indices": (
        lambda: equations((a[n, j], y[n, j]), cost=a), "cost a: expected a tensor without indices"
    ),
    "a cost that nothing defines": (
        lambda: equations((C, p[()]), cost=s), "cost s is not defined by an equation"
    ),
    "a cost that is no tensor": (
        lambda: equations((C, p[()]), cost=C[()] + 1), "cost C + 1: expected a tensor"
    ),
    "an output that nothing defines": (
        lambda: bp.Program([bp.Equation(C, p[()])], output=s), "output s is not defined"
    ),
    "two sizes of the batch": (
        lambda: equations((s, bp.Sum(bp.input("q", bp.Index("r", "M"))[n], n))), "an axis or index"
    ),
    "a run-time extent of a parameter": (
        lambda: equations((C, bp.Sum(bp.parameter("q", n)[n], n))),
        "q: axis 0 has the run-time extent N",
    ),
    "an extent of no tensor": (
        lambda: equations((C, p[()] / bp.batch_extent("M"))), "C: M is the extent of no tensor"
    ),
    "an integer parameter": (
        lambda: equations((C, E[bp.parameter("q", kind="integer")[()], 0])),
        "q: only inputs and targets can be integer tensors",
    ),
    "something else than an equation": (lambda: bp.Program([p]), "a program takes equations, got"),
}  # fmt: skip


@pytest.mark.parametrize("name", EQUATIONS)
def test_an_equation_that_is_wrong_says_so(name: str) -> None:
    build, message = EQUATIONS[name]
    with pytest.raises(SymbpError, match=re.escape(message)) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_a_free_index_without_a_twin_is_said_to_have_none() -> None:
    for body in (W[j, k], W[j, k] * bp.Sum(v[i], i), W[j, k] * bp.Sum(v[k], k)):
        with pytest.raises(
            SymbpError, match=r"sum over it with Sum\(…, k\) or put it on the left$"
        ):
            bp.Equation(b[j], body)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_is_wrong_says_so(name: str) -> None:
    build, message = PROGRAMS[name]
    if message is None:
        build()
        return
    with pytest.raises(SymbpError, match=re.escape(message)) as caught:
        build()
    assert "\n" not in str(caught.value)


# Leaves and ways to combine them, right and wrong: whatever comes, it is a program or an error
# of the family, never a crash.
LEAVES = st.sampled_from(
    [b[j], W[j, k], x[n, k], p[()], p, j, n, t, 0, 2.5, -1, sympy.pi, sympy.oo, sympy.I, N, None,
     sympy.Symbol("q"), b, True, np.float64(2), sympy.Symbol("N")]
)  # fmt: skip
COMBINE: list[Callable[[Any, Any], Any]] = [
    lambda u, v: u + v, lambda u, v: u * v, lambda u, v: u / v, lambda u, v: u**v,
    lambda u, v: bp.sigmoid(u), lambda u, v: sympy.log(u), lambda u, v: bp.maximum(u, v),
    lambda u, v: bp.Sum(u, j), lambda u, v: bp.Max(u, j, k), lambda u, v: bp.LogSumExp(u, n),
    lambda u, v: bp.where(u > v, u, v), lambda u, v: b[u], lambda u, v: W[u, v],
    lambda u, v: bp.softmax(u, j), lambda u, v: sympy.Max(u, v, 0), lambda u, v: u > v,
    lambda u, v: sympy.Piecewise((u, v > 0), (v, True)), lambda u, v: bp.Mean(u, n),
    lambda u, v: sympy.floor(u), lambda u, v: sympy.Mod(u, 2), lambda u, v: sympy.Abs(u - v),
]  # fmt: skip


@settings(max_examples=300)
@given(st.recursive(LEAVES, lambda inner: st.tuples(st.sampled_from(COMBINE), inner, inner)))
def test_anything_is_a_program_or_an_error_of_the_family(tree: Any) -> None:
    def build(node: Any) -> Any:
        if not (isinstance(node, tuple) and len(node) == 3 and callable(node[0])):
            return node
        return node[0](build(node[1]), build(node[2]))

    try:
        body = build(tree)
    except (TypeError, AttributeError, ZeroDivisionError, ValueError):
        return  # Python's, NumPy's and SymPy's own operators have errors of their own
    try:
        program = equations((z[n, j], body))
    except SymbpError:
        return
    assert str(program)
