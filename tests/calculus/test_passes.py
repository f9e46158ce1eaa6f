"""Every pass of the code generator leaves every value as it was, on random programs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings

import symbp as bp
from symbp.calculus.common_sums import common_sums
from symbp.calculus.contract import contract, is_contraction
from symbp.calculus.deviations import without_deviations
from symbp.calculus.expand import expand
from symbp.calculus.fold import fold
from symbp.calculus.half_powers import half_powers
from symbp.calculus.interpreter import interpret
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.share import share
from symbp.networks.optimizers import optimise
from symbp.notation.prime import Prime
from symbp.notation.program import Program
from tests.comparison import assert_close
from tests.programs import PROGRAMS
from tests.strategies import programs

Pass = Callable[[Program], Program]

# Each pass with what has to come before it.
PASSES: dict[str, tuple[list[Pass], Pass]] = {
    "expand": ([], expand),
    "deviations": ([expand], without_deviations),
    "common_sums": ([expand], common_sums),
    "half_powers": ([expand], half_powers),
    "share": ([expand], share),
    "lower_logsumexp": ([expand, share], lower_logsumexp),
    "contract": ([expand, share, lower_logsumexp], contract),
    "share again": ([expand, share, lower_logsumexp, contract], share),
    "fold": ([expand, share], fold),
}


def updated(program: bp.Program) -> Program:
    """Return a program with its gradient and the equations of a step with momentum."""
    return optimise(reverse(normalise(program)), bp.Momentum(0.3, 0.8))


def results(program: Program, values: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return what a program is run for: cost, output, and the next parameters and states."""
    found = interpret(program, values)
    wanted = [program.cost, program.output, *(new for _, new in program.updates)]
    return {tensor.name: found[tensor.name] for tensor in wanted if tensor is not None}


def with_states(program: Program, values: dict[str, Any]) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    states = {t.name: generator.normal(size=t.shape) for t in program.with_role("state")}
    return {**values, **states}


@pytest.mark.parametrize("name", PASSES)
@settings(max_examples=30)
@given(example=programs())
def test_a_pass_changes_no_value(name: str, example: tuple[bp.Program, dict[str, Any]]) -> None:
    program, values = updated(example[0]), example[1]
    earlier, under_test = PASSES[name]
    for change in earlier:
        program = change(program)
    values = with_states(program, values)
    assert_close(results(under_test(program), values), results(program, values))


@pytest.mark.parametrize("program_name", PROGRAMS)
def test_all_passes_one_after_another_change_no_value(program_name: str) -> None:
    program, values = PROGRAMS[program_name]()
    program = updated(program)
    values = with_states(program, values)
    expected = results(program, values)
    for change in (expand, share, fold, lower_logsumexp, contract, share):
        program = change(program)
        assert_close(results(program, values), expected)


@settings(max_examples=20)
@given(example=programs())
def test_expanded_bodies_hold_known_functions_only(
    example: tuple[bp.Program, dict[str, Any]],
) -> None:
    for equation in expand(updated(example[0])).equations:
        assert not equation.body.has(Prime)
        assert not equation.body.has(bp.stop_gradient)


@settings(max_examples=20)
@given(example=programs())
def test_no_log_sum_exp_is_left(example: tuple[bp.Program, dict[str, Any]]) -> None:
    lowered = lower_logsumexp(share(expand(updated(example[0]))))
    assert all(equation.operation in ("sum", "max") for equation in lowered.equations)


@settings(max_examples=20)
@given(example=programs())
def test_contracting_twice_is_contracting_once(
    example: tuple[bp.Program, dict[str, Any]],
) -> None:
    once = contract(lower_logsumexp(share(expand(updated(example[0])))))
    assert [str(e) for e in contract(once).equations] == [str(e) for e in once.equations]


# By hand ------------------------------------------------------------------------------------------


def test_a_large_log_sum_exp_does_not_overflow_and_an_empty_one_is_minus_infinity() -> None:
    k = bp.Index("k", 3)
    x, f = bp.input("x", k), bp.tensor("f")
    program = lower_logsumexp(normalise(bp.Program([bp.Equation(f, bp.LogSumExp(x[k], k))])))
    assert float(interpret(program, {"x": [1000.0, 1000.0, -1e300]})["f"]) == pytest.approx(
        1000 + np.log(2)
    )
    assert float(interpret(program, {"x": [-np.inf] * 3})["f"]) == -np.inf
    assert float(interpret(program, {"x": [np.inf, 0.0, 0.0]})["f"]) == np.inf


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_emitted_log_sum_exp_of_infinities_is_infinite(dtype: str) -> None:
    n, k = bp.Index("n", "N"), bp.Index("k", 3)
    x, w = bp.input("x", n, k), bp.parameter("w")
    f, C = bp.tensor("f", n), bp.tensor("C")
    equations = [
        bp.Equation(f[n], bp.LogSumExp(x[n, k], k)),
        bp.Equation(C, bp.Sum(w * f[n], n)),
    ]
    module = bp.compile(bp.Program(equations, cost=C, output=f), dtype=dtype).module
    rows = [[-np.inf] * 3, [np.inf, 0, 0], [1e4, 1e4, -np.inf], [0, np.nan, 0]]
    expected = [-np.inf, np.inf, 1e4 + np.log(2), np.nan]
    np.testing.assert_allclose(module.predict([1.0], np.array(rows)), expected, rtol=1e-6)


