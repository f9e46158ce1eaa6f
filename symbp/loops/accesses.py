"""accesses: every read and write of a function, with the whole numbers for which it happens.

The verifier's one walk over a program. Each access has its subscripts as forms of variables, a
system that says for which turns it happens, and its place among the statements; what the proofs
need of arrays, shares and control is collected on the way.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import sympy

from symbp.loops.nodes import (
    MEMBER,
    MEMBERS,
    Accumulate,
    Allocate,
    AllReduce,
    Assign,
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
from symbp.loops.survey import Access, Array, Control, Loop, Path, Survey
from symbp.loops.variables import Data, Stepped, Variables
from symbp.loops.whole import Alternative, Numbers, combined, conditions, guarded_reads
from symbp.notation.affine import Form, System, added, constant, shifted, variable
from symbp.notation.tensor import Element, Tensor

__all__ = ["survey"]


@dataclass(frozen=True)
class _Scope:
    """Where the walk is."""

    numbers: Numbers
    arrays: dict[Tensor, Array]
    domain: System
    alternatives: tuple[Alternative, ...] = (((), True),)
    exact: bool = True
    loops: tuple[Loop, ...] = ()
    path: Path = ()


def survey(function: Function) -> Survey:
    """Return all accesses of a function whose calls are written out."""
    found = Survey(function, Variables())
    _Walk(found).run()
    return found


class _Walk:
    def __init__(self, found: Survey) -> None:
        self.found, self.function, self.variables = found, found.function, found.variables
        self.position = 0

    def run(self) -> None:
        """Walk over the whole function."""
        variables = self.variables
        known: dict[Any, Form] = {}
        for symbol in self.function.sizes:
            name = variables.new(symbol.name, 0, True)
            if symbol.is_positive:
                variables.facts[name].append({name: 1, 0: -1})
            elif symbol.is_nonnegative:
                variables.facts[name].append({name: 1})
            known[symbol] = variable(name)
        if self.function.team:
            count = variables.new("members", 0, True)
            variables.facts[count].append({count: 1, 0: -1})
            member = variables.new("member", 0, False)
            variables.facts[member] += [{member: 1}, {count: 1, member: -1, 0: -1}]
            known |= {MEMBER: variable(member), MEMBERS: variable(count)}
        else:
            known |= {MEMBER: {}, MEMBERS: constant(1)}
        self.found.known = known
        numbers = self.found.sizes
        domain = self.found.base
        arrays: dict[Tensor, Array] = {}
        for argument in self.function.arguments:
            shape = tuple(numbers.form(e) for e in argument.array.shape)
            arrays[argument.array] = Array(argument.array, argument.role, shape, 0)
            self.found.arrays.append(arrays[argument.array])
        self.block(self.function.body, _Scope(numbers, arrays, domain))
        self.found.end = self.position + 2

    def block(self, body: tuple[Statement, ...], scope: _Scope) -> None:
        """Walk over statements; names hold from where they are made to the end of the block."""
        for place, statement in enumerate(body):
            self.position += 2
            here = replace(scope, path=(*scope.path, (body, place)))
            scope = replace(self.statement(statement, here), path=scope.path)

    def statement(self, statement: Statement, scope: _Scope) -> _Scope:
        """Walk over a statement; returns the scope after it."""
        if isinstance(statement, Assign | Accumulate):
            self.reads(statement.value, scope, statement)
            self.write(statement.target, scope, statement, isinstance(statement, Accumulate))
        elif isinstance(statement, For):
            self.loop(statement, scope)
        elif isinstance(statement, If):
            self.branches(statement, scope)
        elif isinstance(statement, Product):
            self.product(statement, scope)
        elif isinstance(statement, Let):
            return self.let(statement, scope)
        elif isinstance(statement, Divide):
            return self.divide(statement, scope)
        elif isinstance(statement, Allocate | View):
            return self.memory(statement, scope)
        elif isinstance(statement, AllReduce):
            self.all_reduce(statement, scope)
        elif isinstance(statement, Return) and statement.value is not None:
            self.reads(statement.value, scope, statement)
            self.control(statement, scope)
        else:
            self.control(statement, scope)
        return scope

    def control(self, statement: Statement, scope: _Scope, *forms: Form | None) -> None:
        """Remember a statement that is no access."""
        self.found.controls.append(Control(statement, scope.domain, scope.loops, scope.path, forms))

    # Statements -------------------------------------------------------------------------------

    def loop(self, statement: For, scope: _Scope) -> None:
        """Walk over a loop."""
        start, end = self.whole(statement.start, scope), self.whole(statement.end, scope)
        step = self.whole(statement.step, scope)
        stepping = sympy.sympify(statement.step, strict=True)
        if start is None or end is None or step is None or stepping.is_zero is not False:
            self.strange(statement, "bounds that are not affine")
            return
        upwards = bool(stepping.is_positive)
        if not upwards and not stepping.is_negative:
            self.strange(statement, "a step of unknown sign")
            return
        depth = len(scope.loops) + 1
        uniform = self.variables.all_uniform([start, end, step])
        single = set(step) <= {0} and abs(step.get(0, 0)) == 1
        definition = None if single else Stepped(start, step, upwards)
        index = self.variables.new(str(statement.index), depth, uniform, definition)
        # There is a turn if the second of the forms is larger than the first.
        self.control(statement, scope, *((start, end) if upwards else (end, start)))
        if upwards:
            rows = _range(index, start, end)
        else:
            rows = _range(index, shifted(end, 1), shifted(start, 1))
        self.variables.facts[index] += rows
        domain = scope.domain.copy().require(*rows)
        loop = Loop(statement, index, start, end, step, upwards, domain)
        numbers = scope.numbers.with_name(statement.index, variable(index))
        inner = replace(scope, numbers=numbers, domain=domain, loops=(*scope.loops, loop))
        self.block(statement.body, inner)

    def branches(self, statement: If, scope: _Scope) -> None:
        """Walk over both bodies of a conditional."""
        self.reads(statement.condition, scope, statement)
        self.control(statement, scope)
        alternatives = {
            truth: conditions(statement.condition, truth, self.whole_of(scope))
            for truth in (True, False)
        }
        known = all(exact for _, exact in alternatives[True])
        if not known:
            # Nobody knows when it holds, but for the same turns and member it holds or not.
            depth = len(scope.loops)
            name = self.variables.new(str(statement.condition), depth, False, Data())
            self.variables.facts[name] += [variable(name), {name: -1, 0: 1}]
            for truth, row in ((True, {name: 1, 0: -1}), (False, {name: -1})):
                alternatives[truth] = [((*rows, row), True) for rows, _ in alternatives[truth]]
        for body, truth in ((statement.body, True), (statement.otherwise, False)):
            inner = replace(scope, exact=scope.exact and known)
            if len(alternatives[truth]) == 1:
                ((rows, _),) = alternatives[truth]
                inner = replace(inner, domain=inner.domain.copy().require(*rows))
            else:
                both = combined(inner.alternatives, alternatives[truth])
                inner = replace(inner, alternatives=tuple(both))
            self.block(body, inner)
        if statement.otherwise:
            for body in (statement.body, statement.otherwise):
                self.suppose(body, scope)

    def suppose(self, body: tuple[Statement, ...], scope: _Scope) -> None:
        """Record the writes of a branch as if they stood behind the conditional."""
        walk = _Walk(Survey(self.function, self.variables, known=self.found.known))
        walk.position = self.position
        walk.block(body, scope)
        self.position = walk.position
        self.found.supposed += [
            replace(access, path=scope.path, position=self.position + 1)
            for access in walk.found.accesses
            if access.writes and access.array in scope.arrays.values()
        ]

    def product(self, statement: Product, scope: _Scope) -> None:
        """Record what a product reads and writes, for all of its ranges."""
        inner, outer = scope, scope
        for span in statement.spans:
            start, end = self.whole(span.start, scope), self.whole(span.end, scope)
            if start is None or end is None:
                self.strange(statement, "a range that is not affine")
                return
            uniform = self.variables.all_uniform([start, end])
            index = self.variables.new(str(span.index), len(scope.loops) + 1, uniform)
            rows = _range(index, start, end)
            self.variables.facts[index] += rows
            domain = inner.domain.copy().require(*rows)
            numbers = inner.numbers.with_name(span.index, variable(index))
            inner = replace(inner, numbers=numbers, domain=domain)
            if span not in statement.summed:
                outer = inner
        for element in (statement.first, statement.second):
            if element is not None:
                self.reads(element, inner, statement)
        self.reads(statement.alpha, outer, statement)
        if statement.addend is not None and statement.addend != statement.target:
            self.reads(statement.addend, outer, statement)
        self.write(statement.target, outer, statement, statement.addend == statement.target)

    def let(self, statement: Let, scope: _Scope) -> _Scope:
        """Name a whole number."""
        self.reads(statement.value, scope, statement)
        form = self.whole(statement.value, scope)
        self.control(statement, scope, form)
        if form is None:
            self.strange(statement, "a number that is not affine")
            form = variable(self.variables.new(statement.symbol.name, len(scope.loops), False))
        else:
            for name in form:
                if self.variables.names[abs(name)] in ("min", "max", "quotient"):
                    self.variables.names[abs(name)] = statement.symbol.name
        return replace(scope, numbers=scope.numbers.with_name(statement.symbol, form))

    def divide(self, statement: Divide, scope: _Scope) -> _Scope:
        """Name the ends of a member's share."""
        start, end = self.whole(statement.start, scope), self.whole(statement.end, scope)
        self.control(statement, scope, start, end)
        if start is None or end is None:
            self.strange(statement, "a range that is not affine")
            start, end = {}, {}
        numbers = scope.numbers
        if not self.function.team:
            ends: tuple[Form, Form] = (start, end)
        else:
            names = (statement.first.name, statement.last.name)
            share = self.variables.share(names, start, end)
            ends = (variable(share.first), variable(share.last))
        numbers = numbers.with_name(statement.first, ends[0])
        return replace(scope, numbers=numbers.with_name(statement.last, ends[1]))

    def memory(self, statement: Allocate | View, scope: _Scope) -> _Scope:
        """Make an array known."""
        tensor = statement.array
        extents = statement.shape if statement.shape is not None else tensor.shape
        shape = tuple(self.whole(extent, scope) for extent in extents)
        if isinstance(statement, Allocate):
            array = Array(tensor, statement.kind, shape, len(scope.loops), position=self.position)
        else:
            of = scope.arrays.get(statement.of)
            if of is None:
                self.strange(statement, f"{statement.of.name} has no memory here")
                return scope
            offset = self.whole(statement.offset, scope)
            if offset is not None and of.offset is not None:
                offset = added(of.offset, offset)
            else:
                offset = None
            array = Array(tensor, of.kind, shape, of.depth, of.memory, offset, self.position)
        self.found.arrays.append(array)
        self.found.controls.append(
            Control(statement, scope.domain, scope.loops, scope.path, array.shape, array)
        )
        return replace(scope, arrays={**scope.arrays, tensor: array})

    def all_reduce(self, statement: AllReduce, scope: _Scope) -> None:
        """Record that all of an array is read and written."""
        self.control(statement, scope)
        array = scope.arrays.get(statement.array)
        if array is None:
            self.strange(statement, f"{statement.array.name} has no memory here")
            return
        domain, subscripts = scope.domain.copy(), []
        for extent in array.shape:
            index = self.variables.new("i", len(scope.loops) + 1, True)
            subscripts.append(variable(index))
            if extent is not None:
                domain.require(*_range(index, {}, extent))
        for how in ("read", "assign"):
            self.access(array.tensor.element, array, subscripts, how, domain, scope, statement)

    # Elements ---------------------------------------------------------------------------------

    def reads(self, expression: Any, scope: _Scope, statement: Statement) -> None:
        """Record every element that an expression reads, where its conditions let it."""
        whole = self.whole_of(scope)
        for element, guards in guarded_reads(expression, whole):
            array = self.array(element, scope, statement)
            if array is not None:
                subscripts = [whole(subscript) for subscript in element.args]
                self.access(
                    element, array, subscripts, "read", scope.domain, scope, statement, guards
                )

    def write(
        self, target: Element, scope: _Scope, statement: Statement, accumulates: bool
    ) -> None:
        """Record that an element is written, and what its subscripts read."""
        for subscript in target.args:
            if subscript.atoms(Element):
                self.reads(subscript, scope, statement)
        array = self.array(target, scope, statement)
        if array is None:
            return
        subscripts = [self.whole(subscript, scope) for subscript in target.args]
        hows = ("read", "accumulate") if accumulates else ("assign",)
        for how in hows:
            self.access(target, array, subscripts, how, scope.domain, scope, statement)

    def array(self, element: Element, scope: _Scope, statement: Statement) -> Array | None:
        """Return the array of an element."""
        array = scope.arrays.get(element.tensor)
        if array is None:
            self.strange(statement, f"{element.tensor.name} has no memory here")
        elif len(array.shape) != len(element.args):
            self.strange(statement, f"{element} of an array with {len(array.shape)} axes")
            return None
        return array

    def access(
        self,
        element: Element,
        array: Array,
        subscripts: Iterable[Form | None],
        how: Any,
        domain: System,
        scope: _Scope,
        statement: Statement,
        guards: Iterable[Alternative] = (((), True),),
    ) -> None:
        """Record an access, one for each alternative of the conditions around it."""
        position = self.position + (how != "read")
        value = None
        if how != "read" and array.tensor.kind == "integer" and isinstance(statement, Assign):
            value = self.whole(statement.value, scope)
        for rows, exact in combined(scope.alternatives, guards):
            here = domain.copy().require(*rows) if rows else domain
            self.found.accesses.append(
                Access(
                    element, array, tuple(subscripts), how, here, exact and scope.exact,
                    scope.loops, position, scope.path, statement, value,
                )
            )  # fmt: skip

    # Numbers ----------------------------------------------------------------------------------

    def whole(self, expression: Any, scope: _Scope) -> Form | None:
        """Return a whole number as a form."""
        return scope.numbers.form(expression)

    def whole_of(self, scope: _Scope) -> Any:
        """Return what reads whole numbers in a scope."""
        return lambda expression: scope.numbers.form(expression)

    def strange(self, statement: Statement, what: str) -> None:
        """Remember what no proof can deal with."""
        self.found.strange.append((statement, what))


def _range(index: int, start: Form, end: Form) -> list[Form]:
    """Return what is not negative for ``start, …, end - 1``."""
    return [added(variable(index), start, -1), shifted(added(end, variable(index), -1), -1)]
