"""matrix_spread: diagonal matrices around a sum, put into its terms where these are outer products.

``diag(p) (W - 𝟏 qᵀ)`` is ``diag(p) W - p qᵀ``: the column of ones goes.
"""

from collections.abc import Sequence

from symbp.derivations.matrix_tree import (
    Diagonal,
    Fraction,
    Matrix,
    Ones,
    Plus,
    Product,
    Scale,
    Transpose,
)

__all__ = ["over_terms"]


def over_terms(left: Matrix | None, total: Matrix, right: Matrix | None) -> Matrix | None:
    """Return ``diag(left) total diag(right)`` term by term where a term has a column of ones.

    Parameters
    ----------
    left, right : Matrix or None
        Columns, or None for no factor on that side.
    total : Matrix
        The sum.

    Returns
    -------
    Matrix or None
        None where it is no sum, or no column of ones would go.
    """
    if not isinstance(total, Plus):
        return None
    gone = [
        (left is not None and isinstance(_factors(term)[0], Ones))
        or (right is not None and _is_row_of_ones(_factors(term)[-1]))
        for term in total.terms
    ]
    if not any(gone):
        return None
    return Plus(tuple(_scaled(left, term, right) for term in total.terms))


def _scaled(left: Matrix | None, term: Matrix, right: Matrix | None) -> Matrix:
    if isinstance(term, Scale):
        return Scale(term.by, _scaled(left, term.of, right))
    if isinstance(term, Fraction):
        return Fraction(_scaled(left, term.above, right), term.below)
    factors = list(_factors(term))
    if left is not None:
        ones = isinstance(factors[0], Ones)
        factors[:1] = [left] if ones else [Diagonal(left), factors[0]]
    if right is not None:
        ones = _is_row_of_ones(factors[-1])
        factors[-1:] = [Transpose(right)] if ones else [factors[-1], Diagonal(right)]
    return Product(tuple(factors))


def _factors(term: Matrix) -> Sequence[Matrix]:
    while isinstance(term, (Scale, Fraction)):
        term = term.of if isinstance(term, Scale) else term.above
    return term.factors if isinstance(term, Product) else (term,)


def _is_row_of_ones(node: Matrix) -> bool:
    return isinstance(node, Transpose) and isinstance(node.of, Ones)
