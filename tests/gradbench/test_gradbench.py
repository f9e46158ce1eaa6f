"""The programs of GradBench, written as equations, agree with JAX in float64.

All eleven can be said. Two do so with a bound: ``particle`` and ``saddle`` are minimised by loops
that end when a condition on values holds. A recurrence has a number of steps that is known before,
so that the particle's path is written with enough of them, and the ascent in ``saddle`` with a
number of them; what repeats the whole until it converges is ``trainer.minimise``, outside of the
equations. Sizes are those of the arguments where they are the number of examples, else fixed.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.entries.registry import ENTRIES
from tests.comparison import assert_close
from tests.gradbench import programs, references
from tests.loops.running import all_values, expected, model_of

TOLERANCE = 1e-11

CASES: dict[str, tuple[Callable[[], programs.Example], Callable[..., Any]]] = {
    "gmm": (programs.gmm, references.gmm),
    "lstm": (programs.lstm, references.lstm),
    "lse": (programs.lse, references.lse),
    "lse of great numbers": (lambda: programs.lse(1e3), references.lse),
    "llsq": (programs.llsq, references.llsq),
    "kmeans": (programs.kmeans, references.kmeans),
    "ba": (programs.ba, lambda **given: (references.ba(**given) ** 2).sum()),
    "ode": (programs.ode, lambda x: references.ode(x)[-1]),
    "ode of sums": (
        lambda: programs.ode(summed=True),
        lambda x: references.ode(x, summed=True)[-1],
    ),
    "det by permutations": (programs.det_by_permutations, lambda A, **_: references.det(A)),
    "det by minors": (programs.det_by_minors, lambda A, **_: references.det(A)),
    "particle": (lambda: programs.particle(0.1, 1.0), lambda w: references.particle(w, 1.0)),
    "saddle": (programs.saddle, references.saddle),
}


def evaluated(function: Callable[[Any], Any], at: Any) -> Any:
    """Apply a function of JAX's, compiled as a whole, and in a hurry: each is run once."""
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    result = jax.jit(function).lower(at).compile(compiler_options=options)(at)
    return jax.tree.map(np.asarray, result)


def of_parameters(
    program: bp.Program, values: dict[str, Any], function: Callable[..., Any]
) -> tuple[Callable[[Any], Any], dict[str, Any]]:
    """Return a function of the parameters by name, and where they are."""
    at = {t.name: np.asarray(values[t.name], dtype=float) for t in program.parameters}
    return lambda chosen: function(**{**values, **chosen}), at


@pytest.mark.parametrize("name", CASES)
def test_cost_and_gradient(name: str) -> None:
    make, reference = CASES[name]
    program, values = make()
    entry = ENTRIES["gradient"](model_of(program))
    found = expected(entry, all_values(entry, values))
    function, at = of_parameters(program, values, reference)
    # The particle's loop ends at a step that is not known before, and goes forwards only.
    derivative = (jax.jacfwd if name == "particle" else jax.grad)(function)
    gradient, cost = evaluated(lambda v: (derivative(v), function(v)), at)
    answer = {f"{parameter}_adjoint": array for parameter, array in gradient.items()}
    assert_close(found, {**answer, "returned": cost}, TOLERANCE)


@pytest.mark.parametrize("name", ["gmm", "lse", "llsq", "det by minors"])
def test_hessian(name: str) -> None:
    make, reference = CASES[name]
    program, values = make()
    entry = ENTRIES["hessian"](model_of(program))
    (found,) = expected(entry, all_values(entry, values)).values()
    function, at = of_parameters(program, values, reference)
    names = list(at)
    vector = np.concatenate([at[n].ravel() for n in names])
    ends = np.cumsum([at[n].size for n in names])[:-1]

    def flat(v: Any) -> Any:
        parts = jax.numpy.split(v, ends)
        return function({n: p.reshape(at[n].shape) for n, p in zip(names, parts, strict=True)})

    assert_close({"hessian": found}, {"hessian": evaluated(jax.hessian(flat), vector)}, TOLERANCE)


