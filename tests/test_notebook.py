"""What a notebook shows, by IPython's protocol: ``_repr_mimebundle_(include, exclude)``."""

import itertools
from typing import Any

import pytest
import sympy

import symbp as bp
from symbp.calculus.forward import forward
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.notation import display
from symbp.notation.equation import Origin
from tests.programs import PROGRAMS

LONGEST = 10_000


def shown(thing: Any) -> dict[str, str]:
    bundle = thing._repr_mimebundle_()
    assert max(map(len, bundle.values())) <= LONGEST
    assert set(bundle) <= {"text/plain", "text/latex"}
    return bundle


def chain(length: int) -> bp.Program:
    """A program of many equations of one neuron each."""
    x = bp.parameter("x")
    tensors = [bp.tensor(f"a_{k}") for k in range(length)]
    equations = [bp.Equation(tensors[0], sympy.tanh(x))]
    equations += [
        bp.Equation(after, bp.sigmoid(before) + x) for before, after in itertools.pairwise(tensors)
    ]
    return bp.Program(equations, cost=tensors[-1])


def long_sum(terms: int) -> bp.Equation:
    i = bp.Index("i", terms)
    x, f = bp.parameter("x", i), bp.tensor("f")
    return bp.Equation(f, sympy.Add(*(x[k] ** 2 for k in range(terms))))


def test_an_equation_shows_as_text_and_as_latex() -> None:
    j, k = bp.indices("j k", 3, 2)
    W, x, z = bp.parameter("W", j, k), bp.input("x", k), bp.tensor("z", j)
    equation = bp.Equation(z[j], bp.Sum(W[j, k] * x[k], k))
    assert shown(equation) == {
        "text/plain": str(equation),
        "text/latex": r"$\displaystyle z_{j} = \sum_{k} W_{jk} x_{k}$",
    }


def test_a_program_shows_one_equation_a_line() -> None:
    program = PROGRAMS["scalar_graph"]()[0]
    assert shown(program) == {
        "text/plain": str(program),
        "text/latex": "$\\displaystyle \\begin{aligned}\nq &= x + y \\\\\nf &= q z\n"
        "\\end{aligned}$",
    }


