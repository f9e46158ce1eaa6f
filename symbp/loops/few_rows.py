"""few_rows: products of one row, or of few, have code of their own.

::

    product z[n, j] = … n from first to last  ─►  if last - first == 1:
                                                      product z[n, j] = … n from first to first + 1
                                                  else:
                                                      product z[n, j] = … n from first to last

A target knows a product of one row by its constant extent; a library of matrix products takes
longer to begin than few rows take in tiles.
"""

from dataclasses import replace

import sympy

from symbp.loops.nodes import Function, If, Product, Span, Statement
from symbp.loops.traverse import map_statements
from symbp.notation.conditions import compared

__all__ = ["few_rows"]


def few_rows(function: Function, few: int) -> Function:
    """Return an equivalent function that looks at the number of rows before a product.

    Parameters
    ----------
    function : Function
        In strips, or over whole batches.
    few : int
        Up to how many rows a product of a library is computed in tiles.
    """

    def change(statement: Statement) -> Statement:
        if not isinstance(statement, Product) or not statement.columns or len(statement.rows) != 1:
            return statement
        (rows,) = statement.rows
        constant = all(isinstance(s.index.extent, int) for s in statement.spans if s is not rows)
        if isinstance(rows.index.extent, int) or not constant:
            return statement
        count = sympy.sympify(rows.end - rows.start, strict=True)
        one = Span(rows.index, rows.start, rows.start + 1)
        many: Statement = statement
        if statement.routine == "blas":
            tiles = replace(statement, routine="tiles")
            many = If(compared(sympy.Le, count, sympy.Integer(few)), (tiles,), (statement,))
        single = replace(statement, rows=(one,), routine="tiles")
        return If(compared(sympy.Eq, count, sympy.S.One), (single,), (many,))

    return function.replace(body=map_statements(function.body, change))
