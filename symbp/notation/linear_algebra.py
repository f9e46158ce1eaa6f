"""Linear algebra: what is defined by an equation that it solves, not by a formula.

``X[k, j] = solve(A[i, k], B[i, j], i, k)`` says that ``Σ_k A[i, k] X[k, j] = B[i, j]``: an implicit
equation. Here stand what a user writes and the nodes that passes read; what they mean, their
tangents and their adjoints are in :mod:`symbp.calculus.implicit`. Each is a reduction over the rows
and columns of a matrix, so that whatever asks what an equation depends on needs to know no more.
"""

from typing import Any, Literal

import sympy
from sympy.core.expr import Expr

from symbp.notation.arguments import expression_of
from symbp.notation.arithmetic import Written
from symbp.notation.errors import NotationError
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.numpy_operands import short
from symbp.notation.reductions import REDUCTIONS, ReduceOperation, Reduction
from symbp.notation.tensor import Tensor

__all__ = [
    "IMPLICIT", "Cholesky", "Factor", "Implicit", "LogDet", "Solve", "SolveLower", "SolveUpper",
    "Unknown", "cholesky", "inverse", "is_unit", "logdet", "solve", "unit",
]  # fmt: skip

Structure = Literal["general", "lower triangular", "upper triangular"]


class _Operand(Written, Expr):
    """What an implicit equation is given, and which of its left-hand side's indices are its own."""

    is_commutative = True
    is_real = True
    is_number = False


class Unknown(_Operand):
    """Of a system ``Σ_k A[i, k] X[k] = b[i]``: ``A[i, k]``, ``b[i]``, and the place in ``X``."""

    @property
    def matrix(self) -> Expr:
        """The coefficient of the unknown `column` in the equation `row`."""
        return self.args[0]

    @property
    def right(self) -> Expr:
        """The right-hand side of the equation `row`."""
        return self.args[1]

    @property
    def place(self) -> Index:
        """The index that numbers the unknowns outside."""
        place: Index = self.args[2]
        return place


class Factor(_Operand):
    """Of a factorisation: the matrix, and the row and column at which the factor is asked for."""

    @property
    def matrix(self) -> Expr:
        """The element of the matrix."""
        return self.args[0]

    @property
    def places(self) -> tuple[Index, Index]:
        """The row and the column outside."""
        return self.args[1], self.args[2]


class Implicit(Reduction):
    """A reduction over the rows and the columns of a matrix, in this order."""

    @property
    def rows(self) -> Index:
        """The index of the matrix's rows."""
        return self.bound[0]

    @property
    def columns(self) -> Index:
        """The index of the matrix's columns."""
        return self.bound[1]


class Solve(Implicit):
    """The solution of linear equations, see :func:`solve`; the body is an :class:`Unknown`."""

    operation: ReduceOperation = "solve"
    structure: Structure = "general"

    def _sympystr(self, printer: Any) -> str:
        body, rows = self.body, self.rows
        assert isinstance(body, Unknown)
        column = is_unit(body.right, rows)
        if column is not None and self.structure == "general":
            matrix = body.matrix.xreplace({rows: body.place, self.columns: column})
            shown = ", ".join(map(printer._print, (matrix, body.place, column)))
            return f"inverse({shown})"
        matrix = printer._print(body.matrix.xreplace({self.columns: body.place}))
        told = "" if self.structure == "general" else f", assume_a={self.structure!r}"
        right = printer._print(body.right)
        return f"solve({matrix}, {right}, {rows.name}, {body.place.name}{told})"


class SolveLower(Solve):
    """The same of a matrix of which only the lower triangle is read."""

    operation: ReduceOperation = "solve_lower"
    structure = "lower triangular"


class SolveUpper(Solve):
    """The same of a matrix of which only the upper triangle is read."""

    operation: ReduceOperation = "solve_upper"
    structure = "upper triangular"


class Cholesky(Implicit):
    """The lower Cholesky factor, see :func:`cholesky`; the body is a :class:`Factor`."""

    operation = "cholesky"

    def _sympystr(self, printer: Any) -> str:
        body = self.body
        assert isinstance(body, Factor)
        row, column = body.places
        matrix = body.matrix.xreplace({self.rows: row, self.columns: column})
        return f"cholesky({printer._print(matrix)}, {row.name}, {column.name})"


class LogDet(Implicit):
    """The logarithm of the magnitude of a determinant, see :func:`logdet`."""

    operation = "logdet"

    def _sympystr(self, printer: Any) -> str:
        body = printer._print(self.body)
        return f"logdet({body}, {self.rows.name}, {self.columns.name})"