def test_a_gradient_that_only_the_update_reads_is_added_onto_the_parameter() -> None:
    program = share(expand(optimise(reverse(normalise(bp.mlp(3, 2))), bp.SGD(0.1))))
    folded = fold(program)
    assert "W1_adjoint" in {t.name for t in program.tensors}
    assert "W1_adjoint" not in {t.name for t in folded.tensors}
    (start, step) = folded.equations_of(next(t for o, t in folded.updates if o.name == "W1"))
    assert step.accumulate
    assert step.reduce
    assert not start.reduce


def test_a_gradient_that_is_read_twice_is_kept() -> None:
    program = share(expand(optimise(reverse(normalise(bp.mlp(3, 2))), bp.Adam(0.1))))
    assert "W1_adjoint" in {tensor.name for tensor in fold(program).tensors}


def contracted(body: Any, *left: bp.Index, reduce: tuple[bp.Index, ...]) -> list[bp.Equation]:
    made = bp.tensor("made", *left)
    given_ = bp.Equation(made[left] if left else made, body, reduce)
    return list(contract(bp.Program([given_])).equations)


n, i, j, k = bp.indices("n i j k", 5, 4, 3, 2)
A, B, D = bp.input("A", i, k), bp.input("B", k, j), bp.input("D", n, j)
x = bp.input("x", n, bp.Index("l", 9))


def test_a_plain_product_is_left_alone() -> None:
    (only,) = contracted(A[i, k] * B[k, j], i, j, reduce=(k,))
    assert is_contraction(only)


def test_a_computed_factor_gets_an_equation_of_its_own() -> None:
    first, product = contracted(sympy.tanh(A[i, k]) * B[k, j], i, j, reduce=(k,))
    assert not first.reduce
    assert is_contraction(product)


def test_a_shifted_view_is_materialised() -> None:
    *_, product = contracted(x[n, 2 * i + k] * B[k, j], n, i, j, reduce=(k,))
    assert is_contraction(product)


def test_three_factors_become_two_products() -> None:
    equations = contracted(A[i, k] * B[k, j] * D[n, j], n, i, reduce=(j, k))
    assert [is_contraction(equation) for equation in equations] == [True, True]


def test_a_sum_over_one_factor_only_comes_before_the_product() -> None:
    E = bp.input("E", n, k)
    partial, product = contracted(E[n, k] * D[n, j], k, reduce=(n, j))
    assert partial.reduce == (j,)
    assert product.reduce == (n,)


def test_an_outer_product_is_no_contraction() -> None:
    u, v = bp.input("u", i), bp.input("v", j)
    (only,) = contracted(u[i] * v[j], i, j, reduce=())
    assert not is_contraction(only)


def test_a_scalar_that_a_sum_reads_is_computed_once() -> None:
    k = bp.Index("k", 3)
    x, w = bp.input("x", k), bp.parameter("w")
    s, u, c, f = bp.tensor("s"), bp.tensor("u", k), bp.tensor("c"), bp.tensor("f")
    given_ = [
        bp.Equation(s, w[()] ** 2 + 1),
        bp.Equation(u[k], k**2 + 1),
        bp.Equation(c, sympy.Integer(3)),
        bp.Equation(f, bp.Sum(s[()] * x[k] * u[k] * c[()], k)),
    ]
    program = expand(normalise(bp.Program(given_, cost=f)))
    # A number is written where it is read; what is computed keeps its equation.
    assert {"s", "u", "f"} <= {equation.tensor.name for equation in program.equations}
    (cost,) = (equation for equation in program.equations if equation.tensor is f)
    assert not cost.body.has(w)
    assert cost.body.has(s[()])


def test_a_sum_over_a_distribution_is_its_factor() -> None:
    n, k = bp.indices("n k", "N", 3)
    y, c, f = bp.target("y", n, k, kind="distribution"), bp.input("c", n), bp.tensor("f")
    z = bp.input("z", n, k)
    for body, reads in ((y[n, k] * c[n], False), (y[n, k] * z[n, k], True), (z[n, k], False)):
        program = expand(normalise(bp.Program([bp.Equation(f, bp.Sum(body, n, k))])))
        (equation,) = program.equations
        assert equation.body.has(y[n, k]) == reads
        assert len(equation.reduce) == 1 + body.has(z[n, k])


def test_a_sum_over_the_diagonal_of_distributions_is_not_its_factor() -> None:
    i, k = bp.Index("i", 3), bp.Index("k", 3)
    y, c, f = bp.target("y", i, k, kind="distribution"), bp.input("c"), bp.tensor("f")
    program = normalise(bp.Program([bp.Equation(f, bp.Sum(y[k, k] * c[()], k))]))
    values = {"y": [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]], "c": 3.0}
    assert float(interpret(expand(program), values)["f"]) == 6.0
