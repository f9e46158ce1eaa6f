"""One differentiation: what is printed and what is compiled are derived by the same passes."""

from typing import Any

import pytest

import symbp as bp
from symbp import compiler
from symbp.calculus import gradient_program as module
from symbp.calculus.gradient_program import gradient_program
from symbp.calculus.signature import signature
from symbp.calculus.zero_weights import plain_program
from tests.programs import PROGRAMS


def tanh_of_a_product() -> bp.Program:
    i, j = bp.indices("i j", 3, 2)
    W, x, a = bp.parameter("W", i, j), bp.input("x", j), bp.tensor("a", i)
    C = bp.tensor("C")
    product = bp.Sum(W[i, j] * x[j], j)
    return bp.Program(
        [bp.Equation(a[i], bp.tanh(product)), bp.Equation(C, bp.Sum(a[i] ** 2, i))], cost=C
    )


NETWORKS: dict[str, Any] = {
    "mlp": lambda: bp.mlp(3, 4, 2),
    "cross_entropy": lambda: bp.mlp(3, 4, 2, loss="cross_entropy"),
    "softmax": lambda: bp.mlp(3, 4, 2, activation="relu", loss="softmax_cross_entropy"),
    **{name: lambda make=make: make()[0] for name, make in PROGRAMS.items()},
}


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[bp.Program]:
    """Return what the reverse pass gives, in the order in which it is run."""
    made: list[bp.Program] = []

    def reverse(program: bp.Program, wrt: Any = None) -> bp.Program:
        made.append(run(program, wrt))
        return made[-1]

    run = module.reverse
    monkeypatch.setattr(module, "reverse", reverse)
    return made


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_printed_is_what_the_reverse_pass_gave(
    name: str, derived: list[bp.Program]
) -> None:
    derivation = bp.derive(NETWORKS[name]())
    (given,) = derived
    assert derivation.differentiated.equations == plain_program(given).equations
    equations = {id(equation) for equation in derivation.differentiated.equations}
    assert derivation.backward
    assert all(id(e) in equations for line in derivation.backward for e in line.sources)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_compiled_is_what_the_reverse_pass_gave(
    name: str, derived: list[bp.Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[bp.Program] = []
    optimise = compiler.optimise

    def recorded(program: bp.Program, optimizer: Any) -> bp.Program:
        received.append(program)
        return optimise(program, optimizer)

    monkeypatch.setattr(compiler, "optimise", recorded)
    compiler.lowered(NETWORKS[name](), bp.SGD(0.1))
    assert len(derived) == len(received) == 1
    assert received[0] is derived[0]


@pytest.mark.parametrize("make", [tanh_of_a_product, NETWORKS["scalar_graph"]])
def test_where_no_branch_changes_anything_both_are_the_same_equations(make: Any) -> None:
    program = make()
    compiled = gradient_program(program, stable=True).differentiated
    assert signature(bp.derive(program).differentiated) == signature(compiled)


@pytest.mark.parametrize("textbook", [False, True])
@pytest.mark.parametrize("stable", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_each_equation_of_the_gradient_leads_back_to_one_that_was_written(
    name: str, stable: bool, textbook: bool
) -> None:
    program = NETWORKS[name]()
    written = {equation.lhs for equation in program.equations}
    gradient = gradient_program(program, textbook=textbook, stable=stable)
    adjoints = gradient.differentiated.equations[len(gradient.normal.equations) :]
    assert adjoints
    for equation in adjoints:
        origin = equation
        while origin.origin.source is not None:
            origin = origin.origin.source
        assert origin.lhs in written, equation
