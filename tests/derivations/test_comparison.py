"""Reverse mode, forward mode and the enumeration of paths in one table."""

import itertools
import re

import pytest
import sympy

import symbp as bp
from symbp.derivations.comparison import OperationCounts
from symbp.derivations.markup import Markup
from symbp.derivations.quantities import formula_in, number_in
from tests.calculus import literal_counts
from tests.programs import PROGRAMS

NETWORKS = {
    "3-3-3": lambda: bp.mlp(3, 3, 3),
    "784-30-10": lambda: bp.mlp(784, 30, 10),
    "softmax": lambda: bp.mlp(4, 3, 2, loss="softmax_cross_entropy"),
}
PROGRAMS_AND_NETWORKS = [*NETWORKS, *PROGRAMS]


def counts_of(name: str) -> OperationCounts:
    program = NETWORKS[name]() if name in NETWORKS else PROGRAMS[name]()[0]
    return bp.derive(program).operation_counts()


def style(name: str) -> Markup:
    from symbp.derivations.printing import style_of

    return style_of(name)


@pytest.mark.parametrize("name", PROGRAMS_AND_NETWORKS)
def test_formulas_give_the_numbers(name: str) -> None:
    counts = counts_of(name)
    for row in counts.rows:
        if row.formulas is None:
            assert row.remark
            continue
        for column in ("multiplications", "additions", "calls", "total"):
            formula = sympy.sympify(getattr(row.formulas, column), strict=True)
            assert formula.subs(counts.sizes) == getattr(row.numbers, column)


# That of a whole batch has no number of operations before there is a batch.
COUNTED = [n for n in PROGRAMS_AND_NETWORKS if n not in ("784-30-10", "running", "systems")]


@pytest.mark.parametrize("name", COUNTED)
def test_reverse_mode_is_what_computing_the_printed_equations_takes(name: str) -> None:
    program = NETWORKS[name]() if name in NETWORKS else PROGRAMS[name]()[0]
    derivation = bp.derive(program)
    numbers = derivation.operation_counts().row("reverse mode").numbers
    expected = literal_counts.count(derivation.printed_program.equations)
    assert (numbers.multiplications, numbers.additions, numbers.calls) == expected


@pytest.mark.parametrize("name", PROGRAMS_AND_NETWORKS)
def test_the_gradient_is_cheap(name: str) -> None:
    # Baur and Strassen: a small multiple of the cost of the function.
    counts = counts_of(name)
    forward, reverse = (counts.row(m).numbers.total for m in ("forward pass", "reverse mode"))
    assert forward <= reverse <= 5 * forward


def test_forward_mode_takes_a_pass_for_each_parameter() -> None:
    counts = counts_of("784-30-10")
    assert counts.parameters == 23_860
    forward, mode = (counts.row(m).numbers for m in ("forward pass", "forward mode"))
    each, rest = divmod(mode.multiplications - forward.multiplications, counts.parameters)
    assert rest == 0
    # ẇ a for each weight, w ȧ for each of the second layer, σ′ ż, and (a - y) ȧ in the cost: its
    # local derivative is (a - y), with the 2 and the half.
    assert each == 784 * 30 + 2 * 30 * 10 + (30 + 10) + 10
    assert mode.total > counts.parameters * forward.total


def test_the_numbers_of_nielsens_network_by_hand() -> None:
    counts = counts_of("784-30-10")
    forward = counts.row("forward pass").numbers
    # Wa: a product for each weight; (a - y)²; the half.
    assert forward.multiplications == 784 * 30 + 30 * 10 + 10 + 1
    assert forward.calls == 40
    reverse = counts.row("reverse mode").numbers
    # BP4 a product for each weight, BP2 one for each of the second layer's, ⊙ for each neuron.
    assert reverse.multiplications - forward.multiplications == (
        784 * 30 + 30 * 10 + 30 * 10 + 30 + 10
    )
    # One weight of the first layer has 10 paths, one of the last has one.
    assert counts.paths == 784 * 30 * 10 + 30 * 10 + 30 * 10 + 10


