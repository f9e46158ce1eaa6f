"""How single equations print: names, order of terms, fractions, conditions, fallbacks."""

from pathlib import Path
from typing import Any

import pytest
import sympy

import symbp as bp
from symbp.derivations.equations import DerivedEquation

GOLDEN = Path(__file__).parents[1] / "golden"
C = bp.tensor("C")
n, i, j, k, t = bp.indices("n i j k t", "N", 3, 3, 4, 5)
x, y, u, v = bp.input("x", j), bp.target("y", j), bp.input("u", k), bp.input("v", j)
W, S = bp.parameter("W", j, k), bp.parameter("S", j, j.fresh())
X, B = bp.input("X", n, k), bp.parameter("b", j)
long, Wone, eta = bp.input("rate", j), bp.parameter("W1", j, k), bp.constant("eta", 0.1)
a = bp.input("act", j, symbol="a", label=2)
mish = bp.function("mish", lambda z: z * sympy.tanh(bp.softplus(z)), latex=r"\mu")


def line(body: Any, *indices: bp.Index) -> DerivedEquation:
    lhs = bp.tensor("r", *indices)
    return DerivedEquation((bp.Equation(lhs.element, body),), C)


def right(text: str) -> str:
    return text.split(" = ", 1)[1]


@pytest.mark.parametrize(
    ("body", "latex", "text"),
    [
        (bp.Sum(W[j, k] * u[k], k) + B[j], r"\sum_{k} W_{jk} u_{k} + b_{j}", "Σₖ Wⱼₖ uₖ + bⱼ"),
        (-y[j] + x[j], "-y_{j} + x_{j}", "-yⱼ + xⱼ"),
        (1 - x[j] ** 2, "1 - x_{j}^2", "1 - xⱼ²"),
        (a[j] ** 2, "(a^{2}_{j})^2", "(a²ⱼ)²"),
        ((x[j] - y[j]) / 5, r"\frac{1}{5} (x_{j} - y_{j})", "1/5 (xⱼ - yⱼ)"),
        (x[j] / (1 + y[j]), r"\frac{x_{j}}{1 + y_{j}}", "xⱼ/(1 + yⱼ)"),
        (sympy.sqrt(x[j]), r"\sqrt{x_{j}}", "√(xⱼ)"),
        (1 / sympy.sqrt(x[j]), r"\frac{1}{\sqrt{x_{j}}}", "1/√(xⱼ)"),
        (sympy.Abs(x[j]), r"\left|x_{j}\right|", "|xⱼ|"),
        (sympy.exp(-x[j]), "e^{-x_{j}}", "exp(-xⱼ)"),
        (sympy.log(x[j]), r"\ln x_{j}", "ln xⱼ"),
        (bp.sigmoid(mish(x[j])), r"\sigma(\mu(x_{j}))", "σ(mish(xⱼ))"),
        (bp.leaky_relu(x[j]), r"\operatorname{lrelu}(x_{j}, 0.01)", "lrelu(xⱼ, 0.01)"),
        (eta[()] * long[j], r"\eta \mathrm{rate}_{j}", "η rateⱼ"),
        (bp.Sum(Wone[j, k], k), r"\sum_{k} W_{1,jk}", "Σₖ W_{1,jk}"),
        (x[0] + 0 * j, "x_{1}", "x₁"),
        (
            bp.where(x[j] > 0, x[j], -y[j]),
            r"\begin{cases} x_{j} & \text{if } x_{j} > 0 \\ -y_{j} & \text{otherwise} \end{cases}",
            "(xⱼ if xⱼ > 0 else -yⱼ)",
        ),
        (bp.where(sympy.Ge(x[j], y[j]), 1, 0), r"[x_{j} \ge y_{j}]", "[xⱼ ≥ yⱼ]"),
        (
            bp.softmax(x[j], j),
            r"\frac{e^{x_{j}}}{\sum_{k} e^{x_{k}}}",
            "exp(xⱼ)/(Σₖ exp(xₖ))",
        ),
        (x[j] * bp.Max(u[k], k), r"x_{j} \max_{k} u_{k}", "xⱼ maxₖ uₖ"),
        (
            bp.Sum(u[k], k) * bp.Sum(u[k] ** 2, k) * x[j],
            r"x_{j} \left( \sum_{k} u_{k} \right) \left( \sum_{k} u_{k}^2 \right)",
            "xⱼ (Σₖ uₖ) (Σₖ uₖ²)",
        ),
        (-bp.Sum(x[i] * y[i], i), r"-\sum_{i} x_{i} y_{i}", "-Σᵢ xᵢ yᵢ"),
    ],
)
def test_the_index_form_keeps_the_order_of_people(body: Any, latex: str, text: str) -> None:
    equation = line(body, j)
    assert right(equation.latex("index")) == latex
    assert right(equation.text("index")) == text


