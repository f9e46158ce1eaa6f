"""replacing: an expression with some of its parts replaced; every pass asks for it many times.

Where indices become other indices, or elements other elements, an expression stays what it is:
nothing in it could become simpler, so that its nodes are copied and none is evaluated. Of a
comparison SymPy would try for long to find out whether it holds for all numbers.
"""

import operator
from collections.abc import Mapping
from typing import Any

import sympy
from sympy.core.relational import Relational

from symbp.notation.conditions import compared
from symbp.notation.index import Index
from symbp.notation.refusals import Symbolic

__all__ = ["replaced"]


def replaced(expression: Any, rule: Mapping[Any, Any]) -> Any:
    """Return an expression in which some parts are others, as ``xreplace`` of SymPy does.

    Parameters
    ----------
    expression : SymPy expression
        It is returned itself if none of the parts is in it.
    rule : mapping of SymPy expression to SymPy expression
        What is replaced, by what.
    """
    if not rule:
        return expression
    if all(_is_leaf(old) and _is_leaf(new) for old, new in rule.items()):
        taken = set(rule.values())
        if len(taken) == len(rule):
            try:
                return _renamed(expression, rule, taken - rule.keys(), {})
            except _Taken:
                pass
    return _replaced(expression, rule, all(map(_is_unknown, rule.values())), {})


class _Taken(Exception):  # noqa: N818 - it is no error, and does not leave this file
    """Two indices, or two elements, would become one."""


def _is_leaf(node: Any) -> bool:
    return isinstance(node, Index) or (isinstance(node, Symbolic) and node.is_element)


def _is_unknown(node: Any) -> bool:
    """Whether a node is a number of which nobody knows anything."""
    return isinstance(node, sympy.Symbol) or (isinstance(node, Symbolic) and node.is_element)


def _renamed(node: Any, names: Mapping[Any, Any], taken: set[Any], done: dict[int, Any]) -> Any:
    arguments = node._args
    is_ours = isinstance(node, Symbolic)
    if is_ours and (node.is_element or not arguments):
        if node in names:
            return names[node]
        if node in taken:
            raise _Taken
    if not arguments:
        return node
    # An expression may stand in many places of a larger one.
    known = done.get(id(node))
    if known is None:
        changed = [_renamed(argument, names, taken, done) for argument in arguments]
        if all(map(operator.is_, changed, arguments)):
            known = node
        elif is_ours:
            known = _copy(node, changed)
        elif isinstance(node, Relational):
            known = Relational.__new__(node.func, *changed)  # not evaluated
        else:
            known = node.func(*changed)
        done[id(node)] = known
    return known


def _copy(node: Any, arguments: list[Any]) -> Any:
    """Return a node of the notation with other arguments, not evaluated."""
    made: Any = sympy.Basic.__new__(type(node), *arguments)
    if node.is_element:
        made.tensor, made.serial = node.tensor, node.serial
    elif isinstance(node, sympy.Add | sympy.Mul | sympy.Pow):
        made.is_commutative = True
    else:
        vars(made).update(vars(node))
    return made


def _replaced(node: Any, rule: Mapping[Any, Any], unknown: bool, done: dict[int, Any]) -> Any:
    if node in rule:
        return rule[node]
    arguments = node._args
    if not arguments:
        return node
    known = done.get(id(node))
    if known is None:
        changed = [
            _replaced(argument, rule, unknown, done)
            if isinstance(argument, sympy.Basic)
            else argument
            for argument in arguments
        ]
        if all(map(operator.is_, changed, arguments)):
            known = node
        elif isinstance(node, Relational):
            left, right = changed
            # What was not known of an expression is not known of a number in its place.
            if unknown and left != right:
                known = Relational.__new__(node.func, left, right)
            else:
                known = compared(node.func, left, right)
        else:
            known = node.func(*changed)
        done[id(node)] = known
    return known
