"""trace: the published walks to every printed digit, and the right gradient of anything else."""

import math
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import symbp as bp
from symbp.notation.errors import SymbpError
from symbp.notation.functions import where


def agrees(found: Any, published: Any) -> bool:
    """Whether numbers agree to half a unit of the last digit printed, and rounding of float64."""
    for one, digits in zip(np.ravel(found), np.ravel(np.asarray(published, object)), strict=True):
        text = repr(float(digits))
        unit = 10.0 ** -len(text.split(".")[1]) if "e" not in text else abs(float(digits)) * 1e-9
        if abs(one - float(digits)) > 0.51 * unit + 2e-15 * abs(one):
            return False
    return True


def node_of(trace: bp.Trace, operation: str) -> Any:
    (node,) = [node for node in trace.nodes if node.operation == operation]
    return node


# Published numbers --------------------------------------------------------------------------------


def test_the_chain_rule_graph() -> None:
    # CS231n, optimization-2: f = (x + y) z.
    t = bp.trace("(x + y) * z", {"x": -2.0, "y": 5.0, "z": -4.0})
    q = node_of(t, "+")
    assert (q.value, t.value) == (3.0, -12.0)
    assert (q.gradient, dict(t.gradient)) == (-4.0, {"x": -4.0, "y": -4.0, "z": 3.0})


NEURON = "1/(1 + exp(-(w0*x0 + w1*x1 + w2)))"
NEURON_AT = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}


def test_the_sigmoid_neuron() -> None:
    # CS231n, optimization-2.
    t = bp.trace(NEURON, NEURON_AT)
    assert agrees(t.value, 0.7310585786300049)
    published = {
        "w0": -0.19661193, "w1": -0.39322387, "w2": 0.19661193, "x0": 0.39322387,
        "x1": -0.58983580,
    }  # fmt: skip
    for name, number in published.items():
        # The published digits end in a zero that Python's repr drops.
        assert abs(t.gradient[name] - number) <= 0.51e-8


def test_the_rounded_walk_of_the_sigmoid_neuron() -> None:
    # The same source prints the walk with two decimals.
    graph = bp.trace(NEURON, NEURON_AT).graph()
    shown = {vertex.label: (vertex.above, vertex.below) for vertex in graph.vertices}
    assert shown["exp"] == ("0.37", "−0.53")
    assert shown["+1"] == ("1.37", "−0.53")
    assert shown["1/(·)"] == ("0.73", "1")
    assert shown["×−1"] == ("−1", "−0.20")
    assert shown["+"] == ("1", "0.20")
    # 1.37 and 0.73 forward; -0.53, -0.53, -0.20, 0.20 backward.
    signs = [vertex.label for vertex in graph.vertices if vertex.kind in ("operation", "cost")]
    assert signs == ["×", "×", "+", "×−1", "exp", "+1", "1/(·)"]


def test_the_price_of_apples() -> None:
    # Multiplication nodes: apple · number · tax.
    t = bp.trace("apple * number * tax", {"apple": 100.0, "number": 2.0, "tax": 1.1})
    assert agrees(t.value, 220.0)
    shown = {vertex.label: (vertex.above, vertex.below) for vertex in t.graph().vertices}
    assert shown["number"] == ("2", "110")
    assert agrees([t.gradient[n] for n in ("apple", "number", "tax")], [2.2, 110.0, 200.0])
    assert next(node.value for node in t.nodes if node.operation == "×") == 200.0


def micrograd_s_second_expression() -> Any:
    # karpathy/micrograd, test_engine.py.
    a, b = sympy.symbols("a b")
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + bp.relu(b + a)
    d += 3 * d + bp.relu(b - a)
    e = c - d
    f = e**2
    g = f / 2
    g += 10 / f
    return g


def test_micrograd_s_second_expression() -> None:
    a, b = sympy.symbols("a b")
    t = bp.trace(micrograd_s_second_expression(), {a: -4, b: 2})
    assert t.value == pytest.approx(24.70408163265306, rel=1e-15)
    assert t.gradient[a] == pytest.approx(138.83381924198252, rel=1e-15)
    assert t.gradient[b] == pytest.approx(645.5772594752186, rel=1e-15)


