"""lines: indented lines of Python while a function is being written."""

import contextlib
from collections.abc import Iterator

__all__ = ["INDENT", "Lines"]

INDENT = "    "


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
