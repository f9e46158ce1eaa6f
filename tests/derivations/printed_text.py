"""Reads printed formulas back and evaluates them: what stands on paper is what is tested.

`Calculable` is a third language beside LaTeX and text; the printer is the same. Every symbol
prints by its unique name and with square brackets, `Σ` and `max` with the extents of their
indices: ``W1_adjoint[j, k]`` and ``Σ{i:3, j:N; i+1 = k} body``. `Reader` knows nothing of
expressions, only such strings: precedence, scopes and parentheses are the printer's to get right.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.derivations.index_form import IndexForm
from symbp.derivations.markup import Markup
from symbp.notation.functions import OPERATIONS, Operation
from symbp.notation.prime import Prime
from symbp.notation.tensor import Tensor

__all__ = ["Calculable", "CalculableForm", "Reader", "value_of_line"]

Scope = dict[str, Any]
Locals = Sequence[tuple[str, str]]

TOKEN = re.compile(r"\s*(\d+\.?\d*|[^\W\d]\w*(?:'\d*)?|\*\*|\S)")
NUMBERS = {"pi": np.pi, "e": np.e}
OPERATORS = {"floor": np.floor, "ceiling": np.ceil, "mod": np.mod}
RELATIONS = {"==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥", "and": "∧", "or": "∨"}
COMPARE = {
    "=": np.equal, "≠": np.not_equal, "<": np.less, "≤": np.less_equal, ">": np.greater,
    "≥": np.greater_equal,
}  # fmt: skip
# After a factor these end a product; everything else begins another factor.
ENDS = {")", "]", "}", "⟧", ",", ";", "?", ":", "+", "-", "∧", "∨", "|", *COMPARE}


class Calculable(Markup):
    """Plain text for a machine to read; fractions as in text (one line) or as in LaTeX."""

    hadamard = divided = times = " * "
    dot = " · "
    ones, nabla = "1", "∇"

    def __init__(self, one_line: bool, book: bp.Style = bp.STYLES["nielsen"]) -> None:
        self.one_line, self.book = one_line, book
        self.functions = dict(OPERATIONS)

    def symbol(self, latex: str) -> str:
        return latex.lstrip("\\")

    def word(self, text: str) -> str:
        return text

    def name(self, text: str) -> str:
        return text

    def partial(self, cost: str, variable: str) -> str:
        return f"∂({cost} | {variable})"

    def direct(self, partial: str) -> str:
        return f"∂{partial}"

    def fraction(self, numerator: str, denominator: str) -> str:
        # On one line the printer sets the parentheses; else the bar stands for them.
        if self.one_line:
            return f"{numerator}/{denominator}"
        return f"(({numerator})/({denominator}))"

    def power(self, base: str, exponent: str) -> str:
        return f"{base} ** ({exponent})"

    def root(self, radicand: str) -> str:
        return f"({radicand}) ** (1/2)"

    def exponential(self, exponent: str) -> str:
        return f"exp({exponent})"

    def parentheses(self, inner: str) -> str:
        return f"({inner})"

    def reduction(self, sign: str, bound: Sequence[str], conditions: Sequence[str]) -> str:
        inside = ", ".join(bound) + "".join(f"; {condition}" for condition in conditions)
        return ("Σ" if sign == "sum" else sign) + f"{{{inside}}} "

    def function(self, record: Operation) -> str:
        self.functions[record.name] = record  # a user's own, too
        return record.name

    def prime(self, function: str, argument: int) -> str:
        return f"{function}'{argument or 1}"

    def cases(self, chosen: str, condition: str, other: str) -> str:
        return f"{{{condition} ? {chosen} : {other}}}"

    def indicator(self, condition: str) -> str:
        return f"⟦{condition}⟧"

    def relation(self, sign: str, left: str, right: str) -> str:
        return f"{left} {RELATIONS[sign]} {right}"

    def operator(self, name: str, inner: str) -> str:
        return f"{name}({inner})"

    def _only_for_matrices(self, *parts: str) -> str:
        raise AssertionError("the index form has no such notation")

    remark = scripted = transpose = norm = elementwise_power = _only_for_matrices


class CalculableForm(IndexForm):
    """The index form, with tensors by their unique names and extents at bound indices."""

    def tensor(self, tensor: Tensor, subscripts: Iterable[str] = ()) -> str:
        return f"{tensor.name}[{', '.join(subscripts)}]"

    def below(self, tensor: Tensor, subscripts: list[str]) -> str:
        return self.tensor(tensor, subscripts)

    def name(self, index: bp.Index, scope: dict[bp.Index, str]) -> str:
        return f"{super().name(index, scope)}:{index.extent}"


class Reader:
    """Evaluates a printed expression while reading it, for all values of its indices at once.

    An index is an array along an axis of its own: those of the left side along the last axes, in
    reversed order, and each that Σ or max binds along a new axis in front.
    """

    def __init__(
        self,
        text: str,
        values: Mapping[str, Any],
        functions: Mapping[str, Operation],
        extents: Mapping[str, int],
        locals_: Locals = (),
        first: int = 0,
        zeros: Collection[str] = (),
        given: Collection[str] = (),
    ) -> None:
        # What the first place is called, what is 0 outside of its places, what holds places.
        self.first, self.zeros, self.given = first, zeros, given
        self.missing: Any = False
        self.tokens = [*TOKEN.findall(text), ""]
        self.position = 0
        self.values = values
        self.functions = functions
        self.extents = extents
        self.locals = locals_

    @property
    def next(self) -> str:
        return self.tokens[self.position]

    def take(self, expected: str | None = None) -> str:
        token = self.next
        if expected is not None and token != expected:
            read = " ".join(self.tokens[: self.position])
            raise SyntaxError(f"{token!r} where {expected!r} is expected, after: {read}")
        self.position += 1
        return token

    def taken(self, *tokens: str) -> str:
        """Take the next token if it is one of these, else return nothing."""
        return self.take() if self.next in tokens else ""

    def all(self, scope: Scope) -> Any:
        value = self.sum(scope)
        self.take("")
        return value

    def condition(self, scope: Scope) -> Any:
        value = self.conjunction(scope)
        while self.taken("∨"):
            value = np.logical_or(value, self.conjunction(scope))
        return value

    def conjunction(self, scope: Scope) -> Any:
        value = self.comparison(scope)
        while self.taken("∧"):
            value = np.logical_and(value, self.comparison(scope))
        return value

    def comparison(self, scope: Scope) -> Any:
        if self.taken("¬"):
            self.take("(")
            value = np.logical_not(self.condition(scope))
            self.take(")")
            return value
        start = self.position
        left = self.sum(scope)
        index, given = self.tokens[start] in scope, self.is_element(start)
        single = index and self.position == start + 1
        sign = self.take()
        compared = COMPARE[sign]
        single, given = single and sign in "=≠", given and sign in "=≠"
        start = self.position
        right = self.sum(scope)
        # Given numbers that are places count from 0, as arrays do.
        if single and self.is_element(start):
            right = right + self.first
        if given and self.tokens[start] in scope and self.position == start + 1:
            left = left + self.first
        return compared(left, right)

    def is_element(self, start: int) -> bool:
        """Whether what was read since is an element of given places, and nothing else."""
        read = self.tokens[start : self.position]
        return len(read) > 1 and read[0] in self.given and read[-1] == "]"

    def sum(self, scope: Scope) -> Any:
        negative = self.taken("-")
        value = self.product(scope)
        value = -value if negative else value
        while sign := self.taken("+", "-"):
            term = self.product(scope)
            value = value + term if sign == "+" else value - term
        return value

    def product(self, scope: Scope) -> Any:
        """Factors from left to right. Where Iverson's bracket is 0, nothing else is read."""
        value: Any = 1.0
        brackets: Any = True
        divide = False
        around, self.missing = self.missing, False
        while True:
            if self.taken("⟦"):
                brackets = np.logical_and(brackets, self.condition(scope))
                self.take("⟧")
            else:
                factor = self.power(scope)
                value = value / factor if divide else value * factor
            operator = self.taken("*", "·", "/")
            divide = operator == "/"
            if not operator and (not self.next or self.next in ENDS):
                value = value if brackets is True else np.where(brackets, value, 0.0)
                # What is 0 outside makes 0 of what is not defined there.
                value = value if self.missing is False else np.where(self.missing, 0.0, value)
                self.missing = around
                return value

    def power(self, scope: Scope) -> Any:
        base = self.atom(scope)
        if self.taken("**"):
            self.take("(")
            base = base ** self.sum(scope)
            self.take(")")
        return base

    def atom(self, scope: Scope) -> Any:
        token = self.take()
        if token == "(":
            value = self.sum(scope)
            self.take(")")
            return value
        if token == "{":
            condition = self.condition(scope)
            self.take("?")
            chosen = self.sum(scope)
            self.take(":")
            other = self.sum(scope)
            self.take("}")
            return np.where(condition, chosen, other)
        if token == "∂":
            return self.local_derivative(scope)
        if token in ("Σ", "max") and self.next == "{":
            return self.reduction(token, scope)
        if self.next == "[":
            return self.element(token, scope)
        if token[0].isdigit():
            return float(token)
        if token in scope:
            return scope[token]
        name, prime, argument = token.partition("'")
        if name in self.functions or name in OPERATORS:
            arguments = self.arguments(scope)
            if name in OPERATORS:
                return OPERATORS[name](*arguments)
            return applied(self.functions[name], arguments, int(argument) if prime else None)
        if token in self.extents:
            return float(self.extents[token])
        if token in NUMBERS:
            return NUMBERS[token]
        raise SyntaxError(f"{token!r} stands for nothing, after: {self.tokens[: self.position]}")

    def arguments(self, scope: Scope) -> list[Any]:
        """Arguments in parentheses, or one factor without: ``log x``."""
        if not self.taken("("):
            return [self.power(scope)]
        found = [self.sum(scope)]
        while self.taken(","):
            found.append(self.sum(scope))
        self.take(")")
        return found

    def element(self, name: str, scope: Scope) -> Any:
        """An entry of an array; outside of it no number: a condition has to exclude that."""
        array = self.values[name]
        self.take("[")
        places: list[Any] = []
        while self.next != "]":
            start = self.position
            found = np.asarray(self.sum(scope)).astype(int)
            places.append(found if self.is_element(start) else found - self.first)
            self.taken(",")
        self.take("]")
        assert len(places) == array.ndim, f"{name} with {len(places)} subscripts"
        inside: Any = True
        for place, size in zip(places, array.shape, strict=True):
            inside = inside & (place >= 0) & (place < size)
        if name in self.zeros:
            self.missing = np.logical_or(self.missing, np.logical_not(inside))
        clipped = (np.clip(p, 0, n - 1) for p, n in zip(places, array.shape, strict=True))
        return np.where(inside, array[tuple(clipped)], np.nan)

    def reduction(self, sign: str, scope: Scope) -> Any:
        """A sum or maximum; it reaches over the product that follows."""
        self.take("{")
        inner = dict(scope)
        bound = []
        while True:
            name = self.take()
            self.take(":")
            extent = self.take()
            depth = max((np.ndim(places) for places in inner.values()), default=0)
            size = int(extent) if extent.isdigit() else self.extents[extent]
            inner[name] = self.first + np.arange(size).reshape(-1, *[1] * depth)
            bound.append(inner[name])
            if not self.taken(","):
                break
        allowed: Any = True
        while self.taken(";"):
            allowed = np.logical_and(allowed, self.condition(inner))
        self.take("}")
        body = self.product(inner)
        body = np.where(allowed, body, 0.0 if sign == "Σ" else -np.inf)
        shapes = (np.shape(places) for places in bound)
        body = np.broadcast_to(body, np.broadcast_shapes(body.shape, *shapes))
        axes = tuple(range(len(bound)))
        return body.sum(axis=axes) if sign == "Σ" else body.max(axis=axes)

    def local_derivative(self, scope: Scope) -> Any:
        """A derivative by name: the right side of the equality that has this left side.

        Its indices are the letters that stand in their places here.
        """
        start = self.position - 1
        depth = 0
        while (token := self.take()) != ")" or depth > 1:
            depth += (token == "(") - (token == ")")
        name = self.tokens[start : self.position]
        found = []
        for left, right in self.locals:
            letters = same_but_for_letters(TOKEN.findall(left), name, scope)
            if letters is not None:
                found.append((right, letters))
        if len(found) != 1:
            raise SyntaxError(f"{len(found)} equalities say what {' '.join(name)} is: {found}")
        ((right, letters),) = found
        reader = Reader(
            right, self.values, self.functions, self.extents, (), self.first, self.zeros, self.given
        )
        return reader.all({letter: scope[here] for letter, here in letters.items()})


