"""expressions: a scalar SymPy body as Python text, in the middle of a loop nest.

Every subexpression has a level: the number of enclosing loops that it depends on. What does not
depend on the innermost loops is computed outside of them, what is used twice is computed once,
and what stands under a condition that guards a read is computed only where the condition holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.codegen.names import Names
from symbp.notation.collected import denominator
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor
from symbp.targets.numba.functions import code_of

__all__ = ["INDENT", "Level", "Scope", "bare", "bare_term", "number"]

INDENT = "    "
_COMPARISONS = {
    sympy.Eq: "==", sympy.Ne: "!=", sympy.Lt: "<", sympy.Le: "<=", sympy.Gt: ">", sympy.Ge: ">="
}  # fmt: skip


@dataclass
class Level:
    """The body of one loop (or of the function) while it is being written."""

    index: Index | None
    lines: list[str] = field(default_factory=list)
    known: dict[Any, str] = field(default_factory=dict)
    """Values at hand in this body: expression to variable name."""
    uses: dict[Any, int] = field(default_factory=dict)
    """How often the statements of this body use a subexpression."""
    divisions: dict[Any, int] = field(default_factory=dict)
    """How often they divide by the number of examples, by its reciprocal."""


class Scope:
    """Writes expressions into a stack of loop bodies."""

    def __init__(self, names: Names, dropped: dict[Tensor, frozenset[int]]) -> None:
        self.names = names
        self.dropped = dropped
        self.memory: dict[Tensor, Tensor] = {}
        self.parts: set[Tensor] = set()
        """Components (see :attr:`Tensor.component_of`) that lie in the memory of their whole."""
        self.levels: list[Level] = [Level(None)]
        self.identifiers: dict[Index, str] = {}
        self.kernels: set[str] = set()
        """The runtime functions that the text calls."""
        self.batch = "N"
        self.guarded = 0
        self.flat: tuple[tuple[Index, ...], str] | None = None
        """The indices whose loops are one, and the name of its counter."""

    # Levels -----------------------------------------------------------------------------------

    def level_of(self, expression: Any) -> int:
        """Return the number of the innermost loop that an expression depends on."""
        if len(self.levels) == 1:
            return 0
        deepest = 0
        indices = expression.atoms(Index)
        for number, level in enumerate(self.levels):
            if level.index is not None and level.index in indices:
                deepest = number
        if self.guarded and not _is_safe(expression):
            return len(self.levels) - 1
        return deepest

    def count_uses(self, bodies: Iterable[Expr]) -> None:
        """Note which subexpressions the statements of the current body use more than once."""
        uses, divisions = self.levels[-1].uses, self.levels[-1].divisions

        def visit(node: Any) -> None:
            if not isinstance(node, sympy.Basic) or (
                node.is_Atom and not isinstance(node, Element)
            ):
                return
            uses[node] = uses.get(node, 0) + 1
            if uses[node] == 1 and not isinstance(node, Element):
                # A number in the product goes outside of the loop together with the divisor.
                if isinstance(node, sympy.Mul) and not node.args[0].is_number:
                    for argument in filter(_is_reciprocal_of_count, node.args):
                        divisions[argument] = divisions.get(argument, 0) + 1
                for argument in node.args:
                    visit(argument)

        for body in bodies:
            visit(body)

    def forget(self, tensor: Tensor) -> None:
        """Forget values that were read from the memory of a tensor that is now written."""
        memory = self.memory.get(tensor, tensor)
        for level in self.levels:
            for node in list(level.known):
                if isinstance(node, Expr) and any(
                    self.memory.get(e.tensor, e.tensor) is memory for e in node.atoms(Element)
                ):
                    del level.known[node]

    def add(self, line: str) -> None:
        """Append a line to the current body."""
        self.levels[-1].lines.append(INDENT * self.guarded + line)

    def remember(self, expression: Expr, name: str) -> None:
        """Note that a variable of the current body holds an expression's value."""
        self.levels[-1].known[expression] = name

    # Text -------------------------------------------------------------------------------------

    def value(self, node: Any) -> str:
        """Return the text of an expression's value, a real number; parenthesised if compound."""
        node = sympy.sympify(node, strict=True)
        for level in reversed(self.levels):
            if node in level.known:
                return level.known[node]
        if node.is_number and not node.has(sympy.Function):
            return number(node)
        if isinstance(node, Index):
            return f"real({self.identifiers[node]})"
        if node.is_Symbol:
            return self.at_level(0, node, f"real({self.batch})")
        own = self.level_of(node)
        current = len(self.levels) - 1
        if own < current and not self.guarded:
            return self.at_level(own, node, None)
        text = self.compound(node)
        if self.levels[-1].uses.get(node, 0) > 1 and not text.isidentifier():
            return self.store(node, text)
        return text

    def at_level(self, number_of_level: int, node: Any, text: str | None) -> str:
        """Compute a value in the body of an outer loop, where it does not change."""
        inner, self.levels = self.levels[number_of_level + 1 :], self.levels[: number_of_level + 1]
        guarded, self.guarded = self.guarded, 0
        try:
            if text is None:
                text = self.compound(node)
            return text if text.isidentifier() else self.store(node, text)
        finally:
            self.levels += inner
            self.guarded = guarded

    def store(self, node: Any, text: str, stem: str = "v") -> str:
        """Write ``name = text`` into the current body and return the name."""
        name = self.names.unique(stem)
        self.add(f"{name} = {bare(text)}")
        self.remember(node, name)
        return name

    def atom(self, node: Any) -> str:
        """Return a value as a variable or number, for use in several places."""
        text = self.value(node)
        if text.isidentifier() or text.startswith("real("):
            return text
        return self.store(node, text)

    def compound(self, node: Any) -> str:
        """Return the text of an expression from the texts of its parts."""
        if isinstance(node, Element):
            return self.read(node)
        if isinstance(node, sympy.Add):
            return self.sum(node)
        if isinstance(node, sympy.Mul):
            return self.product(node)
        if isinstance(node, sympy.Pow):
            return self.power(node)
        if isinstance(node, where):
            return self.choice(node)
        if isinstance(node, (sympy.floor, sympy.ceiling, sympy.Mod)):
            return f"real({self.integer(node)})"
        if isinstance(node, sympy.Function):
            code = code_of(operation_of(type(node)))
            assert code is not None, "what has no code is written out"
            if "{" not in code:
                self.kernels.add(code)
                arguments = ", ".join(bare(self.value(argument)) for argument in node.args)
                return f"{code}({arguments})"
            self.kernels.update(_called(code))
            arguments_text = [self.atom(argument) for argument in node.args]
            return f"({code.format(*arguments_text)})"
        raise UnsupportedError(f"{node}: no code for {type(node).__name__}")

    def element(self, element: Element) -> str:
        """Return the text of a tensor's element: a local variable or a subscripted array."""
        if element.tensor in self.parts:
            element = _in_whole(element)
        name = self.names.tensor(element.tensor)
        gone = self.dropped.get(element.tensor, frozenset())
        kept = [s for axis, s in enumerate(element.args) if axis not in gone]
        if not kept:
            return name
        if self.flat is not None and element.args == self.flat[0]:
            return f"flat({name})[{self.flat[1]}]"
        return f"{name}[{', '.join(self.integer(subscript) for subscript in kept)}]"

    def read(self, element: Element) -> str:
        """Return the text that reads an element."""
        return self.element(element)

    def integer(self, node: Any) -> str:
        """Return the text of an integer: a subscript, or an index in a condition."""
        if isinstance(node, Index):
            return self.identifiers[node]
        if isinstance(node, Element):
            return self.element(node)
        if node.is_Integer:
            return str(int(node))
        if node.is_Symbol:
            return self.batch
        if isinstance(node, sympy.floor):
            numerator, denominator = node.args[0].as_numer_denom()
            return f"({self.integer(numerator)} // {self.integer(denominator)})"
        if isinstance(node, sympy.ceiling):
            numerator, denominator = node.args[0].as_numer_denom()
            return f"(-({self.integer(-numerator)} // {self.integer(denominator)}))"
        parts = [self.integer(argument) for argument in node.args]
        if isinstance(node, sympy.Add):
            # The indices first, then the number: t - 1, 2 * i + d.
            order = sorted(range(len(parts)), key=lambda p: bool(node.args[p].is_number))
            text = " + ".join(parts[p] for p in order)
            return f"({text})".replace("+ -", "- ")
        if isinstance(node, sympy.Mul):
            return " * ".join(parts)
        if isinstance(node, sympy.Mod):
            return f"({parts[0]} % {parts[1]})"
        raise UnsupportedError(f"{node}: no integer code for {type(node).__name__}")

    def sum(self, node: sympy.Add) -> str:
        """Return the text of a sum, from left to right."""
        terms = self.hoisted(node)
        negative = [bool(term.could_extract_minus_sign()) for term in terms]
        if negative[0] and len(terms) > 1 and not negative[1]:
            # -a + b is b - a, to the bit.
            terms[:2], negative[:2] = [terms[1], terms[0]], [False, True]
        text = ""
        for term, minus in zip(terms, negative, strict=True):
            if minus:
                shown = self.value(-term)
                text = f"{text} - {shown}" if text else f"-{shown}"
            else:
                shown = self.value(term)
                # What stands first needs no parentheses; a sum inside a sum does.
                shown = bare_term(shown) if not text or not isinstance(term, sympy.Add) else shown
                text = f"{text} + {shown}" if text else shown
        return f"({text})"

    def product(self, node: sympy.Mul) -> str:
        """Return the text of a product from left to right, reciprocals as divisions."""
        factors = self.hoisted(node)
        sign = ""
        if factors[0] == -1:
            sign, factors = "-", factors[1:]
        text = ""
        for factor in factors:
            below = denominator(factor)
            if below is None or not text:
                shown = self.value(factor)
                text = f"{text} * {shown}" if text else _bare_product(shown)
            elif self.levels[-1].divisions.get(factor, 0) > 1:
                # Several divisions by the number of examples: one, and multiplications. It is a
                # whole number from 1 on, so that this costs half an ulp and nothing else.
                text = f"{text} * {self.value(factor)}"
            else:
                text = f"{text} / {_denominator(self.value(below))}"
        return f"({sign}{text})" if sign or len(factors) > 1 or " / " in text else text

    def hoisted(self, node: Any) -> list[Expr]:
        """Return the arguments of a sum or product, those in front that do not change as one.

        What stands in front may be computed in an outer loop: the order stays what it is.
        """
        current = len(self.levels) - 1
        given = list(node.args)
        if self.guarded:
            return given
        front = 0
        while front < len(given) and (
            given[front].is_number or self.level_of(given[front]) < current
        ):
            front += 1
        if front < 2 or front == len(given) or all(a.is_number for a in given[:front]):
            return given
        return [node.func(*given[:front]), *given[front:]]

    def power(self, node: sympy.Pow) -> str:
        """Return the text of a power, small integer ones multiplied out."""
        base, exponent = node.args
        below = denominator(node)
        if below is not None:
            return f"(real(1) / {_denominator(self.value(below))})"
        if exponent == sympy.Rational(1, 2):
            return f"np.sqrt({bare(self.value(base))})"
        if exponent.is_Integer and 2 <= abs(int(exponent)) <= 4:
            # Powers of the reciprocal, as those of the base leave the range before the result does.
            factor = self.atom(base if exponent > 0 else 1 / base)
            return f"({' * '.join([factor] * abs(int(exponent)))})"
        return f"({self.value(base)} ** {self.value(exponent)})"

    def choice(self, node: where) -> str:
        """Return the text of a conditional expression, or write the branches of a guarded one."""
        condition, chosen, other = node.args
        test = self.condition(condition)
        if _is_safe(chosen) and _is_safe(other):
            return f"({bare_term(self.value(chosen))} if {test} else {bare(self.value(other))})"
        # A branch that reads a computed place is entered only where the condition allows it.
        name = self.names.unique("v")
        for head, branch in ((f"if {test}:", chosen), ("else:", other)):
            self.add(head)
            self.guarded += 1
            known = dict(self.levels[-1].known)
            self.add(f"{name} = {bare(self.value(branch))}")
            self.levels[-1].known = known
            self.guarded -= 1
        self.remember(node, name)
        return name

    def condition(self, node: Any) -> str:
        """Return the text of a condition."""
        if node in (sympy.true, sympy.false):
            return str(bool(node))
        if isinstance(node, (sympy.And, sympy.Or)):
            word = " and " if isinstance(node, sympy.And) else " or "
            parts = sorted(node.args, key=sympy.default_sort_key)
            return f"({word.join(self.condition(part) for part in parts)})"
        if isinstance(node, sympy.Not):
            return f"(not {self.condition(node.args[0])})"
        for kind, sign in _COMPARISONS.items():
            if isinstance(node, kind):
                write = self.integer if _is_integer(node) else self.value
                left, right = (write(side) for side in node.args)
                return f"{left} {sign} {right}"
        raise UnsupportedError(f"{node}: no code for the condition {type(node).__name__}")


