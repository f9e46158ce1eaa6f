"""layouts: the same derivative, transposed or not, as a book lays derivatives out.

In numerator layout the gradient of a cost is a row, as the rows of a Jacobian are; in denominator
layout a Jacobian has a column for each element of what is differentiated. An equation is turned as
a whole, and what it reads of the same kind is turned back, so that it stays true.
"""

from symbp.derivations.markup import Markup
from symbp.derivations.matrix_tree import (
    Apply,
    Diagonal,
    Divide,
    Hadamard,
    Inverse,
    Matrix,
    Named,
    Norm,
    Plus,
    Power,
    Product,
    Scale,
    Trace,
    Transpose,
    transposed,
)
from symbp.notation.tensor import Tensor

__all__ = ["flipped", "laid_out"]


def laid_out(defined: Tensor, tree: Matrix, style: Markup) -> Matrix:
    """Return the right side of an equation in the layout of a style.

    Parameters
    ----------
    defined : Tensor
        What stands at the left.
    tree : Matrix
        The right side, in mixed layout.
    style : Markup
        Its book has the layout.
    """
    if style.book.layout == "mixed":
        return tree
    turned = _turned(tree, style)
    return flipped(turned) if _is_turned(defined, style) else turned


def flipped(node: Matrix) -> Matrix:
    """Return a transpose, moved to the parts where that is read."""
    if isinstance(node, Hadamard):
        return Hadamard(tuple(map(flipped, node.factors)))
    if isinstance(node, Divide):
        return Divide(flipped(node.above), flipped(node.below))
    if isinstance(node, Plus):
        return Plus(tuple(map(flipped, node.terms)))
    if isinstance(node, Product):
        return Product(tuple(flipped(factor) for factor in reversed(node.factors)))
    if isinstance(node, Scale):
        return Scale(node.by, flipped(node.of))
    return transposed(node)


def _is_turned(tensor: Tensor, style: Markup) -> bool:
    """Whether a derivative prints by a name that stands for its transpose."""
    if style.book.layout == "numerator":
        source = tensor.adjoint_of
        if style.book.gradient == "nabla":  # a column in every layout
            return False
        return source is not None and bool(tensor.rank) and not style.has_symbol(source)
    if tensor.partial_of is None or tensor.rank != 2:
        return False
    return [element.tensor.rank for element in tensor.partial_of] == [1, 1]


def _turned(node: Matrix, style: Markup) -> Matrix:
    """Return an expression with a transpose at each name that stands for one."""

    def turn(part: Matrix) -> Matrix:
        return _turned(part, style)

    if isinstance(node, Named):
        return Transpose(node) if _is_turned(node.tensor, style) else node
    if isinstance(node, Transpose):
        return transposed(turn(node.of))
    if isinstance(node, (Inverse, Diagonal, Norm, Trace)):
        return type(node)(turn(node.of))
    if isinstance(node, Product):
        return Product(tuple(map(turn, node.factors)))
    if isinstance(node, Hadamard):
        return Hadamard(tuple(map(turn, node.factors)))
    if isinstance(node, Plus):
        return Plus(tuple(map(turn, node.terms)))
    if isinstance(node, Divide):
        return Divide(turn(node.above), turn(node.below))
    if isinstance(node, Scale):
        return Scale(turn(node.by), turn(node.of))
    if isinstance(node, Power):
        return Power(turn(node.base), node.exponent)
    if isinstance(node, Apply):
        return Apply(node.function, turn(node.of), node.options, node.prime)
    return node
