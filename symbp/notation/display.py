"""What a notebook shows of equations: cut to a readable size, with a word on what was left out.

The notation knows text only. A package that prints LaTeX registers how (:func:`register`); until
one does, a notebook shows text. Nothing is built that is not shown, so that a program of hundreds
of equations, or a sum of ten thousand terms, does not freeze the notebook.
"""

import heapq
import math
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Plus
from symbp.notation.tensor import Element

__all__ = [
    "MOST_EQUATIONS", "MOST_NODES", "abbreviated", "chosen", "equations_bundle", "register",
    "shown_equations",
]  # fmt: skip

#: How many equations are shown, and how many nodes their expressions have together.
MOST_EQUATIONS, MOST_NODES = 40, 3000
# How many terms of a sum that is too long, and the nodes that each may have.
MOST_TERMS, NODES_OF_A_TERM = 20, 60


class Shown(Protocol):
    """What is read of an equation here; the notation's equations show themselves by this file."""

    @property
    def lhs(self) -> Element:
        """The left-hand side."""

    @property
    def body(self) -> Expr:
        """The right-hand side."""

    @property
    def accumulate(self) -> bool:
        """Whether it adds to what others give."""

    def replace(self, **changes: Any) -> Any:
        """Return it with some fields changed."""


SomeEquation = TypeVar("SomeEquation", bound=Shown)

# Maps equations, each with a word on what it leaves out, and such a word for all, to LaTeX.
Renderer = Callable[[list[tuple[Any, str]], str, Any], str]
_renderers: list[Renderer] = []


def register(renderer: Renderer) -> None:
    """Let a notebook show equations as LaTeX, by a function that returns it without delimiters."""
    _renderers[:] = [renderer]


def chosen(bundle: dict[str, str], include: Any, exclude: Any) -> dict[str, str]:
    """Return the forms that a notebook asks for, as IPython's protocol says."""
    return {
        kind: text
        for kind, text in bundle.items()
        if (include is None or kind in include) and kind not in (exclude or ())
    }


def equations_bundle(
    equations: Iterable[Shown], cost: Any, whole: str, include: Any, exclude: Any
) -> dict[str, str]:
    """Return equations in the forms that a notebook knows.

    Parameters
    ----------
    equations : iterable of Equation
        What is shown, as far as it fits.
    cost : Tensor or None
        What is differentiated, for the printing of adjoints.
    whole : str
        What shows all, such as ``"print(program)"``.
    include, exclude : collections of str, or None
        The MIME types that are asked for and that are not.
    """
    shown, note = shown_equations(list(equations), whole)
    text = "\n".join(_text(equation, left_out) for equation, left_out in shown)
    bundle = {"text/plain": "\n".join(filter(None, (text, note)))}
    if _renderers:
        try:
            bundle["text/latex"] = rf"$\displaystyle {_renderers[0](shown, note, cost)}$"
        except Exception as error:  # a notebook shows what it can rather than a traceback
            bundle["text/plain"] += f"\n(shown as text: {type(error).__name__}: {error})"
    return chosen(bundle, include, exclude)


def shown_equations(
    equations: list[SomeEquation], whole: str
) -> tuple[list[tuple[SomeEquation, str]], str]:
    """Return what fits of equations, what each leaves out, and what is left out of them all."""
    shown: list[tuple[SomeEquation, str]] = []
    nodes = 0
    for equation in equations[:MOST_EQUATIONS]:
        pair = abbreviated(equation)
        nodes += _size(pair[0].body, MOST_NODES)
        if shown and nodes > MOST_NODES:
            break
        shown.append(pair)
    missing = len(equations) - len(shown)
    if missing:
        plural = "equation" if missing == 1 else "equations"
        return shown, f"… {missing:,} more {plural}; {whole} shows all"
    if any(left_out for _, left_out in shown):
        return shown, f"{whole} shows all"
    return shown, ""


def abbreviated(equation: SomeEquation) -> tuple[SomeEquation, str]:
    """Return an equation with its first terms if it is too long, and what was left out.

    Where there is no sum to shorten the body is zero, and nothing of it is to be shown.
    """
    body = equation.body
    if _size(body, MOST_NODES) < MOST_NODES:
        return equation, ""
    terms: list[Expr] = []
    if isinstance(body, sympy.Add):
        first = heapq.nsmallest(MOST_TERMS, body.args, key=_written)
        terms = [term for term in first if _size(term, NODES_OF_A_TERM) < NODES_OF_A_TERM]
    if not terms:
        left_out = f"a formula of over {MOST_NODES:,} nodes"
        return equation.replace(body=sympy.S.Zero), left_out
    left_out = f"{len(body.args) - len(terms):,} more terms"
    return equation.replace(body=Plus(*terms)), left_out


def _text(equation: Shown, left_out: str) -> str:
    if left_out and equation.body == 0:
        return f"{equation.lhs} {'+=' if equation.accumulate else '='} … ({left_out})"
    return f"{equation} + … {left_out}" if left_out else str(equation)


def _size(expression: Any, limit: int) -> int:
    """Return the number of nodes of an expression; it stops at the limit."""
    stack, count = [expression], 0
    while stack and count < limit:
        node = stack.pop()
        count += 1
        stack.extend(node.args)
    return count


def _written(term: Expr) -> float:
    """Return when the first element of a term was written down, seen from its first nodes."""
    stack: list[Any] = [term]
    serial, left = math.inf, NODES_OF_A_TERM
    while stack and left:
        left -= 1
        node = stack.pop()
        if isinstance(node, Element):
            serial = min(serial, node.serial)
        else:
            stack.extend(node.args)
    return serial
