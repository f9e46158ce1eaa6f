"""The code of the gradient beside its equations: every line is there, every equation has code."""

import functools
import re
from typing import Any

import pytest

import symbp as bp
from symbp.compiler import gradient_kernel, module_source
from symbp.derivations.derivation import Derivation
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.report.blocks import Listing, Prose
from symbp.listing.code_listing import code_listing
from symbp.notation.tensor import Element
from tests.programs import PROGRAMS

NETWORKS: dict[str, Any] = {
    "mlp": lambda: bp.mlp(3, 4, 2),
    "penalty": lambda: bp.Network(
        [bp.Dense(4, "tanh"), bp.Dense(3)],
        input=2,
        loss="softmax_cross_entropy",
        penalty=bp.L2(0.01),
    ),
    **{name: lambda make=make: make()[0] for name, make in PROGRAMS.items()},
}


# Each is read by several tests, and changed by none.
@functools.cache
def derivation_of(name: str) -> Derivation:
    return bp.derive(NETWORKS[name]())


@functools.cache
def blocks_of(name: str) -> list[Any]:
    return list(code_listing(derivation_of(name)))


def listing(name: str) -> Listing:
    *_, found = blocks_of(name)
    assert isinstance(found, Listing)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_the_lines_are_those_of_the_module_under_their_numbers(name: str) -> None:
    program = NETWORKS[name]()
    source, kernel = module_source(program), gradient_kernel(program).text
    by_element = kernel not in source
    words = " ".join(block.text for block in blocks_of(name)[:-1])
    assert ("every element has a line of its own" in words) == by_element
    module = (kernel if by_element else source).split("\n")
    shown = [pair for passage in listing(name).passages for pair in passage.lines]
    for number, text in shown:
        assert module[number - 1] == text
    numbers = [number for number, _ in shown]
    assert numbers == sorted(set(numbers))
    missing = set(range(numbers[0], numbers[-1] + 1)) - set(numbers)
    assert all(module[number - 1].lstrip().startswith("# ") for number in missing)
    assert shown[1][1].startswith("def _gradient_kernel(")
    assert shown[-1][1].startswith(("    return", "    gradients["))


@pytest.mark.parametrize("name", NETWORKS)
def test_all_code_but_the_first_and_last_lines_has_an_equation(name: str) -> None:
    first, *passages, last = listing(name).passages
    assert not first.equations
    assert not last.equations
    assert all(passage.equations for passage in passages)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_line_of_the_derivation_is_found_beside_code(name: str) -> None:
    derivation = derivation_of(name)
    beside = {
        (row.left, row.right) for passage in listing(name).passages for row in passage.derived
    }
    # What is a value already there needs no code: ∂f/∂q = z of f = q z is z.
    lines = [
        line
        for line in derivation.backward
        if not all(isinstance(equation.body, Element) for equation in line.equations)
    ]
    wanted = {tuple(line.latex().split(" = ", 1)) for line in lines}
    assert wanted - beside == set()


def test_bp1_to_bp4_stand_beside_the_code_of_their_layers() -> None:
    passages = listing("mlp").passages
    named = [row.name for passage in passages for row in passage.derived if row.name]
    assert set(named) == {"BP1", "BP2", "BP3", "BP4"}
    (product,) = [p for p in passages if p.code.strip().endswith("W1_adjoint, 3)")]
    assert [row.right for row in product.equations] == [r"\sum_{n} a^{1}_{nk} \delta^{2}_{nj}"]
    assert [row.name for row in product.derived] == ["BP4"]


def test_what_is_added_up_starts_and_grows_in_the_order_of_the_code() -> None:
    rows = [row for p in listing("mlp").passages for row in p.equations]
    signs = [(row.sign, row.right) for row in rows if row.left == "z^{3}_{nj}"]
    assert signs == [
        (r"\leftarrow", r"\sum_{k} w^{3}_{jk} a^{2}_{nk}"),
        (r"\mathrel{+}=", "b^{3}_{j}"),
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_each_equation_is_said_once_and_a_sign_of_equality_holds(name: str) -> None:
    rows = [row for p in listing(name).passages for row in p.equations]
    # What is solved for has several loops, and others may stand between them.
    marks = ("^{-1}", r"{chol}", r"\\det ")
    solved = [row for row in dict.fromkeys(rows) if any(mark in row.right for mark in marks)]
    rows = [*solved, *(row for row in rows if row not in solved)]
    assert len({(row.left, row.right) for row in rows}) == len(rows)
    by_left: dict[str, list[str]] = {}
    for row in rows:
        # One tensor may stand there with other letters for its indices.
        by_left.setdefault(re.sub(r"_\{\w+\}", "", row.left), []).append(row.sign)
    for signs in by_left.values():
        assert signs in (["="], [r"\leftarrow", *[r"\mathrel{+}="] * (len(signs) - 1)])


def test_what_is_read_stands_before_what_reads_it() -> None:
    lefts = [row.left for p in listing("attention").passages for row in p.equations]
    largest = next(left for left in lefts if "max" in left)
    assert lefts.index("S_{nts}") < lefts.index(largest) < lefts.index("P_{nts}")


def words(name: str) -> str:
    *said, _ = blocks_of(name)
    assert all(isinstance(block, Prose) for block in said)
    return " ".join(block.text for block in said if isinstance(block, Prose))


def test_a_reader_is_told_how_the_code_is_read() -> None:
    text = words("mlp")
    assert "$n$ counts its $N$ examples" in text
    assert r"`a2_adjoint` is $\frac{\partial C}{\partial a^{3}}$" in text
    assert r"`z2_adjoint` is $\delta^{3}$" in text
    assert "`tiled(s, t, rows, columns, terms, alpha, A, p, B, q, beta, D, r)`" in text
    text = words("scalar_graph")
    assert "counts its" not in text
    assert "tiled" not in text
    assert r"$\leftarrow$" not in text


def test_names_that_the_steps_introduce_are_said() -> None:
    derivation = derivation_of("spread")
    definitions = [step for step in derivation.steps() if step.kind == "definition"]
    assert definitions
    text = words("spread")
    for step in definitions:
        for formula in step.formulas:
            assert isinstance(formula, DerivedEquation)
            assert f"`{formula.tensor.name}` is ${formula.tensor.symbol}$" in text


def test_where_the_mean_comes_in_is_said_once() -> None:
    passages = listing("mlp").passages
    (seed,) = [p for p in passages if r"\frac{1}{N}" in p.note]
    assert any("BP1" in row.name for row in seed.derived)
    assert any("w1 = real(1) / real(N)" in line for _, line in seed.lines)
    assert any("a2_adjoint = w1 * w2" in line for _, line in seed.lines)


def test_without_parameters_the_reason_is_said() -> None:
    x, cost = bp.input("x"), bp.tensor("C")
    (said,) = code_listing(bp.derive(bp.Program([bp.Equation(cost, x**2)], cost=cost)))
    assert isinstance(said, Prose)
    assert "no parameters" in said.text
