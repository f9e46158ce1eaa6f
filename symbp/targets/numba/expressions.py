"""expressions: a scalar body, a whole number or a condition of a loop program as Python.

The order of evaluation is the written one, from left to right. What is shared and what does not
vary in a loop are registers already. Only what a text needs twice, such as the base of a square,
gets a variable here, in a line before the statement; inside of a branch it stands in the branch.
"""

import sys
from collections.abc import Callable
from typing import Any

import sympy

from symbp.loops.hoist import is_safe
from symbp.loops.name_values import MOST_FACTORS
from symbp.notation.collected import denominator
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Index
from symbp.notation.noise import Random
from symbp.notation.prime import Prime
from symbp.notation.tensor import Element
from symbp.targets.numba.functions import code_of
from symbp.targets.numba.lines import INDENT, Lines
from symbp.targets.numba.names import Names
from symbp.targets.numba.places import Places
from symbp.targets.terms import Text, at_least, is_whole, sign_of

__all__ = ["Expressions", "number"]

# How tightly a text holds together.
_CHOICE, _TEST, _SUM, _PRODUCT, _SIGN, _ATOM = range(6)
_RELATIONS = {
    sympy.Eq: "==", sympy.Ne: "!=", sympy.Lt: "<", sympy.Le: "<=", sympy.Gt: ">", sympy.Ge: ">="
}  # fmt: skip


def number(value: Any) -> str:
    """Return the text of a number in the module's own precision.

    Examples
    --------
    >>> number(2), number(0.1), number(-sympy.oo)
    ('real(2)', 'real(0.1)', 'real(-np.inf)')
    """
    return f"real({_plain(value)})"


def _plain(value: Any) -> str:
    if value is sympy.zoo:  # a negative power of 0
        value = sympy.oo
    if value in (sympy.oo, -sympy.oo, sympy.nan):
        return ("-" if value == -sympy.oo else "") + ("np.nan" if value is sympy.nan else "np.inf")
    as_float = float(value)
    whole = as_float == int(as_float) and abs(as_float) < 1e15
    return str(int(as_float)) if whole else repr(as_float)


