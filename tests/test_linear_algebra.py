"""Programs that solve equations, against JAX: cost, gradient, and a Hessian times a vector."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.counts import operations
from symbp.calculus.forward import forward
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.precise import evaluate
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from tests import jax_oracle
from tests.comparison import assert_close
from tests.linear_algebra_programs import LINEAR_ALGEBRA, one


def derivatives(cost: Any, values: dict[str, Any], directions: dict[str, Any]) -> Any:
    """Return the cost, its gradient, and the Hessian times the directions, from JAX."""

    def of(varying: dict[str, Any]) -> Any:
        return cost({**values, **varying})

    at = {name: jnp.asarray(values[name], dtype=float) for name in directions}

    @jax.jit
    def everything(at: dict[str, Any], along: dict[str, Any]) -> Any:
        value, gradient = jax.value_and_grad(of)(at)
        return value, gradient, jax.jvp(jax.grad(of), (at,), (along,))[1]

    return jax.tree.map(np.asarray, everything(at, jax.tree.map(jnp.asarray, directions)))


def directions_of(program: bp.Program, values: dict[str, Any]) -> dict[str, Any]:
    draw = np.random.default_rng(7).normal
    return {p.name: np.asarray(draw(size=np.shape(values[p.name]))) for p in program.parameters}


# JAX takes seconds to compile their second derivatives.
LARGE = ("kalman", "mixture", "implicit_layer")
LARGE_ONES_SLOW = [
    pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in LINEAR_ALGEBRA
]


@pytest.mark.parametrize("name", LARGE_ONES_SLOW)
def test_cost_gradient_and_hessian_are_those_of_jax(name: str) -> None:
    program, values, cost = LINEAR_ALGEBRA[name]()
    derived = reverse(stabilise(normalise(program)))
    moving, tangents = forward(derived)
    along = directions_of(program, values)
    given = {tangents[p].name: along[p.name] for p in program.parameters}
    found = interpret(moving, {**values, **given})
    expected, gradient, curved = derivatives(cost, values, along)
    adjoints = dict(derived.gradients)
    assert_close({"cost": found["C"]}, {"cost": expected}, 1e-12)
    mine = {p.name: found[adjoints[p].name] for p in program.parameters}
    assert_close(mine, gradient, 1e-11)
    second = {p.name: found[tangents[adjoints[p]].name] for p in program.parameters}
    assert_close(second, curved, 1e-10)


@pytest.mark.parametrize(
    "name", ["permuted", pytest.param("kalman", marks=pytest.mark.slow),
             pytest.param("gaussian_process_by_cholesky", marks=pytest.mark.slow)]
)  # fmt: skip
def test_a_module_gives_the_same(name: str) -> None:
    program, values, cost = LINEAR_ALGEBRA[name]()
    module = bp.compile(program, entries=("hvp", "jvp")).module
    along = directions_of(program, values)
    parameters = {p.name: values[p.name] for p in program.parameters}
    arrays = [values[t.name] for t in (*program.inputs, *program.targets)]
    value, gradient = module.gradient(parameters, *arrays)
    expected, exact, curved = derivatives(cost, values, along)
    assert_close({"cost": value}, {"cost": expected}, 1e-12)
    assert_close(gradient._asdict(), exact, 1e-11)
    second = module.hvp(parameters, along, *arrays)
    assert_close(second._asdict(), curved, 1e-10)


N, D = 3, 3


def drawn(seed: int) -> tuple[bp.Program, dict[str, Any]]:
    """Return a random program in which solutions, factors and functions stand in one another."""
    rng = np.random.default_rng(seed)
    n, i, k, m, q = bp.indices("n i k m q", "N", D, D, D, D)
    x = bp.input("x", n, i)
    A, B = bp.parameter("A", i, k), bp.parameter("B", i, k)
    equations, vectors, matrices = [], [x], [A, B]

    def element(T: Any, a: Any, b: Any) -> Any:
        return T[n, a, b] if T.rank == 3 else T[a, b]

    for step in range(4):
        u, M = bp.tensor(f"u{step}", n, i), bp.tensor(f"M{step}", n, i, k)
        P, Q = (matrices[rng.integers(len(matrices))] for _ in range(2))
        v, w = (vectors[rng.integers(len(vectors))] for _ in range(2))
        near = 3 * one(i, k) + bp.tanh(element(P, i, k) * w[n, k])
        # Which of these there is, is drawn; all are made.
        body = [
            bp.solve(near, bp.tanh(v[n, i]), i, k),
            bp.solve(near, v[n, i], i, k, assume_a="upper triangular"),
            bp.solve(bp.tanh(element(P, i, k)) + 3 * one(i, k), v[n, i], i, k),
            bp.Sum(bp.solve(near, v[n, i], i, k) * element(Q, m, k), k),
        ][rng.integers(4)]
        place = next(index for index in (i, k, m) if index in body.free_symbols)
        equations.append(bp.Equation(u[n, place], bp.sin(body)))
        spread = bp.Sum(element(P, i, m) * element(P, k, m), m) / 4 + 2 * one(i, k)
        elsewhere = near.xreplace({i: m, k: q})
        made = [
            bp.inverse(near, i, k),
            bp.cholesky(spread + bp.tanh(element(Q, i, k)) / 4, i, k),
            bp.tanh(element(Q, k, i)) * bp.logdet(elsewhere, m, q),
        ][rng.integers(3)]
        equations.append(bp.Equation(M[n, i, k], made))
        vectors.append(u)
        matrices.append(M)
    C = bp.tensor("C")
    terms = [bp.Mean(v[n, i] ** 2, n, i) for v in vectors[1:]]
    terms += [bp.Mean(M[n, i, k] ** 2, n, i, k) for M in matrices[2:]]
    kept = sum(terms[1:], terms[0]) + bp.Mean(A[i, k] * B[i, k] * x[n, i], n, i, k)
    equations.append(bp.Equation(C, kept))
    values = {"x": rng.normal(size=(N, D)), "A": rng.normal(size=(D, D)),
              "B": rng.normal(size=(D, D))}  # fmt: skip
    return bp.Program(equations, cost=C), values


@pytest.mark.parametrize(
    "seed", [s if s < 2 else pytest.param(s, marks=pytest.mark.slow) for s in range(20)]
)
def test_random_programs_have_the_gradients_of_jax(seed: int) -> None:
    program, values = drawn(seed)
    derived = reverse(stabilise(normalise(program)))
    found = interpret(derived, values)
    gradients = jax_oracle.gradients(program, values)
    assert_close(
        {p.name: found[a.name] for p, a in derived.gradients},
        {name: np.asarray(g) for name, g in gradients.items()},
        1e-10,
    )


def singular() -> bp.Program:
    i, k = bp.indices("i k", 2, 2)
    A, X, L = bp.parameter("A", i, k), bp.tensor("X", k), bp.tensor("L", i, k)
    d, C = bp.tensor("d"), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(X[k], bp.solve(A[i, k], 1 + i, i, k)),
            bp.Equation(L[i, k], bp.cholesky(A[i, k], i, k)),
            bp.Equation(d, bp.logdet(A[i, k], i, k)),
            bp.Equation(C, bp.Sum(X[k], k) + bp.Sum(L[i, k], i, k) + d),
        ],
        cost=C,
    )


@pytest.mark.parametrize("matrix", [[[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])
def test_what_has_no_solution_is_not_finite_and_raises_nothing(matrix: Any) -> None:
    program = singular()
    found = interpret(normalise(program), {"A": matrix})
    assert not np.isfinite(found["X"]).any()
    assert found["d"] == -np.inf
    cost, gradient = bp.compile(program).module.gradient({"A": np.array(matrix)})
    assert not np.isfinite(cost)
    assert not np.isfinite(gradient.A).all()


def test_the_sign_of_a_determinant_is_not_looked_at_and_a_negative_one_has_no_factor() -> None:
    found = interpret(normalise(singular()), {"A": [[0.0, 2.0], [3.0, 0.0]]})
    assert found["d"] == pytest.approx(np.log(6))
    assert np.isnan(found["L"]).any()
    assert found["X"] == pytest.approx([2 / 3, 1 / 2])


def test_many_digits_agree_with_doubles() -> None:
    program, values, _ = LINEAR_ALGEBRA["permuted"]()
    many = evaluate(program, values)
    doubles = interpret(normalise(program), values)
    for name in ("X", "V", "C"):
        exact = np.array(many[name], dtype=float)
        np.testing.assert_allclose(doubles[name], exact, rtol=1e-12)


def test_adjoints_print_as_solutions() -> None:
    i, k, j = bp.indices("i k j", 3, 3, 2)
    A, B = bp.parameter("A", i, k), bp.parameter("B", i, j)
    X, C = bp.tensor("X", k, j), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(X[k, j], bp.solve(A[i, k], B[i, j], i, k)),
            bp.Equation(C, bp.Sum(bp.tanh(X[k, j]), k, j) + bp.logdet(A[i, k], i, k)),
        ],
        cost=C,
    )
    d = bp.derive(program)
    lines = [line.text("matrix") for line in (*d.forward, *d.backward)]
    assert lines == [
        "X = A⁻¹ B",
        "C = 𝟏ᵀ tanh(X) 𝟏 + ln |det A|",
        "∂C/∂X = tanh′(X)",
        "∂C/∂R_X = A⁻ᵀ ∂C/∂X",
        "∂C/∂B = ∂C/∂R_X",
        "∂C/∂A = A⁻ᵀ - ∂C/∂R_X Xᵀ",
    ]
    assert d.forward[0].latex("index") == r"X_{kj} = \sum_{i} (A^{-1})_{ki} B_{ij}"
    assert "R_X = B - A X" in "\n".join(step.text() for step in d.steps())


def test_operations_are_those_of_an_elimination() -> None:
    n, m = 4, 3
    i, k, j = bp.indices("i k j", n, n, m)
    A, B = bp.parameter("A", i, k), bp.parameter("B", i, j)
    X, L, d = bp.tensor("X", k, j), bp.tensor("L", i, k), bp.tensor("d")

    def counted(equation: bp.Equation) -> tuple[int, int, int]:
        found = operations([equation], lambda index: int(index.extent))
        return found.multiplications, found.additions, found.calls

    below = [n - 1 - p for p in range(n)]
    eliminated, taken = sum(r * (1 + r) for r in below), sum(r * r for r in below)
    right = 2 * sum(below) * m
    solve = bp.Equation(X[k, j], bp.solve(A[i, k], B[i, j], i, k))
    assert counted(solve) == (eliminated + right + n * m, taken + right, 0)
    determinant = bp.Equation(d, bp.logdet(A[i, k], i, k))
    assert counted(determinant) == (eliminated, taken + n - 1, n)
    # Each of the lower triangle is half of a sum of two, less what stands before it.
    before = sum(q for p in range(n) for q in range(p + 1))
    factor = bp.Equation(L[i, k], bp.cholesky(A[i, k], i, k))
    triangle = n * (n + 1) // 2
    assert counted(factor) == (before + sum(range(n)) + 2 * triangle, before + triangle, n)


i, k, j, q = bp.indices("i k j q", 3, 3, 2, 4)
n, m = bp.indices("n m", "N", "N")
t = bp.Index("t", 3, sequential=True)
A, B, K = bp.parameter("A", i, k), bp.parameter("B", i, j), bp.input("K", n, m)
R, X, h = bp.parameter("R", i, q), bp.tensor("X", k, j), bp.tensor("h", i, t)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: bp.solve(R[i, q], B[i, j], i, q), "not square: 3 rows i and 4 columns q"),
        (lambda: bp.solve(A, B, i, k), "A is a tensor; expected an element, such as"),
        (lambda: bp.solve(A[i, k], B[i, j], i, i), "have the same index i; expected two"),
        (lambda: bp.solve(A[i, k], B[i, j], i, j), "j, the index of the columns, is not in the"),
        (lambda: bp.solve(A[i, k], B[i, j], 0, k), "rows: expected an index, got 0"),
        (lambda: bp.solve(A[i, k], B[i, j], k, i), "the right-hand side reads i, the index of the"),
        (lambda: bp.logdet(K[n, m], n, m), "n has N values, known at run time only"),
        (lambda: bp.inverse(h[i, t], i, t), "t counts the steps of a recurrence"),
        (lambda: bp.solve(A[i, k], 1, i, k, assume_a="pos"), "assume_a: expected one of 'general'"),
        (
            lambda: bp.Equation(X[i, j], bp.solve(A[i, k], B[i, j], i, k)),
            "k is free on the right but not on the left.*the unknown that is numbered k",
        ),
        (
            lambda: bp.Program([bp.Equation(X[k, j], bp.solve(A[i, k] + X[i, j], B[i, j], i, k))]),
            "need each other and are no recurrence",
        ),
    ],
)
def test_a_mistake_gets_one_clear_line(made: Any, message: str) -> None:
    with pytest.raises(bp.NotationError, match=message) as caught:
        made()
    assert "\n" not in str(caught.value)


def test_the_matrix_of_each_column_may_be_another() -> None:
    G = bp.parameter("G", i, k, j)
    C = bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(X[k, j], bp.solve(G[i, k, j], B[i, j], i, k)),
            bp.Equation(C, bp.Sum(X[k, j] * sympy.Rational(1, 2), k, j)),
        ],
        cost=C,
    )
    rng = np.random.default_rng(0)
    values = {"G": rng.normal(size=(3, 3, 2)), "B": rng.normal(size=(3, 2))}
    found = interpret(normalise(program), values)
    columns = [np.linalg.solve(values["G"][:, :, c], values["B"][:, c]) for c in range(2)]
    np.testing.assert_allclose(found["X"], np.stack(columns, axis=1), rtol=1e-12)