def test_micrograd_s_second_expression_as_equations_in_his_order_to_the_last_digit() -> None:
    a, b = bp.parameter("a"), bp.parameter("b")
    equations: list[bp.Equation] = []

    def node(expression: Any) -> bp.Tensor:
        """Give an operation an equation of its own, as he does; SymPy reorders longer ones."""
        tensor = bp.tensor(f"t{len(equations)}")
        equations.append(bp.Equation(tensor, expression))
        return tensor

    c = node(a + b)
    d = node(node(a * b) + node(b**3))
    c = node(c + node(c + 1))
    c = node(c + node(node(1 + c) + node(-a)))
    d = node(d + node(node(d * 2) + node(bp.relu(node(b + a)))))
    d = node(d + node(node(3 * d) + node(bp.relu(node(b - a)))))
    f = node(node(c - d) ** 2)
    g = node(node(f / 2) + node(10 / f))
    t = bp.trace(bp.Program(equations, cost=g), {"a": -4.0, "b": 2.0})
    assert t.value == 24.70408163265306
    assert float(t.gradient["a"]) == 138.83381924198252
    assert float(t.gradient["b"]) == 645.5772594752186


# Matt Mazur, "A Step by Step Backpropagation Example" (2015).
MAZUR: dict[str, Any] = {
    "x": [[0.05, 0.10]], "y": [[0.01, 0.99]],
    "W1": [[0.15, 0.20], [0.25, 0.30]], "b1": [0.35, 0.35],
    "W2": [[0.40, 0.45], [0.50, 0.55]], "b2": [0.60, 0.60],
}  # fmt: skip


def test_mazur_s_network() -> None:
    network = bp.mlp(2, 2, 2, activation="sigmoid", loss="quadratic")
    t = bp.trace(network, MAZUR)
    assert agrees(t.values["a1"], [[0.593269992, 0.596884378]])
    assert agrees(t.values["a2"], [[0.75136507, 0.77292847]])
    assert agrees(t.value, 0.298371109)
    assert agrees(t.gradient["W2"], [[0.08216704, 0.08266763], [-0.02260254, -0.02274024]])
    assert agrees(t.gradient["W1"], [[0.00043857, 0.00087714], [0.00049771, 0.00099543]])
    # One step with a learning rate of 0.5; he keeps the biases.
    after = dict(MAZUR)
    for name in ("W1", "W2"):
        after[name] = np.asarray(MAZUR[name]) - 0.5 * t.gradient[name]
    assert agrees(after["W1"], [[0.149780716, 0.19956143], [0.24975114, 0.29950229]])
    assert agrees(after["W2"], [[0.35891648, 0.408666186], [0.511301270, 0.561370121]])
    assert agrees(bp.trace(network, after).value, 0.2910277737)


# Gradients ----------------------------------------------------------------------------------------

x, y, z = sympy.symbols("x y z", real=True)
UNARY = (
    sympy.sin, sympy.cos, sympy.tanh, bp.sigmoid, bp.softplus, bp.gelu, bp.silu, sympy.erf,
    lambda u: sympy.exp(u / 4), lambda u: u**2, lambda u: 1 / (2 + u**2), lambda u: -u,
    lambda u: sympy.sqrt(1 + u**2), lambda u: sympy.log(1 + u**2), lambda u: 1 - u,
    lambda u: 2 * u + 1, lambda u: bp.elu(u, 2), lambda u: (1 + u**2) ** (y / 3),
    lambda u: where(u > 0, u, u / 3),
)  # fmt: skip
BINARY = (
    lambda u, v: u + v, lambda u, v: u * v, lambda u, v: u - v, lambda u, v: u / (1 + v**2),
    lambda u, v: bp.maximum(u, v), lambda u, v: u * v + u,
)  # fmt: skip


@st.composite
def expressions(draw: Any) -> Any:
    """Draw an expression in which parts are used more than once."""
    pool = [x, y, z, sympy.Integer(2)]
    for _ in range(draw(st.integers(1, 7))):
        if draw(st.booleans()):
            made = draw(st.sampled_from(UNARY))(draw(st.sampled_from(pool)))
        else:
            u, v = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
            made = draw(st.sampled_from(BINARY))(u, v)
        pool.append(made)
    return pool[-1] + draw(st.sampled_from(pool)) * draw(st.sampled_from(pool[3:]))


