"""Matrix expressions: the nodes that the recogniser builds and the printer walks.

A node stands for a matrix, a column vector or a scalar; each knows nothing but its parts.
"""

from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr

from symbp.notation.index import Extent
from symbp.notation.tensor import Tensor

__all__ = [
    "Apply", "Diagonal", "Divide", "Fraction", "Hadamard", "Identity", "Inverse", "Matrix",
    "Named", "Norm", "Ones", "Plus", "Power", "Product", "Scalar", "Scale", "Trace", "Transpose",
    "transposed",
]  # fmt: skip


@dataclass(frozen=True)
class Matrix:
    """Base of the nodes."""


@dataclass(frozen=True)
class Named(Matrix):
    """A tensor of two axes at the most; a vector is a column."""

    tensor: Tensor


@dataclass(frozen=True)
class Ones(Matrix):
    """The column of ones."""

    extent: Extent


@dataclass(frozen=True)
class Scalar(Matrix):
    """A number, or an expression without indices."""

    value: Expr


@dataclass(frozen=True)
class Transpose(Matrix):
    """The transpose of a matrix or column."""

    of: Matrix


@dataclass(frozen=True)
class Identity(Matrix):
    """The identity matrix."""


@dataclass(frozen=True)
class Inverse(Matrix):
    """The inverse of a matrix."""

    of: Matrix


@dataclass(frozen=True)
class Diagonal(Matrix):
    """The diagonal matrix of a column."""

    of: Matrix


@dataclass(frozen=True)
class Product(Matrix):
    """The matrix product of its factors, the dot product of a row and a column included."""

    factors: tuple[Matrix, ...]


@dataclass(frozen=True)
class Hadamard(Matrix):
    """The elementwise product of its factors."""

    factors: tuple[Matrix, ...]


@dataclass(frozen=True)
class Divide(Matrix):
    """The elementwise quotient."""

    above: Matrix
    below: Matrix


@dataclass(frozen=True)
class Fraction(Matrix):
    """A matrix, column or scalar over a scalar."""

    above: Matrix
    below: Matrix


@dataclass(frozen=True)
class Scale(Matrix):
    """A scalar times a matrix."""

    by: Matrix
    of: Matrix


@dataclass(frozen=True)
class Plus(Matrix):
    """A sum of terms of one shape."""

    terms: tuple[Matrix, ...]


@dataclass(frozen=True)
class Power(Matrix):
    """A power of each element, or of a scalar."""

    base: Matrix
    exponent: Expr
    scalar: bool = False


@dataclass(frozen=True)
class Apply(Matrix):
    """A function of each element, or one of whole vectors.

    Attributes
    ----------
    function : type of sympy.Function or str
        An elementwise function; ``"softmax"``, ``"logsumexp"`` or ``"max"`` of a whole vector.
    of : Matrix
        The argument.
    options : tuple of SymPy expression
        Further arguments, numbers.
    prime : bool
        Whether it is the derivative.
    """

    function: type[sympy.Function] | str
    of: Matrix
    options: tuple[Expr, ...] = ()
    prime: bool = False


@dataclass(frozen=True)
class Norm(Matrix):
    """The squared Euclidean norm, of a matrix that of Frobenius."""

    of: Matrix
    of_matrix: bool = False


@dataclass(frozen=True)
class Trace(Matrix):
    """The trace of a square matrix."""

    of: Matrix


def transposed(node: Matrix) -> Matrix:
    """Return the transpose, with the transposition on the names where that is read."""
    if isinstance(node, Transpose):
        return node.of
    if isinstance(node, (Scalar, Diagonal, Identity, Norm, Trace)):
        return node
    if isinstance(node, Product):
        return Product(tuple(transposed(factor) for factor in reversed(node.factors)))
    if isinstance(node, Inverse):
        return Inverse(transposed(node.of))
    if isinstance(node, Scale):
        return Scale(node.by, transposed(node.of))
    if isinstance(node, Fraction):
        return Fraction(transposed(node.above), node.below)
    if isinstance(node, Plus) and all(_is_product(term) for term in node.terms):
        return Plus(tuple(transposed(term) for term in node.terms))
    return Transpose(node)


def _is_product(node: Matrix) -> bool:
    return isinstance(node.of if isinstance(node, Scale) else node, (Product, Identity, Diagonal))
