"""Gradients at singular points: powers at 0, hidden branches, norms, ties, weights of 0.

Every case is a few equations with a value and a gradient worked out by hand. The interpreter and a
module compute each by itself: a module of all of them takes longer to compile than one for each.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.forward import forward
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from symbp.networks.costs import (
    binary_cross_entropy,
    cross_entropy,
    softmax_cross_entropy,
)
from tests.emitted_text import emitted_module

INF, NAN = np.inf, np.nan
E = bp.Equation


@dataclass
class Case:
    """Equations that end in a scalar, the data, and what the gradients are by hand."""

    equations: list[bp.Equation]
    cost: Any
    values: dict[str, Any]
    gradients: dict[str, Any]
    value: float | None = None
    tangents: bool = True
    """Whether forward mode gives the same; what is infinite on the way has no sum of tangents."""
    stabilised: bool = False
    """Whether the formula is right only in its stable form."""


@dataclass
class Names:
    """Makes tensors whose names begin with that of the case."""

    prefix: str
    values: dict[str, Any] = field(default_factory=dict)

    def parameter(self, name: str, value: Any, *indices: bp.Index) -> Any:
        self.values[f"{self.prefix}_{name}"] = np.asarray(value, float)
        return bp.parameter(f"{self.prefix}_{name}", *indices)

    def input(self, name: str, value: Any, *indices: bp.Index) -> Any:
        self.values[f"{self.prefix}_{name}"] = np.asarray(value, float)
        return bp.input(f"{self.prefix}_{name}", *indices)

    def target(self, name: str, value: Any, *indices: bp.Index, kind: str = "real") -> Any:
        self.values[f"{self.prefix}_{name}"] = np.asarray(value, float)
        return bp.target(f"{self.prefix}_{name}", *indices, kind=kind)

    def tensor(self, name: str, *indices: bp.Index) -> Any:
        return bp.tensor(f"{self.prefix}_{name}", *indices)

    def case(
        self,
        *equations: bp.Equation,
        value: float | None = None,
        tangents: bool = True,
        stabilised: bool = False,
        **gradients: Any,
    ) -> Case:
        made = {f"{self.prefix}_{name}": g for name, g in gradients.items()}
        last = equations[-1].tensor
        return Case(list(equations), last, self.values, made, value, tangents, stabilised)


CASES: dict[str, Callable[[], Case]] = {}


def case(build: Callable[[Names], Case]) -> Callable[[Names], Case]:
    """Register a case under its function's name."""
    CASES[build.__name__] = lambda: build(Names(build.__name__))
    return build


def hidden(name: str, inner: Callable[[Any], Any], steps: int, at: list[float]) -> None:
    """Register a case of a function that ``where`` hides where it is singular."""

    def build(names: Names) -> Case:
        (i,) = bp.indices("i", len(at))
        x = names.parameter("x", at, i)
        chain = [names.tensor(f"u{step}", i) for step in range(steps)]
        C = names.tensor("C")
        equations = [E(chain[0][i], inner(x[i]))]
        equations += [E(after[i], 3 * before[i]) for before, after in pairwise(chain)]
        chosen = names.tensor("chosen", i)
        equations.append(E(chosen[i], bp.where(x[i] * 0 > 0, chain[-1][i], x[i] ** 2)))
        equations.append(E(C, bp.Sum(chosen[i], i)))
        return names.case(*equations, x=2 * np.array(at))

    build.__name__ = f"hidden_{name}_{steps}"
    case(build)


for number in (1, 2, 3):
    hidden("root", bp.sqrt, number, [0.0, -1.0, 4.0])
    hidden("reciprocal", lambda u: 1 / u, number, [0.0, 2.0])
    hidden("logarithm", bp.log, number, [0.0, -1.0, 1.0])
    hidden("exponential", bp.exp, number, [1000.0, 1.0])
    hidden("power", lambda u: u**-1.5, number, [0.0, 1.0])
hidden("quotient", lambda u: (u + 1) / (u**2 - 1), 2, [1.0, -1.0, 0.0])
hidden("log1p", bp.log1p, 2, [-1.0, -2.0])
hidden("tangent", lambda u: bp.sin(u) / bp.cos(u) / u, 2, [0.0, 1.0])
hidden("own", bp.function("cbrt_", lambda u: u ** sympy.Rational(1, 3)), 2, [0.0, 1.0])