@given(expressions(), st.tuples(*[st.floats(-1.5, 1.5)] * 3))
@settings(max_examples=60, deadline=None)
def test_gradients_are_those_of_central_differences(expression: Any, point: Any) -> None:
    values = dict(zip((x, y, z), map(float, point), strict=True))
    values = {s: v for s, v in values.items() if s in expression.free_symbols}
    t = bp.trace(expression, values)
    assume(abs(t.value) < 1e6)
    assert set(t.gradient) == set(values)
    h = 1e-5
    for symbol, at in values.items():
        sides = [bp.trace(expression, {**values, symbol: at + s * h}) for s in (1, -1)]
        slopes = [side.gradient[symbol] for side in (t, *sides)]
        assume(max(slopes) - min(slopes) < 1e-2 * (1 + abs(slopes[0])))  # no kink between
        difference = (sides[0].value - sides[1].value) / (2 * h)
        assert t.gradient[symbol] == pytest.approx(difference, rel=1e-5, abs=1e-4)


def test_gradients_are_those_of_jax() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    nn, jnp = jax.nn, jax.numpy

    def cost(x: Any, y: Any, z: Any) -> Any:
        return (
            nn.sigmoid(x * y) * jnp.tanh(z) + jnp.exp(-(x**2)) / (1 + y**2)
            + nn.softplus(x - z) * jnp.log(1 + x**2) + jnp.sqrt(1 + z**2) ** y
        )  # fmt: skip

    text = (
        "sigmoid(x*y)*tanh(z) + exp(-x**2)/(1 + y**2) + softplus(x - z)*log(1 + x**2)"
        " + sqrt(1 + z**2)**y"
    )
    t = bp.trace(text, {"x": 0.3, "y": -1.2, "z": 0.8})
    assert t.value == pytest.approx(float(cost(0.3, -1.2, 0.8)), rel=1e-14)
    for name, expected in zip("xyz", jax.grad(cost, (0, 1, 2))(0.3, -1.2, 0.8), strict=True):
        assert t.gradient[name] == pytest.approx(float(expected), rel=1e-13)


@given(expressions(), st.tuples(*[st.floats(-1.5, 1.5)] * 3))
@settings(max_examples=40, deadline=None)
def test_each_gradient_is_the_sum_of_what_its_edges_bring_back(expression: Any, point: Any) -> None:
    values = dict(zip((x, y, z), map(float, point), strict=True))
    t = bp.trace(expression, {s: v for s, v in values.items() if s in expression.free_symbols})
    for node in t.nodes[:-1]:
        brought = [t.node(e.target).gradient * e.value for e in t.edges if e.source == node.name]
        scale = 1 + sum(map(abs, brought))
        assert node.gradient == pytest.approx(sum(brought), abs=1e-12 * scale)


def test_a_node_read_by_several_others_is_there_once() -> None:
    t = bp.trace("exp(x*y)*sin(x*y) + x*y", {"x": 0.5, "y": 3.0})
    assert [node.operation for node in t.nodes].count("×") == 2
    u = 1.5
    slope = math.exp(u) * (math.sin(u) + math.cos(u)) + 1
    assert t.gradient["x"] == pytest.approx(3 * slope)
    assert t.gradient["y"] == pytest.approx(0.5 * slope)


def test_local_derivatives_stand_on_the_edges() -> None:
    t = bp.trace("tanh(x)*y", {"x": 0.3, "y": 2.0})
    local = {(e.source, e.target): e for e in t.edges}
    tanh = math.tanh(0.3)
    assert local["x", "v1"].value == pytest.approx(1 - tanh**2)
    assert str(local["x", "v1"].derivative) == "1 - tanh(x)**2"
    assert local["v1", "f"].value == 2.0
    assert local["y", "f"].value == pytest.approx(tanh)


def test_what_cancels_or_is_unused_has_gradient_zero() -> None:
    t = bp.trace("x + 0*y + (z - z)", {"x": 1, "y": 2, "z": 3})
    assert dict(t.gradient) == {"x": 1.0, "y": 0.0, "z": 0.0}
    assert bp.trace("3", {}).value == 3.0
    assert dict(bp.trace("x", {"x": 5}).gradient) == {"x": 1.0}


