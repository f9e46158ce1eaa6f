"""Reads SymPy matrix expressions entry by entry: ``(A B)[i, j] = Σ_k A[i, k] B[k, j]``.

Each product and each ``applyfunc`` becomes a tensor with an equation of its own, so that a
later pass sees plain contractions; what stands entry by entry (sums, Hadamard products) is
written into the equation that reads it.
"""

import functools
import math
from collections.abc import Mapping
from typing import Any

import sympy
from sympy import Identity, MatAdd, MatMul, MatPow, MatrixExpr, MatrixSymbol, OneMatrix, ZeroMatrix
from sympy.core.expr import Expr
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.trace import Trace
from sympy.matrices.expressions.transpose import Transpose

from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError, UnsupportedError, suggest
from symbp.notation.functions import where
from symbp.notation.index import Extent, Index
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Tensor

__all__ = ["MatrixReader", "with_equal_functions"]

KNOWN = (
    "sums, products, transposes, traces, Hadamard products and powers, applyfunc, integer powers, "
    "OneMatrix, ZeroMatrix, Identity and elements A[0, 0]"
)
LARGEST_POWER = 8
# Stands for the batch size when the order of a chain of products is chosen.
TYPICAL_BATCH = 256

_LEAVES = (MatrixSymbol, OneMatrix, ZeroMatrix, Identity)


