r"""A symbol that is given in LaTeX, as Unicode text: ``\hat{z}`` as ẑ, ``\mathcal{L}`` as ℒ."""

import re
import unicodedata
from collections.abc import Callable

__all__ = ["unicode_symbol"]

# Alphabets by the names that Unicode gives their letters.
_ALPHABETS = {
    "mathcal": "SCRIPT", "mathscr": "SCRIPT", "mathbb": "DOUBLE-STRUCK", "mathfrak": "FRAKTUR"
}  # fmt: skip
_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
    "bar": "\u0304", "overline": "\u0304", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308",
}  # fmt: skip
# What changes a letter's shape and not which letter it is.
_SHAPES = "mathrm|mathbf|mathit|mathsf|mathtt|boldsymbol|bm|text|textrm|operatorname"
_GROUP = re.compile(r"\\([A-Za-z]+)(?:\s*\{([^{}]*)\}|\s+(\w)|([^\x00-\x7f]))")


def unicode_symbol(
    latex: str,
    greek: dict[str, str],
    raised: Callable[[str], str],
    lowered: Callable[[str], str],
) -> str:
    r"""Return a symbol as text.

    Parameters
    ----------
    latex : str
        The symbol.
    greek : dict of str to str
        Letters by the names of their commands.
    raised, lowered : callable
        Give a superscript and a subscript.

    Examples
    --------
    >>> unicode_symbol(r"\mathcal{L}", {}, "^{}".format, "_{}".format)
    'ℒ'
    >>> unicode_symbol(r"\hat{y}_{12}", {}, "^{}".format, "_{}".format)
    'ŷ_12'
    """
    # An escaped sign is that sign, and no script.
    text = re.sub(r"\\([_&%$#{}])", lambda found: chr(0xE000 + ord(found[1])), latex)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: greek.get(found[1], found[0]), text)
    while (found := _GROUP.search(text)) is not None and (changed := _of_group(found, text)):
        text = changed
    text = re.sub(r"\\([A-Za-z]+) ?", r"\1", text)
    for sign, script in (("^", raised), ("_", lowered)):
        text = re.sub(
            rf"{re.escape(sign)}(?:\{{([^{{}}]*)\}}|(\w))",
            lambda found, script=script: script(found[1] or found[2] or ""),  # type: ignore[misc]
            text,
        )
    text = re.sub(r"[{}\\]", "", text)
    return "".join(
        chr(ord(letter) - 0xE000) if "\ue000" <= letter <= "\ue0ff" else letter for letter in text
    )


def _of_group(found: re.Match[str], text: str) -> str:
    """Return the text with one command and its letters replaced; nothing if it is no known one."""
    name, inner = found[1], next(group for group in found.groups()[1:] if group is not None)
    if name in _ALPHABETS:
        shown = "".join(_letter(letter, _ALPHABETS[name]) for letter in inner)
    elif name in _ACCENTS:
        shown = unicodedata.normalize("NFC", inner + _ACCENTS[name])
    elif re.fullmatch(_SHAPES, name):
        shown = inner
    else:
        return ""
    return text[: found.start()] + shown + text[found.end() :]


def _letter(letter: str, alphabet: str) -> str:
    """Return a letter of an alphabet; the letter itself where Unicode has none."""
    size = "CAPITAL" if letter.isupper() else "SMALL"
    for prefix in ("MATHEMATICAL ", ""):
        try:
            return unicodedata.lookup(f"{prefix}{alphabet} {size} {letter.upper()}")
        except KeyError:
            continue
    return letter
