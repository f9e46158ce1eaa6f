"""The functions that SymPy has, too, as functions of the notation.

They are subclasses of SymPy's, so that whatever knows ``sympy.exp`` knows them; their sums and
products keep the written order (see :mod:`symbp.notation.arithmetic`), and nothing in their
argument is rearranged. An equation translates SymPy's own into them.
"""

import functools
from collections.abc import Callable, Collection
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.announced import announce
from symbp.notation.arguments import argument_of
from symbp.notation.arithmetic import Plus, Power, Times, Written, is_written, power

__all__ = [
    "Abs", "cos", "erf", "exp", "log", "sign", "sin", "sqrt", "tanh", "translate", "translated",
    "translated_kinds",
]  # fmt: skip


class _Standard(Written):
    """Base of the notation's versions of SymPy's functions: numbers are evaluated, no more."""

    __slots__ = ()

    def __new__(cls, argument: Any, **options: Any) -> Any:
        """Return the application to a checked argument."""
        given = argument_of(argument, cls.__name__)
        if given.is_number:
            return cls._of_number(given, **options)
        simplified = cls._simplified(given)
        if simplified is not None:
            return simplified
        made = Expr.__new__(cls, given)
        made.nargs = sympy.FiniteSet(1)
        return made

    @classmethod
    def _of_number(cls, number: Expr, **options: Any) -> Expr:
        value: Expr = _of_sympy(cls)(number, **options)
        return value

    @classmethod
    def _simplified(cls, argument: Expr) -> Expr | None:
        """Return what the application is without it, where that holds for all real numbers."""
        return None

    def _eval_power(self, exponent: Any) -> None:
        """Keep a power as it was written."""


class exp(_Standard, sympy.exp):  # noqa: N801 - functions are written in lower case
    """The exponential function."""

    @classmethod
    def _simplified(cls, argument: Expr) -> Expr | None:
        return argument.args[0] if isinstance(argument, sympy.log) else None


class log(_Standard, sympy.log):  # noqa: N801
    """The natural logarithm; ``-inf`` at 0 and NaN below."""

    @classmethod
    def _of_number(cls, number: Expr, **options: Any) -> Expr:
        # SymPy's is the infinity of the complex plane, which has no sign.
        return -sympy.oo if number.is_zero else super()._of_number(number, **options)

    @classmethod
    def _simplified(cls, argument: Expr) -> Expr | None:
        return argument.args[0] if isinstance(argument, sympy.exp) else None


class tanh(_Standard, sympy.tanh):  # noqa: N801
    """The hyperbolic tangent."""


class sin(_Standard, sympy.sin):  # noqa: N801
    """The sine of an angle in radians."""


class cos(_Standard, sympy.cos):  # noqa: N801
    """The cosine of an angle in radians."""


class erf(_Standard, sympy.erf):  # noqa: N801
    """The error function."""


class Abs(_Standard, sympy.Abs):
    """The absolute value; its derivative at 0 is 0."""

    @classmethod
    def _simplified(cls, argument: Expr) -> Expr | None:
        number, rest = argument.as_coeff_Mul()
        if number.is_negative:
            return cls(-argument)
        return argument if isinstance(rest, Abs) else None


announce(Abs)


class sign(_Standard, sympy.sign):  # noqa: N801
    """-1, 0 or 1."""


def sqrt(argument: Any) -> Expr:
    """Return the square root, a power of one half."""
    return power(argument_of(argument, "sqrt"), sympy.S.Half)


def _of_sympy(cls: type) -> Any:
    return next(base for base in cls.__mro__ if base in _TRANSLATED)


_TRANSLATED: dict[type, Any] = {
    sympy.Add: Plus,
    sympy.Mul: Times,
    sympy.Pow: Power,
    sympy.exp: exp,
    sympy.log: log,
    sympy.tanh: tanh,
    sympy.sin: sin,
    sympy.cos: cos,
    sympy.erf: erf,
    sympy.Abs: Abs,
    sympy.sign: sign,
}