@case
def hidden_by_a_mask_of_data(names: Names) -> Case:
    n, i = bp.indices("n i", "N", 2)
    m = names.input("m", [[1.0, 0.0], [0.0, 1.0]], n, i)
    x = names.parameter("x", [[4.0, 0.0], [-1.0, 9.0]], bp.Index("r", 2), i)
    rows = names.tensor("rows", n, i)
    r, C = names.tensor("r", n, i), names.tensor("C")
    (q,) = bp.indices("q", 2)
    return names.case(
        E(rows[n, i], bp.Sum(bp.where(sympy.Eq(n, q), x[q, i], 0), q)),
        E(r[n, i], bp.sqrt(rows[n, i])),
        E(C, bp.Sum(bp.where(m[n, i] > 0, r[n, i], 0), n, i)),
        x=[[0.25, 0], [0, 1 / 6]],
    )  # fmt: skip


@case
def hidden_by_a_product_with_data(names: Names) -> Case:
    n, i = bp.indices("n i", "N", 2)
    m = names.input("m", [[0.0, 1.0], [0.0, 0.0]], n, i)
    x, r, C = names.parameter("x", [0.0, 4.0], i), names.tensor("r", i), names.tensor("C")
    q = names.tensor("q", n, i)
    return names.case(
        E(r[i], bp.sqrt(x[i])), E(q[n, i], m[n, i] * r[i]), E(C, bp.Sum(q[n, i], n, i)),
        x=[0, 0.25], value=2,
    )  # fmt: skip


@case
def hidden_by_a_factor_in_one_equation(names: Names) -> Case:
    n, i = bp.indices("n i", "N", 2)
    m = names.input("m", [[0.0, 1.0], [0.0, 0.0]], n, i)
    x, C = names.parameter("x", [0.0, 4.0], i), names.tensor("C")
    return names.case(
        E(C, bp.Sum(m[n, i] * (bp.sqrt(x[i]) + 3 * x[i] ** 2), n, i)), x=[0, 24.25], value=50
    )


@case
def own_logarithm_weighted_with_zero(names: Names) -> Case:
    n, i = bp.indices("n i", "N", 2)
    y = names.target("y", [[0.0, 1.0], [0.0, 0.0]], n, i)
    p, C = names.parameter("p", [0.0, 4.0], i), names.tensor("C")
    return names.case(E(C, -bp.Sum(y[n, i] * bp.log(p[i]), n, i)), p=[0, -0.25], value=NAN)


@case
def hidden_behind_a_contraction(names: Names) -> Case:
    n, i, j = bp.indices("n i j", "N", 2, 3)
    x = names.input("x", [[0.0, 1.0], [1.0, 2.0]], n, i)
    m = names.input("m", [0.0, 1.0], n)
    g, W = names.parameter("g", [1.0, 1.0], i), names.parameter("W", np.ones((3, 2)), j, i)
    q, h, t = names.tensor("q", n, i), names.tensor("h", n, j), names.tensor("t", n, j)
    return names.case(
        E(q[n, i], 1 / (x[n, i] * g[i])),
        E(h[n, j], bp.Sum(W[j, i] * q[n, i], i)),
        E(t[n, j], bp.where(m[n] > 0, h[n, j], 0)),
        E(names.tensor("C"), bp.Sum(t[n, j], n, j)),
        W=[[1, 0.5]] * 3, g=[-3, -1.5], value=4.5,
    )  # fmt: skip


@case
def an_adjoint_that_is_not_finite_stays_under_its_guard(names: Names) -> Case:
    t = bp.Index("t", 3, sequential=True)
    k, j = bp.indices("k j", 2, 2)
    U = names.parameter("U", np.zeros((2, 2)), j, k)
    a = names.parameter("a", np.ones((3, 2)), t, j)
    z, h = names.tensor("z", t, j), names.tensor("h", t, k)
    return names.case(
        E(z[t, j], bp.where(t > 0, bp.Sum(U[j, k] * h[t - 1, k], k), 0) + a[t, j]),
        E(h[t, j], z[t, j] ** 2),
        E(names.tensor("C"), bp.Sum(bp.where(t > 1, bp.log(h[t, j]), 0), t, j)),
        U=[[2, 2], [2, 2]], a=[[0, 0], [0, 0], [2, 2]],
    )  # fmt: skip


