r"""mathml: LaTeX of a formula as MathML, which browsers render by themselves.

The converter is latex2mathml; what browsers would show otherwise than LaTeX does is mended in its
result, in this one place: words that are split into letters, bold letters, names of operators,
limits of ``\max``, and names that a user gave, which may hold any character.
"""

import itertools
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from xml.etree.ElementTree import Element, SubElement, tostring

from latex2mathml.converter import convert_to_element

__all__ = ["mathml"]

# What the converter does not know, in words that it does.
_REWRITTEN = {
    r"\lVert": "‖",
    r"\rVert": "‖",
    r"\begin{aligned}": r"\begin{align*}",
    r"\end{aligned}": r"\end{align*}",
}
_REFERENCE = re.compile(r"&#x([0-9A-F]{5});")
_BOLD_DIGITS = str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
_COMMA = re.compile(r"(?<=\d)</mn><mrow><mo>,</mo></mrow><mn>(?=\d)")


@lru_cache(maxsize=4096)
def mathml(latex: str, display: bool = False) -> str:
    """Return a formula as a ``math`` element.

    Parameters
    ----------
    latex : str
        Without delimiters. What cannot be read stands there as it is.
    display : bool, default False
        Whether sums have their limits below.
    """
    text = latex
    for old, new in _REWRITTEN.items():
        text = text.replace(old, new)
    # Without its backslash a delimiter's name would print.
    text = re.sub(r"(\\(?:left|right)) *‖", r"\1\\|", text)
    try:
        root = convert_to_element(text, display="block" if display else "inline")
    except Exception:  # a user's symbol can hold any text; the converter's errors have no base
        root = Element("math", {"display": "block" if display else "inline"})
        SubElement(root, "mtext").text = latex
    root.attrib.pop("xmlns", None)
    for node in root.iter():
        node.text = _unescaped(node.text)
        for key, value in node.attrib.items():
            node.set(key, _unescaped(value) or "")
    for mend in (
        _relations,
        _joined_words,
        _bold,
        _named_operators,
        _limits,
        _empty_delimiters,
        _primes,
        _infinity,
    ):
        _everywhere(root, mend)
    # A comma in braces, as in 23{,}860, is part of its number.
    return _COMMA.sub(",", tostring(root, encoding="unicode"))


def _unescaped(text: str | None) -> str | None:
    # The converter writes signs as references, which would be escaped once more.
    return text and _REFERENCE.sub(lambda found: chr(int(found[1], 16)), text)


def _everywhere(node: Element, mend: Callable[[Element], None]) -> None:
    for child in node:
        _everywhere(child, mend)
    mend(node)


def _relations(node: Element) -> None:
    r"""Set ``\mathrel{+}=`` as the one sign that it is; the converter puts signs into a sign."""
    for child, following in itertools.pairwise(list(node)):
        if child.tag == "mo" and len(child) and following.tag == "mo":
            following.text = "".join(child.itertext()) + (following.text or "")
            node.remove(child)


def _joined_words(node: Element) -> None:
    """Join the letters of an upright word, which would be spaced like a product."""
    upright = [child for child in node if child.get("mathvariant") == "normal" and child.text]
    if node.tag == "mrow" and len(node) > 1 and len(upright) == len(node):
        word = "".join(child.text or "" for child in upright)
        for child in upright:
            node.remove(child)
        SubElement(node, "mi").text = word


def _bold(node: Element) -> None:
    """Set bold letters and digits by signs of their own: browsers read no other variants."""
    if node.tag == "mn" and node.get("mathvariant") == "bold":
        del node.attrib["mathvariant"]
        node.text = (node.text or "").translate(_BOLD_DIGITS)
    if node.tag == "mi" and node.get("mathvariant") == "bold-italic":
        del node.attrib["mathvariant"]
        node.text = "".join(map(_bold_italic, node.text or ""))


def _bold_italic(letter: str) -> str:
    name = unicodedata.name(letter, "").replace(" LETTER ", " ").partition(" ")[2]
    try:
        return unicodedata.lookup(f"MATHEMATICAL BOLD ITALIC {name}")
    except KeyError:  # there is none, as of é
        return letter


def _named_operators(node: Element) -> None:
    """Set names such as softmax as identifiers, with a space before what is no parenthesis."""
    children = list(node)
    for position in range(len(children) - 1, -1, -1):
        child = children[position]
        core = child[0] if child.tag in ("msub", "munder", "msup") and len(child) else child
        if core.tag not in ("mo", "mi") or not re.fullmatch(r"[^\W\d_]{2,}", core.text or ""):
            continue
        if core.tag == "mi" and core.text not in ("ln", "sin", "cos", "exp", "log"):
            continue
        core.tag = "mi"
        following = children[position + 1] if position + 1 < len(children) else None
        opens = following is not None and _first_text(following) in ("(", "[")
        if node.tag in ("mrow", "mtd", "math") and following is not None and not opens:
            node.insert(position + 1, Element("mspace", {"width": "0.167em"}))


def _first_text(node: Element) -> str:
    for child in node.iter():
        if child.text:
            return child.text
    return ""


def _limits(node: Element) -> None:
    if node.tag == "msub" and len(node) and node[0].text in ("max", "min"):
        node.tag = "munder"


def _empty_delimiters(node: Element) -> None:
    if node.tag == "mo" and node.get("minsize") and node.text == ".":
        node.text = ""


def _infinity(node: Element) -> None:
    """Set infinity as the number that it is; beside an operator, a minus would be spaced as two."""
    if node.tag == "mo" and node.text == "∞":
        node.tag = "mn"


def _primes(node: Element) -> None:
    """Set a prime beside its letter: as a script it would be raised and made small twice."""
    if node.tag == "msup" and len(node) == 2 and set(node[1].text or " ") <= set("′″‴"):
        node.tag = "mrow"
        node[1].tag = "mo"
        node[1].attrib.update({"lspace": "0em", "rspace": "0em"})


_MENDS = (
    _relations, _joined_words, _bold, _named_operators, _limits, _empty_delimiters, _primes,
)  # fmt: skip
