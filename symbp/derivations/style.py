r"""Style: how a textbook prints, as data; and the styles of four of them.

Bold or plain letters, the sign of a transpose, from where layers are counted, δ or ∂C/∂z, what an
author's own macros are, and in which language the words are. Printers ask a style for these and
know no book.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from symbp.derivations.languages import LANGUAGES
from symbp.notation.errors import SymbpError, suggest

__all__ = [
    "BISHOP", "GOODFELLOW", "NIELSEN", "PETERSEN", "STYLES", "Style", "chosen_style", "filled",
]  # fmt: skip

Pairs = Mapping[str, str] | tuple[tuple[str, str], ...]
_CHOICES = {
    "gradient": ("partial", "nabla"),
    "layout": ("mixed", "numerator", "denominator"),
}
_MACRO = re.compile(r"\\([A-Za-z]+)")


@dataclass(frozen=True)
class Style:
    r"""How equations are printed.

    Parameters
    ----------
    name : str
        What the style is called.
    input_layer : int, default 1
        The number of the input's layer in a network of layers: 0 or 1.
    layer : str, default "{}"
        What stands above a symbol, with ``{}`` for the number of its layer: ``"({})"``.
    symbols : mapping of str to str
        LaTeX for the letters that a network of layers gets by itself: w, b, z, a, C and y. Tensors
        of your own print as you called them.
    matrix, vector : str, default "#1"
        LaTeX for the letter of a matrix and of a vector, with ``#1`` for it: ``r"\mathbf{#1}"``,
        or a macro of your own. Their elements are plain.
    transpose : str, default "T"
        The sign of a transpose: ``r"\mathsf{T}"`` is upright.
    hadamard : str, default r"\\odot"
        The sign of the product of each element with each.
    partial : str
        LaTeX of a derivative, with ``#1`` for what is differentiated and ``#2`` for what by.
    trace : str, default "tr"
        The name of the trace.
    delta : bool, default True
        Whether the derivative by a pre-activation is called δ, or printed as a derivative.
    gradient : {"partial", "nabla"}
        Whether the derivative by a vector or matrix is ∂C/∂W or :math:`\nabla_W C`.
    layout : {"mixed", "numerator", "denominator"}
        What shape a derivative has. Mixed, as in most books on networks: a gradient has the shape
        of what it is by, a Jacobian a row for each element of what is differentiated. Numerator:
        gradients are transposed to agree with Jacobians. Denominator: Jacobians are.
    commas : bool, default False
        Whether commas stand between the indices of an element.
    accents : bool, default True
        Whether ``zhat``, ``ybar`` and ``xtilde`` print with accents.
    preamble : str
        LaTeX for the head of a document.
    macros : mapping of str to str
        Definitions of macros that the style or your symbols use, by name without the backslash:
        ``{"vect": r"\mathbf{#1}"}``. A document defines them; pages and text expand them.
    numbered : bool, default False
        Whether equations have numbers, and labels to refer to: ``\label{eq:bp1}``.
    language : str, default "en"
        In which language the words are.

    Raises
    ------
    SymbpError
        A value is none of these.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import symbp as bp
    >>> bold = replace(bp.STYLES["nielsen"], matrix=r"\mat{#1}", macros={"mat": r"\mathbf{#1}"})
    >>> print(bp.derive(bp.mlp(2, 1)).styled(bold).gradient("W1").latex())
    \frac{\partial C}{\partial \mat{w}^{2}} = \delta^{2} (a^{1})^T
    """

    name: str = "nielsen"
    input_layer: int = 1
    layer: str = "{}"
    symbols: Pairs = ()
    matrix: str = "#1"
    vector: str = "#1"
    transpose: str = "T"
    hadamard: str = r"\odot"
    partial: str = r"\frac{\partial #1}{\partial #2}"
    trace: str = "tr"
    delta: bool = True
    gradient: Literal["partial", "nabla"] = "partial"
    layout: Literal["mixed", "numerator", "denominator"] = "mixed"
    commas: bool = False
    accents: bool = True
    preamble: str = ""
    macros: Pairs = ()
    numbered: bool = False
    language: str = "en"

    def __post_init__(self) -> None:
        for field in ("symbols", "macros"):
            given = getattr(self, field)
            pairs = tuple(given.items() if isinstance(given, Mapping) else map(tuple, given))
            if not all(len(pair) == 2 and all(isinstance(p, str) for p in pair) for pair in pairs):
                raise SymbpError(f"style: {field}={given!r}: expected a dictionary of strings")
            object.__setattr__(self, field, pairs)
        for field, known in _CHOICES.items():
            value = getattr(self, field)
            if value not in known:
                raise SymbpError(f"style: {field}={value!r}: {suggest(str(value), known)}")
        if self.input_layer not in (0, 1) or isinstance(self.input_layer, bool):
            raise SymbpError(f"style: input_layer={self.input_layer!r}: expected 0 or 1")
        if not isinstance(self.layer, str) or self.layer.count("{}") != 1:
            raise SymbpError(f"style: layer={self.layer!r}: expected a string with {{}} once")
        for field, marks in (("matrix", ("#1",)), ("vector", ("#1",)), ("partial", ("#1", "#2"))):
            value = getattr(self, field)
            if not isinstance(value, str) or not all(mark in value for mark in marks):
                raise SymbpError(
                    f"style: {field}={value!r}: expected LaTeX that holds {' and '.join(marks)}"
                )
        for name, _ in self._macros:
            if not re.fullmatch("[A-Za-z]+", name):
                raise SymbpError(
                    f"style: macro {name!r}: expected letters, as in macros={{'vect': ...}}"
                )
        if self.language not in LANGUAGES:
            raise SymbpError(
                f"language {self.language!r}: {suggest(str(self.language), LANGUAGES)}"
            )

    @property
    def _macros(self) -> Iterable[tuple[str, str]]:
        return self.macros  # type: ignore[return-value]

    @cached_property
    def letters(self) -> dict[str, str]:
        """The letters of networks by what they are without a style."""
        return dict(self.symbols)

    def number(self, label: object) -> str:
        """Return what stands above a symbol for the label of its layer."""
        text = str(label)
        found = re.match(r"\d+", text)
        if found is not None:
            text = f"{int(found[0]) - 1 + self.input_layer}{text[found.end() :]}"
        return self.layer.replace("{}", text)

    def definitions(self) -> str:
        """Return the macros as LaTeX, one a line."""
        lines = []
        for name, body in self._macros:
            count = max((int(n) for n in re.findall(r"#([1-9])", body)), default=0)
            arguments = f"[{count}]" if count else ""
            lines.append(
                rf"\providecommand{{\{name}}}{{}}\renewcommand{{\{name}}}{arguments}{{{body}}}"
            )
        return "".join(f"{line}\n" for line in lines)

    def expanded(self, latex: str) -> str:
        """Return LaTeX with the style's macros put in, for readers that know no definitions."""
        known = dict(self._macros)
        if not known:
            return latex
        for _ in range(8):  # macros of macros; one that needs itself is left
            changed = _expanded_once(latex, known)
            if changed == latex:
                break
            latex = changed
        return latex


