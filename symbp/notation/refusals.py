"""Refusals: what Python lets one write of elements that has no meaning before there are numbers.

``float(z)``, ``z // 2``, ``sum(z, k)``, ``W @ x`` and the like are answered in one line that says
what to write instead. Comparisons are not refused: they are conditions, which are no bools.
"""

import sys
from types import FrameType
from typing import Any, NoReturn

import numpy as np
import sympy

from symbp.notation.announced import application
from symbp.notation.conditions import comparison
from symbp.notation.errors import NotationError, OperandError
from symbp.notation.numpy_operands import NumPyOperands, plain_number, refuse_array, short

__all__ = ["Refusals", "Symbolic"]


class NoAttributeError(NotationError, AttributeError):
    """A symbol has no such attribute; arrays may have one."""


# What arrays are asked for, and what it is in the notation.
_OF_ARRAYS = {
    **dict.fromkeys(("T", "permute", "swapaxes"), "axes have names: write W[k, j] for W[j, k]"),
    **dict.fromkeys(("dot", "matmul", "mm"), "a product is a sum: bp.Sum(W[j, k]*x[k], k)"),
    **dict.fromkeys(
        ("sum", "mean", "max", "amax"), "write bp.Sum(x[k], k), bp.Mean(x[k], k), bp.Max(x[k], k)"
    ),
    **dict.fromkeys(("min", "amin"), "write bp.Min(x[k], k)"),
    **{name: f"write bp.{name}(x[k], k)" for name in ("var", "std", "norm", "cumsum", "cumprod")},
    "prod": "write bp.Prod(x[k], k)",
    **dict.fromkeys(
        ("reshape", "flatten", "ravel", "squeeze", "view"),
        "an element is named by its indices, in whatever order and number they are",
    ),
    **dict.fromkeys(("abs", "pow", "square"), "write abs(x[k]), x[k]**2"),
    **{
        name: f"write bp.{name}(x[k])"
        for name in (
            "exp",
            "log",
            "sqrt",
            "tanh",
            "sin",
            "cos",
            "tan",
            "sigmoid",
            "relu",
            "sign",
            "erf",
            "floor",
            "ceil",
            "round",
        )
    },
    **dict.fromkeys(("softmax", "log_softmax"), "write bp.softmax(x[k], k)"),
    **dict.fromkeys(("clip", "clamp"), "write bp.minimum(bp.maximum(x[k], low), high)"),
    **dict.fromkeys(
        ("backward", "grad"), "derivatives are bp.derive(bp.Program(equations, cost=C))"
    ),
}


class Conditions:
    """Base of what is compared: ``a > b`` is a condition of the notation."""

    __slots__ = ()

    def __lt__(self, other: Any) -> Any:
        return comparison(super().__lt__(_number(other)))  # type: ignore[misc]

    def __le__(self, other: Any) -> Any:
        return comparison(super().__le__(_number(other)))  # type: ignore[misc]

    def __gt__(self, other: Any) -> Any:
        return comparison(super().__gt__(_number(other)))  # type: ignore[misc]

    def __ge__(self, other: Any) -> Any:
        return comparison(super().__ge__(_number(other)))  # type: ignore[misc]


