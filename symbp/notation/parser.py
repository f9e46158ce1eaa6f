"""parser: a formula written as text becomes a SymPy expression, and nothing in it is ever run.

Python's own grammar reads the text into a syntax tree; a short list of node types is then built
up into an expression, and anything else is refused with its place. SymPy's ``sympify`` and
``parse_expr`` are not used: they execute what they are given.
"""

import ast
import inspect
import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Written, power
from symbp.notation.collected import factors
from symbp.notation.errors import NotationError, suggest
from symbp.notation.functions import OPERATIONS
from symbp.notation.mistakes import mistake
from symbp.notation.standard import translated

__all__ = ["LONGEST", "Name", "names_in", "parse_formula"]

#: How many characters a formula may have, and how deep its parentheses may be nested.
LONGEST = 10_000
DEEPEST = 100
# Numbers of more bits than this do not fit a float; SymPy would compute them exactly, for hours.
_BITS = 1100

# What the notation's functions are called in textbooks.
_ALIASES = {
    "ln": "log", "max": "maximum", "min": "minimum", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arctan2": "atan2", "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh",
    "lgamma": "gammaln", "loggamma": "gammaln",
}  # fmt: skip
_OPTIONAL = {"leaky_relu": 1, "elu": 1, "heaviside": 1}
_CONSTANTS = {"pi": sympy.pi}
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_RELATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: sympy.Lt, ast.LtE: sympy.Le, ast.Gt: sympy.Gt, ast.GtE: sympy.Ge,
    ast.Eq: sympy.Eq, ast.NotEq: sympy.Ne,
}  # fmt: skip


class Name(Written, sympy.Symbol):
    """A name in a formula: a symbol whose sums and products keep the written order.

    It is equal to SymPy's symbol of that name.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, sympy.Symbol) and self._hashable_content() == (
            other._hashable_content()
        )

    def __hash__(self) -> int:
        return hash(sympy.Symbol(self.name, real=True))


def parse_formula(text: str) -> Expr:
    """Read a scalar formula.

    Parameters
    ----------
    text : str
        Numbers, names, ``+ - * / **``, parentheses, and the functions of the notation, such as
        ``"1/(1 + exp(-(w*x + b)))"``. Besides, ``sqrt``, ``ln``, ``max``, ``min`` and ``pi`` are
        known, and ``where(x > 0, a, b)`` takes a comparison.

    Returns
    -------
    SymPy expression
        Each name is a real :class:`Name`; sums and products keep the written order.

    Raises
    ------
    NotationError
        What cannot be read, with its place in the text.

    Examples
    --------
    >>> parse_formula("(x + y) * z")
    (x + y)*z
    """
    if not isinstance(text, str):
        raise NotationError(f"formula: expected text such as '(x + y) * z', got {text!r}")
    if len(text) > LONGEST:
        raise NotationError(f"formula: {len(text)} characters, expected {LONGEST} at the most")
    stripped = " ".join(text.split())
    if not stripped:
        raise NotationError("formula: expected a formula such as '(x + y) * z', got empty text")
    return _Reader(stripped).read()


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of a formula's variables, in the order in which they are written.

    Parameters
    ----------
    text : str
        A formula that :func:`parse_formula` reads.

    Examples
    --------
    >>> names_in("z * exp(0*y)")
    ('z', 'y')
    """
    tree = ast.parse(" ".join(text.split()), mode="eval")
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and id(node) not in functions and node.id not in _CONSTANTS
    ]
    return tuple(dict.fromkeys(n.id for n in sorted(found, key=lambda node: node.col_offset)))


