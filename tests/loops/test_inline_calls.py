"""A call is the statements of what is called, with names of their own."""

import pytest
import sympy

from symbp.loops.inline_calls import inline_calls
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    AllReduce,
    Argument,
    Assign,
    Call,
    Function,
    Return,
    Statement,
)
from symbp.loops.traverse import statements_in
from symbp.notation.tensor import Tensor
from tests.loops.random_loops import random_loops
from tests.loops.reading import N, read, same, written
from tests.loops.team_programs import team_program


def bare(function: Function) -> Function:
    """Return a function that returns nothing, as one that is called."""
    body = tuple(s for s in function.body if not isinstance(s, Return))
    return function.replace(body=body)


def calling(called: Function, times: int = 1) -> Function:
    """Return a function that does nothing but call another, on its own arguments."""
    arguments = [
        Argument(a.array.like(a.array.name, kind=a.array.kind), a.role) for a in called.arguments
    ]
    arrays = tuple(argument.array for argument in arguments)
    limits = {
        new.array: called.limits[old.array]
        for old, new in zip(called.arguments, arguments, strict=True)
        if old.array in called.limits
    }
    return called.replace(
        name="caller", arguments=tuple(arguments), body=(Call(called, arrays),) * times,
        limits=limits,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_loops_at_random_are_called(seed: int) -> None:
    function = bare(random_loops(seed))
    made = inline_calls(calling(function))
    assert not any(isinstance(statement, Call) for statement in made.statements)
    same(function, made)
    same(calling(function, times=2), inline_calls(calling(function, times=2)))


@pytest.mark.parametrize("seed", range(8))
def test_what_a_team_runs_is_called(seed: int) -> None:
    function = bare(team_program(seed))
    same(function, inline_calls(calling(function)))


def test_a_call_within_a_call_is_written_out() -> None:
    function = bare(random_loops(3))
    made = inline_calls(calling(calling(function)))
    assert not any(isinstance(statement, Call) for statement in made.statements)
    same(function, made)


def test_a_function_without_calls_is_left_alone() -> None:
    function = random_loops(0)
    assert inline_calls(function) is function


def test_arguments_take_the_place_of_those_of_the_function() -> None:
    called = read(
        """
        function g(in x[N], out y[N], N):
            allocate z[N]
            view v[N] of z
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                y[n] = v[n]
        """
    )
    assert written(inline_calls(calling(called))) == (
        "allocate z[N]\nview v[N] of z\nfor n from 0 to N:\n    z[n] = x[n]\n"
        "for n from 0 to N:\n    y[n] = v[n]"
    )


def test_what_is_called_twice_shares_no_name() -> None:
    def names(body: tuple[Statement, ...]) -> set[object]:
        found: set[object] = set()
        for statement in statements_in(body):
            for field in ("index", "symbol", "first", "last"):
                found.add(getattr(statement, field, None))
            if isinstance(statement, Allocate):
                found.add(statement.array)
        return found - {None}

    for called in (random_loops(5), team_program(2)):
        made = inline_calls(calling(called, times=2)).body
        half = len(made) // 2
        assert names(made[:half])
        # Products end with elements as their first and second operand: names of their own too.
        assert not names(made[:half]) & names(made[half:])


def test_a_sum_over_the_members_is_of_the_callers_array() -> None:
    total = Tensor("total")
    called = Function("g", (Argument(total, "inout"),), (N,), (AllReduce(total),), team=True)
    own = Tensor("own")
    body = (
        Allocate(own, (), "register"),
        Assign(own[()], sympy.S.One),
        Call(called, (own,)),
        Accumulate(own[()], sympy.S.One),
        Return(own[()]),
    )
    function = Function("f", (), (N,), body, team=True)
    assert written(inline_calls(function)).splitlines()[2] == "sum own over the members"