class Symbolic(Conditions, NumPyOperands):
    """Base of elements, indices and what is made of them: no numbers yet."""

    __slots__ = ()
    _args: tuple[Any, ...]
    # An element's subscripts are whole numbers: nothing that translates values looks into it.
    is_element = False
    # Whether it has symbols of its own, which are not free.
    binds = False

    def __float__(self) -> float:
        return float(_converted(super(), "__float__", self))

    def __int__(self) -> int:
        return int(_converted(super(), "__int__", self))

    def __complex__(self) -> complex:
        return complex(_converted(super(), "__complex__", self))

    def __format__(self, specification: str) -> str:
        if not specification:
            return str(self)
        raise OperandError(
            f"{short(self)} has no number to print as {specification!r}; a trainer's predict and "
            f"bp.trace give numbers"
        )

    @property
    def _argset(self) -> tuple[Any, ...]:
        # SymPy's traversals ask each node for it, and a refusal takes long.
        arguments: tuple[Any, ...] = self.args
        return arguments

    def atoms(self, *types: Any) -> set[Any]:
        """Return the parts of some types, by default those without parts, as SymPy does.

        Every pass asks that of every equation; SymPy's own answer takes several times as long.
        """
        kinds = tuple(each if isinstance(each, type) else type(each) for each in types)
        kinds = kinds or (sympy.Atom,)
        found: set[Any] = set()
        left: list[Any] = [self]
        while left:
            node = left.pop()
            if isinstance(node, kinds):
                found.add(node)
            left += node._args
        return found

    @property
    def free_symbols(self) -> set[Any]:
        """The symbols that stand in it, as SymPy finds them."""
        found: set[Any] = set()
        left: list[Any] = [self]
        while left:
            node = left.pop()
            if isinstance(node, sympy.Symbol):
                found.add(node)
            elif isinstance(node, Symbolic) and not node.binds:
                left += node._args
            elif node._args:
                found |= node.free_symbols
        return found

    def has(self, *patterns: Any) -> bool:
        """Return whether a part is of some types, or equal to some expressions, as SymPy does."""
        if not all(isinstance(each, type) for each in patterns):
            return bool(super().has(*patterns))  # type: ignore[misc]
        left: list[Any] = [self]
        while left:
            node = left.pop()
            if isinstance(node, patterns):
                return True
            left += node._args
        return False

    def __getattr__(self, name: str) -> Any:
        told = _OF_ARRAYS.get(name)
        if told is None:  # asked often by SymPy, which tries what there is: nothing is printed
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise NoAttributeError(f"{short(self)} has no attribute {name!r}: {told}")


def _is_library(frame: FrameType) -> bool:
    """Whether a line of SymPy's or symbp's own runs, and not one of the user's."""
    return frame.f_globals.get("__name__", "").partition(".")[0] in ("sympy", "symbp")


class _NotIterable:
    """What ``iter`` finds: a refusal. SymPy takes what has one for a list, and finds none."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None or _is_library(sys._getframe(1)):
            raise AttributeError("__iter__")

        def refuse() -> NoReturn:
            raise OperandError(
                f"{short(instance)} is one number and cannot be run through: a sum over an index k "
                f"is bp.Sum({short(instance)}, k), the largest value bp.Max({short(instance)}, k)"
            )

        return refuse


class Refusals(Symbolic):
    """Base of elements and of what is made of them: not numbers, and not arrays either."""

    __slots__ = ()

    def __bool__(self) -> bool:
        # SymPy and symbp ask `if expression:` of what may be missing, and there is one.
        if _is_library(sys._getframe(1)):
            return True
        raise OperandError(
            f"{short(self)} is neither true nor false before there are numbers: write "
            f"bp.where({short(self)} > 0, a, b), or whichever condition is meant"
        )

    def __index__(self) -> int:
        raise OperandError(
            f"{short(self)} is no int: it has no number yet; a range of numbers is an index, "
            f"bp.Index('i', 3), and an element of an integer tensor may stand in a subscript"
        )

    def __round__(self, digits: Any = None) -> NoReturn:
        raise _steps("round", self)

    def __trunc__(self) -> NoReturn:
        raise _steps("trunc", self)

    def __floor__(self) -> NoReturn:
        raise _steps("floor", self)

    def __ceil__(self) -> NoReturn:
        raise _steps("ceil", self)

    def __floordiv__(self, other: Any) -> Any:
        number, divisor = _whole(self), _divisor(other)
        if number is not None and divisor is not None:
            return _whole(sympy.floor(number / divisor, evaluate=False))
        raise _steps(f"{short(self)} // {short(other)}", self)

    def __rfloordiv__(self, other: Any) -> NoReturn:
        raise _steps(f"{short(other)} // {short(self)}", self)

    def __mod__(self, other: Any) -> Any:
        number, divisor = _whole(self), _divisor(other)
        if number is not None and divisor is not None:
            return _whole(sympy.Mod(number, divisor, evaluate=False))
        raise _steps(f"{short(self)} % {short(other)}", self)

    def __rmod__(self, other: Any) -> NoReturn:
        raise _steps(f"{short(other)} % {short(self)}", self)

    def __divmod__(self, other: Any) -> NoReturn:
        raise _steps("divmod", self)

    def __rdivmod__(self, other: Any) -> NoReturn:
        raise _steps("divmod", self)

    def __len__(self) -> int:
        raise OperandError(
            f"{short(self)} is one number and has no length; the number of values that an index "
            f"takes is its extent, such as k.extent"
        )

    __iter__ = _NotIterable()

    def __contains__(self, value: Any) -> NoReturn:
        raise OperandError(f"{short(self)} is one number, nothing is in it")

    def __matmul__(self, other: Any) -> NoReturn:
        raise _product(self, other)

    def __rmatmul__(self, other: Any) -> NoReturn:
        raise _product(other, self)

    def __and__(self, other: Any) -> NoReturn:
        raise _logic("&", self, other)

    def __rand__(self, other: Any) -> NoReturn:
        raise _logic("&", other, self)

    def __or__(self, other: Any) -> NoReturn:
        raise _logic("|", self, other)

    def __ror__(self, other: Any) -> NoReturn:
        raise _logic("|", other, self)

    def __invert__(self) -> NoReturn:
        raise OperandError(f"~{short(self)}: ~ negates a condition, such as ~(a > 0)")

    def __xor__(self, other: Any) -> NoReturn:
        raise _power(self, other)

    def __rxor__(self, other: Any) -> NoReturn:
        raise _power(other, self)

    @property
    def _diff_wrt(self) -> bool:
        # SymPy asks this of what it is to differentiate by; it knows nothing of indices.
        raise NotationError(
            f"SymPy's diff does not differentiate by {short(self)}: b[k] and b[j] may be one "
            f"number; write bp.derive(bp.Program(equations, cost=C)).gradient(name), or in an "
            f"equation bp.Derivative(u[n], x[n, 0])"
        )


def _whole(value: Any) -> Any:
    """Return a sum of integer data and indices as SymPy's own, None for what is none."""
    return application("whole_number", value)