def filled(template: str, *parts: str) -> str:
    """Return LaTeX with ``#1``, ``#2``, … replaced."""
    return re.sub(r"#([1-9])", lambda found: parts[int(found[1]) - 1], template)


def _expanded_once(latex: str, known: Mapping[str, str]) -> str:
    result, at = "", 0
    while (found := _MACRO.search(latex, at)) is not None:
        result += latex[at : found.start()]
        at = found.end()
        body = known.get(found[1])
        if body is None:
            result += found[0]
            continue
        count = max((int(n) for n in re.findall(r"#([1-9])", body)), default=0)
        arguments = []
        for _ in range(count):
            argument, at = _argument(latex, at)
            arguments.append(argument)
        result += f"{{{filled(body, *arguments)}}}"
    return result + latex[at:]


def _argument(latex: str, at: int) -> tuple[str, int]:
    """Return what a macro takes, and where it ends: a group in braces, a command or a character."""
    while latex[at : at + 1] == " ":
        at += 1
    if latex[at : at + 1] == "\\":
        found = _MACRO.match(latex, at)
        end = at + 2 if found is None else found.end()
        return latex[at:end], end
    if latex[at : at + 1] != "{":
        return latex[at : at + 1], at + 1
    depth, end = 0, at
    while end < len(latex):
        if latex[end] == "\\":
            end += 2
            continue
        depth += (latex[end] == "{") - (latex[end] == "}")
        end += 1
        if not depth:
            break
    return latex[at + 1 : end - 1], end


#: Nielsen, "Neural Networks and Deep Learning" (2015), chapter 2.
NIELSEN = Style()
#: Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 6.5.
GOODFELLOW = Style(
    "goodfellow", 0, "({})", {"w": "W", "z": "a", "a": "h", "C": "J"}, r"\boldsymbol{#1}",
    r"\boldsymbol{#1}", r"\top", delta=False, gradient="nabla", commas=True,
)  # fmt: skip
#: Bishop, "Pattern Recognition and Machine Learning" (2006), section 5.3.
BISHOP = Style(
    "bishop", 0, "({})", {"w": "W", "z": "a", "a": "z", "C": "E", "y": "t"}, r"\mathbf{#1}",
    r"\mathbf{#1}", r"\mathrm{T}",
)  # fmt: skip
#: Petersen and Pedersen, "The Matrix Cookbook" (2012).
PETERSEN = Style(
    "petersen", 0, "({})", {"w": "W"}, r"\mathbf{#1}", r"\mathbf{#1}", r"\mathsf{T}", r"\circ",
    trace="Tr", delta=False,
)  # fmt: skip
STYLES = {style.name: style for style in (NIELSEN, GOODFELLOW, BISHOP, PETERSEN)}


def chosen_style(
    style: Style | str | None,
    language: str | None = None,
    given: Style = NIELSEN,
    **options: object,
) -> Style:
    """Return a style by its name, or a user's own, in a language; by default the one given.

    Raises
    ------
    SymbpError
        There is no such style or language.
    """
    if style is None:
        style = given
    elif isinstance(style, str):
        if style not in STYLES:
            raise SymbpError(f"style {style!r}: {suggest(style, STYLES)}")
        style = replace(STYLES[style], language=given.language)
    elif not isinstance(style, Style):
        raise SymbpError(f"style: expected a bp.Style or the name of one, got {style!r}")
    changed: dict[str, object] = {k: v for k, v in options.items() if v is not None}
    if language is not None:
        changed["language"] = language
    return replace(style, **changed) if changed else style  # type: ignore[arg-type]