@case
def a_root_squared_again(names: Names) -> Case:
    (i,) = bp.indices("i", 3)
    x, r = names.parameter("x", [0.0, 0, 0], i), names.tensor("r")
    return names.case(
        E(r, bp.sqrt(bp.Sum(x[i] ** 2, i))), E(names.tensor("C"), r[()] ** 2), x=[0, 0, 0]
    )


def norms() -> Iterator[tuple[str, Callable[..., list[Any]]]]:
    """Yield spellings of the Euclidean norm of x over i, times a factor."""
    i, k = bp.indices("i k", 2, 2)
    half = sympy.Float(0.5)
    yield "squares", lambda x, s, u: [bp.Sum(x[i, k] ** 2, i, k), bp.sqrt(s), 1]
    yield "inline", lambda x, s, u: [0 * s, bp.sqrt(bp.Sum(x[i, k] ** 2, i, k)), 1]
    yield "products", lambda x, s, u: [bp.Sum(x[i, k] * x[i, k], i, k), s**half, 1]
    yield "absolute", lambda x, s, u: [bp.Sum(abs(x[i, k]) * abs(x[i, k]), i, k), bp.sqrt(s), 1]
    yield "nested", lambda x, s, u: [bp.Sum(bp.Sum(x[i, k] ** 2, k), i), bp.sqrt(s), 1]
    yield "mean", lambda x, s, u: [bp.Mean(x[i, k] ** 2, i, k), bp.sqrt(s), 0.5]
    yield "scaled", lambda x, s, u: [bp.Sum(9 * x[i, k] ** 2, i, k), bp.sqrt(s), 3]
    yield "of_squares", lambda x, s, u: [bp.Sum(u[i, k], i, k), bp.sqrt(s), 1]
    yield "guarded", lambda x, s, u: [
        bp.Sum(bp.where(sympy.Ge(i, 0), x[i, k] ** 2, 0), i, k), bp.sqrt(s), 1
    ]  # fmt: skip
    yield "negated", lambda x, s, u: [-bp.Sum(x[i, k] ** 2, i, k), bp.sqrt(-s), 1]
    yield "written_out", lambda x, s, u: [
        x[0, 0] ** 2 + x[0, 1] ** 2 + x[1, 0] ** 2 + x[1, 1] ** 2, bp.sqrt(s), 1
    ]  # fmt: skip


def spelled(name: str, spelling: Callable[..., list[Any]], at: str, value: np.ndarray) -> None:
    def build(names: Names) -> Case:
        rows, columns = bp.Index("a", 2), bp.Index("b", 2)
        x = names.parameter("x", value, rows, columns)
        s, r, u = names.tensor("s"), names.tensor("r"), names.tensor("u", rows, columns)
        total, root, factor = spelling(x, s[()], u)
        size = np.linalg.norm(value)
        slope = factor * value / size if size else 0 * value
        return names.case(
            E(u[rows, columns], x[rows, columns] ** 2), E(s, total), E(r, root),
            E(names.tensor("C"), 1.0 * r[()]), x=slope, value=factor * size,
        )  # fmt: skip

    build.__name__ = f"norm_{name}_{at}"
    case(build)


for label, spelling in norms():
    spelled(label, spelling, "at_zero", np.zeros((2, 2)))
    spelled(label, spelling, "elsewhere", np.array([[1.0, -2.0], [0.0, 3.0]]))


@case
def standard_deviation_of_equal_values(names: Names) -> Case:
    i, k = bp.indices("i k", 3, 3)
    x, mean, d = names.parameter("x", [2.0, 2, 2], i), names.tensor("mean"), names.tensor("d", i)
    return names.case(
        E(mean, bp.Mean(x[i], i)), E(d[i], x[i] - mean[()]),
        E(names.tensor("C"), bp.sqrt(bp.Mean(d[k] ** 2, k))), x=[0, 0, 0],
    )  # fmt: skip


def root_of_powers(name: str, x_is: list[float], p: float | None, gradient: list[float]) -> None:
    """A p-norm with the exponents as numbers, or with p as a parameter where it is given."""

    def build(names: Names) -> Case:
        i, k = bp.indices("i k", 2, 2)
        x, s, q = names.parameter("x", x_is, i), names.tensor("s"), names.tensor("q")
        C = names.tensor("C")
        if p is None:
            third = sympy.Rational(1, 3)
            return names.case(E(s, bp.Sum(abs(x[k]) ** 3, k)), E(C, s[()] ** third), x=gradient)
        exponent = names.parameter("p", p)[()]
        # With one entry that is not 0 the norm does not change with p.
        return names.case(
            E(q, 1 / exponent), E(s, bp.Sum(abs(x[k]) ** exponent, k)), E(C, s[()] ** q[()]),
            x=gradient, p=0,
        )  # fmt: skip

    build.__name__ = f"root_{name}"
    case(build)


