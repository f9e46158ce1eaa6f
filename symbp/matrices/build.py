"""A formula's tree becomes an index expression.

A matrix has row indices and column indices: one each, none for a vector's column, several for what
``vec`` and ``kron`` make. Inverses and determinants of products of square matrices are split here;
everything else is contraction.
"""

from collections.abc import Mapping
from fractions import Fraction

from symbp.matrices.algebra import (
    contracted,
    determinant,
    function,
    identity,
    inverse,
    logdet,
    power,
    softmax,
    times,
)
from symbp.matrices.normal import plus, reindexed, scaled
from symbp.matrices.powers import constant
from symbp.matrices.shapes import Shaped, Shapes
from symbp.matrices.terms import ONE, Atom, Expression, alone
from symbp.notation.errors import UnsupportedError

__all__ = ["Builder", "Matrix", "symbol_expression"]


class Matrix:
    """An expression whose first ``rows`` indices are those of the rows."""

    __slots__ = ("e", "rows")

    def __init__(self, e: Expression, rows: int) -> None:
        self.e, self.rows = e, rows

    @property
    def columns(self) -> int:
        """How many indices the columns have."""
        return self.e.rank - self.rows

    def transposed(self) -> "Matrix":
        """Return the transpose."""
        rows, columns, x = self.rows, self.columns, self.e.extents
        places = tuple(columns + i for i in range(rows)) + tuple(range(columns))
        return Matrix(reindexed(self.e, places, x[rows:] + x[:rows]), columns)


def symbol_expression(name: str, extents: tuple[str, ...], facts: frozenset[str]) -> Expression:
    """Return a symbol as an expression, with what is assumed of it."""
    if len(extents) == 2 and "diagonal" in facts:
        atom = Atom("symbol", name, extents[:1], facts=facts - {"symmetric"})
        return contracted([(alone(atom), (0,)), (identity(extents[0]), (0, 1))], extents)
    symmetric = len(extents) == 2 and bool(facts & {"symmetric", "positive definite"})
    atom = Atom("symbol", name, extents, symmetric=symmetric, facts=facts)
    return alone(atom)