def same_but_for_letters(
    left: Sequence[str], here: Sequence[str], scope: Scope
) -> dict[str, str] | None:
    """Return which index here each index on the left is, or None if more differs."""
    if len(left) != len(here):
        return None
    letters: dict[str, str] = {}
    for position, (one, other) in enumerate(zip(left, here, strict=True)):
        is_index = other in scope and here[position + 1] != "["
        if not is_index or not one[0].isalpha():
            if one != other:
                return None
        elif letters.setdefault(one, other) != other:
            return None
    return letters if len(set(letters.values())) == len(letters) else None


def applied(record: Operation, arguments: Sequence[Any], derivative: int | None) -> Any:
    """Return a function or its partial derivative, by its own rule, at arrays of arguments."""
    arrays = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in arguments))
    i = bp.Index("i", arrays[0].size)
    given = [bp.input(f"x{position}", i) for position in range(len(arrays))]
    application = record.function(*(tensor[i] for tensor in given))
    body = application if derivative is None else Prime(application, derivative)
    result = bp.tensor("f", i)
    flat = {t.name: a.ravel() for t, a in zip(given, arrays, strict=True)}
    # Where a condition excludes a place, it holds no number; and none is needed.
    with np.errstate(all="ignore"):
        value = interpret(bp.Program([bp.Equation(result[i], body)]), flat)["f"]
    return value.reshape(arrays[0].shape)


def value_of_line(
    left: str,
    right: str,
    values: Mapping[str, Any],
    functions: Mapping[str, Operation],
    extents: Mapping[str, int],
    locals_: Locals = (),
    first: int = 0,
    zeros: Collection[str] = (),
    given: Collection[str] = (),
) -> tuple[str, Any]:
    """Return the name of the tensor on a printed line's left side, and the right side's value."""
    name, *letters = (token for token in TOKEN.findall(left) if token not in "[,]")
    assert len(set(letters)) == len(letters), f"an index stands twice on the left: {left}"
    shape = values[name].shape
    assert len(letters) == len(shape), f"{left}: {len(shape)} subscripts expected"
    scope = {
        letter: first + np.arange(size).reshape(-1, *[1] * position)
        for position, (letter, size) in enumerate(zip(letters, shape, strict=True))
    }
    reader = Reader(right, values, functions, extents, locals_, first, zeros, given)
    value = reader.all(scope)
    return name, np.broadcast_to(value, shape[::-1]).T