root_of_powers("cubes_at_0", [0.0, 0.0], None, [0, 0])
root_of_powers("cubes", [3.0, 0.0], None, [1, 0])
root_of_powers("powers_at_0", [0.0, 0.0], 2.5, [0, 0])
root_of_powers("powers", [0.0, -3.0], 2.5, [0, -1])


@case
def a_root_of_a_sum_that_can_cancel_is_none(names: Names) -> Case:
    i, k = bp.indices("i k", 2, 2)
    x = names.parameter("x", [1.0, -1.0], i)
    root = bp.Sum(x[k] ** 3, k) ** sympy.Rational(1, 3)
    return names.case(E(names.tensor("C"), root), x=[INF, INF], tangents=False)


@case
def a_root_of_a_weighted_parameter_is_no_norm(names: Names) -> Case:
    w = names.parameter("w", 0.0)
    return names.case(E(names.tensor("C"), bp.sqrt(w * 4.0)), w=INF)


@case
def a_root_of_squares_and_more_is_plain(names: Names) -> Case:
    x = names.parameter("x", 3.0)
    return names.case(E(names.tensor("C"), bp.sqrt(x**2 + 16)), x=0.6, value=5)


@case
def a_quotient_by_a_norm_that_is_hidden(names: Names) -> Case:
    i, k = bp.indices("i k", 2, 2)
    x, r, u = names.parameter("x", [0.0, 0], i), names.tensor("r"), names.tensor("u", i)
    return names.case(
        E(r, bp.sqrt(bp.Sum(x[k] ** 2, k))), E(u[i], x[i] / r[()]),
        E(names.tensor("C"), bp.Sum(bp.where(r[()] > 0, u[i], 5 * x[i]), i)), x=[5, 5],
    )  # fmt: skip


# Powers ---------------------------------------------------------------------------------------

#      x, y, by x, by y
POWERS = [
    (0.0, 1.0, 1.0, 0.0), (0.0, 2.0, 0.0, 0.0), (0.0, 3.0, 0.0, 0.0), (0.0, 1.5, 0.0, 0.0),
    (0.0, 0.5, INF, 0.0), (0.0, 0.0, 0.0, 0.0), (0.0, -1.0, -INF, -INF),
    (1.0, 0.0, 0.0, 0.0), (2.0, 0.0, 0.0, np.log(2)), (-2.0, 0.0, 0.0, NAN),
    (-2.0, 2.0, -4.0, NAN), (-2.0, 3.0, 12.0, NAN), (-2.0, -1.0, -0.25, NAN),
    (-2.0, 0.5, NAN, NAN), (2.0, 3.0, 12.0, 8 * np.log(2)), (2.0, -1.0, -0.25, 0.5 * np.log(2)),
]  # fmt: skip
BASES, EXPONENTS, BY_BASE, BY_EXPONENT = (np.array(column) for column in zip(*POWERS, strict=True))


@case
def power_of_two_parameters(names: Names) -> Case:
    (i,) = bp.indices("i", len(POWERS))
    x, y = names.parameter("x", BASES, i), names.parameter("y", EXPONENTS, i)
    return names.case(
        E(names.tensor("C"), bp.Sum(x[i] ** y[i], i)), x=BY_BASE, y=BY_EXPONENT, tangents=False
    )


@case
def power_with_data_in_the_exponent(names: Names) -> Case:
    (i,) = bp.indices("i", len(POWERS))
    n = bp.Index("n", "N")
    x = names.parameter("x", BASES, i)
    y = names.input("y", [EXPONENTS, EXPONENTS], n, i)
    return names.case(
        E(names.tensor("C"), bp.Sum(x[i] ** y[n, i], n, i)), x=2 * BY_BASE, tangents=False
    )


@case
def power_with_an_index_in_the_exponent(names: Names) -> Case:
    i, k = bp.indices("i k", 3, 4)
    x, c = names.parameter("x", [0.0, -1, 2], i), names.parameter("c", [1.0, 2, 3, 4], k)
    return names.case(
        E(names.tensor("C"), bp.Sum(c[k] * x[i] ** k, i, k)),
        x=[2, 2 - 6 + 12, 2 + 12 + 48], c=[3, 1, 5, 7], value=1 + (1 - 2 + 3 - 4) + 49,
    )  # fmt: skip


