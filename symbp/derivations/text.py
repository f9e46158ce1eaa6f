"""Unicode text for a terminal: ``δ²ⱼ = Σₖ w³ₖⱼ δ³ₖ σ′(z²ⱼ)``."""

# ruff: noqa: D102 - the methods are described in Style

from collections.abc import Sequence

from symbp.derivations.style import GREEK, Style
from symbp.derivations.symbols import unicode_symbol
from symbp.notation.functions import Operation

__all__ = ["Text"]

SUPERSCRIPTS = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ",
        strict=True,
    )
)
SUBSCRIPTS = dict(
    zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
)
RELATIONS = {"==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥", "and": "∧", "or": "∨"}
SIGNS = {"sum": "Σ", "max": "max"}


def _raised(text: str) -> str:
    if all(letter in SUPERSCRIPTS for letter in text):
        return "".join(SUPERSCRIPTS[letter] for letter in text)
    return f"^{text}" if len(text) == 1 else f"^({text})"


def _lowered(text: str) -> str:
    if all(letter in SUBSCRIPTS for letter in text):
        return "".join(SUBSCRIPTS[letter] for letter in text)
    return f"_{text}" if text.isalnum() else f"_{{{text}}}"


class Text(Style):
    """Unicode, one formula a line."""

    hadamard = " ⊙ "
    divided = " ⊘ "
    times = " "
    ones = "𝟏"
    nabla = "∇"
    one_line = True

    def symbol(self, latex: str) -> str:
        return unicode_symbol(latex, GREEK, _raised, _lowered)

    def word(self, text: str) -> str:
        return text

    def remark(self, text: str) -> str:
        return text

    def scripted(self, base: str, subscript: str, label: str) -> str:
        return base + (_raised(label) if label else "") + (_lowered(subscript) if subscript else "")

    def partial(self, cost: str, variable: str) -> str:
        return f"∂{cost}/∂{variable}"

    def direct(self, partial: str) -> str:
        return f"({partial})_direct"

    def fraction(self, numerator: str, denominator: str) -> str:
        return "½" if (numerator, denominator) == ("1", "2") else f"{numerator}/{denominator}"

    def power(self, base: str, exponent: str) -> str:
        return base + _raised(exponent)

    def root(self, radicand: str) -> str:
        return f"√{radicand}" if radicand.isdigit() else f"√({radicand})"

    def exponential(self, exponent: str) -> str:
        return f"exp({exponent})"

    def parentheses(self, inner: str) -> str:
        return f"({inner})"

    def reduction(self, sign: str, bound: Sequence[str], conditions: Sequence[str]) -> str:
        over = ("" if all(len(b) == 1 for b in bound) else ",").join(bound)
        if conditions:
            return f"{SIGNS[sign]}_{{{over}: {', '.join(conditions)}}} "
        return SIGNS[sign] + _lowered(over) + " "

    def function(self, record: Operation) -> str:
        return record.text

    def prime(self, function: str, argument: int) -> str:
        return f"∂{_lowered(str(argument))}{function}" if argument else f"{function}′"

    def cases(self, chosen: str, condition: str, other: str) -> str:
        return f"({chosen} if {condition} else {other})"

    def indicator(self, condition: str) -> str:
        return f"[{condition}]"

    def relation(self, sign: str, left: str, right: str) -> str:
        return f"{left} {RELATIONS[sign]} {right}"

    def transpose(self, matrix: str) -> str:
        return f"{matrix}ᵀ"

    def norm(self, inner: str) -> str:
        return f"‖{inner}‖"

    def elementwise_power(self, base: str, exponent: str) -> str:
        return f"{base}^⊙{exponent}"

    def operator(self, name: str, inner: str) -> str:
        return f"{name}({inner})"
