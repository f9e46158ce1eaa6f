"""norms: see the root of a sum of squares as one operation, however it is spelled.

``r = √s`` with ``s = Σ x²`` has the gradient ``x/r``. By the chain rule alone it is
``1/(2r) · 2x``, which at 0 is infinity times zero; and whether the two are one equation or several
is a matter of taste. The root becomes ``norm(s)``, whose derivative is 0 where it is 0, as that of
``|x|`` is.
"""

from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import power
from symbp.notation.collected import factors, terms
from symbp.notation.equation import Equation
from symbp.notation.forms import Form, check_door
from symbp.notation.functions import stop_gradient, where
from symbp.notation.program import Program
from symbp.notation.singular import absorbing_product, norm
from symbp.notation.tensor import Element, Tensor

__all__ = ["mark_norms"]

# What differentiation holds constant, so that it may weigh a square.
_DATA = ("input", "target", "constant")


def mark_norms(program: Program) -> Program:
    """Return the program with ``norm(s)`` for each root of a sum of squares ``s``.

    Parameters
    ----------
    program : Program
        A normalised program.

    Examples
    --------
    >>> import symbp as bp
    >>> x, s, r = bp.parameter("x"), bp.tensor("s"), bp.tensor("r")
    >>> marked = mark_norms(bp.Program([bp.Equation(s, x**2), bp.Equation(r, bp.sqrt(s))], cost=r))
    >>> marked.equations[1].body.func.__name__
    'norm'
    """
    check_door("mark_norms", program.forms, Form.NORMALISED)
    found = [_roots(equation.body) for equation in program.equations]
    if not any(found):
        return program
    squares = _Squares(program)
    equations = []
    for equation, roots in zip(program.equations, found, strict=True):
        summed = {root for root in roots if squares.are_summed(root.args[0])}
        if summed:
            equation = equation.replace(body=_marked(equation.body, summed))
        equations.append(equation)
    return program.replace(
        equations=tuple(equations), derived=program.derived, passed=program.passed
    )


def _roots(body: Expr) -> list[Expr]:
    # As floats: a user may have written 0.5.
    powers = body.atoms(sympy.Pow)
    return [p for p in powers if p.args[1].is_number and abs(float(p.args[1])) == 0.5]


def _marked(node: Any, roots: set[Expr]) -> Any:
    """Replace roots, those inside of others first."""
    if node.is_Atom or isinstance(node, Element):
        return node
    arguments = [_marked(argument, roots) for argument in node.args]
    if node in roots:
        root = norm(arguments[0])
        return root if node.args[1] > 0 else power(root, sympy.S.NegativeOne)
    return node if arguments == list(node.args) else node.func(*arguments)


class _Squares:
    """Which expressions and tensors are sums of squares."""

    def __init__(self, program: Program) -> None:
        self.defined: dict[Tensor, list[Equation]] = {}
        for equation in program.equations:
            self.defined.setdefault(equation.tensor, []).append(equation)
        self.known: dict[Tensor, bool] = {}

    def are_summed(self, node: Expr) -> bool:
        """Whether an expression is a sum of squares, each times what is not negative."""
        if isinstance(node, sympy.Add):
            return all(self.are_summed(term) for term in terms(node))
        if isinstance(node, Element):
            return self._is_sum(node.tensor)
        if isinstance(node, where):
            branches = [branch for branch in node.args[1:] if branch != 0]
            return all(self.are_summed(branch) for branch in branches)
        if isinstance(node, (sympy.Mul, absorbing_product)):
            return self._is_weighted(node)
        return _is_square(node)

    def _is_sum(self, tensor: Tensor) -> bool:
        if tensor not in self.known:
            self.known[tensor] = False  # what is defined by itself is none
            given = self.defined.get(tensor, [])
            self.known[tensor] = bool(given) and all(
                equation.operation == "sum" and self.are_summed(equation.body) for equation in given
            )
        return self.known[tensor]

    def _is_weighted(self, node: Expr) -> bool:
        """Whether a product holds a square, or a sum of some, and weights that are constant."""
        parts = [p for arg in node.args for p in factors(arg)]
        weights = [part for part in parts if _is_weight(part)]
        rest = [part for part in parts if not _is_weight(part)]
        if any(weight.is_number and weight.is_negative for weight in weights):
            return False
        counted = {part: rest.count(part) for part in rest}
        return bool(rest) and all(
            count % 2 == 0 or self.are_summed(part) for part, count in counted.items()
        )


def _is_square(node: Expr) -> bool:
    if isinstance(node, stop_gradient):
        return _is_square(node.args[0])
    if not isinstance(node, sympy.Pow):
        return False
    exponent = node.args[1]
    even = exponent.is_number and float(exponent) > 0 and float(exponent) % 2 == 0
    return bool(even) and bool(node.has(Element))


def _is_weight(part: Expr) -> bool:
    """Whether a factor is a number, an extent, or data: not what is differentiated by."""
    if isinstance(part, stop_gradient):
        return True
    return all(element.tensor.role in _DATA for element in part.atoms(Element)) and not (
        _is_square(part)
    )
