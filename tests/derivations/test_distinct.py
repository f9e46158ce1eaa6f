"""No two tensors of a program print alike, in any language or form."""

import itertools
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.derivations.distinct import with_distinct_symbols
from symbp.derivations.latex import Latex
from symbp.derivations.symbols import unicode_symbol
from symbp.derivations.text import Text

n, k = bp.indices("n k", "N", 3)
PAIRS = [
    ("x_1", "x1"), ("x", "x_"), ("beta", "β"), ("W1", "W_1"), ("alpha_2", "α2"), ("Omega", "Ω"),
    ("e_", "e"),
]  # fmt: skip


def program(first: str, second: str, **options: Any) -> bp.Program:
    x, C = bp.input("q", n, k), bp.tensor("C")
    a, b = bp.parameter(first, k, **options), bp.parameter(second, k, **options)
    body = bp.Mean(bp.Sum(a[k] * x[n, k], k) ** 2 + bp.Sum(b[k] * x[n, k], k), n)
    return bp.Program([bp.Equation(C, body)], cost=C)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_names_that_would_print_alike_do_not(first: str, second: str) -> None:
    derivation = bp.derive(program(first, second))
    for form, language in itertools.product(("index", "matrix"), ("latex", "text")):
        shown = [
            getattr(derivation.gradient(name), language)(form).partition("=")[0]
            for name in (first, second)
        ]
        assert shown[0] != shown[1]
    assert any("prints as its name" in line for line in derivation.text().splitlines())


def test_a_symbol_that_two_were_given_is_one_s() -> None:
    derivation = bp.derive(program("a", "b", symbol=r"\hat{w}"))
    assert derivation.gradient("a").text("index").startswith("∂C/∂ŵₖ")
    assert derivation.gradient("b").text("index").startswith("∂C/∂bₖ")


def test_what_is_computed_stays() -> None:
    before = program("x_1", "x1")
    after, notes = with_distinct_symbols(before)
    assert len(notes) == 1
    values = {"q": np.ones((2, 3)), "x_1": np.arange(3.0), "x1": np.full(3, 2.0)}
    costs = [interpret(normalise(each), values)["C"] for each in (before, after)]
    assert costs[0] == costs[1]
    assert [p.name for p in before.parameters] == [p.name for p in after.parameters]


def test_a_program_without_such_names_is_left_as_it_is() -> None:
    net = bp.mlp(2, 3, 1)
    assert with_distinct_symbols(net) == (net, ())


def test_an_index_that_is_made_up_is_no_tensor_s_symbol() -> None:
    j, i = bp.Index("j", 3), bp.Index("i", 3)
    m, W, C = bp.input("m", n, j), bp.parameter("W", j, i), bp.tensor("C")
    h = bp.tensor("h", n, j)
    made = bp.Program(
        [
            bp.Equation(h[n, j], m[n, j] * bp.Sum(W[j, i] * m[n, i], i)),
            bp.Equation(C, bp.Mean(bp.Sum(h[n, j] ** 2, j), n)),
        ],
        cost=C,
    )
    for line in bp.derive(made).text("index").splitlines():
        assert "Σₘ" not in line


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\mathcal{L}", "ℒ"), (r"\mathbb{R}", "ℝ"), (r"\hat{y}", "ŷ"), (r"\tilde{x}_1", "x̃₁"),
        (r"\mathrm{x\_1}", "x_1"), (r"q^1", "q¹"), (r"\theta_{ij}", "θᵢⱼ"), (r"\mathbf{W}", "W"),
        (r"\bar \mu", "μ̄"), (r"\hat\beta", "β̂"), (r"\boldsymbol{\theta}", "θ"),
    ],
)  # fmt: skip
def test_a_symbol_in_latex_has_a_text(latex: str, text: str) -> None:
    assert Text().symbol(latex) == text


def test_a_symbol_with_a_superscript_is_raised_in_parentheses() -> None:
    q, C = bp.parameter("q", k, symbol="q^1"), bp.tensor("C")
    shown = bp.derive(bp.Program([bp.Equation(C, bp.Sum(q[k] ** 3, k))], cost=C)).latex("index")
    assert "(q^1_{k})^3" in shown
    assert "q^1_{k}^" not in shown


def test_what_is_remarked_in_latex_is_escaped() -> None:
    assert Latex().remark("x_1 & 2 %") == r"\text{x\_1 \& 2 \%}"
    assert unicode_symbol("a", {}, str, str) == "a"