def test_quantities_are_found_by_symbol_name_tensor_and_element() -> None:
    a, b = sympy.Symbol("a"), sympy.Symbol("b", positive=True)
    t = bp.trace(a * b, {"a": 2, b: 3})
    assert list(t.gradient) == [a, b]
    assert t.gradient[a] == t.gradient["a"] == 3.0
    p, q = bp.parameter("p"), bp.constant("q", 4.0)
    t = bp.trace(p * q, {p: 2.0})
    assert t.gradient[p] == t.gradient[p[()]] == t.gradient["p"] == 4.0
    assert list(t.gradient) == ["p"]
    assert "q" not in t.gradient
    network = bp.mlp(2, 2, 2)
    t = bp.trace(network, MAZUR)
    W = network.parameters[0]
    assert t.gradient[W].shape == (2, 2)
    assert t.gradient[W[1, 0]] == t.gradient["W1"][1, 0]
    assert list(t.gradient) == ["x", "W1", "b1", "W2", "b2"]
    assert t.gradient["x"].shape == (1, 2)
    with pytest.raises(SymbpError, match="no W3 in this trace; did you mean 'W2' or 'W1'"):
        t.gradient["W3"]
    with pytest.raises(KeyError):
        t.gradient["y"]


def test_symbols_with_any_name() -> None:
    names = ("lambda", "x_{1}", "λ", "x'", "_a", "f", "v1", "a b")
    symbols = [sympy.Symbol(name) for name in names]
    t = bp.trace(sympy.Mul(*symbols), dict.fromkeys(symbols, 2.0))
    assert {t.gradient[s] for s in symbols} == {2.0 ** (len(names) - 1)}
    assert t.text()
    assert r"\lambda" in t.latex()


# Programs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        "softmax_cross_entropy",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("quadratic", "binary_cross_entropy")),
    ],
)
def test_a_batch_has_the_gradient_of_the_emitted_module(loss: str) -> None:
    network = bp.mlp(3, 4, 2, activation="tanh", loss=loss)
    rng = np.random.default_rng(5)
    values = {p.name: rng.normal(size=p.shape) for p in network.parameters}
    given = {"x": rng.normal(size=(3, 3)), "y": np.eye(2)[[0, 1, 1]]}
    t = bp.trace(network, {**values, **given})
    module = bp.compile(network, dtype="float64").module
    cost, gradient = module.gradient(tuple(values.values()), given["x"], given["y"])
    assert t.value == pytest.approx(cost, rel=1e-12)
    for name in values:
        assert t.gradient[name] == pytest.approx(getattr(gradient, name), rel=1e-9, abs=1e-12)
    if loss != "quadratic":
        labels = bp.trace(network, {**values, **given, "y": [0, 1, 1]})
        assert labels.value == t.value


def test_a_textbook_graph_as_a_program() -> None:
    x, y, z = (bp.parameter(name) for name in "xyz")
    q, f = bp.tensor("q"), bp.tensor("f")
    program = bp.Program([bp.Equation(q, x + y), bp.Equation(f, q * z)], cost=f)
    t = bp.trace(program, {"x": -2, "y": 5, "z": -4})
    assert t.values["q"] == 3.0
    assert t.gradient["q"] == t.gradient[q] == -4.0
    assert t.gradient[z] == 3.0


def test_integer_inputs_choose_and_have_no_gradient() -> None:
    n, v, j = bp.indices("n v j", "N", 4, 2)
    word, E, C = bp.input("word", n, kind="integer"), bp.parameter("E", v, j), bp.tensor("C")
    cost = bp.Equation(C, bp.Sum(E[word[n], j] ** 2, n, j))
    table = np.arange(8.0).reshape(4, 2)
    t = bp.trace(bp.Program([cost], cost=C), {"word": [2, 0, 2], "E": table})
    assert t.value == 2 * (16 + 25) + 1
    assert list(t.gradient) == ["E"]
    assert np.array_equal(t.gradient["E"][:3], table[:3] * [[2], [0], [4]])


# Extremes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "value", "gradient"),
    [
        ("log(x)", 0.0, -math.inf, math.inf),
        ("log(x)", -1.0, math.nan, -1.0),
        ("1/x", 0.0, math.inf, -math.inf),
        ("sqrt(x)", 0.0, 0.0, math.inf),
        ("sqrt(x)", -1.0, math.nan, math.nan),
        ("exp(x)", 1000.0, math.inf, math.inf),
        ("sigmoid(x)", -1000.0, 0.0, 0.0),
        ("x**2", 1e200, math.inf, 2e200),
        ("relu(x)", 0.0, 0.0, 0.0),
        ("softplus(x)", 800.0, 800.0, 1.0),
    ],
)
def test_trouble_with_a_domain_is_ieee_s(
    text: str, at: float, value: float, gradient: float
) -> None:
    t = bp.trace(text, {"x": at})
    assert (t.value, t.gradient["x"]) == pytest.approx((value, gradient), nan_ok=True)
    assert t.text()
    assert t.latex()
    assert t.graph().svg()