@case
def power_with_a_falling_index_in_the_exponent(names: Names) -> Case:
    (k,) = bp.indices("k", 3)
    x = names.parameter("x", 2.0)
    return names.case(E(names.tensor("C"), bp.Sum(x ** (-k), k)), x=-0.25 - 0.25, value=1.75)


@case
def powers_with_numbers_in_the_exponent(names: Names) -> Case:
    (i,) = bp.indices("i", 2)
    x = names.parameter("x", [0.0, -2.0], i)
    return names.case(
        E(names.tensor("C"), bp.Sum(x[i] ** 3 + 2 * x[i] ** 2 + x[i] ** 1 + x[i] ** 0, i)),
        x=[1, 12 - 8 + 1],
    )  # fmt: skip


@case
def power_of_a_number(names: Names) -> Case:
    x = names.parameter("x", 3.0)
    return names.case(E(names.tensor("C"), sympy.Integer(2) ** x), x=8 * np.log(2), value=8)


@case
def power_in_a_function_of_the_users(names: Names) -> Case:
    (i,) = bp.indices("i", 4)
    own = bp.function("own_power", lambda u, v: 2 * u ** (v + 1), arguments=2)
    x = names.parameter("x", [0.0, 0.0, 0.0, 2.0], i)
    y = names.parameter("y", [0.0, 1.0, -1.0, 1.0], i)
    return names.case(
        E(names.tensor("C"), bp.Sum(own(x[i], y[i]), i)),
        x=[2, 0, 0, 8], y=[0, 0, 0, 8 * np.log(2)],
    )  # fmt: skip


@case
def generalised_mean_pooling(names: Names) -> Case:
    n, j = bp.indices("n j", "N", 3)
    x = names.input("x", [[0.0, 1, 2], [0.0, 0, 3]], n, j)
    p, o = names.parameter("p", 3.0), names.tensor("o", n)
    means, slopes = np.array([3.0, 9.0]), np.array([8 * np.log(2), 27 * np.log(3)]) / 3
    expected = means ** (1 / 3) * (slopes / (3 * means) - np.log(means) / 9)
    return names.case(
        E(o[n], bp.Mean(x[n, j] ** p, j) ** (1 / p)), E(names.tensor("C"), bp.Sum(o[n], n)),
        p=expected.sum(), value=(means ** (1 / 3)).sum(),
    )  # fmt: skip


# Ties -----------------------------------------------------------------------------------------


def tied(name: str, function: Callable[..., Any], at: list[float], expected: list[float]) -> None:
    def build(names: Names) -> Case:
        (i,) = bp.indices("i", len(at))
        x = names.parameter("x", at, i)
        return names.case(
            E(names.tensor("C"), function(*(x[place] for place in range(len(at))))), x=expected
        )

    build.__name__ = f"tie_{name}"
    case(build)


third = 1 / 3
tied("of_three", sympy.Max, [1.0, 1, 1], [third] * 3)
tied("of_three_least", sympy.Min, [1.0, 1, 1], [third] * 3)
tied("of_four", lambda a, b, c, d: sympy.Max(a, b, c, d), [2.0, 1, 2, 2], [third, 0, third, third])
tied("nested", lambda a, b, c: bp.maximum(a, bp.maximum(b, c)), [1.0, 1, 1], [third] * 3)
tied("nested_left", lambda a, b, c: bp.minimum(bp.minimum(a, b), c), [1.0, 1, 1], [third] * 3)
tied("of_two", bp.maximum, [1.0, 1], [0.5, 0.5])
tied("of_two_of_three", sympy.Max, [1.0, 0, 1], [0.5, 0, 0.5])
tied("of_none", sympy.Max, [1.0, 3, 2], [0, 1, 0])
tied(
    "of_what_is_computed", lambda a, b, c: sympy.Max(a * b, b * c, c * a), [2.0, 2, 2], [4 / 3] * 3
)
tied("with_itself", lambda a, b: bp.maximum(a, bp.maximum(b, a)), [1.0, 1], [0.5, 0.5])
tied(
    "of_both_kinds", lambda a, b, c: bp.minimum(bp.maximum(a, b), c), [1.0, 1, 1], [0.25, 0.25, 0.5]
)