def test_a_recurrence_has_a_number_of_paths_but_no_formula() -> None:
    row = counts_of("lstm").row("path enumeration")
    assert row.formulas is None
    assert isinstance(row.numbers.total, int)
    assert row.remark == "no closed formula: recurrence"
    assert "no closed formula: recurrence" in counts_of("lstm").text()


def test_the_batch_size_stays_a_symbol_where_examples_are_mixed() -> None:
    n, j = bp.indices("n j", "N", 3)
    x, w, C = bp.input("x", n, j), bp.parameter("w", j), bp.tensor("C")
    m, u = bp.tensor("m", j), bp.tensor("u", n, j)
    program = bp.Program(
        [
            bp.Equation(m[j], bp.Mean(x[n, j] * w[j], n)),
            bp.Equation(u[n, j], x[n, j] * w[j] - m[j]),
            bp.Equation(C, bp.Mean(u[n, j] ** 2, n, j)),
        ],
        cost=C,
    )
    counts = bp.derive(program).operation_counts()
    assert not counts.per_example
    N = program.batch
    numbers = counts.row("forward pass").numbers
    # x w twice and the square for each example and unit; the means' factors.
    assert sympy.expand(numbers.multiplications - (9 * N + 3 + 1)) == 0
    assert "N" in counts.text()
    assert "N" in counts.latex()


def test_shortcuts_over_many_blocks_have_numbers_but_no_formula() -> None:
    j, k = bp.indices("j k", 2)
    x, C = bp.input("x", j), bp.tensor("C")
    equations, before = [], x
    for block in range(14):
        h = bp.Index("h", block + 2)
        U, V = bp.parameter(f"U{block}", h, k), bp.parameter(f"V{block}", j, h)
        hidden, after = bp.tensor(f"h{block}", h), bp.tensor(f"a{block}", j)
        equations += [
            bp.Equation(hidden[h], bp.sigmoid(bp.Sum(U[h, k] * before[k], k))),
            bp.Equation(after[j], before[j] + bp.Sum(V[j, h] * hidden[h], h)),
        ]
        before = after
    program = bp.Program([*equations, bp.Equation(C, bp.Sum(before[j] ** 2, j))], cost=C)
    row = bp.derive(program).operation_counts().row("path enumeration")
    assert row.formulas is None
    assert "1000 terms" in row.remark
    assert row.numbers.multiplications > 10**10


def test_sizes_do_not_matter() -> None:
    texts = [
        bp.derive(bp.mlp(*sizes)).operation_counts().text()
        for sizes in ((784, 1000, 1000, 10), (5, 6, 7, 8))
    ]
    (_, _, large, _), (_, _, small, _) = (text.split("\n\n") for text in texts)
    assert large == small
    assert large.startswith("forward pass\n  multiplications: n₁ n₂ +")


@pytest.mark.parametrize("name", PROGRAMS_AND_NETWORKS)
def test_every_form_shows_every_method(name: str) -> None:
    counts = counts_of(name)
    for text in (counts.text(), counts.latex(), counts.markdown(), str(counts)):
        for method in ("forward pass", "reverse mode", "forward mode", "path enumeration"):
            assert method in text
    for text in (counts.latex(), counts.markdown()):
        assert text.count("$") % 2 == 0
        assert not re.search(r"[₀-₉⁰-⁹·≈…]", text)
    assert counts._repr_mimebundle_(include=["text/plain"]) == {"text/plain": counts.text()}
    assert "text/plain" not in counts._repr_mimebundle_(exclude=["text/plain"])