@pytest.mark.parametrize(
    ("body", "indices", "text"),
    [
        (bp.Sum(W[j, k] * u[k], k) + B[j], (j,), "W u + b"),
        (bp.Sum(W[j, k] * x[j], j), (k,), "Wᵀ x"),
        (x[j] * u[k], (j, k), "x uᵀ"),
        (x[j] * y[j], (j,), "x ⊙ y"),
        (x[j] * bp.Sum(W[j, k] * u[k], k), (j,), "x ⊙ (W u)"),
        (bp.Sum((x[j] - y[j]) ** 2, j) / 2, (), "½ ‖x - y‖²"),
        (bp.Sum(x[j] * y[j], j), (), "xᵀ y"),
        (bp.Sum(x[j] * W[j, k] * u[k], j, k), (), "xᵀ W u"),
        (bp.Sum(W[j, k] ** 2, j, k), (), "‖W‖²_F"),
        (bp.Sum(W[j, k] * Wone[j, k], j, k), (), "tr(Wᵀ W₁)"),
        (bp.Sum(x[j], j), (), "𝟏ᵀ x"),
        (bp.Sum(X[n, k] * W[j, k], k) + B[j], (n, j), "X Wᵀ + 𝟏 bᵀ"),
        (x[j] * W[j, k], (j, k), "diag(x) W"),
        (x[j] / (1 + y[j] ** 2), (j,), "x ⊘ (𝟏 + y^⊙2)"),
        (bp.softmax(x[j], j), (j,), "softmax(x)"),
        (bp.sigmoid(1 - x[j]), (j,), "σ(𝟏 - x)"),
        (eta[()] * bp.Sum(x[j] ** 2, j) * y[j], (j,), "η ‖x‖² y"),
    ],
)
def test_the_matrix_form_is_recognised(body: Any, indices: tuple[bp.Index, ...], text: str) -> None:
    assert right(line(body, *indices).text("matrix")) == text


@pytest.mark.parametrize(
    ("body", "indices"),
    [
        (S[j, j] * x[j], (j,)),
        (x[j] * bp.where(j > 0, 1, 2), (j,)),
        (bp.maximum(x[j], y[j]), (j,)),
        (bp.Sum(bp.Sum(W[j, k] * x[j], j) * u[k], k) * W[j, 0], (j,)),
        (bp.Max(W[j, k], k), (j,)),
        (x[2 - j], (j,)),
    ],
)
def test_what_has_no_matrix_form_is_printed_with_indices(
    body: Any, indices: tuple[bp.Index, ...]
) -> None:
    equation = line(body, *indices)
    assert equation.latex("matrix") == equation.latex("index")


def test_a_shifted_index_is_printed_as_a_sum_over_what_meets_it() -> None:
    m, i, d = bp.indices("m i d", 7, 5, 3)
    signal, kernel = bp.parameter("s", m), bp.parameter("k", d)
    z = bp.tensor("z", i)
    program = bp.Program(
        [
            bp.Equation(z[i], bp.Sum(kernel[d] * signal[i + d], d)),
            bp.Equation(C, bp.Sum(z[i] ** 2, i) / 2),
        ],
        cost=C,
    )
    gradient = bp.derive(program).gradient(signal)
    assert gradient.latex() == (
        r"\frac{\partial C}{\partial s_{m}} = "
        r"\sum_{i, d :\, i+d-1 = m} \frac{\partial C}{\partial z_{i}} k_{d}"
    )
    assert gradient.text() == "∂C/∂sₘ = Σ_{id: i+d-1 = m} ∂C/∂zᵢ · k_d"


@pytest.mark.parametrize("form", ["matrix", "index"])
@pytest.mark.parametrize("language", ["latex", "text"])
def test_the_derivation_of_784_30_10_is_as_committed(form: str, language: str, golden: Any) -> None:
    derivation = bp.derive(bp.mlp(784, 30, 10, activation="sigmoid", loss="quadratic"))
    printed = getattr(derivation, language)(form) + "\n"
    golden(f"derivation-784-30-10-{form}.{'tex' if language == 'latex' else 'txt'}", printed)


def test_sizes_make_no_difference_to_what_is_printed() -> None:
    large, small = bp.derive(bp.mlp(784, 1000, 1000, 10)), bp.derive(bp.mlp(4, 3, 3, 2))
    for form in ("matrix", "index"):
        assert large.latex(form) == small.latex(form)


def test_twenty_layers_have_a_line_for_each_quantity() -> None:
    derivation = bp.derive(bp.mlp(*[8] * 21))
    assert len(derivation.forward) == 41
    assert len(derivation.backward) == 60
    assert derivation.text("matrix").count("δ²⁰ =") == 1