class Builder:
    """Reads shaped trees; what is assumed of each symbol is given."""

    def __init__(self, shapes: Shapes, facts: Mapping[str, frozenset[str]]) -> None:
        self.shapes, self.facts = shapes, facts

    def build(self, node: Shaped) -> Matrix:
        """Return the value of a node."""
        tree, parts = node.tree, node.parts
        head = tree.head
        if head == "number":
            assert isinstance(tree.value, Fraction)
            return Matrix(constant((), tree.value), 0)
        if head == "eye":
            return self._eye(node)
        if head == "symbol":
            name = str(tree.value)
            extents = self.shapes.declared.get(name, ())
            facts = self.facts.get(name, frozenset())
            if name not in self.shapes.declared:
                facts = frozenset(["positive", "extent"])
            return Matrix(symbol_expression(name, extents, facts), min(len(extents), 1))
        if head == "neg":
            inner = self.build(parts[0])
            return Matrix(scaled(inner.e, -1), inner.rows)
        if head == "'":
            return self.build(parts[0]).transposed()
        if head == "call":
            return self._call(node)
        left, right = self.build(parts[0]), self.build(parts[1])
        if head in ("+", "-"):
            return Matrix(plus(left.e, right.e if head == "+" else scaled(right.e, -1)), left.rows)
        if head == ".*":
            return Matrix(times(left.e, right.e), left.rows)
        if head in ("./", "/"):
            return Matrix(times(left.e, power(right.e, -ONE)), left.rows)
        if head in ("^", ".^"):
            return Matrix(power(left.e, right.e), left.rows)
        return self.multiplied(left, right)

    def multiplied(self, left: Matrix, right: Matrix) -> Matrix:
        """Return the matrix product, or a scalar times anything."""
        if not left.e.rank or not right.e.rank:
            return Matrix(times(left.e, right.e), left.rows + right.rows)
        r, k, c = left.rows, left.columns, right.columns
        rows, columns = tuple(range(r)), tuple(range(r, r + c))
        inner = tuple(range(r + c, r + c + k))
        extents = left.e.extents[:r] + right.e.extents[right.rows :]
        return Matrix(contracted([(left.e, rows + inner), (right.e, inner + columns)], extents), r)

    def _extents(self, node: Shaped) -> tuple[tuple[str, ...], int]:
        rows, columns = (self.shapes.found(extent, node.tree) for extent in node.shape)
        return rows + columns, len(rows)

    def _eye(self, node: Shaped) -> Matrix:
        extents, rows = self._extents(node)
        parts = [(identity(extents[i]), (i, rows + i)) for i in range(rows)]
        return Matrix(contracted(parts, extents), rows) if parts else Matrix(constant((), 1), 0)

    def _call(self, node: Shaped) -> Matrix:
        name = str(node.tree.value)
        if name in ("inv", "det", "logdet", "adj"):
            of_square = {
                "inv": self._inv, "det": self._det, "logdet": self._logdet, "adj": self._adj
            }  # fmt: skip
            return of_square[name](node.parts[0])
        args = [self.build(part) for part in node.parts]
        first = args[0]
        e, rows, columns = first.e, first.rows, first.columns
        if name == "sum":
            return Matrix(self._summed(e), 0)
        if name == "norm1":
            return Matrix(self._summed(function("abs", e)), 0)
        if name in ("norm2", "normF"):
            return Matrix(power(self._summed(power(e, Fraction(2))), Fraction(1, 2)), 0)
        if name == "tr":
            places = tuple(range(rows)) * 2
            return Matrix(reindexed(e, places, ()), 0)
        if name in ("vector", "matrix"):
            extents, rows = self._extents(node)
            return Matrix(
                contracted([(e, ()), (constant(extents, 1), tuple(range(len(extents))))], extents),
                rows,
            )
        if name == "diag":
            return self._diag(first)
        if name == "softmax":
            if e.rank > 2 or rows > 1:
                raise UnsupportedError(f"in {node.tree}: softmax of vec or kron")
            return Matrix(softmax(e), rows)
        if name == "vec":
            x = e.extents
            places = tuple(columns + i for i in range(rows)) + tuple(range(columns))
            return Matrix(reindexed(e, places, x[rows:] + x[:rows]), e.rank)
        if name == "kron":
            second = args[1]
            r, q = rows + second.rows, columns + second.columns
            a = tuple(range(rows)) + tuple(range(r, r + columns))
            b = tuple(range(rows, r)) + tuple(range(r + columns, r + q))
            extents = e.extents[:rows] + second.e.extents[: second.rows]
            extents += e.extents[rows:] + second.e.extents[second.rows :]
            return Matrix(contracted([(e, a), (second.e, b)], extents), r)
        return Matrix(function(name, e), rows)

    def _summed(self, e: Expression) -> Expression:
        return reindexed(e, tuple(range(e.rank)), ())

    def _diag(self, m: Matrix) -> Matrix:
        e, n = m.e, m.rows
        if m.columns:
            return Matrix(reindexed(e, tuple(range(n)) * 2, e.extents[:n]), n)
        parts = [(e, tuple(range(n)))]
        parts += [(identity(x), (i, n + i)) for i, x in enumerate(e.extents)]
        return Matrix(contracted(parts, e.extents * 2), n)

    # ------------------------------------------------ of square matrices

    def _square(self, node: Shaped) -> bool:
        rows, columns = (self.shapes.resolve(extent) for extent in node.shape)
        return rows == columns and bool(rows)

    def _split(self, node: Shaped) -> str:
        """Say of what kind a square matrix is, for the rules of inverse and determinant."""
        head = node.tree.head
        if head == "*" and all(self._square(part) for part in node.parts):
            return "product"
        if head == "*" and self.shapes.scalar(node.parts[0].shape):
            return "multiple"
        if head == "'":
            return "transposed"
        if head == "call" and node.tree.value in ("inv", "kron"):
            value = str(node.tree.value)
            return value if value == "inv" or all(map(self._square, node.parts)) else ""
        return ""

    def _inv(self, node: Shaped) -> Matrix:
        kind = self._split(node)
        if kind == "product":
            return self.multiplied(self._inv(node.parts[1]), self._inv(node.parts[0]))
        if kind == "multiple":
            scalar, inner = self.build(node.parts[0]), self._inv(node.parts[1])
            return Matrix(times(power(scalar.e, -ONE), inner.e), inner.rows)
        if kind == "transposed":
            return self._inv(node.parts[0]).transposed()
        if kind == "inv":
            return self.build(node.parts[0])
        if kind == "kron":
            a, b = (self._inv(part) for part in node.parts)
            if a.rows == b.rows == 1:
                x = a.e.extents[:1] + b.e.extents[:1]
                return Matrix(contracted([(a.e, (0, 2)), (b.e, (1, 3))], x + x), 2)
        inner = self.build(node)
        if inner.rows != 1:
            raise UnsupportedError(f"the inverse of {node.tree}, which vec or kron made")
        return Matrix(inverse(inner.e), 1)

    def _adj(self, node: Shaped) -> Matrix:
        inner = self._inv(node)
        return Matrix(times(self._det(node).e, inner.e), inner.rows)

    def _det(self, node: Shaped) -> Matrix:
        return Matrix(self._of_determinants(node, logarithm=False), 0)

    def _logdet(self, node: Shaped) -> Matrix:
        return Matrix(self._of_determinants(node, logarithm=True), 0)

    def _of_determinants(self, node: Shaped, *, logarithm: bool) -> Expression:
        kind = self._split(node)
        join = plus if logarithm else times

        def raised(e: Expression, p: Expression | Fraction) -> Expression:
            if not logarithm:
                return power(e, p)
            return times(p, e) if isinstance(p, Expression) else scaled(e, p)

        def again(part: Shaped) -> Expression:
            return self._of_determinants(part, logarithm=logarithm)

        if kind == "product":
            return join(*(again(part) for part in node.parts))
        if kind == "transposed":
            return again(node.parts[0])
        if kind == "inv":
            return raised(again(node.parts[0]), -ONE)
        if kind == "multiple":
            scalar = self.build(node.parts[0]).e
            if logarithm:
                scalar = function("log", function("abs", scalar))
            size = self._extent_of(node.parts[1])
            return join(raised(scalar, size), again(node.parts[1]))
        if kind == "kron":
            a, b = node.parts
            return join(raised(again(a), self._extent_of(b)), raised(again(b), self._extent_of(a)))
        inner = self.build(node)
        if inner.rows != 1:
            raise UnsupportedError(f"the determinant of {node.tree}, which vec or kron made")
        return logdet(inner.e) if logarithm else determinant(inner.e)

    def _extent_of(self, node: Shaped) -> Expression:
        letters = self._extents(node)[0][: self._extents(node)[1]]
        parts = [symbol_expression(x, (), frozenset(["positive", "extent"])) for x in letters]
        return times(*parts)