def _divisor(value: Any) -> int | None:
    number = _number(value)
    whole = isinstance(number, (int, sympy.Integer)) and not isinstance(number, bool)
    return int(number) if whole and number > 0 else None


def _number(value: Any) -> Any:
    number = plain_number(value)
    return value if number is None else number


def _converted(parent: Any, name: str, value: Any) -> Any:
    try:
        return getattr(parent, name)()
    except TypeError:
        raise OperandError(
            f"{short(value)} has no number yet, {name.strip('_')}() and the functions of math "
            f"need one: write bp.exp, bp.log, bp.sqrt, … for math.exp, math.log, math.sqrt, …"
        ) from None


def _steps(name: str, value: Any) -> OperandError:
    written = name if " " in name else f"{name}({short(value)})"
    return OperandError(
        f"{written}: rounding and remainders are for indices, such as t // 2; of values they are "
        f"bp.floor(a / b), bp.ceil(a), bp.round(a) and bp.mod(a, b), a quotient is a / b"
    )


def _product(left: Any, right: Any) -> OperandError:
    for symbol, other in ((left, right), (right, left)):
        if isinstance(other, np.ndarray):
            return refuse_array(symbol, other)
    return OperandError(
        f"{short(left)} @ {short(right)}: a product of matrices is a sum over the index that they "
        f"share, {_sum_of(left, right)}; bp.from_matrices takes SymPy's matrices"
    )


def _sum_of(left: Any, right: Any) -> str:
    """Return the sum that a product of two matrices is, or one as an example."""
    # Of a tensor, its element.
    factors = [getattr(factor, "element", factor) for factor in (left, right)]
    first, second = (getattr(factor, "free_symbols", frozenset[Any]()) for factor in factors)
    shared = sorted(first & second, key=str)
    if not shared:
        return "such as bp.Sum(W[j, k]*x[k], k)"
    return f"bp.Sum({'*'.join(map(short, factors))}, {', '.join(map(str, shared))})"


def _logic(operator: str, left: Any, right: Any) -> OperandError:
    return OperandError(
        f"{short(left)} {operator} {short(right)}: {operator} joins conditions and binds more "
        f"tightly than a comparison: write (a > 0) {operator} (b > 0)"
    )


def _power(base: Any, exponent: Any) -> OperandError:
    return OperandError(f"{short(base)} ^ {short(exponent)}: a power is {base}**{exponent}")
