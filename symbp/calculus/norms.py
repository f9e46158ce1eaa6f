"""norms: see the root of a sum of squares, or of other powers, as one operation.

``r = √s`` with ``s = Σ x²`` has the gradient ``x/r``. By the chain rule alone it is
``1/(2r) · 2x``, which at 0 is infinity times zero; and whether the two are one equation or several
is a matter of taste. The root becomes ``norm(s)``, whose derivative is 0 where it is 0, as that of
``|x|`` is; and ``(Σ |x|^p)^q`` with ``p·q ≥ 1`` becomes ``root(s, q)``, of which the same holds.
"""

from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.log_form import is_nonnegative
from symbp.notation.arithmetic import power
from symbp.notation.collected import factors, terms
from symbp.notation.equation import Equation
from symbp.notation.functions import stop_gradient, where
from symbp.notation.program import Program
from symbp.notation.singular import absorbing_product, norm, root
from symbp.notation.tensor import Element, Tensor

__all__ = ["mark_norms"]

# What differentiation holds constant, so that it may weigh a square.
_DATA = ("input", "target", "constant")
# 3·(1/3) in floats.
_ROUNDED = 1e-9


def mark_norms(program: Program) -> Program:
    """Return the program with ``norm(s)`` for each root of a sum of squares ``s``.

    Parameters
    ----------
    program : Program
        A normalised program.

    Returns
    -------
    Program
        Also with ``root(s, q)`` for ``s**q``, where s is a sum of powers of which each is at
        least ``1/q``, of absolute values and what else is not negative.

    Examples
    --------
    >>> import symbp as bp
    >>> x, s, r = bp.parameter("x"), bp.tensor("s"), bp.tensor("r")
    >>> marked = mark_norms(bp.Program([bp.Equation(s, x**2), bp.Equation(r, bp.sqrt(s))], cost=r))
    >>> marked.equations[1].body.func.__name__
    'norm'
    """
    if not any(equation.body.has(sympy.Pow) for equation in program.equations):
        return program
    defined: dict[Tensor, list[Equation]] = {}
    for equation in program.equations:
        defined.setdefault(equation.tensor, []).append(equation)
    found = [_roots(equation.body, defined) for equation in program.equations]
    kinds: dict[Expr, _Powers] = {}
    equations = []
    for equation, roots in zip(program.equations, found, strict=True):
        summed = set()
        for each, q in roots.items():
            s = each.args[0]
            if kinds.setdefault(q, _Powers(defined, q)).are_summed(s):
                summed.add(each)
        if summed:
            equation = equation.replace(body=_marked(equation.body, summed))
        equations.append(equation)
    return program.replace(equations=tuple(equations), derived=program.derived)


def _roots(body: Expr, defined: dict[Tensor, list[Equation]]) -> dict[Expr, Expr]:
    """Return the powers of a body that may be roots, or their reciprocals, with exponents q."""
    result = {}
    for each in body.atoms(sympy.Pow):
        q = _followed(each.args[1], defined)
        if _is_reciprocal(q):
            if q != each.args[1]:
                continue  # only what is seen to be a reciprocal is written as one
            q = -q
        is_root = (
            0 < float(q) < 1  # as floats: a user may have written 0.5
            if q.is_number
            else isinstance(q, sympy.Pow) and q.args[1] == -1
        )
        if is_root:
            result[each] = q
    return result


def _followed(exponent: Expr, defined: dict[Tensor, list[Equation]]) -> Expr:
    """Return what an exponent is, if an equation of its own says that."""
    given = defined.get(exponent.tensor, []) if isinstance(exponent, Element) else []
    if len(given) != 1 or given[0].reduce or not given[0].lhs.is_plain:
        return exponent
    names = dict(zip(given[0].lhs.args, exponent.args, strict=True))
    return given[0].body.xreplace(names)


def _is_reciprocal(exponent: Expr) -> bool:
    return bool(exponent.is_negative) or bool(exponent.as_coeff_Mul()[0].is_negative)


