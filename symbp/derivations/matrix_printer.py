"""Prints matrix expressions in LaTeX or text."""

import sympy
from sympy.core.expr import Expr

from symbp.derivations.implicit_form import log_abs_det
from symbp.derivations.index_form import IndexForm
from symbp.derivations.markup import Markup
from symbp.derivations.matrix_tree import (
    Apply,
    Diagonal,
    Divide,
    Fraction,
    Hadamard,
    Identity,
    Inverse,
    Matrix,
    Named,
    Norm,
    Ones,
    Plus,
    Power,
    Product,
    Scalar,
    Scale,
    Trace,
    Transpose,
)
from symbp.derivations.number_form import ADD, ATOM, MUL, POWER, Printed
from symbp.derivations.order import is_negative
from symbp.derivations.scripts import is_raised
from symbp.notation.functions import operation_of
from symbp.notation.tensor import Tensor

__all__ = ["MatrixForm"]


class MatrixForm:
    """Prints matrix expressions.

    Parameters
    ----------
    style : Markup
        The language.
    cost : Tensor
        What is differentiated.
    general : bool
        Whether ∂C/∂a of an adjoint without a symbol prints as the gradient ∇_a C.
    """

    def __init__(self, style: Markup, cost: Tensor, general: bool = False) -> None:
        self.style = style
        self.cost = cost
        self.general = general
        self.scalars = IndexForm(style, cost)

    def tensor(self, tensor: Tensor) -> str:
        """Print a tensor without indices."""
        source = tensor.adjoint_of
        # With δ for ∂C/∂z, the one derivative that is left in BP1 is the gradient of the cost.
        book = self.style.book
        gradient = book.gradient == "nabla" or (book.delta and book.layout == "mixed")
        if self.general and gradient and source is not None and source.adjoint_symbol is None:
            base, digits = self.style.tensor_name(source)
            # The layer stands there where all gradients are written so.
            label = self.style.label(source) if self.style.book.gradient == "nabla" else ""
            variable = self.style.scripted(self.style.whole(base, source.rank), digits, label)
            return self.style.gradient(self.scalars.tensor(self.cost), variable)
        return self.scalars.tensor(tensor)

    def show(self, node: Matrix) -> Printed:
        """Return what is printed and how tightly it holds together."""
        style = self.style
        if isinstance(node, Named):
            if node.tensor.partial_of is not None:
                return self.tensor(node.tensor), MUL
            source = node.tensor.adjoint_of or node.tensor
            partial = source is not node.tensor and not style.has_symbol(source)
            raised = is_raised(source) or partial
            return self.tensor(node.tensor), POWER if raised else ATOM
        if isinstance(node, Ones):
            return style.ones, ATOM
        if isinstance(node, Scalar):
            return self.scalars.scalar(node.value)
        if isinstance(node, Transpose):
            return style.transpose(self.enclosed(node.of, ATOM)), POWER
        if isinstance(node, Identity):
            return style.symbol("I"), ATOM
        if isinstance(node, Inverse):
            turned = isinstance(node.of, Transpose)
            inner = self.enclosed(node.of.of if isinstance(node.of, Transpose) else node.of, ATOM)
            return style.power(inner, f"-{style.book.transpose}" if turned else "-1"), POWER
        if isinstance(node, Diagonal):
            return style.operator("diag", self.show(node.of)[0]), ATOM
        if isinstance(node, Trace):
            return style.operator(style.book.trace, self.show(node.of)[0]), ATOM
        if isinstance(node, Norm):
            return self._norm(node, sympy.Integer(2)), POWER
        if isinstance(node, Power):
            return self._power(node)
        if isinstance(node, Apply):
            return self._application(node)
        if isinstance(node, Plus):
            return self._sum(node)
        if isinstance(node, Scale):
            return self._scaled(node)
        if isinstance(node, Divide):
            below = self._operand(node.below)
            if isinstance(node.below, Hadamard):
                below = style.parentheses(below)
            ones = node.above == Scalar(sympy.S.One)
            above = style.ones if ones else self._operand(node.above)
            return style.divided.join((above, below)), MUL
        if isinstance(node, Fraction):
            return self._fraction(node), MUL
        if isinstance(node, Hadamard):
            return style.hadamard.join(self._operand(factor) for factor in node.factors), MUL
        assert isinstance(node, Product)
        last = node.factors[-1]
        return style.times.join(
            style.parentheses(self.show(factor)[0])
            if isinstance(factor, (Hadamard, Divide, Plus)) or self._is_apart(factor, last)
            else self.enclosed(factor, MUL)
            for factor in node.factors
        ), MUL

    def enclosed(self, node: Matrix, least: int) -> str:
        """Return a node in parentheses if it holds together less than needed."""
        return self.scalars.enclosed(self.show(node), least)

    def _is_apart(self, node: Matrix, last: Matrix) -> bool:
        """Whether a factor is a ∂C/∂z on one line, where another book has a δ, or a ∇C before one.

        ∇C (a)ᵀ would read as one of C at a.
        """
        source = node.tensor.adjoint_of if isinstance(node, Named) else None
        if source is None or self.style.has_symbol(source):
            return False
        if self.style.book.gradient == "nabla":
            return node is not last and source.rank > 0 and source.partial_of is None
        return self.style.one_line and source.adjoint_symbol is not None

    def _operand(self, node: Matrix) -> str:
        """Return a factor of an elementwise product; a matrix product in it is set apart."""
        apart = isinstance(node, (Product, Scale, Plus, Divide))
        text, level = self.show(node)
        return self.style.parentheses(text) if apart or level < MUL else text

    def _fraction(self, node: Fraction) -> str:
        style = self.style
        if style.one_line:
            whole = node.above.of if isinstance(node.above, Scale) else node.above
            if isinstance(whole, (Hadamard, Divide, Product, Plus)):
                above = style.parentheses(self.show(node.above)[0])
            else:
                above = self.enclosed(node.above, MUL)
            return style.fraction(above, self.enclosed(node.below, POWER))
        return style.fraction(self.show(node.above)[0], self.show(node.below)[0])

    def _norm(self, node: Norm, exponent: Expr) -> str:
        bars = self.style.norm(self.show(node.of)[0])
        if node.of_matrix:
            return self.style.scripted(bars, "F", str(exponent) if exponent != 1 else "")
        return bars if exponent == 1 else self.style.power(bars, self.scalars.scalar(exponent)[0])

    def _power(self, node: Power) -> Printed:
        if node.scalar and isinstance(node.base, Norm):
            return self._norm(node.base, 2 * node.exponent), POWER
        base = self.enclosed(node.base, ATOM)
        if node.exponent == sympy.Rational(1, 2):
            return self.style.root(self.show(node.base)[0]), ATOM
        if node.scalar:
            return self.style.power(base, self.scalars.scalar(node.exponent)[0]), POWER
        return self.style.elementwise_power(base, self.scalars.scalar(node.exponent)[0]), POWER

    def _application(self, node: Apply) -> Printed:
        inner, level = self.show(node.of)
        if node.function == "logdet":
            return log_abs_det(self.style, self.enclosed(node.of, ATOM)), MUL
        if isinstance(node.function, str):
            return self.style.operator(node.function, inner), ATOM
        record = operation_of(node.function)
        name = self.style.function(record)
        if node.prime:
            name = self.style.prime(name, 0)
        options = [self.scalars.scalar(option)[0] for option in node.options]
        if "{0}" in name:
            return name.format(inner, *options), ATOM
        if record.name == "log" and level >= POWER:
            return f"{name} {inner}", MUL
        return name + self.style.parentheses(", ".join([inner, *options])), ATOM

    def _sum(self, node: Plus) -> Printed:
        text = ""
        for term in node.terms:
            negative = _negative(term)
            shown, level = self.show(_negated(term) if negative else term)
            shown = shown if level >= MUL else self.style.parentheses(shown)
            sign = self.style.minus if negative else self.style.plus
            text = text + sign + shown if text else ("-" if negative else "") + shown
        return text, ADD

    def _scaled(self, node: Scale) -> Printed:
        if _negative(node):
            shown, level = self.show(_negated(node))
            return "-" + (shown if level >= MUL else self.style.parentheses(shown)), ADD
        factor = self.enclosed(node.by, MUL)
        inner = node.of
        if isinstance(node.by, Product):  # (xᵀ A x) x: a number, then a column
            factor = self.style.parentheses(factor)
        shown = self.enclosed(inner, MUL)
        if isinstance(inner, (Hadamard, Divide)):
            shown = self.style.parentheses(shown)
        return factor + self.style.times + shown, MUL


def _negative(node: Matrix) -> bool:
    if isinstance(node, Scale) and isinstance(node.by, Scalar):
        return is_negative(node.by.value)
    return isinstance(node, Scalar) and is_negative(node.value)


def _negated(node: Matrix) -> Matrix:
    if isinstance(node, Scalar):
        return Scalar(-node.value)
    assert isinstance(node, Scale)
    assert isinstance(node.by, Scalar)
    return node.of if node.by.value == -1 else Scale(Scalar(-node.by.value), node.of)
