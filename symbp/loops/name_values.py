"""name_values: a value that one body needs twice gets a register.

::

    C += (a[n] - y[n])**2                      v = a[n] - y[n]
    d[n] = 1/N · (a[n] - y[n])           ─►    C += v**2
                                               d[n] = 1/N · v

A small power is of a register, so that a target can multiply it out; a value that is stored and
then read in the same body is read from its register. Nothing is evaluated that would not be.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy

from symbp.loops.dependence import Dependence
from symbp.loops.hoist import is_safe, rebuilt
from symbp.loops.nodes import Accumulate, Allocate, Assign, For, Function, If, Statement
from symbp.loops.traverse import elements_in, elements_of, with_body
from symbp.notation.collected import denominator
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.noise import Random
from symbp.notation.tensor import Element, Tensor

__all__ = ["MOST_FACTORS", "name_values"]

# Powers up to here are multiplied out.
MOST_FACTORS = 4


def name_values(function: Function) -> Function:
    """Return an equivalent function in which no body computes or loads a value twice.

    Parameters
    ----------
    function : Function
        In its final order.
    """
    return function.replace(body=_Namer(function).body(function.body))


class _Namer:
    """Names the values of one function's bodies."""

    def __init__(self, function: Function) -> None:
        self.dependence = Dependence(function)
        self.count = 0
        written = Counter(e.tensor for e, writes in elements_in(function.body) if writes)
        self.single = {t for t, count in written.items() if not t.rank and count == 1}

    def body(self, given: Sequence[Statement]) -> tuple[Statement, ...]:
        """Return the statements of one body, and what is in them, with registers."""
        uses: dict[Any, int] = {}
        for statement in given:
            if isinstance(statement, Assign | Accumulate):
                _count(statement.value, uses)
        known: dict[Any, Element] = {}
        result: list[Statement] = []
        for statement in given:
            if isinstance(statement, Assign | Accumulate):
                made: list[Statement] = []
                target = statement.target
                if isinstance(statement, Assign) and target.tensor in self.single:
                    # It is a register for this value already.
                    value = self.parts_named(statement.value, uses, known, made)
                    result += [*made, _with_value(statement, value)]
                    if not _is_atom(value):
                        known.setdefault(statement.value, target)
                    continue
                value = self.named(statement.value, uses, known, made)
                read_later = isinstance(statement, Assign) and bool(target.args)
                if read_later and uses.get(target, 0) and not _is_atom(value):
                    value = self.register(value, made)
                result += made
                result.append(_with_value(statement, value))
                self.forget(known, statement)
                if read_later and uses.get(target, 0) and isinstance(value, Element):
                    known[target] = value
                continue
            if isinstance(statement, For):
                statement = with_body(statement, self.body(statement.body))
            elif isinstance(statement, If):
                chosen = self.body(statement.body)
                statement = with_body(statement, chosen, self.body(statement.otherwise))
            result.append(statement)
            self.forget(known, statement)
        return tuple(result)

    def forget(self, known: dict[Any, Element], statement: Statement) -> None:
        """Forget the values that a statement may change."""
        if not known:
            return
        uses = self.dependence.uses(statement)
        if uses.fixed:
            known.clear()
        for node in list(known):
            if not uses.writes.isdisjoint(node.free_symbols) or any(
                self.dependence.memory(e.tensor) in uses.writes for e in elements_of(node)
            ):
                del known[node]

    def register(self, value: Any, made: list[Statement]) -> Element:
        """Return a new register that holds a value."""
        self.count += 1
        register = Tensor(f"w{self.count}")[()]
        made += [Allocate(register.tensor, (), "register"), Assign(register, value)]
        return register

    def named(
        self, node: Any, uses: dict[Any, int], known: dict[Any, Element], made: list[Statement]
    ) -> Any:
        """Return an expression with registers for what is known or used again."""
        if node in known:
            return known[node]
        changed = self.parts_named(node, uses, known, made)
        if uses.get(node, 0) > 1 and is_safe(node) and not _is_atom(changed):
            changed = known[node] = self.register(changed, made)
        return changed

    def parts_named(
        self, node: Any, uses: dict[Any, int], known: dict[Any, Element], made: list[Statement]
    ) -> Any:
        """Return an expression with registers for its parts, but not for the whole."""
        if node in known:
            return known[node]
        if _is_atom(node) or node.is_number or isinstance(node, Element | Random):
            return node
        if isinstance(node, where):
            condition, *branches = node.args
            return rebuilt(
                node,
                (
                    condition,
                    *(
                        self.named(b, uses, known, made) if is_safe(b) else self.guarded(b, known)
                        for b in branches
                    ),
                ),
            )
        if isinstance(node, sympy.Pow):
            return self.power(node, uses, known, made)
        if isinstance(node, sympy.Mul):
            first, *rest = node.args
            return rebuilt(
                node,
                (
                    self.named(first, uses, known, made),
                    *(self.factor(argument, uses, known, made) for argument in rest),
                ),
            )
        if isinstance(node, sympy.Add | sympy.Function):
            return rebuilt(
                node, tuple(self.named(argument, uses, known, made) for argument in node.args)
            )
        return node

    def factor(
        self, node: Any, uses: dict[Any, int], known: dict[Any, Element], made: list[Statement]
    ) -> Any:
        """Return a factor; what is divided by stays a divisor, as a quotient is rounded once."""
        if not _divides(node):
            return self.named(node, uses, known, made)
        base, exponent = node.args
        return rebuilt(node, (self.named(base, uses, known, made), exponent))

    def power(
        self, node: sympy.Pow, uses: dict[Any, int], known: dict[Any, Element],
        made: list[Statement],
    ) -> Any:  # fmt: skip
        """Return a power; of a register, if it is to be multiplied out."""
        base, exponent = node.args
        named = self.named(base, uses, known, made)
        if not (exponent.is_Integer and 2 <= abs(int(exponent)) <= MOST_FACTORS):
            return rebuilt(node, (named, self.named(exponent, uses, known, made)))
        if exponent < 0:
            # Powers of the reciprocal: those of the base leave the range before the result does.
            named, exponent = 1 / named, -exponent
        if not _is_atom(named):
            named = self.register(named, made)
        return rebuilt(node, (named, exponent))

    def guarded(self, node: Any, known: dict[Any, Element]) -> Any:
        """Return an expression under a guard, where nothing new is computed in front."""
        present = {part: known[part] for part in known if node.has(part)}
        return node.xreplace(present) if present else node


def _with_value(statement: Assign | Accumulate, value: Any) -> Assign | Accumulate:
    return statement if value is statement.value else replace(statement, value=value)


def _count(node: Any, uses: dict[Any, int]) -> None:
    if not isinstance(node, sympy.Basic) or (node.is_Atom and not isinstance(node, Element)):
        return
    uses[node] = uses.get(node, 0) + 1
    if uses[node] == 1 and not isinstance(node, Element | Random):
        for position, argument in enumerate(node.args):
            divisor = isinstance(node, sympy.Mul) and position and _divides(argument)
            _count(argument.args[0] if divisor else argument, uses)


def _divides(node: Any) -> bool:
    """Whether a factor is a division by its base, and not by a size of the batch."""
    return denominator(node) is not None and node.args[1] == -1 and not node.base.is_Symbol


def _is_atom(node: Any) -> bool:
    if isinstance(node, Element):
        return not node.args
    return bool(node.is_Symbol) or isinstance(node, Index) or bool(node.is_Number)
