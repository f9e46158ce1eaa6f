"""What a printer needs to know of the language that it prints in.

The printers walk an expression once and build strings through a `Markup`; LaTeX and Unicode text
differ in these few methods and in nothing else.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from symbp.derivations.languages import Words, words_of
from symbp.derivations.style import NIELSEN, Style
from symbp.notation.functions import Operation
from symbp.notation.tensor import Tensor

__all__ = ["GREEK", "Markup"]

GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega "
    "nabla ell varepsilon infty"
)
GREEK = dict(zip(GREEK_NAMES.split(), "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ∇ℓε∞", strict=True))
# Names such as zhat, y_bar and xtilde1; some words only look like them.
_ACCENTED = re.compile(r"([A-Za-z]+?)_?(hat|tilde|bar|ddot|dot)_?(\d*)")
_WORDS = frozenset({"what", "that", "chat"})
_GREEK_LETTERS = {letter: name for name, letter in reversed(GREEK.items())}


class Markup(ABC):
    """A language to print in. Arguments and results are strings of that language."""

    #: Operators that stand between two strings.
    hadamard: str
    divided: str
    times: str
    ones: str
    nabla: str
    #: Whether fractions are written on one line and need parentheses.
    one_line: bool = False
    #: How the textbook prints that is followed.
    book: Style = NIELSEN
    #: Between factors of which one is ∂C/∂a, on one line.
    dot = " · "
    minus = " - "
    plus = " + "

    @property
    def words(self) -> Words:
        """The words of the language that formulas and their remarks are in."""
        return words_of(self.book.language)

    def label(self, tensor: Tensor) -> str:
        """Return what stands above a tensor for its layer; nothing if it has none."""
        return "" if tensor.label is None else self.book.number(tensor.label)

    def has_symbol(self, tensor: Tensor) -> bool:
        """Whether the derivative by a tensor has a symbol, such as δ, and is no fraction."""
        return tensor.adjoint_symbol is not None and self.book.delta

    def whole(self, base: str, rank: int) -> str:
        """Return the letter of a vector or matrix as it stands without indices."""
        return base

    def gradient(self, cost: str, variable: str) -> str:
        """Return the gradient by a vector or a matrix, with nabla."""
        return f"{self.scripted(self.nabla, variable, '')} {cost}"

    def tensor_name(self, tensor: Tensor) -> tuple[str, str]:
        """Return how a tensor prints without label and indices, and a subscript of its name.

        A tensor's ``symbol`` is LaTeX; else ``W1`` prints as W with the subscript 1, Greek names
        as Greek letters, ``W_Q`` with the subscript Q, ``zhat`` with a hat, and other long names
        upright. The letters of a network of layers are those of the book.
        """
        letters = self.book.letters
        if tensor.symbol is not None:
            made = tensor.label is not None or tensor.role == "target"
            symbol = letters.get(tensor.symbol, tensor.symbol) if made else tensor.symbol
            return self.symbol(symbol), ""
        name = tensor.name
        if name == "C" and "C" in letters and not tensor.rank and tensor.role == "intermediate":
            return self.symbol(letters["C"]), ""
        if name[0] in _GREEK_LETTERS:  # β1 prints as beta1 does
            name = _GREEK_LETTERS[name[0]] + name[1:]
        accented = _ACCENTED.fullmatch(name) if self.book.accents and name not in _WORDS else None
        if accented is not None and (len(accented[1]) == 1 or accented[1] in GREEK):
            stem = f"\\{accented[1]}" if accented[1] in GREEK else accented[1]
            return self.symbol(rf"\{accented[2]}{{{stem}}}"), self.subscript(accented[3])
        parts = re.fullmatch(r"([A-Za-z]+?)_?(\d*)", name) or re.fullmatch(
            r"([A-Za-z]+)_([A-Za-z0-9]+)", name
        )
        if parts is None:
            return self.word(tensor.name), ""
        stem, digits = parts.groups()
        if stem in GREEK:
            return self.symbol("\\" + stem), self.subscript(digits)
        return (stem if len(stem) == 1 else self.word(stem)), self.subscript(digits)

    def subscript(self, text: str) -> str:
        """Return the subscript of a name: digits, a letter or a word."""
        return text if text.isdigit() or not text else self.name(text)

    def name(self, text: str) -> str:
        """Return an index or extent: a letter, a Greek letter or a word."""
        if text in GREEK:
            return self.symbol("\\" + text)
        letter = text.rstrip("'′")
        return text if len(letter) == 1 and letter.isalnum() else self.word(text)

    @abstractmethod
    def symbol(self, latex: str) -> str:
        """Return a symbol that is given in LaTeX."""

    @abstractmethod
    def word(self, text: str) -> str:
        """Return a name of several letters."""

    @abstractmethod
    def remark(self, text: str) -> str:
        """Return plain words that stand in a formula's place."""

    @abstractmethod
    def scripted(self, base: str, subscript: str, label: str) -> str:
        """Return a symbol with its subscript and the label of its layer; each can be empty."""

    @abstractmethod
    def partial(self, cost: str, variable: str) -> str:
        """Return ∂cost/∂variable."""

    def derivative(self, above: str, below: Sequence[tuple[str, int]]) -> str:
        """Return a derivative of any order, by each variable so many times."""
        if self.one_line:
            return self.slanted(above, below)
        return self.fraction(*self.over(above, below))

    def slanted(self, above: str, below: Sequence[tuple[str, int]]) -> str:
        """Return the same on one line."""
        return "/".join(self.over(above, below))

    def over(self, above: str, below: Sequence[tuple[str, int]]) -> tuple[str, str]:
        """Return what stands above and below the line of a derivative."""
        sign = "∂" if self.one_line else r"\partial "
        order = sum(times for _, times in below)
        gap = "" if self.one_line else " "
        top = self.power(sign.strip(), str(order)) + gap if order > 1 else sign
        variables = []
        for variable, times in below:
            if times > 1 and "^" in variable:
                variables += [sign + variable] * times
            else:
                shown = self.power(variable, str(times)) if times > 1 else variable
                variables.append(sign + shown)
        return top + above, gap.join(variables)

    @abstractmethod
    def direct(self, partial: str) -> str:
        """Return a partial derivative marked as that of one equation by itself."""

    @abstractmethod
    def fraction(self, numerator: str, denominator: str) -> str:
        """Return a fraction; in text both sides come with the parentheses that they need."""

    @abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """Return a power; the base comes with the parentheses that it needs."""

    @abstractmethod
    def root(self, radicand: str) -> str:
        """Return a square root."""

    @abstractmethod
    def exponential(self, exponent: str) -> str:
        """Return e to a power."""

    @abstractmethod
    def parentheses(self, inner: str) -> str:
        """Return something in parentheses."""

    def brackets(self, inner: str) -> str:
        """Return the matrix of which something is the element."""
        return f"[{inner}]"

    @abstractmethod
    def reduction(self, sign: str, bound: Sequence[str], conditions: Sequence[str]) -> str:
        """Return the sign of a sum or maximum with what it runs over."""

    @abstractmethod
    def function(self, record: Operation) -> str:
        """Return a function's name, or a template with ``{0}``."""

    @abstractmethod
    def prime(self, function: str, argument: int) -> str:
        """Return the name of a derivative; by an argument's number if that is not 0."""

    @abstractmethod
    def cases(self, chosen: str, condition: str, other: str) -> str:
        """Return a choice between two values."""

    @abstractmethod
    def indicator(self, condition: str) -> str:
        """Return Iverson's bracket."""

    @abstractmethod
    def relation(self, sign: str, left: str, right: str) -> str:
        """Return a comparison; the sign is one of ``== != < <= > >= and or``."""

    @abstractmethod
    def transpose(self, matrix: str) -> str:
        """Return a transpose; the matrix comes with the parentheses that it needs."""

    @abstractmethod
    def norm(self, inner: str) -> str:
        """Return a Euclidean norm."""

    @abstractmethod
    def elementwise_power(self, base: str, exponent: str) -> str:
        """Return a power of each element."""

    @abstractmethod
    def operator(self, name: str, inner: str) -> str:
        """Return a named operator, such as softmax, with its argument."""
