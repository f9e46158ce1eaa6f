"""places: whether a program says places by number, and what a reader must know then."""

from collections.abc import Iterable, Iterator

import sympy
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.derivations.counting import first_place
from symbp.derivations.index_form import IndexForm
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Element

__all__ = ["counts_from_zero", "remark_on_places"]


def counts_from_zero(program: Program) -> bool:
    """Whether a place is given by a number, as in ``h[6, j]``, ``x[i + d]`` or ``t > 0``.

    Parameters
    ----------
    program : Program
        What is reported.

    Examples
    --------
    >>> import symbp as bp
    >>> i, d = bp.indices("i d", 3, 2)
    >>> x, C = bp.parameter("x", bp.Index("j", 4)), bp.tensor("C")
    >>> counts_from_zero(bp.Program([bp.Equation(C, bp.Sum(x[i + d], i, d))], cost=C))
    True
    >>> counts_from_zero(bp.mlp(2, 1))
    False
    """
    return next(_numbered(program.equations), None) is not None


def remark_on_places(equations: Iterable[Equation], printer: IndexForm) -> str:
    """Return a sentence where places are counted from 0 and it matters, else nothing."""
    first = next(_numbered(equations), None)
    if first is None or first_place():
        return ""
    shown, _ = printer.show(first, {index: index.name for index in first.atoms(Index)})
    return printer.style.words.say("places", shown=f"${shown}$")


def _numbered(equations: Iterable[Equation]) -> Iterator[Expr]:
    """Yield elements and comparisons that read otherwise when places count from 1."""
    for equation in equations:
        for node in sympy.preorder_traversal(sympy.Tuple(equation.lhs, whole_body(equation))):
            if isinstance(node, Element):
                plain = (Index, Element)
                if any(not isinstance(subscript, plain) for subscript in node.args):
                    yield node
            elif isinstance(node, sympy.core.relational.Relational):
                sides = node.args
                if node.atoms(Index) and not all(isinstance(side, Index) for side in sides):
                    yield node
