"""hoist: what a loop computes anew in each turn, and need not, is computed before it.

::

    for j: for n: z[j, n] = c / N · x[n] + b[j]      v = c / N
                                               ─►    for j: w = b[j]
                                                            for n: z[j, n] = v · x[n] + w

Sums and products keep their order: of their arguments only those in front are taken out together.
What stands under a condition that guards a read stays there.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.loops.dependence import Dependence
from symbp.loops.nodes import Accumulate, Allocate, Assign, For, Function, If, Statement
from symbp.loops.traverse import elements_of, renamed, statements_in, with_body
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.noise import Random
from symbp.notation.tensor import Element, Tensor

__all__ = ["hoist", "is_safe", "rebuilt"]


def hoist(function: Function) -> Function:
    """Return an equivalent function whose loops hold less.

    Parameters
    ----------
    function : Function
        In its final order: a register holds a value for one loop.
    """
    return function.replace(body=_Hoister(function).body(function.body))


def is_safe(expression: Any) -> bool:
    """Whether evaluating an expression reads nothing but elements that always exist."""
    return all(element.is_inside for element in elements_of(expression))


class _Hoister:
    """Takes invariants out of the loops of one function, the inner ones first."""

    def __init__(self, function: Function) -> None:
        self.dependence = Dependence(function)
        self.count = 0
        self.registers: set[Tensor] = set()

    def body(self, given: Sequence[Statement]) -> tuple[Statement, ...]:
        """Return statements, with what is taken out of a loop in front of it."""
        result: list[Statement] = []
        for statement in given:
            if isinstance(statement, If):
                chosen = self.body(statement.body)
                result.append(with_body(statement, chosen, self.body(statement.otherwise)))
            elif isinstance(statement, For):
                inner = with_body(statement, self.body(statement.body))
                assert isinstance(inner, For)
                before, loop = self.loop(inner)
                result += [*before, loop]
            else:
                result.append(statement)
        return tuple(result)

    def loop(self, loop: For) -> tuple[list[Statement], For]:
        """Return what is computed before a loop, and the loop without it."""
        written = self.dependence.uses(loop).writes
        inner = {s.index for s in statements_in([loop]) if isinstance(s, For)}
        own = {s.array for s in loop.body if isinstance(s, Allocate)} - self.registers
        written = written - self.registers - {("place", r) for r in self.registers}
        made: dict[Expr, Element] = {}
        before: list[Statement] = []

        def varies(node: Any) -> bool:
            symbols = node.free_symbols
            if not inner.isdisjoint(symbols) or not written.isdisjoint(symbols):
                return True
            return any(
                element.tensor in own or self.dependence.memory(element.tensor) in written
                for element in elements_of(node)
            )

        def out(node: Expr) -> Expr:
            if node not in made:
                self.count += 1
                register = Tensor(f"v{self.count}")[()]
                self.registers.add(register.tensor)
                made[node] = register
                before.extend([Allocate(register.tensor, (), "register"), Assign(register, node)])
            return made[node]

        counts: dict[Expr, int] = {}
        for child in loop.body:
            if isinstance(child, Assign | Accumulate):
                for node in child.value.atoms(sympy.Pow):
                    if _is_reciprocal_of_count(node):
                        counts[node] = counts.get(node, 0) + 1
        body: list[Statement] = []
        same: dict[Any, Any] = {}
        for child in loop.body:
            if isinstance(child, Assign) and child.target.tensor in self.registers:
                # What was taken out of an inner loop goes further out as it is.
                value = child.value.xreplace(same) if same else child.value
                if not varies(value) and is_safe(value):
                    body.remove(Allocate(child.target.tensor, (), "register"))
                    if value in made:
                        same[child.target] = made[value]
                        continue
                    made[value] = child.target
                    before += [Allocate(child.target.tensor, (), "register"), child]
                    continue
            child = renamed(child, same)
            if isinstance(child, Assign | Accumulate):
                value = _without_invariants(child.value, varies, out, counts)
                if value is not child.value:
                    child = replace(child, value=value)
            body.append(child)
        changed = with_body(loop, body)
        assert isinstance(changed, For)
        return before, changed


def _without_invariants(
    node: Any, varies: Callable[[Any], bool], out: Callable[[Expr], Expr], counts: dict[Expr, int]
) -> Any:
    def visit(node: Any) -> Any:
        if _is_trivial(node):
            return node
        if not varies(node):
            return out(node) if is_safe(node) else node
        if isinstance(node, Element | Random):
            return node  # the place of a draw is a whole number
        if isinstance(node, where):
            condition, chosen, other = node.args
            # What is only read where the condition holds is not read before.
            branches = [visit(b) if is_safe(b) else b for b in (chosen, other)]
            return rebuilt(node, (condition, *branches))
        if isinstance(node, sympy.Add | sympy.Mul):
            return ordered(node)
        if isinstance(node, sympy.Function | sympy.Pow):
            return rebuilt(node, tuple(visit(argument) for argument in node.args))
        return node

    def ordered(node: Any) -> Any:
        arguments = list(node.args)
        front = 0
        # One of them varies, as the whole does.
        while arguments[front].is_number or not varies(arguments[front]):
            front += 1
        leading = arguments[:front]
        if front > 1 and not all(a.is_number for a in leading):
            together = node.func(*leading)
            leading = [out(together) if is_safe(together) else together]
        else:
            leading = [visit(a) for a in leading]
        rest = []
        for argument in arguments[front:]:
            if _is_reciprocal_of_count(argument) and counts.get(argument, 0) < 2:
                # One division by the number of examples stays one.
                rest.append(argument)
            elif isinstance(node, sympy.Mul) and isinstance(argument, sympy.Pow):
                rest.append(_divisor(argument))
            else:
                rest.append(visit(argument))
        return rebuilt(node, (*leading, *rest))

    def _divisor(power: Any) -> Any:
        if power in counts and not varies(power):
            # Several divisions by the number of examples: one, and multiplications. It is a whole
            # number from 1 on, so that this costs half an ulp and nothing else.
            return out(power)
        base, exponent = power.args
        return rebuilt(power, (visit(base), exponent))

    return visit(node)


def rebuilt(node: Any, arguments: tuple[Any, ...]) -> Any:
    """Return an expression with other arguments; itself where they are the same."""
    return node if arguments == node.args else node.func(*arguments)


def _is_trivial(node: Any) -> bool:
    """Whether a value is at hand: a number, a size, a register."""
    if isinstance(node, Element):
        return not node.args
    return node.is_number or node.is_Symbol or isinstance(node, Index)


def _is_reciprocal_of_count(node: Any) -> bool:
    return (
        isinstance(node, sympy.Pow)
        and node.base.is_Symbol
        and not isinstance(node.base, Index)
        and node.exp == -1
    )
