"""BP1–BP4 as textbooks print them, word for word."""

import pytest
import sympy

import symbp as bp
from symbp.notation.errors import NotationError, SymbpError

GENERAL = {
    "bp1": r"\delta^{L} = \nabla_{a} C \odot \sigma'(z^{L})",
    "bp2": r"\delta^{l} = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^{l})",
    "bp3": r"\frac{\partial C}{\partial b^{l}_{j}} = \delta^{l}_{j}",
    "bp4": r"\frac{\partial C}{\partial w^{l}_{jk}} = a^{l-1}_{k} \delta^{l}_{j}",
}


def general(derivation: bp.Derivation) -> dict[str, str]:
    forms = {"bp1": "matrix", "bp2": "matrix", "bp3": "index", "bp4": "index"}
    return {name: getattr(derivation, name).latex(form) for name, form in forms.items()}


@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("sizes", [(784, 30, 10), (4, 3, 2, 5, 6)])
def test_the_four_equations_read_as_in_nielsens_chapter_2(
    loss: str, sizes: tuple[int, ...]
) -> None:
    derivation = bp.derive(bp.mlp(*sizes, activation="sigmoid", loss=loss))
    assert general(derivation) == GENERAL
    layers = len(sizes) - 1
    assert len(derivation.bp1.instances) == 1
    assert len(derivation.bp2.instances) == layers - 1
    assert len(derivation.bp3.instances) == len(derivation.bp4.instances) == layers


@pytest.mark.parametrize(
    ("loss", "delta"),
    [
        ("quadratic", r"(a^{3} - y) \odot \sigma'(z^{3})"),
        ("cross_entropy", "a^{3} - y"),
        ("softmax_cross_entropy", "a^{3} - y"),
        ("mean_squared_error", r"\frac{1}{5} (z^{3} - y)"),
        ("binary_cross_entropy", r"\frac{1}{10} (a^{3} - y)"),
    ],
)
def test_the_error_of_the_output_is_simplified(loss: str, delta: str) -> None:
    derivation = bp.derive(bp.mlp(784, 30, 10, loss=loss))
    assert derivation.bp1.instances[0].latex() == rf"\delta^{{3}} = {delta}"
    assert derivation.bp2.instances[0].latex() == (
        r"\delta^{2} = ((w^{3})^T \delta^{3}) \odot \sigma'(z^{2})"
    )
    assert derivation.gradient("W1").latex() == (
        r"\frac{\partial C}{\partial w^{2}} = \delta^{2} (a^{1})^T"
    )


@pytest.mark.parametrize(
    ("loss", "cost"),
    [
        ("quadratic", "C = ½ ‖a³ - y‖²"),
        ("cross_entropy", "C = -(yᵀ ln a³ + (𝟏 - y)ᵀ ln(𝟏 - a³))"),
        ("softmax_cross_entropy", "C = -yᵀ ln a³"),
    ],
)
def test_costs_read_as_people_write_them(loss: str, cost: str) -> None:
    assert bp.derive(bp.mlp(784, 30, 10, loss=loss)).forward[-1].text() == cost


def test_the_index_form_names_every_index() -> None:
    derivation = bp.derive(bp.mlp(784, 30, 10))
    assert derivation.forward[0].latex("index") == (
        r"z^{2}_{j} = \sum_{k} w^{2}_{jk} a^{1}_{k} + b^{2}_{j}"
    )
    assert derivation.bp1.text("index") == "δᴸⱼ = ∂C/∂aᴸⱼ · σ′(zᴸⱼ)"
    assert derivation.bp2.text("index") == "δˡⱼ = Σₖ wˡ⁺¹ₖⱼ δˡ⁺¹ₖ σ′(zˡⱼ)"
    assert derivation.bp4.instances[0].text("index") == "∂C/∂w³ⱼₖ = a²ₖ δ³ⱼ"


def test_layers_with_functions_of_their_own_share_a_general_statement() -> None:
    layers = [bp.Dense(4, "relu"), bp.Dense(3, "tanh"), bp.Dense(2)]
    derivation = bp.derive(bp.Network(layers, input=5, loss="softmax_cross_entropy"))
    assert derivation.bp2.latex() == (
        r"\delta^{l} = ((w^{l+1})^T \delta^{l+1}) \odot \sigma_{l}'(z^{l})"
    )
    assert [line.text() for line in derivation.bp2.instances] == [
        "δ³ = ((w⁴)ᵀ δ⁴) ⊙ tanh′(z³)",
        "δ² = ((w³)ᵀ δ³) ⊙ relu′(z²)",
    ]
    assert derivation.bp1.text() == "δᴸ = aᴸ - y"


def test_a_penalty_shows_in_the_gradient_of_the_weights() -> None:
    derivation = bp.derive(bp.mlp(4, 3, 2, penalty=bp.L2(0.1)))
    assert derivation.forward[-1].text() == "C = ½ ‖a³ - y‖² + λ/2 ‖w²‖²_F + λ/2 ‖w³‖²_F"
    assert derivation.bp4.text("index") == "∂C/∂wˡⱼₖ = aˡ⁻¹ₖ δˡⱼ + λ wˡⱼₖ"
    assert derivation.gradient("W1").text() == "∂C/∂w² = δ² (a¹)ᵀ + λ w²"


