"""What a worker reports: times of symbp and of one peer on one case."""

from dataclasses import asdict, dataclass
from typing import Any

from symbp.benchmarks.timing import Quartiles
from symbp.benchmarks.workloads import Case

__all__ = ["Measurement"]


@dataclass(frozen=True)
class Measurement:
    """One pair.

    Attributes
    ----------
    case : Case
        What was timed.
    peer : str
        The peer's name.
    threads : str
        ``"1"`` or ``"all"``.
    status : str
        ``measured``, or why there is no ratio: ``absent``, ``cannot express``, ``disagrees``,
        ``failed`` or ``symbp failed``. Only a peer that was measured can be beaten.
    reason : str
        One line on the status.
    symbp, theirs : Quartiles or None
        Microseconds of one step or call.
    ratio : Quartiles or None
        Theirs over symbp's, pair by pair.
    agreement : float or None
        The largest difference of results, relative to the largest entry of each array; None
        where the peer does not let them be compared.
    """

    case: Case
    peer: str
    threads: str
    status: str
    reason: str = ""
    symbp: Quartiles | None = None
    theirs: Quartiles | None = None
    ratio: Quartiles | None = None
    agreement: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries, from which `from_json` makes it again."""
        return {**asdict(self), "case": self.case.to_json()}

    @classmethod
    def from_json(cls, entries: dict[str, Any]) -> "Measurement":
        """Return the measurement that `to_json` described."""
        quartiles = {
            name: Quartiles(**entries[name]) if entries[name] else None
            for name in ("symbp", "theirs", "ratio")
        }
        return cls(**{**entries, "case": Case.from_json(entries["case"]), **quartiles})
