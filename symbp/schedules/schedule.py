"""schedule: decisions as records, and what each arrow of the compiler made.

A decision says what was chosen, why, and by which numbers; ``symbp explain`` prints them beside
the program after each arrow.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from symbp.entries.entry import Entry
from symbp.loops.lanes import Lanes
from symbp.loops.nodes import Function

__all__ = ["Arrow", "Decision", "Lowered", "Many", "Record"]


@dataclass(frozen=True)
class Decision:
    """One choice of a schedule.

    Attributes
    ----------
    what : str
        What was decided, such as ``"rows"``.
    choice : str
        What was chosen, in words.
    reason : str
        Why.
    numbers : dict of str to number
        On which numbers it rests.
    """

    what: str
    choice: str
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrow:
    """A pass that ran: its name, the file that holds it, and what it gave."""

    name: str
    file: str
    result: Entry | Function


@dataclass(frozen=True)
class Lowered:
    """The loop program of an entry point, and how it came to be."""

    entry: Entry
    function: Function
    arrows: tuple[Arrow, ...]
    decisions: tuple[Decision, ...]

    def choice(self, what: str) -> str:
        """Return what was chosen, or nothing if that was not to be decided."""
        return next((d.choice for d in self.decisions if d.what == what), "")


@dataclass(frozen=True)
class Many:
    """How an epoch trains many networks at once: along lanes, or each by the epoch of one."""

    entry: Entry
    lanes: Lanes | None
    arrows: tuple[Arrow, ...]
    decisions: tuple[Decision, ...]


class Record:
    """Runs passes one after another, and notes what each gave and what was decided.

    Parameters
    ----------
    explained : bool
        Whether what each pass gave is kept.
    """

    def __init__(self, explained: bool = True) -> None:
        self.explained = explained
        self.arrows: list[Arrow] = []
        self.decisions: list[Decision] = []

    def run(self, change: Callable[..., Any], given: Any, *rest: Any, **options: Any) -> Any:
        """Apply a pass and note its result."""
        result = change(given, *rest, **options)
        self.note(change, result)
        return result

    def run_on(self, entry: Entry, change: Callable[..., Any], *rest: Any) -> Entry:
        """Apply a pass over programs to the program of an entry point, and note its result."""
        result = replace(entry, program=change(entry.program, *rest))
        self.note(change, result)
        return result

    def note(self, change: Callable[..., Any], result: Entry | Function) -> None:
        """Note what a pass gave."""
        if not self.explained:
            return
        file = change.__module__.replace(".", "/") + ".py"
        self.arrows.append(Arrow(change.__name__, file, result))

    def decide(self, decision: Decision) -> Decision:
        """Note a decision."""
        self.decisions.append(decision)
        return decision
