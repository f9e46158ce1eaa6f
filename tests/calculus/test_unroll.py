"""A program written out element by element is the same program."""

from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.unroll import unroll
from symbp.checking.check import random_values
from symbp.notation.errors import SymbpError
from tests.programs import attention, bilinear, embedding, gram, lstm, scalar_graph
from tests.random_equations import random_equations, random_recurrence


def assert_same(program: bp.Program, values: dict[str, Any]) -> None:
    """Assert that each element has the value that it has in the program."""
    expected = interpret(normalise(program), values)
    tensors = {tensor.name: tensor for tensor in program.tensors}
    sizes = {
        extent: size
        for name, value in values.items()
        for extent, size in zip(tensors[name].shape, np.shape(value), strict=True)
        if not isinstance(extent, int)
    }
    integers = {name: value for name, value in values.items() if tensors[name].kind == "integer"}
    unrolled = unroll(program, sizes, integers)
    assert all(not tensor.rank for tensor in unrolled.tensors)

    def at(tensor: bp.Tensor, arrays: Any) -> Any:
        source, place = tensor.component_of or (tensor, ())
        return np.asarray(arrays[source.name])[place]

    given_ = {t.name: at(t, values) for t in unrolled.tensors if t.role != "intermediate"}
    results = interpret(unrolled, {k: v for k, v in given_.items() if v is not None})
    elements = 0
    for equation in unrolled.equations:
        wanted = at(equation.tensor, expected)
        np.testing.assert_allclose(results[equation.tensor.name], wanted, 1e-10, 1e-12)
        elements += 1
    assert elements == sum(expected[t.name].size for t in program.tensors if t.name in expected)


def constants_of(program: bp.Program) -> dict[str, float]:
    return {t.name: t.value for t in program.tensors if t.value is not None}


@pytest.mark.parametrize("example", [embedding, lstm, gram, bilinear, scalar_graph, attention])
def test_programs_without_layers_and_their_gradients(example: Any) -> None:
    program, values = example()
    values = {**constants_of(program), **values}
    assert_same(program, values)
    if example in (lstm, gram, bilinear, scalar_graph):
        assert_same(reverse(normalise(program)), values)


@pytest.mark.parametrize(
    "seed", [pytest.param(s, marks=[pytest.mark.slow] if s >= 4 else []) for s in range(20)]
)
@pytest.mark.parametrize("recurrent", [False, True], ids=["equations", "recurrence"])
def test_random_programs_and_their_gradients(seed: int, recurrent: bool) -> None:
    example = random_recurrence(seed) if recurrent else random_equations(seed)
    program = example.program
    values = {**constants_of(program), **random_values(program)}
    assert_same(program, values)
    assert_same(reverse(normalise(program)), values)


def test_scatters_gather_what_is_written_to_each_place() -> None:
    i, d, p = bp.indices("i d p", 3, 2, 4)
    F, x = bp.parameter("F", d), bp.parameter("x", p)
    z, C = bp.tensor("z", i), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(z[i], bp.Sum(F[d] * x[i + d], d)),
            bp.Equation(C, bp.Sum(z[i] ** 2, i)),
        ],
        cost=C,
    )
    unrolled = unroll(reverse(normalise(program)))
    lines = str(unrolled).splitlines()
    assert "x_adjoint_1 = z_adjoint_0*F_1 + z_adjoint_1*F_0" in lines
    assert "x_adjoint_0 = z_adjoint_0*F_0" in lines
    assert [t.name for t, _ in unrolled.gradients] == ["F_0", "F_1", "x_0", "x_1", "x_2", "x_3"]


def test_a_guard_hides_what_cannot_be_read() -> None:
    t = bp.Index("t", 3, sequential=True)
    u, h = bp.parameter("u"), bp.tensor("h", t)
    program = bp.Program([bp.Equation(h[t], bp.where(t > 0, u * h[t - 1], u + t))])
    assert str(unroll(program)) == "h_0 = u\nh_1 = u*h_0\nh_2 = u*h_1"


def test_log_sum_exp_stays_stable() -> None:
    j = bp.Index("j", 3)
    z, C = bp.parameter("z", j), bp.tensor("C")
    unrolled = unroll(bp.Program([bp.Equation(C, bp.logsumexp(z[j], j))], cost=C))
    values = {"z_0": 1000.0, "z_1": 999.0, "z_2": -1000.0}
    result = interpret(reverse(unrolled), values)
    assert float(result["C"]) == pytest.approx(1000 + np.log1p(np.exp(-1)), rel=1e-15)
    assert float(result["z_0_adjoint"]) == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-13)


def test_what_cannot_be_written_out_is_said() -> None:
    net = bp.mlp(784, 30, 10)
    with pytest.raises(SymbpError, match=r"the size N is known at run time only"):
        unroll(net)
    (batch,) = {e for t in net.tensors for e in t.shape if not isinstance(e, int)}
    with pytest.raises(SymbpError, match=r"has 238,\d\d\d terms, more than 100,000"):
        unroll(net, {batch: 10})
    program, _ = embedding()
    with pytest.raises(SymbpError, match="decides which elements are read"):
        unroll(program, {program.batch: 2})


def test_what_is_masked_stands_in_no_logarithm() -> None:
    k = bp.Index("k", 3)
    x, f = bp.parameter("x", k), bp.tensor("f")
    body = bp.LogSumExp(bp.where(sympy.Lt(k, 2), x[k], -sympy.oo), k)
    assert str(unroll(bp.Program([bp.Equation(f, body)], cost=f))) == "f = log_sum_exp(x_0, x_1)"