def test_kmeans_step_of_newton_without_the_whole_hessian() -> None:
    program, values = programs.kmeans()
    entry = ENTRIES["predict"](model_of(program))
    # As many tensors as the cost's own, but for one axis of the batch: no square of the parameters.
    size = values["c"].size
    assert all(np.prod([e for e in t.shape if isinstance(e, int)]) <= size * len(values["c"])
               for t in entry.program.tensors)  # fmt: skip
    (found,) = expected(entry, all_values(entry, values)).values()
    c = values["c"]
    function = lambda c: references.kmeans(values["p"], c)  # noqa: E731 - a formula
    gradient, hessian = evaluated(lambda c: (jax.grad(function)(c), jax.hessian(function)(c)), c)
    hessian = hessian.reshape(c.size, c.size)
    assert np.array_equal(hessian, np.diag(np.diag(hessian)))
    answer = gradient / np.diag(hessian).reshape(c.shape)
    assert_close({"direction": found}, {"direction": answer}, TOLERANCE)


@pytest.mark.parametrize("turned", [True, False])
def test_bundle_adjustment_has_its_jacobian_in_blocks(turned: bool) -> None:
    program, values = programs.ba()
    if not turned:  # without a rotation its axis is 0/0
        values["cam"][1::2, :3] = 0
    model = model_of(program)
    found = interpret(model.plain, values)
    which, what = values["which"], values["what"]
    P, (cameras, wide), (points, _) = len(which), values["cam"].shape, values["X"].shape
    # Each block at the rows of its observation and the columns of what it reads.
    rows = np.arange(2 * P).reshape(P, 2, 1)
    at = [
        (found["by_camera"], wide * which[:, None, None] + np.arange(wide)),
        (found["by_point"], wide * cameras + 3 * what[:, None, None] + np.arange(3)),
        (
            found["by_weight"][:, :, None],
            (wide * cameras + 3 * points + np.arange(P))[:, None, None],
        ),
    ]
    parts = [np.broadcast_arrays(block, rows, columns) for block, columns in at]
    data, i, j = (np.concatenate([part[k].ravel() for part in parts]) for k in range(3))
    shape = (2 * P, wide * cameras + 3 * points + P)
    sparse = scipy.sparse.coo_array((data, (i, j)), shape)
    assert sparse.nnz == 2 * P * (wide + 3 + 1)
    arguments = [values[name] for name in ("cam", "X", "w")]
    rest = {name: values[name] for name in ("seen", "which", "what")}
    errors = lambda a: references.ba(*a, **rest)  # noqa: E731 - a formula
    blocks, value = evaluated(lambda a: (jax.jacobian(errors)(a), errors(a)), arguments)
    dense = np.concatenate([block.reshape(3 * P, -1) for block in blocks], axis=1)
    assert_close({"J": sparse.toarray()}, {"J": dense[: 2 * P]}, TOLERANCE)
    assert_close({"e": found["e"].ravel()}, {"e": value[: 2 * P]}, TOLERANCE)


def test_ode_is_exact_where_the_solution_is_a_polynomial_of_the_fourth_degree() -> None:
    program, values = programs.ode()
    (found,) = expected(
        entry := ENTRIES["predict"](model_of(program)), all_values(entry, values)
    ).values()
    order = np.arange(1, 5)
    exact = np.cumprod(values["x"]) * 2.0**order / np.cumprod(order)
    assert_close({"y": found}, {"y": exact}, 1e-14)


@pytest.mark.slow
def test_particle_is_led_to_the_origin() -> None:
    program, _ = programs.particle()
    trainer = bp.compile(program, bp.SGD(0.004))
    for w in (0.0, 0.17, 0.4):
        cost, gradient = trainer.module.gradient({"w": w})
        np.testing.assert_allclose(cost, references.particle(w), rtol=1e-11)
        derivative = jax.jacfwd(references.particle)(w)
        np.testing.assert_allclose(gradient.w, derivative, rtol=1e-9)
    trainer.fit(epochs=60)
    root = scipy.optimize.brentq(lambda w: float(references.meeting(w)), 0.0, 0.5, xtol=1e-14)
    assert abs(float(trainer.parameters.w) - root) < 1e-9


def test_saddle_is_found_by_descent_in_x_of_an_ascent_in_y() -> None:
    program, values = programs.saddle()
    entry = ENTRIES["gradient"](model_of(program))
    x = values["x"]
    for _ in range(40):
        x = x - 0.25 * expected(entry, {**values, "x": x})["x_adjoint"]
    np.testing.assert_allclose(x, 0, atol=1e-10)
    up = ENTRIES["predict"](model_of(program))
    (y,) = expected(up, all_values(up, values)).values()
    np.testing.assert_allclose(y, 0.6**19 * values["start"], rtol=1e-12)
