"""What is written by mistake -> what the one line says; and, beside it, what is no mistake."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp

E, P = bp.Equation, bp.Program
n, j, k = bp.indices("n j k", "N", 3, 4)
k2, j2, l = bp.Index("k", 4), bp.Index("j", 3), bp.Index("l", 5)
k3 = k.fresh()
t = bp.Index("t", 6, sequential=True)
x, y, q = bp.input("x", n, k), bp.target("y", n, j), bp.input("q", n)
W, b, v = bp.parameter("W", j, k), bp.parameter("b", j), bp.parameter("v", k)
Q, p = bp.parameter("Q", j, j2), bp.parameter("p")
z, a, r, C = bp.tensor("z", n, j), bp.tensor("a", n, j), bp.tensor("r", n), bp.tensor("C")
o = bp.tensor("o", n, j)
state = bp.Tensor("state", (), "state")
e = z[n, j]
LINEAR = [
    E(z[n, j], bp.Sum(W[j, k] * x[n, k], k)),
    E(C, bp.Mean((z[n, j] - y[n, j]) ** 2, n, j)),
]

CONDITION = "write bp.where(condition, a, b) for `a if condition else b`, bp.maximum(a, b)"
STEPS = "rounding and remainders are for indices"
NUMBER = "has no number yet"
ARRAY = "an equation reads an array through a tensor; declare it with bp.input or bp.parameter"

Table = dict[str, tuple[Callable[[], Any], str]]

OPERATORS: Table = {
    "if else": (
        lambda: e if e > 0 else 0,
        f"z[n, j] > 0 is a condition, neither true nor false before there are numbers: {CONDITION}",
    ),
    "if else of a scalar": (lambda: p[()] if p > 0 else 0, "p > 0 is a condition"),
    "if else of an index": (lambda: b[0] if t > 0 else 0, "t > 0 is a condition"),
    "max": (lambda: max(e, 0), CONDITION),
    "max of three": (lambda: max(b[0], b[1], b[2]), CONDITION),
    "min": (lambda: min(0, e), CONDITION),
    "sorted": (lambda: sorted([b[0], b[1]]), CONDITION),
    "and": (lambda: e > 0 and b[j] > 0, "(a > 0) & (b > 0)"),
    "or": (lambda: e > 0 or b[j] > 0, "| and ~ for `and`, `or`, `not`"),
    "not": (lambda: not (e > 0), CONDITION),
    "a chain": (lambda: 0 < b[0] < 1, "chains such as 0 < a < 1"),
    "a chain of elements": (lambda: b[0] <= b[1] <= b[2], CONDITION),
    "a conjunction as a bool": (lambda: 1 if (e > 0) & (b[j] > 0) else 0, CONDITION),
    "a disjunction as a bool": (lambda: 1 if (e > 0) | (t < 3) else 0, CONDITION),
    "a negation as a bool": (lambda: 1 if ~((e > 0) & (b[j] > 0)) else 0, CONDITION),
    "a negated comparison": (lambda: 1 if ~(e > 0) else 0, "z[n, j] <= 0 is a condition"),
    "a condition of a function": (lambda: 1 if bp.sigmoid(e) > 0.5 else 0, CONDITION),
    "a condition of a sum": (lambda: 1 if bp.Sum(b[j], j) > 1 else 0, CONDITION),
    "a condition of a function of one's own": (
        lambda: 1 if bp.function("own", lambda u: u**2)(e) > 1 else 0,
        CONDITION,
    ),
    "an element as a bool": (lambda: 1 if e else 0, "z[n, j] is neither true nor false"),
    "or with an element": (lambda: e or 0, "write bp.where(z[n, j] > 0, a, b)"),
    "& without parentheses": (lambda: e > 0 & b[j], "0 & b[j]: & joins conditions"),
    "~ of an element": (lambda: ~e, "~ negates a condition"),
    "a caret": (lambda: e ^ 2, "a power is z[n, j]**2"),
    "math.exp": (lambda: math.exp(e), f"z[n, j] {NUMBER}, float() and the functions of math need"),
    "math.sqrt": (lambda: math.sqrt(p), "write bp.exp, bp.log, bp.sqrt"),
    "math.exp of a function": (lambda: math.exp(bp.sigmoid(e)), f"sigmoid(z[n, j]) {NUMBER}"),
    "math.exp of a sum": (lambda: math.exp(bp.Sum(b[j], j)), NUMBER),
    "float": (lambda: float(e), NUMBER),
    "int": (lambda: int(e), NUMBER),
    "complex": (lambda: complex(e), NUMBER),
    "round": (lambda: round(e, 2), f"round(z[n, j]): {STEPS}"),
    "math.floor": (lambda: math.floor(e), STEPS),
    "math.ceil": (lambda: math.ceil(e), STEPS),
    "math.trunc": (lambda: math.trunc(e), STEPS),
    "//": (lambda: e // 2, f"z[n, j] // 2: {STEPS}"),
    "// from the right": (lambda: 2 // e, f"2 // z[n, j]: {STEPS}"),
    "%": (lambda: e % 2, STEPS),
    "% from the right": (lambda: 7 % e, STEPS),
    "divmod": (lambda: divmod(e, 2), STEPS),
    "range": (lambda: range(e), "z[n, j] is no int"),
    "a place in a list": (lambda: [1, 2][e], "z[n, j] is no int"),
    "an index as an int": (lambda: range(k), "k is an index, which stands for every number from 0"),
    "math.sin of an index": (lambda: math.sin(t), NUMBER),
    "an array beside an index": (lambda: np.arange(3) * t, ARRAY),
    "a method of torch's": (lambda: e.exp(), "z[n, j] has no attribute 'exp': write bp.exp(x[k])"),
    "a sum as a method": (lambda: b[j].sum(), "write bp.Sum(x[k], k)"),
    "one pair of brackets each": (lambda: x[n][k], "x has 2 indices, got 1: x[n]; write x[n, k]"),
    "len": (lambda: len(e), "z[n, j] is one number and has no length"),
    "len of a tensor": (lambda: len(W), "its sizes are W.shape"),
    "a loop": (lambda: list(e), "cannot be run through"),
    "a loop over a tensor": (lambda: list(W), "W[j, k] stands for each of its elements"),
    "in": (lambda: 3 in e, "z[n, j] is one number, nothing is in it"),
    "Python's sum": (lambda: sum(b[j], j), "a sum over an index k is bp.Sum(b[j], k)"),
    "Python's sum of a sum": (lambda: sum(bp.Sum(W[j, k], k), j), "bp.Sum("),
    "a format": (lambda: f"{e:.3f}", "z[n, j] has no number to print as '.3f'"),
    "@": (
        lambda: W @ x,
        "W @ x: a product of matrices is a sum over the index that they share, "
        "bp.Sum(W[j, k]*x[n, k], k)",
    ),
    "@ of elements": (lambda: W[j, k] @ v[k], "bp.Sum(W[j, k]*v[k], k)"),
    "@ without an index": (lambda: b @ v, "such as bp.Sum(W[j, k]*x[k], k)"),
    "@ with an array": (lambda: W @ np.ones((4, 2)), ARRAY),
    "an array @": (lambda: np.ones((4, 3)) @ W, ARRAY),
    "a transpose": (
        lambda: W.T,
        "W has no attribute 'T': axes have names: write W[k, j] for W[j, k]",
    ),
    "a method of arrays": (lambda: W.dot(x), "bp.Sum(W[j, k]*x[k], k)"),
    "an assignment": (lambda: z.__setitem__((n, j), 0), "bp.Equation(z[n, j], …), in the list of"),
    "diff": (
        lambda: (x[n, k] ** 2).diff(x[n, k]),
        "SymPy's diff does not differentiate by x[n, k]",
    ),
    "diff by a scalar": (lambda: (p**2).diff(p), "write bp.derive(bp.Program(equations, cost=C))"),
    "diff of a sum": (lambda: sympy.diff(bp.Sum(v[k] ** 2, k), v[k]), "bp.derive"),
    "an array": (lambda: np.ones(3) * e, f"an array of shape (3,) beside z[n, j]: {ARRAY}"),
    "an array on the right": (lambda: e - np.ones((2, 2)), ARRAY),
    "a condition of an array": (lambda: e > np.ones(3), ARRAY),
    "an array beside a scalar": (lambda: np.ones(3) ** p, ARRAY),
    "an array beside a sum": (lambda: bp.Sum(b[j], j) + np.ones(3), ARRAY),
    "a truth value": (lambda: np.True_ * e, "True beside z[n, j]: expected a real number"),
    "np.exp": (
        lambda: np.exp(e),
        "np.exp computes with numbers, z[n, j] has none yet: write bp.exp",
    ),
    "np.maximum": (lambda: np.maximum(e, 0), "write bp.maximum"),
    "np.where": (lambda: np.where(e > 0, e, 0), "write bp.where(condition, a, b)"),
    "np.sum": (lambda: np.sum(b[j]), "write bp.Sum(…, k)"),
    "np.dot": (lambda: np.dot(W, x), "write bp.Sum(W[j, k]*x[k], k)"),
    "np.sqrt of a function": (lambda: np.sqrt(bp.sigmoid(e)), "write bp.sqrt"),
    "np.arctan": (lambda: np.arctan(e), "np.arctan computes with numbers, z[n, j] has none yet"),
}

LEFT = "runs over j, which stands on the left, so it is the same for every j: leave j out of it"
SUMS: Table = {
    "an index of the left": (
        lambda: E(e, bp.Sum(W[j, k] * x[n, k], k, j)),
        f"Sum(W[j, k]*x[n, k], k, j) {LEFT}",
    ),
    "and a bias": (lambda: E(e, bp.Sum(W[j, k] * x[n, k], k, j) + b[j]), LEFT),
    "in another order": (lambda: E(e, bp.Sum(W[j, k] * x[n, k], j, k) + b[j]), LEFT),
    "in a function": (lambda: E(e, bp.tanh(b[j] + bp.Sum(W[j, k] * x[n, k], k, j))), LEFT),
    "a mean": (lambda: E(e, bp.Mean(W[j, k] * x[n, k], k, j)), LEFT),
    "a maximum": (lambda: E(e, bp.Max(W[j, k] * x[n, k], k, j) + b[j]), LEFT),
    "a logsumexp": (lambda: E(e, bp.logsumexp(W[j, k] * x[n, k], k, j)), LEFT),
    "one sum in another": (lambda: E(e, bp.Sum(bp.Sum(W[j, k] * x[n, k], k), j) + b[j]), LEFT),
    "the batch": (
        lambda: E(e, bp.Sum(W[j, k] * x[n, k], k, n) + b[j]),
        "such as i = bp.Index('i', 'N')",
    ),
    "alone": (lambda: E(b.like("u")[j], bp.Sum(b[j], j)), LEFT),
    "another index of its name": (
        lambda: E(e, bp.Sum(W[j2, k] * x[n, k], k, j2) + b[j]),
        "runs over another index called j than that on the left",
    ),
    "an index that is not there": (
        lambda: E(e, bp.Sum(b[j], k)),
        "Sum(b[j], k) runs over k, which does not stand in b[j]: leave k out; the sum would be 4*",
    ),
    "one of two that is not there": (lambda: E(C, bp.Sum(b[j], j, k)), "runs over k, which does"),
    "the batch that is not there": (lambda: E(C, bp.Mean(b[j], n, j)), "would be n.extent*(b[j])"),
    "a maximum of nothing": (lambda: E(e, bp.Max(b[j], k)), "does not stand in b[j]: leave k out"),
    "the fields of an equation": (lambda: E(e, b[j], reduce=(k,)), "runs over k, which does not"),
    "a namesake that is not there": (
        lambda: E(C, bp.Sum(bp.Sum(v[k2], k), k2)),
        "the k in it is another index of that name",
    ),
    "two of one name": (
        lambda: E(e, bp.Sum(W[j, k] * x[n, k2], k, k2)),
        "two different indices are called k in Sum(W[j, k]*x[n, k], k, k): make the index once",
    ),
    "two of one name in a mean": (lambda: E(e, bp.Mean(W[j, k] * x[n, k2], k, k2)), "called k"),
    "two of one name in sums": (
        lambda: E(e, bp.Sum(bp.Sum(W[j, k] * x[n, k2], k2), k)),
        "two different indices are called",
    ),
    "a name of the left": (
        lambda: E(e, bp.Sum(W[j2, k] * x[n, k] * b[j], k, j2)),
        "two different indices are called j",
    ),
    "a free namesake": (
        lambda: E(e, bp.Sum(W[j, k] * x[n, k2], k)),
        "(the k that is summed over is another index",
    ),
}

EQUATION = "write bp.Equation("
PROGRAM = "make a program of the equations, bp.Program([bp.Equation(…), …], cost=C)"
PROGRAMS: Table = {
    "==": (lambda: P([z[n, j] == b[j]]), f"got False: == compares at once; {EQUATION}z[n, j], …)"),
    "Eq": (
        lambda: P([sympy.Eq(e, b[j])]),
        f"got SymPy's Eq(z[n, j], b[j]): {EQUATION}z[n, j], b[j])",
    ),
    "Eq that SymPy decides": (lambda: P([sympy.Eq(p, p)]), EQUATION),
    "a pair": (lambda: P([(e, b[j])]), f"got a tuple: {EQUATION}z[n, j], b[j])"),
    "an element": (lambda: P([e]), f"got z[n, j]: {EQUATION}left, right)"),
    "a list in the list": (lambda: P([LINEAR]), "got a list: put them all into one list"),
    "a program in the list": (lambda: P([P(LINEAR)]), "put its own into the list, with *"),
    "== in Equation": (lambda: E(z[n, j] == b[j]), f"got False: == compares at once; {EQUATION}"),
    "Eq in Equation": (lambda: E(sympy.Eq(e, b[j])), f"{EQUATION}z[n, j], b[j])"),
    "no right-hand side": (
        lambda: E(e),
        "takes a left-hand side and a right-hand side, got z[n, j]",
    ),
    "derive a list": (
        lambda: bp.derive(LINEAR),
        f"expected a Program or Network, got list: {PROGRAM}",
    ),
    "derive an equation": (lambda: bp.derive(LINEAR[0]), f"got Equation: {PROGRAM}"),
    "derive a tensor": (lambda: bp.derive(C), f"got Tensor: {PROGRAM}"),
    "derive sizes": (lambda: bp.derive("3-4"), "a network of these sizes is bp.mlp('3-4')"),
    "check a list": (lambda: bp.check(LINEAR), PROGRAM),
    "compile a list": (lambda: bp.compile(LINEAR), PROGRAM),
    "draw a list": (lambda: bp.draw(LINEAR), PROGRAM),
    "a number too large": (
        lambda: P([E(C, b[3])]),
        "C: b[3] is outside of b: axis 0 has 3 elements, counted from 0",
    ),
    "a number from the end": (lambda: P([E(C, b[-1])]), "never from the end; the last is b[2]"),
    "a number of the second axis": (
        lambda: P([E(C, W[1, 4])]),
        "axis 1 has 4 elements, counted from 0 and never from the end; the last is W[1, 3]",
    ),
    "swapped axes": (
        lambda: P([E(C, bp.Sum(W[k, j], j, k))]),
        "W[k, j]: the index k has extent 4, axis 0 of W has 3: swapped? write W[j, k]",
    ),
    "swapped axes of the batch": (
        lambda: P([E(C, bp.Sum(x[k, n], n, k))]),
        "x[k, n]: the index k has extent 4, axis 0 of x has N: swapped? write x[n, k]",
    ),
    "swapped axes on the left": (
        lambda: E(z[j, n], 1),
        "axis 0 of z has N: swapped? write z[n, j]",
    ),
    "an extent of the second axis": (
        lambda: P([E(C, bp.Sum(W[j, l], j, l))]),
        "the index has 5, axis 1 has 4",
    ),
    "a target that is not read": (
        lambda: P([E(r[n], bp.Sum(y[n, j], j)), E(C, bp.Mean(x[n, k] * v[k], n, k))], cost=C),
        "target y is unused: the cost C does not depend on it; compare the output with it",
    ),
    "a loss without a target": (
        lambda: bp.mlp(2, 1, loss=lambda a, y: bp.Mean(a.element**2, *a.indices)),
        "it does not read the target, its second argument; compare z1 with it",
    ),
    "a state": (
        lambda: P([E(C, state * p)], cost=C),
        "state state has no next value: pass updates={state: …} to bp.Program",
    ),
    "updates": (
        lambda: P([E(C, p**2)], cost=C, updates=((p, C),)),
        "updates: p is of role parameter, and only a state has a next value; an optimizer updates",
    ),
    "gradients": (
        lambda: P([E(C, p**2)], cost=C, gradients=((p, C),)),
        "gradients=: they are deriv",
    ),
    "an extent of no input": (
        lambda: P([E(r[n], 2 * p), E(C, bp.Mean(r[n] ** 2, n))], cost=C),
        "r[n] runs over N, which is the extent of no input",
    ),
    "an extent that only a sum has": (
        lambda: P([E(C, bp.Sum(p * n, n))]),
        "C runs over N, which is",
    ),
    "an extent of an input that the cost does not read": (
        lambda: P([E(r[n], q[n]), E(o[n, j], b[j]), E(C, bp.Mean(o[n, j] ** 2, n, j))], cost=C),
        "cost C: o[n, j] runs over N, but the cost reads no input or target that has it",
    ),
    "an output that predict cannot size": (
        lambda: P([E(o[n, j], b[j]), E(C, bp.Mean((o[n, j] - y[n, j]) ** 2, n, j))], C, o),
        "output o runs over N, which only the target y has",
    ),
}

FORMULAS: Table = {
    "an activation": (lambda: bp.mlp(2, 1, activation=lambda u: u if u > 0 else 0), CONDITION),
    "an activation of SymPy's": (
        lambda: bp.mlp(2, 1, activation=lambda u: 1 if sympy.atan(u) > 0 else 0),
        CONDITION,
    ),
    "a function": (lambda: E(e, bp.function("f", lambda u: max(u, 0))(b[j])), CONDITION),
    "a loss": (lambda: bp.mlp(2, 1, loss=lambda a, y: max(a.element, y.element)), CONDITION),
    "an activation of NumPy's": (lambda: bp.mlp(2, 1, activation=np.tanh), "write bp.tanh"),
    "an activation of math": (lambda: bp.mlp(2, 1, activation=math.tanh), NUMBER),
}


@pytest.mark.parametrize(
    ("table", "case"),
    [(table, case) for table in (OPERATORS, SUMS, PROGRAMS, FORMULAS) for case in table],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_answered_in_one_line(table: Table, case: str) -> None:
    write, message = table[case]
    with pytest.raises((bp.SymbpError, AttributeError)) as caught:
        write()
    said = str(caught.value)
    assert message in said
    assert "\n" not in said
    assert "Relational" not in said


# What sums, products and functions of elements answer as elements do.
COMPOSITE: Table = {
    "if else": (lambda: 1 if 2 * e + 1 > 0 else 0, CONDITION),
    "max": (lambda: max(e + b[j], 0), CONDITION),
    "a condition of SymPy's function": (lambda: 1 if bp.tanh(e) > 0 else 0, CONDITION),
    "a chain": (lambda: 0 < e**2 < 1, CONDITION),
    "Python's sum": (lambda: sum(W[j, k] * x[n, k], k), "bp.Sum(W[j, k]*x[n, k], k)"),
    "math.exp": (lambda: math.exp(e + 1), NUMBER),
    "math.exp of a function": (lambda: math.exp(bp.tanh(e)), NUMBER),
    "int": (lambda: int(2 * e), NUMBER),
    "round": (lambda: round(e / 3), STEPS),
    "//": (lambda: (e + 1) // 2, STEPS),
    "@": (lambda: (W[j, k] * 2) @ v[k], "a product of matrices is a sum"),
    "np.exp": (lambda: np.exp(-e), "write bp.exp"),
    "np.sqrt of a function": (lambda: np.sqrt(bp.exp(e)), "write bp.sqrt"),
    "an array": (lambda: np.ones(3) * (e + 1), ARRAY),
    "an array on the right": (lambda: bp.tanh(e) - np.ones(3), ARRAY),
    "a format": (lambda: f"{2 * e:.2f}", "has no number to print as '.2f'"),
}


@pytest.mark.parametrize("case", COMPOSITE)
def test_a_mistake_with_a_formula_is_answered_in_one_line(case: str) -> None:
    pytest.importorskip("symbp.notation.arithmetic", reason="SymPy's own sums answer in its words")
    write, message = COMPOSITE[case]
    with pytest.raises(bp.SymbpError) as caught:
        write()
    assert message in str(caught.value)


@pytest.mark.parametrize("scalar", [np.float32(0.1), np.sqrt(2), np.int64(3), np.array(1.5)])
def test_a_scalar_of_numpy_beside_a_formula_is_a_number(scalar: Any) -> None:
    pytest.importorskip("symbp.notation.arithmetic", reason="SymPy's own sums read it their way")
    number = int(scalar) if scalar.dtype.kind in "iu" else float(scalar)
    for formula in (e + 1, 2 * e, e**2, bp.tanh(e), bp.exp(b[j])):
        for compute in BINARY:
            assert compute(formula, scalar) == compute(formula, number)


def same(left: Any, right: Any) -> bool:
    """Whether two formulas are one, with numbers of one type and value."""
    return bool(left == right) and sympy.srepr(left.args) == sympy.srepr(right.args)


SCALARS = [
    np.float64(0.1), np.float32(0.1), np.float16(0.1), np.longdouble(0.5), np.sqrt(2), np.int64(3),
    np.int8(-2), np.uint16(7), np.array(1.5), np.array(2), np.float64(2), np.array(0.1, "f4"),
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda u, c: u + c, lambda u, c: c + u, lambda u, c: u - c, lambda u, c: c - u,
    lambda u, c: u * c, lambda u, c: c * u, lambda u, c: u / c, lambda u, c: c / u,
    lambda u, c: u**c, lambda u, c: abs(c) ** u, lambda u, c: u > c, lambda u, c: c > u,
    lambda u, c: u <= c, lambda u, c: c <= u,
]  # fmt: skip


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: f"{s.dtype} {s}")
@pytest.mark.parametrize(
    "symbol", [e, p, bp.sigmoid(e), bp.Sum(b[j], j)], ids=["element", "scalar", "function", "sum"]
)
def test_a_scalar_of_numpy_is_a_number(symbol: Any, scalar: Any) -> None:
    number = int(scalar) if scalar.dtype.kind in "iu" else float(scalar)
    for compute in BINARY:
        found, expected = compute(symbol, scalar), compute(symbol, number)
        assert found == expected
        floats = [c for node in sympy.preorder_traversal(found) for c in node.atoms(sympy.Float)]
        assert all(c._prec == 53 for c in floats)  # a float32 of SymPy's has 24 bits


def test_a_scalar_of_numpy_is_a_number_wherever_a_number_stands() -> None:
    third, half = np.float32(1) / np.float32(3), np.float64(0.5)
    assert bp.where(e > third, third, e) == bp.where(e > float(third), float(third), e)
    assert bp.maximum(e, half) == bp.maximum(e, 0.5)
    assert E(e, half).body == 0.5
    assert bp.constant("c", np.float32(0.25)).value == 0.25
    assert bp.Index("i", np.int64(7)).extent == 7
    assert b[np.int64(2)] == b[2]
    assert bp.parameter("u", j, initial=("normal", np.float32(0.5))).initial is not None
    assert same(np.sqrt(2) * v[0], math.sqrt(2) * v[0])


def test_what_python_computes_of_elements() -> None:
    assert sum(b[i] for i in range(3)) == b[0] + b[1] + b[2]
    assert abs(e) == bp.Abs(e)
    assert f"{e}" == "z[n, j]" == "{}".format(e)  # noqa: UP032
    assert [b[0], b[1]].index(b[1]) == 1
    assert np.array([e, b[j]], dtype=object)[1] is not None
    assert not hasattr(W, "T")


def test_conditions_in_a_formula_are_sympys() -> None:
    made = bp.where((e > 0) & ~(b[j] >= 1) | (t < 3), e, 0)
    theirs = sympy.Or(sympy.And(sympy.Gt(e, 0), sympy.Lt(b[j], 1)), sympy.Lt(t, 3))
    assert made == bp.where(theirs, e, 0)
    for node in sympy.preorder_traversal(made.args[0]):
        assert type(node).__module__.startswith(
            ("sympy.", "symbp.notation.tensor", "symbp.notation.index")
        )
    assert (e > 0) == sympy.Gt(e, 0)
    assert sympy.Gt(e, 0) == (e > 0)
    assert hash(e > 0) == hash(sympy.Gt(e, 0))


def test_the_users_own_sympy_stays_as_it_is() -> None:
    u, w = sympy.symbols("u w", real=True)
    assert type(u > w) is sympy.StrictGreaterThan
    assert type((u > 0) & (w > 0)) is sympy.And
    with pytest.raises(TypeError, match="cannot determine truth value of Relational"):
        bool(u > w)
    assert (u**2).diff(u) == 2 * u
    assert sympy.simplify(e**2 / e) == e
    assert str(sympy.expand((e + 1) ** 2)) == "z[n, j]**2 + 2*z[n, j] + 1"
    assert sympy.gcd(2 * e, e) == e
    assert sympy.Max(e, 0).args


NO_MISTAKES: dict[str, Callable[[], Any]] = {
    "softmax by hand": lambda: E(e, bp.exp(b[j]) / bp.Sum(bp.exp(b[j]), j)),
    "softmax of another": lambda: E(e, bp.exp(b[j]) / bp.Sum(o[n, j], j)),
    "softmax": lambda: E(e, bp.softmax(b[j] * q[n], j)),
    "a mean taken off": lambda: E(e, o[n, j] - bp.Mean(o[n, j], n, j)),
    "a product of matrices over its norm": lambda: E(
        e, bp.Sum(W[j, k] * x[n, k], k) / bp.sqrt(bp.Sum(W[j, k] ** 2, j, k))
    ),
    "a layer whose input has its index": lambda: E(e, bp.Sum(Q[j, j2] * o[n, j2], j2)),
    "a penalty on a matrix whose indices have one name": lambda: E(C, bp.Sum(Q[j, j2] ** 2, j, j2)),
    "an index in a condition only": lambda: E(e, bp.Sum(bp.where(k > 1, b[j], 0), k)),
    "a count": lambda: E(C, bp.Sum(1, k)),
    "a fresh copy": lambda: E(C, bp.Sum((v[k] - v[k3]) ** 2, k, k3)),
    "a sum of a sum": lambda: E(C, bp.Sum(v[k] * bp.Sum(v[k], k), k)),
    "two of one name in a condition": lambda: E(C, bp.Sum(bp.where(k2 <= k, v[k2], 0), k, k2)),
    "the same for all": lambda: E(e, bp.Sum(v[k], k)),
    "a target of the cost only": lambda: P(LINEAR, cost=C),
    "a target and no cost": lambda: P([E(r[n], bp.Sum(y[n, j], j))]),
    "a square matrix the other way": lambda: P([E(C, bp.Sum(Q[j2, j], j, j2))]),
}


@pytest.mark.parametrize("case", NO_MISTAKES)
def test_what_is_meant_is_accepted(case: str) -> None:
    assert str(NO_MISTAKES[case]())


def test_passes_may_build_what_users_may_not() -> None:
    from symbp.notation.equation import Origin

    built = E(e, bp.Sum(W[j, k] * x[n, k], k, j), origin=Origin("some pass"))
    assert str(built) == "z[n, j] = Sum(W[j, k]*x[n, k], k, j)"


def test_a_batch_that_only_the_target_has() -> None:
    """Trained, it works; there is no output, as nothing says how many to predict."""
    program = P([E(o[n, j], b[j]), E(C, bp.Mean((o[n, j] - y[n, j]) ** 2, n, j))], cost=C)
    assert program.output is None
    assert bp.derive(program).text()


def cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


@pytest.mark.parametrize("length", [59, 60, 61, 62, 90])
def test_what_a_message_shows_of_a_long_operand_fits_into_60_letters(length: int) -> None:
    symbol = bp.parameter("z" * length)[()]
    shown = cut("z" * length)
    for mistake in (lambda: symbol // 2, lambda: np.exp(symbol), lambda: float(symbol)):
        with pytest.raises(bp.SymbpError, match=rf"(?<!z){shown}(?!z)"):
            mistake()
    condition = bp.parameter("z" * (length - 4))[()] > 0
    with pytest.raises(bp.SymbpError, match=rf"^{cut(str(condition))} is a condition"):
        bool(condition)


@pytest.mark.parametrize("declare", [bp.parameter, bp.input, bp.target, bp.tensor])
def test_an_option_that_a_declaration_does_not_have_is_named(declare: Any) -> None:
    for option in ("inital", "adjoint_of", "component_of", "shape"):
        with pytest.raises(bp.NotationError, match=f" u: no option '{option}'; "):
            declare("u", k, **{option: None})
    with pytest.raises(bp.NotationError, match="no option 'symbl'; did you mean 'symbol'"):
        declare("u", k, symbl="x")
    assert "symbol" in inspect.signature(declare).parameters
