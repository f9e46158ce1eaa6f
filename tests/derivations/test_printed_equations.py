"""What is printed is what is derived: the printed equations are evaluated."""

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.per_example import per_example
from symbp.calculus.reverse import reverse
from symbp.derivations.matrix_form import matrix_form
from tests.derivations.evaluation import assert_printed_is_derived, batched_names, matrix_value
from tests.strategies import programs

COSTS = [
    "quadratic", "cross_entropy", "softmax_cross_entropy", "mean_squared_error",
    "binary_cross_entropy",
]  # fmt: skip
ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus"]


def values_of(program: bp.Program, seed: int = 0, size: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    values = {}
    for tensor in program.tensors:
        if tensor.role != "intermediate" and tensor.value is None:
            shape = [e if isinstance(e, int) else size for e in tensor.shape]
            value = rng.normal(size=shape)
            if tensor.kind == "distribution":
                value = np.exp(value) / np.exp(value).sum(axis=-1, keepdims=True)
            values[tensor.name] = value
    return values


@st.composite
def networks(draw: Any) -> bp.Network:
    loss = draw(st.sampled_from(COSTS))
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    one = st.sampled_from(["sigmoid"] if loss == "cross_entropy" else ACTIVATIONS)
    layers = [bp.Dense(s, draw(one), bias=draw(st.booleans())) for s in sizes[:-1]]
    activated = loss in ("quadratic", "cross_entropy")
    last = bp.Dense(sizes[-1], draw(one) if activated else "identity")
    penalty = draw(st.sampled_from([None, bp.L2(0.1), bp.L1(0.2)]))
    inputs = draw(st.integers(1, 4))
    return bp.Network([*layers, last], input=inputs, loss=loss, penalty=penalty)


@settings(max_examples=30)
@given(networks(), st.integers(0, 999))
def test_the_printed_equations_of_a_network_give_its_gradient(net: bp.Network, seed: int) -> None:
    derivation = assert_printed_is_derived(net, values_of(net, seed))
    assert derivation.per_example
    for form in ("matrix", "index"):
        assert "BP4" in derivation.text(form)
        assert r"\begin{aligned}" in derivation.latex(form)


@settings(max_examples=30)
@given(programs())
def test_the_printed_equations_of_any_program_give_its_gradient(
    drawn: tuple[bp.Program, dict[str, Any]],
) -> None:
    program, values = drawn
    derivation = assert_printed_is_derived(program, values)
    for form in ("matrix", "index"):
        assert derivation.text(form)
        assert derivation.latex(form).count("{") == derivation.latex(form).count("}")


@settings(max_examples=30)
@given(programs())
def test_the_matrix_form_of_an_equation_has_its_value(
    drawn: tuple[bp.Program, dict[str, Any]],
) -> None:
    program, given_values = drawn
    derivation = bp.derive(program)
    if derivation.per_example:
        batched = batched_names(program)
        given_values = {k: v[0] if k in batched else v for k, v in given_values.items()}
    printed = derivation.printed_program
    values = {**given_values, **interpret(normalise(printed), given_values)}
    arrays = {t: values.get(t.name, t.value) for t in printed.tensors}
    sizes = {}
    for tensor, array in arrays.items():
        sizes.update({e: n for e, n in zip(tensor.shape, np.shape(array), strict=True) if e != n})
    for line in (*derivation.forward, *derivation.backward):
        if len(line.equations) > 1 or line.equations[0].is_scatter:
            continue
        matrix = matrix_form(line.equations[0].body, line.lhs.args)
        if matrix is not None:
            value = matrix_value(matrix, arrays, sizes)
            expected = np.asarray(values[line.tensor.name], dtype=float)
            expected = expected.reshape(expected.shape + (1,) * (2 - expected.ndim))
            assert value.shape == expected.shape, line.text()
            np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-9, err_msg=line.text())


