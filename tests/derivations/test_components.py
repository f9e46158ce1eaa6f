"""Entries written out, and the sum over all paths: evaluated, and compared with the gradient."""

import itertools
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp as bp
from symbp.calculus.expand import expand_functions
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.derivations.paths import PathSum
from symbp.notation.errors import NotationError, SymbpError
from symbp.notation.functions import operation_of
from symbp.notation.tensor import Element
from tests.derivations.evaluation import gradients
from tests.derivations.test_printed_equations import networks, values_of
from tests.programs import lstm
from tests.random_equations import random_equations, random_recurrence


def in_sympy(expression: Any, values: dict[Any, Any]) -> Any:
    """Return the expression as SymPy knows it, with numbers for the scalars it reads."""
    numbers = {e: sympy.Float(values[e.tensor], 30) for e in expression.atoms(Element)}
    body = expand_functions(expression).xreplace(numbers)
    while True:
        mapping: dict[Any, Any] = {}
        for node in body.atoms(sympy.Function):
            definition = operation_of(type(node)).definition
            if isinstance(node, bp.where) and node.args[0] in (sympy.true, sympy.false):
                mapping[node] = node.args[1 if node.args[0] == sympy.true else 2]
            elif definition is not None:
                mapping[node] = definition(*node.args)
        if not mapping:
            return body.evalf(25)
        body = body.xreplace(mapping)


def one_example(derivation: bp.Derivation, values: dict[str, Any]) -> dict[Any, Any]:
    """Return the number of each scalar of the forward pass, for an example by itself."""
    given_ = {name: np.asarray(value, dtype=float) for name, value in values.items()}
    given_.update(interpret(normalise(derivation.printed_program), given_))
    return given_


