"""The line that says how far a sweep is."""

import sys
import time
from typing import Any

from symbp.sweeps.table import Row

__all__ = ["Line"]

# Seconds from one line to the next: where it is written over, and elsewhere.
_OVER, _ELSEWHERE = 0.25, 5.0


class Line:
    """Shows how far a sweep is: on a terminal a line that is written over, else one now and then.

    Parameters
    ----------
    total : int
        How many trainings there are.
    before : int
        How many the store had already.
    """

    def __init__(self, total: int, before: int) -> None:
        self.total, self.before, self.count, self.failed = total, before, before, 0
        self.least: float | None = None
        self.stream: Any = sys.stderr
        self.over = self.stream.isatty()
        self.started, self._next, self._width = time.perf_counter(), 0.0, 0
        if before:
            print(f"sweep: {before} of {total} are in the store", file=self.stream, flush=True)

    def note(self, row: Row) -> None:
        """Count a row."""
        self.count += 1
        self.failed += row["status"] == "failed"
        cost = row["cost"] if row["validation_cost"] is None else row["validation_cost"]
        if cost is not None:
            self.least = cost if self.least is None else min(cost, self.least)
        now = time.perf_counter()
        if now < self._next and self.count < self.total:
            return
        self._next = now + (_OVER if self.over else _ELSEWHERE)
        text = self.text(now)
        if self.over:
            # Spaces and no control sequence, which not every terminal knows.
            self.stream.write("\r" + text.ljust(self._width))
            self.stream.flush()
            self._width = len(text)
        else:
            print(text, file=self.stream, flush=True)

    def text(self, now: float) -> str:
        """Return what the line says."""
        seconds = max(now - self.started, 1e-9)
        rate = (self.count - self.before) / seconds
        parts = [f"sweep {self.count}/{self.total}", f"{rate:.1f} a second"]
        if rate and self.count < self.total:
            parts.append(f"{(self.total - self.count) / rate:.0f} s left")
        if self.least is not None:
            parts.append(f"lowest cost {self.least:.5f}")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return "  ".join(parts)

    def end(self) -> None:
        """End the line."""
        if self.over and self.count > self.before:
            print(file=self.stream, flush=True)
