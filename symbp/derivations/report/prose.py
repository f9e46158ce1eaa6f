"""prose: the words of a report as pieces: plain, formulas between dollars, code in backquotes."""

import re
from collections.abc import Callable, Iterator
from typing import Literal

__all__ = ["pieces", "rendered"]

Kind = Literal["plain", "formula", "code"]
_MARKED = re.compile(r"\$([^$]*)\$|`([^`]*)`")


def pieces(text: str) -> Iterator[tuple[Kind, str]]:
    """Yield the pieces of a text in order."""
    at = 0
    for found in _MARKED.finditer(text):
        if found.start() > at:
            yield "plain", text[at : found.start()]
        if found[1] is not None:
            yield "formula", found[1]
        else:
            yield "code", found[2]
        at = found.end()
    if at < len(text):
        yield "plain", text[at:]


def rendered(text: str, writers: dict[str, Callable[[str], str]]) -> str:
    """Return a text with each piece written by the writer of its kind."""
    return "".join(writers[kind](piece) for kind, piece in pieces(text))