class Scalars(dict[Any, float]):
    """Looks a component's number up in the array that it is an element of."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        super().__init__()
        self.arrays = arrays

    def __missing__(self, tensor: bp.Tensor) -> float:
        if tensor.value is not None:
            return tensor.value
        whole, place = tensor.component_of or (tensor, ())
        return float(self.arrays[whole.name][place])


def places(derivation: bp.Derivation) -> list[tuple[bp.Tensor, tuple[int, ...]]]:
    return [
        (parameter, place)
        for parameter, _ in derivation.gradients
        for place in itertools.product(*map(range, parameter.shape))
    ]


@settings(max_examples=12)
@given(networks(), st.integers(0, 999))
def test_entries_and_path_sums_are_the_gradient(net: bp.Network, seed: int) -> None:
    """The component form by SymPy's own evalf, against reverse mode under the interpreter."""
    derivation = bp.derive(net)
    batch = values_of(net, seed, size=1)
    expected = gradients(net, batch)
    varying = {t.name for t in net.tensors if net.batch in t.shape}
    single = {k: v[0] if k in varying else v for k, v in batch.items()}
    scalars = Scalars(one_example(derivation, single))
    chosen = places(derivation)[:: max(1, len(places(derivation)) // 4)]
    for parameter, place in chosen:
        wanted = float(expected[parameter.name][place])
        tolerance = {"rel": 1e-10, "abs": 1e-11}
        full = derivation.entry(parameter, *place, expanded=True).equations[0].body
        assert not [e for e in full.atoms(Element) if e.tensor.adjoint_of is not None]
        assert float(in_sympy(full, scalars)) == pytest.approx(wanted, **tolerance)
        total = derivation.paths(parameter, *place, limit=10**4).expression
        assert float(in_sympy(total, scalars)) == pytest.approx(wanted, **tolerance)


@pytest.mark.parametrize("sizes", [(1, 1), (2, 2), (2, 3, 2), (3, 3, 3)])
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy", "softmax_cross_entropy"])
def test_path_sums_equal_the_backpropagated_gradient_symbolically(
    sizes: tuple[int, ...], loss: str
) -> None:
    derivation = bp.derive(bp.mlp(*sizes, loss=loss))
    for parameter, place in places(derivation):
        backpropagated = derivation.entry(parameter, *place, expanded=True).equations[0].body
        summed = derivation.paths(parameter, *place).expression
        # ∂C/∂a3 σ'(z3) of cross-entropy is a3 - y3 only when σ' is written out.
        difference = written_out(derivation, summed) - written_out(derivation, backpropagated)
        assert sympy.cancel(sympy.together(sympy.expand(difference))) == 0, (parameter, place)


def written_out(derivation: bp.Derivation, body: Any) -> Any:
    """Write σ'(z) as a (1 - a), each scalar as a symbol."""
    body = expand_functions(body)
    symbols: dict[Any, Any] = {}
    for node in sorted(body.atoms(bp.sigmoid), key=str):
        (element,) = node.args
        whole, place = element.tensor.component_of
        a = "a" + whole.name[1:] + "_" + "_".join(map(str, place))
        symbols[node] = sympy.Symbol(a)
    body = body.xreplace(symbols)
    return body.xreplace({e: sympy.Symbol(e.tensor.name) for e in body.atoms(Element)})


def test_the_first_weight_of_3_3_3_has_three_paths() -> None:
    paths = bp.derive(bp.mlp(3, 3, 3)).paths("W1", 0, 0)
    assert paths.count == len(paths.paths) == 3
    assert paths.text() == (
        "∂C/∂w²₁₁ = ∂C/∂a³₁ · ∂a³₁/∂z³₁ · ∂z³₁/∂a²₁ · ∂a²₁/∂z²₁ · ∂z²₁/∂w²₁₁\n"
        "           + ∂C/∂a³₂ · ∂a³₂/∂z³₂ · ∂z³₂/∂a²₁ · ∂a²₁/∂z²₁ · ∂z²₁/∂w²₁₁\n"
        "           + ∂C/∂a³₃ · ∂a³₃/∂z³₃ · ∂z³₃/∂a²₁ · ∂a²₁/∂z²₁ · ∂z²₁/∂w²₁₁\n"
        "         = (a³₁ - y₁) σ′(z³₁) w³₁₁ σ′(z²₁) a¹₁\n"
        "           + (a³₂ - y₂) σ′(z³₂) w³₂₁ σ′(z²₁) a¹₁\n"
        "           + (a³₃ - y₃) σ′(z³₃) w³₃₁ σ′(z²₁) a¹₁"
    )
    assert r"&\quad + \frac{\partial C}{\partial a^{3}_{2}}" in paths.latex()


def test_all_24_entries_of_3_3_3_are_written_out() -> None:
    derivation = bp.derive(bp.mlp(3, 3, 3))
    entries = [derivation.entry(p, *place) for p, place in places(derivation)]
    assert len({e.text() for e in entries}) == 24
    lines = derivation.text("component").splitlines()
    for each in entries:
        assert sum(line.strip().endswith(each.text()) for line in lines) == 1
    assert derivation.entry("W1", 0, 0, expanded=True).text() == (
        "∂C/∂w²₁₁ = a¹₁ (w³₁₁ (a³₁ - y₁) σ′(z³₁) + w³₂₁ (a³₂ - y₂) σ′(z³₂) + "
        "w³₃₁ (a³₃ - y₃) σ′(z³₃)) σ′(z²₁)"
    )
    assert derivation.entry("z1", 0).text() == ("δ²₁ = (w³₁₁ δ³₁ + w³₂₁ δ³₂ + w³₃₁ δ³₃) σ′(z²₁)")


def test_paths_are_counted_before_they_are_written_out() -> None:
    derivation = bp.derive(bp.mlp(784, 1000, 1000, 10))
    many = derivation.paths("W1", 3, 5)
    assert (many.count, many.paths) == (10_000, ())
    assert many.text() == (
        "∂C/∂w²_{4,6} = a sum over 10,000 paths, more than the limit of 64: not written out"
    )
    with pytest.raises(ValueError, match="10,000 paths"):
        _ = many.expression
    assert len(derivation.paths("W3", 2, 0).paths) == 1
    assert len(bp.derive(bp.mlp(2, 3, 4, 5)).paths("W1", 0, 0, limit=20).paths) == 20


def test_paths_of_a_penalised_weight_come_straight_from_the_cost_too() -> None:
    paths = bp.derive(bp.mlp(1, 1, penalty=bp.L2(0.1))).paths("W1", 0, 0)
    assert [len(path.vertices) for path in paths.paths] == [2, 4]
    assert paths.text().splitlines()[-1].strip() == "+ (a²₁ - y₁) σ′(z²₁) a¹₁"


def test_a_recurrence_has_a_path_for_each_way_through_time() -> None:
    t = bp.Index("t", 4, sequential=True)
    u, h, C = bp.parameter("u"), bp.tensor("h", t), bp.tensor("C")
    equations = [
        bp.Equation(h[t], bp.where(t > 0, u * h[t - 1], u)),
        bp.Equation(C, h[3] ** 2 / 2),
    ]
    paths = bp.derive(bp.Program(equations, cost=C)).paths("u")
    assert isinstance(paths, PathSum)
    assert paths.count == 4
    u_, h_ = sympy.symbols("u h_3")
    total = paths.expression.xreplace({e: sympy.Symbol(e.tensor.name) for e in
                                       paths.expression.atoms(Element)})  # fmt: skip
    powers = {sympy.Symbol(f"h_{i}"): u_ ** (i + 1) for i in range(3)}
    assert sympy.expand(total.xreplace(powers) - 4 * h_ * u_**3) == 0


def test_what_cannot_be_written_out_is_said_in_one_line() -> None:
    derivation = bp.derive(bp.mlp(784, 30, 10))
    with pytest.raises(SymbpError, match=r"would print \d\d,\d{3} equations, more than 500"):
        derivation.latex("component")
    with pytest.raises(NotationError, match=r"no derivative by 'W9': did you mean"):
        derivation.entry("W9", 0, 0)
    with pytest.raises(NotationError, match=r"W1 has 2 indices, got 1: W1\[0\]"):
        derivation.paths("W1", 0)
    with pytest.raises(NotationError, match="index 30 of axis 0: expected 0 to 29"):
        derivation.entry("W1", 30, 0)
    with pytest.raises(NotationError, match=r"index 0\.5 of axis 1: expected an int"):
        derivation.entry("W1", 0, 0.5)
    program, _ = lstm()
    assert bp.derive(program).entry("v", 0).text().startswith("∂C/∂v₁ = ")
    N, x = bp.Index("n", "N"), bp.parameter("x")
    s, C = bp.tensor("s", N), bp.tensor("C")
    y = bp.input("y", N)
    batch = bp.Program([bp.Equation(s[N], x * y[N]), bp.Equation(C, bp.Sum(s[N], N) ** 2)], cost=C)
    with pytest.raises(SymbpError, match="the size N is known at run time only"):
        bp.derive(batch).entry("x")


@pytest.mark.parametrize(
    "seed", [pytest.param(s, marks=[pytest.mark.slow] if s >= 4 else []) for s in range(20)]
)
@pytest.mark.parametrize("recurrent", [False, True], ids=["equations", "recurrence"])
def test_as_many_paths_are_counted_as_are_written_out(seed: int, recurrent: bool) -> None:
    example = random_recurrence(seed) if recurrent else random_equations(seed)
    derivation = bp.derive(example.program)
    if not derivation.per_example and example.program.batch is not None:
        return  # without a size there are no entries
    for parameter, _ in derivation.gradients:
        found = derivation.paths(parameter, *(0 for _ in parameter.shape), limit=300)
        assert found.count > 300 or found.count == len(found.paths)


def test_a_maximum_with_ties_shares_its_gradient_in_a_trace_too() -> None:
    i = bp.Index("i", 3)
    x, C = bp.parameter("x", i), bp.tensor("C")
    program = bp.Program([bp.Equation(C, 2 * bp.Max(x[i], i))], cost=C)
    assert bp.trace(program, {"x": [1, 1, 1]}).gradient["x"] == pytest.approx([2 / 3] * 3)


def test_a_path_that_is_one_of_several_is_marked_as_direct() -> None:
    paths = bp.derive(bp.mlp(1, 1, penalty=bp.L2(0.1))).paths("W1", 0, 0)
    assert paths.text().splitlines()[0] == "∂C/∂w²₁₁ = (∂C/∂w²₁₁)_direct"


@pytest.mark.parametrize("name", ["solve", "inverse", "logdet", "cholesky"])
def test_what_an_equation_defines_has_no_components(name: str) -> None:
    i, k = bp.indices("i k", 2, 2)
    A, b, C = bp.parameter("A", i, k), bp.parameter("b", i), bp.tensor("C")
    value: Any = {
        "solve": lambda: bp.Sum(bp.solve(A[i, k], b[i], i, k) ** 2, k),
        "inverse": lambda: bp.Sum(bp.inverse(A[i, k], i, k) ** 2, i, k),
        "logdet": lambda: bp.logdet(A[i, k], i, k),
        "cholesky": lambda: bp.Sum(bp.cholesky(A[i, k], i, k) ** 2, i, k),
    }[name]()
    derived = bp.derive(bp.Program([bp.Equation(C, value)], cost=C))
    for asked in (lambda: derived.text("component"), lambda: derived.paths("A", 0, 0)):
        with pytest.raises(bp.SymbpError, match="element by element there is no formula"):
            asked()