_SOLVES: dict[str, type[Solve]] = {c.structure: c for c in (Solve, SolveLower, SolveUpper)}
_NODES: tuple[type[Implicit], ...] = (Solve, SolveLower, SolveUpper, Cholesky, LogDet)
REDUCTIONS.update({node.operation: node for node in _NODES})

#: The operations of equations that say what their left-hand side solves.
IMPLICIT = frozenset(node.operation for node in _NODES)


def solve(
    matrix: Any, right: Any, rows: Index, columns: Index, *, assume_a: Structure = "general"
) -> Expr:
    """Return ``X[k, …]`` with ``Σ_k A[i, k] X[k, …] = B[i, …]``, as ``numpy.linalg.solve`` does.

    Parameters
    ----------
    matrix : expression
        The coefficients ``A[i, k]``. Other indices that it reads number several matrices, such as
        one for each example.
    right : expression
        The right-hand sides ``B[i, …]``, of any further indices; it does not read ``k``.
    rows : Index
        The index ``i`` of the equations, which is bound as that of a sum is.
    columns : Index
        The index ``k`` of the unknowns, of the same size: the solution is that at ``k``.
    assume_a : {"general", "lower triangular", "upper triangular"}
        As ``scipy.linalg.solve`` has it. Of a triangular matrix only that triangle is read.

    Returns
    -------
    expression
        At ``k`` and the further indices.

    Notes
    -----
    Computed by Gaussian elimination with partial pivoting. Where a matrix is singular, the solution
    is not finite, and nothing is raised: a compiled loop over thousands of batches would lose all
    that it had. The adjoint is the solution with the transposed matrix: of ``A X = B``,
    ``Aᵀ B̄ = X̄`` and ``Ā = -B̄ Xᵀ`` [1]_.

    References
    ----------
    .. [1] M. B. Giles, "Collected matrix derivative results for forward and reverse mode
       algorithmic differentiation", 2008.

    Examples
    --------
    >>> import symbp as bp
    >>> i, k, j = bp.indices("i k j", 3, 3, 2)
    >>> A, B, X = bp.parameter("A", i, k), bp.parameter("B", i, j), bp.tensor("X", k, j)
    >>> print(bp.Equation(X[k, j], bp.solve(A[i, k], B[i, j], i, k)))
    X[k, j] = solve(A[i, k], B[i, j], i, k)
    """
    if assume_a not in _SOLVES:
        known = ", ".join(map(repr, _SOLVES))
        raise NotationError(f"bp.solve: assume_a: expected one of {known}, got {assume_a!r}")
    coefficient = _matrix("solve", matrix, rows, columns)
    given = expression_of(right, "solve")
    if columns in given.free_symbols:
        raise NotationError(
            f"bp.solve({short(coefficient)}, {short(given)}, {rows}, {columns}): the right-hand "
            f"side reads {columns}, the index of the unknowns; expected one of {rows} and indices "
            f"of its own"
        )
    inner = columns.fresh()
    body = Unknown(coefficient.xreplace({columns: inner}), given, columns)
    return _SOLVES[assume_a](body, rows, inner)


def inverse(matrix: Any, rows: Index, columns: Index) -> Expr:
    """Return the element of the inverse at ``rows`` and ``columns``, as ``numpy.linalg.inv`` does.

    It is the solution of ``Σ_k A[i, k] V[k, j] = [i = j]``; where ``A⁻¹ b`` is wanted,
    :func:`solve` does less and is more accurate.

    Parameters
    ----------
    matrix : expression
        The element ``A[i, k]`` of the matrix.
    rows, columns : Index
        Its row ``i`` and column ``k``, of one size. The value is that at row ``i`` and column ``k``
        of the inverse: the indices number what is given and what comes out, as those of
        ``bp.softmax`` do.

    Examples
    --------
    >>> import symbp as bp
    >>> n, i, k = bp.indices("n i k", "N", 3, 3)
    >>> A, V = bp.input("A", n, i, k), bp.tensor("V", n, i, k)
    >>> print(bp.Equation(V[n, i, k], bp.inverse(A[n, i, k], i, k)))
    V[n, i, k] = inverse(A[n, i, k], i, k)
    """
    coefficient = _matrix("inverse", matrix, rows, columns)
    row, column = _fresh(rows, columns)
    coefficient = coefficient.xreplace({rows: row, columns: column})
    return Solve(Unknown(coefficient, unit(row, columns), rows), row, column)


