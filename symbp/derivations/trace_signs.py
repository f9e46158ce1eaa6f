"""How the nodes of a trace print: the signs of operations, short numbers and names."""

import math

import sympy
from sympy.core.expr import Expr

from symbp.derivations.index_form import IndexForm
from symbp.derivations.printing import style_of
from symbp.notation.functions import operation_of, where
from symbp.notation.prime import Prime
from symbp.notation.tensor import Element, Tensor

__all__ = ["name_of", "rounded", "sign_of"]

# What an operation is applied to, for its name may be that of a variable.
ARGUMENT = "(·)"


def sign_of(body: Expr) -> str:
    """Return the sign of an elementary operation, as it stands in a node.

    Examples
    --------
    >>> import symbp as bp
    >>> x, y = bp.parameter("x")[()], bp.parameter("y")[()]
    >>> [sign_of(b) for b in (x + y, x * y, -x, x / 2, x + 1, 1 - x, 1 / x, x**2, bp.sigmoid(x))]
    ['+', '×', '×−1', '÷2', '+1', '1−', '1/(·)', '(·)²', 'σ']
    """
    if body.is_number:
        return _constant(body)
    if isinstance(body, Element):
        return "="
    if isinstance(body, sympy.Add):
        number, rest = body.as_coeff_Add()
        if number == 0:
            return "−" if any(t.as_coeff_Mul()[0].is_negative for t in body.args) else "+"
        if rest.as_coeff_Mul()[0].is_negative:
            return f"{_constant(number)}−"
        return f"+{_constant(number)}" if number.is_positive else _constant(number)
    if isinstance(body, sympy.Mul):
        number = sympy.Mul(*(factor for factor in body.args if factor.is_number))
        if number.is_Rational and number.p == 1 and number.q != 1:
            return f"÷{number.q}"
        return "×" if number == 1 else f"×{_constant(number)}"
    if isinstance(body, sympy.Pow):
        return _sign_of_power(*body.args)
    if isinstance(body, where):
        return "if"
    if isinstance(body, Prime):
        return f"{operation_of(type(body.application)).text}′"
    text = operation_of(type(body)).text
    return text.format("·", "·", "·") if "{0}" in text else text


def _sign_of_power(base: Expr, exponent: Expr) -> str:
    if not exponent.is_number:
        return f"{_constant(base)}^(·)" if base.is_number else "pow"
    if exponent == -1:
        return f"1/{ARGUMENT}"
    if exponent == sympy.Rational(1, 2):
        return "√"
    return style_of("text").power(ARGUMENT, str(exponent))


def _constant(number: Expr) -> str:
    if number.is_Rational or number is sympy.pi:
        text = str(number).replace("pi", "π")
    else:
        text = f"{float(number):.4g}"
    return text.replace("-", "−")


def rounded(value: float, digits: int = 2) -> str:
    """Return a number as it stands in a figure: short, with at least that many decimals.

    A number that needs fewer decimals keeps what it has; a small one has as many significant
    digits.

    Examples
    --------
    >>> [rounded(v) for v in (0.7310585786, -0.19661, -12.0, 645.57725)]
    ['0.73', '−0.20', '−12', '645.58']
    >>> [rounded(v) for v in (0.05, 0.00995, 0.00043857, 3e-9)]
    ['0.05', '0.010', '0.00044', '3·10⁻⁹']
    """
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "nan")
    size = abs(value)
    if value == 0:
        return "0"
    if size < 1e-4 or size >= 1e6:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return style_of("text").power(f"{mantissa}·10", str(int(exponent))).replace("-", "−")
    magnitude = int(f"{size:.{digits - 1}e}".split("e")[1])
    text = f"{value:.{max(digits, digits - 1 - magnitude)}f}"
    if abs(float(text) - value) <= 1e-12 * size:  # 220.00000000000003 is 220
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def name_of(tensor: Tensor, cost: Tensor, language: str = "text") -> str:
    """Return how a scalar's name prints."""
    return IndexForm(style_of(language), cost).tensor(tensor)
