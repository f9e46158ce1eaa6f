"""scopes: names are used where they stand for something, and arguments as their roles say.

An index stands for a number inside its loop, a symbol after its Let or Divide, an array after it
was made, to the end of the block in which that happens.
"""

from collections.abc import Iterable
from typing import Any

import sympy

from symbp.loops.nodes import (
    MEMBER,
    MEMBERS,
    Accumulate,
    Allocate,
    AllReduce,
    Assign,
    Barrier,
    Call,
    Divide,
    For,
    Function,
    If,
    Let,
    Product,
    Return,
    Statement,
    View,
)
from symbp.loops.report import Finding, Findings
from symbp.loops.traverse import indices_of, reads_of, writes_of
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["check_scopes"]


def check_scopes(function: Function) -> Findings:
    """Return the names that are used where they stand for nothing, and broken roles."""
    result = Findings()
    arrays = {argument.array: argument.role == "in" for argument in function.arguments}
    _Walk(function, result).block(
        function.body, {*function.sizes, MEMBER, MEMBERS}, arrays, outermost=True
    )
    return result


class _Walk:
    def __init__(self, function: Function, result: Findings) -> None:
        self.function, self.result = function, result

    def block(
        self,
        body: Iterable[Statement],
        names: set[Any],
        arrays: dict[Tensor, bool],
        outermost: bool = False,
    ) -> None:
        """Look at statements; of each array it is known whether it may only be read."""
        names, arrays = set(names), dict(arrays)
        statements = tuple(body)
        for place, statement in enumerate(statements):
            inner = set(names)
            if isinstance(statement, Product):
                inner.update(indices_of(statement.spans))
                for span in statement.spans:
                    self.numbers(statement, (span.start, span.end), names)
            self.numbers(statement, _numbers(statement), inner)
            self.elements(statement, inner, arrays)
            if isinstance(statement, For):
                if statement.index in names:
                    self.add(statement, str(statement.index), "a loop has an index of its own")
                self.block(statement.body, {*names, statement.index}, arrays)
            elif isinstance(statement, If):
                self.block(statement.body, names, arrays)
                self.block(statement.otherwise, names, arrays)
            elif isinstance(statement, Let):
                self.fresh(statement, statement.symbol, names)
            elif isinstance(statement, Divide):
                self.fresh(statement, statement.first, names)
                self.fresh(statement, statement.last, names)
            elif isinstance(statement, Allocate | View):
                self.array(statement, arrays)
            elif isinstance(statement, AllReduce):
                if statement.array not in arrays:
                    self.unknown(statement, statement.array)
            elif isinstance(statement, Return) and not (outermost and place == len(statements) - 1):
                self.add(statement, "a return", "it stands at the end of the function only")

    def fresh(self, statement: Statement, symbol: sympy.Symbol, names: set[Any]) -> None:
        """Make a symbol known."""
        if symbol in names:
            self.add(statement, symbol.name, "a symbol is given one value")
        names.add(symbol)

    def array(self, statement: Allocate | View, arrays: dict[Tensor, bool]) -> None:
        """Make an array known."""
        tensor, rank = statement.array, statement.array.rank
        if tensor in arrays:
            self.add(statement, tensor.name, "an array is made once")
        if statement.shape is not None and len(statement.shape) != rank:
            self.add(statement, tensor.name, f"it has a shape of {rank} axes")
        if isinstance(statement, Allocate):
            if statement.kind == "register" and rank:
                self.add(statement, tensor.name, "a register is a scalar")
            arrays[tensor] = False
        elif statement.of in arrays:
            arrays[tensor] = arrays[statement.of]
        else:
            self.unknown(statement, statement.of)

    def numbers(self, statement: Statement, values: Iterable[Any], names: set[Any]) -> None:
        """Look at whole numbers and conditions."""
        for value in values:
            if isinstance(value, sympy.Basic):
                for symbol in sorted(value.free_symbols - names, key=str):
                    if isinstance(symbol, Index):
                        self.add(statement, str(symbol), "an index is used inside of its loop")
                    elif isinstance(symbol, sympy.Symbol):
                        self.add(statement, str(symbol), "a symbol is used after it has a value")

    def elements(self, statement: Statement, names: set[Any], arrays: dict[Tensor, bool]) -> None:
        """Look at what a statement reads and writes."""
        for element in dict.fromkeys((*reads_of(statement), *_elements(statement))):
            self.known(statement, element, names, arrays)
        for element in writes_of(statement):
            self.known(statement, element, names, arrays)
            if arrays.get(element.tensor, False):
                self.result.add(
                    Finding("argument", statement, str(element), "what only goes in is not written")
                )

    def known(
        self,
        statement: Statement,
        element: Element,
        names: set[Any],
        arrays: dict[Tensor, bool],
    ) -> None:
        """Look at one element."""
        self.numbers(statement, element.args, names)
        if element.tensor not in arrays:
            self.unknown(statement, element.tensor)

    def unknown(self, statement: Statement, tensor: Tensor) -> None:
        """Add that an array has no memory where it is used."""
        self.add(statement, tensor.name, "an array is used after memory is there for it")

    def add(self, statement: Statement, what: str, expected: str) -> None:
        """Add a finding."""
        self.result.add(Finding("name", statement, what, expected))


def _numbers(statement: Statement) -> tuple[Any, ...]:
    """Return the whole numbers, conditions and values of a statement itself."""
    if isinstance(statement, Allocate | View):
        offset = (statement.offset,) if isinstance(statement, View) else ()
        return (*(statement.shape or ()), *offset)
    if isinstance(statement, Let):
        return (statement.value,)
    if isinstance(statement, Divide):
        return statement.start, statement.end
    if isinstance(statement, For):
        return statement.start, statement.end, statement.step
    if isinstance(statement, If):
        return (statement.condition,)
    if isinstance(statement, Assign | Accumulate):
        return statement.value, *statement.target.args
    if isinstance(statement, Product):
        return (statement.alpha,)
    if isinstance(statement, Return):
        return (statement.value,)
    assert isinstance(statement, Barrier | AllReduce | Call)
    return ()


def _elements(statement: Statement) -> set[Element]:
    """Return the elements in whole numbers."""
    if isinstance(statement, Let | Divide | For):
        values = [v for v in _numbers(statement) if isinstance(v, sympy.Basic)]
        return {element for value in values for element in value.atoms(Element)}
    return set()
