"""names: one identifier for every tensor and index, made here and nowhere else.

A user's name is taken over only when it is a plain ASCII identifier that can mean nothing else in
C; otherwise it gets a mark, or the generator numbers its own. So no user's text becomes code, and
what reaches a comment is stripped of what could end it.
"""

import re
from collections.abc import Iterable

from symbp.targets.c.paste import template

__all__ = ["Names", "comment", "identifier", "prefix_of"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z")
# Words of C99 to C23 and of C++, of the three headers, and what compilers define in lower case.
_TAKEN = frozenset(template("reserved.txt").split())


def prefix_of(stem: str) -> str:
    """Return what every public name starts with: a file's name if that is plain, else ``net``.

    Parameters
    ----------
    stem : str
        The name of a file without its ending.
    """
    plain = _PLAIN.match(stem) is not None and stem.lower() not in _TAKEN
    return stem.lower() if plain and not stem.lower().startswith("symbp") else "net"


def identifier(name: str) -> str:
    """Return a name as it may stand in C.

    Parameters
    ----------
    name : str
        Of a tensor or an index, as its author gave it.

    Examples
    --------
    >>> identifier("W1"), identifier("NAN"), identifier("int"), identifier("λ")
    ('W1', 'NAN_', 'int_', 't')
    """
    if not _PLAIN.match(name) or name.lower().startswith("symbp"):
        return "t"
    # Macros are in capitals; W1 and N are none of a header that is included.
    macro = not re.search(r"[a-z]", name) and re.match(r"[A-Z][A-Z_]|I\Z", name) is not None
    # Names that end in _t belong to the system.
    return f"{name}_" if macro or name in _TAKEN or name.endswith("_t") else name


class Names:
    """Identifiers of one scope; ``used`` are those that are taken."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self.used = set(reserved)

    def unique(self, wanted: str) -> str:
        """Return an identifier that is not in use, and note it: the wanted one if possible."""
        stem = identifier(wanted)
        name, count = stem, 1
        while name in self.used:
            count += 1
            name = f"{stem}_{count}".replace("__", "_")
        self.used.add(name)
        return name


def comment(text: str) -> str:
    """Return text that can stand in a comment of C: printable ASCII that neither ends nor nests it.

    Parameters
    ----------
    text : str
        For example an equation with names of a user's own.
    """
    plain = "".join(c if c.isascii() and c.isprintable() and c not in "\\?" else "_" for c in text)
    while "*/" in plain or "/*" in plain or "//" in plain:
        plain = plain.replace("*/", "* /").replace("/*", "/ *").replace("//", "/ /")
    return plain