def test_a_users_names_and_indices_give_the_same_statements() -> None:
    n, p, q, r = bp.indices("n p q r", "N", 4, 3, 2)
    x, y = bp.input("x", n, p), bp.target("y", n, r)
    A, B = bp.parameter("A", q, p, label=1), bp.parameter("B", r, q, label=2)
    u = bp.tensor("u", n, q, label=1, adjoint_symbol=r"\varepsilon")
    h = bp.tensor("h", n, q, label=1)
    v = bp.tensor("v", n, r, label=2, adjoint_symbol=r"\varepsilon")
    C = bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(u[n, q], bp.Sum(A[q, p] * x[n, p], p)),
            bp.Equation(h[n, q], sympy.tanh(u[n, q])),
            bp.Equation(v[n, r], bp.Sum(B[r, q] * h[n, q], q)),
            bp.Equation(C, bp.Mean((v[n, r] - y[n, r]) ** 2, n, r)),
        ],
        cost=C,
    )
    derivation = bp.derive(program)
    assert derivation.bp1.instances[0].text() == "ε² = v² - y"
    assert derivation.bp2.instances[0].text() == "ε¹ = ((B²)ᵀ ε²) ⊙ tanh′(u¹)"
    assert derivation.bp4.instances[0].text() == "∂C/∂B² = ε² (h¹)ᵀ"
    assert derivation.bp4.general is None  # A's layer reads x, B's reads h
    assert derivation.bp3.instances == ()


def test_a_program_without_pre_activations_has_no_names_for_its_equations() -> None:
    x, y, z = (bp.parameter(name) for name in "xyz")
    q, f = bp.tensor("q"), bp.tensor("f")
    program = bp.Program([bp.Equation(q, x + y), bp.Equation(f, q * z)], cost=f)
    derivation = bp.derive(program)
    with pytest.raises(SymbpError, match=r"adjoint_symbol.*\.backward"):
        _ = derivation.bp1
    lines = ["q = x + y", "f = q z", "∂f/∂z = q", "∂f/∂q = z", "∂f/∂x = ∂f/∂q", "∂f/∂y = ∂f/∂q"]
    assert sorted(map(str.strip, derivation.text().split("\n"))) == sorted(["", *lines])


def test_one_layer_has_no_second_equation() -> None:
    derivation = bp.derive(bp.mlp(4, 2))
    assert derivation.bp2.general is None
    assert derivation.bp2.instances == ()
    assert "BP2" not in derivation.text()


def test_mistakes_are_one_line_that_names_what_is_known() -> None:
    derivation = bp.derive(bp.mlp(4, 3, 2))
    with pytest.raises(SymbpError, match="form 'matirx': did you mean 'matrix'"):
        derivation.latex(form="matirx")
    with pytest.raises(SymbpError, match="known: component, index, matrix"):
        derivation.bp1.text("components")
    with pytest.raises(NotationError, match=r"no parameter 'W9'.*known: W1, W2, b1, b2"):
        derivation.gradient("W9")
    n = bp.Index("n", "N")
    x, a = bp.input("x", n), bp.tensor("a", n)
    with pytest.raises(NotationError, match="no cost"):
        bp.derive(bp.Program([bp.Equation(a[n], x[n])]))


def test_a_notebook_shows_it_typeset() -> None:
    derivation = bp.derive(bp.mlp(4, 3, 2))
    for shown in (derivation, derivation.bp1, derivation.gradient("W1")):
        assert shown._repr_mimebundle_()["text/latex"].startswith(r"$\displaystyle ")
    assert str(derivation) == derivation.text()


def test_a_recurrence_reads_as_backpropagation_through_time() -> None:
    n, j, i, k = bp.indices("n j i k", "N", 3, 3, 2)
    t = bp.Index("t", 4, sequential=True)
    x, y = bp.input("x", n, t, k), bp.target("y", n, t, j)
    U, V = bp.parameter("U", j, i), bp.parameter("V", j, k)
    h, C = bp.tensor("h", n, t, j), bp.tensor("C")
    before = bp.where(t > 0, bp.Sum(U[j, i] * h[n, t - 1, i], i), 0)
    program = bp.Program(
        [
            bp.Equation(h[n, t, j], sympy.tanh(bp.Sum(V[j, k] * x[n, t, k], k) + before)),
            bp.Equation(C, bp.Mean((h[n, t, j] - y[n, t, j]) ** 2, n, t, j)),
        ],
        cost=C,
    )
    lines = [line.text("index") for line in bp.derive(program).backward]
    assert lines == [
        "∂C/∂hₜⱼ = 1/6 (hₜⱼ - yₜⱼ) + Σₖ ∂C/∂h_{t+1,k} · Uₖⱼ (1 - h_{t+1,k}²)",
        "∂C/∂Uⱼᵢ = Σₜ ∂C/∂hₜⱼ · h_{t-1,i} (1 - hₜⱼ²)",
        "∂C/∂Vⱼₖ = Σₜ ∂C/∂hₜⱼ · xₜₖ (1 - hₜⱼ²)",
    ]


def test_the_softmax_of_attention_is_found_again_in_its_gradient() -> None:
    n, t, s, e = bp.indices("n t s e", "N", 4, 4, 2)
    q, k, Y = bp.parameter("q", t, e), bp.parameter("k", s, e), bp.target("Y", n, t, s)
    P, C = bp.tensor("P", t, s), bp.tensor("C")
    scores = bp.Sum(q[t, e] * k[s, e], e)
    program = bp.Program(
        [
            bp.Equation(P[t, s], bp.softmax(scores, s)),
            bp.Equation(C, bp.Sum((P[t, s] - Y[n, t, s]) ** 2, n, t, s) / 2),
        ],
        cost=C,
    )
    gradient = bp.derive(program).gradient("k")
    assert gradient.text() == "∂C/∂k = (∂C/∂P ⊙ P)ᵀ q - Pᵀ diag((∂C/∂P ⊙ P) 𝟏) q"