class _Reader:
    """Holds the text, to say where in it something is wrong."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self) -> Expr:
        _check_nesting(self)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(self.text, mode="eval")
        except SyntaxError as error:
            column = min(max(error.offset or 1, 1), len(self.text))
            known = mistake(self.text)
            raise self.error(*known or (column - 1, "cannot be read as a formula")) from None
        except (ValueError, MemoryError, RecursionError):
            raise NotationError(
                f"formula {_short(self.text)!r}: too many operations in one formula"
            ) from None
        return self.expression(tree.body, 0)

    def error(self, where: ast.AST | int, message: str) -> NotationError:
        if isinstance(where, int):
            column = where
        else:
            # Python counts bytes.
            before = self.text.encode()[: getattr(where, "col_offset", 0)]
            column = len(before.decode(errors="ignore"))
        near = _short(self.text[column:], 20)
        return NotationError(
            f"formula {_short(self.text)!r}: {message} (at character {column + 1}: {near!r})"
        )

    def expression(self, node: ast.AST, depth: int) -> Expr:
        """Return the expression of a node, checked to be a finite real number if it is one."""
        if depth > DEEPEST:
            raise self.error(node, f"nested deeper than {DEEPEST} levels")
        result = self._expression(node, depth + 1)
        if result.is_number:
            self._check_number(node, result)
        return result

    def _expression(self, node: ast.AST, depth: int) -> Expr:
        match node:
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.expression(operand, depth)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.expression(operand, depth)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
                return self._chain(node, depth)
            case ast.BinOp(op=ast.Pow(), left=left, right=right):
                return self._power(
                    node, self.expression(left, depth), self.expression(right, depth)
                )
            case ast.BinOp(op=ast.BitXor()):
                # It binds less than +, so the node may begin far to the left.
                raise self.error(self.text.index("^"), "a power is written x**2, not x^2")
            case ast.Call():
                return self._call(node, depth)
            case ast.Compare():
                raise self.error(node, "a comparison can only be the first argument of where")
        raise self.error(node, "expected numbers, names, + - * / **, parentheses and functions")

    def _constant(self, node: ast.AST, value: object) -> Expr:
        if isinstance(value, complex):
            # Python's sign for the imaginary unit; in a formula it is a name.
            raise self.error(node, f"write {value.imag:g}*j")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(node, f"expected a number, got {_short(repr(value), 20)}")
        if isinstance(value, float):
            if not math.isfinite(value):
                raise self.error(node, "too large for a float")
            return sympy.Float(value)
        return sympy.Integer(value)

    def _name(self, node: ast.AST, name: str) -> Expr:
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name in OPERATIONS or name in _ALIASES or name == "sqrt":
            raise self.error(node, f"{name} is a function, write {name}(…)")
        return Name(name, real=True)

    def _chain(self, node: Any, depth: int) -> Expr:
        """Return a sum or a product; a long one leans to the left, so it is walked, not nested."""
        kinds = (ast.Add, ast.Sub) if type(node.op) in (ast.Add, ast.Sub) else (ast.Mult, ast.Div)
        parts: list[tuple[type, Expr]] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, kinds):
            part = self.expression(node.right, depth)
            if isinstance(node.op, ast.Div) and part.is_zero:
                raise self.error(node.right, "division by zero")
            parts.append((type(node.op), part))
            node = node.left
        result = self.expression(node, depth)
        for operation, part in reversed(parts):
            result = _ARITHMETIC[operation](result, part)
        return result

    def _power(self, node: ast.AST, base: Expr, exponent: Expr) -> Expr:
        if base.is_zero and exponent.is_number and not exponent.is_nonnegative:
            raise self.error(node, "division by zero")
        if exponent.is_number:
            numbers = factors(base)
            bits = sum(_bits(factor) for factor in numbers if factor.is_number)
            if bits * abs(float(exponent)) > _BITS:
                raise self.error(node, "too large or too small for a float")
        return power(base, exponent)

    def _call(self, node: ast.Call, depth: int) -> Expr:
        if isinstance(node.func, ast.Constant) and isinstance(node.func.value, (int, float)):
            raise self.error(node, f"write {_short(repr(node.func.value), 20)}*(…)")
        if not isinstance(node.func, ast.Name):
            raise self.error(node, "expected the name of a function before the parentheses")
        written = node.func.id
        name = _ALIASES.get(written, written)
        if name != "sqrt" and name not in OPERATIONS:
            known = {*OPERATIONS, *_ALIASES, "sqrt"}
            raise self.error(node, f"no function {_short(written, 40)!r}; {suggest(name, known)}")
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.error(node, f"{written} takes its arguments one by one")
        self._check_count(node, written, name)
        if name == "where":
            condition = self._condition(node.args[0], depth)
            branches = [self.expression(argument, depth) for argument in node.args[1:]]
            return OPERATIONS["where"].function(condition, *branches)
        arguments = [self.expression(argument, depth) for argument in node.args]
        if name == "sqrt":
            return self._power(node, arguments[0], sympy.Rational(1, 2))
        record = OPERATIONS[name]
        numbers = all(argument.is_number for argument in arguments)
        if numbers and str(record.function.__module__).startswith("symbp.") and record.value:
            # SymPy has no digits of these functions, so a number's is taken at once.
            return sympy.Float(float(record.value(*map(float, arguments))))
        return translated(record.function(*arguments))

    def _check_count(self, node: ast.Call, written: str, name: str) -> None:
        most = 1 if name == "sqrt" else _arity(name)
        count = len(node.args)
        least = 1 if most is None else most - _OPTIONAL.get(name, 0)
        if least <= count and (most is None or count <= most):
            return
        expected = "at least 1" if most is None else str(most)
        if most is not None and least < most:
            expected = f"{least} or {most}"
        plural = "" if most in (1, None) else "s"
        raise self.error(node, f"{written} takes {expected} argument{plural}, got {count}")

    def _condition(self, node: ast.AST, depth: int) -> Any:
        if not (isinstance(node, ast.Compare) and len(node.ops) == 1):
            raise self.error(node, "where takes one comparison first, such as x > 0")
        relation = _RELATIONS.get(type(node.ops[0]))
        if relation is None:
            raise self.error(node, "expected a comparison such as x > 0")
        return relation(
            self.expression(node.left, depth), self.expression(node.comparators[0], depth)
        )

    def _check_number(self, node: ast.AST, number: Expr) -> None:
        try:
            value = complex(number)
        except (OverflowError, TypeError, ValueError):
            raise self.error(node, "no finite number, or too large for a float") from None
        if not math.isfinite(value.real) or not math.isfinite(value.imag):
            raise self.error(node, "no finite number, or too large for a float")
        if value.imag or number.is_extended_real is False:
            raise self.error(node, f"{_short(str(number), 40)} is not a real number")


def _arity(name: str) -> int | None:
    """Return how many arguments a function takes; None for one or more."""
    parameters = inspect.signature(OPERATIONS[name].derivative).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return len(parameters)


def _bits(number: Expr) -> float:
    """Return how many bits the whole numbers in a number have."""
    return float(
        sum(abs(a.p).bit_length() - 1 + abs(a.q).bit_length() - 1 for a in number.atoms(
            sympy.Rational
        ))
    )  # fmt: skip


def _check_nesting(reader: _Reader) -> None:
    # Counted before Python's own parser sees the text: it gives up in unfriendly ways.
    depth = signs = 0
    for position, letter in enumerate(reader.text):
        depth += (letter in "([{") - (letter in ")]}")
        signs = signs + 1 if letter in "+-~* " else 0
        if depth > DEEPEST or signs > DEEPEST:
            raise reader.error(position, f"nested deeper than {DEEPEST} levels")


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
