"""uniform: what decides where the members of a team meet is the same on all of them.

A number is uniform if all members have the same: sizes, indices of loops with uniform bounds, and
what is read from shared memory at uniform places. A private array is uniform until something else
is written to it, or something by a part of the members; a sum over the members makes it so again.
"""

from collections.abc import Iterable
from typing import Any

import sympy

from symbp.loops.nodes import (
    MEMBER,
    Accumulate,
    Allocate,
    AllReduce,
    Assign,
    Barrier,
    Divide,
    For,
    Function,
    If,
    Let,
    Product,
    Return,
    Statement,
)
from symbp.loops.report import Finding, Findings
from symbp.loops.traverse import statements_in
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["check_uniform"]


def check_uniform(function: Function) -> Findings:
    """Return what decides a meeting of the team, or is returned, and may differ between members."""
    result = Findings()
    if function.team:
        walk = _Walk(function, result)
        walk.block(function.body, frozenset({MEMBER}), set(), uniform=True)
    return result


class _Walk:
    """Knows which arrays are private; what is not uniform is handed from block to block."""

    def __init__(self, function: Function, result: Findings) -> None:
        self.function, self.result = function, result
        self.private = {
            array: statement.kind != "heap" for array, statement in function.allocations.items()
        }

    def is_private(self, tensor: Tensor) -> bool:
        """Whether each member has an array of its own."""
        return self.private.get(self.function.memory(tensor), False)

    def block(
        self, body: Iterable[Statement], names: frozenset[Any], arrays: set[Tensor], uniform: bool
    ) -> None:
        """Walk over statements.

        Parameters
        ----------
        body : iterable of Statement
            In their order.
        names : frozenset
            The indices and symbols that differ between members.
        arrays : set of Tensor
            The private memory that differs; it is changed.
        uniform : bool
            Whether all members run the statements as often as each other.
        """
        for statement in body:
            if isinstance(statement, Assign | Accumulate | Product):
                self.write(statement, names, arrays, uniform)
            elif isinstance(statement, For):
                self.loop(statement, names, arrays, uniform)
            elif isinstance(statement, If):
                self.branches(statement, names, arrays, uniform)
            elif isinstance(statement, Let):
                if not (uniform and self.same(statement.value, names, arrays)):
                    names |= {statement.symbol}
            elif isinstance(statement, Divide):
                for value in (statement.start, statement.end):
                    self.need(statement, value, names, arrays, "a range is shared out by all")
                names |= {statement.first, statement.last}
            elif isinstance(statement, Allocate):
                if statement.kind == "heap":
                    for value in statement.shape:
                        self.need(statement, value, names, arrays, "all members share an array")
                    self.met(statement, uniform)
                arrays.discard(statement.array)
            elif isinstance(statement, AllReduce):
                self.met(statement, uniform)
                if not self.is_private(statement.array):
                    self.add(statement, statement.array.name, "each member has one of its own")
                arrays.discard(self.function.memory(statement.array))
            elif isinstance(statement, Barrier):
                self.met(statement, uniform)
            elif isinstance(statement, Return) and statement.value is not None:
                self.met(statement, uniform)
                self.need(statement, statement.value, names, arrays, "all members return the same")

    def write(
        self,
        statement: Assign | Accumulate | Product,
        names: frozenset[Any],
        arrays: set[Tensor],
        uniform: bool,
    ) -> None:
        """Note whether what is written to private memory differs."""
        memory = self.function.memory(statement.target.tensor)
        if not self.is_private(memory):
            return
        if isinstance(statement, Product):
            bounds = [bound for span in statement.spans for bound in (span.start, span.end)]
            read = [e for e in (statement.first, statement.second, statement.addend) if e]
            values: list[Any] = [statement.alpha, *bounds, *read]
        else:
            values = [statement.value]
        values += statement.target.args
        same = uniform and all(self.same(value, names, arrays) for value in values)
        if not same:
            arrays.add(memory)
        elif isinstance(statement, Assign) and not statement.target.args:
            arrays.discard(memory)

    def loop(
        self, statement: For, names: frozenset[Any], arrays: set[Tensor], uniform: bool
    ) -> None:
        """Walk over a loop until nothing more is found to differ."""
        bounds = (statement.start, statement.end, statement.step)
        same = all(self.same(bound, names, arrays) for bound in bounds)
        if _meets(statement.body):
            for bound in bounds:
                self.need(statement, bound, names, arrays, "all members meet as often")
        inner = names if same else names | {statement.index}
        while True:
            before = set(arrays)
            self.block(statement.body, inner, arrays, uniform and same)
            arrays |= before
            if arrays == before:
                return

    def branches(
        self, statement: If, names: frozenset[Any], arrays: set[Tensor], uniform: bool
    ) -> None:
        """Walk over both bodies of a conditional."""
        same = self.same(statement.condition, names, arrays)
        if _meets((*statement.body, *statement.otherwise)):
            self.need(statement, statement.condition, names, arrays, "all members meet")
        other = set(arrays)
        self.block(statement.body, names, arrays, uniform and same)
        self.block(statement.otherwise, names, other, uniform and same)
        arrays |= other

    def same(self, value: Any, names: frozenset[Any], arrays: set[Tensor]) -> bool:
        """Whether a value is the same on all members."""
        if not isinstance(value, sympy.Basic):
            return True
        return not (value.atoms(sympy.Symbol, Index) & names) and not any(
            self.function.memory(element.tensor) in arrays for element in value.atoms(Element)
        )

    def need(
        self, statement: Statement, value: Any, names: frozenset[Any], arrays: set[Tensor], why: str
    ) -> None:
        """Add a finding if a value may differ."""
        if not self.same(value, names, arrays):
            self.add(statement, str(value), f"{why}, so that it is equal on all members")

    def met(self, statement: Statement, uniform: bool) -> None:
        """Add a finding if only some members may come to where all meet."""
        if not uniform:
            self.add(statement, "a meeting of the team", "all members come to it equally often")

    def add(self, statement: Statement, what: str, expected: str) -> None:
        """Add a finding."""
        self.result.add(Finding("uniformity", statement, what, expected))


def _meets(body: Iterable[Statement]) -> bool:
    """Whether the members meet in some statements."""
    return any(
        isinstance(s, Barrier | AllReduce | Return)
        or (isinstance(s, Allocate) and s.kind == "heap")
        for s in statements_in(body)
    )