def test_numbers_and_formulas_read_well() -> None:
    text, latex = style("text"), style("latex")
    assert number_in(23_860, text) == "23,860"
    assert number_in(1_153_654_850, text) == "1,153,654,850 ≈ 1.2·10⁹"
    assert number_in(1_153_654_850, latex) == (r"1{,}153{,}654{,}850 \approx 1.2 \cdot 10^9")
    assert number_in(10**5000, text) == "1.0·10⁵⁰⁰⁰"
    n_1, n_2, n_3, N = sympy.symbols("n_1 n_2 n_3 N")
    assert formula_in(n_1 * n_2 + 2 * n_2 * n_3 - n_2 - 1, text) == "n₁ n₂ + 2 n₂ n₃ - n₂ - 1"
    assert formula_in((n_1 + 1) * (n_2 + n_3 + N), text) == "(n₁ + 1) (N + n₂ + n₃)"
    assert formula_in(n_1 * n_2**2 / 2, latex) == r"\frac{1}{2} n_{1} n_{2}^2"
    some = sympy.Add(*(sympy.Symbol(f"n_{k}") for k in range(1, 13)))
    assert formula_in(some, text).endswith("n₁₁ + n₁₂")
    many = n_1 * sympy.Add(*(sympy.Symbol(f"n_{k}") for k in range(1, 31)))
    assert formula_in(many, text) == "a formula of 30 terms"
    assert formula_in(many, latex) == r"\text{a formula of 30 terms}"
    product = sympy.Mul(*(sympy.Symbol(f"n_{k}") for k in range(1, 13)))
    assert formula_in(product, text) == "n₁ n₂ ⋯ n₁₂"


def test_sizes_are_said_by_the_indices_that_run_over_them() -> None:
    counts = counts_of("784-30-10")
    assert counts.legend() == ["n₁ = 784 (k of w²ⱼₖ)", "n₂ = 30 (j of w²ⱼₖ)", "n₃ = 10 (j of w³ⱼₖ)"]
    assert counts.legend("latex")[0] == "$n_{1} = 784$ ($k$ of $w^{2}_{jk}$)"
    # What only a sum runs over, as the window of a maximum, has no tensor.
    assert any(entry.endswith("= 2 (i)") or " of " not in entry
               for entry in counts_of("convolution").legend())  # fmt: skip


def test_the_paths_of_one_neuron_cost_what_their_products_take() -> None:
    # (a - y) σ'(z) x is two multiplications, and (a - y) σ'(z) one; the forward pass takes three.
    counts = bp.derive(bp.mlp(1, 1)).operation_counts()
    assert counts.row("forward pass").numbers.multiplications == 3
    assert counts.row("path enumeration").numbers.multiplications == 6
    n_2, n_3 = sympy.symbols("n_2 n_3", integer=True, positive=True)
    formula = bp.derive(bp.mlp(3, 3, 3)).operation_counts().row("path enumeration").formulas
    assert formula.multiplications.coeff(n_2 * n_3).as_coeff_Add()[0] == 6
    assert formula.multiplications.coeff(n_3).as_coeff_Add()[0] == 2


def test_every_method_evaluates_the_local_derivatives_once() -> None:
    counts = counts_of("784-30-10")
    calls = [row.numbers.calls for row in counts.rows]
    assert calls == [40, 80, 80, 80]


@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy", "softmax_cross_entropy"])
def test_the_paths_of_the_table_are_those_that_are_written_out(loss: str) -> None:
    derivation = bp.derive(bp.mlp(3, 4, 2, loss=loss, penalty=bp.L2(0.1)))
    counts = [
        derivation.paths(parameter, *place).count
        for parameter, _ in derivation.gradients
        for place in itertools.product(*map(range, parameter.shape))
    ]
    assert derivation.operation_counts().paths == sum(counts)


def test_an_index_that_is_summed_over_twice_counts_once() -> None:
    i = bp.Index("i", 3)
    x, C = bp.parameter("x", i), bp.tensor("C")
    program = bp.Program([bp.Equation(C, bp.Sum(x[i] * bp.Max(x[i], i), i))], cost=C)
    derivation = bp.derive(program)
    written_out = sum(derivation.paths("x", place).count for place in range(3))
    assert derivation.operation_counts().paths == written_out == 3