def number(value: Any) -> str:
    """Return the text of a number in the module's own precision."""
    if value is sympy.zoo:  # a negative power of 0
        value = sympy.oo
    if value in (sympy.oo, -sympy.oo, sympy.nan):
        sign = "-" if value == -sympy.oo else ""
        return f"real({sign}np.{'nan' if value == sympy.nan else 'inf'})"
    as_float = float(value)
    return (
        f"real({int(as_float)})"
        if as_float == int(as_float) and abs(as_float) < 1e15
        else (f"real({as_float!r})")
    )


def _in_whole(element: Element) -> Element:
    """Return the element of the whole tensor that an element of its component is."""
    assert element.tensor.component_of is not None
    whole, place = element.tensor.component_of
    fixed, free = iter(place), iter(element.args)
    return Element(whole, *(next(fixed if isinstance(e, int) else free) for e in whole.shape))


def _is_safe(expression: Any) -> bool:
    """Whether evaluating an expression reads nothing but elements that always exist."""
    return all(element.is_inside for element in expression.atoms(Element))


def _is_integer(relation: Any) -> bool:
    """Whether both sides are written in integers, so that they are compared exactly."""
    whole = relation.replace(sympy.floor, lambda _: sympy.S.One)
    return (
        all(element.tensor.kind == "integer" for element in relation.atoms(Element))
        and all(value.is_Integer for value in whole.atoms(sympy.Number))
        and not whole.has(sympy.Pow)
    )


def _is_reciprocal_of_count(factor: Expr) -> bool:
    return isinstance(factor, sympy.Pow) and factor.base.is_Symbol and factor.exp == -1


def _called(template: str) -> set[str]:
    words = {"exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "erf", "sin", "cos"}
    return {word for word in words if f"{word}(" in template}


def bare(text: str) -> str:
    """Return the text without the parentheses around the whole of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return text[1:-1] if position == len(text) - 1 else text
    return text


def bare_term(text: str) -> str:
    """Return the text as it may stand beside an operator or before an ``if``."""
    inner = bare(text)
    return inner if " if " not in inner and not inner.startswith("-") else text


def _bare_product(text: str) -> str:
    inner = bare(text)
    plain = not any(sign in inner for sign in (" + ", " - ", " if ", " / ", " ** "))
    return inner if plain and not inner.startswith("-") else text


def _denominator(text: str) -> str:
    return text if text.isidentifier() or bare(text) != text or " " not in text else f"({text})"