def test_a_notebook_gets_the_forms_that_it_asks_for() -> None:
    program = PROGRAMS["scalar_graph"]()[0]
    things = [program, program.equations[0], bp.derive(program), bp.derive(bp.mlp(2, 2, 1)).bp2]
    for thing in things:
        assert set(thing._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
        assert set(thing._repr_mimebundle_(exclude={"text/plain"})) == {"text/latex"}
        assert set(thing._repr_mimebundle_(include=None, exclude=None)) == {
            "text/plain",
            "text/latex",
        }


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_passes_make_is_shown(name: str) -> None:
    program = PROGRAMS[name]()[0]
    normal = normalise(program)
    derived = reverse(normal)
    for made in (program, normal, derived, forward(normal)[0], bp.derive(program).printed_program):
        bundle = shown(made)
        assert "shown as text" not in bundle["text/plain"]
        assert bundle["text/latex"].count("{") == bundle["text/latex"].count("}")
        for equation in made.equations:
            assert "shown as text" not in shown(equation)["text/plain"]
    derivation = bp.derive(program)
    for line in (*derivation.forward, *derivation.backward, *derivation.chains):
        bundle = shown(line)
        assert bundle["text/plain"] == line.text()
        assert bundle["text/latex"] == rf"$\displaystyle {line.latex()}$"


def test_a_short_derivation_shows_whole() -> None:
    derivation = bp.derive(bp.mlp(784, 30, 10))
    assert shown(derivation) == {
        "text/plain": derivation.text(),
        "text/latex": rf"$\displaystyle {derivation.latex()}$",
    }
    assert shown(derivation.bp2)["text/plain"] == str(derivation.bp2)


def test_a_program_of_500_equations_shows_the_first() -> None:
    bundle = shown(chain(500))
    assert bundle["text/plain"].count("\n") == 40
    assert bundle["text/plain"].endswith("… 460 more equations; print(program) shows all")
    assert bundle["text/latex"].endswith(
        "&\\dots\\ \\text{460 more equations; print(program) shows all}\n\\end{aligned}$"
    )


def test_a_sum_of_10_000_terms_shows_the_first() -> None:
    equation = long_sum(10_000)
    for thing in (equation, bp.Program([equation], cost=equation.tensor)):
        bundle = shown(thing)
        assert bundle["text/plain"].startswith("f = ")
        assert "+ … 9,980 more terms" in bundle["text/plain"]
        assert r"x_{1}^2 + x_{2}^2" in bundle["text/latex"]
        assert r"+ \dots\ \text{9,980 more terms}" in bundle["text/latex"]
        assert len(bundle["text/latex"]) < 1000


def test_a_long_formula_that_is_no_sum_is_not_built() -> None:
    i = bp.Index("i", 3000)
    x, f = bp.parameter("x", i), bp.tensor("f")
    equation = bp.Equation(f, bp.sigmoid(sympy.Add(*(x[k] for k in range(3000)))))
    bundle = shown(equation)
    assert bundle["text/plain"].splitlines()[0] == "f = … (a formula of over 3,000 nodes)"
    assert r"\text{(a formula of over 3,000 nodes)}" in bundle["text/latex"]


def test_a_long_derivation_names_what_it_leaves_out() -> None:
    derivation = bp.derive(chain(100))
    bundle = shown(derivation)
    lines = bundle["text/plain"].splitlines()
    left = len(derivation.forward) + len(derivation.backward) - (len(lines) - 1)
    forward_, backward = (
        int(word) for word in lines[-1].replace(",", "").split() if word.isdecimal()
    )
    assert forward_ + backward == left > 0
    assert lines[-1].endswith("more backward equations; print(d.text()) shows all")
    assert "print(d.latex()) shows all" in bundle["text/latex"]


def test_a_derivation_of_a_long_sum_is_cut() -> None:
    equation = long_sum(2000)
    derivation = bp.derive(bp.Program([equation], cost=equation.tensor))
    bundle = shown(derivation)
    assert "more terms" in bundle["text/plain"] or "shows all" in bundle["text/plain"]
    assert len(bundle["text/latex"]) < 40_000


def test_what_cannot_be_printed_is_shown_as_text() -> None:
    class unheard_of(sympy.Function):  # noqa: N801
        pass

    x, f = bp.parameter("x"), bp.tensor("f")
    equation = bp.Equation(f[()], unheard_of(x[()]), origin=Origin("test"))
    bundle = shown(equation)
    assert bundle["text/plain"].startswith("f = unheard_of(x)\n(shown as text: ")
    assert "text/latex" not in bundle


def test_without_a_printer_the_notation_shows_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_renderers", [])
    program = PROGRAMS["scalar_graph"]()[0]
    assert shown(program) == {"text/plain": str(program)}


def test_an_adjoint_that_is_added_to_shows_so() -> None:
    program = reverse(normalise(PROGRAMS["gram"]()[0]))
    added = next(e for e in program.equations if e.accumulate and not e.is_scatter)
    assert r"\mathrel{+}=" in shown(added)["text/latex"]


def test_a_statement_that_applies_to_no_layer_says_so() -> None:
    from symbp.derivations.equations import Statement

    assert shown(Statement("BP2", None, ())) == {"text/plain": "BP2: applies to no layer"}
    assert shown(bp.derive(bp.mlp(2, 1)).bp2)["text/plain"].startswith("BP2: ")


def test_a_check_shows_its_report() -> None:
    from symbp.checking.check import CheckReport

    report = CheckReport({"w": 1e-9}, {"w": 1e-16}, 0.0)
    assert shown(report) == {"text/plain": str(report)}
