"""Unicode text for a terminal: ``δ²ⱼ = Σₖ w³ₖⱼ δ³ₖ σ′(z²ⱼ)``."""

# ruff: noqa: D102 - the methods are described in Markup

import re
import unicodedata
from collections.abc import Sequence

from symbp.derivations.markup import GREEK, Markup
from symbp.derivations.style import NIELSEN, Style, filled
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
PRODUCTS = {r"\odot": " ⊙ ", r"\circ": " ∘ ", r"\ast": " ∗ "}
# Fonts whose letters Unicode has, by the commands that ask for them.
BOLD = {"mathbf": "BOLD", "bf": "BOLD", "boldsymbol": "BOLD ITALIC", "bm": "BOLD ITALIC"}
SIGNS = {"sum": "Σ", "max": "max"}


def _raised(text: str) -> str:
    if all(letter in SUPERSCRIPTS for letter in text):
        return "".join(SUPERSCRIPTS[letter] for letter in text)
    return f"^{text}" if len(text) == 1 else f"^({text})"


def _lowered(text: str) -> str:
    if all(letter in SUBSCRIPTS for letter in text):
        return "".join(SUBSCRIPTS[letter] for letter in text)
    return f"_{text}" if text.isalnum() else f"_{{{text}}}"


def _in_font(letter: str, font: str) -> str:
    """Return a letter in a font of Unicode's; itself where it has none, or is several."""
    plain, *marks = list(unicodedata.normalize("NFD", letter)) or [""]
    name = unicodedata.name(plain, "")
    found = re.fullmatch(r"(?:LATIN|GREEK) (SMALL|CAPITAL) LETTER (\w+)", name)
    if found is None or not all(map(unicodedata.combining, marks)):
        return letter
    try:
        made = unicodedata.lookup(f"MATHEMATICAL {font} {found[1]} {found[2]}")
    except KeyError:
        return letter
    return unicodedata.normalize("NFC", made + "".join(marks))


class Text(Markup):
    """Unicode, one formula a line, with the letters of a book."""

    divided = " ⊘ "
    times = " "
    ones = "𝟏"
    nabla = "∇"
    one_line = True

    def __init__(self, book: Style = NIELSEN) -> None:
        self.book = book
        self.hadamard = PRODUCTS.get(book.hadamard, " ⊙ ")

    def whole(self, base: str, rank: int) -> str:
        template = self.book.vector if rank == 1 else self.book.matrix
        if not rank or template == "#1":
            return base
        found = re.search(r"\\([a-z]+)", self.book.expanded(filled(template, "{}")))
        font = BOLD.get(found[1]) if found is not None else None
        return base if font is None else _in_font(base, font)

    def symbol(self, latex: str) -> str:
        latex = self.book.expanded(latex)
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
        words = self.words
        return f"({chosen} {words.say('cases.if')} {condition} {words.say('cases.else')} {other})"

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
