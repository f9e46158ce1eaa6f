"""Conditions: comparisons of elements and indices that say what to write where Python wants a bool.

``z > 0`` is a condition, to be chosen by ``where``; ``a if z > 0 else b``, ``max(z, 0)``, ``and``
and ``0 < z < 1`` ask it whether it is true, which nobody knows before there are numbers. SymPy's
own comparisons answer that in words of their own, and SymPy's ``And`` counts as true; so the ones
made here are subclasses with a better answer. A formula holds SymPy's: ``settled`` gives them back.
"""

import functools
from typing import Any, NoReturn

import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from symbp.notation.errors import OperandError

__all__ = ["compared", "comparison", "in_our_words", "settled"]


class _Condition:
    """What the conditions of the notation have in common: they are no bool."""

    __slots__ = ()
    args: tuple[Any, ...]

    @property
    def func(self) -> Any:
        """SymPy's own class: what is rebuilt from it, or negated, is SymPy's."""
        return _SYMPYS[type(self)]

    def __bool__(self) -> NoReturn:
        raise OperandError(undecided(str(self)))

    # Equal to SymPy's own, so that it is found by it in a formula.
    def __eq__(self, other: object) -> bool:
        return bool(settled(self) == settled(other))

    def __hash__(self) -> int:
        return hash(settled(self))

    def __and__(self, other: Any) -> Any:
        return _And(self, other)

    def __or__(self, other: Any) -> Any:
        return _Or(self, other)

    def __invert__(self) -> Any:
        return comparison(_Not(self))

    __rand__, __ror__ = __and__, __or__


class _Greater(_Condition, sympy.StrictGreaterThan):
    __slots__ = ()


class _GreaterOrEqual(_Condition, sympy.GreaterThan):
    __slots__ = ()


class _Less(_Condition, sympy.StrictLessThan):
    __slots__ = ()


class _LessOrEqual(_Condition, sympy.LessThan):
    __slots__ = ()


class _And(_Condition, sympy.And):
    __slots__ = ()


class _Or(_Condition, sympy.Or):
    __slots__ = ()


class _Not(_Condition, sympy.Not):
    __slots__ = ()


_OURS: dict[type, type] = {
    sympy.StrictGreaterThan: _Greater,
    sympy.GreaterThan: _GreaterOrEqual,
    sympy.StrictLessThan: _Less,
    sympy.LessThan: _LessOrEqual,
}
_SYMPYS: dict[type, type] = {
    **{ours: theirs for theirs, ours in _OURS.items()},
    _And: sympy.And,
    _Or: sympy.Or,
    _Not: sympy.Not,
}
# SymPy 1.13 says no more; later ones add which.
_WORDS_OF_SYMPY = "cannot determine truth value of Relational"


def comparison(result: Any) -> Any:
    """Return a comparison of SymPy as one of the notation; anything else as it is."""
    ours = _OURS.get(type(result))
    return result if ours is None else sympy.Basic.__new__(ours, *result.args)


def settled(condition: Any) -> Any:
    """Return a condition whose comparisons, and what joins them, are SymPy's own."""
    if isinstance(condition, Relational):
        theirs = _SYMPYS.get(type(condition))
        return condition if theirs is None else Relational.__new__(theirs, *condition.args)
    if isinstance(condition, (sympy.And, sympy.Or, sympy.Not)):
        return condition.func(*map(settled, condition.args))
    return condition


def compared(kind: Any, left: Any, right: Any) -> Any:
    """Return a comparison of SymPy, or what it is known to be for all numbers.

    Parameters
    ----------
    kind : type
        Such as ``sympy.Eq``.
    left, right : SymPy expression
        What is compared.
    """
    known = None if _is_open(left, right) else _decided(kind, left, right)
    return Relational.__new__(kind, left, right) if known is None else known


def _is_open(left: Any, right: Any) -> bool:
    """Whether the difference of two values can be any number, as one of its terms can.

    A term that is a number times an element that stands nowhere else.
    """
    terms = [term for side in (left, right) for term in (side.args if side.is_Add else (side,))]
    for term in terms:
        rest = term.as_coeff_Mul()[1] if term.is_Mul else term
        if getattr(rest, "is_element", False) and rest.tensor.kind == "real":
            others = (other for other in terms if other is not term)
            if not any(rest in other.atoms(type(rest)) for other in others):
                return True
    return False


# SymPy tries for long to find out, and the same comparison comes again in every pass.
@functools.lru_cache(maxsize=4096)
def _decided(kind: Any, left: Any, right: Any) -> Any:
    result = kind(left, right)
    return result if isinstance(result, BooleanAtom) else None


def undecided(condition: str) -> str:
    """Return what to say where a condition is asked whether it is true."""
    if len(condition) > 60:
        condition = f"{condition[:59]}…"
    return (
        f"{condition} is a condition, neither true nor false before there are numbers: write "
        f"bp.where(condition, a, b) for `a if condition else b`, bp.maximum(a, b) or "
        f"bp.minimum(a, b) for max and min, and (a > 0) & (b > 0), | and ~ for `and`, `or`, `not` "
        f"and for chains such as 0 < a < 1"
    )


def in_our_words(error: BaseException) -> str:
    """Return the message of an error that a user's own formula raised, in words of the notation.

    The comparison of a SymPy function, unlike that of an element, is SymPy's.
    """
    message = str(error)
    if message.startswith(_WORDS_OF_SYMPY):
        which = message.removeprefix(_WORDS_OF_SYMPY).removeprefix(": ")
        return undecided(which or "a comparison")
    return message
