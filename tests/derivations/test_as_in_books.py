"""What is derived reads as in books: quotients, softmaxes, statistics, recurrences, places."""

import pytest

import symbp as bp
from tests.derivations.test_printed_text import assert_true_as_printed


def quotient() -> bp.Program:
    i, j = bp.Index("i", 3), bp.Index("j", 3)
    A, x, C = bp.parameter("A", i, j), bp.parameter("x", i), bp.tensor("C")
    body = bp.Sum(x[i] * A[i, j] * x[j], i, j) / bp.Sum(x[i] ** 2, i)
    return bp.Program([bp.Equation(C, body)], cost=C)


def softmax_by_hand() -> bp.Program:
    n, k, i = bp.indices("n k i", "N", 3, 2)
    x, y = bp.input("x", n, i), bp.target("y", n, k, kind="distribution")
    W, z = bp.parameter("W", k, i), bp.tensor("z", n, k, adjoint_symbol=r"\\delta")
    p, C, m = bp.tensor("p", n, k), bp.tensor("C"), k.fresh()
    return bp.Program(
        [
            bp.Equation(z[n, k], bp.Sum(W[k, i] * x[n, i], i)),
            bp.Equation(p[n, k], bp.exp(z[n, k]) / bp.Sum(bp.exp(z[n, m]), m)),
            bp.Equation(C, -bp.Mean(bp.Sum(y[n, k] * bp.log(p[n, k]), k), n)),
        ],
        cost=C,
    )


def normalised() -> bp.Program:
    n, k = bp.indices("n k", "N", 3)
    x, y = bp.input("x", n, k), bp.target("y", n, k)
    g, a, C = bp.parameter("g", k), bp.tensor("a", n, k), bp.tensor("C")
    mu, v = bp.tensor("mu", k), bp.tensor("v", k)
    return bp.Program(
        [
            bp.Equation(mu[k], bp.Mean(x[n, k], n)),
            bp.Equation(v[k], bp.Mean((x[n, k] - mu[k]) ** 2, n)),
            bp.Equation(a[n, k], g[k] * (x[n, k] - mu[k]) / bp.sqrt(v[k] + 1)),
            bp.Equation(C, bp.Mean(bp.Sum((a[n, k] - y[n, k]) ** 2 / 2, k), n)),
        ],
        cost=C,
    )


