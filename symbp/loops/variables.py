"""variables: the whole numbers of a loop program, and what is known of each.

A loop's index, a share's ends, a smaller of two sizes and a datum that stands in a subscript are
variables; all other whole numbers are forms of these. A variable has one value for given values of
the loops around what defines it; where two turns or two members are compared, the other's
variables are the negative numbers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from symbp.notation.affine import Form, System, added, scaled, shifted, variable
from symbp.notation.tensor import Tensor

__all__ = [
    "Data", "Definition", "Greatest", "Least", "Quotient", "Share", "Stepped", "Variables",
]  # fmt: skip


@dataclass(frozen=True)
class Stepped:
    """A loop's index that skips numbers: ``start, start + step, …``, or downwards."""

    start: Form
    step: Form
    upwards: bool


@dataclass(frozen=True)
class Least:
    """The smallest of some numbers."""

    arms: tuple[Form, ...]


@dataclass(frozen=True)
class Greatest:
    """The largest of some numbers."""

    arms: tuple[Form, ...]


@dataclass(frozen=True)
class Quotient:
    """A number divided by another, rounded down."""

    form: Form
    divisor: int


@dataclass(frozen=True)
class Share:
    """Where a member's share of a range begins, or ends."""

    start: Form
    end: Form
    first: int
    last: int


@dataclass(frozen=True)
class Data:
    """An element of an array of whole numbers, or what is not affine.

    Attributes
    ----------
    array : Tensor, optional
        Whose element it is, if equal subscripts mean equal numbers.
    subscripts : tuple of Form
        Which element.
    around : frozenset of int
        The variables of the loops in whose turns the array is written anew.
    """

    array: Tensor | None = None
    subscripts: tuple[Form, ...] = ()
    around: frozenset[int] = frozenset()


Definition = Stepped | Least | Greatest | Quotient | Share | Data


class Variables:
    """All variables of a function: for each, by number, what is known of it."""

    def __init__(self) -> None:
        self.names: list[str] = [""]
        self.depths: list[int] = [0]
        self.uniform: list[bool] = [True]
        self.definitions: list[Definition | None] = [None]
        self.facts: list[list[Form]] = [[]]
        self._by_key: dict[Any, int] = {}

    def new(
        self,
        name: str,
        depth: int,
        uniform: bool,
        definition: Definition | None = None,
        facts: Iterable[Form] = (),
    ) -> int:
        """Return a new variable.

        Parameters
        ----------
        name : str
            How messages call it.
        depth : int
            How many loops have to be at the same turn for it to have the same value.
        uniform : bool
            Whether it is then the same on all members of a team.
        definition : Definition, optional
            What it is, if not any number within its bounds.
        facts : iterable of Form
            What is not negative wherever it has a value.
        """
        self.names.append(name)
        self.depths.append(depth)
        self.uniform.append(uniform)
        self.definitions.append(definition)
        self.facts.append(list(facts))
        return len(self.names) - 1

    def once(self, key: Any, make: Callable[[], int]) -> int:
        """Return the variable of a key, made if there is none yet."""
        if key not in self._by_key:
            self._by_key[key] = make()
        return self._by_key[key]

    def depth(self, forms: Iterable[Form]) -> int:
        """Return the depth of what is computed from forms."""
        return max((self.depths[abs(n)] for form in forms for n in form), default=0)

    def all_uniform(self, forms: Iterable[Form]) -> bool:
        """Whether what is computed from forms is the same on all members."""
        return all(self.uniform[abs(n)] for form in forms for n in form)

    def least(self, arms: list[Form], smallest: bool) -> Form:
        """Return the smallest or the largest of some numbers."""
        key = (smallest, frozenset(frozenset(arm.items()) for arm in arms))

        def make() -> int:
            depth, uniform = self.depth(arms), self.all_uniform(arms)
            definition: Definition = Least(tuple(arms)) if smallest else Greatest(tuple(arms))
            name = self.new("min" if smallest else "max", depth, uniform, definition)
            sign = 1 if smallest else -1
            facts = self.facts[name]
            facts += [scaled(added(arm, variable(name), -1), sign) for arm in arms]
            for bound in (1, 0) if smallest else ():
                if all(self.implied(shifted(arm, -bound)) for arm in arms):
                    facts.append(shifted(variable(name), -bound))
                    break
            return name

        return variable(self.once(key, make))

    def quotient(self, form: Form, divisor: int) -> Form:
        """Return a form divided by a positive number, rounded down."""
        key = ("quotient", frozenset(form.items()), divisor)

        def make() -> int:
            depth, uniform = self.depth([form]), self.all_uniform([form])
            name = self.new("quotient", depth, uniform, Quotient(form, divisor))
            self.facts[name] += self.quotient_rows(name, form, divisor)
            return name

        return variable(self.once(key, make))

    @staticmethod
    def quotient_rows(name: int, form: Form, divisor: int) -> list[Form]:
        """Return what defines a quotient."""
        rest = added(form, variable(name), -divisor)
        return [rest, shifted(scaled(rest, -1), divisor - 1)]

    def share(self, names: tuple[str, str], start: Form, end: Form) -> Share:
        """Return a member's share of a range: the same variables for the same range."""
        key = ("share", frozenset(start.items()), frozenset(end.items()))

        def make() -> int:
            depth = self.depth([start, end])
            first = self.new(names[0], depth, False)
            last = self.new(names[1], depth, False)
            facts = [
                added(variable(first), start, -1),
                added(variable(last), variable(first), -1),
            ]
            if self.implied(added(end, start, -1)):
                facts.append(added(end, variable(last), -1))
            share = Share(start, end, first, last)
            for name in (first, last):
                self.facts[name] += facts
                self.definitions[name] = share
            return first

        found = self.definitions[self.once(key, make)]
        assert isinstance(found, Share)
        return found

    def with_facts(
        self,
        system: System,
        other: Callable[[int], int] | None = None,
        names: Iterable[int] = (),
    ) -> System:
        """Return a system together with what is known of its variables, and of theirs.

        Parameters
        ----------
        system : System
            Of one instance, or of two.
        other : callable, optional
            Given a variable, returns the other instance's: itself if both share it.
        names : iterable of int
            Variables besides those of the system.
        """
        result, seen = system.copy(), {0}
        waiting = [*system.variables(), *names]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for form in self.facts[abs(name)]:
                if name < 0:
                    assert other is not None, "two instances say what they share"
                    form = {other(part) if part else part: c for part, c in form.items()}
                result.require(form)
                waiting += [part for part in form if part not in seen]
        return result

    def implied(self, form: Form) -> bool:
        """Whether a form is never negative, by what is known of its variables."""
        negated = System().require(shifted(scaled(form, -1), -1))
        return self.with_facts(negated).is_empty()

    def cases(self, system: System) -> list[System]:
        """Return a system for each choice of which arm a minimum or maximum is."""
        result = [system]
        for name in sorted(system.variables()):
            definition = self.definitions[abs(name)]
            if name < 0 or not isinstance(definition, Least | Greatest) or len(result) > 8:
                continue
            result = [
                case.copy().require_zero(added(variable(name), arm, -1))
                for case in result
                for arm in definition.arms
            ]
        return result

    def text(self, point: dict[int, int]) -> str:
        """Return an example's numbers as text."""
        shown = [
            f"{self.names[abs(name)]}{'′' if name < 0 else ''} = {value}"
            for name, value in sorted(point.items(), key=lambda item: (abs(item[0]), -item[0]))
        ]
        return ", ".join(shown)