def translated_kinds() -> Collection[type]:
    """Return the classes of SymPy that the notation has versions of."""
    return _TRANSLATED.keys()


def translate(kind: type, function: Callable[..., Any]) -> None:
    """Let a function of the notation stand for one of SymPy's from now on."""
    _TRANSLATED[kind] = function


def translated(expression: Any) -> Any:
    """Return an expression or condition with SymPy's sums, products, powers and functions as ours.

    A function of SymPy's that is none of ours is written in those that are, if SymPy knows how.
    What holds nothing of the notation, such as the arithmetic of indices, stays SymPy's.
    """
    if not _holds_translated(expression):
        return expression
    done: dict[Any, Any] = {}

    def visit(node: Any) -> Any:
        if node.is_Atom or (isinstance(node, Written) and node.is_element) or not is_written(node):
            return node
        if node not in done:
            arguments = [visit(argument) for argument in node.args]
            kind = _TRANSLATED.get(type(node))
            if kind is not None:
                done[node] = kind(*arguments)
            elif _is_rewritten(node):
                done[node] = _in_known_functions(type(node), arguments)
            else:
                same = all(new is old for new, old in zip(arguments, node.args, strict=True))
                done[node] = node if same else node.func(*arguments)
        return done[node]

    return visit(expression)


# What SymPy is asked to write a function in, one after another.
_TARGETS = (
    sympy.cos, sympy.sin, sympy.cosh, sympy.sinh, sympy.tanh, sympy.acos, sympy.asin, sympy.atan,
    sympy.acosh, sympy.asinh, sympy.atanh, sympy.erf, sympy.floor, sympy.gamma, sympy.exp,
    sympy.log,
)  # fmt: skip
# Where a quotient of two of those overflows or rounds more often.
_BEFORE = {sympy.coth: sympy.tanh, sympy.cot: sympy.tan}
_OTHERS = (sympy.Piecewise, sympy.Max, sympy.Min)


def _is_rewritten(node: Any) -> bool:
    """Whether a function is SymPy's and none of those that the notation has versions of."""
    kind = type(node)
    return (
        isinstance(node, sympy.Function)
        and kind not in _TRANSLATED
        and not isinstance(node, (Written, *_OTHERS))
        and str(kind.__module__).startswith("sympy.functions.")
    )


def _in_known_functions(kind: Any, arguments: list[Any]) -> Any:
    """Return a function of SymPy's in functions of the notation; as it is if there is no way."""
    names = tuple(sympy.Dummy(f"x{place}", real=True) for place in range(len(arguments)))
    formula = _rewritten(kind, names)
    if formula is None:
        return kind(*arguments)
    given = dict(zip(names, arguments, strict=True))

    def visit(node: Any) -> Any:
        if node in given:
            return given[node]
        if not node.free_symbols.intersection(given):
            return node
        inner = [visit(each) for each in node.args]
        return _TRANSLATED.get(type(node), node.func)(*inner)

    return visit(formula)


@functools.cache
def _rewritten(kind: Any, names: tuple[Any, ...]) -> Any:
    """Return a function of some names as SymPy writes it in known functions, or None."""
    node = kind(*names)
    for target in (_BEFORE.get(kind, sympy.cos), *_TARGETS):
        formula = node.rewrite(target)
        unknown = any(_is_rewritten(each) for each in formula.atoms(sympy.Function))
        if not unknown and not formula.has(sympy.I, *_OTHERS):
            return formula
    return None


def _holds_translated(expression: Any) -> bool:
    """Whether there is anything of SymPy's to translate; most expressions have been once."""
    left = [expression]
    while left:
        node = left.pop()
        if (type(node) in _TRANSLATED or _is_rewritten(node)) and is_written(node):
            return True
        if not (isinstance(node, Written) and node.is_element):
            left.extend(node.args)
    return False