def test_a_network_of_hundreds_of_nodes_has_few_edges_at_each() -> None:
    rng = np.random.default_rng(0)
    network = bp.mlp(9, 9, 9, 5)
    values = {p.name: rng.normal(size=p.shape) for p in network.parameters}
    values |= {"x": rng.normal(size=(1, 9)), "y": rng.normal(size=(1, 5))}
    t = bp.trace(network, values)
    assert len(t.nodes) > 500
    assert len(t.edges) < 2 * len(t.nodes)


def test_an_expression_whose_parts_are_used_many_times_stays_small() -> None:
    formula = x
    for _ in range(12):
        formula = sympy.sin(formula) * formula
    t = bp.trace(formula, {x: 0.7})
    value, slope = 0.7, 1.0
    for _ in range(12):
        value, slope = math.sin(value) * value, slope * (
            math.cos(value) * value + math.sin(value)
        )  # fmt: skip
    assert len(t.nodes) <= 40
    assert t.value == pytest.approx(value, rel=1e-9)
    assert t.gradient[x] == pytest.approx(slope, rel=1e-9)


# Errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "values", "message"),
    [
        ("x*y", {"x": 1}, "no value for y"),
        ("x*y", {"x": 1, "y": 2, "w": 3}, "values: no 'w' in the expression; known: x, y"),
        ("x", {"x": math.inf}, "x: expected finite numbers, got inf"),
        ("x", {"x": math.nan}, "x: expected finite numbers, got nan"),
        ("x", {"x": 1j}, "x: expected a number, got 1j"),
        ("x", {"x": "1"}, "x: expected a number, got '1'"),
        ("x", {"x": True}, "x: expected a number, got True"),
        ("x", {"x": [1.0, 2.0]}, "x: expected a number, got an array of shape (2,)"),
        ("x", {"x": None}, "x: expected a number, got None"),
        ("x", {1: 2.0}, "expected a name or a symbol as key, got 1"),
        ("x", {"x": 1, x: 2}, "x is given twice"),
        ("x", [("x", 1)], "expected a dict of names to numbers"),
        ("x^2", {"x": 1}, "a power is written x**2"),
        (sympy.gamma(x), {"x": 1}, "function gamma: give it a value in terms of known functions"),
        (sympy.Function("g")(x), {"x": 1}, "g(x) is an undefined function; see bp.function"),
        (sympy.Integral(x, x), {"x": 1}, "Integral of SymPy has no place in a formula"),
        (sympy.sqrt(-2) * x, {"x": 1}, "is not a real number"),
        (sympy.oo + x, {"x": 1}, "infinity is no number to compute with"),
        (sympy.Integer(10) ** 400 * x, {"x": 1}, "too large for a float"),
        (sympy.Symbol("x") * x, {"x": 1}, "two symbols of the expression are called x"),
        (x > 0, {"x": 1}, "expected an expression"),
        ([x], {"x": 1}, "expected an expression"),
        (sympy.MatrixSymbol("A", 2, 2), {"x": 1}, "has no place in a formula"),
        (bp.parameter("W", bp.Index("j", 2))[0] * x, {"x": 1}, "W[0] has indices; put"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(formula: Any, values: Any, message: str) -> None:
    with pytest.raises(SymbpError) as caught:
        bp.trace(formula, values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"W1": None}, "no value for the parameter W1"),
        ({"W1": np.zeros((2, 3))}, "W1: expected shape (2, 2), got (2, 3)"),
        ({"W1": np.zeros(2)}, "W1: expected an array of 2 axes, got an array of shape (2,)"),
        ({"x": np.zeros((2, 2))}, "y: expected shape (2, 2), got (1, 2)"),
        ({"w1": np.zeros((2, 2))}, "no 'w1' to be given; did you mean 'b1' or 'W1'"),
        ({"b1": [np.nan, 0]}, "b1: expected finite numbers"),
    ],
)
def test_what_is_wrong_with_arrays_is_named(changes: dict[str, Any], message: str) -> None:
    values = {name: v for name, v in {**MAZUR, **changes}.items() if v is not None}
    with pytest.raises(SymbpError) as caught:
        bp.trace(bp.mlp(2, 2, 2), values)
    assert message in str(caught.value)


