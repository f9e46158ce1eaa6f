"""NumPy beside elements: its scalars are simply numbers, its arrays and functions are refused.

NumPy asks an operand for ``__array_ufunc__`` before it computes with it, whichever side it stands
on; so ``np.sqrt(2) * v[0]`` and ``v[0] * np.sqrt(2)`` are one product.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from symbp.notation.errors import OperandError

__all__ = ["NumPyOperands", "operand_of", "plain_number", "refuse_array", "short"]

# What NumPy's functions are called in the notation, where it has them.
_FUNCTIONS = {
    "absolute": "abs(…)", "fabs": "abs(…)", "exp": "bp.exp", "expm1": "bp.expm1",
    "log": "bp.log", "log1p": "bp.log1p", "sqrt": "bp.sqrt", "sin": "bp.sin", "cos": "bp.cos",
    "tanh": "bp.tanh", "sign": "bp.sign", "maximum": "bp.maximum", "fmax": "bp.maximum",
    "minimum": "bp.minimum", "fmin": "bp.minimum", "square": "…**2", "reciprocal": "1/…",
    "logaddexp": "bp.log(bp.exp(…) + bp.exp(…))", "negative": "-…", "power": "a**b",
    "float_power": "a**b", "heaviside": "bp.heaviside",
    "tan": "bp.tan", "sinh": "bp.sinh", "cosh": "bp.cosh", "arcsin": "bp.asin",
    "arccos": "bp.acos", "arctan": "bp.atan", "arctan2": "bp.atan2", "arcsinh": "bp.asinh",
    "arccosh": "bp.acosh", "arctanh": "bp.atanh", "floor": "bp.floor", "ceil": "bp.ceil",
    "rint": "bp.round", "round": "bp.round", "fmod": "bp.mod",
    "greater": "a > b", "less": "a < b", "greater_equal": "a >= b", "less_equal": "a <= b",
    "equal": "sympy.Eq(a, b)", "not_equal": "sympy.Ne(a, b)", "logical_and": "(…) & (…)",
    "logical_or": "(…) | (…)", "logical_not": "~(…)", "where": "bp.where(condition, a, b)",
    "clip": "bp.minimum(bp.maximum(…, low), high)", "sum": "bp.Sum(…, k)",
    "mean": "bp.Mean(…, k)", "average": "bp.Mean(…, k)", "max": "bp.Max(…, k)",
    "amax": "bp.Max(…, k)", "min": "bp.Min(…, k)", "amin": "bp.Min(…, k)",
    "dot": "bp.Sum(W[j, k]*x[k], k)", "matmul": "bp.Sum(W[j, k]*x[k], k)",
    "einsum": "bp.Sum(W[j, k]*x[k], k)", "inner": "bp.Sum(a[k]*b[k], k)",
    "tensordot": "bp.Sum(W[j, k]*x[k], k)", "vdot": "bp.Sum(a[k]*b[k], k)",
    "outer": "a[j]*b[k]", "transpose": "W[k, j]", "var": "bp.var(…, k)", "std": "bp.std(…, k)",
    "norm": "bp.norm(…, k)", "prod": "bp.Prod(…, k)", "cumsum": "bp.cumsum(…, k)",
    "cumprod": "bp.cumprod(…, k)",
}  # fmt: skip
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "divide": operator.truediv, "true_divide": operator.truediv, "power": operator.pow,
    "floor_divide": operator.floordiv, "remainder": operator.mod, "matmul": operator.matmul,
    "greater": operator.gt, "greater_equal": operator.ge, "less": operator.lt,
    "less_equal": operator.le, "equal": operator.eq, "not_equal": operator.ne,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
}  # fmt: skip


def plain_number(value: Any) -> Any:
    """Return the Python number that a NumPy scalar or an array without axes is, else None.

    SymPy reads a ``np.float32`` as a number of 24 bits and would go on computing with so many; the
    same value as a Python float keeps every digit of what it meets.
    """
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    if not isinstance(value, np.generic):
        return None
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.floating):
        return float(value)  # a longdouble, too: the modules compute with 64 bits at most
    return complex(value) if isinstance(value, np.complexfloating) else None


def short(value: Any) -> str:
    """Return how a value prints, cut to what fits into a line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def _is_foreign(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic))


def refuse_array(symbol: Any, array: Any) -> OperandError:
    """Return the error for an array, or a NumPy scalar that is no number, beside a symbol."""
    if isinstance(array, np.generic):
        return OperandError(f"{short(array)} beside {short(symbol)}: expected a real number")
    return OperandError(
        f"an array of shape {array.shape} beside {short(symbol)}: an equation reads an array "
        f"through a tensor; declare it with bp.input or bp.parameter and write its element, such "
        f"as c[k]"
    )


class NumPyOperands:
    """Base of what stands beside a number of NumPy in a formula."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        compute = _OPERATORS.get(ufunc.__name__)
        if compute is None or method != "__call__" or options or len(inputs) != 2:
            raise _function_of_numpy(ufunc.__name__, self)
        return compute(*(operand_of(value, self) for value in inputs))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        raise _function_of_numpy(function.__name__, self)


def _function_of_numpy(name: str, symbol: Any) -> OperandError:
    ours = _FUNCTIONS.get(name)
    write = f"write {ours}" if ours else "write its formula, or see bp.function"
    return OperandError(f"np.{name} computes with numbers, {short(symbol)} has none yet: {write}")


def operand_of(value: Any, beside: Any) -> Any:
    """Return an operand as a formula takes it: a NumPy scalar as a number; refuse an array.

    Parameters
    ----------
    value : object
        The operand.
    beside : object
        The other one, named in the message.
    """
    if not _is_foreign(value):
        return value
    number = plain_number(value)
    if number is None:
        raise refuse_array(beside, value)
    return number


def _with_numbers(name: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return getattr(super(NumPyOperands, self), name)(operand_of(other, self))

    method.__name__ = name
    return method


# SymPy's operators read a NumPy scalar by themselves, in its own precision: see plain_number.
for _name in ("add", "sub", "mul", "truediv", "pow"):
    for _method in (f"__{_name}__", f"__r{_name}__"):
        setattr(NumPyOperands, _method, _with_numbers(_method))
