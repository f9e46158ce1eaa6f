"""expressions: a scalar body, a whole number or a condition of a loop program as C.

The order of evaluation is the written one, from left to right. Nothing is stored on the way:
functions are calls of the runtime's inline functions, and of a conditional expression C, too,
evaluates only the branch that it takes.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from symbp.notation.collected import denominator
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Index
from symbp.notation.noise import Random
from symbp.notation.prime import Prime
from symbp.notation.tensor import Element, Tensor
from symbp.targets.c.functions import definition_of, function_of
from symbp.targets.terms import Text, at_least, is_whole, sign_of

__all__ = ["Expressions", "literal"]

# How tightly a text holds together.
_CHOICE, _TEST, _SUM, _PRODUCT, _SIGN, _ATOM = range(6)
_RELATIONS = {
    sympy.Eq: "==", sympy.Ne: "!=", sympy.Lt: "<", sympy.Le: "<=", sympy.Gt: ">", sympy.Ge: ">="
}  # fmt: skip
_POWERS = {2: "symbp_square", 3: "symbp_cube", 4: "symbp_fourth_power"}


def literal(value: Any, dtype: str) -> str:
    """Return a real number as C reads it in a precision.

    Examples
    --------
    >>> literal(0.1, "float32"), literal(-1, "float64")
    ('0.1f', '-1.0')
    """
    with np.errstate(over="ignore"):  # the largest number of double is infinity of float
        number = float(np.float32(value)) if dtype == "float32" else float(value)
    if math.isnan(number):
        return "(real)NAN"
    if math.isinf(number):
        return "-(real)INFINITY" if number < 0 else "(real)INFINITY"
    return f"{np.float32(number)!s}f" if dtype == "float32" else repr(number)


class Expressions:
    """Writes expressions in one function.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The precision.
    element : callable
        Returns the text of an element.
    whole : callable
        Returns the text of an index, or of the symbol of a whole number.
    """

    def __init__(
        self, dtype: str, element: Callable[[Element], str], whole: Callable[[Any], str]
    ) -> None:
        self.dtype = dtype
        self._element, self._named = element, whole
        self.wide: set[Tensor] = set()
        """What is of double precision, whatever that of the function is."""

    def value(self, node: Any) -> str:
        """Return the text of a real number."""
        return self._real(sympy.sympify(node, strict=True))[0]

    def whole(self, node: Any) -> str:
        """Return the text of a whole number, such as a subscript."""
        return self._whole(sympy.sympify(node, strict=True))[0]

    def factor(self, node: Any) -> str:
        """Return the text of a whole number as it may stand beside ``*``."""
        return at_least(_SIGN, self._whole(sympy.sympify(node, strict=True)))

    def condition(self, node: Any) -> str:
        """Return the text of a condition."""
        return self._test(node)[0]

    # Real numbers -----------------------------------------------------------------------------

    def _real(self, node: Any) -> Text:
        if isinstance(node, Element):
            if node.tensor.kind == "integer" or node.tensor in self.wide:
                return f"(real){self._element(node)}", _SIGN
            return self._element(node), _ATOM
        if node is sympy.zoo:  # a negative power of 0
            return literal(math.inf, self.dtype), _SIGN
        if node.is_number and not node.has(sympy.Function):
            text = literal(node, self.dtype)
            return text, _SIGN if text.startswith(("-", "(")) else _ATOM
        if isinstance(node, Index) or node.is_Symbol:
            return f"(real){self._named(node)}", _SIGN
        if isinstance(node, sympy.Add):
            return self._sum(node)
        if isinstance(node, sympy.Mul):
            return self._product(node)
        if isinstance(node, sympy.Pow):
            return self._power(node)
        if isinstance(node, where):
            condition, chosen, other = node.args
            test = at_least(_TEST, self._test(condition))
            parts = (at_least(_TEST, self._real(branch)) for branch in (chosen, other))
            return f"{test} ? {' : '.join(parts)}", _CHOICE
        if isinstance(node, sympy.floor | sympy.ceiling | sympy.Mod):
            return f"(real){at_least(_ATOM, self._whole(node))}", _SIGN
        if isinstance(node, Prime):
            return self._real(node.rule("accurate"))
        if isinstance(node, sympy.Function):
            return self._application(node)
        raise UnsupportedError(f"{node}: no C for {type(node).__name__}")

    def _application(self, node: Any) -> Text:
        if isinstance(node, Random):
            return self._random(node)
        operation = operation_of(type(node))
        name = function_of(operation)
        if name is None:
            return self._real(definition_of(operation, node.args))
        arguments = [self._real(argument) for argument in node.args]
        if not name:
            return arguments[0]
        return f"{name}({', '.join(text for text, _ in arguments)})", _ATOM

    def _random(self, node: Random) -> Text:
        """Return a draw: its place is a whole number, the parts of its key are real ones."""
        tensor, *key = node.key
        parts = (self._real(part)[0] for part in key)
        given = ", ".join([self._whole(node.place)[0], f"UINT64_C({tensor})", *parts])
        return f"symbp_{type(node).__name__}({given})", _ATOM

    def _sum(self, node: Any) -> Text:
        text = ""
        for term in node.args:
            sign, rest = sign_of(term)
            shown = self._real(rest)
            if not text:
                text = f"-{at_least(_ATOM, shown)}" if sign else at_least(_SUM, shown)
            else:
                # A sum that is added as a whole keeps its parentheses.
                text += f" {'-' if sign else '+'} {at_least(_PRODUCT, shown)}"
        return text, _SUM

    def _product(self, node: Any) -> Text:
        text, minus = "", False
        for position, factor in enumerate(node.args):
            if position == 0 and factor == -1:
                minus = True
                continue
            below = denominator(factor)
            shown = self._real(factor if below is None else below)
            if below is not None:
                text = f"{text or literal(1, self.dtype)} / {at_least(_SIGN, shown)}"
            else:
                text = f"{text} * {at_least(_SIGN, shown)}" if text else at_least(_PRODUCT, shown)
        return (f"-{text}" if minus else text), _PRODUCT

    def _power(self, node: Any) -> Text:
        base, exponent = node.args
        below = denominator(node)
        if below is not None:
            return f"{literal(1, self.dtype)} / {at_least(_SIGN, self._real(below))}", _PRODUCT
        if exponent == sympy.S.Half:
            return f"symbp_sqrt({self._real(base)[0]})", _ATOM
        if exponent.is_Integer and abs(int(exponent)) in _POWERS:
            # Powers of the reciprocal, as those of the base leave the range before the result does.
            shown = self._real(base)
            if exponent < 0:
                shown = f"{literal(1, self.dtype)} / {at_least(_SIGN, shown)}", _PRODUCT
            return f"{_POWERS[abs(int(exponent))]}({shown[0]})", _ATOM
        return f"symbp_pow({self._real(base)[0]}, {self._real(exponent)[0]})", _ATOM

    # Conditions -------------------------------------------------------------------------------

    def _test(self, node: Any) -> Text:
        if node in (sympy.true, sympy.false):
            return str(int(bool(node))), _ATOM
        if isinstance(node, sympy.And | sympy.Or):
            parts = [
                at_least(_ATOM, self._test(part))
                for part in sorted(node.args, key=sympy.default_sort_key)
            ]
            return (" && " if isinstance(node, sympy.And) else " || ").join(parts), _TEST
        if isinstance(node, sympy.Not):
            return f"!{at_least(_ATOM, self._test(node.args[0]))}", _SIGN
        for kind, sign in _RELATIONS.items():
            if isinstance(node, kind):
                side = self._whole if is_whole(node) else self._real
                left, right = (at_least(_SUM, side(part)) for part in node.args)
                return f"{left} {sign} {right}", _TEST
        raise UnsupportedError(f"{node}: no C for the condition {type(node).__name__}")

    # Whole numbers ----------------------------------------------------------------------------

    def _whole(self, node: Any) -> Text:
        if isinstance(node, Element):
            # A number of 32 bits; its product with the length of a row may be larger.
            return f"(ptrdiff_t){self._element(node)}", _SIGN
        if node.is_Integer:
            return str(int(node)), _SIGN if node < 0 else _ATOM
        if isinstance(node, Index) or node.is_Symbol:
            return self._named(node), _ATOM
        if isinstance(node, sympy.floor):
            above, below = node.args[0].as_numer_denom()
            return f"symbp_quotient({self._whole(above)[0]}, {self._whole(below)[0]})", _ATOM
        if isinstance(node, sympy.ceiling):
            above, below = node.args[0].as_numer_denom()
            return f"-symbp_quotient({self._whole(-above)[0]}, {self._whole(below)[0]})", _SIGN
        if isinstance(node, sympy.Add):
            # The indices first, then the number: t - 1, 2 * i + d.
            text = ""
            for term in sorted(node.args, key=lambda t: bool(t.is_number)):
                sign, rest = sign_of(term)
                shown = self._whole(rest)
                if not text:
                    text = f"-{at_least(_ATOM, shown)}" if sign else shown[0]
                else:
                    text += f" {'-' if sign else '+'} {at_least(_PRODUCT, shown)}"
            return text, _SUM
        if isinstance(node, sympy.Mul):
            return " * ".join(at_least(_SIGN, self._whole(a)) for a in node.args), _PRODUCT
        for kind, name in _WHOLE.items():
            if isinstance(node, kind):
                first, *rest = [self._whole(argument)[0] for argument in node.args]
                for other in rest:
                    first = f"{name}({first}, {other})"
                return first, _ATOM
        raise UnsupportedError(f"{node}: no whole number in C for {type(node).__name__}")


_WHOLE: dict[Any, str] = {
    sympy.Mod: "symbp_remainder", sympy.Min: "symbp_smaller", sympy.Max: "symbp_larger",
}  # fmt: skip
