"""Implicit equations in the arithmetic of :mod:`symbp.calculus.precise`: many digits, or bounds.

The same elimination as a loop program's, on Python objects.
"""

from collections.abc import Sequence
from typing import Any

from symbp.calculus.grid import Grid
from symbp.calculus.implicit import layout
from symbp.notation.equation import Equation
from symbp.notation.functions import operation_of
from symbp.notation.index import Index
from symbp.notation.linear_algebra import Factor, Unknown
from symbp.notation.standard import log

__all__ = ["cholesky_factor", "log_magnitude", "solve", "solve_for"]

Rows = list[list[Any]]


def solve_for(run: Any, equation: Equation, grid: Grid) -> None:
    """Evaluate an implicit equation and store its left-hand side.

    Parameters
    ----------
    run : evaluation
        Of :mod:`symbp.calculus.precise`: it evaluates expressions, and holds the tensors.
    equation : Equation
        An implicit one.
    grid : Grid
        The step of a recurrence, if it is in one.
    """
    parts, body, arithmetic = layout(equation), equation.body, run.arithmetic

    def over(points: Grid, *indices: Index) -> Grid:
        new = tuple(index for index in indices if index not in points.indices)
        return points.product(new, [run.size(index.extent) for index in new])

    batch = over(grid, *parts.batch)
    size = run.size(parts.rows.extent)
    whole = run.evaluate(getattr(body, "matrix", body), over(batch, parts.rows, parts.columns))
    matrices = whole.reshape(batch.points, size, size).tolist()
    if isinstance(body, Unknown):
        # In the order of the matrix's rows, then of what is solved for each.
        right = run.evaluate(body.right, over(batch, parts.rows, *parts.free))
        rights = right.reshape(batch.points, size, -1).tolist()
        given = zip(matrices, rights, strict=True)
        found = [solve(arithmetic, one, other, equation.operation) for one, other in given]
    elif isinstance(body, Factor):
        found = [cholesky_factor(arithmetic, one) for one in matrices]
    else:
        found = [[[log_magnitude(arithmetic, one)]] for one in matrices]
    everywhere = over(batch, *parts.own, *parts.free)
    amounts = [value for one in found for row in one for value in row]
    places = [run.places(subscript, everywhere) for subscript in equation.lhs.args]
    target = run.values[equation.tensor]
    for point, amount in enumerate(amounts):
        target[tuple(int(at[point]) for at in places)] = amount


def solve(arithmetic: Any, matrix: Rows, right: Rows, operation: str) -> Rows:
    """Return the solutions of linear equations, one row an unknown.

    Parameters
    ----------
    arithmetic : ManyDigits or Rounding
        What the numbers are.
    matrix : list of list
        The coefficients, row after row.
    right : list of list
        For each row, what stands on the right in each system.
    operation : {"solve", "solve_lower", "solve_upper"}
        As an equation has it.
    """
    work, found = [list(row) for row in matrix], [list(row) for row in right]
    size = len(work)
    if operation == "solve":
        _eliminate(arithmetic, work, found)
    steps: Sequence[int] = range(size) if operation == "solve_lower" else range(size - 1, -1, -1)
    for step in steps:
        known = range(step) if operation == "solve_lower" else range(step + 1, size)
        for column, value in enumerate(found[step]):
            taken = [_negative(arithmetic, work[step][k], found[k][column]) for k in known]
            rest = arithmetic.total([value, *taken])
            found[step][column] = arithmetic.quotient(rest, work[step][step])
    return found


def log_magnitude(arithmetic: Any, matrix: Rows) -> Any:
    """Return ``log |det A|``."""
    work = [list(row) for row in matrix]
    _eliminate(arithmetic, work, [[] for _ in work])
    record = operation_of(log)
    pivots = [_magnitude(arithmetic, work[step][step]) for step in range(len(work))]
    return arithmetic.total([arithmetic.apply(record, [pivot]) for pivot in pivots])


def cholesky_factor(arithmetic: Any, matrix: Rows) -> Rows:
    """Return the lower Cholesky factor of the symmetric part of a matrix."""
    size, half = len(matrix), arithmetic.given(0.5)
    found = [[arithmetic.zero] * size for _ in range(size)]
    for row in range(size):
        for column in range(row + 1):
            parts = [matrix[row][column], matrix[column][row]]
            taken = [_negative(arithmetic, found[row][k], found[column][k]) for k in range(column)]
            halves = [arithmetic.product([half, part]) for part in parts]
            rest = arithmetic.total([*halves, *taken])
            if row == column:
                found[row][row] = arithmetic.power(rest, half)
            else:
                found[row][column] = arithmetic.quotient(rest, found[column][column])
    return found


def _eliminate(arithmetic: Any, work: Rows, right: Rows) -> None:
    """Make a matrix upper triangular, with partial pivoting, and do the same to the right."""
    size = len(work)
    for step in range(size):
        sizes = [abs(arithmetic.value(work[row][step])) for row in range(step, size)]
        # A NaN is larger than nothing.
        best = max(range(len(sizes)), key=lambda row: sizes[row]) + step
        for rows in (work, right):
            rows[step], rows[best] = rows[best], rows[step]
        for row in range(step + 1, size):
            ratio = arithmetic.quotient(work[row][step], work[step][step])
            for rows in (work, right):
                start = step + 1 if rows is work else 0
                for column in range(start, len(rows[row])):
                    taken = _negative(arithmetic, ratio, rows[step][column])
                    rows[row][column] = arithmetic.total([rows[row][column], taken])


def _negative(arithmetic: Any, one: Any, other: Any) -> Any:
    return arithmetic.product([arithmetic.given(-1.0), one, other])


def _magnitude(arithmetic: Any, value: Any) -> Any:
    negative = arithmetic.value(value) < 0
    return arithmetic.product([arithmetic.given(-1.0), value]) if negative else value