class Expressions:
    """Writes expressions in one function.

    Parameters
    ----------
    names : Names
        The identifiers.
    places : Places
        What arrays, indices and sizes are called.
    lines : Lines
        Where variables are set.
    """

    def __init__(self, names: Names, places: Places, lines: Lines) -> None:
        self.names, self.places, self.lines = names, places, lines
        self.looked_up: dict[Element, str] = {}
        """Subscripts that stand in a variable: the number of an example, for its row."""
        self.double = False

    def value(self, node: Any) -> str:
        """Return the text of a real number."""
        return self._real(sympy.sympify(node, strict=True))[0]

    def in_double(self, node: Any) -> str:
        """Return the text of a number in double precision, whatever that of the module is."""
        self.double = True
        try:
            return self.value(node)
        finally:
            self.double = False

    def whole(self, node: Any, natural: bool = False) -> str:
        """Return the text of a whole number, such as a subscript.

        Parameters
        ----------
        node : whole number
            An int, an index, a symbol, or arithmetic of these.
        natural : bool
            Whether LLVM is told of each variable that it is not negative.
        """
        return self._whole(sympy.sympify(node, strict=True), natural)[0]

    def factor(self, node: Any) -> str:
        """Return the text of a whole number as it may stand beside ``*``."""
        return at_least(_SIGN, self._whole(sympy.sympify(node, strict=True), False))

    def condition(self, node: Any) -> str:
        """Return the text of a condition."""
        return self._test(node)[0]

    def element(self, element: Element) -> str:
        """Return the text of an element."""
        if not element.args:
            return self.places.scalars[element.tensor]
        subscripts = ", ".join(map(self.subscript, element.args))
        return f"{self.places.arrays[element.tensor]}[{subscripts}]"

    def subscript(self, node: Any) -> str:
        """Return the text of a subscript; a number that is looked up is never negative."""
        if node in self.looked_up:
            return self.looked_up[node]
        if isinstance(node, Element):
            return f"np.uintp({self.element(node)})"
        return self.whole(node)

    # Real numbers -----------------------------------------------------------------------------

    def _real(self, node: Any) -> Text:
        if isinstance(node, Element):
            return self._read(node), _ATOM
        if node.is_number and not node.has(sympy.Function):
            return (f"float({_plain(node)})" if self.double else number(node)), _ATOM
        if isinstance(node, Index) or node.is_Symbol:
            return f"{self._kind}({self.places.whole[node]})", _ATOM
        if isinstance(node, sympy.Add):
            return self._sum(node)
        if isinstance(node, sympy.Mul):
            return self._product(node)
        if isinstance(node, sympy.Pow):
            return self._power(node)
        if isinstance(node, where):
            return self._choice(node)
        if isinstance(node, sympy.floor | sympy.ceiling | sympy.Mod):
            return f"{self._kind}({self.whole(node)})", _ATOM
        if isinstance(node, Prime):
            return self._real(node.rule("accurate"))
        if isinstance(node, sympy.Function):
            return self._application(node)
        raise UnsupportedError(f"{node}: no code for {type(node).__name__}")

    @property
    def _kind(self) -> str:
        return "float" if self.double else "real"

    def _read(self, element: Element) -> str:
        text = self.element(element)
        is_double = element.tensor in self.places.doubles
        if element.tensor.kind == "integer" or is_double != self.double:
            return f"{self._kind}({text})"
        return text

    def _application(self, node: Any) -> Text:
        if isinstance(node, Random):
            return self._random(node), _ATOM
        record = operation_of(type(node))
        code = code_of(record)
        if code is None:
            if record.definition is None:
                raise UnsupportedError(f"{node}: no code for {type(node).__name__}")
            return self._real(record.definition(*node.args))
        if code == "{0}":
            return self._real(node.args[0])
        # The runtime's functions are of the module's precision.
        double, self.double = self.double, False
        if "{" not in code:
            text = f"{code}({', '.join(map(self.value, node.args))})"
        elif code.count("{") == 1:
            text = code.format(self.value(node.args[0]))
        else:
            text = code.format(*map(self._variable, node.args))
        self.double = double
        return f"float({text})" if double else text, _ATOM

    def _random(self, node: Random) -> str:
        """Return a draw: its place is a whole number, the parts of its key are real ones."""
        double, self.double = self.double, False
        tensor, *key = node.key
        given = [self.whole(node.place), str(tensor), *map(self.value, key)]
        self.double = double
        text = f"{type(node).__name__}({', '.join(given)})"
        return f"float({text})" if double else text

    def _variable(self, node: Any) -> str:
        """Return a value as a variable or a number, for use in several places."""
        text = self.value(node)
        if text.isidentifier() or (isinstance(node, sympy.Number) and not self.double):
            return text
        name = self.names.unique("v")
        self.lines.add(f"{name} = {text}")
        return name

    def _sum(self, node: Any) -> Text:
        parts = [sign_of(term) for term in node.args]
        if parts[0][0] and not parts[1][0]:
            parts[:2] = [parts[1], parts[0]]  # -a + b is b - a, to the bit
        text = ""
        for minus, term in parts:
            shown = self._real(term)
            if text:
                # A sum that is added as a whole keeps its parentheses.
                text += f" {'-' if minus else '+'} {at_least(_PRODUCT, shown)}"
            else:
                text = f"-{at_least(_SIGN, shown)}" if minus else at_least(_SUM, shown)
        return text, _SUM

    def _product(self, node: Any) -> Text:
        """Return a product from left to right, reciprocals as divisions."""
        text, minus = "", False
        for position, factor in enumerate(node.args):
            if position == 0 and factor == -1:
                minus = True
                continue
            below = denominator(factor)
            shown = self._real(factor if below is None else below)
            if below is not None:
                text = f"{text or self._one()} / {at_least(_SIGN, shown)}"
            else:
                text = f"{text} * {at_least(_SIGN, shown)}" if text else at_least(_PRODUCT, shown)
        return (f"-{text}" if minus else text), _PRODUCT

    def _one(self) -> str:
        return f"{self._kind}(1)"

    def _power(self, node: Any) -> Text:
        base, exponent = node.args
        below = denominator(node)
        if below is not None:
            return f"{self._one()} / {at_least(_SIGN, self._real(below))}", _PRODUCT
        if exponent == sympy.S.Half:
            return f"np.sqrt({self.value(base)})", _ATOM
        if exponent.is_Integer and 2 <= abs(int(exponent)) <= MOST_FACTORS:
            # Powers of the reciprocal, as those of the base leave the range before the result does.
            factor = self._variable(base if exponent > 0 else 1 / base)
            return f"({' * '.join([factor] * abs(int(exponent)))})", _ATOM
        parts = (at_least(_ATOM, self._real(part)) for part in (base, exponent))
        return f"({' ** '.join(parts)})", _ATOM

    def _choice(self, node: Any) -> Text:
        """Return a conditional expression, or the variable that the branches set."""
        condition, *branches = node.args
        test = self.condition(condition)
        texts: list[str] = []
        before: list[list[str]] = []
        for branch in branches:
            with self.lines.apart() as collected:
                texts.append(at_least(_TEST, self._real(branch)))
            before.append(collected)
        if not any(before) and all(map(is_safe, branches)):
            return f"{texts[0]} if {test} else {texts[1]}", _CHOICE
        # A branch that reads a computed place is entered only where the condition allows it.
        name = self.names.unique("v")
        for header, text, lines in zip((f"if {test}:", "else:"), texts, before, strict=True):
            self.lines.add(header)
            self.lines.lines += lines
            self.lines.add(f"{INDENT}{name} = {text}")
        return name, _ATOM

    # Conditions -------------------------------------------------------------------------------

    def _test(self, node: Any) -> Text:
        if node in (sympy.true, sympy.false):
            return str(bool(node)), _ATOM
        if isinstance(node, sympy.And | sympy.Or):
            word = " and " if isinstance(node, sympy.And) else " or "
            parts = sorted(node.args, key=sympy.default_sort_key)
            texts = (at_least(_SUM, (self._test(part)[0], _inner(part))) for part in parts)
            return word.join(texts), _TEST
        if isinstance(node, sympy.Not):
            return f"not {at_least(_ATOM, self._test(node.args[0]))}", _TEST
        for kind, sign in _RELATIONS.items():
            if isinstance(node, kind):
                side: Callable[[Any], Text] = self._real
                if is_whole(node):
                    side = lambda part: self._whole(part, False)  # noqa: E731
                left, right = (at_least(_SUM, side(part)) for part in node.args)
                return f"{left} {sign} {right}", _TEST
        raise UnsupportedError(f"{node}: no code for the condition {type(node).__name__}")

    # Whole numbers ----------------------------------------------------------------------------

    def _whole(self, node: Any, natural: bool) -> Text:
        if isinstance(node, Element):
            return self.element(node), _ATOM
        if node.is_Integer:
            return str(int(node)), _SIGN if node < 0 else _ATOM
        if isinstance(node, Index) or node.is_Symbol:
            name = self.places.whole[node]
            return f"natural({name})" if natural else name, _ATOM
        if isinstance(node, sympy.floor | sympy.ceiling):
            above, below = node.args[0].as_numer_denom()
            up = isinstance(node, sympy.ceiling)
            over = at_least(_SIGN, self._whole(-above if up else above, natural))
            text = f"{over} // {at_least(_SIGN, self._whole(below, natural))}"
            return (f"-({text})", _SIGN) if up else (text, _PRODUCT)
        if isinstance(node, sympy.Add):
            return self._whole_sum(node, natural)
        if isinstance(node, sympy.Mul):
            # A number last: N * 30.
            parts = sorted(node.args, key=lambda part: bool(part.is_number))
            minus = parts[-1] == -1
            parts = parts[:-1] if minus else parts
            text = " * ".join(at_least(_SIGN, self._whole(part, natural)) for part in parts)
            return (f"-{text}", _SIGN) if minus else (text, _PRODUCT)
        if isinstance(node, sympy.Pow) and node.args[1].is_Integer and node.args[1] > 0:
            # The number of pairs of steps: T * T.
            base = at_least(_SIGN, self._whole(node.args[0], natural))
            return " * ".join([base] * int(node.args[1])), _PRODUCT
        if isinstance(node, sympy.Mod):
            above, below = (at_least(_SIGN, self._whole(part, natural)) for part in node.args)
            return f"{above} % {below}", _PRODUCT
        if isinstance(node, sympy.Min | sympy.Max):
            parts = sorted(node.args, key=lambda part: (_age(part), sympy.default_sort_key(part)))
            texts = [self._whole(part, natural)[0] for part in parts]
            return f"{'min' if isinstance(node, sympy.Min) else 'max'}({', '.join(texts)})", _ATOM
        raise UnsupportedError(f"{node}: no integer code for {type(node).__name__}")

    def _whole_sum(self, node: Any, natural: bool) -> Text:
        # What is added first, then what is subtracted, the number last: t - 1, 2 * i + d.
        terms = [sign_of(term) for term in node.args]
        terms.sort(key=lambda part: (bool(part[1].is_number), part[0], _age(part[1])))
        text = ""
        for minus, term in terms:
            shown = self._whole(term, natural)
            if text:
                text += f" {'-' if minus else '+'} {at_least(_PRODUCT, shown)}"
            else:
                text = f"-{at_least(_SIGN, shown)}" if minus else shown[0]
        return text, _SUM


def _age(node: Any) -> int:
    """Return when the first index of an expression was made: first that of the batches."""
    return min((index.dummy_index for index in node.atoms(Index)), default=sys.maxsize)


def _inner(node: Any) -> int:
    """Return how tightly a condition holds beside ``and``: a comparison does without brackets."""
    return _SUM if isinstance(node, tuple(_RELATIONS)) else _TEST
