"""whole: whole numbers and conditions of a loop program as forms of its variables.

What is affine is a form; a smaller or larger of two, a quotient rounded down and a datum become
variables with what is known of them. A condition is a list of alternatives, each some forms that
are not negative.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import lcm
from typing import Any

import sympy
from sympy.logic.boolalg import And, Not, Or

from symbp.loops.nodes import Accumulate, Assign, Function
from symbp.loops.settled import settled
from symbp.loops.variables import Data, Variables
from symbp.notation.affine import Form, added, constant, scaled, shifted, variable
from symbp.notation.functions import where
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import Limit

__all__ = ["Alternative", "Numbers", "combined", "conditions", "guarded_reads", "limits_of"]

#: Forms that are not negative, and whether nothing was left out.
Alternative = tuple[tuple[Form, ...], bool]
MOST_ALTERNATIVES = 12


@dataclass(frozen=True)
class Numbers:
    """What whole numbers stand for at a place of a program."""

    variables: Variables
    known: dict[Any, Form]
    function: Function

    def with_name(self, symbol: Any, form: Form) -> "Numbers":
        """Return the numbers with one more name."""
        return Numbers(self.variables, {**self.known, symbol: form}, self.function)

    def form(self, expression: Any) -> Form | None:
        """Return a whole number as a form, or None if it is neither affine nor one of ours.

        Parameters
        ----------
        expression : int or Expr
            Of indices, symbols and integer elements.
        """
        if isinstance(expression, int):
            return constant(expression)
        known = self.known.get(expression)
        if known is not None:
            return known
        if expression.is_Integer:
            return constant(int(expression))
        if isinstance(expression, Element):
            return self.datum(expression)
        if isinstance(expression, sympy.Add):
            total: Form = {}
            for part in expression.args:
                form = self.form(part)
                if form is None:
                    return None
                total = added(total, form)
            return total
        if isinstance(expression, sympy.Mul):
            return self.multiplied(expression)
        if isinstance(expression, sympy.Min | sympy.Max):
            arms = [self.form(arm) for arm in expression.args]
            if any(arm is None for arm in arms):
                return None
            smallest = isinstance(expression, sympy.Min)
            return self.variables.least([a for a in arms if a is not None], smallest)
        if isinstance(expression, sympy.floor):
            return self.rounded(expression.args[0])
        if isinstance(expression, sympy.ceiling):
            below = self.rounded(-expression.args[0])
            return None if below is None else scaled(below, -1)
        if isinstance(expression, sympy.Mod):
            number, divisor = expression.args
            return self.remainder(number, divisor)
        return None

    def multiplied(self, expression: Any) -> Form | None:
        """Return a product: a number times a form, or a variable of its own for two sizes."""
        coefficient, factors = 1, []
        for part in expression.args:
            form = self.form(part)
            if form is None:
                return None
            if set(form) <= {0}:
                coefficient *= form.get(0, 0)
            else:
                factors.append(form)
        if len(factors) <= 1:
            return scaled(factors[0] if factors else constant(1), coefficient)
        return scaled(self.product(factors, str(expression)), coefficient)

    def product(self, factors: list[Form], text: str) -> Form:
        """Return the variable of a product of several forms, called as a text says."""
        # Of the same factors in any order, it is the same.
        ordered = sorted(tuple(sorted(factor.items())) for factor in factors)

        def make() -> int:
            depth, uniform = self.variables.depth(factors), self.variables.all_uniform(factors)
            name = self.variables.new(text, depth, uniform, Data())
            facts = self.variables.facts[name]
            if all(self.variables.implied(shifted(f, -1)) for f in factors):
                facts += [added(variable(name), factor, -1) for factor in factors]
            elif all(self.variables.implied(factor) for factor in factors):
                facts.append(variable(name))
            return name

        return variable(self.variables.once(("product", *ordered), make))

    def rounded(self, expression: Any) -> Form | None:
        """Return a quotient of a form and a number, rounded down."""
        terms = sympy.Add.make_args(sympy.expand(expression))
        divisor = lcm(*(int(term.as_coeff_Mul()[0].q) for term in terms))
        form = self.form(sympy.expand(expression * divisor))
        if form is None or divisor == 1:
            return form
        return self.variables.quotient(form, divisor)

    def remainder(self, number: Any, divisor: Any) -> Form | None:
        """Return what a division by a number leaves."""
        form = self.form(number)
        if form is None or not divisor.is_Integer or divisor < 1:
            return None
        return added(form, self.variables.quotient(form, int(divisor)), -int(divisor))

    def datum(self, element: Element) -> Form | None:
        """Return an element of an integer array: the same variable where it is the same element."""
        tensor = element.tensor
        if tensor.kind != "integer":
            return None
        subscripts = [self.form(subscript) for subscript in element.args]
        forms = [form for form in subscripts if form is not None]
        if len(forms) < len(subscripts):
            return None
        role = next((a.role for a in self.function.arguments if a.array == tensor), None)

        def make() -> int:
            # What is written on the way need not be the same where it is read again.
            depth = self.variables.depth(forms) if role == "in" else 10**9
            uniform = role == "in" and self.variables.all_uniform(forms)
            found = settled(self.function).get(tensor)
            known = None if found is None else [self.known.get(index) for index in found]
            data = Data()
            if known is not None and None not in known:
                data = Data(tensor, tuple(forms), frozenset(n for f in known if f for n in f))
            name = self.variables.new(str(element), depth, uniform, data)
            limit = limits_of(self.function).get(tensor)
            self.variables.facts[name] += self.kept(variable(name), limit)
            return name

        if role != "in":
            return variable(make())
        key = (tensor, tuple(frozenset(form.items()) for form in forms))
        return variable(self.variables.once(key, make))

    def kept(self, value: Form, limit: Limit | None) -> list[Form]:
        """Return what is not negative of a value that keeps a limit."""
        forms = []
        if limit is not None and limit.low is not None:
            forms.append(shifted(value, -limit.low))
        below = None if limit is None or limit.below is None else self.form(limit.below)
        if below is not None:
            forms.append(shifted(added(below, value, -1), -1))
        return forms


def limits_of(function: Function) -> dict[Tensor, Limit]:
    """Return what the elements of integer arrays are, also of those that copy others."""
    limits: dict[Tensor, Any] = dict(function.limits)
    written: dict[Tensor, list[Any]] = {}
    for statement in function.statements:
        if isinstance(statement, Assign | Accumulate):
            tensor = statement.target.tensor
            if tensor.kind == "integer" and tensor not in limits:
                written.setdefault(tensor, []).append(
                    statement.value if isinstance(statement, Assign) else None
                )
    grown = True
    while grown:
        grown = False
        for tensor, values in written.items():
            found = {
                limits.get(value.tensor) if isinstance(value, Element) else None for value in values
            }
            if tensor not in limits and len(found) == 1 and None not in found:
                limits[tensor] = found.pop()
                grown = True
    return limits


def combined(first: Iterable[Alternative], second: Iterable[Alternative]) -> list[Alternative]:
    """Return the alternatives of two conditions that both hold."""
    result = [
        ((*rows, *others), exact and same)
        for (rows, exact), (others, same) in itertools.product(first, second)
    ]
    return result if len(result) <= MOST_ALTERNATIVES else [((), False)]


def conditions(
    condition: Any, truth: bool, whole: Callable[[Any], Form | None]
) -> list[Alternative]:
    """Return when a condition is true, or false.

    Parameters
    ----------
    condition : Boolean
        Of whole numbers and of elements.
    truth : bool
        Which of the two.
    whole : callable
        Returns a whole number as a form, or None for what is none.

    Returns
    -------
    list of (tuple of Form, bool)
        It holds if and only if all forms of one of these are not negative; if the bool is False,
        it may also not hold then.
    """
    if condition in (sympy.true, sympy.false):
        return [((), True)] if bool(condition) == truth else []
    if isinstance(condition, Not):
        return conditions(condition.args[0], not truth, whole)
    if isinstance(condition, And | Or):
        parts = [conditions(part, truth, whole) for part in condition.args]
        if isinstance(condition, And) == truth:
            result: list[Alternative] = [((), True)]
            for part in parts:
                result = combined(result, part)
            return result
        joined = [alternative for part in parts for alternative in part]
        return joined if len(joined) <= MOST_ALTERNATIVES else [((), False)]
    if not isinstance(condition, sympy.core.relational.Relational):
        return [((), False)]
    left, right = (whole(side) for side in condition.args)
    if left is None or right is None:
        return [((), False)]
    above, below = added(left, right, -1), added(right, left, -1)
    strictly_above, strictly_below = shifted(above, -1), shifted(below, -1)
    rules: dict[Any, list[tuple[Form, ...]]] = {
        sympy.Ge: [(above,)],
        sympy.Gt: [(strictly_above,)],
        sympy.Le: [(below,)],
        sympy.Lt: [(strictly_below,)],
        sympy.Eq: [(above, below)],
        sympy.Ne: [(strictly_above,), (strictly_below,)],
    }
    negations = {
        sympy.Ge: sympy.Lt, sympy.Gt: sympy.Le, sympy.Le: sympy.Gt, sympy.Lt: sympy.Ge,
        sympy.Eq: sympy.Ne, sympy.Ne: sympy.Eq,
    }  # fmt: skip
    for kind, alternatives in rules.items():
        if isinstance(condition, kind):
            chosen = alternatives if truth else rules[negations[kind]]
            return [(rows, True) for rows in chosen]
    return [((), False)]


def guarded_reads(
    expression: Any, whole: Callable[[Any], Form | None]
) -> Iterator[tuple[Element, list[Alternative]]]:
    """Yield the elements that an expression reads, with the conditions under which it does.

    Parameters
    ----------
    expression : Expr or Boolean
        A value, a condition or a whole number.
    whole : callable
        Returns a whole number as a form, or None for what is none.
    """
    yield from _guarded(expression, [((), True)], whole)


def _guarded(
    node: Any, guards: list[Alternative], whole: Callable[[Any], Form | None]
) -> Iterator[tuple[Element, list[Alternative]]]:
    if isinstance(node, Element):
        yield node, guards
        for subscript in node.args:
            if subscript.args:
                yield from _guarded(subscript, guards, whole)
    elif isinstance(node, where):
        condition, chosen, other = node.args
        yield from _guarded(condition, guards, whole)
        for part, truth in ((chosen, True), (other, False)):
            if part.args or isinstance(part, Element):
                inner = combined(guards, conditions(condition, truth, whole))
                yield from _guarded(part, inner, whole)
    else:
        for part in getattr(node, "args", ()):
            yield from _guarded(part, guards, whole)