@case
def tie_over_an_index(names: Names) -> Case:
    (i,) = bp.indices("i", 3)
    x = names.parameter("x", [1.0, 1, 1], i)
    return names.case(E(names.tensor("C"), bp.Max(x[i], i)), x=[third] * 3)


# Weights of 0 ---------------------------------------------------------------------------------


@case
def xlogy_at_zero(names: Names) -> Case:
    (i,) = bp.indices("i", 5)
    x = names.parameter("x", [0.0, 0.0, 0.0, 2.0, 1.0], i)
    y = names.parameter("y", [0.0, 3.0, -1.0, 3.0, 0.5], i)
    return names.case(
        E(names.tensor("C"), bp.Sum(bp.xlogy(x[i], y[i]), i)),
        x=[0, np.log(3), 0, np.log(3), np.log(0.5)], y=[0, 0, 0, 2 / 3, 2],
        value=2 * np.log(3) + np.log(0.5),
    )  # fmt: skip


@case
def xlog1py_at_zero(names: Names) -> Case:
    (i,) = bp.indices("i", 3)
    x, y = names.parameter("x", [0.0, 0.0, 2.0], i), names.parameter("y", [-1.0, 3.0, 1e-20], i)
    return names.case(
        E(names.tensor("C"), bp.Sum(bp.xlog1py(x[i], y[i]), i)),
        x=[0, np.log(4), 1e-20], y=[0, 0, 2], value=2e-20,
    )  # fmt: skip


@case
def divergence_from_a_target_of_zero(names: Names) -> Case:
    n, i = bp.indices("n i", "N", 3)
    y = names.target("y", [[0.0, 0.5, 0.5], [1.0, 0, 0]], n, i)
    z, p = names.parameter("z", [0.0, 0.0, -1e4], i), names.tensor("p", i)
    return names.case(
        E(p[i], bp.softmax(z[i], i)),
        E(names.tensor("C"), bp.Sum(bp.xlogy(y[n, i], y[n, i]) - bp.xlogy(y[n, i], p[i]), n, i)),
        z=[1 - 1, 1 - 0.5, -0.5], value=-np.log(2) + 2 * np.log(2) + 0.5 * 1e4, tangents=False,
        stabilised=True,
    )  # fmt: skip


def masked(name: str, logits: Callable[..., tuple[list[bp.Equation], Any]]) -> None:
    def build(names: Names) -> Case:
        n, i = bp.indices("n i", "N", 3)
        y = names.target("y", [[1.0, 0, 0], [0, 1.0, 0]], n, i, kind="distribution")
        b = names.parameter("b", [0.0, 0, 0], i)
        z = names.tensor("z", n, i)
        equations = logits(names, n, i, b, z)
        return names.case(
            *equations, E(names.tensor("C"), softmax_cross_entropy(z, y)), b=[0, 0, 0],
            value=np.log(2),
        )  # fmt: skip

    build.__name__ = f"masked_{name}"
    case(build)


MASK = np.array([[0.0, 0.0, -INF]] * 2)
masked("by_data", lambda names, n, i, b, z: [E(z[n, i], names.input("m", MASK, n, i)[n, i] + b[i])])
masked("by_where", lambda names, n, i, b, z: [
    E(z[n, i], bp.where(names.input("m", np.isfinite(MASK), n, i)[n, i] > 0, b[i], -sympy.oo))
])  # fmt: skip
masked("by_index", lambda names, n, i, b, z: [E(z[n, i], bp.where(i < 2, b[i], -sympy.oo))])


@case
def cross_entropy_of_certain_outputs(names: Names) -> Case:
    n, i = bp.indices("n i", "N", 2)
    y = names.target("y", [[1.0, 0.0], [1.0, 0.0]], n, i)
    p, a = names.parameter("p", [1.0, 0.0], i), names.tensor("a", n, i)
    return names.case(
        E(a[n, i], 1 * p[i]), E(names.tensor("C"), cross_entropy(a, y)), p=[-1, 1], value=0,
    )  # fmt: skip