class MatrixReader:
    """Turns matrix expressions into equations.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        The tensor of each declared symbol, by the symbol's name.
    batch : Symbol or None
        The extent known only at run time.

    Attributes
    ----------
    equations : list of Equation
        Those made so far, each after those it needs.
    """

    def __init__(self, tensors: Mapping[str, Tensor], batch: sympy.Symbol | None) -> None:
        self.tensors = tensors
        self.batch = batch
        self.equations: list[Equation] = []
        self._made: dict[MatrixExpr, Tensor] = {}
        self._names = {tensor.name for tensor in tensors.values()}

    def scalar(self, node: Any) -> Expr:
        """Return a scalar expression in elements of tensors."""
        if isinstance(node, MatrixExpr):
            if node.shape != (1, 1):
                raise SymbpError(
                    f"{node} is of shape {node.shape}, expected a scalar: take its "
                    f"Trace, or an element of it"
                )
            # Summed over its two indices of extent 1, so that every subscript is a plain index.
            i, j = Index("i", 1), Index("j", 1)
            return _sum(self._body(node, i, j), i, j)
        if isinstance(node, Trace):
            return self._trace(node.arg)
        if isinstance(node, MatrixElement):
            if not all(subscript.is_Integer for subscript in node.indices):
                raise UnsupportedError(f"{node}: expected an element with numbers as subscripts")
            return self._entry(node.parent, *node.indices)
        if isinstance(node, sympy.Symbol):
            if self.batch is not None and node.name == self.batch.name:
                return self.batch
            return self._declared(node, ()).element
        if isinstance(node, sympy.Expr) and node.is_number:
            return node
        kinds = (sympy.Add, sympy.Mul, sympy.Pow, sympy.Function, Boolean, ExprCondPair)
        if isinstance(node, kinds):
            return node.func(*(self.scalar(argument) for argument in node.args))
        raise _unsupported(node)

    def tensor(self, node: MatrixExpr) -> Tensor:
        """Return the tensor of a matrix expression, with its axes in the expression's order."""
        if node not in self._made:
            i, j = self._index(node, 0, "i"), self._index(node, 1, "j")
            body = self._body(node, i, j)
            made = Tensor(self._name(), (i, j))
            self.equations.append(Equation(made[i, j], body))
            self._made[node] = made
        return self._made[node]

    def _trace(self, node: MatrixExpr) -> Expr:
        if isinstance(node, MatAdd):
            return sympy.Add(*(self._trace(term) for term in node.args))
        if node.shape[0] != node.shape[1]:
            raise SymbpError(f"Trace({node}): expected a square matrix, got {node.shape}")
        coefficient, factors = _factors(node)
        i = self._index(node, 0, "i")
        if len(factors) == 1:
            return self.scalar(coefficient) * _sum(self._entry(factors[0], i, i), i)
        # tr(A B) = Σ_ik A[i, k] B[k, i]: the product itself is never formed, so tr(E Eᵀ) costs
        # no N×N matrix. Of several factors, those are multiplied that leave the smallest.
        sizes = [self._size(factor, 0) for factor in factors]
        split = min(range(1, len(factors)), key=lambda p: (sizes[p], -p))
        left, right = _product(factors[:split]), _product(factors[split:])
        k = self._index(right, 0, "k")
        body = self._factor(left, i, k) * self._factor(right, k, i)
        return self.scalar(coefficient) * _sum(body, i, k)

    def _body(self, node: MatrixExpr, i: Any, j: Any) -> Expr:
        """Return an entry as the right-hand side of an equation: it may hold sums."""
        if isinstance(node, MatAdd):
            return sympy.Add(
                *(
                    (self._body if _is_product(term) else self._entry)(term, i, j)
                    for term in node.args
                )
            )
        if isinstance(node, ElementwiseApplyFunction):
            return node.function(self._entry(node.expr, i, j))
        if isinstance(node, MatPow):
            return self._power(node, i, j)
        if not _is_product(node):
            return self._entry(node, i, j)
        coefficient, factors = _factors(node)
        sizes = [self._size(factors[0], 0), *(self._size(factor, 1) for factor in factors)]
        split = _cheapest_split(tuple(sizes))[1]
        left, right = _product(factors[:split]), _product(factors[split:])
        k = self._index(right, 0, "k")
        product = _sum(self._factor(left, i, k) * self._factor(right, k, j), k)
        return self.scalar(coefficient) * product

    def _power(self, node: MatPow, i: Any, j: Any) -> Expr:
        base, exponent = node.args
        if node.shape == (1, 1):
            return self._entry(base, i, j) ** self.scalar(exponent)
        if not exponent.is_Integer or not 0 < exponent <= LARGEST_POWER:
            raise UnsupportedError(
                f"{node}: expected an integer power from 1 to {LARGEST_POWER}; an inverse is not "
                f"supported, make it a parameter or an input"
            )
        k = self._index(base, 0, "k")
        rest = base if exponent == 2 else MatPow(base, exponent - 1)
        return _sum(self._factor(rest, i, k) * self._factor(base, k, j), k)

    def _factor(self, node: MatrixExpr, i: Any, j: Any) -> Expr:
        """Return an entry of a factor of a product: an element, so that the product is plain."""
        inner = node.arg if isinstance(node, Transpose) else node
        return (
            self._entry(node, i, j) if isinstance(inner, _LEAVES) else self._made_entry(node, i, j)
        )

    def _entry(self, node: MatrixExpr, i: Any, j: Any) -> Expr:
        """Return an entry without sums, in elements of declared or new tensors."""
        if isinstance(node, MatrixSymbol):
            return self._declared(node, node.shape)[i, j]
        if isinstance(node, Transpose):
            return self._entry(node.arg, j, i)
        if isinstance(node, OneMatrix):
            return sympy.S.One
        if isinstance(node, ZeroMatrix):
            return sympy.S.Zero
        if isinstance(node, Identity):
            return where(sympy.Eq(i, j), 1, 0)
        if isinstance(node, HadamardProduct):
            return sympy.Mul(*(self._entry(factor, i, j) for factor in node.args))
        if isinstance(node, HadamardPower):
            base, exponent = node.args
            matrix = isinstance(exponent, MatrixExpr)
            power = self._entry(exponent, i, j) if matrix else self.scalar(exponent)
            return self._entry(base, i, j) ** power
        if isinstance(node, MatAdd) and not any(_is_product(term) for term in node.args):
            return sympy.Add(*(self._entry(term, i, j) for term in node.args))
        if isinstance(node, MatMul) and not _is_product(node):
            coefficient, (matrix,) = _factors(node)
            return self.scalar(coefficient) * self._entry(matrix, i, j)
        if isinstance(node, (MatAdd, MatMul, MatPow, ElementwiseApplyFunction)):
            return self._made_entry(node, i, j)
        raise _unsupported(node)

    def _made_entry(self, node: MatrixExpr, i: Any, j: Any) -> Expr:
        """Return an entry of the expression's own tensor, which may be that of its transpose."""
        flipped = node.T
        if node in self._made or (flipped not in self._made and self._is_upright(node, flipped)):
            return self.tensor(node)[i, j]
        return self.tensor(flipped)[j, i]

    def _is_upright(self, node: MatrixExpr, flipped: MatrixExpr) -> bool:
        """Whether to keep a matrix this way up: examples in rows, then fewer transposes."""
        rows = self._extent(node, 0) is self.batch
        if rows != (self._extent(node, 1) is self.batch):
            return rows
        return len(node.atoms(Transpose)) <= len(flipped.atoms(Transpose))

    def _declared(self, symbol: Any, shape: tuple[Any, ...]) -> Tensor:
        tensor = self.tensors.get(symbol.name)
        if tensor is None:
            raise SymbpError(
                f"{symbol.name} is not declared: list it in parameters, inputs, targets or "
                f"constants; {suggest(symbol.name, self.tensors)}"
            )
        if tuple(map(str, tensor.shape)) != tuple(map(str, shape)):
            raise SymbpError(
                f"{symbol.name} stands in the cost with shape {tuple(shape)} and is declared with "
                f"{tensor.shape}"
            )
        return tensor

    def _extent(self, node: MatrixExpr, axis: int) -> Extent:
        extent = sympy.sympify(node.shape[axis], strict=True)
        if extent.is_Integer:
            return int(extent)
        if self.batch is not None and str(extent) == self.batch.name:
            return self.batch
        raise SymbpError(
            f"{node}: axis {axis} is {extent}, expected an int or the batch size "
            f"{self.batch or 'N'}"
        )

    def _size(self, node: MatrixExpr, axis: int) -> int:
        extent = self._extent(node, axis)
        return extent if isinstance(extent, int) else TYPICAL_BATCH

    def _index(self, node: MatrixExpr, axis: int, name: str) -> Index:
        extent = self._extent(node, axis)
        return Index("n" if extent is self.batch else name, extent)

    def _name(self) -> str:
        number = len(self._made) + 1
        while f"M{number}" in self._names:
            number += 1
        self._names.add(f"M{number}")
        return f"M{number}"


