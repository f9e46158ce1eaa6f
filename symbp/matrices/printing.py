"""Formulas as text and as LaTeX, as a textbook has them.

One traversal serves both: a style says how a fraction, a norm, a script or a function looks.
Scalars have fractions and powers, tensors ⊘ and ^⊙; a scalar product that stands in a product has
parentheses, ``(bᵀx) a``.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from symbp.matrices.shapes import Shaped, Shapes
from symbp.matrices.tree import number as number_tree

__all__ = ["latex", "text"]

SUM, PRODUCT, SIGN, POWER, ATOM = 1, 2, 3, 4, 5

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
FROM_GREEK = {letter: name for name, letter in GREEK.items()}
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Style(Protocol):
    """How the parts look."""

    transpose: str
    inverse: str
    inverse_transpose: str
    hadamard: str
    over: str
    ones: str
    identity: str
    kron: str

    def name(self, name: str) -> str: ...
    def inside(self, what: str) -> str: ...
    def fraction(self, top: "Printed", bottom: "Printed") -> "Printed": ...
    def power(self, base: str, exponent: str) -> str: ...
    def hadamard_power(self, base: str, exponent: str) -> str: ...
    def norm(self, what: str, kind: str) -> str: ...
    def root(self, what: "Printed") -> "Printed": ...
    def bars(self, what: str) -> str: ...
    def function(self, name: str) -> str: ...
    def indicator(self, what: str) -> str: ...


@dataclass(frozen=True)
class Printed:
    """A string, how tightly it holds together, and whether it is a scalar of several factors."""

    text: str
    level: int
    scalar: bool = False
    factors: int = 1


class _Text:
    transpose, inverse, inverse_transpose = "ᵀ", "⁻¹", "⁻ᵀ"
    hadamard, over, ones, identity, kron = "⊙", "⊘", "𝟏", "I", "⊗"

    def name(self, name: str) -> str:
        head, digits = _split(name)
        return GREEK.get(head, head) + digits.translate(SUBSCRIPTS)

    def inside(self, what: str) -> str:
        return f"({what})"

    def fraction(self, top: Printed, bottom: Printed) -> Printed:
        above = top.text if top.level >= PRODUCT else self.inside(top.text)
        below = bottom.text if bottom.level >= POWER else self.inside(bottom.text)
        return Printed(f"{above} / {below}", PRODUCT, factors=2)

    def power(self, base: str, exponent: str) -> str:
        if re.fullmatch(r"-?\d+", exponent):
            return base + exponent.translate(SUPERSCRIPTS)
        return f"{base}^{exponent if exponent.isalnum() else self.inside(exponent)}"

    def hadamard_power(self, base: str, exponent: str) -> str:
        return f"{base}^⊙{exponent if exponent.isalnum() else self.inside(exponent)}"

    def norm(self, what: str, kind: str) -> str:
        return f"‖{what}‖{ {'1': '₁', '2': '₂', 'F': '_F'}[kind] }"

    def root(self, what: Printed) -> Printed:
        return Printed("√" + (what.text if what.level == ATOM else self.inside(what.text)), ATOM)

    def bars(self, what: str) -> str:
        return f"|{what}|"

    def function(self, name: str) -> str:
        base = name.rstrip("'")
        primes = "′" * (len(name) - len(base))
        return {"sigmoid": "σ", "relu": "ReLU", "logdet": "log det"}.get(
            base, self.name(base)
        ) + primes

    def indicator(self, what: str) -> str:
        return f"𝟙[{what} > 0]"


class _Latex:
    transpose, inverse, inverse_transpose = r"^{T}", r"^{-1}", r"^{-T}"
    hadamard, over, identity, kron = r"\odot", r"\oslash", "I", r"\otimes"
    ones = r"\mathbf{1}"

    def name(self, name: str) -> str:
        head, digits = _split(name)
        known = head if head in GREEK else FROM_GREEK.get(head)
        if known is not None:
            head = "\\" + known
        elif len(head) > 1:
            head = r"\mathit{" + head.replace("_", r"\_") + "}"
        return head + (f"_{{{digits}}}" if digits else "")

    def inside(self, what: str) -> str:
        return rf"\left({what}\right)" if r"\frac" in what else f"({what})"

    def fraction(self, top: Printed, bottom: Printed) -> Printed:
        return Printed(rf"\frac{{{top.text}}}{{{bottom.text}}}", POWER)

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def hadamard_power(self, base: str, exponent: str) -> str:
        shown = exponent if exponent.isalnum() else f"({exponent})"
        return rf"{base}^{{\odot {shown}}}"

    def norm(self, what: str, kind: str) -> str:
        return rf"\lVert {what} \rVert_{kind}"

    def root(self, what: Printed) -> Printed:
        return Printed(rf"\sqrt{{{what.text}}}", ATOM)

    def bars(self, what: str) -> str:
        return rf"\lvert {what} \rvert"

    def function(self, name: str) -> str:
        base = name.rstrip("'")
        primes = "'" * (len(name) - len(base))
        known = {"sigmoid": r"\sigma", "relu": r"\operatorname{ReLU}", "logdet": r"\log\det"}
        if base in known:
            return known[base] + primes
        if base in ("exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "arctan", "det"):
            return "\\" + base
        if len(base) == 1 or base in GREEK:
            return self.name(base) + primes
        shown = base.replace("_", r"\_")
        return rf"\operatorname{{{shown}}}" + primes

    def indicator(self, what: str) -> str:
        return rf"\mathbb{{1}}[{what} > 0]"


def _split(name: str) -> tuple[str, str]:
    """Return the name and its number: ``x1`` and ``x_1`` are x with a subscript."""
    found = re.fullmatch(r"(.*?[^\d_])_?(\d+)", name)
    return (found[1], found[2]) if found else (name, "")


def text(node: Shaped, shapes: Shapes) -> str:
    """Return a formula as Unicode text."""
    return _Printer(_Text(), shapes).of(node).text


def latex(node: Shaped, shapes: Shapes) -> str:
    """Return a formula as LaTeX, without delimiters; it needs amsmath, amssymb for ⊘ and 𝟙."""
    return _Printer(_Latex(), shapes).of(node).text


class _Printer:
    def __init__(self, style: Style, shapes: Shapes) -> None:
        self.style, self.shapes = style, shapes

    def closed(self, part: Printed, level: int) -> str:
        return part.text if part.level >= level else self.style.inside(part.text)

    def of(self, node: Shaped) -> Printed:
        tree, head, parts = node.tree, node.tree.head, node.parts
        scalar = self.shapes.scalar(node.shape)
        if head == "number":
            return Printed(str(tree), ATOM, scalar)
        if head == "eye":
            return Printed(self.style.identity, ATOM)
        if head == "symbol":
            return Printed(self.style.name(str(tree.value)), ATOM, scalar)
        if head == "neg":
            inner = self.of(parts[0])
            return Printed(
                "-" + self.closed(inner, PRODUCT), SUM if inner.level < SIGN else SIGN, scalar
            )
        if head == "'":
            return self._transposed(parts[0])
        if head == "call":
            return self._call(node, scalar)
        if head in ("^", ".^"):
            return self._power(node, scalar)
        left, right = (self.of(part) for part in parts)
        if head in ("+", "-"):
            negative = right.text.startswith("-")
            shown = (
                self.style.inside(right.text)
                if negative
                else self.closed(right, SUM if head == "+" else PRODUCT)
            )
            return Printed(f"{left.text} {head} {shown}", SUM, scalar)
        if head == "/":
            return self._quotient(node, left, right, scalar)
        if head == "*":
            first, second = self._factor(left, right, True), self._factor(right, left, False)
            count = 1 if parts[0].tree.head == "number" else left.factors + right.factors
            return Printed(f"{first} {second}", PRODUCT, scalar, count)
        sign = self.style.hadamard if head == ".*" else self.style.over
        return Printed(f"{self._hadamard(parts[0], left, True)} {sign} "
                       f"{self._hadamard(parts[1], right, False)}", PRODUCT, scalar, 9)  # fmt: skip

    def _factor(self, part: Printed, other: Printed, first: bool) -> str:
        """Return a factor of a matrix product: a whole scalar product has parentheses."""
        if part.level == SIGN and first:
            return part.text
        if part.factors == 9 or part.level < PRODUCT:
            return self.style.inside(part.text)
        several = part.factors > 1 and part.level == PRODUCT
        if several and (part.scalar or not first):
            return self.style.inside(part.text)
        return part.text

    def _hadamard(self, node: Shaped, part: Printed, first: bool) -> str:
        if node.tree.head == ".*" or (node.tree.head == "./" and first):
            return part.text if first else self.style.inside(part.text)
        simple = node.tree.head == "*" and node.tree.args[0].head in ("number", "neg") and first
        if simple and node.tree.args[1].head in ("symbol", "call", "eye"):
            return part.text
        if first and part.text.startswith("-") and node.tree.head == "neg":
            return "-" + self._hadamard(node.parts[0], self.of(node.parts[0]), True)
        if first and part.text.startswith("-") and node.tree.head in ("*", "/"):
            return "-" + self.style.inside(part.text[1:])
        return part.text if part.level >= SIGN else self.style.inside(part.text)

    def _quotient(self, node: Shaped, top: Printed, bottom: Printed, scalar: bool) -> Printed:
        denominator = node.parts[1].tree
        halved = (top.text, bottom.text) == ("1", "2") and isinstance(self.style, _Text)
        if halved and denominator.head == "number":
            return Printed("½", ATOM, True)
        if top.text.startswith("-") and top.level >= PRODUCT:
            made = self.style.fraction(Printed(top.text[1:], top.level, scalar), bottom)
            return Printed("-" + made.text, min(made.level, SIGN), scalar, 2)
        made = self.style.fraction(top, bottom)
        return Printed(made.text, made.level, scalar, 2)

    def _transposed(self, part: Shaped) -> Printed:
        if part.tree.head == "call" and part.tree.value == "inv":
            inner = self.of(part.parts[0])
            return Printed(self.closed(inner, ATOM) + self.style.inverse_transpose, POWER)
        inner = self.of(part)
        return Printed(self.closed(inner, ATOM) + self.style.transpose, POWER)

    def _power(self, node: Shaped, scalar: bool) -> Printed:
        base, exponent = node.parts
        shown = self.of(exponent).text
        if exponent.tree.head == "/" and all(p.tree.head == "number" for p in exponent.parts):
            shown = f"{exponent.parts[0].tree}/{exponent.parts[1].tree}"
        inner = self.of(base)
        whole = exponent.tree.head == "number"
        if base.tree.head == "call" and base.tree.value in SCRIPTED and whole:
            # tanh²(x), as it is printed
            name = self.style.power(self.style.function(str(base.tree.value)), shown)
            argument = self.style.inside(self.of(base.parts[0]).text)
            return Printed(name + argument, ATOM, scalar)
        if node.tree.head == ".^":
            return Printed(self.style.hadamard_power(self.closed(inner, ATOM), shown), POWER)
        return Printed(self.style.power(self.closed(inner, ATOM), shown), POWER, scalar)

    def _call(self, node: Shaped, scalar: bool) -> Printed:
        name, parts = str(node.tree.value), [self.of(part) for part in node.parts]
        first = parts[0]
        if name == "inv":
            return Printed(self.closed(first, ATOM) + self.style.inverse, POWER)
        if name in ("norm1", "norm2", "normF"):
            return Printed(self.style.norm(first.text, name[-1]), ATOM, True)
        if name == "sqrt":
            return self.style.root(first)
        if name == "abs":
            return Printed(self.style.bars(first.text), ATOM, scalar)
        if name == "step":
            return Printed(self.style.indicator(first.text), ATOM, scalar)
        if name == "kron":
            one, other = (self.closed(p, POWER) for p in parts)
            return Printed(f"{one} {self.style.kron} {other}", PRODUCT, factors=9)
        if name in ("vector", "matrix"):
            ones = self.style.ones
            if name == "matrix":
                ones = f"{ones} {ones}{self.style.transpose}"
            if node.parts[0].tree == number_tree(Fraction(1)):
                single = name == "vector"
                return Printed(ones, ATOM if single else PRODUCT, factors=1 if single else 2)
            inside = (
                self._factor(first, first, True)
                if first.level >= PRODUCT
                else self.style.inside(first.text)
            )
            return Printed(f"{inside} {ones}", PRODUCT, factors=2)
        return Printed(self.style.function(name) + self.style.inside(first.text), ATOM, scalar)


SCRIPTED = {"tanh", "sin", "cos", "tan", "sinh", "cosh"}
