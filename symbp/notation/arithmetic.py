"""Sums, products and powers that keep the order in which they were written.

SymPy brings a sum or product to a normal form when it is made: ``2*(a + b)`` becomes
``2*a + 2*b``, ``(x + b) - b`` becomes ``x``, terms are flattened and sorted. On paper that is the
same; in floating point it is not, and it is not what was written. The expressions of the notation
therefore have sums, products and powers of their own: subclasses of SymPy's, so that everything
that reads them goes on working, whose arguments stand as they were written and are evaluated from
left to right.

Only what is exact for all finite numbers is simplified: ``0 + a``, ``1*a``, ``a - a``, ``-(-a)``,
two numbers, ``a*a`` (which is ``a**2``), ``a/a``.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.announced import application
from symbp.notation.numpy_operands import operand_of
from symbp.notation.refusals import Refusals
from symbp.notation.replacing import replaced
from symbp.notation.written_text import text_of_product, text_of_sum

__all__ = ["Plus", "Power", "Times", "Written", "is_written", "power"]

# A factor between the reciprocal of this and this hardly changes what is out of range.
_MODERATE = 2**24
# Powers up to here are multiplied out, as repeated multiplication would be.
_MULTIPLIED_OUT = 4


class Written(Refusals):
    """The operators of an expression that keeps the written order; a mixin beside SymPy's class."""

    __slots__ = ()
    # Above that of SymPy's own expressions, which then leave an operation with one of them to us.
    _op_priority = 100.0

    def _eval_Mod(self, other: Any) -> Any:
        # SymPy's own looks for a common divisor, and takes the operands for polynomials.
        return application("mod", self, other)

    def __add__(self, other: Any) -> Any:
        return _binary(_add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _binary(_add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _binary(_subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _binary(_subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return _binary(_multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _binary(_multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _binary(_divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _binary(_divide, other, self)

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        return NotImplemented if modulus is not None else _binary(power, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _binary(power, other, self)

    def __neg__(self) -> Any:
        return _negate(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return application("Abs", self)

    def xreplace(self, rule: Mapping[Any, Any]) -> Any:
        """Return the expression with some parts replaced, as SymPy does, but in less time."""
        return self._xreplace(rule)[0]

    def _xreplace(self, rule: Mapping[Any, Any]) -> tuple[Any, bool]:
        if not isinstance(rule, Mapping):  # one of SymPy's own, which it makes of functions
            result: tuple[Any, bool] = super()._xreplace(rule)
            return result
        changed = replaced(self, rule)
        return changed, changed is not self


def _binary(operation: Callable[[Any, Any], Expr], left: Any, right: Any) -> Any:
    operands: list[Expr] = []
    for value, beside in ((left, right), (right, left)):
        if isinstance(value, Expr):
            operands.append(value)
            continue
        try:
            expression = sympy.sympify(operand_of(value, beside), strict=True)
        except sympy.SympifyError:
            return NotImplemented
        if not isinstance(expression, Expr):
            return NotImplemented
        operands.append(expression)
    return operation(*operands)


class _Ordered(Written):
    """What sums and products share: made anew from the left, never extracted from."""

    __slots__ = ()

    def could_extract_minus_sign(self) -> bool:
        """Return False: ``tanh(a - b)`` is not to become ``-tanh(b - a)``."""
        return False

    def _eval_power(self, exponent: Any) -> None:
        """Keep a power of a sum or product: ``(a*b)**2`` is not ``a**2 * b**2``."""


class Plus(_Ordered, sympy.Add):
    """A sum in the written order, evaluated from left to right.

    Examples
    --------
    >>> import symbp as bp
    >>> x, b = bp.parameter("x"), bp.parameter("b")
    >>> (x + b) - b
    x + b - b
    >>> 2 * (x + b)
    2*(x + b)
    """

    __slots__ = ()

    def __new__(cls, *terms: Any, **options: Any) -> Any:
        """Return the sum of terms, added one after another."""
        given = list(map(_expression, terms))
        # In one go, as a sum can have thousands of terms; each of SymPy's own is sorted anew.
        own = next((at for at, term in enumerate(given) if is_written(term)), len(given))
        total, rest = sympy.Add(*given[:own]), iter(given[own:])
        for term in rest:
            total = _add(total, term)
            if isinstance(total, Plus):
                break
        more = tuple(term for term in rest if not (term.is_Number and term.is_zero))
        return _made(cls, (*total.args, *more)) if more else total

    @classmethod
    def apart(cls, *terms: Expr) -> Expr:
        """Return the sum of terms that stay apart, also where the first is a sum itself."""
        kept = tuple(term for term in terms if not (term.is_Number and term.is_zero))
        if len(kept) > 1:
            return _made(cls, kept)
        return kept[0] if kept else sympy.S.Zero

    def as_ordered_terms(self, order: Any = None) -> list[Any]:
        """Return the terms as they were written."""
        return list(self.args)

    def as_coeff_Add(self, rational: bool = False, deps: Any = None) -> Any:
        """Return the number among the terms, if there is one, and the rest in its order."""
        numbers = [term for term in self.args if term.is_Number]
        if len(numbers) != 1:
            return sympy.S.Zero, self
        return numbers[0], Plus(*(term for term in self.args if term is not numbers[0]))

    def _eval_derivative(self, symbol: Any) -> Any:
        return Plus(*(term.diff(symbol) for term in self.args))

    def _sympystr(self, printer: Any) -> str:
        return text_of_sum(self.args, printer)


class Times(_Ordered, sympy.Mul):
    """A product in the written order, evaluated from left to right.

    A quotient ``a / b`` is the product of ``a`` and ``b**-1``, evaluated as one division.
    """

    __slots__ = ()

    def __new__(cls, *factors: Any, **options: Any) -> Any:
        """Return the product of factors, multiplied one after another."""
        given = [_expression(factor) for factor in factors]
        number: Expr = sympy.S.One
        if len(given) > 1 and given[0].is_Number and _is_moderate(given[0]):
            # Beside what is not written, such as 1/N, it would become one number with it.
            number, *given = given
        return _scaled(number, reduce(_multiply, given, sympy.S.One))

    def as_ordered_factors(self, order: Any = None) -> list[Any]:
        """Return the factors as they were written."""
        return list(self.args)

    def could_extract_minus_sign(self) -> bool:
        """Return whether the product begins with a negative number."""
        return bool(self.args[0].is_Number and self.args[0].is_negative)

    def as_coeff_Mul(self, rational: bool = False) -> Any:
        """Return the number that the product begins with, and the rest."""
        first = self.args[0]
        if not first.is_Number or (rational and not first.is_Rational):
            return sympy.S.One, self
        return first, Times(*self.args[1:])

    def _eval_derivative(self, symbol: Any) -> Any:
        parts = self.args
        return Plus(
            *(Times(*parts[:i], part.diff(symbol), *parts[i + 1 :]) for i, part in enumerate(parts))
        )

    def _sympystr(self, printer: Any) -> str:
        number, rest = self.as_coeff_Mul()
        return text_of_product(number, rest.args if isinstance(rest, Times) else (rest,), printer)


class Power(Written, sympy.Pow):
    """A power of expressions of the notation, as it was written."""

    __slots__ = ()

    def __new__(cls, base: Any, exponent: Any, **options: Any) -> Any:
        """Return the power; see :func:`power`."""
        return power(_expression(base), _expression(exponent))

    def _eval_power(self, exponent: Any) -> None:
        """Keep a power of a power, but for the pairs that :func:`power` knows."""

    def _eval_derivative(self, symbol: Any) -> Any:
        base, exponent = self.args
        result = application("power_slope", base, exponent) * base.diff(symbol)
        if exponent.has(symbol):
            result += application("power_log", base, exponent) * exponent.diff(symbol)
        return result


def _expression(value: Any) -> Expr:
    return value if isinstance(value, Expr) else sympy.sympify(value, strict=True)


def _add(left: Expr, right: Expr) -> Expr:
    """Return ``left + right``."""
    if left.is_Number and right.is_Number:
        return left + right
    if left.is_Number and left.is_zero:
        return right
    if right.is_Number and right.is_zero:
        return left
    if not is_written(left) and not is_written(right):
        return sympy.Add(left, right)  # indices and extents: whole numbers
    if right == left:
        return _multiply(sympy.Integer(2), left)
    if right == _negate(left):
        return sympy.S.Zero
    return _made(Plus, (*left.args, right) if isinstance(left, Plus) else (left, right))


def _subtract(left: Expr, right: Expr) -> Expr:
    return _add(left, _negate(right))


def _negate(node: Expr) -> Expr:
    return _scaled(sympy.S.NegativeOne, node)


def _multiply(left: Expr, right: Expr) -> Expr:
    """Return ``left * right``."""
    for number, other in ((left, right), (right, left)):
        if number.is_Number:
            return _with_number(number, other, in_front=number is left)
    if not is_written(left) and not is_written(right):
        return sympy.Mul(left, right)
    number, rest = _coefficient(right)
    if number is not sympy.S.One:
        return _with_number(number, _multiply(left, rest), in_front=True)
    if isinstance(left, Times):
        if left.args[-1] == power(right, sympy.S.NegativeOne):
            return _product(left.args[:-1])
        return _made(Times, (*left.args, right))
    return _merged(left, right) or _made(Times, (left, right))


def _with_number(number: Expr, other: Expr, in_front: bool) -> Expr:
    """Return the product of a number and an expression, the number in front where it may be.

    Its sign may always; its size, if it comes after other factors, only where that leads out of
    no range: ``(x*y) * 1e300`` is not ``(1e300*x) * y``.
    """
    if other.is_Number:
        return number * other
    if number.is_zero:
        return sympy.S.Zero
    if not is_written(other):
        return sympy.Mul(number, other)
    if in_front or not isinstance(other, Times) or _is_moderate(number):
        return _scaled(number, other)
    if number.is_negative:
        return _negate(_with_number(-number, other, in_front))
    return _made(Times, (*other.args, number))


def _scaled(number: Expr, node: Expr) -> Expr:
    """Return the product of a number and an expression that are multiplied last."""
    if number is sympy.S.One:
        return node
    if node.is_Number or not is_written(node):
        return sympy.Mul(number, node)
    before, rest = _coefficient(node)
    is_sign, is_moderate = number is sympy.S.NegativeOne, _is_moderate(number)
    if before is not sympy.S.One and (is_sign or (is_moderate and _is_moderate(before))):
        return _scaled(number * before, rest)
    if isinstance(node, Times) and (is_sign or is_moderate):
        return _made(Times, (number, *node.args))
    return _made(Times, (number, node))


def _coefficient(node: Expr) -> tuple[Expr, Expr]:
    """Split off the number that a product begins with, if it may change its place."""
    if isinstance(node, Times) and node.args[0].is_Number and _is_moderate(node.args[0]):
        return node.args[0], _product(node.args[1:])
    if isinstance(node, Times) and node.args[0].is_Number and node.args[0].is_negative:
        return sympy.S.NegativeOne, _made(Times, (-node.args[0], *node.args[1:]))
    if isinstance(node, sympy.Mul) and not is_written(node):
        number, rest = node.as_coeff_Mul()
        if _is_moderate(number):
            return number, rest
    return sympy.S.One, node


def _merged(left: Expr, right: Expr) -> Expr | None:
    """Return ``a*a`` as a power, and 1 for ``a/a``; None where the two stay apart."""
    (base, exponent), (other, second) = _base_and_exponent(left), _base_and_exponent(right)
    if base != other or not (exponent.is_Integer and second.is_Integer):
        return None
    if exponent + second == 0:
        return sympy.S.One
    if exponent > 0 and second == 1 and exponent + 1 <= _MULTIPLIED_OUT:
        return power(base, exponent + 1)
    return None


def _divide(left: Expr, right: Expr) -> Expr:
    return _multiply(left, power(right, sympy.S.NegativeOne))


def power(base: Expr, exponent: Expr) -> Expr:
    """Return ``base ** exponent`` as written.

    Parameters
    ----------
    base, exponent : SymPy expression
        Any two.

    Returns
    -------
    SymPy expression
        A :class:`Power`, unless it is simpler: ``x**1`` is ``x``, ``(1/x)**-1`` is ``x``, and
        ``sqrt(x**2)`` is ``|x|``, because what is written here is real.
    """
    if exponent is sympy.S.One:
        return base
    if exponent.is_Number and exponent.is_zero:
        return sympy.S.One
    if not is_written(base) and not is_written(exponent):
        return sympy.Pow(base, exponent)
    if base == 1:
        return sympy.S.One
    if isinstance(base, sympy.Pow):
        inner = base.args[1]
        if inner == 2 and exponent == sympy.S.Half:
            return abs(base.args[0])
        if inner == sympy.S.Half and exponent == 2:
            return base.args[0]
        if exponent == -1 and (inner.is_Number or inner.could_extract_minus_sign()):
            return power(base.args[0], -inner)
    return _made(Power, (base, exponent))


def _made(cls: Any, arguments: tuple[Expr, ...]) -> Expr:
    made: Expr = Expr.__new__(cls, *arguments)
    made.is_commutative = True
    return made


def _product(arguments: tuple[Expr, ...]) -> Expr:
    return arguments[0] if len(arguments) == 1 else _made(Times, arguments)


def _is_moderate(number: Expr) -> bool:
    """Whether a number may change its place in a product without leaving the range of floats."""
    if number.is_Rational:
        above, below = abs(number.p), number.q
        return bool(above <= _MODERATE * below and below <= _MODERATE * above)
    return bool(number.is_finite) and bool(1 / _MODERATE <= abs(float(number)) <= _MODERATE)


def is_written(node: Any) -> bool:
    """Whether an expression holds anything but numbers, indices and extents."""
    if isinstance(node, Written):
        return True
    return not node.is_Atom and any(is_written(argument) for argument in node.args)


def _base_and_exponent(node: Expr) -> tuple[Expr, Expr]:
    return node.args if isinstance(node, sympy.Pow) else (node, sympy.S.One)
