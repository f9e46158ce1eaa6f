"""Forms: each pass says what it made, and none takes what another should have seen before."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp as bp
from symbp.calculus.expand import expand
from symbp.calculus.forward import forward
from symbp.calculus.inline_denominators import inline_denominators
from symbp.calculus.normalise import normalise
from symbp.calculus.norms import mark_norms
from symbp.calculus.reverse import reverse
from symbp.calculus.share import share
from symbp.calculus.stabilise import stabilise
from symbp.networks.optimizers import SGD, optimise
from symbp.notation.forms import NO_FORM, Form, PassOrderError, seen_in
from tests.random_networks import random_network

# The compiler's passes in their order, each with the form that it gives.
PASSES: list[tuple[Callable[[bp.Program], bp.Program], Form]] = [
    (normalise, Form.NORMALISED),
    (stabilise, Form.STABLE),
    (inline_denominators, NO_FORM),
    (reverse, Form.DIFFERENTIATED),
    (lambda program: optimise(program, SGD(0.1)), Form.UPDATED),
    (expand, Form.EXPANDED),
    (share, Form.SHARED),
]
EVERY = ~NO_FORM


def after(count: int, program: bp.Program) -> bp.Program:
    """Return a program after the first passes."""
    for run, _ in PASSES[:count]:
        program = run(program)
    return program


def network() -> bp.Program:
    return bp.mlp(3, 4, 2, loss="softmax_cross_entropy")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500))
def test_each_pass_adds_its_form_and_keeps_those_before(seed: int) -> None:
    program: bp.Program = random_network(seed).program
    made = NO_FORM
    for run, form in PASSES:
        program = run(program)
        made |= form
        assert made in program.forms, run
    assert program.forms == EVERY


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500))
def test_what_passes_say_can_be_seen(seed: int) -> None:
    program: bp.Program = random_network(seed).program
    for run, _ in PASSES:
        program = run(program)
        seen = seen_in(equation.body for equation in program.equations)
        assert program.passed & (Form.NORMALISED | Form.EXPANDED) in seen, run


def test_reverse_and_optimise_bring_names_of_derivatives_back() -> None:
    written_out = expand(after(3, network()))
    assert Form.EXPANDED in written_out.forms
    again = reverse(normalise(network()))
    assert Form.EXPANDED not in again.forms
    shared = share(written_out)
    assert Form.SHARED in shared.forms
    assert Form.SHARED not in expand(shared).forms
    assert Form.SHARED not in normalise(shared).forms


@pytest.mark.parametrize(
    ("name", "run", "count", "message"),
    [
        ("stabilise", stabilise, 0, "normalised and not yet differentiated; got one that is as"),
        ("stabilise", stabilise, 4, "normalised, stable, differentiated"),
        ("inline_denominators", inline_denominators, 0, "got one that is as it was written"),
        ("inline_denominators", inline_denominators, 4, "not yet differentiated"),
        ("mark_norms", mark_norms, 0, "needs a program that is normalised"),
        ("reverse", reverse, 0, "needs a program that is normalised; got one that is as it was"),
        ("forward", forward, 0, "needs a program that is normalised"),
        ("expand", expand, 0, "needs a program that is normalised"),
        ("share", share, 0, "needs a program that is normalised, expanded"),
        ("share", share, 4, "got one that is normalised, stable, differentiated"),
    ],
)
def test_a_pass_out_of_order_says_what_it_needs(
    name: str, run: Callable[[bp.Program], Any], count: int, message: str
) -> None:
    program = after(count, network())
    with pytest.raises(PassOrderError) as raised:
        run(program)
    text = str(raised.value)
    assert text.startswith(f"pass {name}: needs a program that is ")
    assert message in text
    assert "\n" not in text


def test_equations_put_in_by_hand_lose_what_no_longer_holds() -> None:
    program = after(len(PASSES), network())
    k = bp.Index("k", 2)
    total, u = bp.tensor("total"), bp.tensor("u", k)
    plain = bp.Equation(u[k], bp.constant("c", 1.5)[()] * 2)
    changed = program.replace(equations=(*program.equations, plain))
    seen = Form.NORMALISED | Form.DIFFERENTIATED | Form.UPDATED | Form.EXPANDED
    assert changed.forms == seen
    summed = bp.Equation(total, bp.Sum(u[k], k))
    changed = changed.replace(equations=(*changed.equations, summed))
    assert changed.forms == Form.DIFFERENTIATED | Form.UPDATED
    with pytest.raises(PassOrderError, match="got one that is differentiated, updated"):
        share(changed)


def test_pruning_and_other_fields_leave_the_forms() -> None:
    program = after(len(PASSES), network())
    assert program.cost is not None
    assert program.prune([program.cost]).forms == program.forms
    assert program.replace(output=None).forms == program.forms
