"""lines: indented lines of Python while a function is being written."""

import contextlib
import re
from collections.abc import Iterator, Sequence

__all__ = ["INDENT", "Lines"]

INDENT = "    "
WIDTH = 100
_NAMES = re.compile(r"\w+")


class Lines:
    """The lines of a function's body, and how deep the next one is."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, text: str) -> None:
        """Append a line."""
        self.lines.append(INDENT * self.depth + text)

    def chain(self, names: Sequence[str], value: str) -> None:
        """Write names that are given one value, as many in a line as fit."""
        for part in _parts([len(name) + 3 for name in names], WIDTH - len(value) - self.width):
            self.add(" = ".join([*names[part], value]))

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Write the assignments that are added meanwhile as many in a line as fit.

        One that reads what another one has written begins a line; branches stand as they are.
        """
        count = len(self.lines)
        yield
        added = self.lines[count:]
        pairs: list[tuple[str, str]] = []
        del self.lines[count:]
        known: set[str] = set()
        for line in added:
            is_assignment = line[self.width - len(INDENT)] != " " and not line.endswith(":")
            name, value = _pair(line)
            if not is_assignment or value in known or known.intersection(_NAMES.findall(value)):
                self.tuples(pairs)
                pairs, known = [], set()
            if is_assignment:
                pairs.append((name, value))
                known.add(name)
            else:
                self.lines.append(line)
        self.tuples(pairs)

    def tuples(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Write names and their values, as many in a line as fit."""
        sizes = [len(name) + len(value) + 4 for name, value in pairs]
        for part in _parts(sizes, WIDTH - self.width):
            names, values = zip(*pairs[part], strict=True)
            self.add(f"{', '.join(names)} = {', '.join(values)}")

    @property
    def width(self) -> int:
        """The columns before a line."""
        return len(INDENT) * (self.depth + 1)

    @contextlib.contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Write a header, and what follows beneath it; ``pass`` if nothing does."""
        self.add(header)
        count = len(self.lines)
        self.depth += 1
        yield
        if len(self.lines) == count:
            self.add("pass")
        self.depth -= 1

    @contextlib.contextmanager
    def apart(self) -> Iterator[list[str]]:
        """Collect the lines of a branch in a list of their own, one step deeper."""
        before, self.lines = self.lines, []
        self.depth += 1
        try:
            yield self.lines
        finally:
            self.depth -= 1
            self.lines = before


def _parts(sizes: Sequence[int], width: int) -> Iterator[slice]:
    """Yield which parts of a sequence fit in a line together."""
    start, used = 0, 0
    for place, size in enumerate(sizes):
        if place > start and used + size > width:
            yield slice(start, place)
            start, used = place, 0
        used += size
    if sizes:
        yield slice(start, len(sizes))


def _pair(line: str) -> tuple[str, str]:
    """Return the two sides of an assignment."""
    name, _, value = line.strip().partition(" = ")
    return name, value