def test_the_size_is_known_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*arguments: Any) -> None:
        raise AssertionError("the program is written out element by element")

    monkeypatch.setattr("symbp.derivations.trace_program.unroll", work)
    network = bp.mlp(784, 100, 10)
    values = {p.name: np.zeros(p.shape) for p in network.parameters}
    with pytest.raises(SymbpError, match=r"the graph has [\d,]+ operations, more than 20,000"):
        bp.trace(network, {**values, "x": np.zeros((1, 784)), "y": np.zeros((1, 10))})


def test_a_formula_nested_too_deep_is_refused() -> None:
    formula = x
    for _ in range(3000):
        formula = bp.softplus(formula)
    with pytest.raises(SymbpError, match="nested too deep"):
        bp.trace(formula, {x: 1.0})


# Printing -----------------------------------------------------------------------------------------


def test_the_table_of_the_walk() -> None:
    t = bp.trace("(x + y) * z", {"x": -2, "y": 5, "z": -4})
    assert str(t).splitlines() == [
        "f = (x + y) * z",
        "",
        "forward",
        "x   = -2",
        "y   = 5",
        "z   = -4",
        "v₁  = x + y  = 3",
        "f   = v₁ z   = -12",
        "",
        "backward",
        "∂f/∂f   = 1",
        "∂f/∂v₁  = z       = 1 × (-4)  = -4",
        "∂f/∂z   = v₁      = 1 × 3     = 3",
        "∂f/∂x   = ∂f/∂v₁  = (-4) × 1  = -4",
        "∂f/∂y   = ∂f/∂v₁  = (-4) × 1  = -4",
    ]
    assert t.latex().splitlines()[:7] == [
        r"\begin{aligned}",
        r"x &= -2 \\",
        r"y &= 5 \\",
        r"z &= -4 \\",
        r"v_{1} &= x + y &&= 3 \\",
        r"f &= v_{1} z &&= -12 \\[1ex]",
        r"\frac{\partial f}{\partial f} &= 1 \\",
    ]
    assert repr(t) == "<Trace: f = (x + y) * z = -12; 5 nodes, 4 edges>"


def test_what_a_notebook_leaves_out_is_counted() -> None:
    rng = np.random.default_rng(0)
    network = bp.mlp(20, 10, 5)
    values = {p.name: rng.normal(size=p.shape) for p in network.parameters}
    t = bp.trace(network, {**values, "x": rng.normal(size=(1, 20)), "y": rng.normal(size=(1, 5))})
    bundle = t._repr_mimebundle_()
    lines = bundle["text/plain"].splitlines()
    assert len(lines) < 140
    assert any(line.startswith(f"… and {len(t.nodes) - 60} more of") for line in lines)
    assert len(bundle["image/svg+xml"]) < 400_000
    assert "more of" in t.latex(limit=10)


def test_the_graph_shows_the_names_of_a_network() -> None:
    graph = bp.trace(bp.mlp(2, 2, 2), MAZUR).graph()
    kinds = {vertex.label: vertex.kind for vertex in graph.vertices}
    assert kinds["w²₁₁"] == "parameter"
    assert kinds["a¹₁"] == "input"
    assert kinds["y₁"] == "constant"
    assert kinds["σ\na²₁"] == "operation"
    targets = [vertex for vertex in graph.vertices if vertex.label.startswith("y")]
    assert all(vertex.below == "" for vertex in targets)
    assert all(
        edge.label == "" for edge in bp.trace("x*y", {"x": 1, "y": 2}).graph(local=False).edges
    )


def test_an_array_of_which_not_all_is_read_keeps_its_shape() -> None:
    v, d, t = bp.indices("v d t", 4, 2, 3)
    E, tokens = bp.parameter("E", v, d), bp.input("tokens", t, kind="integer")
    C = bp.tensor("C")
    program = bp.Program([bp.Equation(C, bp.Sum(E[tokens[t], d] ** 2, t, d))], cost=C)
    rows = np.arange(8.0).reshape(4, 2)
    trace = bp.trace(program, {"E": rows, "tokens": [0, 2, 2]})
    np.testing.assert_array_equal(trace.values["E"], rows)
    np.testing.assert_array_equal(
        trace.gradient["E"], 2 * rows * np.array([[1.0], [0.0], [2.0], [0.0]])
    )
    assert trace.gradient[E[1, 0]] == 0
