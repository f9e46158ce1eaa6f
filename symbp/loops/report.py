"""report: what the verifier says of a program."""

from dataclasses import dataclass, field
from typing import Literal

from symbp.loops.nodes import Accumulate, Assign, For, If, Product, Return, Statement

__all__ = ["Finding", "Findings", "Report", "text_of"]

Kind = Literal[
    "argument", "bounds", "limit", "loop kind", "name", "not affine", "overlap", "race",
    "uniformity", "update", "unwritten",
]  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or that could not be proved.

    Attributes
    ----------
    kind : str
        Which rule is broken.
    statement : Statement
        Where.
    what : str
        The element, array or symbol, as text.
    expected : str
        What the rule says.
    example : str
        Whole numbers for which it is broken, where some were found.
    proved : bool
        Whether it is known to be broken; if not, the rule could be neither proved nor refuted.
    """

    kind: Kind
    statement: Statement
    what: str
    expected: str
    example: str = ""
    proved: bool = True

    def __str__(self) -> str:
        place = text_of(self.statement)
        shown = f" (with {self.example})" if self.example else ""
        doubt = "" if self.proved else "not proved: "
        return f"{doubt}{self.kind}: {self.what} in {place}: expected that {self.expected}{shown}"


@dataclass
class Findings:
    """Findings in the order in which they were made."""

    found: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Add one, unless the same was found already."""
        said = str(finding)
        if all(str(other) != said for other in self.found):
            self.found.append(finding)


@dataclass(frozen=True)
class Report:
    """What is wrong with a program, and what could be neither proved nor refuted."""

    findings: tuple[Finding, ...]
    unproved: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether everything was proved."""
        return not self.findings and not self.unproved

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.findings, *self.unproved))) or "sound"


def text_of(statement: Statement) -> str:
    """Return a statement as one line."""
    if isinstance(statement, Assign):
        return f"{statement.target} = {statement.value}"
    if isinstance(statement, Accumulate):
        operator = "+=" if statement.operation == "sum" else "max="
        return f"{statement.target} {operator} {statement.value}"
    if isinstance(statement, For):
        return f"for {statement.index} from {statement.start} to {statement.end}"
    if isinstance(statement, If):
        return f"if {statement.condition}"
    if isinstance(statement, Product):
        return f"{statement.target} = {statement.addend} + {statement.first} · {statement.second}"
    if isinstance(statement, Return):
        return f"return {statement.value}" if statement.value is not None else "the end"
    return str(statement)
