"""paste: the parts of the runtime's C files that a translation unit uses.

A file is a sequence of parts with empty lines between them; a part that is used brings along
what it uses. The order is that of the files, in which everything stands before its use.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

__all__ = ["pasted", "template"]

_NAME = re.compile(r"\b(?:symbp|SYMBP)_\w+")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DEFINED = re.compile(
    r"""^\#\s*define\s+(SYMBP_\w+)
      | ^(?:static|SYMBP_INLINE)\b[^;{}(]*?\b(symbp_\w+)\s*(?:\(|=)
      | ^typedef\b[^;{]*?\b(symbp_\w+)
      | ^\}\s*(symbp_\w+);""",
    re.MULTILINE | re.VERBOSE,
)


def pasted(text: str, dtype: str) -> str:
    """Return the parts of the runtime that some text uses, and what these use.

    Parameters
    ----------
    text : str
        C source.
    dtype : {"float32", "float64"}
        The precision of ``real``.
    """
    parts = _parts(dtype)
    needed: set[str] = set()
    stack = _NAME.findall(_COMMENT.sub("", text))
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack += [used for defined, uses, _ in parts if name in defined for used in uses]
    return "\n".join(source for defined, _, source in parts if defined & needed)


def template(name: str) -> str:
    """Return the text of a template."""
    folder = resources.files("symbp.targets.c.templates")
    return folder.joinpath(name).read_text(encoding="utf-8")


@cache
def _parts(dtype: str) -> tuple[tuple[frozenset[str], tuple[str, ...], str], ...]:
    files = (f"library_{dtype}.c", f"maths_{dtype}.c", "numbers.c", "random.c", "product.c")
    return tuple(part for file in files for part in _split(file))


def _split(file: str) -> Iterable[tuple[frozenset[str], tuple[str, ...], str]]:
    text = resources.files("symbp.targets.c.runtime").joinpath(file).read_text(encoding="utf-8")
    for chunk in re.split(r"\n\n+(?=\S)", text.strip("\n")):
        defined = frozenset(name for found in _DEFINED.findall(chunk) for name in found if name)
        if defined:
            yield defined, tuple(_NAME.findall(_COMMENT.sub("", chunk))), chunk + "\n"
