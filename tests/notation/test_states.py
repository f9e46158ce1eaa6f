"""Mistakes in the use of states and phases are answered in one line where they are made."""

from collections.abc import Callable
from typing import Any

import pytest

import symbp as bp
from symbp.notation.errors import NotationError, OperandError

n, j, k = bp.indices("n j k", "N", 3, 4)
x, w = bp.input("x", n, j), bp.parameter("w", j)
m, s = bp.state("m", j), bp.state("s", j)
m_next, s_next, z, C = (
    bp.tensor("m_next", j),
    bp.tensor("s_next", j),
    bp.tensor("z"),
    bp.tensor("C"),
)
wide = bp.tensor("wide", k)

COST = bp.Equation(C, bp.Mean((x[n, j] * w[j] - m[j]) ** 2, n, j))
NEXT = bp.Equation(m_next[j], 0.9 * m[j] + 0.1 * bp.Mean(x[n, j], n))


def program(*equations: Any, **options: Any) -> bp.Program:
    return bp.Program([COST, *equations], cost=C, **options)


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "no next value": (
        lambda: program(NEXT),
        "state m has no next value: pass updates={m: …} to bp.Program, or declare what never "
        "changes with bp.constant",
    ),
    "a parameter's next value": (
        lambda: program(NEXT, updates={w: m_next}),
        "updates: w is of role parameter, and only a state has a next value; an optimizer updates "
        "it",
    ),
    "an input's next value": (
        lambda: program(NEXT, updates={x: m_next}),
        "updates: x is of role input, and only a state has a next value; declare it by bp.state",
    ),
    "a name": (
        lambda: program(NEXT, updates={"m": m_next}),
        "updates: m is no state; declare one with bp.state",
    ),
    "a formula": (
        lambda: program(NEXT, updates={m: 0.9 * m[j]}),
        "updates: the next value of m is 0.9*m[j]; expected a tensor that an equation defines, "
        "such as m_next",
    ),
    "an element elsewhere": (
        lambda: program(NEXT, updates={m: m_next[2 - j]}),
        "updates: the next value of m is m_next[2 - j]; expected a tensor that an equation defines",
    ),
    "another shape": (
        lambda: program(bp.Equation(wide[k], k + m[0]), updates={m: wide}),
        "state m has shape (3,), its next value wide has (4,)",
    ),
    "a next value that nothing defines": (
        lambda: program(NEXT, updates={m: s_next}),
        "state m: its next value s_next is not defined by an equation",
    ),
    "itself": (
        lambda: program(updates={m: m}),
        "state m: its next value m is not defined by an equation",
    ),
    "one next value of two": (
        lambda: program(bp.Equation(m_next[j], 0.9 * m[j] + s[j]), updates={m: m_next, s: m_next}),
        "m_next is the next value of two states, m and s",
    ),
    "two next values of one": (
        lambda: program(NEXT, updates=[(m, m_next), (m, m_next)]),
        "state m has two next values, m_next and m_next",
    ),
    "a state that nothing reads": (
        lambda: program(NEXT, bp.Equation(s_next[j], 2 * w[j]), updates={m: m_next, s: s_next}),
        "state s is unused: no equation reads it, not even that of its next value s_next",
    ),
    "no dict": (
        lambda: program(NEXT, updates=m_next),
        "updates: expected a dict of each state and its next value, such as {m: m_next}, got "
        "m_next",
    ),
    "no pair": (
        lambda: program(NEXT, updates=[m, m_next]),
        "updates: expected pairs of a state and its next value, got m",
    ),
    "a state on the left": (
        lambda: program(bp.Equation(m[j], 0.9 * m[j]), updates={m: m_next}),
        "m is of role state and cannot stand on the left; what it becomes is another tensor, such "
        "as m_next, with updates={m: m_next}",
    ),
    "an initial value that is no number": (
        lambda: bp.state("m", j, initial=float("nan")),
        "state m: initial nan, expected a number",
    ),
    "an initial law": (
        lambda: bp.state("m", j, initial=("normal", 1.0)),  # type: ignore[arg-type]
        "state m: initial ('normal', 1.0), expected a number",
    ),
    "a state of each example": (
        lambda: bp.Program(
            [bp.Equation(C, bp.Mean(bp.state("e", n)[n] * w[0] * x[n, 0], n))], cost=C
        ),
        "state e has no next value",
    ),
    "a name of a field": (lambda: bp.state("_m", j), "state _m: expected a name that starts with"),
    "a phase asked": (
        lambda: 1 if bp.is_training else 2,
        "is_training is a condition, neither true nor false before a program is used: write "
        "bp.where(bp.is_training, a, b)",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_in_one_line(name: str) -> None:
    mistake, message = MISTAKES[name]
    with pytest.raises((NotationError, OperandError)) as raised:
        mistake()
    said = str(raised.value)
    assert said.startswith(message)
    assert "\n" not in said


def test_a_next_value_may_be_read() -> None:
    made = bp.Program(
        [NEXT, bp.Equation(C, bp.Mean((x[n, j] * w[j] - m_next[j]) ** 2, n, j))],
        cost=C,
        updates={m: m_next},
    )
    assert made.output is None, "what a state becomes is not what a network predicts"
    trainer = bp.compile(made, bp.SGD(0.1))
    trainer.fit([[1.0, 2.0, 3.0]], epochs=1)
    assert trainer.state.m.round(12).tolist() == [0.1, 0.2, 0.3]