def _marked(node: Any, roots: set[Expr]) -> Any:
    """Replace roots, those inside of others first."""
    if node.is_Atom or isinstance(node, Element):
        return node
    arguments = [_marked(argument, roots) for argument in node.args]
    if node in roots:
        s, q = arguments
        below = _is_reciprocal(q)
        size = -q if below else q
        is_half = size.is_number and float(size) == 0.5
        marked = norm(s) if is_half else root(s, size)
        return power(marked, sympy.S.NegativeOne) if below else marked
    return node if arguments == list(node.args) else node.func(*arguments)


class _Powers:
    """Which expressions and tensors are sums of powers, each at least ``1/q``."""

    def __init__(self, defined: dict[Tensor, list[Equation]], q: Expr) -> None:
        self.defined, self.q = defined, q
        self.known: dict[tuple[Tensor, int], bool] = {}

    def are_summed(self, node: Expr, sign: int = 1) -> bool:
        """Whether an expression, or its negative, is a sum of powers with weights above 0."""
        if isinstance(node, sympy.Add):
            return all(self.are_summed(term, sign) for term in terms(node))
        if isinstance(node, Element):
            return self._is_sum(node.tensor, sign)
        if isinstance(node, where):
            branches = [branch for branch in node.args[1:] if branch != 0]
            return all(self.are_summed(branch, sign) for branch in branches)
        if isinstance(node, (sympy.Mul, absorbing_product)):
            return self._is_weighted(node, sign)
        return sign > 0 and self._is_power(node)

    def _is_sum(self, tensor: Tensor, sign: int) -> bool:
        key = tensor, sign
        if key not in self.known:
            self.known[key] = False  # what is defined by itself is none
            given = self.defined.get(tensor, [])
            self.known[key] = bool(given) and all(
                equation.operation == "sum" and self.are_summed(equation.body, sign)
                for equation in given
            )
        return self.known[key]

    def _is_weighted(self, node: Expr, sign: int) -> bool:
        """Whether a product holds a power, or a sum of some, and weights that are constant."""
        parts = [p for arg in node.args for p in factors(arg)]
        weights = [part for part in parts if self._is_weight(part)]
        rest = [part for part in parts if not self._is_weight(part)]
        for weight in weights:
            sign = -sign if weight.is_number and weight.is_negative else sign
        counted = {part: rest.count(part) for part in rest}
        if len(counted) > 1 and sign < 0:
            return False
        return bool(rest) and all(
            self.are_summed(part, sign)
            if count == 1
            else sign > 0 and self._is_power(power(part, sympy.Integer(count)))
            for part, count in counted.items()
        )

    def _is_power(self, node: Expr) -> bool:
        """Whether an expression is a power of something, at least ``1/q`` and not negative."""
        if isinstance(node, stop_gradient):
            return self._is_power(node.args[0])
        if not isinstance(node, sympy.Pow) or not node.has(Element):
            return False
        base, exponent = node.args
        if not exponent.is_number:
            return bool(self.q == power(exponent, sympy.S.NegativeOne))
        size = float(exponent)
        if not self.q.is_number or size * float(self.q) < 1 - _ROUNDED:
            return False
        # A power that is no whole number is one of what is not negative.
        return size % 2 != 1 or self._is_nonnegative(base)

    def _is_nonnegative(self, base: Expr) -> bool:
        """Whether an expression, or what it is by definition, cannot be negative."""
        if not isinstance(base, Element):
            return is_nonnegative(base)
        given = self.defined.get(base.tensor, [])
        return bool(given) and all(
            equation.operation != "logsumexp" and is_nonnegative(equation.body)
            for equation in given
        )

    def _is_weight(self, part: Expr) -> bool:
        """Whether a factor is a number, an extent, or data: not what is differentiated by."""
        if isinstance(part, stop_gradient):
            return True
        return all(element.tensor.role in _DATA for element in part.atoms(Element)) and not (
            self._is_power(part)
        )