def logdet(matrix: Any, rows: Index, columns: Index) -> Expr:
    """Return ``log |det A|``, as ``numpy.linalg.slogdet`` has it, without its sign.

    Parameters
    ----------
    matrix : expression
        The element ``A[i, k]`` of the matrix. Other indices that it reads number several.
    rows, columns : Index
        Its row ``i`` and column ``k``, of one size.

    Returns
    -------
    expression
        Negative infinity where the matrix is singular. The sign is not looked at: the derivative,
        the transposed inverse, is the same for both signs. (``torch.logdet`` is NaN where the
        determinant is negative, ``jax.numpy.linalg.slogdet`` returns the sign as well.)

    Examples
    --------
    >>> import symbp as bp
    >>> i, k = bp.indices("i k", 3, 3)
    >>> A, C = bp.parameter("A", i, k), bp.tensor("C")
    >>> print(bp.Equation(C, bp.logdet(A[i, k], i, k)))
    C = logdet(A[i, k], i, k)
    """
    return LogDet(_matrix("logdet", matrix, rows, columns), rows, columns)


def cholesky(matrix: Any, rows: Index, columns: Index) -> Expr:
    """Return the element of the lower Cholesky factor at ``rows`` and ``columns``.

    Parameters
    ----------
    matrix : expression
        The element ``A[i, k]`` of a symmetric positive definite matrix. What is factorised is
        ``(A + Aᵀ)/2``, as ``jax.numpy.linalg.cholesky`` does, so that the derivative is symmetric.
    rows, columns : Index
        Its row ``i`` and column ``k``, of one size, as those of :func:`inverse`.

    Returns
    -------
    expression
        ``L[i, k]`` with ``Σ_m L[i, m] L[k, m] = A[i, k]``, which is 0 for ``k > i``. Where the
        matrix is not positive definite it is NaN, and nothing is raised.

    Notes
    -----
    The adjoint is that of [1]_, by two triangular solves.

    References
    ----------
    .. [1] I. Murray, "Differentiation of the Cholesky decomposition", 2016, arXiv:1602.07527.

    Examples
    --------
    >>> import symbp as bp
    >>> i, k = bp.indices("i k", 3, 3)
    >>> A, L = bp.parameter("A", i, k), bp.tensor("L", i, k)
    >>> print(bp.Equation(L[i, k], bp.cholesky(A[i, k], i, k)))
    L[i, k] = cholesky(A[i, k], i, k)
    """
    coefficient = _matrix("cholesky", matrix, rows, columns)
    row, column = _fresh(rows, columns)
    coefficient = coefficient.xreplace({rows: row, columns: column})
    return Cholesky(Factor(coefficient, rows, columns), row, column)


def unit(row: Any, column: Any) -> Expr:
    """Return the element of the identity matrix at a row and a column."""
    return where(sympy.Eq(row, column), 1, 0)


def is_unit(node: Any, row: Index) -> Expr | None:
    """Return the column of an element of the identity matrix at a row, else None."""
    if not isinstance(node, where) or not isinstance(node.args[0], sympy.Eq):
        return None
    sides = node.args[0].args
    if node.args[1:] != (1, 0) or sides.count(row) != 1:
        return None
    other: Expr = sides[1 - sides.index(row)]
    return other


def _matrix(name: str, matrix: Any, rows: Any, columns: Any) -> Expr:
    """Return a checked matrix."""
    coefficient = expression_of(matrix, name)
    if isinstance(coefficient, Tensor):
        places = ", ".join(index.name for index in coefficient.indices)
        raise NotationError(
            f"bp.{name}({coefficient}, …): {coefficient} is a tensor; expected an element, such as "
            f"bp.{name}({coefficient}[{places}], …)"
        )
    call = f"bp.{name}({short(coefficient)}, …)"
    for what, index in (("rows", rows), ("columns", columns)):
        if not isinstance(index, Index):
            raise NotationError(f"{call}: {what}: expected an index, got {short(repr(index))}")
        if index not in coefficient.free_symbols:
            raise NotationError(f"{call}: {index}, the index of the {what}, is not in the matrix")
        if index.sequential:
            raise NotationError(
                f"{call}: {index} counts the steps of a recurrence; expected a matrix of plain "
                f"indices, one for each step"
            )
        if not isinstance(index.extent, int):
            raise NotationError(
                f"{call}: {index} has {index.extent} values, known at run time only; expected a "
                f"matrix of a size that is a number"
            )
    if rows is columns:
        raise NotationError(f"{call}: rows and columns have the same index {rows}; expected two")
    if rows.extent != columns.extent:
        raise NotationError(
            f"{call}: the matrix is not square: {rows.extent} rows {rows} and {columns.extent} "
            f"columns {columns}"
        )
    return coefficient


def _fresh(rows: Index, columns: Index) -> tuple[Index, Index]:
    """Return copies of the indices of a matrix, to be bound where the two stand outside too."""
    return rows.fresh(), columns.fresh()
