"""How numbers of operations, and formulas of them in the sizes, print: ``11,396,201 ≈ 1.1·10⁷``."""

from collections.abc import Iterator
from decimal import Context, Decimal
from itertools import pairwise
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.derivations.markup import Markup

__all__ = ["formula_in", "number_in", "ratio_in"]

# From here on a number is printed rounded, too; beyond the second, only rounded.
READABLE, LONGEST = 10**7, 10**15
# A formula with more terms than these cannot be read.
MOST_TERMS = 24
# From more factors than these, the middle ones are dots.
LONGEST_PRODUCT = 9


def number_in(value: Any, style: Markup, exact: bool = True) -> str:
    """Return an integer with its digits in groups, rounded where that is easier to read.

    Beyond ten million both are shown, or, unless `exact` is asked for, only the rounded one.

    A polynomial in the batch size prints as a formula.
    """
    if not isinstance(value, int):
        return formula_in(sympy.sympify(value, strict=True), style)
    if value < READABLE:
        return _grouped(value, style)
    rounded = _rounded(value, style)
    if value >= LONGEST or not exact:
        return rounded
    return _grouped(value, style) + (" ≈ " if style.one_line else r" \approx ") + rounded


def ratio_in(value: int, unit: int, style: Markup) -> str:
    """Return how many times as large a number is, with two or three digits."""
    if not unit:
        return ""
    tenths = (10 * value + unit // 2) // unit
    if tenths < 1000:
        return f"{tenths // 10}.{tenths % 10}"
    ratio = (value + unit // 2) // unit
    return _rounded(ratio, style) if ratio >= READABLE else _grouped(ratio, style)


def formula_in(node: Expr, style: Markup, most: int = MOST_TERMS) -> str:
    """Return a formula in sizes; of one with too many terms only how many they are."""
    terms = sum(len(part.args) for part in sympy.preorder_traversal(node) if part.is_Add)
    return (
        style.remark(style.words.say("count.terms", count=terms))
        if terms > most
        else _formula(node, style)
    )


def _formula(node: Expr, style: Markup) -> str:
    if isinstance(node, sympy.Add):
        text = ""
        for term in sorted(node.args, key=_term_order):
            negative = bool(term.as_coeff_Mul()[0].is_negative)
            shown = _formula(-term if negative else term, style)
            sign = style.minus if negative else style.plus
            text += sign + shown if text else ("-" if negative else "") + shown
        return text
    if isinstance(node, sympy.Mul):
        return _product(node, style)
    if isinstance(node, sympy.Pow):
        return style.power(_formula(node.args[0], style), str(node.args[1]))
    if node.is_Symbol:
        stem, _, number = node.name.partition("_")
        return style.scripted(stem, number, "")
    if node.is_Rational and not node.is_Integer:
        return style.fraction(str(node.p), str(node.q))
    return str(node)


def _product(node: Expr, style: Markup) -> str:
    coefficient, rest = node.as_coeff_Mul()
    if coefficient.is_negative:
        return "-" + _formula(-node, style)
    symbols = sorted(
        (f for f in sympy.Mul.make_args(rest) if not isinstance(f, sympy.Add)), key=_name_order
    )
    sums = [f for f in sympy.Mul.make_args(rest) if isinstance(f, sympy.Add)]
    # The shortest sum first: parameters times the operations of a pass.
    sums.sort(key=lambda f: (len(f.args), sympy.default_sort_key(f)))
    parts = [] if coefficient == 1 else [_formula(coefficient, style)]
    shown = [_formula(factor, style) for factor in symbols]
    parts += _without_middle(shown, style) if _is_run(symbols) else shown
    parts += [style.parentheses(_formula(factor, style)) for factor in sums]
    return style.times.join(parts)


def _rounded(value: int, style: Markup) -> str:
    mantissa, exponent = f"{Context(prec=2).create_decimal(Decimal(value)):.1E}".split("E")
    dot = "·" if style.one_line else r" \cdot "
    return mantissa + dot + style.power("10", str(int(exponent)))


def _is_run(factors: list[Any]) -> bool:
    numbers = [_number(factor) if factor.is_Symbol else 0 for factor in factors]
    return all(after == before + 1 for before, after in pairwise(numbers))


def _without_middle(factors: list[str], style: Markup) -> list[str]:
    """Shorten a long product of sizes that follow each other: ``n₁ n₂ ⋯ n₂₁``."""
    if len(factors) <= LONGEST_PRODUCT:
        return factors
    return [*factors[:2], "⋯" if style.one_line else r"\cdots", factors[-1]]


def _grouped(value: int, style: Markup) -> str:
    # In braces, the comma is no punctuation and has no space after it.
    return f"{value:,}" if style.one_line else f"{value:,}".replace(",", "{,}")


def _term_order(term: Expr) -> tuple[int, list[tuple[int, str]], str]:
    """Terms of high degree first, then by the numbers of their sizes."""
    symbols = [(_number(s), s.name) for f in sympy.Mul.make_args(term) for s in _repeated(f)]
    return -len(symbols), sorted(symbols), str(term)


def _repeated(factor: Expr) -> Iterator[Any]:
    base, exponent = factor.as_base_exp()
    symbols = sorted(base.free_symbols, key=_number)
    for symbol in symbols:
        yield from [symbol] * (int(exponent) if exponent.is_Integer else 1)


def _name_order(factor: Expr) -> tuple[int, str]:
    base = factor.as_base_exp()[0]
    return (_number(base) if base.is_Symbol else 0), str(base)


def _number(symbol: Any) -> int:
    """Return the k of a size n_k; 0 for the batch size, which comes first."""
    tail = symbol.name.rpartition("_")[2]
    return int(tail) if tail.isdecimal() else 0
