"""mistakes: what is probably wrong where Python's grammar cannot read a formula, and where.

Python's own messages speak of decimal literals and of syntax; these say what to write instead.
"""

import keyword
import re

__all__ = ["mistake"]

_NAME = re.compile(r"[^\W\d]\w*")
_TOUCHING = re.compile(r"(?<![\w.])(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*([^\W\d]\w*)")
_DEFINED = re.compile(r"[^\W\d]\w*\s*(\([^()]*\))?")
_EQUALS = re.compile(r"(?<![<>=!]):?=(?!=)")
_LONGEST = 40


def mistake(text: str) -> tuple[int, str] | None:
    """Return the place of a mistake, counted from 0, and what to do about it.

    Parameters
    ----------
    text : str
        A formula that cannot be read, without line breaks.

    Returns
    -------
    (int, str) or None
        None if it is none of the usual ones.

    Examples
    --------
    >>> mistake("1 + 2x")
    (4, 'write 2*x')
    >>> mistake("(x + y")
    (0, 'a parenthesis is not closed')
    """
    for look in (_keyword, _equation, _parenthesis, _product, _end):
        found = look(text)
        if found is not None:
            return found
    return None


def _keyword(text: str) -> tuple[int, str] | None:
    for found in _NAME.finditer(text):
        if keyword.iskeyword(found[0]):
            return found.start(), f"{found[0]} is a word of Python's own: choose another name"
    return None


def _equation(text: str) -> tuple[int, str] | None:
    found = _EQUALS.search(text)
    if found is None:
        return None
    left = text[: found.end()]
    if len(left) <= _LONGEST and _DEFINED.fullmatch(text[: found.start()].strip()):
        return 0, f"expected a formula, not an equation: leave out {left!r}"
    return found.start(), f"expected a formula, not an equation: it has no {found[0]!r}"


def _parenthesis(text: str) -> tuple[int, str] | None:
    opened: list[int] = []
    for position, letter in enumerate(text):
        if letter == "(":
            opened.append(position)
        elif letter == ")":
            if not opened:
                return position, "a parenthesis is closed that was not opened"
            opened.pop()
    return (opened[-1], "a parenthesis is not closed") if opened else None


def _product(text: str) -> tuple[int, str] | None:
    found = _TOUCHING.search(text)
    if found is None or len(found[0]) > _LONGEST:
        return None
    return found.start(), f"write {found[1].rstrip('.')}*{found[2]}"


def _end(text: str) -> tuple[int, str] | None:
    if text[-1] in "+-*/,":
        return len(text) - 1, f"cannot be read as a formula: something is missing after {text[-1]}"
    return None
