"""How a number prints, and how tightly what is printed holds together."""

from sympy.core.expr import Expr

from symbp.derivations.markup import Markup

__all__ = ["ADD", "ATOM", "MUL", "POWER", "Printed", "number_form"]

#: How tightly what is printed holds together.
ADD, MUL, POWER, ATOM = range(4)

#: A text and how tightly it holds together.
Printed = tuple[str, int]


def number_form(node: Expr, style: Markup) -> Printed:
    """Print a number: a fraction as one, a float in up to 12 digits."""
    if node.is_extended_negative:
        return "-" + number_form(-node, style)[0], ADD
    if node.is_infinite:
        return style.symbol(r"\infty"), ATOM
    if node.is_Integer:
        return str(node), ATOM
    if node.is_Rational:
        return style.fraction(str(node.p), str(node.q)), MUL
    mantissa, _, exponent = f"{float(node):.12g}".partition("e")
    if not exponent:
        return mantissa, ATOM
    power = style.power("10", str(int(exponent)))
    return (power, POWER) if mantissa == "1" else (mantissa + style.dot + power, MUL)