def _sum(body: Expr, *over: Index) -> Expr:
    """Return a sum; over an index that the body does not hold, as often the body."""
    held = [index for index in over if index in body.free_symbols]
    times = sympy.Mul(*(index.extent for index in over if index not in held))
    return times * Sum(body, *held) if held else times * body


def with_equal_functions(expression: Any) -> Any:
    """Return the expression with equal functions in every ``applyfunc`` of the same function.

    SymPy makes a new variable for each call, so that ``X.applyfunc(tanh)`` written twice would
    be computed twice.
    """
    x = sympy.Dummy("x", real=True)
    return expression.xreplace(
        {
            function: sympy.Lambda(x, function.expr.xreplace({function.variables[0]: x}))
            for function in expression.atoms(sympy.Lambda)
            if len(function.variables) == 1
        }
    )


def _factors(node: MatrixExpr) -> tuple[Expr, list[MatrixExpr]]:
    """Return the scalar coefficient of a product and its matrices."""
    if isinstance(node, MatMul):
        coefficient, matrices = node.as_coeff_matrices()
        return coefficient, list(matrices)
    return sympy.S.One, [node]


def _product(factors: list[MatrixExpr]) -> MatrixExpr:
    return factors[0] if len(factors) == 1 else MatMul(*factors)


def _is_product(node: MatrixExpr) -> bool:
    """Whether an entry of the expression needs a sum over an index."""
    if isinstance(node, MatPow):
        return True
    if not isinstance(node, MatMul):
        return False
    _, factors = _factors(node)
    return len(factors) > 1 or _is_product(factors[0])


@functools.cache
def _cheapest_split(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Return the cost of a chain of products and where to split it (Cormen et al., 15.2)."""
    if len(sizes) < 3:
        return 0, 0
    return min(
        (
            _cheapest_split(sizes[: p + 1])[0]
            + _cheapest_split(sizes[p:])[0]
            + math.prod((sizes[0], sizes[p], sizes[-1])),
            p,
        )
        for p in range(1, len(sizes) - 1)
    )


def _unsupported(node: Any) -> UnsupportedError:
    shown = " ".join(str(node).split())  # an explicit matrix prints on several lines
    return UnsupportedError(f"{type(node).__name__} {shown}: not supported; known are {KNOWN}")
