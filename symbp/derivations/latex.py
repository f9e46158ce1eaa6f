"""LaTeX, as amsmath, MathJax and KaTeX read it."""

# ruff: noqa: D102 - the methods are described in Style

import re
from collections.abc import Sequence

from symbp.derivations.style import Style
from symbp.notation.functions import Operation

__all__ = ["Latex"]

# What makes parentheses grow.
TALL = (r"\frac", r"\sum", r"\max", r"\begin")
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


class Latex(Style):
    """The LaTeX of a formula, without delimiters."""

    hadamard = r" \odot "
    divided = r" \oslash "
    times = " "
    ones = r"\mathbf{1}"
    nabla = r"\nabla"
    dot = r" \cdot "

    def symbol(self, latex: str) -> str:
        return latex

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
        return rf"\frac{{\partial {cost}}}{{\partial {variable}}}"

    def direct(self, partial: str) -> str:
        return rf"\left. {partial} \right|_{{\mathrm{{direct}}}}"

    def fraction(self, numerator: str, denominator: str) -> str:
        return rf"\frac{{{numerator}}}{{{denominator}}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}" if len(exponent) > 1 else f"{base}^{exponent}"

    def root(self, radicand: str) -> str:
        return rf"\sqrt{{{radicand}}}"

    def exponential(self, exponent: str) -> str:
        if any(part in exponent for part in TALL):
            return r"\exp" + self.parentheses(exponent)
        return f"e^{{{exponent}}}"

    def parentheses(self, inner: str) -> str:
        if any(part in inner for part in TALL):
            return rf"\left( {inner} \right)"
        return f"({inner})"

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
        return (
            rf"\begin{{cases}} {chosen} & \text{{if }} {condition} \\ "
            rf"{other} & \text{{otherwise}} \end{{cases}}"
        )

    def indicator(self, condition: str) -> str:
        return f"[{condition}]"

    def relation(self, sign: str, left: str, right: str) -> str:
        return f"{left} {RELATIONS[sign]} {right}"

    def transpose(self, matrix: str) -> str:
        return f"{matrix}^T"

    def norm(self, inner: str) -> str:
        bars = (r"\left\lVert", r"\right\rVert") if any(t in inner for t in TALL) else (
            r"\lVert", r"\rVert"
        )  # fmt: skip
        return f"{bars[0]} {inner} {bars[1]}"

    def elementwise_power(self, base: str, exponent: str) -> str:
        return rf"{base}^{{\odot {exponent}}}"

    def operator(self, name: str, inner: str) -> str:
        return rf"\operatorname{{{name}}}" + self.parentheses(inner)


def _escaped(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in text)