@settings(max_examples=30)
@given(programs())
def test_the_cost_is_the_mean_of_the_costs_of_single_examples(
    drawn: tuple[bp.Program, dict[str, Any]],
) -> None:
    program, values = drawn
    single = per_example(program)
    if single is None:
        return
    whole = interpret(normalise(program), values)[program.cost.name]
    batched = batched_names(program) & values.keys()
    size = len(values[min(batched)])
    costs = [
        interpret(normalise(single), {k: v[n] if k in batched else v for k, v in values.items()})
        for n in range(size)
    ]
    assert np.mean([c[program.cost.name] for c in costs]) == pytest.approx(whole, rel=1e-9)
    assert {t.name for t in single.tensors} == {t.name for t in program.tensors}


def test_examples_that_depend_on_each_other_keep_their_index() -> None:
    n, j = bp.indices("n j", "N", 3)
    x, y, g = bp.input("x", n, j), bp.target("y", n, j), bp.parameter("g", j)
    mu, z, C = bp.tensor("mu", j), bp.tensor("z", n, j), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(mu[j], bp.Mean(x[n, j], n)),
            bp.Equation(z[n, j], g[j] * (x[n, j] - mu[j])),
            bp.Equation(C, bp.Mean((z[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )
    assert per_example(program) is None
    derivation = assert_printed_is_derived(program, values_of(program))
    assert derivation.gradient("g").text("index") == "∂C/∂gⱼ = Σₙ ∂C/∂zₙⱼ · (xₙⱼ - μⱼ)"


def test_a_cost_that_is_a_sum_over_the_batch_keeps_its_index() -> None:
    n, j = bp.indices("n j", "N", 3)
    x, g, C = bp.input("x", n, j), bp.parameter("g", j), bp.tensor("C")
    program = bp.Program([bp.Equation(C, bp.Sum(g[j] * x[n, j], n, j))], cost=C)
    assert per_example(program) is None


def test_tensors_keep_how_they_print_when_they_lose_the_batch() -> None:
    net = bp.mlp(4, 3, 2)
    single = per_example(net)
    assert single is not None
    for tensor in net.tensors:
        other = single.tensor(tensor.name)
        kept = ("symbol", "label", "role", "kind", "adjoint_symbol", "value")
        assert all(getattr(other, k) == getattr(tensor, k) for k in kept)
        assert other.rank == tensor.rank - (net.batch in tensor.shape)
    assert str(single.equations_of(single.tensor("C"))[0]) == "C = Sum((a2[j] - y[j])**2, j)/2"


def test_a_shared_parameter_has_one_gradient() -> None:
    n, j, k = bp.indices("n j k", "N", 3, 3)
    x, y, W = bp.input("x", n, j), bp.target("y", n, j), bp.parameter("W", j, k)
    z1, z2 = (bp.tensor(f"z{i}", n, j, label=i, adjoint_symbol=r"\delta") for i in (1, 2))
    C = bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(z1[n, j], bp.Sum(W[j, k] * x[n, k], k)),
            bp.Equation(z2[n, j], bp.Sum(W[j, k] * sympy.tanh(z1[n, k]), k)),
            bp.Equation(C, bp.Mean((z2[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )
    derivation = assert_printed_is_derived(program, values_of(program))
    assert len(derivation.bp4.instances) == 1
    assert len(reverse(normalise(program)).gradients) == 1


def test_an_odd_function_may_change_its_sign_when_it_is_put_together() -> None:
    n, j = bp.indices("n j", "N", 3)
    x, y, b = bp.input("x", n, j), bp.target("y", n, j), bp.parameter("b", j)
    a, C = bp.tensor("a", n, j), bp.tensor("C")
    shifted = x[n, j] * b[j] - bp.logsumexp(-x[n, j] * b[j], j)
    program = bp.Program(
        [
            bp.Equation(a[n, j], sympy.tanh(shifted)),
            bp.Equation(C, bp.Mean((a[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )
    assert_printed_is_derived(program, values_of(program))
