"""How what is solved for prints: ``Σ_i (A⁻¹)_ki B_ij``, ``chol(A)_ik``, ``log |det A|``.

A matrix is its letter where its element is ``A[i, k]``, and in brackets with its row and its column
where that is a formula: ``([A_ik + λ[i = k]]_ik⁻¹)_ki``.
"""

from collections.abc import Callable

from sympy.core.expr import Expr

from symbp.derivations.markup import Markup
from symbp.notation.functions import operation_of
from symbp.notation.index import Index
from symbp.notation.linear_algebra import Cholesky, Implicit, LogDet, Unknown, is_unit
from symbp.notation.standard import Abs, log
from symbp.notation.tensor import Element

__all__ = ["implicit_form", "log_abs_det"]

# How an expression prints, and how an index does.
Show = Callable[[Expr], str]


def implicit_form(
    node: Implicit,
    style: Markup,
    show: Show,
    symbol: Callable[[Element, tuple[Index, Index]], str | None],
) -> tuple[str, bool]:
    """Print a reduction over a matrix, and whether it is one symbol.

    Parameters
    ----------
    node : Implicit
        With its bound indices in the scope of `show`.
    style : Markup
        The language.
    show : callable
        Prints an expression.
    symbol : callable
        Prints the letter of a matrix whose element is given, without the two indices; None if it
        is a derivative, which has no letter.
    """
    rows, columns = node.bound

    def bracketed(matrix: Expr, below: bool = True) -> str:
        brackets = style.brackets(show(matrix))
        return style.scripted(brackets, show(rows) + show(columns), "") if below else brackets

    def name_of(matrix: Expr) -> tuple[str, bool]:
        """Return what a matrix is called, and whether that is the transposed one."""
        if (
            isinstance(matrix, Element)
            and matrix.args.count(rows) == matrix.args.count(columns) == 1
        ):
            letter = symbol(matrix, (rows, columns))
            if letter is not None:
                return letter, matrix.args.index(rows) > matrix.args.index(columns)
        return bracketed(matrix), False

    if isinstance(node, LogDet):
        return log_abs_det(style, name_of(node.body)[0]), False
    body = node.body
    if isinstance(node, Cholesky):
        name, turned = name_of(body.matrix)
        name = style.transpose(name) if turned else name
        row, column = body.places
        return style.scripted(style.operator("chol", name), show(row) + show(column), ""), True
    assert isinstance(body, Unknown)
    name, turned = name_of(body.matrix)
    inverse = style.parentheses(style.power(name, "-1"))

    def element(row: Expr) -> str:
        places = [show(row), show(body.place)] if turned else [show(body.place), show(row)]
        return style.scripted(inverse, "".join(places), "")

    other = is_unit(body.right, rows)
    if other is not None:
        return element(other), True
    return style.reduction("sum", [show(rows)], ()) + element(rows) + style.times, False


def log_abs_det(style: Markup, matrix: str) -> str:
    """Print the logarithm of the magnitude of a determinant."""
    magnitude = style.function(operation_of(Abs)).format(style.symbol(r"\det") + " " + matrix)
    return f"{style.function(operation_of(log))} {magnitude}"
