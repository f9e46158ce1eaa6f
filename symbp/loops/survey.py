"""survey: what the verifier's walk over a program finds, for the proofs to ask about."""

from dataclasses import dataclass, field
from typing import Any, Literal

from symbp.loops.nodes import MEMBER, For, Function, Statement
from symbp.loops.variables import Variables
from symbp.loops.whole import Numbers
from symbp.notation.affine import Form, System
from symbp.notation.tensor import Element, Tensor

__all__ = ["Access", "Array", "Control", "Loop", "Path", "Survey"]

#: For each block around a statement, from outside to inside, the block and the place in it.
Path = tuple[tuple[tuple[Statement, ...], int], ...]


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop, and what its bounds are."""

    node: For
    index: int
    start: Form
    end: Form
    step: Form
    upwards: bool
    domain: System
    """For which turns of the loops around it, and of itself, its body runs."""


@dataclass(frozen=True, eq=False)
class Array:
    """An array by one of its names: where it lies, and how large it is."""

    tensor: Tensor
    kind: Literal["in", "out", "inout", "heap", "member", "register"]
    shape: tuple[Form | None, ...]
    depth: int
    """How many loops are around what allocates it: it is a new one at each of their turns."""
    root: "Array | None" = None
    offset: Form | None = field(default_factory=dict)
    position: int = 0

    @property
    def memory(self) -> "Array":
        """The array whose memory it is."""
        return self if self.root is None else self.root

    @property
    def shared(self) -> bool:
        """Whether all members of a team see the same numbers in it."""
        return self.memory.kind not in ("member", "register")


@dataclass(frozen=True, eq=False)
class Access:
    """One read or write, for all turns of the loops around it."""

    element: Element
    array: Array
    subscripts: tuple[Form | None, ...]
    how: Literal["read", "assign", "accumulate"]
    domain: System
    exact: bool
    """Whether it is known to happen for all numbers of its domain."""
    loops: tuple[Loop, ...]
    position: int
    path: Path
    statement: Statement
    value: Form | None = None
    """What is written, where it is a whole number."""

    @property
    def writes(self) -> bool:
        """Whether it writes."""
        return self.how != "read"


@dataclass(frozen=True, eq=False)
class Control:
    """A statement that is no access, where the proofs ask about it."""

    statement: Statement
    domain: System
    loops: tuple[Loop, ...]
    path: Path
    forms: tuple[Form | None, ...] = ()
    array: Array | None = None


@dataclass
class Survey:
    """What the walk found."""

    function: Function
    variables: Variables
    accesses: list[Access] = field(default_factory=list)
    supposed: list[Access] = field(default_factory=list)
    """Writes in one branch of a conditional, as if they stood behind it without a condition."""
    controls: list[Control] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)
    strange: list[tuple[Statement, str]] = field(default_factory=list)
    """What no proof can say anything about."""
    known: dict[Any, Form] = field(default_factory=dict)
    """The sizes, and a member's number."""
    base: System = field(default_factory=System)
    end: int = 0

    @property
    def member(self) -> int | None:
        """The variable of a member's number, in a team."""
        (number,) = self.known[MEMBER] or (None,)
        return number

    @property
    def sizes(self) -> Numbers:
        """What whole numbers stand for where the function begins."""
        return Numbers(self.variables, self.known, self.function)

    def by_memory(self) -> dict[Array, list[Access]]:
        """Return the accesses of each memory, in the order of the text."""
        result: dict[Array, list[Access]] = {}
        for access in self.accesses:
            result.setdefault(access.array.memory, []).append(access)
        return result