def cell() -> bp.Program:
    n, j, k = bp.indices("n j k", "N", 3, 3)
    t = bp.Index("t", 4, sequential=True)
    x, y = bp.input("x", n, t, j), bp.target("y", n, j)
    f, i, c = bp.tensor("f", n, t, j), bp.tensor("i", n, t, j), bp.tensor("c", n, t, j)
    gates = []
    for gate in (f, i):
        W = bp.parameter(f"W_{gate.name}", j, k)
        before = bp.where(t > 0, bp.Sum(W[j, k] * c[n, t - 1, k], k), 0)
        gates.append(bp.Equation(gate[n, t, j], bp.sigmoid(before + x[n, t, j])))
    kept = bp.where(t > 0, f[n, t, j] * c[n, t - 1, j], 0)
    C = bp.tensor("C")
    return bp.Program(
        [
            *gates,
            bp.Equation(c[n, t, j], kept + i[n, t, j]),
            bp.Equation(C, bp.Mean((c[n, 3, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )


def test_scalars_divide_below_a_line() -> None:
    assert bp.derive(quotient()).gradient("x").text() == (
        "∂C/∂x = (Aᵀ x)/‖x‖² + (A x)/‖x‖² - 2 (xᵀ A x) x/‖x‖⁴"
    )


def test_a_softmax_by_hand_reaches_p_minus_y_through_its_jacobian() -> None:
    derivation = bp.derive(softmax_by_hand())
    assert str(derivation.bp1) == "BP1: δ = p - y"
    texts = [step.text() for step in derivation.steps()]
    assert "∂pₘ/∂zₖ = pₘ ([m = k] - pₖ)" in texts


def test_a_cost_of_logits_is_printed_with_probabilities() -> None:
    derivation = bp.derive(bp.mlp(2, 1, loss="binary_cross_entropy"))
    lines = [line.text() for line in derivation.forward]
    assert "a² = σ(z²)" in lines
    assert lines[-1] == "C = -(yᵀ ln a² + (𝟏 - y)ᵀ ln(𝟏 - a²))"
    assert derivation.bp1.instances[0].text() == "δ² = a² - y"


def test_the_derivative_through_statistics_is_closed() -> None:
    derivation = bp.derive(normalised(), wrt="x")
    assert [line.tensor.name for line in derivation.backward] == ["a_adjoint", "x_adjoint"]
    assert "‖a - y‖²_F" in derivation.text()


def test_a_recurrence_has_no_guards_and_says_once_what_is_zero() -> None:
    text = bp.derive(cell()).text()
    assert " if " not in text
    assert text.count("c_{0,j} = 0") == 1
    assert "∂C/∂c_{t+1,j} · f_{t+1,j}" in text


def test_gates_are_derived_once_and_likewise() -> None:
    steps = bp.derive(cell()).steps()
    assert [step.heading() for step in steps if step.kind == "likewise"]


def test_places_count_from_one_or_from_zero() -> None:
    assert "c_{4,j}" in bp.derive(cell()).text("index")
    zero = bp.derive(cell(), count_from=0)
    assert "c_{3,j}" in zero.text("index")
    assert zero.forward[-1].text().endswith("Σⱼ (c_{3,j} - yⱼ)²")
    with pytest.raises(bp.SymbpError, match="count_from=2: expected 1"):
        bp.derive(cell(), count_from=2)


@pytest.mark.parametrize("program", [quotient, softmax_by_hand, normalised, cell])
def test_every_line_of_it_is_true(program) -> None:  # type: ignore[no-untyped-def]
    assert assert_true_as_printed(program()) > 4


def test_steps_say_what_the_logarithm_of_a_softmax_is() -> None:
    for net, expected in (
        (bp.mlp(2, 3, loss="softmax_cross_entropy"), "ln a²ⱼ = z²ⱼ - ξ"),
        (
            bp.Network([bp.Embedding(5, 2), bp.Dense(5)], input=4, loss="softmax_cross_entropy"),
            "ln a³ₖⱼ = z³ₖⱼ - ξₖ",
        ),
    ):
        (step,) = [s for s in bp.derive(net).steps() if s.kind == "rewriting"]
        assert step.text() == expected
        assert step.remark == "The logarithm of the softmax is then"


def test_a_printed_page_names_the_softmax_of_the_output_and_the_network_does_not() -> None:
    net = bp.mlp(2, 3, loss="softmax_cross_entropy")
    assert "Network 2-3: softmax; softmax" in bp.derive(net).document().replace(r"\_", "_")
    assert "Network 2-3: identity; softmax" in repr(net)
    assert "Network 2-3: identity; quad" in bp.derive(bp.Network([bp.Dense(3)], input=2)).document()


def test_a_column_of_ones_goes_into_a_diagonal_matrix() -> None:
    n, k, i = bp.indices("n k i", "N", 3, 2)
    W, x = bp.parameter("W", k, i), bp.input("x", n, i)
    p, C = bp.tensor("p", n, k), bp.tensor("C")
    softmax = bp.Equation(p[n, k], bp.softmax(bp.Sum(W[k, i] * x[n, i], i), k))
    program = bp.Program([softmax, bp.Equation(C, bp.Mean(p[n, 0] ** 2, n))], cost=C)
    found = bp.derive(program, wrt="x", of="p").gradient("x").text()
    assert found == "∂p/∂x = diag(p) W - p pᵀ W"


def test_steps_through_what_is_introduced_say_what_it_is() -> None:
    n, k = bp.indices("n k", "N", 3)
    x, g = bp.input("x", n, k), bp.parameter("g", k)
    z, u, C = bp.tensor("z", n, k), bp.tensor("u", n, k), bp.tensor("C")
    norm = g[k] * z[n, k] / bp.sqrt(bp.Mean(z[n, k] ** 2, k) + 1e-6)
    program = bp.Program(
        [
            bp.Equation(z[n, k], bp.tanh(x[n, k] * g[k])),
            bp.Equation(u[n, k], norm),
            bp.Equation(C, bp.Mean(bp.Sum(u[n, k] ** 2, k), n)),
        ],
        cost=C,
    )
    text = bp.derive(program).steps().text("index")
    assert "sum" not in text.replace("ₛᵤₘ", "sum")
    assert text.index("ξ = Σₖ zₖ²") < text.index("√(1/3 ξ")


def test_a_book_without_delta_defines_none_and_sets_gradients_apart() -> None:
    derivation = bp.derive(bp.mlp(2, 3, 1)).styled("goodfellow")
    assert "By definition" not in derivation.document()
    assert derivation.bp4.text() == "∇_{𝑾⁽ˡ⁾} J = (∇_{𝒂⁽ˡ⁾} J) (𝒉⁽ˡ⁻¹⁾)ᵀ"
    assert "<mi>𝑾</mi>" in derivation.html()
