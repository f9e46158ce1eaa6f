"""LaTeX, as amsmath, MathJax and KaTeX read it."""

# ruff: noqa: D102 - the methods are described in Markup

import re
from collections.abc import Sequence

from symbp.derivations.markup import Markup
from symbp.derivations.style import NIELSEN, Style, filled
from symbp.notation.functions import Operation

__all__ = ["Latex"]

# What makes parentheses grow.
TALL = (r"\frac", r"\sum", r"\max", r"\begin")
GREEK_LETTER = re.compile(r"\\[a-z]+")
# A subscript, not an underscore in a name.
SUBSCRIPT = re.compile(r"(?<!\\)_")
# Letters that mean something to TeX, in a user's name.
SPECIAL = {
    **{letter: "\\" + letter for letter in "_&%$#{}"},
    "~": r"\sim ", "^": r"\wedge ", "\\": r"\backslash ",
}  # fmt: skip
RELATIONS = {
    "==": "=",
    "!=": r"\neq",
    "<": "<",
    "<=": r"\le",
    ">": ">",
    ">=": r"\ge",
    "and": r"\wedge",
    "or": r"\vee",
}


class Latex(Markup):
    """The LaTeX of a formula, without delimiters, as a book prints it."""

    divided = r" \oslash "
    times = " "
    ones = r"\mathbf{1}"
    nabla = r"\nabla"
    dot = r" \cdot "

    def __init__(self, book: Style = NIELSEN) -> None:
        self.book = book
        self.hadamard = f" {book.hadamard} "

    def symbol(self, latex: str) -> str:
        return latex

    def whole(self, base: str, rank: int) -> str:
        if not rank:
            return base
        template = self.book.vector if rank == 1 else self.book.matrix
        if GREEK_LETTER.fullmatch(base):  # which the bold upright font does not have
            template = template.replace(r"\mathbf", r"\boldsymbol")
        return filled(template, base)

    def word(self, text: str) -> str:
        return rf"\mathrm{{{_escaped(text)}}}"

    def remark(self, text: str) -> str:
        return rf"\text{{{_escaped(text)}}}"

    def scripted(self, base: str, subscript: str, label: str) -> str:
        if (subscript and SUBSCRIPT.search(base)) or (label and "^" in base):
            base = f"{{{base}}}"  # a user's symbol with a script of its own
        return (
            base + (f"^{{{label}}}" if label else "") + (f"_{{{subscript}}}" if subscript else "")
        )

    def partial(self, cost: str, variable: str) -> str:
        return filled(self.book.partial, cost, variable)

    def direct(self, partial: str) -> str:
        return rf"\left. {partial} \right|_{{\mathrm{{direct}}}}"

    def fraction(self, numerator: str, denominator: str) -> str:
        return rf"\frac{{{numerator}}}{{{denominator}}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}" if len(exponent) > 1 else f"{base}^{exponent}"

    def root(self, radicand: str) -> str:
        return rf"\sqrt{{{radicand}}}"

    def exponential(self, exponent: str) -> str:
        if self._is_tall(exponent):
            return r"\exp" + self.parentheses(exponent)
        return f"e^{{{exponent}}}"

    def parentheses(self, inner: str) -> str:
        if self._is_tall(inner):
            return rf"\left( {inner} \right)"
        return f"({inner})"

    def _is_tall(self, latex: str) -> bool:
        return any(part in self.book.expanded(latex) for part in TALL)

    def brackets(self, inner: str) -> str:
        return rf"\left[ {inner} \right]"

    def reduction(self, sign: str, bound: Sequence[str], conditions: Sequence[str]) -> str:
        over = ", ".join(bound) + (r" :\, " + ", ".join(conditions) if conditions else "")
        return rf"\{sign}_{{{over}}} "

    def function(self, record: Operation) -> str:
        return record.latex

    def prime(self, function: str, argument: int) -> str:
        return rf"\partial_{{{argument}}} {function}" if argument else f"{function}'"

    def cases(self, chosen: str, condition: str, other: str) -> str:
        if_, otherwise = (self.words.say(f"cases.{key}") for key in ("if", "otherwise"))
        return (
            rf"\begin{{cases}} {chosen} & \text{{{if_} }} {condition} \\ "
            rf"{other} & \text{{{otherwise}}} \end{{cases}}"
        )

    def indicator(self, condition: str) -> str:
        return f"[{condition}]"

    def relation(self, sign: str, left: str, right: str) -> str:
        return f"{left} {RELATIONS[sign]} {right}"

    def transpose(self, matrix: str) -> str:
        return self.power(matrix, self.book.transpose)

    def norm(self, inner: str) -> str:
        bars = (r"\left\lVert", r"\right\rVert") if self._is_tall(inner) else (
            r"\lVert", r"\rVert"
        )  # fmt: skip
        return f"{bars[0]} {inner} {bars[1]}"

    def elementwise_power(self, base: str, exponent: str) -> str:
        return rf"{base}^{{{self.book.hadamard} {exponent}}}"

    def operator(self, name: str, inner: str) -> str:
        return rf"\operatorname{{{name}}}" + self.parentheses(inner)


def _escaped(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in text)
