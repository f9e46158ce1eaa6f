"""At the edges of what the notation takes: the last that is accepted, the first that is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import sympy

import symbp as bp
from symbp.notation.errors import NotationError
from symbp.notation.parser import parse_formula

E = bp.Equation
j, k, t = bp.Index("j", 4), bp.Index("k", 3), bp.Index("t", 5)
x, z = bp.input("x", k), bp.input("z", k, j)
w, y, f = bp.parameter("w"), bp.input("y"), bp.tensor("f")
g, h = bp.tensor("g", j, k), bp.tensor("h", t)
s = sympy.Symbol("s")

ACCEPTED: dict[str, Callable[[], Any]] = {
    "a standard deviation of zero": lambda: bp.parameter("p", initial=("normal", 0)),
    "a bound of zero": lambda: bp.parameter("p", initial=("uniform", 0)),
    "a negative constant": lambda: bp.parameter("p", initial=("constant", -1)),
    "an extent of one": lambda: bp.Index("i", 1),
    "a function of one argument": lambda: bp.function("own", lambda u: u, arguments=1),
    "a guarded index of a larger extent, beside a smaller one": lambda: bp.Program(
        [E(g[j, k], bp.where(sympy.Lt(j, 3), z[j, k], 0))]
    ),
    "a product of indices that stays inside": lambda: bp.Program(
        [E(h[t], bp.where(sympy.Lt(2 * t, 3), x[2 * t], 0))]
    ),
    "what is never read": lambda: bp.Program([E(h[t], bp.where(sympy.Gt(t, 4), x[t], 0))]),
    "zero to a power": lambda: parse_formula("x + 0**2"),
}

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a negative deviation": (lambda: bp.parameter("p", initial=("normal", -1)), "expected"),
    "an extent of zero": (lambda: bp.Index("i", 0), "positive int"),
    "half an extent": (lambda: bp.Index("i", 1.5), "positive int"),
    "no argument": (lambda: bp.function("own", lambda: 1, arguments=0), "expected 1 or more"),
    "swapped axes": (lambda: bp.Program([E(g[j, k], z[j, k])]), "swapped"),
    "a product of indices that runs outside": (
        lambda: bp.Program([E(h[t], bp.where(sympy.Le(2 * t, 4), x[2 * t], 0))]), "from 0 to 4",
    ),
    "zero to a negative power": (lambda: parse_formula("0**-2"), "division by zero"),
    "a tower of powers": (lambda: parse_formula("**".join(["x"] * 1000)), "nested deeper"),
    "a pair": (lambda: bp.Program([(f, x[0])]), r"write bp.Equation\(f, x\[0\]\)"),
    "three in a tuple": (lambda: bp.Program([(f, x[0], x[1])]), "all into one list"),
    "a pair of texts": (lambda: bp.Program([("f", "x")]), "all into one list"),
    "a list in the list": (lambda: bp.Program([[E(f, x[0])]]), "all into one list"),
    "the second index unused": (lambda: E(f, bp.Sum(x[k], k, t)), "leave t out"),
    "the first index unused": (lambda: E(f, bp.Sum(x[k], t, k)), "leave t out"),
    "SymPy's sum": (lambda: E(f, sympy.Sum(s, (s, 0, 3))), "write bp.Sum"),
    "SymPy's integral": (lambda: E(f, sympy.Integral(s, (s, 0, 3))), "write bp.Sum"),
    "SymPy's derivative": (
        lambda: E(f, sympy.Derivative(sympy.Function("q")(s), s)), "write bp.Sum"
    ),
    "SymPy's limit": (lambda: E(f, sympy.Limit(s, s, 0)), "Limit of SymPy has no place"),
    "a symbol after an element": (lambda: E(f, x[0] + s), "symbol s is not declared"),
    "a symbol after an element of a function": (
        lambda: E(f, bp.sin(x[0]) * bp.exp(x[0] + s)), "symbol s is not declared",
    ),
    "softmax as a method": (lambda: x[k].softmax, r"write bp.softmax\(x\[k\], k\)"),
    "log_softmax as a method": (lambda: x[k].log_softmax, r"write bp.softmax\(x\[k\], k\)"),
    "a Piecewise without an end": (
        lambda: E(f, sympy.Piecewise((x[0], x[0] > 0), (x[1], x[1] > 0))), "must end with",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_just_inside_is_accepted(name: str) -> None:
    ACCEPTED[name]()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_just_outside_is_refused(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises((NotationError, AttributeError), match=message):
        make()


def test_a_piecewise_of_three_pieces_chooses_the_first_that_holds() -> None:
    body = sympy.Piecewise((1, x[0] > 2), (x[1], x[0] > 1), (x[2], True))
    assert str(E(f, body)) == "f = where(x[0] > 2, 1, where(x[0] > 1, x[1], x[2]))"


def test_scalars_come_before_vectors_where_sympy_has_no_order() -> None:
    assert str(E(g[j, k], sympy.Max(z[k, j], y[()], x[k]))) == (
        "g[j, k] = maximum(maximum(y, x[k]), z[k, j])"
    )


def test_scalars_and_elements_are_real_numbers() -> None:
    assert w.is_real
    assert x[k].is_real
    assert (w + x[0]).is_real


def test_what_arrays_are_asked_for_is_answered() -> None:
    names = """
        T permute swapaxes dot matmul mm sum mean max amax min amin var std reshape flatten ravel
        squeeze view abs pow square exp log sqrt tanh sin cos sigmoid relu sign erf softmax
        log_softmax clip clamp backward grad
    """
    for name in names.split():
        with pytest.raises(NotationError, match=f"x\\[k\\] has no attribute '{name}': "):
            getattr(x[k], name)


@pytest.mark.parametrize("length", range(36, 46))
def test_the_left_of_an_equation_is_shown_where_it_is_short(length: int) -> None:
    left = f"{'z' * (length - 1)}="
    message = f"leave out '{left}'" if length <= 40 else "it has no '='"
    with pytest.raises(NotationError, match=message):
        parse_formula(f"{left}x+1")
