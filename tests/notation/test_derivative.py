"""Derivatives in equations: how they are written, and what has no meaning."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import symbp as bp

D, E = bp.Derivative, bp.Equation

n, i, j, k, w = bp.indices("n i j k w", "N", 2, 3, 2, "N")
x, y, token = bp.input("x", n, i), bp.target("y", n), bp.input("token", n, kind="integer")
W, v = bp.parameter("W", j, i), bp.parameter("v", j)
h, u, C = bp.tensor("h", n, j), bp.tensor("u", n), bp.tensor("C")
FIRST = E(h[n, j], bp.tanh(bp.Sum(W[j, i] * x[n, i], i)))
SECOND = E(u[n], bp.Sum(v[j] * h[n, j], j))


def program(body: Any, *equations: bp.Equation) -> bp.Program:
    return bp.Program([*(equations or (FIRST, SECOND)), E(C, bp.Mean(body**2, n))], cost=C)


def normalised_over_the_batch() -> bp.Program:
    mean, c = bp.tensor("mean", j), bp.tensor("c", n, j)
    return program(
        D(u[n], x[n, 0]),
        FIRST,
        E(mean[j], bp.Mean(h[n, j], n)),
        E(c[n, j], h[n, j] - mean[j]),
        E(u[n], bp.Sum(v[j] * c[n, j], j)),
    )


def shared_by_a_product() -> bp.Program:
    m = bp.Index("m", 3)
    M, a = bp.parameter("M", j, m), bp.input("a", n, m)
    z = bp.tensor("z", n, j)
    total = bp.Mean(D(z[n, j], a[n, j]) ** 2, n, j)
    return bp.Program([E(z[n, j], bp.Sum(M[j, m] * a[n, m], m)), E(C, total)], cost=C)


def up_and_down() -> bp.Program:
    """From x[t] up to h[t + 1], and down again to b[t]: two paths to one step."""
    t = bp.Index("t", 3, sequential=True)
    h, b, a = bp.tensor("h", n, t), bp.tensor("b", n, t), bp.input("a", n, t)
    return bp.Program(
        [
            E(h[n, t], bp.tanh(bp.where(t > 0, h[n, t - 1], 0) + a[n, t])),
            E(b[n, t], bp.tanh(bp.where(t < 2, b[n, t + 1], 0) + h[n, t])),
            E(C, bp.Mean(D(b[n, t], a[n, t]), n, t)),
        ],
        cost=C,
    )


def inside_a_recurrence() -> bp.Program:
    t = bp.Index("t", 3, sequential=True)
    s, q, a = bp.tensor("s", n, t), bp.tensor("q", n, t), bp.input("a", n)
    before = bp.where(t > 0, s[n, t - 1], 0)
    return bp.Program(
        [
            E(q[n, t], bp.sin(a[n]) * before),
            E(s[n, t], D(q[n, t], a[n])),
            E(C, bp.Mean(s[n, 2], n)),
        ],
        cost=C,
    )


def of_itself() -> bp.Program:
    t = bp.Index("t", 3, sequential=True)
    s, q, a = bp.tensor("s", n, t), bp.tensor("q", n, t), bp.input("a", n, t)
    return bp.Program(
        [
            E(q[n, t], bp.sin(a[n, t]) * s[n, t]),
            E(s[n, t], bp.where(t > 0, s[n, t - 1], 1) * D(q[n, t], a[n, t])),
            E(C, bp.Mean(s[n, 2], n)),
        ],
        cost=C,
    )


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "of an expression": (lambda: D(u[n] ** 2, x[n, 0]), "expected an element such as u[n], got"),
    "by an expression": (lambda: D(u[n], x[n, 0] ** 2), "Derivative of u[n]: expected an element"),
    "by an index": (lambda: D(u[n], n), "such as x[n, 0], got n"),
    "by a name": (lambda: D(u[n], "x"), "such as x[n, 0], got x"),
    "by integers": (lambda: D(u[n], token[n]), "token[n] is an integer"),
    "by nothing": (lambda: D(u[n]), "by what? Write bp.Derivative(u[n], x[n, 0])"),
    "a whole tensor": (lambda: D(u[n], x), "x is a tensor with 2 indices, write x[n, i]"),
    "of a whole tensor": (lambda: D(u, x[n, 0]), "u is a tensor with 1 indices, write u[n]"),
    "no times": (lambda: D(u[n], (x[n, 0], 0)), "0 times: expected a whole number from 1"),
    "half a time": (lambda: D(u[n], (x[n, 0], 1.5)), "1.5 times: expected a whole number"),
    "no pair": (lambda: D(u[n], (x[n, 0], 1, 2)), "expected a pair such as (x[n, 0], 2)"),
    "unknown mode": (lambda: D(u[n], x[n, 0], mode="back"), "mode 'back', expected 'reverse'"),
    "shifted": (lambda: D(u[n], x[n, i - 1]), "subscript i - 1 of x[n, i - 1]"),
    "another extent": (lambda: D(u[n], x[n, j]), "index j of x[n, j] has extent 3, the axis has 2"),
    "a free axis": (lambda: program(D(u[n], x[n, k])), "index k is free on the right"),
    "a missing index": (lambda: program(D(u[w], x[w, 0])), "index w is free on the right"),
    "examples that are coupled": (
        normalised_over_the_batch,
        "n is shared, and mean[j] = … couples",
    ),
    "an axis that is coupled": (shared_by_a_product, "j is shared, and z[n, j] = … couples two"),
    "steps that are coupled": (up_and_down, "t is shared, and h[n, t] = … couples two values"),
    "of itself": (of_itself, "q, s: the equations need each other"),
    "inside a recurrence": (inside_a_recurrence, "stands inside the recurrence that q is computed"),
    "SymPy's own": (lambda: u[n].diff(x[n, 0]), "in an equation bp.Derivative(u[n], x[n, 0])"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_has_no_meaning_is_told_in_one_line(name: str) -> None:
    define, told = MISTAKES[name]
    with pytest.raises(bp.NotationError) as error:
        define()
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_it_is_written_as_in_sympy() -> None:
    twice = D(u[n], (x[n, 0], 2))
    assert twice == D(u[n], x[n, 0], x[n, 0]) == D(u[n], x[n, 0], 2)
    assert twice != D(u[n], x[n, 0], x[n, 1])
    assert twice != D(u[n], (x[n, 0], 2), mode="forward")
    assert str(D(u[n], (x[n, 0], 2), x[n, 1])) == "Derivative(u[n], (x[n, 0], 2), x[n, 1])"


def test_it_can_be_copied_and_pickled() -> None:
    given = D(u[n], x[n, 0], mode="forward")
    for again in (pickle.loads(pickle.dumps(given)), copy.deepcopy(given)):
        assert again == given
        assert again.mode == "forward"


def test_a_renamed_index_is_renamed_on_both_sides() -> None:
    assert D(u[n], x[n, 0]).xreplace({n: w}) == D(u[w], x[w, 0])


def test_what_does_not_depend_has_the_derivative_0() -> None:
    from symbp.calculus.normalise import normalise

    normal = normalise(program(u[n] + D(u[n], y[n]) * y[n]))
    assert not any(e.tensor.partial_of for e in normal.equations)