@case
def binary_cross_entropy_of_a_masked_logit(names: Names) -> Case:
    n, i = bp.indices("n i", "N", 2)
    y = names.target("y", [[1.0, 0.0], [1.0, 0.0]], n, i)
    m = names.input("m", [[0.0, -INF], [0.0, -INF]], n, i)
    p, z = names.parameter("p", [0.0, 0.0], i), names.tensor("z", n, i)
    return names.case(
        E(z[n, i], m[n, i] + p[i]), E(names.tensor("C"), binary_cross_entropy(z, y)),
        p=[-0.25, 0], value=np.log(2) / 2,
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@cache
def built(name: str) -> Case:
    return CASES[name]()


@pytest.mark.parametrize("name", CASES)
def test_the_interpreter_gives_what_is_right_by_hand(name: str) -> None:
    made = built(name)
    normal = normalise(bp.Program(made.equations, cost=made.cost))
    for plain in (normal, stabilise(normal))[made.stabilised :]:
        differentiated = reverse(plain)
        found = interpret(differentiated, made.values)
        if made.value is not None:
            close(found[made.cost.name], made.value)
        for tensor, gradient in differentiated.gradients:
            close(found[gradient.name], made.gradients[tensor.name])


@pytest.mark.parametrize("name", [name for name in CASES if built(name).tangents])
def test_tangents_are_the_gradients_contracted_with_a_direction(name: str) -> None:
    made = built(name)
    program = bp.Program(made.equations, cost=made.cost)
    tangents, of = forward(normalise(program))
    for tensor in program.parameters:
        for place in np.ndindex(made.values[tensor.name].shape):
            direction = {of[t].name: np.zeros_like(made.values[t.name]) for t in program.parameters}
            direction[of[tensor].name][place] = 1.0
            found = interpret(tangents, made.values | direction)
            expected = np.broadcast_to(
                made.gradients[tensor.name], made.values[tensor.name].shape
            )  # fmt: skip
            close(found[of[made.cost].name], expected[place])


def module_gradients(names: tuple[str, ...], dtype: str, runs_text: bool = False) -> dict[str, Any]:
    """Return the gradients of some cases by one module, compiled or run as Python."""
    made = [built(name) for name in names]
    C = bp.tensor("C")
    total = sum((case_.cost[()] for case_ in made[1:]), made[0].cost[()])
    equations = [equation for case_ in made for equation in case_.equations]
    program = bp.Program([*equations, E(C, total)], cost=C)
    values = {name: value for case_ in made for name, value in case_.values.items()}
    module = (
        emitted_module(program, bp.SGD(0.1))
        if runs_text
        else bp.compile(program, dtype=dtype).module
    )
    given = {name: value.astype(dtype) for name, value in values.items()}
    arrays = [given[tensor.name] for tensor in (*program.inputs, *program.targets)]
    parameters = {tensor.name: given[tensor.name] for tensor in program.parameters}
    with np.errstate(all="ignore"):
        _, gradients = module.gradient(parameters, *arrays)
    return {t.name: getattr(gradients, t.name) for t in program.parameters}


def is_variant(name: str) -> bool:
    """Whether a case is one more of its kind: a longer chain, a regular point, a mirrored tie."""
    longer = name.startswith("hidden_") and name[-1] in "13"
    regular = name.endswith("_elsewhere") and name != "norm_squares_elsewhere"
    return longer or regular or name in ("tie_of_three_least", "tie_nested_left", "tie_of_none")


def assert_right(name: str, found: dict[str, Any], tolerance: float) -> None:
    for parameter, by_hand in built(name).gradients.items():
        expected = np.broadcast_to(by_hand, found[parameter].shape)
        np.testing.assert_allclose(found[parameter], expected, rtol=tolerance, atol=tolerance / 10)


KINDS = [name for name in CASES if not is_variant(name)]


@pytest.mark.parametrize("name", KINDS)
def test_the_text_of_a_module_gives_what_is_right_by_hand(name: str) -> None:
    assert_right(name, module_gradients((name,), "float64", runs_text=True), 1e-12)


# The text has been run: machine code of some in every run, of the rest when there is time.
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in KINDS[::5] else [pytest.mark.slow]) for n in CASES]
)
def test_modules_give_what_is_right_by_hand(name: str) -> None:
    assert_right(name, module_gradients((name,), "float64"), 1e-12)


# Neighbours share a module, and may share what they compute.
@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, len(CASES), 10))
def test_cases_side_by_side_in_single_precision_are_right(first: int) -> None:
    names = tuple(CASES)[first : first + 10]
    found = module_gradients(names, "float32")
    for name in names:
        assert_right(name, found, 2e-5)
