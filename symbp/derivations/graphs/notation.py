"""notation: a name in Unicode text as letters with what stands below and above them.

``w²₁₁`` is w with 11 below and 2 above, one over the other, as a book prints it; ``_{1,2}`` and
``^(T-1)`` are scripts for which Unicode has no letters. A single letter is a variable and italic, a
word is upright.
"""

import re
from dataclasses import dataclass

from symbp.derivations.text import SUBSCRIPTS, SUPERSCRIPTS

__all__ = ["Piece", "pieces", "spans"]

_ABOVE = {shown: letter for letter, shown in SUPERSCRIPTS.items()}
_BELOW = {shown: letter for letter, shown in SUBSCRIPTS.items()}
_SCRIPT = re.compile(
    rf"(?P<above>[{re.escape(''.join(_ABOVE))}]+|\^\([^()]*\)|\^\w)"
    rf"|(?P<below>[{re.escape(''.join(_BELOW))}]+|_\{{[^{{}}]*\}}|_(?=\w)[^\W_]+)"
)
_LETTERS = re.compile(r"[^\W\d_]+[\u0300-\u036f]*")


@dataclass(frozen=True)
class Piece:
    """Letters, and their scripts; each can be empty."""

    base: str
    below: str = ""
    above: str = ""


def pieces(text: str) -> list[Piece]:
    """Return the pieces of a name.

    Examples
    --------
    >>> pieces("w²₁₁ + b")
    [Piece(base='w', below='11', above='2'), Piece(base=' + b', below='', above='')]
    """
    found: list[Piece] = []
    base, below, above, end = "", "", "", 0
    for match in _SCRIPT.finditer(text):
        between = text[end : match.start()]
        if between or (match["above"] and above) or (match["below"] and below):
            if base or below or above:
                found.append(Piece(base, below, above))
            base, below, above = between, "", ""
        if match["above"]:
            above = _plain(match["above"], _ABOVE, "^(", ")")
        else:
            below = _plain(match["below"], _BELOW, "_{", "}")
        end = match.end()
    if base or below or above:
        found.append(Piece(base, below, above))
    if end < len(text) or not found:
        found.append(Piece(text[end:]))
    return found


def _plain(script: str, letters: dict[str, str], opening: str, closing: str) -> str:
    if script.startswith(opening):
        return script.removeprefix(opening).removesuffix(closing)
    if script[0] in "^_":
        return script[1:]
    return "".join(letters[letter] for letter in script)


def spans(text: str, script: bool = False) -> list[tuple[str, bool]]:
    """Return the parts of a text, each with whether it is a variable and therefore italic.

    In a script, letters beside each other are indices.

    Examples
    --------
    >>> spans("relu(z)")
    [('relu(', False), ('z', True), (')', False)]
    """
    found: list[tuple[str, bool]] = []
    end = 0
    for match in _LETTERS.finditer(text):
        letters = re.sub("[\u0300-\u036f]", "", match[0])
        italic = letters.isalpha() and all("a" <= c.lower() <= "z" or "\u03b1" <= c <= "\u03c9"
                                          for c in letters)  # fmt: skip
        if not italic or len(letters) > (2 if script else 1):
            continue
        if match.start() > end:
            found.append((text[end : match.start()], False))
        found.append((match[0], True))
        end = match.end()
    if end < len(text):
        found.append((text[end:], False))
    return found
