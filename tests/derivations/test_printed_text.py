"""Every printed line is true as it stands: the string is read back and evaluated."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.checking.check import random_values
from symbp.derivations.boundary import Boundary, boundaries, gathered
from symbp.derivations.counting import counted_from
from symbp.derivations.derivation import Derivation
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.languages import LANGUAGES
from symbp.derivations.step import Equality
from symbp.networks.costs import COSTS
from symbp.notation.tensor import Element
from tests.derivations.printed_text import Calculable, CalculableForm, value_of_line
from tests.programs import PROGRAMS
from tests.random_equations import random_equations, random_recurrence

EXAMPLES = 3


def evaluated(derivation: Derivation) -> dict[str, np.ndarray]:
    """Return every tensor's value by the interpreter, by name."""
    program = derivation.differentiated
    values = {**random_values(program, EXAMPLES), **bp.replayed(program, EXAMPLES)}
    constants = {t.name: t.value for t in program.tensors if t.value is not None}
    results = {**constants, **values, **interpret(program, values)}
    return {name: np.asarray(value, dtype=float) for name, value in results.items()}


def formulas_of(derivation: Derivation) -> Iterator[tuple[DerivedEquation, tuple[Equality, ...]]]:
    """Yield all that a derivation and its steps say, and what the derivatives by name in it are.

    What holds for every layer in general has no value of its own.
    """
    for line in (*derivation.forward, *derivation.backward, *derivation.links):
        yield line, ()
    steps = derivation.steps()
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        named: list[Equality] = []
        if step.kind == "chain rule":
            assert following is not None
            assert following.kind == "local derivative"
            named += [f for f in following.formulas if isinstance(f, Equality)]
        for formula in step.formulas:
            if step.kind != "statement" and isinstance(formula, DerivedEquation):
                yield formula, tuple(named)


def outside_of(formula: DerivedEquation, named: Iterable[Equality]) -> tuple[Boundary, ...]:
    """Return what a formula reads outside of its places, which is said to be 0 there."""
    bodies = [equality.right for equality in named]
    for equation in formula.equations:
        apart = equation.rename({index: index.fresh() for index in equation.domain})
        gather = gathered(formula.lhs, apart) if equation.is_scatter else None
        bodies.append(equation.body if gather is None else gather)
    return boundaries(bodies)


def tensors_of_places(derivation: Derivation) -> set[str]:
    """Return the tensors whose numbers are places: subscripts, or compared with an index."""
    found: set[str] = set()
    for equation in derivation.differentiated.equations:
        for element in (equation.lhs, *equation.reads()):
            found |= {a.tensor.name for a in element.args if isinstance(a, Element)}
        for node in equation.body.atoms(sympy.Eq, sympy.Ne):
            if any(isinstance(side, bp.Index) for side in node.args):
                found |= {a.tensor.name for a in node.args if isinstance(a, Element)}
    return found


def assert_true_as_printed(
    program: bp.Program, book: str | None = None, language: str | None = None
) -> int:
    """Assert that each line gives what reverse mode gives; return how many there are."""
    derivation = bp.derive(program).styled(book, language)
    values = evaluated(derivation)
    extents = {str(program.batch): EXAMPLES}
    formulas = list(formulas_of(derivation))
    given = tensors_of_places(derivation)
    seen: set[Any] = set()
    # Each language with another count, so that both are read in both.
    for one_line, first in ((True, 1), (False, 0), (False, 1)):
        style = Calculable(one_line, derivation.style)
        for formula, named in formulas:
            form = CalculableForm(style, formula.cost, formula.renamed)
            with counted_from(first):
                left, right = form.sides(formula.lhs, formula.equations)
                locals_ = [form.equality(equality.left, equality.right) for equality in named]
            if (left, right, *locals_) in seen:
                continue
            seen.add((left, right, *locals_))
            zeros = {each.tensor.name for each in outside_of(formula, named)}
            name, found = value_of_line(
                left, right, values, style.functions, extents, locals_, first, zeros, given
            )
            scale = max(1.0, float(np.max(np.abs(values[name]), initial=0.0)))
            np.testing.assert_allclose(
                found, values[name], rtol=1e-9, atol=1e-10 * scale, err_msg=f"{left} = {right}"
            )
    return len(seen)


@pytest.mark.parametrize(
    "seed", [s if s < 4 else pytest.param(s, marks=pytest.mark.slow) for s in range(12)]
)
@pytest.mark.parametrize("drawn", [random_equations, random_recurrence])
def test_random_equations(drawn: Callable[[int], Any], seed: int) -> None:
    assert assert_true_as_printed(drawn(seed).program) > 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("book", bp.STYLES)
def test_books_and_languages(book: str, language: str) -> None:
    program = bp.mlp(2, 3, 2, activation="tanh", loss="softmax_cross_entropy")
    assert assert_true_as_printed(program, book, language) > 4


@pytest.mark.parametrize(
    "book",
    ["goodfellow", *(pytest.param(b, marks=pytest.mark.slow) for b in ("bishop", "petersen"))],
)
def test_a_recurrence_in_the_books(book: str) -> None:
    assert assert_true_as_printed(PROGRAMS["lstm"]()[0], book) > 4


# An element of an inverse is not read as a number of its own.
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "systems"])
def test_programs(name: str) -> None:
    program, _ = PROGRAMS[name]()
    assert assert_true_as_printed(program) > 4


@pytest.mark.parametrize("loss", COSTS)
def test_networks_of_every_cost(loss: str) -> None:
    assert assert_true_as_printed(bp.mlp(2, 3, 2, loss=loss)) > 20


@pytest.mark.parametrize(
    ("right", "true"),
    [
        ("Σ{i:2, j:3} A[i, j] * x[j]", True),
        ("Σ{i:2} (Σ{j:3} A[i, j]) * x[i]", False),
        ("x[0] + Σ{j:3} A[0, j] * x[j] - x[0] + Σ{j:3} A[1, j] * x[j]", True),
        ("(x[0] + Σ{j:3} A[0, j] * x[j] - x[0]) * Σ{j:3} A[1, j] * x[j]", False),
        ("Σ{i:2, j:3, k:3; k = j} A[i, j] * x[k]", True),
        ("Σ{i:2, j:3, k:3} A[i, j] * x[k]", False),
        ("Σ{i:2, j:3} {j > 0 ? A[i, j] * x[j] : A[i, 0] * x[j]}", True),
        ("Σ{i:2, j:3} {j > 0 ? A[i, j-1] * x[j] : A[i, 0] * x[j]}", False),
    ],
)
def test_the_reader_tells_true_from_false(right: str, true: bool) -> None:
    A, x = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]), np.array([3.0, 5.0, 7.0])
    values = {"A": A, "x": x, "s": np.sum(A @ x)}
    _, found = value_of_line("s[]", right, values, {}, {})
    assert bool(np.isclose(found, values["s"])) is true


def test_the_reader_refuses_an_index_that_is_not_bound() -> None:
    with pytest.raises(SyntaxError, match="'k' stands for nothing"):
        value_of_line("s[]", "Σ{i:2} x[k]", {"x": np.ones(2), "s": np.ones(())}, {}, {})
